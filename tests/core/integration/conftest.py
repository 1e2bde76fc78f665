"""A gate over a guard with safe defaults, in memory."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

import permit0
from permit0.integration import Gate
from permit0.model.approval import ApprovalRequest
from permit0.testing.clock import FrozenClock

Answer = Callable[[object, bool], None]
START = 1_790_000_000.0


@pytest.fixture
def clock() -> FrozenClock:
    return FrozenClock(START)


@pytest.fixture
def guard(tmp_path: Path, clock: FrozenClock) -> permit0.Guard:
    config = tmp_path / "permit0.yaml"
    config.write_text("lists: {deny: [{tool: danger, reason: the operator says no}]}\n")
    return permit0.build_guard(config, clock=clock)


@pytest.fixture
def gate(guard: permit0.Guard) -> Gate:
    return Gate(guard, framework="test")


@pytest.fixture
def answer(guard: permit0.Guard) -> Answer:
    """What a person says to a request."""
    return lambda request, approved: _answer(guard, request, approved=approved)


def _answer(guard: permit0.Guard, request: object, *, approved: bool) -> None:
    assert isinstance(request, ApprovalRequest)
    desk = guard.desk
    assert desk is not None
    desk.answer(
        permit0.ApprovalAnswer(
            request=request.id,
            approved=approved,
            by="alice",
            reason="",
            view_digest=request.view_digest,
            at=0.0,
        )
    )
