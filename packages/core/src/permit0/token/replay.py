"""Which tokens were used, in the memory of one process.

Guarantees: of all threads that claim a token, as many succeed as it has uses; a mark is forgotten
once the token has expired, so memory is bounded by what can be issued in a token's life; a token
whose mark may have been forgotten is refused, even if the clock goes back.
Does not: share with other processes or survive a restart (permit0.state).
"""

from __future__ import annotations

import heapq
from threading import Lock

from permit0.model.claims import Jti
from permit0.ports import Clock

__all__ = ["MemoryReplayStore"]


class MemoryReplayStore:
    """A ReplayStore for one process."""

    def __init__(self, *, clock: Clock) -> None:
        self._clock = clock
        self._lock = Lock()
        self._used: dict[Jti, int] = {}
        self._by_expiry: list[tuple[float, Jti]] = []
        self._forgotten_until = float("-inf")

    def claim(self, jti: Jti, expires_at: float, *, uses: int = 1) -> bool:
        """Use a token once; see ports.ReplayStore."""
        now = self._clock.now()
        with self._lock:
            self._forget(now)
            # Written so that a NaN is refused too.
            if not expires_at > self._forgotten_until:
                return False
            used = self._used.get(jti, 0)
            if used >= uses:
                return False
            if not used:
                heapq.heappush(self._by_expiry, (expires_at, jti))
            self._used[jti] = used + 1
            return True

    def __len__(self) -> int:
        """How many tokens are remembered."""
        return len(self._used)

    def _forget(self, now: float) -> None:
        while self._by_expiry and self._by_expiry[0][0] <= now:
            expires_at, jti = heapq.heappop(self._by_expiry)
            del self._used[jti]
            self._forgotten_until = max(self._forgotten_until, expires_at)
