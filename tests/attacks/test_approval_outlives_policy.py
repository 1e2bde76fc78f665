"""Somebody tightens the policy, or stops the agents, while an approved call waits to run."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from permit0.cli import main
from permit0.errors import ApprovalRequired, Denied, InvalidToken
from permit0.guard import Guard
from permit0.model.approval import ApprovalAnswer, ApprovalRequest
from permit0.model.vocabulary import Mode
from permit0.testing.clock import FrozenClock
from permit0.testing.deployment import DeploymentLab

TOOL = "payments.transfer"
ASKED: dict[str, object] = {"amount": 5000, "currency": "USD", "recipient": "Vendor Alpha"}


def approved(guard: Guard) -> str:
    with pytest.raises(ApprovalRequired) as caught:
        guard.admit(TOOL, ASKED)
    request = caught.value.request
    assert isinstance(request, ApprovalRequest)
    assert guard.desk is not None
    guard.desk.answer(
        ApprovalAnswer(
            request=request.id,
            approved=True,
            by="carol",
            reason="",
            view_digest=request.view_digest,
            at=0.0,
        )
    )
    return request.id


@pytest.fixture
def lab(tmp_path: Path) -> DeploymentLab:
    return DeploymentLab(tmp_path)


TIGHTER: dict[str, dict[str, Any]] = {
    "denied_by_list": {
        "lists": {"deny": [{"action": "payments.*", "reason": "frozen by finance"}]}
    },
    "session_block": {"limits": {"transfer_total": 1000}},
    "block": {
        "rules": {
            TOOL: [{"id": "none_today", "effect": "block", "why": "no transfers on this day"}]
        }
    },
}


@pytest.mark.parametrize("code", TIGHTER)
def test_another_process_with_a_new_policy_refuses(lab: DeploymentLab, code: str) -> None:
    guard = lab.guard()
    request = approved(guard)
    other = lab.guard(lab.configure(TIGHTER[code], "new.yaml"))
    with pytest.raises(Denied) as caught:
        other.admit(TOOL, ASKED, approval=request)
    decision: Any = caught.value.decision
    assert decision.outcome.value == "deny"
    assert code in [reason.code for reason in decision.reasons]
    # The twin: under the policy that it was approved with it still runs, once.
    assert guard.admit(TOOL, ASKED, approval=request).decision.id


def test_approved_then_killed_then_nothing_runs_in_any_process(
    lab: DeploymentLab, monkeypatch: pytest.MonkeyPatch
) -> None:
    guards = [lab.guard(), lab.guard()]
    first, second = approved(guards[0]), approved(guards[0])
    token = guards[0].token_for(TOOL, ASKED, audience="gw", approval=second)
    monkeypatch.chdir(lab.folder)
    assert main(["kill", "--fleet", "--by", "alice", "--reason", "test"]) == 0
    for guard in guards:
        with pytest.raises(Denied) as caught:
            guard.admit(TOOL, ASKED, approval=first)
        assert caught.value.reason_code == "killed"
    assert main(["resume", "--fleet", "--by", "alice", "--reason", "over"]) == 0
    with pytest.raises(InvalidToken) as refused:
        lab.gateway().authorize(token.text, TOOL, ASKED)
    assert refused.value.reason_code == "token_epoch"
    # A person's yes was to the call, not to a moment: it may run after the resume, once.
    assert guards[1].admit(TOOL, ASKED, approval=first).decision.approval is not None


def test_observe_mode_asks_nobody_whatever_waits(lab: DeploymentLab) -> None:
    guard = lab.guard()
    with pytest.raises(ApprovalRequired) as caught:
        guard.admit(TOOL, ASKED, call_id="c-1")
    request: Any = caught.value.request
    observing = lab.guard(lab.configure({"mode": "observe"}, "observe.yaml"))
    asked: list[object] = []

    class Nobody:
        def ask(self, request: ApprovalRequest) -> None:
            asked.append(request)

    watching = lab.guard(lab.folder / "observe.yaml", approver=Nobody())
    for each in (observing, watching):
        for more in ({}, {"approval": request.id}, {"approval": "unknown"}, {"call_id": "c-1"}):
            permit = each.admit(TOOL, ASKED, **more)
            assert (permit.decision.mode, permit.decision.decided.value) == (Mode.OBSERVE, "human")
        with pytest.raises(Denied):  # a run is let through, a token would travel
            each.token_for(TOOL, ASKED, audience="gw")
    assert not asked
    with pytest.raises(Denied):
        guard.admit(TOOL, ASKED, call_id="c-1")


def test_tokens_live_as_long_as_the_configuration_says(tmp_path: Path) -> None:
    lab = DeploymentLab(tmp_path, {"tokens": {"scorer_ttl_s": 30, "human_ttl_s": 90}})
    clock = FrozenClock()
    guard, gateway = lab.guard(clock=clock), lab.gateway(clock=clock)
    read: dict[str, object] = {"path": "/app/README.md"}
    for late, code in ((29, "ran"), (30, "token_expired")):
        token = guard.token_for("files.read", read, audience="gw")
        clock.advance(late)
        assert presented(gateway, token.text, "files.read", read) == code
    for late, code in ((89, "ran"), (90, "token_expired")):
        token = guard.token_for(TOOL, ASKED, audience="gw", approval=approved(guard))
        clock.advance(late)
        assert presented(gateway, token.text, TOOL, ASKED) == code


def presented(gateway: Any, token: str, action: str, arguments: dict[str, object]) -> str:
    try:
        gateway.authorize(token, action, arguments)
    except InvalidToken as error:
        return error.reason_code
    return "ran"
