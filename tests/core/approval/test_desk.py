"""An approval is given once, on record, by somebody else, for exactly what was shown."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from permit0.approval.answers import MACHINE
from permit0.approval.desk import ApprovalDesk
from permit0.errors import (
    ApprovalTimeout,
    AuditUnavailable,
    InvalidInput,
    Permit0Error,
    StateUnavailable,
)
from permit0.model.approval import ApprovalAnswer, ApprovalState, ApprovalStatus
from permit0.model.claims import ApprovalClaim, Digest
from permit0.model.vocabulary import Outcome
from permit0.state.approvals import MemoryApprovals
from permit0.testing.approval_lab import ApprovalLab, make_call, make_decision

PENDING, APPROVED, REJECTED = (
    ApprovalStatus.PENDING,
    ApprovalStatus.APPROVED,
    ApprovalStatus.REJECTED,
)


def code_of(function: Callable[[], object]) -> str:
    with pytest.raises(Permit0Error) as caught:
        function()
    return caught.value.reason_code


# ---------------------------------------------------------------- request


def test_request_is_bound_to_the_call_and_the_view(lab: ApprovalLab) -> None:
    request = lab.open()
    assert (len(request.id), request.digest) == (32, make_decision(lab.call()).digest)
    assert "amount = 1250" in request.view
    assert request.expires == request.created + 300
    assert lab.said == [("requested", "")]
    assert lab.desk.pending() == (ApprovalState(request, PENDING, None),)
    assert lab.open().id != request.id


def test_request_that_cannot_be_recorded_is_not_opened(lab: ApprovalLab) -> None:
    lab.broken = True
    with pytest.raises(AuditUnavailable):
        lab.open()
    assert lab.desk.pending() == ()


def test_request_is_on_record_before_anybody_can_answer(lab: ApprovalLab) -> None:
    seen: list[int] = []
    desk = ApprovalDesk(
        lab.store,
        clock=lab.clock,
        show=lambda call, decision: "view",
        record=lambda event: seen.append(len(lab.desk.pending())),
    )
    call = make_call()
    desk.request(call, make_decision(call))
    assert seen == [0]
    assert len(lab.desk.pending()) == 1


@pytest.mark.parametrize("decided", [Outcome.DENY, Outcome.ALLOW])
def test_only_a_human_decision_waits_for_a_person(lab: ApprovalLab, decided: Outcome) -> None:
    call = lab.call()
    decision = make_decision(call, decided=decided)
    assert code_of(lambda: lab.desk.request(call, decision)) == "approval_not_asked"


def test_decision_about_another_call_is_refused(lab: ApprovalLab) -> None:
    decision = make_decision(lab.call())
    other = lab.call({"amount": 9_000_000})
    tool = lab.call(tool="shell")
    assert code_of(lambda: lab.desk.request(other, decision)) == "approval_other_call"
    assert code_of(lambda: lab.desk.request(tool, decision)) == "approval_other_call"
    assert lab.events == []


@pytest.mark.parametrize("timeout_s", [0, -1, float("nan"), float("inf"), 8 * 86_400])
def test_time_limit_is_checked(timeout_s: float) -> None:
    assert code_of(lambda: ApprovalLab(timeout_s=timeout_s)) == "approval_timeout_invalid"


# ---------------------------------------------------------------- answer and use


def test_approval_is_used_once_and_named_in_the_claim(lab: ApprovalLab) -> None:
    request = lab.open()
    assert lab.desk.answer(lab.yes(request)).status is APPROVED
    claim = lab.desk.use(request.id, lab.call())
    assert claim == ApprovalClaim(id=request.id, digest=Digest(request.view_digest))
    assert code_of(lambda: lab.desk.use(request.id, lab.call())) == "approval_used"
    assert lab.said == [("requested", ""), ("answered", ""), ("used", "")]
    assert [event.by for event in lab.events] == ["", "ann", "ann"]


def test_rejected_call_cannot_be_used(lab: ApprovalLab) -> None:
    request = lab.open()
    lab.desk.answer(lab.yes(request, approved=False, reason="too much"))
    assert code_of(lambda: lab.desk.use(request.id, lab.call())) == "approval_rejected"
    assert lab.said[1:] == [("answered", "approval_rejected")]
    assert lab.events[1].reason == "too much"


def test_unanswered_and_unknown_requests_cannot_be_used(lab: ApprovalLab) -> None:
    request = lab.open()
    assert code_of(lambda: lab.desk.use(request.id, lab.call())) == "approval_pending"
    assert code_of(lambda: lab.desk.use("0" * 32, lab.call())) == "approval_unknown"


@pytest.mark.parametrize(
    "changes",
    [
        {"arguments": {"amount": 1251, "currency": "USD", "recipient": "Vendor Alpha"}},
        {"tool": "files_delete"},
        {"session": "session-2"},
        {"agent": "other-bot"},
        {"principal": "bob"},
        {"principal": None},
    ],
)
def test_approval_is_for_exactly_this_call(lab: ApprovalLab, changes: dict[str, Any]) -> None:
    request = lab.open()
    lab.desk.answer(lab.yes(request))
    other = lab.call(**changes)
    assert code_of(lambda: lab.desk.use(request.id, other)) == "approval_other_call"
    assert lab.desk.use(request.id, lab.call()).id == request.id  # the other call has not spent it


def test_approval_is_used_within_the_hour(lab: ApprovalLab) -> None:
    request, later = lab.open(), lab.open()
    lab.desk.answer(lab.yes(request))
    lab.clock.advance(0.1)
    lab.desk.answer(lab.yes(later))
    lab.clock.advance(3599.9)
    with pytest.raises(ApprovalTimeout) as caught:
        lab.desk.use(request.id, lab.call())
    assert caught.value.reason_code == "approval_timeout"
    assert lab.desk.use(later.id, lab.call()).id == later.id


def test_late_answer_does_not_count_whatever_time_it_claims(lab: ApprovalLab) -> None:
    request = lab.open()
    lab.clock.advance(300)
    late = lab.yes(request, at=request.created)
    assert code_of(lambda: lab.desk.answer(late)) == "approval_expired"
    assert lab.said[1:] == [("refused", "approval_expired")]


@pytest.mark.parametrize("approved", [True, False])
def test_answer_has_the_time_of_the_desk(lab: ApprovalLab, approved: bool) -> None:
    request = lab.open()
    lab.clock.advance(7)
    state = lab.desk.answer(lab.yes(request, approved=approved, at=0.0))
    assert state.answer is not None
    assert state.answer.at == request.created + 7


def test_second_answer_does_not_count(lab: ApprovalLab) -> None:
    request = lab.open()
    lab.desk.answer(lab.yes(request, approved=False))
    assert code_of(lambda: lab.desk.answer(lab.yes(request))) == "approval_answered"
    assert code_of(lambda: lab.desk.use(request.id, lab.call())) == "approval_rejected"


def test_answer_to_another_view_does_not_count(lab: ApprovalLab) -> None:
    request, other = lab.open(), lab.open({"amount": 5})
    wrong = lab.yes(request, view_digest=other.view_digest)
    assert code_of(lambda: lab.desk.answer(wrong)) == "approval_view_changed"
    assert lab.desk.find(request.id).status is PENDING
    assert lab.desk.answer(lab.yes(request)).status is APPROVED


@pytest.mark.parametrize(
    "by", ["maria", "MARIA ", "ｍａｒｉａ", "mar\u200bia", "billing-bot", MACHINE]
)
def test_agent_and_principal_cannot_approve(lab: ApprovalLab, by: str) -> None:
    request = lab.open()
    assert code_of(lambda: lab.desk.answer(lab.yes(request, by=by))) == "approval_self"
    assert lab.said[1:] == [("refused", "approval_self")]
    assert lab.desk.answer(lab.yes(request, by="mario")).status is APPROVED


def test_principal_can_say_no(lab: ApprovalLab) -> None:
    request = lab.open()
    assert lab.desk.answer(lab.yes(request, by="maria", approved=False)).status is REJECTED


@pytest.mark.parametrize(
    "changes",
    [{"approved": 1}, {"approved": "yes"}, {"approved": None}, {"by": ""}, {"by": " \n"},
     {"by": "x" * 257}, {"reason": "x" * 2001}, {"reason": None}, {"view_digest": b"0"}],
)  # fmt: skip
def test_answer_of_another_form_does_not_count(lab: ApprovalLab, changes: dict[str, Any]) -> None:
    request = lab.open()
    assert code_of(lambda: lab.desk.answer(lab.yes(request, **changes))) == "approval_bad_answer"
    assert lab.desk.find(request.id).status is PENDING


def test_words_of_an_answer_cannot_repaint_a_screen(lab: ApprovalLab) -> None:
    request = lab.open()
    state = lab.desk.answer(lab.yes(request, by="ann\x1b[2J", reason="a\nb"))
    assert state.answer is not None
    assert (state.answer.by, state.answer.reason) == (r"ann\u001b[2J", r"a\u000ab")


# ---------------------------------------------------------------- broken log, broken store


def test_yes_that_is_not_on_record_does_not_count(lab: ApprovalLab) -> None:
    request = lab.open()
    lab.broken = True
    with pytest.raises(AuditUnavailable):
        lab.desk.answer(lab.yes(request))
    lab.broken = False
    assert lab.desk.find(request.id).status is PENDING
    assert code_of(lambda: lab.desk.use(request.id, lab.call())) == "approval_pending"


def test_no_counts_even_if_it_cannot_be_recorded(lab: ApprovalLab) -> None:
    request = lab.open()
    lab.broken = True
    with pytest.raises(AuditUnavailable):
        lab.desk.answer(lab.yes(request, approved=False))
    lab.broken = False
    assert code_of(lambda: lab.desk.use(request.id, lab.call())) == "approval_rejected"


def test_use_that_is_not_on_record_gives_no_claim_and_spends_the_approval(lab: ApprovalLab) -> None:
    request = lab.open()
    lab.desk.answer(lab.yes(request))
    lab.broken = True
    with pytest.raises(AuditUnavailable):
        lab.desk.use(request.id, lab.call())
    lab.broken = False
    assert code_of(lambda: lab.desk.use(request.id, lab.call())) == "approval_used"


def test_yes_that_the_store_refuses_is_taken_back_on_record(lab: ApprovalLab) -> None:
    class Overtaken(MemoryApprovals):
        def answer(self, answer: ApprovalAnswer) -> ApprovalState:
            super().answer(msgspec.structs.replace(answer, approved=False))
            return super().answer(answer)

    lab.desk._store = lab.store = Overtaken()
    request = lab.open()
    assert code_of(lambda: lab.desk.answer(lab.yes(request))) == "approval_answered"
    assert lab.said[1:] == [("answered", ""), ("refused", "approval_answered")]
    assert code_of(lambda: lab.desk.use(request.id, lab.call())) == "approval_rejected"


@pytest.mark.parametrize("verb", ["open", "find", "answer", "use"])
def test_store_that_does_not_answer_gives_no_claim(lab: ApprovalLab, verb: str) -> None:
    def fail(*args: object, **kwargs: object) -> None:
        raise StateUnavailable("gone")

    def walk() -> None:
        request = lab.open()
        lab.desk.answer(lab.yes(request))
        lab.desk.use(request.id, lab.call())

    walk()
    setattr(lab.store, verb, fail)
    assert code_of(walk) == "state_unavailable"
    assert [event.event for event in lab.events].count("used") == 1


@pytest.mark.parametrize(
    "spoil",
    [
        lambda s: ApprovalState(s.request, APPROVED, s.answer),
        lambda s: ApprovalState(s.request, s.status, None),
        lambda s: ApprovalState(
            s.request, s.status, msgspec.structs.replace(s.answer, approved=False)
        ),
        lambda s: ApprovalState(
            s.request, s.status, msgspec.structs.replace(s.answer, view_digest="0" * 64)
        ),
        lambda s: ApprovalState(
            msgspec.structs.replace(s.request, view="other"), s.status, s.answer
        ),
    ],
)
def test_store_that_contradicts_itself_gives_no_claim(
    lab: ApprovalLab, spoil: Callable[[Any], ApprovalState]
) -> None:
    class Spoilt(MemoryApprovals):
        def use(self, request: str, *, digest: str, at: float) -> ApprovalState:
            return spoil(super().use(request, digest=digest, at=at))

    lab.desk._store = lab.store = Spoilt()
    request = lab.open()
    lab.desk.answer(lab.yes(request))
    assert code_of(lambda: lab.desk.use(request.id, lab.call())) == "approval_inconsistent"


def test_view_that_was_changed_in_the_store_gives_no_claim(lab: ApprovalLab) -> None:
    class Repainted(MemoryApprovals):
        def find(self, request: str, at: float) -> ApprovalState | None:
            state = super().find(request, at)
            return None if state is None else repaint(state)

        def use(self, request: str, *, digest: str, at: float) -> ApprovalState:
            return repaint(super().use(request, digest=digest, at=at))

    def repaint(state: ApprovalState) -> ApprovalState:
        changed = msgspec.structs.replace(state.request, view="a cup of tea")
        return msgspec.structs.replace(state, request=changed)

    lab.desk._store = lab.store = Repainted()
    request = lab.open()
    lab.desk.answer(lab.yes(request))
    assert code_of(lambda: lab.desk.use(request.id, lab.call())) == "approval_inconsistent"


def test_of_many_threads_one_uses_an_approval(lab: ApprovalLab) -> None:
    request = lab.open()
    lab.desk.answer(lab.yes(request))
    start = threading.Barrier(8)
    got: list[object] = []

    def use() -> None:
        start.wait()
        try:
            got.append(lab.desk.use(request.id, lab.call()))
        except InvalidInput as error:
            got.append(error.reason_code)

    threads = [threading.Thread(target=use) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(map(str, got))[1:] == ["approval_used"] * 7
