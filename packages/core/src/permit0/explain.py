"""Why a decision came out as it did, and what would have to change for a milder one. Pure.

Guarantees:
  1. The numbers are the engine's: recomputing from the decision gives its score to the last bit.
  2. The effect of a rule is measured, not told: the score is computed again without it.
  3. "What would have to change" is searched for: values at the thresholds of the policy table are
     tried in every rule of the table, so that a change which only trades one rule for its neighbour
     is not offered; then rules, session lines, list entries and history are left out, singly and in pairs.
  4. Flags and amplifiers are tried singly; they say what weighs, and no caller can change them.
  5. A block by a session rule is never offered for removal.
Does not: read history (what a wait or a new session gives is found by deciding again), or print.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from itertools import combinations

import msgspec

from permit0.model.action import Fact
from permit0.model.decision import ActionDecision, Decision
from permit0.model.finding import Finding
from permit0.model.reason import Reason
from permit0.model.rule import FLOOR_OF, ActionTemplate, Change, Rule, SessionAdjustment
from permit0.model.score import Contribution, RiskScore
from permit0.model.vocabulary import Amplifier, Effect, Flag, Outcome, Role, Tier, Verdict
from permit0.normalize.catalog import Catalog
from permit0.normalize.otherwise import otherwise
from permit0.normalize.pack_schema import ConditionSpec
from permit0.policy.combine import TIER_VERDICT, combine
from permit0.policy.lists import AllowListed, ListEntry
from permit0.score.block_rules import find_block
from permit0.score.breakdown import Breakdown, break_down, clamped, moved
from permit0.score.scorer import Scorer

__all__ = [
    "ActionExplanation",
    "Ask",
    "Cause",
    "Conditions",
    "Explanation",
    "Milder",
    "Share",
    "explain",
]

Conditions = Mapping[str, ConditionSpec]
"""The `when` of every rule and session line that has one, by id."""

MAX_TRIED = 64  # single causes per action; pairs grow with the square
MAX_SEARCHED = 8  # actions of one call for which a milder decision is searched

_AMPLIFIERS = tuple(Amplifier)
_FLAGS = tuple(Flag)
_OUTCOME = (Outcome.ALLOW, Outcome.HUMAN, Outcome.HUMAN, Outcome.DENY)
_RANK = {Outcome.ALLOW: 0, Outcome.HUMAN: 1, Outcome.DENY: 2}
_VERDICT_OF = {
    **{code: verdict for verdict, _, code in FLOOR_OF.values()},
    **{f"tier_{tier.value}": verdict for tier, verdict in TIER_VERDICT.items()},
    "session_block": Verdict.DENY,
    "denied_by_list": Verdict.DENY,
}


class Share(msgspec.Struct, frozen=True):
    """What one source moved. without: the score without it; 0 for the base, which is all there is.

    source: rule id, "base", "history" or "rate". moves: see Contribution.
    """

    source: str
    why: str
    effect: Effect | None
    moves: tuple[Contribution, ...]
    without: float


class Ask(msgspec.Struct, frozen=True):
    """One reason of the lattice and the verdict that it asks for; the largest wins."""

    verdict: Verdict
    reason: Reason


class Cause(msgspec.Struct, frozen=True):
    """One thing that could be otherwise.

    kind: "fact" (name, and the value it would have; None: absent), "rule", "session", "list",
    "history", "rate", "flag" or "amplifier". test: for a fact, how its value relates to the
    threshold: "at most", "below", "at least", "above", "is", "is not", "without".
    """

    kind: str
    name: str
    test: str = ""
    bound: str = ""
    value: Fact | None = None


class Milder(msgspec.Struct, frozen=True):
    """A change that gives a milder outcome. ends: rules that would no longer fire."""

    causes: tuple[Cause, ...]
    outcome: Outcome
    score: float
    tier: Tier
    ends: tuple[str, ...]


class ActionExplanation(msgspec.Struct, frozen=True):
    """One action. value: the formula's result; a block may have lifted the score above it."""

    action: str
    pack: str
    risk_class: str
    outcome: Outcome
    score: float
    tier: Tier
    value: float
    raw: tuple[int, ...]
    shares: tuple[Share, ...]
    breakdown: Breakdown
    asks: tuple[Ask, ...]
    milder: tuple[Milder, ...]
    weighs: tuple[Milder, ...]
    immutable: tuple[str, ...]


class Explanation(msgspec.Struct, frozen=True):
    """A whole decision; `actions` is empty if the call could not be read."""

    decision: Decision
    bounds: tuple[float, float, float, float]
    actions: tuple[ActionExplanation, ...]


def explain(
    decision: Decision, *, catalog: Catalog, scorer: Scorer, conditions: Conditions
) -> Explanation:
    """Explain a decision.

    Args:
        decision: Made with this catalog and scorer.
        catalog: The compiled packs. scorer: with the deployment's weights.
        conditions: The `when` of rules, by rule id; a rule that is not there is left out whole.
    """
    actions: list[ActionExplanation] = []
    for item in decision.actions:
        case = _Case(item, catalog.actions[item.action.action].template, scorer, conditions)
        outcome = _OUTCOME[item.verdict]
        searched = outcome is decision.decided and len(actions) < MAX_SEARCHED
        actions.append(case.explain(search=searched and outcome is not Outcome.ALLOW))
    return Explanation(decision, scorer.tier_bounds, tuple(actions))


