"""An approved call is judged once more with the world as it is by now, and runs once."""

from __future__ import annotations

from collections import Counter
from functools import partial
from typing import Any

import pytest
import yaml

from permit0.build import Deployment, assemble
from permit0.canonical import freeze
from permit0.config import parse_config
from permit0.model.approval import ApprovalAnswer, ApprovalRequest
from permit0.model.call import ToolCall
from permit0.model.decision import Decision
from permit0.model.kill import KillScope, KillVerb
from permit0.model.vocabulary import Outcome
from permit0.testing.clock import FrozenClock
from permit0.testing.pack_cases import CaseBench, built_in_packs
from permit0.testing.races import race_threads

ORG = {"domains": ["acme-corp.com"]}


class Office:
    """A deployment in memory, and carol, who says yes."""

    def __init__(self, config: dict[str, object] | None = None) -> None:
        self.clock = FrozenClock()
        text = yaml.safe_dump({"org": ORG} | (config or {}))
        self.deployment: Deployment = assemble(parse_config(text, "permit0.yaml"), clock=self.clock)
        self.engine = self.deployment.engine

    def call(self, tool: str, arguments: dict[str, object], **who: Any) -> ToolCall:
        return ToolCall(tool=tool, arguments=freeze(arguments), **({"session": "s"} | who))

    def ask(self, call: ToolCall) -> ApprovalRequest:
        decision = self.engine.decide(call)
        assert decision.outcome is Outcome.HUMAN, decision.reasons
        return self.deployment.desk.request(call, decision)

    def answer(self, request: ApprovalRequest, *, approved: bool = True) -> ApprovalRequest:
        self.deployment.desk.answer(
            ApprovalAnswer(
                request=request.id,
                approved=approved,
                by="carol",
                reason="",
                view_digest=request.view_digest,
                at=0.0,
            )
        )
        return request

    def approved(self, call: ToolCall) -> ApprovalRequest:
        return self.answer(self.ask(call))

    def do(self, tool: str, arguments: dict[str, object], **who: Any) -> Decision:
        """Decide a call, with the approval that it may need."""
        call = self.call(tool, arguments, **who)
        decision = self.engine.decide(call)
        if decision.outcome is not Outcome.HUMAN:
            return decision
        request = self.answer(self.deployment.desk.request(call, decision))
        return self.engine.conclude(call, request.id)


def transfer(amount: object = 5000, recipient: str = "Vendor Alpha") -> dict[str, object]:
    return {"amount": amount, "currency": "USD", "recipient": recipient}


def rules(decision: Decision) -> set[str]:
    return {reason.rule for reason in decision.reasons}


@pytest.fixture
def office() -> Office:
    return Office()


def test_an_approved_call_is_allowed_by_a_person_and_keeps_its_decision(office: Office) -> None:
    call = office.call("payments.transfer", transfer())
    request = office.approved(call)
    concluded = office.engine.conclude(call, request.id)
    assert (concluded.outcome, concluded.decided) == (Outcome.ALLOW, Outcome.HUMAN)
    assert concluded.id == request.decision
    assert concluded.approval is not None
    assert (concluded.approval.id, concluded.approval.digest) == (request.id, request.view_digest)


def test_a_request_that_waits_is_still_a_question_and_a_no_is_a_refusal(office: Office) -> None:
    call = office.call("payments.transfer", transfer())
    request = office.ask(call)
    assert office.engine.conclude(call, request.id).outcome is Outcome.HUMAN
    office.answer(request, approved=False)
    concluded = office.engine.conclude(call, request.id)
    assert (concluded.outcome, concluded.error) == (Outcome.DENY, "approval_rejected")


def test_an_approval_that_was_not_used_in_time_is_a_refusal(office: Office) -> None:
    call = office.call("payments.transfer", transfer())
    request = office.approved(call)
    office.clock.advance(3600)
    concluded = office.engine.conclude(call, request.id)
    assert (concluded.outcome, concluded.error) == (Outcome.DENY, "approval_timeout")


