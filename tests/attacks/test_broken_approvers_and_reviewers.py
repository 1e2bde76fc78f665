"""Whoever is asked raises, hangs, lies or answers something else: nothing runs without a person's yes."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from permit0.errors import ApprovalRequired, Denied
from permit0.model.approval import ApprovalAnswer, ApprovalRequest
from permit0.model.review import Review, ReviewRequest
from permit0.testing.deployment import GuardBench

PAY: dict[str, object] = {"amount": 5000, "currency": "USD", "recipient": "Vendor Alpha"}


class Says:
    """An approver that does something; carol, if that is an answer."""

    def __init__(self, does: Callable[[ApprovalRequest], object]) -> None:
        self._does = does

    def ask(self, request: ApprovalRequest) -> Any:
        return self._does(request)


def yes(asked: ApprovalRequest, **changes: Any) -> ApprovalAnswer:
    fields: dict[str, Any] = {
        "request": asked.id,
        "approved": True,
        "by": "carol",
        "reason": "",
        "view_digest": asked.view_digest,
        "at": asked.created,
    }
    return ApprovalAnswer(**(fields | changes))


def raises(request: ApprovalRequest) -> object:
    raise OSError(request.id)


def exits(request: ApprovalRequest) -> object:
    raise SystemExit(0)


APPROVERS: dict[str, Callable[[ApprovalRequest], object]] = {
    "raises": raises,
    "exits": exits,
    "says a truthy text": lambda request: "yes",
    "says True": lambda request: True,
    "says 1 for True": lambda request: yes(request, approved=1),
    "answers another request": lambda request: yes(request, request="0" * 32),
    "answers another view": lambda request: yes(request, view_digest="0" * 64),
    "is the agent": lambda request: yes(request, by="default"),
    "has no name": lambda request: yes(request, by=" "),
    "says no": lambda request: yes(request, approved=False),
}


@pytest.mark.parametrize("what", APPROVERS)
def test_the_approver_is_broken(tmp_path: Path, what: str) -> None:
    bench = GuardBench(tmp_path, approver=Says(APPROVERS[what]))
    found = bench.call("payments.transfer", PAY)
    assert found == "approval_rejected"
    bench.guard = bench.lab.guard(approver=Says(yes))
    assert bench.call("payments.transfer", PAY) == "ran"


def test_the_approver_hangs_and_an_answer_after_the_time_does_not_count(tmp_path: Path) -> None:
    answered: list[object] = []

    def late(request: ApprovalRequest) -> ApprovalAnswer:
        time.sleep(1.3)
        answered.append(request)
        return yes(request)

    bench = GuardBench(tmp_path, {"approval": {"timeout_s": 1}}, approver=Says(late), clock=None)
    began = time.monotonic()
    assert bench.call("payments.transfer", PAY) in ("approval_timeout", "approval_rejected")
    assert time.monotonic() - began < 5
    while not answered:
        time.sleep(0.01)
    assert not bench.ran
    bench.guard = bench.lab.guard(approver=Says(yes))
    assert bench.call("payments.transfer", PAY) == "ran"


class Reviews:
    def __init__(self, does: Callable[[ReviewRequest], object]) -> None:
        self._does = does

    def review(self, request: ReviewRequest) -> Review:
        said: Any = self._does(request)
        if isinstance(said, Exception):
            raise said
        review: Review = said
        return review


REVIEWERS: dict[str, Callable[[ReviewRequest], object]] = {
    "raises": lambda request: OSError("no model"),
    "says allow": lambda request: "ALLOW",
    "says nothing": lambda request: None,
    "is unsure": lambda request: Review(verdict="deny", confidence=math.nan, reason="?"),  # type: ignore[arg-type]  # the attack
}
SMALL: dict[str, object] = {"amount": 200, "currency": "USD", "recipient": "Vendor Alpha"}


@pytest.mark.parametrize("what", REVIEWERS)
def test_the_reviewer_is_broken_and_a_person_is_still_asked(tmp_path: Path, what: str) -> None:
    asked: list[ApprovalRequest] = []

    def ask(request: ApprovalRequest) -> ApprovalAnswer:
        asked.append(request)
        return yes(request)

    bench = GuardBench(tmp_path, reviewer=Reviews(REVIEWERS[what]))
    with pytest.raises(ApprovalRequired):
        bench.guard.require("payments.transfer", SMALL)
    bench.guard = bench.lab.guard(reviewer=Reviews(REVIEWERS[what]), approver=Says(ask))
    assert bench.call("payments.transfer", SMALL) == "ran"
    assert len(asked) == 1


def test_a_refusal_as_a_sentence_is_no_permission(tmp_path: Path) -> None:
    bench = GuardBench(tmp_path, on_refusal="return")
    hurried = bench.guard("payments.transfer")(lambda **given: bench.ran.append(given))
    assert "needs a person's approval" in str(hurried(**PAY))
    with pytest.raises(Denied):
        bench.guard.require("payments.transfer", PAY)
    assert not bench.ran
