"""A guarded function runs only with its permit; the side-effect list is the only witness."""

from __future__ import annotations

import asyncio
import enum
import functools
import inspect
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from permit0.errors import GatewayRefused, InvalidInput, OutcomeUnrecorded, Permit0Error
from permit0.model.claims import Observed
from permit0.testing.gateway import GatewayLab
from permit0.testing.tokens import ACTION


def refused(code: str, call: Callable[[], object]) -> None:
    with pytest.raises(Permit0Error) as refusal:
        call()
    assert refusal.value.reason_code == code


def test_function_runs_once_with_its_permit(lab: GatewayLab) -> None:
    ran: list[object] = []

    @lab.gateway().tool(ACTION)
    def wire(amount: int, recipient: str = "Vendor Alpha", *tags: str, **more: object) -> str:
        """Send money."""
        ran.append((amount, recipient, tags, more))
        return "sent"

    full = {"amount": 5, "recipient": "Vendor Alpha", "tags": []}
    permit = lab.token(full)
    assert wire(5, permit=permit) == "sent"
    refused("token_replayed", lambda: wire(5, permit=permit))
    refused("token_arguments_mismatch", lambda: wire(6, permit=lab.token(full)))
    refused("token_arguments_mismatch", lambda: wire(5, memo="x", permit=lab.token(full)))
    refused("token_missing", lambda: wire(5))
    refused("token_missing", lambda: wire(5, permit=None))
    more = {"amount": 6, "recipient": "B", "tags": ["x"], "memo": [1]}
    assert wire(6, "B", "x", memo=[1], permit=lab.token(more)) == "sent"
    assert ran == [(5, "Vendor Alpha", (), {}), (6, "B", ("x",), {"memo": [1]})]
    assert lab.words() == [
        "authorized", "ran", "token_replayed", "token_arguments_mismatch",
        "token_arguments_mismatch", "token_missing", "token_missing", "authorized", "ran",
    ]  # fmt: skip
    assert {event.tool for event in lab.events()} == {"wire"}
    assert wire.__doc__ == "Send money."
    assert list(inspect.signature(wire).parameters) == [
        "amount", "recipient", "tags", "permit", "more",
    ]  # fmt: skip
    assert not hasattr(wire, "__wrapped__")


def test_coroutine_function_takes_the_same_path(lab: GatewayLab) -> None:
    ran: list[int] = []

    @lab.gateway().tool(ACTION)
    async def wire(amount: int) -> str:
        await asyncio.sleep(0)
        ran.append(amount)
        if amount == 3:
            raise KeyError("x")
        return "sent"

    assert inspect.iscoroutinefunction(wire)
    assert asyncio.run(wire(5, permit=lab.token({"amount": 5}))) == "sent"
    refused("token_missing", lambda: asyncio.run(wire(5)))
    refused(
        "token_arguments_mismatch", lambda: asyncio.run(wire(6, permit=lab.token({"amount": 5})))
    )
    with pytest.raises(KeyError):
        asyncio.run(wire(3, permit=lab.token({"amount": 3})))
    assert ran == [5, 3]
    assert lab.events()[-1].refs["error"] == "KeyError"


def test_coroutine_that_is_cancelled_is_on_record(lab: GatewayLab) -> None:
    @lab.gateway().tool(ACTION)
    async def wire(amount: int) -> None:
        await asyncio.sleep(60)

    async def cancel() -> None:
        task = asyncio.ensure_future(wire(5, permit=lab.token({"amount": 5})))
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(cancel())
    assert lab.words() == ["authorized", "ran"]
    assert lab.events()[-1].refs["error"] == "CancelledError"


def test_of_two_coroutines_with_one_token_one_runs(lab: GatewayLab) -> None:
    ran: list[int] = []

    @lab.gateway().tool(ACTION)
    async def wire(amount: int) -> None:
        await asyncio.sleep(0)
        ran.append(amount)

    async def both() -> list[object]:
        permit = lab.token({"amount": 5})
        calls = [wire(5, permit=permit) for _ in range(8)]
        return list(await asyncio.gather(*calls, return_exceptions=True))

    answers = asyncio.run(both())
    assert ran == [5]
    assert sum(isinstance(answer, Permit0Error) for answer in answers) == 7


