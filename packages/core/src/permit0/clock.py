"""Time, from one place. Everything that needs the time takes a Clock.

Guarantees: unix seconds, UTC. Does not: promise that time never goes back; the history store
never lets a later call be earlier than one that it has seen.
"""

from __future__ import annotations

import time

__all__ = ["SystemClock"]


class SystemClock:
    """The machine's wall clock."""

    def now(self) -> float:
        """Seconds since the epoch, UTC."""
        return time.time()
