"""Kill orders: what was stopped, by whom, and whether it still is.

Orders are numbered upwards from 1, across all scopes, and never forgotten. A kill stops what it covers until
a resume of the same scope and target; a token of a decision that knew of fewer orders than a kill that
covers it stays refused for good, resumed or not.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum

import msgspec

__all__ = ["KillOrder", "KillScope", "KillState", "KillVerb", "Seen"]


class KillScope(StrEnum):
    """What an order covers. The fleet is everything; the others name a target."""

    FLEET = "fleet"
    AGENT = "agent"
    SESSION = "session"
    DOMAIN = "domain"
    ACTION = "action"


class KillVerb(StrEnum):
    """What an order says."""

    KILL = "kill"
    RESUME = "resume"


class KillOrder(msgspec.Struct, frozen=True, gc=False):
    """One order.

    number: its place among all orders. target: "" for the fleet. by: the person. at: unix seconds.
    """

    number: int
    verb: KillVerb
    scope: KillScope
    target: str
    by: str
    reason: str
    at: float

    def covers(self, *, agent: str, session: str, action: str) -> bool:
        """Whether a call of these falls under the order."""
        match self.scope:
            case KillScope.FLEET:
                return True
            case KillScope.AGENT:
                return self.target == agent
            case KillScope.SESSION:
                return self.target == session
            case KillScope.DOMAIN:
                return self.target == action.partition(".")[0]
            case KillScope.ACTION:
                return self.target == action


class Seen(msgspec.Struct, frozen=True, gc=False):
    """How far an enforcement point has read. name: for people. number: of the latest order it knows."""

    name: str
    process: str
    number: int
    at: float


class KillState(msgspec.Struct, frozen=True):
    """Every order up to one moment, as questions.

    number: of the latest order, 0 if there was none. active: kills that were not resumed, oldest
        first. kills: the latest kill of each scope and target, resumed or not.
    """

    number: int = 0
    active: tuple[KillOrder, ...] = ()
    kills: tuple[KillOrder, ...] = ()

    @classmethod
    def of(cls, orders: Iterable[KillOrder]) -> KillState:
        """The state after these orders, given by rising number."""
        number = 0
        latest: dict[tuple[KillScope, str], KillOrder] = {}
        kills: dict[tuple[KillScope, str], KillOrder] = {}
        for order in orders:
            number = order.number
            key = (order.scope, order.target)
            latest[key] = order
            if order.verb is KillVerb.KILL:
                kills[key] = order
        active = sorted(
            (order for order in latest.values() if order.verb is KillVerb.KILL),
            key=lambda order: order.number,
        )
        return cls(number, tuple(active), tuple(kills.values()))

    def stopped(self, *, agent: str, session: str, actions: Iterable[str]) -> KillOrder | None:
        """The first kill in force that covers any of the actions; None if they may go on."""
        if not self.active:
            return None
        names = tuple(actions) or ("",)
        for order in self.active:
            for action in names:
                if order.covers(agent=agent, session=session, action=action):
                    return order
        return None

    def required(self, *, agent: str, session: str, action: str) -> int:
        """The number of the latest kill that covers these, resumed or not; 0 if there was none."""
        return max(
            (
                order.number
                for order in self.kills
                if order.covers(agent=agent, session=session, action=action)
            ),
            default=0,
        )
