"""A clock that stands still until it is told to move."""

from __future__ import annotations

__all__ = ["FrozenClock"]

START = 1_767_600_000.0  # 2026-01-05 08:00 UTC; a Monday morning, far from every boundary of a date


class FrozenClock:
    """A Clock for tests and replays.

    Args:
        at: Unix seconds to start with.
    """

    def __init__(self, at: float = START) -> None:
        self._at = at

    def now(self) -> float:
        """Unix seconds, UTC."""
        return self._at

    def set(self, at: float) -> None:
        """Jump to a time in unix seconds; going back is allowed, since real clocks do."""
        self._at = at

    def advance(self, seconds: float) -> None:
        """Move by so many seconds."""
        self._at += seconds
