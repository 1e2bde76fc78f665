"""What happened in the last seconds, kept so that adding and asking cost the same whatever came before.

Guarantees: times never go back (the ledger's store clamps them); what has left a window is forgotten.
Does not: know what it counts (ledger).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from decimal import Context, Decimal

__all__ = ["ZERO", "Count", "Seen", "Window"]

ZERO = Decimal(0)


class Window:
    """Sum of what happened in the last `length` seconds (everything if None)."""

    __slots__ = ("_events", "_exact", "_length", "_sum")

    def __init__(self, length: float | None, exact: Context) -> None:
        self._exact = exact
        self._events: deque[tuple[float, Decimal]] = deque()
        self._length = length
        self._sum = ZERO

    def add(self, at: float, amount: Decimal) -> None:
        self._sum = self._exact.add(self._sum, amount)
        if self._length is not None:
            self._events.append((at, amount))

    def sum(self, now: float) -> Decimal:
        if self._length is not None:
            oldest = now - self._length
            while self._events and self._events[0][0] < oldest:
                self._sum = self._exact.subtract(self._sum, self._events.popleft()[1])
        return self._sum


class Count:
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


class Seen:
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
