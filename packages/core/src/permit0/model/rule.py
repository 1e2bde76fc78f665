"""Compiled rules: what a pack becomes after it was read once.

A rule is data plus one predicate. Every change is a whole number of raw points, so that sums are
exact and the order of rules cannot matter.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

import msgspec

from permit0.model.action import Fact
from permit0.model.history import HistoryView
from permit0.model.reason import Reason
from permit0.model.vocabulary import Effect, Role, Verdict

__all__ = [
    "FLOOR_OF",
    "ActionTemplate",
    "Change",
    "FactPredicate",
    "Floor",
    "Rule",
    "SessionAdjustment",
    "SessionTest",
    "floor_of",
]

FactPredicate = Callable[[Mapping[str, Fact]], bool]
SessionTest = Callable[[HistoryView, Mapping[str, str]], bool]
"""Answers from history, given the identities (keys) of the action that is being decided."""


class Change(msgspec.Struct, frozen=True):
    """What a rule moves.

    add: (amplifier index, raw points, positive or negative). at_least: (amplifier index, raw
    points) the amplifier is raised to. raise_to: (flag index, role) the flag is raised to.
    demote: flag indexes lowered to secondary, unless another rule raises them.
    """

    add: tuple[tuple[int, int], ...] = ()
    at_least: tuple[tuple[int, int], ...] = ()
    raise_to: tuple[tuple[int, Role], ...] = ()
    demote: tuple[int, ...] = ()


class Floor(msgspec.Struct, frozen=True):
    """What a line asks for when it fires: a verdict, its rank among equal ones, and the reason."""

    verdict: Verdict
    rank: int
    reason: Reason
    order: tuple[int, int, str] = (0, 0, "")

    @staticmethod
    def of(verdict: Verdict, rank: int, reason: Reason) -> Floor:
        """A floor with its place in the order: most restrictive, strongest source, then by name."""
        return Floor(verdict, rank, reason, (-verdict, rank, reason.rule))


FLOOR_OF: Mapping[Effect, tuple[Verdict, int, str]] = MappingProxyType(
    {
        Effect.BLOCK: (Verdict.DENY, 2, "block"),
        Effect.GATE: (Verdict.HUMAN, 3, "gate"),
        Effect.HIGH: (Verdict.HUMAN, 4, "floor_high"),
        Effect.APPROVAL: (Verdict.HUMAN, 4, "floor_approval"),
        Effect.MEDIUM: (Verdict.REVIEW, 4, "floor_medium"),
    }
)
"""Effects that route: verdict, rank and reason code. The others only move flags and amplifiers."""


def floor_of(effect: Effect, rule: str, why: str) -> Floor | None:
    """The floor of a line with this effect, made once when the line is compiled."""
    found = FLOOR_OF.get(effect)
    return None if found is None else Floor.of(found[0], found[1], Reason(found[2], why, rule))


class Rule(msgspec.Struct, frozen=True):
    """One line of an action's policy table.

    id: "<action>/<name>", unique. when: None fires always.
    """

    id: str
    effect: Effect
    change: Change
    when: FactPredicate | None
    why: str
    floor: Floor | None


class SessionAdjustment(Rule, frozen=True, kw_only=True):
    """One line about the session: fires when `test` holds and, if given, `when` holds too."""

    test: SessionTest


class ActionTemplate(msgspec.Struct, frozen=True):
    """The compiled policy of one action.

    risk_class: the published label of the action ("low" .. "critical"), for people.
    base: raw points per amplifier. roles: one per flag, by index.
    """

    action: str
    risk_class: str
    base: tuple[int, ...]
    roles: tuple[Role, ...]
    rules: tuple[Rule, ...]
    session: tuple[SessionAdjustment, ...]
    pack: str
