"""authorize: what it lets through, what it gives back, and what is on record afterwards."""

from __future__ import annotations

import enum
from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from permit0.canonical import digest, freeze
from permit0.errors import (
    GatewayRefused,
    InvalidInput,
    OutcomeUnrecorded,
    OutsideEnvelope,
    Permit0Error,
    UnknownAction,
)
from permit0.gateway.gateway import Run
from permit0.model.claims import Constraints, Observed
from permit0.testing.gateway import GatewayLab
from permit0.testing.tokens import ACTION, ARGUMENTS, AUDIENCE

LIMITS = Constraints(max_amount=Decimal(200), currency="USD")


def test_call_with_a_token_for_exactly_this_may_run(lab: GatewayLab) -> None:
    token = lab.issue()
    permit = lab.gateway().authorize(token.text, ACTION, ARGUMENTS, tool="wire")
    assert permit.arguments == ARGUMENTS
    assert permit.claims == token.claims
    assert permit.canonical == freeze(ARGUMENTS)
    (event,) = lab.events()
    assert (event.event, event.code, event.tool, event.action) == ("authorized", "", "wire", ACTION)
    assert (event.agent, event.session) == ("agent-1", "session-1")
    assert event.digest == digest(freeze(ARGUMENTS))
    assert event.refs == {"jti": token.claims.jti, "audience": AUDIENCE}
    assert event.redacted == ()


REFUSALS: list[tuple[dict[str, Any], dict[str, Any], str]] = [
    ({"action": "payments.refund"}, {}, "token_action_mismatch"),
    ({}, {"audience": "other"}, "token_wrong_audience"),
    ({}, {"digest": "0" * 64}, "token_arguments_mismatch"),
    ({"arguments": dict(ARGUMENTS) | {"amount": 120.51}}, {}, "token_arguments_mismatch"),
    ({"arguments": {"amount": float("nan")}}, {}, "number_not_finite"),
    ({"arguments": {"amount": 1j}}, {}, "argument_type_unsupported"),
    ({"arguments": ["amount"]}, {}, "arguments_not_object"),
    ({"action": None}, {}, "unknown_action"),
    ({"token": "v4.public.x"}, {}, "token_malformed"),
    ({"token": 7}, {}, "token_malformed"),
    ({"token": ""}, {}, "token_missing"),
]


@pytest.mark.parametrize(("call", "issued", "code"), REFUSALS)
def test_refusal_has_its_code_and_is_recorded(
    lab: GatewayLab, call: dict[str, Any], issued: dict[str, Any], code: str
) -> None:
    asked: dict[str, Any] = {
        "token": lab.issue(**issued).text, "action": ACTION, "arguments": ARGUMENTS,
    }  # fmt: skip
    with pytest.raises(Permit0Error) as refusal:
        lab.gateway().authorize(**(asked | call))
    assert refusal.value.reason_code == code
    (event,) = lab.events()
    assert (event.event, event.code) == ("refused", code)
    assert event.refs["audience"] == AUDIENCE
    if not call:  # the signature held, so the token can be named
        assert "jti" in event.refs


def test_records_hold_neither_the_token_nor_an_argument(lab: GatewayLab) -> None:
    arguments = {"recipient": "Zebulon Q. Ptarmigan", "memo": "aardvark"}
    token = lab.token(arguments)
    gateway = lab.gateway()
    for offered, given_arguments in (
        (token, {"recipient": "Zebulon Q. Ptarmigan"}),
        (token, arguments),
        (token, arguments),
        (token[:-1], arguments),
    ):
        try:
            with gateway.running(gateway.authorize(offered, ACTION, given_arguments)):
                raise ValueError("Zebulon Q. Ptarmigan")
        except (Permit0Error, ValueError):
            pass
    assert len(lab.events()) == 5
    log = b"".join(record.data for record in lab.sink.records())
    for secret in (token, token[:-1], token[10:200], "Zebulon", "aardvark"):
        assert secret.encode() not in log