def test_function_gets_what_was_digested(lab: GatewayLab) -> None:
    class Size(enum.StrEnum):
        BIG = "big"

    class Loud(str):
        __slots__ = ()

    ran: list[Any] = []

    @lab.gateway().tool(ACTION)
    def make(size: str, parts: object, weight: float, name: str) -> None:
        ran.append((size, parts, weight, name))

    arguments = {"size": "big", "parts": [1, 2], "weight": 1, "name": "x"}
    make(Size.BIG, (1, 2), 1.0, Loud("x"), permit=lab.token(arguments))
    assert ran == [("big", (1, 2), 1, "x")]
    assert type(ran[0][3]) is str


def test_object_changed_while_it_runs_changes_nothing(lab: GatewayLab) -> None:
    to = ["ann@acme-corp.com"]
    ran: list[object] = []

    @lab.gateway().tool("email.send")
    def send(to_all: list[str]) -> None:
        to.append("x@elsewhere.example")
        ran.append(list(to_all))

    send(to, permit=lab.token({"to_all": list(to)}, action="email.send"))
    assert ran == [["ann@acme-corp.com"]]


def test_method_context_partial_and_callable_object(lab: GatewayLab) -> None:
    gateway = lab.gateway()
    ran: list[object] = []

    class Bank:
        @gateway.tool(ACTION)
        def wire(self, amount: int) -> None:
            ran.append((type(self).__name__, amount))

        def pay(self, amount: int) -> None:
            ran.append(amount)

        async def __call__(self, amount: int) -> None:
            ran.append(("called", amount))

    def plain(connection: object, amount: int) -> None:
        ran.append(connection)

    Bank().wire(5, permit=lab.token({"amount": 5}))
    gateway.tool(ACTION)(Bank().pay)(5, permit=lab.token({"amount": 5}))
    asyncio.run(gateway.tool(ACTION)(Bank())(5, permit=lab.token({"amount": 5})))
    program = object()
    guarded = gateway.tool(ACTION, context=["connection"])(plain)
    guarded(program, 5, permit=lab.token({"amount": 5}))
    bound = gateway.tool(ACTION)(functools.partial(plain, None))
    bound(7, permit=lab.token({"amount": 7}))
    assert ran == [("Bank", 5), 5, ("called", 5), program, None]


def test_plain_function_may_not_hide_an_argument_behind_the_name_of_a_class(
    lab: GatewayLab,
) -> None:
    ran: list[str] = []

    @lab.gateway().tool(ACTION)
    def classify(cls: str) -> None:
        ran.append(cls)

    refused("token_arguments_mismatch", lambda: classify("evil", permit=lab.token({})))
    classify("good", permit=lab.token({"cls": "good"}))
    assert ran == ["good"]


def test_decorated_coroutine_function_is_awaited_before_its_outcome_is_recorded(
    lab: GatewayLab,
) -> None:
    ran: list[int] = []

    async def wire(amount: int) -> str:
        ran.append(amount)
        return "sent"

    @functools.wraps(wire)
    def outer(amount: int) -> Any:
        return wire(amount)

    guarded = lab.gateway().tool(ACTION)(outer)
    assert asyncio.run(guarded(5, permit=lab.token({"amount": 5}))) == "sent"
    assert lab.words() == ["authorized", "ran"]


class Iterates:
    def __call__(self, amount: int) -> Iterator[int]:
        yield amount


def generator(amount: int) -> Iterator[int]:
    yield amount


async def async_generator(amount: int) -> Any:
    yield amount


def takes_permit(permit: str) -> None: ...


