"""A desk, a call that needs a person, and everything that went on record, for tests that break one thing.

    lab = ApprovalLab()
    request = lab.open()
    lab.desk.answer(lab.yes(request))
    lab.desk.use(request.id, lab.call())           # a claim; a second use raises

Everything is valid by default.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from typing import Any

import msgspec

from permit0.approval.desk import ApprovalDesk, ApprovalEvent
from permit0.approval.view import Clean, render_view
from permit0.canonical import digest, freeze
from permit0.errors import AuditUnavailable, InvalidInput
from permit0.model.approval import (
    ApprovalAnswer,
    ApprovalRequest,
    ApprovalState,
    ApprovalStatus,
)
from permit0.model.call import ToolCall
from permit0.model.decision import Decision
from permit0.model.reason import Reason
from permit0.model.vocabulary import Mode, Outcome, Tier
from permit0.testing.clock import FrozenClock

__all__ = ["ARGUMENTS", "ApprovalLab", "FakeApprovals", "make_call", "make_decision"]

ARGUMENTS: Mapping[str, object] = {"amount": 1250, "currency": "USD", "recipient": "Vendor Alpha"}


def make_call(arguments: Mapping[str, object] = ARGUMENTS, **changes: Any) -> ToolCall:
    """A call; `changes` replace its other members."""
    members: dict[str, Any] = {
        "tool": "bank_transfer",
        "arguments": freeze(arguments),
        "session": "session-1",
        "agent": "billing-bot",
        "principal": "maria",
    }
    return ToolCall(**(members | changes))


def make_decision(call: ToolCall, **changes: Any) -> Decision:
    """A HUMAN decision about a call; `changes` replace its members."""
    members: dict[str, Any] = {
        "id": "d" * 32,
        "tool": call.tool,
        "digest": digest(call.arguments),
        "outcome": Outcome.HUMAN,
        "decided": Outcome.HUMAN,
        "mode": Mode.ENFORCE,
        "tier": Tier.HIGH,
        "score": 0.62,
        "reasons": (Reason("tier_high", "the score is in the tier high", ""),),
        "actions": (),
        "at": 0.0,
        "mapped": "payments.transfer",
    }
    return Decision(**(members | changes))


class FakeApprovals:
    """The port's contract in one process, in the plainest way."""

    def __init__(self) -> None:
        self._states: dict[str, ApprovalState] = {}
        self._lock = threading.Lock()

    def open(self, request: ApprovalRequest) -> None:
        with self._lock:
            assert request.id not in self._states
            self._states[request.id] = ApprovalState(request, ApprovalStatus.PENDING, None)

    def find(self, request: str, at: float) -> ApprovalState | None:
        with self._lock:
            return self._now(request, at)

    def pending(self, at: float) -> tuple[ApprovalState, ...]:
        with self._lock:
            states = [self._now(name, at) for name in self._states]
        return tuple(s for s in states if s is not None and s.status is ApprovalStatus.PENDING)

    def answer(self, answer: ApprovalAnswer) -> ApprovalState:
        with self._lock:
            state = self._known(answer.request, answer.at)
            if state.status is ApprovalStatus.EXPIRED:
                raise _refused("approval_expired")
            if state.status is not ApprovalStatus.PENDING:
                raise _refused("approval_answered")
            if answer.view_digest != state.request.view_digest:
                raise _refused("approval_view_changed")
            status = ApprovalStatus.APPROVED if answer.approved else ApprovalStatus.REJECTED
            return self._set(ApprovalState(state.request, status, answer))

    def use(self, request: str, *, digest: str, at: float) -> ApprovalState:
        with self._lock:
            state = self._known(request, at)
            if state.status is not ApprovalStatus.APPROVED:
                raise _refused(f"approval_{state.status.value}")
            if digest != state.request.digest:
                raise _refused("approval_other_call")
            return self._set(ApprovalState(state.request, ApprovalStatus.USED, state.answer))

    def _known(self, request: str, at: float) -> ApprovalState:
        state = self._now(request, at)
        if state is None:
            raise _refused("approval_unknown")
        return state

    def _now(self, request: str, at: float) -> ApprovalState | None:
        state = self._states.get(request)
        waits = {ApprovalStatus.PENDING, ApprovalStatus.APPROVED}
        if state is not None and state.status in waits and at >= state.request.expires:
            return ApprovalState(state.request, ApprovalStatus.EXPIRED, state.answer)
        return state

    def _set(self, state: ApprovalState) -> ApprovalState:
        self._states[state.request.id] = state
        return state


class ApprovalLab:
    """One desk. `broken` makes the log refuse; `events` is what it kept."""

    def __init__(self, *, timeout_s: float = 300.0, clean: Clean = dict) -> None:
        self.clock = FrozenClock()
        self.store = FakeApprovals()
        self.events: list[ApprovalEvent] = []
        self.broken = False
        self.desk = ApprovalDesk(
            self.store,
            clock=self.clock,
            show=lambda call, decision: render_view(call, decision, clean=clean),
            record=self._record,
            timeout_s=timeout_s,
        )

    def open(self, arguments: Mapping[str, object] = ARGUMENTS) -> ApprovalRequest:
        """A request for the call of these arguments."""
        call = self.call(arguments)
        return self.desk.request(call, make_decision(call))

    def call(self, arguments: Mapping[str, object] = ARGUMENTS, **changes: Any) -> ToolCall:
        """See `make_call`."""
        return make_call(arguments, **changes)

    def yes(self, request: ApprovalRequest, **changes: Any) -> ApprovalAnswer:
        """A good answer by somebody else than the principal; `changes` replace its members."""
        answer = ApprovalAnswer(
            request=request.id,
            approved=True,
            by="ann",
            reason="fine",
            view_digest=request.view_digest,
            at=0.0,
        )
        return msgspec.structs.replace(answer, **changes)

    @property
    def said(self) -> list[tuple[str, str]]:
        """Event and code of everything on record."""
        return [(event.event, event.code) for event in self.events]

    def _record(self, event: ApprovalEvent) -> None:
        if self.broken:
            raise AuditUnavailable("the log is broken")
        self.events.append(event)


def _refused(code: str) -> InvalidInput:
    return InvalidInput(f"refused: {code}", reason_code=code)