def test_what_runs_is_what_was_digested(lab: GatewayLab) -> None:
    """An object that shows another value each time it is read is read once."""

    class Sly(Mapping[str, object]):
        def __init__(self) -> None:
            self.reads = 0

        def __getitem__(self, name: str) -> object:
            self.reads += 1
            return 120.5 if self.reads == 1 else 99_999

        def __iter__(self) -> Iterator[str]:
            return iter(["amount"])

        def __len__(self) -> int:
            return 1

    sly = Sly()
    permit = lab.gateway().authorize(lab.token({"amount": 120.5}), ACTION, sly)
    assert permit.arguments == {"amount": 120.5}
    assert sly["amount"] == 99_999


def test_arguments_changed_afterwards_change_nothing(lab: GatewayLab) -> None:
    inner = ["Vendor Alpha"]
    arguments: dict[str, object] = {"to": inner}
    permit = lab.gateway().authorize(lab.token(arguments), ACTION, arguments)
    inner.append("Mallory")
    arguments["more"] = 1
    assert permit.arguments == {"to": ["Vendor Alpha"]}
    assert digest(permit.canonical) == digest(freeze(permit.arguments))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(st.text("abc\u00e9\U0001f600"), inner, max_size=3),
    max_leaves=8,
)  # fmt: skip


@given(st.dictionaries(st.text("abc\u00e9"), JSON, max_size=4))
def test_what_is_handed_out_has_the_digest_of_what_was_checked(
    arguments: dict[str, object],
) -> None:
    lab = GatewayLab()
    permit = lab.gateway(events=None).authorize(lab.token(arguments), ACTION, arguments)
    assert freeze(permit.arguments) == permit.canonical == freeze(arguments)


def test_action_that_claims_to_be_equal_to_everything_is_its_text(lab: GatewayLab) -> None:
    class Anything(str):
        __slots__ = ()

        def __eq__(self, other: object) -> bool:
            return True

        def __ne__(self, other: object) -> bool:
            return False

        __hash__ = str.__hash__

    with pytest.raises(Permit0Error) as refusal:
        lab.gateway().authorize(lab.token(), Anything("payments.refund"), ARGUMENTS)
    assert refusal.value.reason_code == "token_action_mismatch"

    class Actions(enum.StrEnum):
        TRANSFER = ACTION

    lab.gateway().authorize(lab.token(), Actions.TRANSFER, ARGUMENTS)


def test_unexpected_exception_is_a_refusal(lab: GatewayLab) -> None:
    class Broken:
        def required(self, *, agent: str, session: str, action: str) -> int:
            raise ZeroDivisionError("a detail that nobody needs to know")

    token = lab.token()
    with pytest.raises(GatewayRefused) as refusal:
        lab.gateway(verifier={"epochs": Broken()}).authorize(token, ACTION, ARGUMENTS)
    assert refusal.value.reason_code == "gateway_error"
    assert "detail" not in str(refusal.value)
    assert lab.words() == ["gateway_error"]
    lab.gateway().authorize(token, ACTION, ARGUMENTS)


def test_envelope_needs_a_gateway_that_knows_what_arguments_mean(lab: GatewayLab) -> None:
    def observe(action: str, arguments: Mapping[str, Any]) -> Observed:
        assert action == ACTION
        return Observed(amount=Decimal(str(arguments["amount"])), currency=arguments["currency"])

    knowing = lab.gateway(observe=observe)
    with pytest.raises(OutsideEnvelope):
        lab.gateway().authorize(lab.token(constraints=LIMITS), ACTION, ARGUMENTS)
    with pytest.raises(OutsideEnvelope):
        knowing.authorize(
            lab.token(constraints=LIMITS), ACTION, dict(ARGUMENTS) | {"amount": 200.01}
        )
    smaller = dict(ARGUMENTS) | {"amount": 3}
    permit = knowing.authorize(lab.token(constraints=LIMITS), ACTION, smaller)
    assert permit.arguments["amount"] == 3
    assert lab.events()[-1].digest == digest(freeze(smaller))


