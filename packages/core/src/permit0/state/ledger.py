"""The index over one history: answers kept up to date, so that asking never rescans.

Guarantees:
  * `apply` costs the same whatever came before (amortised: a window forgets what leaves it).
  * A later step is never earlier than the one before: time is clamped by the store.
  * Nothing but counts, sums, times and normalised identities is kept.
Does not: lock (the store), or know any rule (session).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Context, Decimal
from types import MappingProxyType
from typing import NamedTuple

from permit0.model.history import Feature, FeatureKind, HistoryEntry, Trace
from permit0.model.vocabulary import Tier
from permit0.state.shelf import Shelf
from permit0.state.windows import ZERO, Count, Seen, Window

__all__ = ["HOUR_S", "MINUTE_S", "SUM_DIGITS", "FeatureIndex", "Ledger", "MergedHistory"]

MINUTE_S = 60.0
HOUR_S = 3600.0
# An amount has at most 80 digits (normalize/money.py), from 10**42 down to 10**-50; this many of
# them can be added up, and taken away again, without a digit being lost.
SUM_DIGITS = 150
_NOTHING: Mapping[str, float] = MappingProxyType({})


class _Update(NamedTuple):
    """One feature, ready to be counted."""

    slot: int
    kind: int
    mark: str | None
    key: str
    below: Decimal | None
    window: float | None


_COUNT, _TOTAL, _DISTINCT, _LATEST = range(4)
_KINDS = {
    FeatureKind.COUNT: _COUNT,
    FeatureKind.TOTAL: _TOTAL,
    FeatureKind.DISTINCT: _DISTINCT,
    FeatureKind.LATEST: _LATEST,
}


class FeatureIndex:
    """Which features a trace touches, found by its action name. Shared by all ledgers of a store.

    Features are looked up by identity, since hashing one costs more than answering it; equal ones
    share a slot.
    """

    def __init__(self, features: Sequence[Feature]) -> None:
        self._registered = tuple(features)  # kept, so that no identity is ever reused
        unique = {feature: i for i, feature in enumerate(dict.fromkeys(features))}
        self.size = len(unique)
        # Not that of the thread: the program around us may have asked for six digits.
        self.exact = Context(prec=SUM_DIGITS)
        self._slot = {id(feature): unique[feature] for feature in self._registered}
        self._plans: tuple[dict[str, tuple[_Update, ...]], ...] = ({}, {})
        self._rest: list[tuple[_Update, ...]] = []
        for shared in (0, 1):
            updates = {
                feature: _Update(
                    slot,
                    _KINDS[feature.kind],
                    feature.mark,
                    feature.key or "",
                    feature.below,
                    feature.shared_window_s if shared else feature.window_s,
                )
                for feature, slot in unique.items()
            }
            self._rest.append(tuple(u for f, u in updates.items() if not f.actions))
            for action in {action for feature in unique for action in feature.actions}:
                self._plans[shared][action] = tuple(
                    u for f, u in updates.items() if not f.actions or action in f.actions
                )

    def slot(self, feature: Feature) -> int:
        """Where the answer to a feature is kept.

        Raises:
            KeyError: The feature was not registered when the store was made.
        """
        return self._slot[id(feature)]

    def plan(self, action: str, *, shared: bool) -> tuple[_Update, ...]:
        """What to count when `action` happens."""
        return self._plans[shared].get(action, self._rest[shared])


class Ledger:
    """History of one scope: a session, or all sessions of one agent for one principal.

    `shared` picks the windows that apply to other sessions. `used`, `row` and `generation` belong
    to the store: when it last asked, and up to where it has read what others wrote; so does `shelf`.
    """

    __slots__ = (
        "_flags",
        "_index",
        "_latest",
        "_rates",
        "_shared",
        "_slots",
        "_tiers",
        "generation",
        "last_at",
        "row",
        "shelf",
        "steps",
        "used",
    )

    def __init__(self, index: FeatureIndex, *, shared: bool) -> None:
        self._index = index
        self._shared = shared
        self._slots: list[Count | Window | Seen | None] = [None] * index.size
        self._latest: dict[int, tuple[int, float, int]] = {}  # step, time, how many have that time
        self._rates: dict[str, Count] = {}
        self._tiers: dict[Tier, Count] = {}
        self._flags: dict[str, float] = {}
        self.shelf: Shelf | None = None  # nearly always: what exposed outputs gave back
        self.steps = 0
        self.last_at = 0.0
        self.used = 0
        self.row = 0
        self.generation = 0

    def shelf_made(self) -> Shelf:
        """The shelf, a new one if there was none."""
        if self.shelf is None:
            self.shelf = Shelf()
        return self.shelf

    def apply(self, entry: HistoryEntry) -> None:
        """Count one call."""
        at = entry.at
        if not entry.refused:
            self.steps += 1
        if at > self.last_at:  # not so if it was looked at later, and another process wrote before
            self.last_at = at
        tier = self._tiers.get(entry.tier)
        if tier is None:
            tier = self._tiers[entry.tier] = Count(HOUR_S)
        tier.add(at)
        for trace in entry.traces:
            self.add_trace(trace, at)
            rate = self._rates.get(trace.action)
            if rate is None:
                rate = self._rates[trace.action] = Count(MINUTE_S)
            rate.add(at)

    def settle(self, entry: HistoryEntry) -> None:
        """Count what an execution revealed, as part of the latest step."""
        self.last_at = max(self.last_at, entry.at)
        for trace in entry.traces:
            self.add_trace(trace, entry.at)

    def add_trace(self, trace: Trace, at: float) -> None:
        """Count one action as part of the latest step."""
        for flag in trace.flags:
            self._flags[flag] = at
        amount, slots = trace.amount, self._slots
        for slot, kind, mark, key, below, window in self._index.plan(
            trace.action, shared=self._shared
        ):
            if mark is not None and mark not in trace.marks:
                continue
            if below is not None and (amount is None or amount >= below):
                continue
            if kind == _LATEST:
                last = self._latest.get(slot)
                same = last[2] + 1 if last is not None and last[1] == at else 1
                self._latest[slot] = (self.steps, at, same)
                continue
            kept = slots[slot]
            if kind == _COUNT:
                if kept is None:
                    kept = slots[slot] = Count(window)
                if isinstance(kept, Count):
                    kept.add(at)
            elif kind == _DISTINCT:
                value = trace.keys.get(key)
                if value is not None:
                    if kept is None:
                        kept = slots[slot] = Seen(window)
                    if isinstance(kept, Seen):
                        kept.add(at, value)
            elif amount is not None:
                if kept is None:
                    kept = slots[slot] = Window(window, self._index.exact)
                if isinstance(kept, Window):
                    kept.add(at, amount)

    def count(self, slot: int, now: float) -> int:
        """Matching actions in the feature's window."""
        kept = self._slots[slot]
        return kept.count(now) if isinstance(kept, Count) else 0

    def total(self, slot: int, now: float) -> Decimal:
        """Sum of matching amounts in the feature's window."""
        kept = self._slots[slot]
        return kept.sum(now) if isinstance(kept, Window) else ZERO

    def seen(self, slot: int, now: float) -> Mapping[str, float]:
        """Different values in the feature's window."""
        kept = self._slots[slot]
        return kept.values(now) if isinstance(kept, Seen) else _NOTHING

    def latest(self, slot: int) -> tuple[int, float, int] | None:
        """Step number and time of the latest match, and how many have that time."""
        return self._latest.get(slot)

    def rate(self, action: str, now: float) -> int:
        """Calls of an action in the last minute."""
        kept = self._rates.get(action)
        return 0 if kept is None else kept.count(now)

    def tiers(self, now: float) -> dict[Tier, int]:
        """Calls per tier in the last hour."""
        return {tier: kept.count(now) for tier, kept in self._tiers.items()}

    def flags(self, now: float) -> set[str]:
        """Different flags of the last hour."""
        oldest = now - HOUR_S
        return {flag for flag, at in self._flags.items() if at >= oldest}

    def flag_count(self, now: float) -> int:
        """How many different flags the last hour had."""
        oldest = now - HOUR_S
        return len([at for at in self._flags.values() if at >= oldest])


