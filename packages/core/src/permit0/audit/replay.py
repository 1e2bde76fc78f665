"""Compute decisions again from their records, and compare bit for bit.

Two questions:
  1. `recheck`: does what is on record give the score, verdict and reasons that are on record? The record
     alone is enough: what the action began with, what each line moved, history's points, findings, lists.
  2. `Rerun`: what would another policy have decided? The call is decided again from its arguments, with
     the history of the calls before it; so this needs the log from its beginning.
No answer to 2 have: a call whose arguments could not be read (there is nothing to decide again), and one
from which a secret was taken out (another policy might have seen something in it), or that was found to carry
a part of an output (outputs are not in the log). What history knows of the latter two is taken from their
records, so that the calls after them are still comparable.
Does not: know the scorer or a policy; it is handed both.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal, InvalidOperation
from enum import StrEnum

import msgspec

from permit0.audit.record import (
    ActionBody,
    DecisionBody,
    OutcomeBody,
    Provenance,
    ReasonBody,
    WeightsBody,
)
from permit0.audit.redact import MARK
from permit0.canonical import digest
from permit0.errors import Killed
from permit0.model.call import ToolCall
from permit0.model.decision import Decision
from permit0.model.history import HistoryEntry, Scope, Trace
from permit0.model.review import ReviewVerdict
from permit0.model.vocabulary import Flag, Mode, Outcome, Tier

__all__ = ["Judge", "Judged", "Rerun", "Same", "Verdicts", "recheck"]


class Judged(msgspec.Struct, frozen=True):
    """One action, computed again, in the words of ActionBody."""

    score: float
    tier: str
    points: tuple[int, ...]
    roles: tuple[int, ...]
    blocked: bool
    block_rule: str
    verdict: str
    reasons: tuple[ReasonBody, ...]


class Judge(msgspec.Struct, frozen=True):
    """Scorer and combination. formula: see Provenance; only the same one can be computed again."""

    formula: str
    judge: Callable[[WeightsBody, ActionBody], Judged]


CARRIED = "exposed_output_carried"  # sessions/carried.py, which this room does not see
_RANK = ("allow", "review", "human", "deny")
_OUTCOME = {"allow": "allow", "review": "human", "human": "human", "deny": "deny"}
_TIERS = tuple(tier.value for tier in Tier)
_FLAGS = tuple(flag.value for flag in Flag)


def recheck(body: DecisionBody, judge: Judge) -> tuple[str, ...]:
    """What of a record does not follow from the rest of it.

    Args:
        body: The record.
        judge: This permit0's scorer and combination.

    Returns:
        Names of members, "action 0/score"; empty if all agree; ("formula",) if it was computed by
        another formula and cannot be computed again here.
    """
    given = body.provenance
    if given.formula != judge.formula:
        return ("formula",)
    wrong: list[str] = []
    for number, item in enumerate(body.actions):
        try:
            again = judge.judge(given.weights, item)
        except (ValueError, KeyError, IndexError, TypeError):
            wrong.append(f"action {number}")  # words or numbers that no decision ever had
            continue
        wrong.extend(f"action {number}/{name}" for name in _differences(item, again))
    wrong.extend(_whole(body, given))
    arguments = body.what.readable()
    if arguments is None or body.what.redacted:  # nothing left to digest
        return tuple(wrong)
    if digest(arguments) != body.what.digest:
        wrong.append("what/digest")
    return tuple(wrong)


def _differences(item: ActionBody, again: Judged) -> list[str]:
    names = ("score", "tier", "points", "roles", "blocked", "block_rule", "verdict")
    wrong = [name for name in names if getattr(item, name) != getattr(again, name)]
    if len(item.reasons) != len(again.reasons) or not all(
        _is_same_reason(one, other) for one, other in zip(item.reasons, again.reasons, strict=False)
    ):
        wrong.append("reasons")
    return wrong


def _is_same_reason(recorded: ReasonBody, again: ReasonBody) -> bool:
    if recorded.message.startswith(MARK) or MARK in again.message:
        return (recorded.code, recorded.rule) == (again.code, again.rule)
    return recorded == again


def _whole(body: DecisionBody, given: Provenance) -> list[str]:
    """The decision as the most restrictive of its actions."""
    wrong: list[str] = []
    if body.actions:
        order = [(-_rank(item.verdict), -item.score) for item in body.actions]
        if order != sorted(order):
            wrong.append("actions")
        head = body.actions[0]
        expected: dict[str, object] = {
            "decided": _OUTCOME.get(head.verdict),
            "score": max(item.score for item in body.actions),
            "tier": max((item.tier for item in body.actions), key=_TIERS.index),
            "reasons": head.reasons,
        }
    else:
        expected = {
            "decided": Outcome.DENY.value,
            "score": given.weights.tier_bounds[3],
            "tier": Tier.CRITICAL.value,
        }
    # A reviewer's answer is not computed again; that it could only refuse what was in between is.
    if body.review is not None and body.actions:
        head = body.actions[0]
        if head.verdict != "review":
            wrong.append("review")
        elif body.review.verdict == ReviewVerdict.DENY.value:
            expected["decided"] = Outcome.DENY.value
            expected["reasons"] = (*body.reasons[:1], *head.reasons)
            if body.reasons[:1] and body.reasons[0].code != "review_denied":
                wrong.append("review")
    observed = body.mode == Mode.OBSERVE.value and body.error != Killed.reason_code
    expected["outcome"] = Outcome.ALLOW.value if observed else expected["decided"]
    wrong.extend(name for name, value in expected.items() if getattr(body, name) != value)
    return wrong


def _rank(verdict: str) -> int:
    return _RANK.index(verdict) if verdict in _RANK else len(_RANK)


# -------------------------------------------------------------------- another policy


class Same(StrEnum):
    """What another policy makes of a record."""

    SAME = "same"
    DIFFERENT = "different"
    UNREADABLE = "unreadable"
    REDACTED = "redacted"
    KILLED = "killed"


class Verdicts(msgspec.Struct, frozen=True):
    """One decision under both. after: "" where the other policy has no answer."""

    same: Same
    before: str
    after: str
    score_before: float
    score_after: float


class Rerun:
    """Decides recorded calls again, in the order of the log.

    Args:
        decide: The other policy, at a time.
        remember: Adds to its history what was not decided again.
        exposed: Tells its history that a tool's output held secrets.
    """

    def __init__(
        self,
        *,
        decide: Callable[[ToolCall, float], Decision],
        remember: Callable[[Scope, HistoryEntry], None],
        exposed: Callable[[Scope, float], None],
    ) -> None:
        self._decide = decide
        self._remember = remember
        self._exposed = exposed

    def decision(self, body: DecisionBody, at: float) -> Verdicts:
        """What the other policy decides about a recorded call."""
        if body.error == Killed.reason_code:  # no policy was asked, and history knows nothing of it
            return Verdicts(Same.KILLED, body.decided, "", body.score, 0.0)
        arguments = body.what.readable()
        if arguments is None:
            return Verdicts(Same.UNREADABLE, body.decided, "", body.score, 0.0)
        who, what = body.who, body.what
        if what.redacted or _is_carrying(body):
            scope = Scope(who.session, who.agent, who.principal)
            traces = tuple(_trace(item) for item in body.actions)
            if traces:
                refused = body.mode == Mode.ENFORCE.value and body.decided == Outcome.DENY.value
                self._remember(scope, HistoryEntry(at, Tier(body.tier), traces, refused))
            return Verdicts(Same.REDACTED, body.decided, "", body.score, 0.0)
        call = ToolCall(
            tool=what.tool,
            arguments=arguments,
            session=who.session,
            agent=who.agent,
            principal=who.principal,
            framework=who.framework,
            description=what.description,
            schema=what.schema,
            task=what.task,
        )
        again = self._decide(call, at)
        after = again.decided.value
        # Without its reviewer: what policy alone decided was to ask.
        before = body.decided if body.review is None else Outcome.HUMAN.value
        agrees = (after, again.score) == (before, body.score)
        same = Same.SAME if agrees else Same.DIFFERENT
        return Verdicts(same, body.decided, after, body.score, again.score)

    def outcome(self, body: OutcomeBody, at: float) -> None:
        """Let the other policy's history know what came of a call."""
        if body.exposed:
            who = body.who
            self._exposed(Scope(who.session, who.agent, who.principal), at)


def _is_carrying(body: DecisionBody) -> bool:
    return any(found.rule == CARRIED for item in body.actions for found in item.findings)


def _trace(item: ActionBody) -> Trace:
    flags = tuple(name for name, role in zip(_FLAGS, item.roles, strict=True) if role)
    marks = frozenset(item.marks) & {"exposed", "outward"}
    if any(found.rule == CARRIED for found in item.findings):
        marks |= {"exposed"}
    keys: Mapping[str, str] = item.keys
    return Trace(item.action, flags, marks, keys, _decimal(item.amount))


def _decimal(text: str | None) -> Decimal | None:
    try:
        return None if text is None else Decimal(text)
    except InvalidOperation:
        return None
