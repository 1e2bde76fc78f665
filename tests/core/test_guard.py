"""A guarded body runs only after a decision and a token; the side-effect list is the only witness."""

from __future__ import annotations

import asyncio
import functools
import threading
from collections.abc import Callable
from typing import Any

import pytest

import permit0
from permit0.build import Deployment, assemble
from permit0.config import parse_config
from permit0.errors import ApprovalRequired, BadKey, Denied, InvalidInput, InvalidToken
from permit0.guard import Guard
from permit0.testing.clock import FrozenClock
from permit0.token.epochs import FixedEpoch
from permit0.token.issuer import Issuer
from permit0.token.keys import KeyRing, SigningKey
from permit0.token.replay import MemoryReplayStore
from permit0.token.verifier import Verifier

DEPLOYMENT: Deployment = assemble(parse_config("{org: {domains: [acme-corp.com]}}", "org"))
KEY = SigningKey.generate()


def make(
    deployment: Deployment = DEPLOYMENT,
    *,
    audience: str = "guard",
    trusted: SigningKey = KEY,
    **options: Any,
) -> Guard:
    clock = FrozenClock(1_700_000_000.0)
    return Guard(
        engine=deployment.fresh_engine(clock),
        issuer=Issuer(key=KEY, deployment="tests", clock=clock),
        verifier=Verifier(
            keys=KeyRing([trusted.public]),
            audience=audience,
            deployment="tests",
            clock=clock,
            replay=MemoryReplayStore(clock=clock),
            epochs=FixedEpoch(),
        ),
        audience="guard",
        policy="0" * 64,
        **options,
    )


def charge_with(guard: Guard, ran: list[Any]) -> Callable[..., Any]:
    @guard("payments.charge")
    def charge(amount: object, customer: str = "cus_1", **more: object) -> str:
        ran.append((amount, customer, more))
        return "ok"

    return charge


def test_allowed_call_runs_once_with_its_arguments() -> None:
    ran: list[Any] = []
    assert charge_with(make(), ran)(50, customer="cus_9") == "ok"
    assert ran == [(50, "cus_9", {})]


@pytest.mark.parametrize(
    ("args", "kwargs", "error"),
    [
        ((5000,), {}, ApprovalRequired),
        (("5,000",), {}, Denied),
        ((float("nan"),), {}, Denied),
        ((50,), {"amount_override": 5000}, ApprovalRequired),
        ((object(),), {}, Denied),
    ],
)
def test_refused_body_never_runs(
    args: tuple[Any, ...], kwargs: dict[str, Any], error: type[Denied]
) -> None:
    ran: list[Any] = []
    with pytest.raises(error) as caught:
        charge_with(make(), ran)(*args, **kwargs)
    assert type(caught.value) is error
    assert not ran


def test_defaults_are_judged_as_well() -> None:
    ran: list[Any] = []

    @make()("payments.charge")
    def charge(customer: str, amount: int = 5000) -> None:
        ran.append(customer)

    with pytest.raises(ApprovalRequired):
        charge("cus_1")
    assert not ran


def test_object_changed_by_another_thread_changes_nothing() -> None:
    ran: list[Any] = []
    guard = make()
    recipients = ["ann@acme-corp.com"]

    class Sly(list[str]):
        """Shows one recipient while it is judged and another one later."""

        def __deepcopy__(self, memo: object) -> list[str]:
            return list(self)

    @guard("email.send")
    def send(to: list[str], subject: str, body: str) -> None:
        recipients.append("x@elsewhere.example")
        ran.append(list(to))

    send(Sly(recipients), "Hello", "At ten.")
    send(recipients, "Hello", "At ten.")
    assert ran == [["ann@acme-corp.com"], ["ann@acme-corp.com", "x@elsewhere.example"]]


def test_refusal_can_be_a_sentence_for_the_agent() -> None:
    ran: list[Any] = []
    answer = charge_with(make(on_refusal="return"), ran)(5000)
    assert answer.startswith("payments.charge needs a person's approval")
    assert not ran


def test_method_and_partial_take_the_same_path() -> None:
    ran: list[Any] = []
    guard = make()

    class Bank:
        @guard("payments.charge")
        def charge(self, amount: int, customer: str) -> None:
            ran.append(amount)

    Bank().charge(50, "cus_1")
    with pytest.raises(ApprovalRequired):
        Bank().charge(5000, "cus_1")

    def plain(amount: int, customer: str) -> None:
        ran.append(amount)

    guarded = guard("payments.charge")(functools.partial(plain, customer="cus_1"))
    with guard.session("another"):
        guarded(60)
        with pytest.raises(ApprovalRequired):
            guarded(6000)
    assert ran == [50, 60]