@pytest.mark.parametrize("principal", [None, "ann"])
def test_every_call_that_a_person_may_approve_runs_when_it_is_approved(
    principal: str | None,
) -> None:
    """Its own attempt is in the history by then, and must not be what refuses it."""
    office = Office()
    bench = CaseBench(built_in_packs())
    concluded: Counter[Outcome] = Counter()
    for n, case in enumerate(bench.cases()):
        for spec in (*case.spec.before, case.spec.call):
            office.clock.advance(1)
            call = office.call(
                spec.tool, dict(spec.args), session=f"s{n}", principal=principal and f"p{n}"
            )
            decision = office.engine.decide(call)
            if decision.outcome is Outcome.HUMAN:
                request = office.answer(office.deployment.desk.request(call, decision))
                last = office.engine.conclude(call, request.id)
                assert last.outcome is Outcome.ALLOW, (case.where, last.reasons)
                concluded[last.outcome] += 1
    assert concluded[Outcome.ALLOW] > 400


# ---------------------------------------------------------------- its own attempt is not counted again


@pytest.mark.parametrize("principal", [None, "ann"])
def test_a_sum_does_not_have_the_call_twice_and_has_what_came_meanwhile(
    principal: str | None,
) -> None:
    office = Office({"limits": {"transfer_total": 100_000}})
    first = office.call("payments.transfer", transfer(60_000), principal=principal)
    request = office.approved(first)
    assert office.engine.conclude(first, request.id).outcome is Outcome.ALLOW
    second = office.call("payments.transfer", transfer(30_000), principal=principal)
    waiting = office.approved(second)
    assert office.do("payments.transfer", transfer(10_000), principal=principal).outcome is (
        Outcome.ALLOW
    )
    assert office.engine.conclude(second, waiting.id).outcome is Outcome.ALLOW  # 100,000
    third = office.engine.decide(office.call("payments.transfer", transfer(1), principal=principal))
    assert third.outcome is Outcome.DENY


def test_of_two_that_wait_both_count_so_that_the_cap_holds() -> None:
    office = Office({"limits": {"transfer_total": 100_000}})
    calls = [office.call("payments.transfer", transfer(50_000, f"Vendor {i}")) for i in range(3)]
    requests = [office.approved(call) for call in calls[:2]]
    assert office.engine.decide(calls[2]).outcome is Outcome.DENY
    outcomes = [
        office.engine.conclude(c, r.id).outcome for c, r in zip(calls, requests, strict=False)
    ]
    # The attempt that was refused counts as well: attempts do, from the moment of decision.
    assert outcomes == [Outcome.DENY, Outcome.DENY]


def test_a_call_that_exposes_and_sends_is_not_refused_for_its_own_attempt(office: Office) -> None:
    shared: dict[str, object] = {"file_id": "f1", "share_with": "bob@partner.net"}
    assert office.do("files.export", shared).outcome is Outcome.ALLOW
    again = office.engine.decide(office.call("files.export", shared))
    assert again.outcome is Outcome.DENY  # what was sent before was exposed before
    assert "read_then_exfiltrate" in rules(again)


@pytest.mark.parametrize("passed_s", [0.0, 1.0, -30.0])
@pytest.mark.parametrize("principal", [None, "ann"])
def test_what_is_exposed_while_it_waits_refuses_it_even_at_the_very_same_time(
    office: Office, passed_s: float, principal: str | None
) -> None:
    shared: dict[str, object] = {"file_id": "f1", "share_with": "bob@partner.net"}
    call = office.call("files.export", shared, principal=principal)
    request = office.approved(call)
    office.clock.advance(passed_s)  # a clock that goes back stands still for history
    read = office.call("files.read", {"path": "/app/notes.txt"}, principal=principal)
    assert office.engine.decide(read).outcome is Outcome.ALLOW
    office.engine.report(read, "AWS_SECRET_ACCESS_KEY=wJalrXUtnFEMI/K7MDENG/bPxRfiCYzEXAMPLE12")
    concluded = office.engine.conclude(call, request.id)
    assert concluded.outcome is Outcome.DENY
    assert "read_then_exfiltrate" in rules(concluded)