@pytest.mark.parametrize("answer", [ZeroDivisionError("x"), {"amount": 1}, None])
def test_observer_that_fails_lets_nothing_run(lab: GatewayLab, answer: object) -> None:
    def observe(action: str, arguments: Mapping[str, object]) -> Any:
        if isinstance(answer, Exception):
            raise answer
        return answer

    with pytest.raises(GatewayRefused):
        lab.gateway(observe=observe).authorize(lab.token(constraints=LIMITS), ACTION, ARGUMENTS)
    assert lab.words() == ["gateway_error"]


def test_observer_that_changes_what_it_sees_changes_nothing(lab: GatewayLab) -> None:
    def observe(action: str, arguments: Mapping[str, Any]) -> Observed:
        assert isinstance(arguments, dict)
        arguments["amount"] = 10**6
        return Observed()

    permit = lab.gateway(observe=observe).authorize(lab.token(), ACTION, ARGUMENTS)
    assert permit.arguments == ARGUMENTS


def test_observer_may_refuse_with_a_reason(lab: GatewayLab) -> None:
    def observe(action: str, arguments: Mapping[str, object]) -> Observed:
        raise InvalidInput("the amount is no amount", reason_code="bad_amount")

    with pytest.raises(InvalidInput):
        lab.gateway(observe=observe).authorize(lab.token(), ACTION, ARGUMENTS)
    assert lab.words() == ["bad_amount"]


def test_what_came_of_a_call_is_recorded(lab: GatewayLab) -> None:
    gateway = lab.gateway()
    permit = gateway.authorize(lab.token(), ACTION, ARGUMENTS)
    with gateway.running(permit) as run:
        run.result = "done"
    again = gateway.authorize(lab.token(), ACTION, ARGUMENTS)
    with pytest.raises(KeyError), gateway.running(again):
        raise KeyError("x")
    assert lab.words() == ["authorized", "ran", "authorized", "ran"]
    good, bad = lab.events()[1], lab.events()[3]
    assert good.refs == {"jti": permit.claims.jti, "audience": AUDIENCE}
    assert bad.refs["error"] == "KeyError"
    assert bad.digest == digest(permit.canonical)


def test_stop_iteration_of_the_body_stays_one(lab: GatewayLab) -> None:
    gateway = lab.gateway()
    with (
        pytest.raises(StopIteration),
        gateway.running(gateway.authorize(lab.token(), ACTION, ARGUMENTS)),
    ):
        raise StopIteration
    assert lab.events()[-1].refs["error"] == "StopIteration"


def test_outcome_that_cannot_be_recorded_is_no_refusal(lab: GatewayLab) -> None:
    gateway = lab.gateway()
    permit = gateway.authorize(lab.token(), ACTION, ARGUMENTS)
    with pytest.raises(OutcomeUnrecorded) as caught, gateway.running(permit) as run:
        _finish(lab, run)
    assert caught.value.result == "done"


def _finish(lab: GatewayLab, run: Run) -> None:
    run.result = "done"
    lab.sink.close()


def test_approval_is_named_in_the_record(lab: GatewayLab) -> None:
    lab.gateway().authorize(lab.approve().text, ACTION, ARGUMENTS)
    assert lab.events()[0].refs["approval"] == "approval-1"


def test_repr_of_a_permission_shows_no_argument(lab: GatewayLab) -> None:
    permit = lab.gateway().authorize(lab.token(), ACTION, ARGUMENTS)
    assert "Vendor" not in repr(permit)


def test_gateway_without_a_log_records_nothing_and_refuses_all_the_same(lab: GatewayLab) -> None:
    gateway = lab.gateway(events=None)
    with gateway.running(gateway.authorize(lab.token(), ACTION, ARGUMENTS)):
        pass
    with pytest.raises(UnknownAction):
        gateway.authorize(lab.token(), 7, ARGUMENTS)  # type: ignore[arg-type]  # a careless caller
    assert lab.events() == []