def test_coroutine_function_takes_the_same_path() -> None:
    ran: list[Any] = []

    @make()("payments.charge")
    async def charge(amount: int, customer: str) -> str:
        ran.append(amount)
        return "ok"

    assert asyncio.run(charge(50, "cus_1")) == "ok"
    with pytest.raises(ApprovalRequired):
        asyncio.run(charge(5000, "cus_1"))
    assert ran == [50]


def test_generator_is_refused_when_it_is_wrapped() -> None:
    def rows(path: str) -> Any:
        yield path

    with pytest.raises(InvalidInput) as caught:
        make()("files.read")(rows)
    assert caught.value.reason_code == "guard_generator"


def test_unknown_tool_needs_a_person() -> None:
    ran: list[Any] = []

    @make()
    def frobnicate(widget: int) -> None:
        ran.append(widget)

    with pytest.raises(ApprovalRequired):
        frobnicate(7)
    assert not ran


def test_context_parameter_is_passed_on_and_not_judged() -> None:
    connection = threading.Lock()  # cannot be copied or written as JSON
    ran: list[Any] = []

    @make()("files.read", context=("connection",))
    def read(connection: object, path: str) -> None:
        ran.append((connection, path))

    read(connection, "/app/README.md")
    assert ran == [(connection, "/app/README.md")]


def test_argument_that_cannot_be_copied_is_refused_with_advice() -> None:
    @make()("files.read")
    def read(connection: object, path: str) -> None: ...

    with pytest.raises(Denied) as caught:
        read(threading.Lock(), "/app/README.md")
    assert caught.value.reason_code == "argument_type_unsupported"
    assert "context" in str(caught.value)


@pytest.mark.parametrize("options", [{"trusted": SigningKey.generate()}, {"audience": "another"}])
def test_token_that_does_not_verify_stops_an_allowed_call(options: dict[str, Any]) -> None:
    ran: list[Any] = []
    with pytest.raises((InvalidToken, BadKey)):
        charge_with(make(**options), ran)(50)
    assert not ran


def test_session_is_that_of_the_context() -> None:
    guard = make()

    @guard("files.read")
    def read(path: str) -> str:
        return "AKIAQ3EGRVZK4YWUPL2X"

    @guard("email.send")
    def send(to: str, subject: str, body: str) -> str:
        return "sent"

    mail = ("x@elsewhere.example", "Hello", "At ten.")
    with guard.session("calm"):
        assert send(*mail) == "sent"
    with guard.session("tense"):
        read("/app/notes.txt")
        with pytest.raises(Denied) as caught:
            send(*mail)
    assert caught.value.reason_code == "session_block"


def test_tasks_keep_their_sessions_apart() -> None:
    guard = make()

    @guard("payments.charge")
    async def charge(amount: int, customer: str) -> None:
        await asyncio.sleep(0)

    async def spend(session: str) -> None:
        with guard.session(session):
            for customer in ("a", "b"):
                await charge(1, customer)
                await asyncio.sleep(0)

    async def everyone() -> None:
        await asyncio.gather(*(spend(f"s{i}") for i in range(20)))

    asyncio.run(everyone())  # 40 charges in one session would have been card testing


def test_require_asks_inside_a_function() -> None:
    guard = make()
    assert guard.require("payments.charge", {"amount": 50, "customer": "c"}).action == (
        "payments.charge"
    )
    with pytest.raises(ApprovalRequired):
        guard.require("payments.charge", {"amount": 5000, "customer": "c"})


def test_wrapper_does_not_lead_back_to_the_function() -> None:
    guarded = charge_with(make(), [])
    assert not hasattr(guarded, "__wrapped__")
    assert guarded.__name__ == "charge"


def test_built_guard_works_out_of_the_box() -> None:
    ran: list[Any] = []
    guard = permit0.build_guard(clock=FrozenClock(1_700_000_000.0))
    charge = charge_with(guard, ran)
    assert charge(50) == "ok"
    with pytest.raises(permit0.ApprovalRequired):
        charge(5000)
    assert len(ran) == 1


def test_exception_of_the_tool_comes_through() -> None:
    @make()("payments.charge")
    def charge(amount: int, customer: str) -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        charge(50, "cus_1")
