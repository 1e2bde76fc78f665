"""The index over one history: answers kept up to date, so that asking never rescans.

Guarantees:
  * `apply` costs the same whatever came before (amortised: a window forgets what leaves it).
  * A later step is never earlier than the one before: time is clamped by the store.
  * Nothing but counts, sums, times and normalised identities is kept.
Does not: lock (the store), or know any rule (session).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from decimal import Decimal
from types import MappingProxyType

from permit0.model.history import Feature, FeatureKind, HistoryEntry, Trace
from permit0.model.vocabulary import Tier

__all__ = ["HOUR_S", "MINUTE_S", "FeatureIndex", "Ledger", "MergedHistory"]

MINUTE_S = 60.0
HOUR_S = 3600.0
ZERO = Decimal(0)


class FeatureIndex:
    """Which features a trace touches, found by its action name. Shared by all ledgers of a store."""

    def __init__(self, features: Sequence[Feature]) -> None:
        unique = tuple(dict.fromkeys(features))
        self.features = unique
        self.slot: Mapping[Feature, int] = MappingProxyType({f: i for i, f in enumerate(unique)})
        self._any = tuple(i for i, f in enumerate(unique) if not f.actions)
        self._by_action: dict[str, tuple[int, ...]] = {}
        named = {action for feature in unique for action in feature.actions}
        for action in named:
            self._by_action[action] = tuple(
                i for i, f in enumerate(unique) if not f.actions or action in f.actions
            )

    def touched(self, action: str) -> tuple[int, ...]:
        """Slots of the features that count `action`."""
        return self._by_action.get(action, self._any)


class _Window:
    """Sum of what happened in the last `length` seconds (everything if None)."""

    __slots__ = ("_events", "_length", "_sum")

    def __init__(self, length: float | None) -> None:
        self._events: deque[tuple[float, Decimal]] = deque()
        self._length = length
        self._sum = ZERO

    def add(self, at: float, amount: Decimal) -> None:
        self._sum += amount
        if self._length is not None:
            self._events.append((at, amount))

    def sum(self, now: float) -> Decimal:
        if self._length is not None:
            oldest = now - self._length
            while self._events and self._events[0][0] < oldest:
                self._sum -= self._events.popleft()[1]
        return self._sum


class _Count:
    """How often something happened in the last `length` seconds (ever if None)."""

    __slots__ = ("_count", "_length", "_times")

    def __init__(self, length: float | None) -> None:
        self._times: deque[float] = deque()
        self._length = length
        self._count = 0

    def add(self, at: float) -> None:
        if self._length is None:
            self._count += 1
        else:
            self._times.append(at)

    def count(self, now: float) -> int:
        if self._length is None:
            return self._count
        oldest = now - self._length
        times = self._times
        while times and times[0] < oldest:
            times.popleft()
        return len(times)


class _Seen:
    """Different values of the last `length` seconds (ever if None), least recent first."""

    __slots__ = ("_last", "_length")

    def __init__(self, length: float | None) -> None:
        self._last: dict[str, float] = {}
        self._length = length

    def add(self, at: float, value: str) -> None:
        self._last.pop(value, None)
        self._last[value] = at

    def values(self, now: float) -> Mapping[str, float]:
        if self._length is not None:
            oldest = now - self._length
            while self._last:
                value = next(iter(self._last))
                if self._last[value] >= oldest:
                    break
                del self._last[value]
        return self._last


class Ledger:
    """History of one scope: a session, or all sessions of one agent for one principal.

    `shared` picks the windows that apply to other sessions.
    """

    __slots__ = (
        "_counts",
        "_flags",
        "_index",
        "_latest",
        "_rates",
        "_seen",
        "_shared",
        "_tiers",
        "_totals",
        "last_at",
        "steps",
    )

    def __init__(self, index: FeatureIndex, *, shared: bool) -> None:
        self._index = index
        self._shared = shared
        self._counts: dict[int, _Count] = {}
        self._totals: dict[int, _Window] = {}
        self._seen: dict[int, _Seen] = {}
        self._latest: dict[int, tuple[int, float]] = {}
        self._rates: dict[str, _Count] = {}
        self._tiers: dict[Tier, _Count] = {}
        self._flags = _Seen(HOUR_S)
        self.steps = 0
        self.last_at = 0.0

    def apply(self, entry: HistoryEntry) -> None:
        """Count one call."""
        self.steps += 1
        self.last_at = entry.at
        tier = self._tiers.get(entry.tier)
        if tier is None:
            tier = self._tiers[entry.tier] = _Count(HOUR_S)
        tier.add(entry.at)
        for trace in entry.traces:
            self.add_trace(trace, entry.at)
            rate = self._rates.get(trace.action)
            if rate is None:
                rate = self._rates[trace.action] = _Count(MINUTE_S)
            rate.add(entry.at)

    def add_trace(self, trace: Trace, at: float) -> None:
        """Count one action as part of the latest step."""
        for mark in trace.marks:
            if mark.startswith("flag:"):
                self._flags.add(at, mark)
        for slot in self._index.touched(trace.action):
            feature = self._index.features[slot]
            if feature.mark is not None and feature.mark not in trace.marks:
                continue
            if feature.below is not None and (
                trace.amount is None or trace.amount >= feature.below
            ):
                continue
            self._touch(slot, feature, trace, at)

    def _touch(self, slot: int, feature: Feature, trace: Trace, at: float) -> None:
        window = feature.shared_window_s if self._shared else feature.window_s
        match feature.kind:
            case FeatureKind.LATEST:
                self._latest[slot] = (self.steps, at)
            case FeatureKind.COUNT:
                count = self._counts.get(slot)
                if count is None:
                    count = self._counts[slot] = _Count(window)
                count.add(at)
                count.count(at)
            case FeatureKind.TOTAL:
                if trace.amount is not None:
                    total = self._totals.get(slot)
                    if total is None:
                        total = self._totals[slot] = _Window(window)
                    total.add(at, trace.amount)
            case FeatureKind.DISTINCT:
                value = trace.keys.get(feature.key or "")
                if value is not None:
                    seen = self._seen.get(slot)
                    if seen is None:
                        seen = self._seen[slot] = _Seen(window)
                    seen.add(at, value)

    def count(self, slot: int, now: float) -> int:
        """Matching actions in the feature's window."""
        entry = self._counts.get(slot)
        return 0 if entry is None else entry.count(now)

    def total(self, slot: int, now: float) -> Decimal:
        """Sum of matching amounts in the feature's window."""
        entry = self._totals.get(slot)
        return ZERO if entry is None else entry.sum(now)

    def seen(self, slot: int, now: float) -> Mapping[str, float]:
        """Different values in the feature's window."""
        entry = self._seen.get(slot)
        return {} if entry is None else entry.values(now)

    def latest(self, slot: int) -> tuple[int, float] | None:
        """Step number and time of the latest match."""
        return self._latest.get(slot)

    def rate(self, action: str, now: float) -> int:
        """Calls of an action in the last minute."""
        entry = self._rates.get(action)
        return 0 if entry is None else entry.count(now)

    def tiers(self, now: float) -> dict[Tier, int]:
        """Calls per tier in the last hour."""
        return {tier: entry.count(now) for tier, entry in self._tiers.items()}

    def flags(self, now: float) -> Mapping[str, float]:
        """Different flags of the last hour."""
        return self._flags.values(now)


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
        slot = self._index.slot[feature]
        count = self._session.count(slot, self._now)
        if self._shared is not None and self._both is not None:
            count += self._shared.count(slot, self._now) - self._both.count(slot, self._now)
        return count

    def total(self, feature: Feature) -> Decimal:
        slot = self._index.slot[feature]
        total = self._session.total(slot, self._now)
        if self._shared is not None and self._both is not None:
            total += self._shared.total(slot, self._now) - self._both.total(slot, self._now)
        return total

    def distinct(self, feature: Feature, value: str | None, *, enough: int) -> int:
        slot = self._index.slot[feature]
        values = self._session.seen(slot, self._now)
        if self._shared is not None:
            more = self._shared.seen(slot, self._now)
            if len(more) > len(values):
                values, more = more, values
            # Both are short unless one alone is already enough, so that joining them is cheap.
            if len(values) < enough:
                values = values | more if more else values  # type: ignore[operator]  # both dicts
        extra = 1 if value is not None and value not in values else 0
        return len(values) + extra

    def steps_since(self, feature: Feature) -> int | None:
        slot = self._index.slot[feature]
        found: int | None = None
        for ledger in (self._session, self._shared):
            latest = None if ledger is None else ledger.latest(slot)
            if ledger is not None and latest is not None:
                steps = ledger.steps - latest[0] + 1
                found = steps if found is None else min(found, steps)
        return found

    def seconds_since(self, feature: Feature) -> float | None:
        slot = self._index.slot[feature]
        found: float | None = None
        for ledger in (self._session, self._shared):
            latest = None if ledger is None else ledger.latest(slot)
            if latest is not None:
                seconds = self._now - latest[1]
                found = seconds if found is None else min(found, seconds)
        return found

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
        flags = self._session.flags(self._now)
        if self._shared is None:
            return len(flags)
        return len(flags.keys() | self._shared.flags(self._now).keys())
