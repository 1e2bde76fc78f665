"""Approvals: what a person is asked, and what the person said.

An approval is for exactly this call (digest) and exactly what was shown (digest of the view). A changed
argument is another digest and so another request.
"""

from __future__ import annotations

from enum import StrEnum

import msgspec

from permit0.model.vocabulary import Tier

__all__ = ["ApprovalAnswer", "ApprovalRequest", "ApprovalState", "ApprovalStatus"]


class ApprovalStatus(StrEnum):
    """Where a request stands. It only moves down: pending, then answered or expired; approved, then used."""

    PENDING = "pending"
    APPROVED = "approved"
    REJECTED = "rejected"
    EXPIRED = "expired"
    USED = "used"


class ApprovalRequest(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """One question to a person.

    id: 128 random bits, hex. decision: id of the decision that asks. digest: SHA-256 of the canonical
    arguments, hex. view: the text that the person is shown, secrets taken out; view_digest: its
    SHA-256, hex. reason: why a person is asked. created, expires: unix seconds. call_id: see ToolCall.
    decided: the time of the decision, which history has it under.
    """

    id: str
    decision: str
    tool: str
    action: str
    digest: str
    session: str
    agent: str
    principal: str | None
    tier: Tier
    score: float
    reason: str
    view: str
    view_digest: str
    created: float
    expires: float
    call_id: str = ""
    decided: float = 0.0


class ApprovalAnswer(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """What a person said. by: who. view_digest: of what this person was shown. at: unix seconds."""

    request: str
    approved: bool
    by: str
    reason: str
    view_digest: str
    at: float


class ApprovalState(msgspec.Struct, frozen=True, gc=False):
    """A request with where it stands; `answer` is there once somebody answered."""

    request: ApprovalRequest
    status: ApprovalStatus
    answer: ApprovalAnswer | None