@pytest.mark.parametrize(
    ("function", "code"),
    [
        (generator, "tool_generator"),
        (async_generator, "tool_generator"),
        (functools.partial(generator, 1), "tool_generator"),
        (Iterates(), "tool_generator"),
        (takes_permit, "tool_parameter_taken"),
        ("text", "tool_not_callable"),
        (dict, "tool_signature_unknown"),
    ],
)
def test_what_cannot_be_guarded_is_refused_when_it_is_wrapped(
    lab: GatewayLab, function: Any, code: str
) -> None:
    refused(code, lambda: lab.gateway().tool(ACTION)(function))


@pytest.mark.parametrize("action", ["payments", "Payments.Transfer", "payments.transfer\n", ""])
def test_action_of_another_form_is_refused_when_it_is_wrapped(lab: GatewayLab, action: str) -> None:
    refused("unknown_action", lambda: lab.gateway().tool(action))


def test_arguments_that_do_not_fit_are_a_recorded_refusal(lab: GatewayLab) -> None:
    @lab.gateway().tool(ACTION)
    def wire(amount: int, /, **more: object) -> None: ...

    permit = lab.token({"amount": 5})
    refused("arguments_do_not_fit", lambda: wire(permit=permit))
    refused("argument_conflict", lambda: wire(5, amount=6, permit=permit))
    wire(5, permit=permit)
    assert lab.words() == ["arguments_do_not_fit", "argument_conflict", "authorized", "ran"]


def test_broken_object_among_the_arguments_is_a_refusal(lab: GatewayLab) -> None:
    class Broken(dict[str, object]):
        def items(self) -> Any:
            raise ZeroDivisionError

    @lab.gateway().tool(ACTION)
    def wire(amount: object) -> None:
        raise AssertionError

    refused("argument_type_unsupported", lambda: wire(Broken(), permit=lab.token({"amount": {}})))


def test_name_that_claims_to_be_another_one_is_its_text(lab: GatewayLab) -> None:
    class Both(str):
        """`memo` at first; once the call was read, it says that it is `to`."""

        __slots__ = ()
        lies = False

        def __eq__(self, other: object) -> bool:
            return other == "to" if Both.lies else other is self

        def __hash__(self) -> int:
            return hash("to")

    def observe(action: str, arguments: object) -> Observed:
        Both.lies = True
        return Observed()

    ran: list[object] = []

    @lab.gateway(observe=observe).tool(ACTION)
    def wire(**more: object) -> None:
        ran.append(more)

    wire(**{Both("memo"): "x", "to": "Ann"}, permit=lab.token({"memo": "x", "to": "Ann"}))
    assert ran == [{"memo": "x", "to": "Ann"}]


def test_what_ran_without_a_record_says_so_and_keeps_the_result(lab: GatewayLab) -> None:
    gateway = lab.gateway()

    @gateway.tool(ACTION)
    def wire(amount: int) -> str:
        lab.sink.close()
        if amount == 3:
            raise ZeroDivisionError
        return "sent"

    permit, other = lab.token({"amount": 5}), lab.token({"amount": 3})
    with pytest.raises(OutcomeUnrecorded) as caught:
        wire(5, permit=permit)
    assert caught.value.result == "sent"
    refused("audit_closed", lambda: wire(3, permit=other))


def test_exception_of_the_tool_is_not_replaced(lab: GatewayLab) -> None:
    @lab.gateway().tool(ACTION)
    def wire(amount: int) -> None:
        lab.sink.close()
        raise ZeroDivisionError(amount)

    with pytest.raises(ZeroDivisionError) as caught:
        wire(5, permit=lab.token({"amount": 5}))
    assert "could not record" in caught.value.__notes__[0]


def test_clock_that_fails_refuses(lab: GatewayLab) -> None:
    class Broken:
        def now(self) -> float:
            raise OSError("no clock")

    @lab.gateway(clock=Broken()).tool(ACTION)
    def wire(amount: int) -> None:
        raise AssertionError

    with pytest.raises(GatewayRefused):
        wire(5, permit=lab.token({"amount": 5}))


def test_errors_at_wrapping_are_no_refusals_of_calls(lab: GatewayLab) -> None:
    with pytest.raises(InvalidInput):
        lab.gateway().tool(ACTION)(takes_permit)
    assert lab.events() == []
