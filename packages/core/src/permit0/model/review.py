"""What a second reader is asked about a REVIEW decision, and all that it can answer.

INVARIANT: there is no ALLOW in the type. A reviewer can only make a decision stricter.
"""

from __future__ import annotations

from enum import StrEnum

import msgspec

from permit0.model.vocabulary import Tier

__all__ = ["Review", "ReviewRequest", "ReviewVerdict"]


class ReviewVerdict(StrEnum):
    """What a reviewer may say."""

    HUMAN = "human"
    DENY = "deny"


class ReviewRequest(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """What a reviewer reads. arguments: canonical JSON, secrets taken out. task: the user's own words."""

    decision: str
    tool: str
    action: str
    arguments: str
    task: str
    session: str
    agent: str
    tier: Tier
    score: float
    flags: tuple[str, ...]
    rules: tuple[str, ...]
    reasons: tuple[str, ...]


class Review(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """What a reviewer said. confidence: 0 to 1; a DENY counts from 0.90 on and needs a reason.

    failure: reason code if no valid answer came (then the verdict is HUMAN), else "".
    """

    verdict: ReviewVerdict
    confidence: float
    reason: str
    failure: str = ""
