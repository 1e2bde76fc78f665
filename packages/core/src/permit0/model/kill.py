"""Kill orders: what was stopped, by whom, and whether it still is.

Orders are numbered upwards from 1, across all scopes, and never forgotten. A kill stops what it covers until
a resume of the same scope and target; a token of a decision that knew of fewer orders than a kill that
covers it stays refused for good, resumed or not.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum
from functools import cached_property

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


class _ByTarget:
    """The latest order for each scope and target: a question looks in five places, however many there are."""

    __slots__ = ("_actions", "_agents", "_domains", "_fleet", "_sessions")

    def __init__(self, orders: Iterable[KillOrder]) -> None:
        self._fleet: KillOrder | None = None
        self._agents: dict[str, KillOrder] = {}
        self._sessions: dict[str, KillOrder] = {}
        self._domains: dict[str, KillOrder] = {}
        self._actions: dict[str, KillOrder] = {}
        for order in orders:
            match order.scope:
                case KillScope.FLEET:
                    if self._fleet is None or order.number > self._fleet.number:
                        self._fleet = order
                case KillScope.AGENT:
                    self._agents[order.target] = order
                case KillScope.SESSION:
                    self._sessions[order.target] = order
                case KillScope.DOMAIN:
                    self._domains[order.target] = order
                case KillScope.ACTION:
                    self._actions[order.target] = order

    def covering(self, *, agent: str, session: str, action: str) -> list[KillOrder]:
        """What KillOrder.covers says of each, without asking each."""
        found = (
            self._fleet,
            self._agents.get(agent),
            self._sessions.get(session),
            self._domains.get(action.partition(".")[0]),
            self._actions.get(action),
        )
        return [order for order in found if order is not None]


class KillState(msgspec.Struct, frozen=True, dict=True):
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
        found = [
            order
            for action in tuple(actions) or ("",)
            for order in self._active.covering(agent=agent, session=session, action=action)
        ]
        return min(found, key=lambda order: order.number, default=None)

    def required(self, *, agent: str, session: str, action: str) -> int:
        """The number of the latest kill that covers these, resumed or not; 0 if there was none."""
        if not self.kills:
            return 0
        found = self._kills.covering(agent=agent, session=session, action=action)
        return max([order.number for order in found], default=0)

    @cached_property
    def _active(self) -> _ByTarget:
        return _ByTarget(self.active)

    @cached_property
    def _kills(self) -> _ByTarget:
        return _ByTarget(self.kills)