# ---------------------------------------------------------------- the world has changed meanwhile


def test_approved_then_secrets_are_read_then_it_is_refused(office: Office) -> None:
    share: dict[str, object] = {"path": "/app/x", "with": "bob@partner.net"}
    push: dict[str, object] = {"command": "git push https://partner.net/x.git main"}
    for tool, arguments in (("files.share", share), ("process.shell", push)):
        outward = office.call(tool, arguments, session=tool)
        request = office.approved(outward)
        twin = office.call(tool, arguments, session=f"{tool}-2")
        other = office.approved(twin)
        read = office.call("files.read", {"path": "/home/ann/.aws/credentials"}, session=tool)
        office.engine.decide(read)
        concluded = office.engine.conclude(outward, request.id)
        assert concluded.outcome is Outcome.DENY
        assert "read_then_exfiltrate" in rules(concluded)
        assert office.engine.conclude(twin, other.id).outcome is Outcome.ALLOW


@pytest.mark.parametrize(
    ("scope", "target"),
    [
        (KillScope.FLEET, ""),
        (KillScope.AGENT, "default"),
        (KillScope.SESSION, "s"),
        (KillScope.DOMAIN, "payments"),
        (KillScope.ACTION, "payments.transfer"),
    ],
)
def test_approved_then_killed_then_it_is_refused(
    office: Office, scope: KillScope, target: str
) -> None:
    call = office.call("payments.transfer", transfer())
    request = office.approved(call)
    kills = office.deployment.stores.kills
    kills.order(KillVerb.KILL, scope, target, by="ann", reason="test", at=office.clock.now())
    concluded = office.engine.conclude(call, request.id)
    assert (concluded.outcome, concluded.error) == (Outcome.DENY, "killed")
    kills.order(KillVerb.RESUME, scope, target, by="ann", reason="test", at=office.clock.now())
    assert office.engine.conclude(call, request.id).outcome is Outcome.ALLOW


def test_a_refusal_does_not_use_the_approval_up(office: Office) -> None:
    call = office.call("payments.transfer", transfer())
    request = office.approved(call)
    other = office.call("payments.transfer", transfer(4999))
    assert office.engine.conclude(other, request.id).error == "approval_other_call"
    assert office.engine.conclude(call, request.id).outcome is Outcome.ALLOW


def test_a_waiting_request_is_not_shown_to_who_asks_for_something_else(office: Office) -> None:
    """Or one agent would read in the refusal what another one is about to do."""
    call = office.call("payments.transfer", transfer())
    request = office.ask(call)
    other = office.call("payments.transfer", transfer(), session="other")
    concluded = office.engine.conclude(other, request.id)
    assert (concluded.outcome, concluded.error) == (Outcome.DENY, "approval_other_call")
    assert office.engine.conclude(call, request.id).outcome is Outcome.HUMAN


def test_the_cap_that_was_exceeded_meanwhile_refuses() -> None:
    office = Office({"limits": {"transfer_total": 100_000}})
    call = office.call("payments.transfer", transfer(60_000))
    request = office.approved(call)
    assert office.do("payments.transfer", transfer(39_000)).outcome is Outcome.ALLOW
    assert office.engine.decide(office.call("payments.transfer", transfer(2_000))).outcome is (
        Outcome.DENY
    )
    concluded = office.engine.conclude(call, request.id)
    assert concluded.outcome is Outcome.DENY
    assert "cumulative_transfer_cap" in rules(concluded)


# ---------------------------------------------------------------- at once


def test_of_many_threads_that_conclude_at_once_one_runs(office: Office) -> None:
    for n in range(10):
        call = office.call("payments.transfer", transfer(5000), session=f"s{n}")
        request = office.approved(call)
        decisions = race_threads([partial(office.engine.conclude, call, request.id)] * 8)
        found = Counter((d.outcome, d.error) for d in decisions)
        assert found == {(Outcome.ALLOW, ""): 1, (Outcome.DENY, "approval_used"): 7}
