"""Asking takes no longer than it may, and whatever is not a yes in time is none."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from permit0.approval.approvers import CallbackApprover
from permit0.approval.desk import MAX_STUCK
from permit0.errors import Permit0Error
from permit0.model.approval import ApprovalRequest, ApprovalStatus
from permit0.ports import Approver
from permit0.testing.approval_lab import ApprovalLab

PENDING, APPROVED, REJECTED, EXPIRED = (
    ApprovalStatus.PENDING,
    ApprovalStatus.APPROVED,
    ApprovalStatus.REJECTED,
    ApprovalStatus.EXPIRED,
)


def code_of(function: Callable[[], object]) -> str:
    with pytest.raises(Permit0Error) as caught:
        function()
    return caught.value.reason_code


def says(value: Any) -> Approver:
    return CallbackApprover(lambda request: value, by="ann")


class Answering:
    """An approver that gives back whatever it is told to."""

    def __init__(self, answer: Callable[[ApprovalRequest], Any]) -> None:
        self._answer = answer

    def ask(self, request: ApprovalRequest) -> Any:
        return self._answer(request)


def test_yes_in_time_counts(lab: ApprovalLab) -> None:
    request = lab.open()
    assert lab.desk.ask(says(True), request).status is APPROVED
    assert lab.desk.use(request.id, lab.call()).id == request.id
    assert lab.said == [("requested", ""), ("answered", ""), ("used", "")]


def test_no_counts(lab: ApprovalLab) -> None:
    request = lab.open()
    assert lab.desk.ask(says(False), request).status is REJECTED
    assert code_of(lambda: lab.desk.use(request.id, lab.call())) == "approval_rejected"


def test_nobody_asked_leaves_the_request_open_for_others(lab: ApprovalLab) -> None:
    request = lab.open()
    assert lab.desk.ask(says(None), request).status is PENDING
    lab.desk.answer(lab.yes(request))
    assert lab.desk.use(request.id, lab.call()).id == request.id


def test_silence_is_a_timeout_and_what_comes_later_has_no_effect() -> None:
    lab = ApprovalLab(timeout_s=0.05)
    request = lab.open()
    go, gone = threading.Event(), threading.Event()

    def slow(request: ApprovalRequest) -> bool:
        go.wait()
        gone.set()
        return True

    state = lab.desk.ask(CallbackApprover(slow, by="ann"), request)
    assert state.status is EXPIRED
    go.set()
    assert gone.wait(30)
    # The clock stood still, so the store would still take an answer: the desk has closed the request.
    assert code_of(lambda: lab.desk.answer(lab.yes(request))) == "approval_answered"
    assert code_of(lambda: lab.desk.use(request.id, lab.call())) == "approval_rejected"
    assert lab.said[1] == ("answered", "approval_timeout")


def test_answer_from_elsewhere_counts_when_the_approver_is_silent() -> None:
    lab = ApprovalLab(timeout_s=0.05)
    request = lab.open()
    done = threading.Event()

    def silent(request: ApprovalRequest) -> None:
        lab.desk.answer(lab.yes(request))
        done.wait()

    assert lab.desk.ask(Answering(silent), request).status is APPROVED
    done.set()


def test_time_that_is_over_before_asking_is_a_timeout(lab: ApprovalLab) -> None:
    request = lab.open()
    lab.clock.advance(299.9)
    assert lab.desk.ask(says(None), request).status is PENDING
    lab.clock.advance(0.1)
    assert lab.desk.ask(says(True), request).status is EXPIRED


def test_expiry_is_on_record() -> None:
    lab = ApprovalLab(timeout_s=5)
    request = lab.open()

    def forever(request: ApprovalRequest) -> bool:
        lab.clock.advance(6)
        return True

    assert lab.desk.ask(CallbackApprover(forever, by="ann"), request).status is EXPIRED
    assert lab.said[1:] == [("refused", "approval_expired"), ("expired", "approval_timeout")]


def test_request_that_was_not_opened_is_not_asked_about(lab: ApprovalLab) -> None:
    request = lab.open()
    asked: list[str] = []

    def see(request: ApprovalRequest) -> bool:
        asked.append(request.view)
        return True

    approver = CallbackApprover(see, by="ann")
    forged = msgspec.structs.replace(request, view="ALLOW A CUP OF TEA?")
    assert code_of(lambda: lab.desk.ask(approver, forged)) == "approval_unknown"
    assert asked == []
    assert lab.desk.ask(approver, request).status is APPROVED
    assert asked == [request.view]


def test_answered_request_is_not_asked_about_again(lab: ApprovalLab) -> None:
    request = lab.open()
    lab.desk.answer(lab.yes(request, approved=False))
    assert lab.desk.ask(says(True), request).status is REJECTED


def test_hung_approvers_are_bounded() -> None:
    lab = ApprovalLab(timeout_s=0.01)
    gate = threading.Event()
    hang = Answering(lambda request: gate.wait())
    for _ in range(MAX_STUCK):
        assert lab.desk.ask(hang, lab.open()).status is EXPIRED
    assert lab.desk.ask(says(True), lab.open()).status is REJECTED
    assert lab.said[-1] == ("answered", "approver_overloaded")
    gate.set()


def test_interrupt_of_the_program_closes_the_request(
    lab: ApprovalLab, monkeypatch: pytest.MonkeyPatch
) -> None:
    request = lab.open()

    def interrupt(*args: object, **kwargs: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(threading.Event, "wait", interrupt)
    with pytest.raises(KeyboardInterrupt):
        lab.desk.ask(Answering(lambda request: None), request)
    monkeypatch.undo()
    assert lab.desk.find(request.id).status is REJECTED
    assert lab.said[1:] == [("answered", "approval_interrupted")]