class _Case:
    """One action, ready to be judged again under other circumstances."""

    def __init__(
        self, item: ActionDecision, template: ActionTemplate, scorer: Scorer, conditions: Conditions
    ) -> None:
        self._item = item
        self._template = template
        self._scorer = scorer
        self._conditions = conditions
        self._facts = item.action.facts
        self._lines = _lines(item.fired, item.adjusted)
        listed = {reason.code: reason for reason in item.reasons}
        deny, allow = listed.get("denied_by_list"), listed.get("allowed_by_list")
        self._denied = None if deny is None else ListEntry("", "", None, deny.message)
        self._allowed = (
            None if allow is None else AllowListed("", "", None, allow.message, "", float("inf"))
        )

    def explain(self, *, search: bool) -> ActionExplanation:
        item, template = self._item, self._template
        raw, _ = self._moved([line.change for line in self._lines])
        value = self._scorer.value(item.score.amplifiers, item.score.roles)
        milder = self._search(_CONCRETE) if search else ()
        weighs = self._singles(tuple(self._abstract())) if search else ()
        return ActionExplanation(
            action=template.action,
            pack=template.pack,
            risk_class=template.risk_class,
            outcome=_OUTCOME[item.verdict],
            score=item.score.value,
            tier=item.score.tier,
            value=value,
            raw=tuple(raw),
            shares=tuple(self._shares()),
            breakdown=break_down(self._scorer, item.score.amplifiers, item.score.roles),
            asks=tuple(Ask(_VERDICT_OF.get(r.code, Verdict.ALLOW), r) for r in item.reasons),
            milder=milder,
            weighs=weighs,
            immutable=tuple(f.rule for f in item.findings if f.effect is Effect.BLOCK),
        )

    # ---------------------------------------------------------------- what moved the score

    def _moved(
        self, changes: Sequence[Change], *, history: bool = True, rate: bool = True
    ) -> tuple[list[int], list[Role]]:
        item = self._item
        return moved(
            self._template,
            changes,
            session_points=item.session_points if history else 0,
            volume_points=item.volume_points if rate else 0,
        )

    def _value(self, raw: Sequence[int], roles: Sequence[Role]) -> float:
        return self._scorer.value(clamped(raw), roles)

    def _shares(self) -> Iterator[Share]:
        item, template = self._item, self._template
        base = [
            Contribution("base", "flag", flag.value, role=role)
            for flag, role in zip(Flag, template.roles, strict=True)
            if role
        ]
        base += [
            Contribution("base", "amplifier", amplifier.value, points)
            for amplifier, points in zip(Amplifier, template.base, strict=True)
            if points
        ]
        yield Share("base", f"what {template.action} starts with", None, tuple(base), 0.0)
        for line in self._lines:
            others = [other.change for other in self._lines if other is not line]
            without = self._value(*self._moved(others))
            yield Share(line.id, line.why, line.effect, _moves(line.id, line.change), without)
        changes = [line.change for line in self._lines]
        if item.session_points:
            move = Contribution("history", "amplifier", "session", item.session_points)
            without = self._value(*self._moved(changes, history=False))
            yield Share("history", "tiers and flags of the last hour", None, (move,), without)
        if item.volume_points:
            move = Contribution("rate", "amplifier", "volume", item.volume_points)
            without = self._value(*self._moved(changes, rate=False))
            yield Share("rate", "calls of this action in the last minute", None, (move,), without)

    # ---------------------------------------------------------------- what would be milder

    def _judge(self, causes: Iterable[Cause]) -> Milder:
        """The outcome if all the causes were gone."""
        item = self._item
        facts: dict[str, Fact] = dict(self._facts)
        gone: set[tuple[str, str]] = set()
        for cause in causes:
            gone.add((cause.kind, cause.name))
            if cause.kind == "fact":
                facts.pop(cause.name, None)
                if cause.value is not None:
                    facts[cause.name] = cause.value
        rules = [r for r in self._template.rules if r.when is None or r.when(facts)]
        fired = [rule for rule in rules if ("rule", rule.id) not in gone]
        adjusted = [
            line
            for line in item.adjusted
            if ("session", line.id) not in gone and (line.when is None or line.when(facts))
        ]
        findings = [f for f in item.findings if ("session", f.rule) not in gone]
        left = _lines(fired, adjusted)
        raw, roles = self._moved(
            [line.change for line in left],
            history=("history", "history") not in gone,
            rate=("rate", "rate") not in gone,
        )
        for kind, name in gone:
            if kind == "flag":
                roles[_FLAGS.index(Flag(name))] = Role.ABSENT
            elif kind == "amplifier":
                raw[_AMPLIFIERS.index(Amplifier(name))] = 0
        score = self._score(raw, roles, [*_effects(left), *_effects(findings)])
        denied = None if ("list", "deny") in gone else self._denied
        verdict, _ = combine(score, fired, adjusted, findings, denied=denied, allowed=self._allowed)
        stays = {line.id for line in left}
        ends = tuple(line.id for line in self._lines if line.id not in stays)
        return Milder(tuple(causes), _OUTCOME[verdict], score.value, score.tier, ends)

    def _score(
        self, raw: Sequence[int], roles: Sequence[Role], effects: Sequence[Effect]
    ) -> RiskScore:
        """Like Scorer.score, which would remember situations that never happened."""
        points = clamped(raw)
        block = find_block(points, roles)
        value = self._scorer.value(points, roles)
        blocked = block is not None or Effect.BLOCK in effects
        if blocked:
            value = max(value, self._scorer.tier_bounds[3])
        name = "" if block is None else block.name
        return RiskScore(value, self._scorer.tier(value), points, tuple(roles), blocked, name)

    def _is_milder(self, found: Milder) -> bool:
        return _RANK[found.outcome] < _RANK[_OUTCOME[self._item.verdict]]

    def _singles(self, causes: Sequence[Cause]) -> tuple[Milder, ...]:
        return tuple(m for cause in causes if self._is_milder(m := self._judge((cause,))))

    def _search(self, kinds: Sequence[str]) -> tuple[Milder, ...]:
        """The smallest changes that help: single ones, else pairs."""
        causes = sorted(self._concrete(), key=lambda cause: kinds.index(cause.kind))[:MAX_TRIED]
        found = _nearest_values(self._singles(causes), self._facts)
        if found:
            return found
        pairs = (
            self._judge(pair)
            for pair in combinations(causes, 2)
            if (pair[0].kind, pair[0].name) != (pair[1].kind, pair[1].name)
        )
        return _nearest_values([pair for pair in pairs if self._is_milder(pair)], self._facts)

    def _concrete(self) -> Iterator[Cause]:
        item = self._item
        facts = dict.fromkeys(self._fact_causes())
        yield from facts
        for rule in item.fired:
            # A rule that a fact can end is changed through its fact alone.
            if not any(rule.id in self._judge((cause,)).ends for cause in facts):
                yield Cause("rule", rule.id)
        for line in item.adjusted:
            yield Cause("session", line.id)
        for finding in item.findings:
            if finding.effect is not Effect.BLOCK:
                yield Cause("session", finding.rule)
        if self._denied is not None:
            yield Cause("list", "deny")
        if item.session_points:
            yield Cause("history", "history")
        if item.volume_points:
            yield Cause("rate", "rate")

    def _fact_causes(self) -> Iterator[Cause]:
        fired = {line.id for line in self._lines}
        for rule in _lines(self._template.rules, self._template.session):
            spec = self._conditions.get(rule.id)
            if spec is None:
                continue
            for other in otherwise(spec, self._facts, numbers_only=rule.id not in fired):
                yield Cause("fact", other.fact, other.test, other.bound, other.value)

    def _abstract(self) -> Iterator[Cause]:
        score = self._item.score
        for flag, role in zip(Flag, score.roles, strict=True):
            if role:
                yield Cause("flag", flag.value)
        for amplifier, points in zip(Amplifier, score.amplifiers, strict=True):
            if points:
                yield Cause("amplifier", amplifier.value)


