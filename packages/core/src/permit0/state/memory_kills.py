"""The kill switch in the memory of this process.

Guarantees: an order is one atomic step, whichever thread gives it; a question waits for nobody.
Does not: survive the process, or be seen by another one, a forked one included.
"""

from __future__ import annotations

import secrets
import threading

from permit0.errors import StateUnavailable
from permit0.model.kill import KillOrder, KillScope, KillState, KillVerb, Seen
from permit0.state.kill_checks import check_order, not_active

__all__ = ["MemoryKills"]


class MemoryKills:
    """A KillSwitch for one process; its orders end with it.

    Args:
        name: What `seen` calls this process.
        timeout_s: How long an order waits for the order of another thread.
    """

    def __init__(self, *, name: str = "process", timeout_s: float = 5.0) -> None:
        self._name = name
        self._timeout_s = timeout_s
        self._process = secrets.token_hex(8)
        self._lock = threading.Lock()  # orders only: a question reads one reference
        self._now: tuple[tuple[KillOrder, ...], KillState] = ((), KillState())
        self._seen: int | None = None

    def state(self) -> KillState:
        """Every order up to now; see ports.KillSwitch."""
        _, state = self._now
        self._seen = state.number
        return state

    def required(self, *, agent: str, session: str, action: str) -> int:
        """The number of the latest kill that covers these; see ports.KillEpochs."""
        return self.state().required(agent=agent, session=session, action=action)

    def order(
        self, verb: KillVerb, scope: KillScope, target: str, *, by: str, reason: str, at: float
    ) -> KillOrder:
        """Give an order; see ports.KillSwitch."""
        check_order(scope, target, by, reason, at)
        if not self._lock.acquire(timeout=self._timeout_s):
            raise StateUnavailable(
                "the kill switch is locked by another order, try again", reason_code="state_locked"
            )
        try:
            orders, state = self._now
            if verb is KillVerb.RESUME and not any(
                (kill.scope, kill.target) == (scope, target) for kill in state.active
            ):
                raise not_active(scope, target)
            order = KillOrder(len(orders) + 1, verb, scope, target, by, reason, at)
            orders = (*orders, order)
            self._now = orders, KillState.of(orders)
        finally:
            self._lock.release()
        return order

    def orders(self) -> tuple[KillOrder, ...]:
        """Every order ever given, oldest first."""
        return self._now[0]

    def seen(self) -> tuple[Seen, ...]:
        """This process, once it has asked. It has no clock: `at` is the time of the order it knows."""
        number = self._seen
        if number is None:
            return ()
        at = self._now[0][number - 1].at if number else 0.0
        return (Seen(self._name, self._process, number, at),)
