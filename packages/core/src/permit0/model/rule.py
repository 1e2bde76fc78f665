"""Compiled rules: what a pack becomes after it was read once.

A rule is data plus one predicate. Every change is a whole number of raw points, so that sums are
exact and the order of rules cannot matter.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import msgspec

from permit0.model.action import Fact
from permit0.model.history import HistoryView
from permit0.model.vocabulary import Effect, Role

__all__ = ["ActionTemplate", "Change", "FactPredicate", "Rule", "SessionAdjustment", "SessionTest"]

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


class Rule(msgspec.Struct, frozen=True):
    """One line of an action's policy table.

    id: "<action>/<name>", unique. when: None fires always.
    """

    id: str
    effect: Effect
    change: Change
    when: FactPredicate | None
    why: str


class SessionAdjustment(msgspec.Struct, frozen=True):
    """One line about the session: fires when `test` holds and, if given, `when` holds too."""

    id: str
    effect: Effect
    change: Change
    test: SessionTest
    when: FactPredicate | None
    why: str


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