_CONCRETE = ("fact", "rule", "list", "session", "history", "rate")


def _lines(
    rules: Iterable[Rule], session: Iterable[SessionAdjustment]
) -> tuple[Rule | SessionAdjustment, ...]:
    return (*rules, *session)


def _effects(items: Iterable[Rule | SessionAdjustment | Finding]) -> list[Effect]:
    return [item.effect for item in items]


def _moves(source: str, change: Change) -> tuple[Contribution, ...]:
    moves = [
        Contribution(source, "amplifier", _AMPLIFIERS[i].value, points) for i, points in change.add
    ]
    moves += [
        Contribution(source, "at_least", _AMPLIFIERS[i].value, points)
        for i, points in change.at_least
    ]
    moves += [
        Contribution(source, "flag", _FLAGS[i].value, role=role) for i, role in change.raise_to
    ]
    moves += [
        Contribution(source, "demote", _FLAGS[i].value, role=Role.SECONDARY) for i in change.demote
    ]
    return tuple(moves)


def _nearest_values(found: Sequence[Milder], facts: Mapping[str, Fact]) -> tuple[Milder, ...]:
    """Of changes that differ only in the value of a number, those that change it least."""

    def distance(item: Milder) -> Decimal:
        total = Decimal(0)
        for cause in item.causes:
            old = facts.get(cause.name)
            if isinstance(cause.value, int | Decimal) and isinstance(old, int | Decimal):
                total += abs(Decimal(cause.value) - Decimal(old))
        return total

    best: dict[tuple[object, ...], Milder] = {}
    for item in sorted(found, key=lambda item: (distance(item), _RANK[item.outcome])):
        key = (*((cause.kind, cause.name) for cause in item.causes), item.outcome)
        best.setdefault(key, item)
    return tuple(best.values())
