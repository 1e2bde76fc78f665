"""What a session remembers, and the questions that rules may ask of it.

A rule never sees a list of past calls. It names a Feature beforehand; the state store keeps the
answer up to date as calls are appended, so that asking costs the same in a session of ten calls
and in one of ten thousand.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from enum import StrEnum
from typing import Protocol

import msgspec

from permit0.model.vocabulary import Tier

__all__ = ["Feature", "FeatureKind", "HistoryEntry", "HistoryView", "Scope", "Trace"]


class Scope(msgspec.Struct, frozen=True, gc=False):
    """Whose history counts: the session, and, where a principal is known, the same agent's other
    sessions for the same principal. Never another principal's calls.
    """

    session: str
    agent: str
    principal: str | None


class Trace(msgspec.Struct, frozen=True, gc=False):
    """What history keeps of one action of a call. No argument value is kept.

    flags: names of the flags that fired. marks: "exposed" (handed secrets or personal data to the
        agent), "outward" (data left the organisation).
    keys: identities by kind, normalised ("counterparty": "vendor alpha ltd").
    amount: money in the default currency, None if none or unknown.
    """

    action: str
    flags: tuple[str, ...] = ()
    marks: frozenset[str] = frozenset()
    keys: Mapping[str, str] = {}
    amount: Decimal | None = None


class HistoryEntry(msgspec.Struct, frozen=True, gc=False):
    """One call: an attempt counts from the moment of its decision, refused ones included.

    at: unix seconds. A compound call has several traces but is one step.
    refused: it is counted like every attempt, but is no step: asking again and again must not push
        what came before out of a window of so many actions.
    """

    at: float
    tier: Tier
    traces: tuple[Trace, ...]
    refused: bool = False


class FeatureKind(StrEnum):
    """What is kept for a feature."""

    COUNT = "count"
    TOTAL = "total"
    DISTINCT = "distinct"
    LATEST = "latest"


class Feature(msgspec.Struct, frozen=True):
    """A question to history, named in advance. Equal features share one answer.

    kind: COUNT of actions, TOTAL of money, DISTINCT values of `key`, LATEST occurrence.
    actions: which actions count; empty means all. mark: only traces with this mark.
    below: only traces whose amount is known and smaller.
    window_s: how far back in seconds; None is the whole session.
    shared_window_s: how far back for the agent's other sessions for the same principal.
    """

    kind: FeatureKind
    actions: frozenset[str] = frozenset()
    mark: str | None = None
    key: str | None = None
    below: Decimal | None = None
    window_s: float | None = None
    shared_window_s: float | None = None


class HistoryView(Protocol):
    """Answers as of now, for one scope. The call that is being decided is not in it yet."""

    def count(self, feature: Feature) -> int:
        """Number of matching actions."""

    def total(self, feature: Feature) -> Decimal:
        """Sum of matching amounts in the default currency."""

    def distinct(self, feature: Feature, value: str | None, *, enough: int) -> int:
        """Number of different values, `value` included; may stop counting at `enough`."""

    def steps_since(self, feature: Feature) -> int | None:
        """How many calls ago the latest match was, 1 for the call just before; None if never."""

    def seconds_since(self, feature: Feature) -> float | None:
        """How long ago the latest match was; None if never."""

    def latest(self, feature: Feature) -> tuple[float, int] | None:
        """When the latest match was, in unix seconds, and how many matches have that very time."""

    def rate(self, action: str) -> int:
        """Calls of `action` in the last minute."""

    def tiers(self) -> Mapping[Tier, int]:
        """Calls per tier in the last hour."""

    def flags(self) -> int:
        """Number of different flags seen in the last hour."""
