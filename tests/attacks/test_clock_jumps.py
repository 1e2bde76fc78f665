"""The clock stops being one, or jumps by an hour, between any two steps of a call."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from permit0.errors import Permit0Error
from permit0.model.approval import ApprovalAnswer, ApprovalRequest
from permit0.testing.clock import FrozenClock
from permit0.testing.deployment import AUDIENCE, READ, GuardBench

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


@pytest.mark.parametrize("jump", [math.nan, math.inf, -math.inf, 1e18, -1e18, 1e12])
def test_the_clock_gives_no_time(tmp_path: Path, jump: float) -> None:
    bench = GuardBench(tmp_path)
    assert bench.call() == "ran"
    now = bench.clock.now()
    bench.clock.set(jump)
    assert bench.call() == "bad_time"
    bench.clock.set(now)
    if not jump > 1e11:  # history is never before what it has seen
        assert bench.call() == "ran"


class Breaking(FrozenClock):
    """Breaks after some more questions. left: how many."""

    left = -1

    def now(self) -> float:
        self.left -= 1
        if self.left == 0:
            raise OSError("no clock")
        return super().now()


@pytest.mark.parametrize("after", range(1, 12))
def test_the_clock_breaks_in_the_middle_of_a_call(tmp_path: Path, after: int) -> None:
    """Before the body that is a refusal; after it, the outcome is unrecorded and says so."""
    clock = Breaking()
    bench = GuardBench(tmp_path, clock=clock)
    assert bench.call() == "ran"
    body = bench.guard("files.read")(lambda **given: bench.ran.append(given))
    clock.left = after
    code = "ran"
    try:
        body(**READ)
    except Permit0Error as error:
        code = error.reason_code
    assert code in (("ran", "outcome_unrecorded") if len(bench.ran) == 2 else ("internal_error",))


@pytest.mark.parametrize(
    ("jump", "code"), [(-3600, "approval_timeout"), (3600, "approval_timeout")]
)
def test_the_clock_jumps_while_a_person_is_asked(tmp_path: Path, jump: int, code: str) -> None:
    def ask(request: ApprovalRequest) -> ApprovalAnswer:
        bench.clock.advance(jump)
        return yes(request)

    bench = GuardBench(tmp_path, approver=Says(ask))
    assert bench.call("payments.transfer", PAY) in (code, "approval_expired", "approval_rejected")
    jump = 1  # a second is no jump
    assert bench.call("payments.transfer", PAY) == "ran"


@pytest.mark.parametrize(
    ("jump", "code"), [(-3600, "token_not_yet_valid"), (3600, "token_expired"), (0, "ran")]
)
def test_the_clock_jumps_between_token_and_gateway(tmp_path: Path, jump: int, code: str) -> None:
    bench = GuardBench(tmp_path)
    gateway = bench.lab.gateway(clock=bench.clock)
    token = bench.guard.token_for("files.read", READ, audience=AUDIENCE)
    bench.clock.advance(jump)
    try:
        gateway.authorize(token.text, "files.read", READ)
        found = "ran"
    except Permit0Error as error:
        found = error.reason_code
    assert found == code


@pytest.mark.parametrize("jump", [0, -3600])
def test_the_clock_jumps_back_and_history_stays(tmp_path: Path, jump: int) -> None:
    bench = GuardBench(tmp_path, {"limits": {"card_testing_charges": 4}})
    charges = []
    for n in range(5):
        charges.append(
            bench.call("payments.charge", {"amount": 1, "currency": "USD", "customer": f"cus_{n}"})
        )
        bench.clock.advance(jump)
    assert charges == ["ran", "ran", "tier_medium", "session_block", "session_block"]


def test_a_used_token_stays_used_whatever_the_clock_does(tmp_path: Path) -> None:
    bench = GuardBench(tmp_path)
    token = bench.guard.token_for("files.read", READ, audience=AUDIENCE)
    gateway = bench.lab.gateway(clock=bench.clock)
    gateway.authorize(token.text, "files.read", READ)
    for jump in (3600, -3600, 0):
        bench.clock.advance(jump)
        for each in (gateway, bench.lab.gateway(clock=bench.clock)):
            with pytest.raises(Permit0Error) as caught:
                each.authorize(token.text, "files.read", READ)
            assert caught.value.reason_code in ("token_replayed", "token_expired")
