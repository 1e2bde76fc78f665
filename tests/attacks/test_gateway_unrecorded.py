"""The log of a gateway is broken: nothing runs that is not on record, and no refusal becomes anything else."""

from __future__ import annotations

from typing import Any

import pytest

from permit0.audit.events import EventLog
from permit0.audit.redact import Redactor
from permit0.errors import AuditUnavailable, GatewayRefused, Permit0Error, Replayed
from permit0.testing.gateway import GatewayLab
from permit0.testing.tokens import ACTION, ARGUMENTS


@pytest.fixture
def lab() -> GatewayLab:
    return GatewayLab()


def test_authorisation_that_cannot_be_recorded_is_a_refusal_and_uses_the_token_up(
    lab: GatewayLab,
) -> None:
    ran: list[object] = []
    gateway = lab.gateway()

    @gateway.tool(ACTION)
    def wire(**arguments: object) -> None:
        ran.append(arguments)

    wire(**ARGUMENTS, permit=lab.token())
    lab.sink.close()
    token = lab.token()
    with pytest.raises(AuditUnavailable) as refusal:
        wire(**ARGUMENTS, permit=token)
    assert refusal.value.reason_code == "audit_closed"
    assert "used up" in refusal.value.__notes__[0]
    with pytest.raises(Replayed):
        lab.gateway(events=None).authorize(token, ACTION, ARGUMENTS)
    assert len(ran) == 1


def test_refusal_that_cannot_be_recorded_stays_that_refusal(lab: GatewayLab) -> None:
    gateway = lab.gateway()
    lab.sink.close()
    with pytest.raises(Permit0Error) as refusal:
        gateway.authorize(lab.token(), "payments.refund", ARGUMENTS)
    assert refusal.value.reason_code == "token_action_mismatch"
    assert "could not record this refusal" in refusal.value.__notes__[0]


def test_server_says_503_and_the_tool_behind_sees_nothing(lab: GatewayLab) -> None:
    app = lab.app()
    assert lab.post(app, lab.token()).status == 200
    lab.sink.close()
    answer = lab.post(app, lab.token())
    assert (answer.status, answer.code) == (503, "audit_closed")
    assert lab.post(app, None).code == "token_missing"
    assert lab.post(app, lab.token(), path="/other").code == "request_unmapped"
    assert len(lab.ran) == 1


class BrokenSink:
    def append(self, kind: str, at: float, body: bytes) -> Any:
        raise ZeroDivisionError("a detail that nobody needs to know")

    def close(self) -> None: ...


def broken_detector(text: str) -> frozenset[str]:
    raise ZeroDivisionError("a detail that nobody needs to know")


@pytest.mark.parametrize("broken", ["sink", "redactor"])
def test_log_that_fails_in_its_own_way_is_a_refusal(lab: GatewayLab, broken: str) -> None:
    log = (
        EventLog(BrokenSink(), redactor=Redactor(lambda text: frozenset()))
        if broken == "sink"
        else EventLog(lab.sink, redactor=Redactor(broken_detector))
    )
    gateway = lab.gateway(events=log)
    with pytest.raises(GatewayRefused) as refusal:
        gateway.authorize(lab.token(), ACTION, ARGUMENTS)
    assert refusal.value.reason_code == "gateway_error"
    assert "detail" not in str(refusal.value)
    with pytest.raises(Permit0Error) as second:
        gateway.authorize(None, ACTION, ARGUMENTS)
    assert second.value.reason_code == "token_missing"
    assert lab.post(lab.app(gateway), lab.token()).status == 500
    assert lab.ran == []
