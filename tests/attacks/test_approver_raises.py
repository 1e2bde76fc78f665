"""The approver is broken, lies, or answers with something that is merely true. None of it is a yes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from unittest.mock import MagicMock

import pytest

from permit0.approval.approvers import CallbackApprover
from permit0.errors import InvalidInput
from permit0.model.approval import ApprovalAnswer, ApprovalRequest, ApprovalStatus
from permit0.testing.approval_lab import ApprovalLab


class Approves(ApprovalAnswer, frozen=True, kw_only=True):
    """An answer of a type of its own."""


class Equal:
    """Equal to everything, and true."""

    def __eq__(self, other: object) -> bool:
        return True

    def __hash__(self) -> int:
        return 1


class Raises:
    def __init__(self, error: BaseException) -> None:
        self._error = error

    def ask(self, request: ApprovalRequest) -> ApprovalAnswer | None:
        raise self._error


class Gives:
    def __init__(self, make: Callable[[ApprovalRequest], Any]) -> None:
        self._make = make

    def ask(self, request: ApprovalRequest) -> Any:
        return self._make(request)


def outcome(lab: ApprovalLab, approver: Any) -> tuple[ApprovalStatus, str]:
    request = lab.open()
    state = lab.desk.ask(approver, request)
    if state.status is not ApprovalStatus.APPROVED:
        with pytest.raises(InvalidInput):
            lab.desk.use(request.id, lab.call())
    return state.status, lab.events[-1].code


REJECTED = (ApprovalStatus.REJECTED, "approver_failed")


@pytest.mark.parametrize(
    "error",
    [ValueError("no"), SystemExit(0), KeyboardInterrupt(), RecursionError(), GeneratorExit()],
)
def test_approver_that_raises_says_no(error: BaseException) -> None:
    assert outcome(ApprovalLab(), Raises(error)) == REJECTED


@pytest.mark.parametrize(
    "said", ["yes", "True", 1, 1.0, [True], {"approved": True}, Equal(), MagicMock(), object()]
)
def test_what_is_merely_true_says_no(said: Any) -> None:
    assert outcome(ApprovalLab(), CallbackApprover(lambda request: said, by="ann")) == REJECTED
    assert outcome(ApprovalLab(), Gives(lambda request: said)) == REJECTED


def test_async_function_that_is_merely_true_says_no() -> None:
    async def ask(request: ApprovalRequest) -> Any:
        return "yes"

    assert outcome(ApprovalLab(), CallbackApprover(ask, by="ann")) == REJECTED


def test_exactly_true_says_yes() -> None:
    approver = CallbackApprover(lambda request: True, by="ann")
    assert outcome(ApprovalLab(), approver) == (ApprovalStatus.APPROVED, "")


def test_answer_of_another_type_says_no() -> None:
    def make(request: ApprovalRequest) -> ApprovalAnswer:
        return Approves(request=request.id, approved=True, by="ann", reason="",
                        view_digest=request.view_digest, at=0.0)  # fmt: skip

    assert outcome(ApprovalLab(), Gives(make)) == REJECTED


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"approved": "yes"}, "approver_failed"),
        ({"request": "0" * 32}, "approver_failed"),
        ({"by": ""}, "approver_failed"),
        ({"view_digest": "0" * 64}, "approval_view_changed"),
        ({"by": "maria"}, "approval_self"),
        ({"by": "billing-bot"}, "approval_self"),
    ],
)
def test_answer_that_does_not_fit_says_no(changes: dict[str, Any], code: str) -> None:
    lab = ApprovalLab()
    approver = Gives(lambda request: lab.yes(request, **changes))
    assert outcome(lab, approver) == (ApprovalStatus.REJECTED, code)


def test_answer_to_another_open_request_says_no_to_this_one() -> None:
    lab = ApprovalLab()
    other = lab.open({"amount": 1})
    assert outcome(lab, Gives(lambda request: lab.yes(other))) == REJECTED
    assert lab.desk.find(other.id).status is ApprovalStatus.PENDING


def test_words_of_an_exception_are_not_recorded() -> None:
    lab = ApprovalLab()
    outcome(lab, Raises(ValueError("password=hunter2")))
    assert "hunter2" not in str(lab.events)
    assert "ValueError" in lab.events[-1].reason