class MergedHistory:
    """Answers for a scope: the session together with the agent's other sessions.

    `session` holds the session, `shared` all sessions of the agent for the principal, `both` what is
    in the two of them. What happened once is counted once: |A or B| = |A| + |B| - |A and B|.
    """

    __slots__ = ("_both", "_index", "_now", "_session", "_shared")

    def __init__(
        self,
        index: FeatureIndex,
        now: float,
        session: Ledger,
        shared: Ledger | None,
        both: Ledger | None,
    ) -> None:
        self._index = index
        self._now = now
        self._session = session
        self._shared = shared
        self._both = both

    def count(self, feature: Feature) -> int:
        slot = self._index.slot(feature)
        count = self._session.count(slot, self._now)
        if self._shared is not None and self._both is not None:
            count += self._shared.count(slot, self._now) - self._both.count(slot, self._now)
        return count

    def total(self, feature: Feature) -> Decimal:
        slot = self._index.slot(feature)
        total = self._session.total(slot, self._now)
        if self._shared is not None and self._both is not None:
            exact = self._index.exact
            total = exact.add(total, self._shared.total(slot, self._now))
            total = exact.subtract(total, self._both.total(slot, self._now))
        return total

    def distinct(self, feature: Feature, value: str | None, *, enough: int) -> int:
        slot = self._index.slot(feature)
        values = self._session.seen(slot, self._now)
        if self._shared is not None:
            more = self._shared.seen(slot, self._now)
            if len(more) > len(values):
                values, more = more, values
            # Both are short unless one alone is already enough, so that joining them is cheap.
            if len(values) < enough:
                values = {**values, **more}
        extra = 1 if value is not None and value not in values else 0
        return len(values) + extra

    def steps_since(self, feature: Feature) -> int | None:
        slot = self._index.slot(feature)
        found: int | None = None
        for ledger in (self._session, self._shared):
            latest = None if ledger is None else ledger.latest(slot)
            if ledger is not None and latest is not None:
                steps = ledger.steps - latest[0] + 1
                found = steps if found is None else min(found, steps)
        return found

    def seconds_since(self, feature: Feature) -> float | None:
        slot = self._index.slot(feature)
        found: float | None = None
        for ledger in (self._session, self._shared):
            latest = None if ledger is None else ledger.latest(slot)
            if latest is not None:
                seconds = self._now - latest[1]
                found = seconds if found is None else min(found, seconds)
        return found

    def latest(self, feature: Feature) -> tuple[float, int] | None:
        slot = self._index.slot(feature)
        found = self._session.latest(slot)
        shared = None if self._shared is None else self._shared.latest(slot)
        if found is None or (shared is not None and shared[1] > found[1]):
            found, shared = shared, None
        if found is None:
            return None
        count = found[2]
        if shared is not None and shared[1] == found[1]:
            both = None if self._both is None else self._both.latest(slot)
            count += shared[2] - (both[2] if both is not None and both[1] == found[1] else 0)
        return found[1], count

    def rate(self, action: str) -> int:
        count = self._session.rate(action, self._now)
        if self._shared is not None and self._both is not None:
            count += self._shared.rate(action, self._now) - self._both.rate(action, self._now)
        return count

    def tiers(self) -> Mapping[Tier, int]:
        tiers = self._session.tiers(self._now)
        if self._shared is not None and self._both is not None:
            both = self._both.tiers(self._now)
            for tier, count in self._shared.tiers(self._now).items():
                tiers[tier] = tiers.get(tier, 0) + count - both.get(tier, 0)
        return tiers

    def flags(self) -> int:
        if self._shared is None:
            return self._session.flag_count(self._now)
        return len(self._session.flags(self._now) | self._shared.flags(self._now))
