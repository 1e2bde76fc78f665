"""A desk, a call that needs a person, and everything that went on record, for tests that break one thing.

    lab = ApprovalLab()
    request = lab.open()
    lab.desk.answer(lab.yes(request))
    lab.desk.use(request.id, lab.call())           # a claim; a second use raises

Everything is valid by default.
"""

from __future__ import annotations

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
)
from permit0.model.call import ToolCall
from permit0.model.decision import Decision
from permit0.model.reason import Reason
from permit0.model.vocabulary import Mode, Outcome, Tier
from permit0.state.approvals import MemoryApprovals
from permit0.testing.clock import FrozenClock

__all__ = ["ARGUMENTS", "ApprovalLab", "make_call", "make_decision"]

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


class ApprovalLab:
    """One desk. `broken` makes the log refuse; `events` is what it kept."""

    def __init__(self, *, timeout_s: float = 300.0, clean: Clean = dict) -> None:
        self.clock = FrozenClock()
        self.store = MemoryApprovals()
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
