"""One action, judged: rules, session, score, combination (steps 2 to 5 of the engine).

Guarantees: a function of the action, its siblings, the view of history and the time; no state of its own.
Does not: read or write history (engine), or turn a verdict into an outcome.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from permit0.model.action import NormAction
from permit0.model.decision import ActionDecision
from permit0.model.finding import Finding
from permit0.model.history import HistoryView, Trace
from permit0.model.rule import Change, Rule
from permit0.model.vocabulary import Effect, Flag, Role, Tier
from permit0.normalize.catalog import ActionEntry, Catalog
from permit0.policy.combine import combine
from permit0.policy.lists import Lists
from permit0.ports import SessionRule
from permit0.score.scorer import Scorer
from permit0.sessions.carried import CallCarries, carried_findings
from permit0.sessions.pressure import volume_points

__all__ = ["COMPILED_TOOL", "ActionJudge", "Draft", "trace_of", "worst_tier"]

COMPILED_TOOL = "compiled_tool"
"""The rule that asks a person about a tool that no pack names and that is not certainly harmless."""
_EXPOSURE = tuple(Flag).index(Flag.EXPOSURE)
_FLAG_NAMES = tuple(flag.value for flag in Flag)
_NO_MARKS: frozenset[str] = frozenset()
_TIERS = tuple(Tier)


class Draft(msgspec.Struct, frozen=True, gc=False):
    """An action with what fired on it so far (steps 1 and 2)."""

    action: NormAction
    entry: ActionEntry
    fired: tuple[Rule, ...]


class ActionJudge:
    """Judges actions with one deployment's packs, rules and lists."""

    def __init__(
        self, *, catalog: Catalog, scorer: Scorer, rules: Sequence[SessionRule], lists: Lists
    ) -> None:
        self._catalog = catalog
        self._scorer = scorer
        self._rules = {
            action: tuple(rule for rule in rules if rule.actions is None or action in rule.actions)
            for action in catalog.actions
        }
        self._lists = lists
        self._listed = bool(lists.deny or lists.allow)

    def draft(self, action: NormAction) -> Draft:
        """Step 2: the lines of the policy table that fire, without history."""
        entry = self._catalog.actions[action.action]
        facts = action.facts
        template = entry.template
        fired = tuple([rule for rule in template.rules if rule.when is None or rule.when(facts)])
        if entry.reads and (
            template.roles[_EXPOSURE]
            or any(i == _EXPOSURE for rule in fired for i, _ in rule.change.raise_to)
        ):
            action = msgspec.structs.replace(action, exposed=True)
        return Draft(action, entry, fired)

    def judge(
        self,
        draft: Draft,
        siblings: Sequence[NormAction],
        view: HistoryView,
        *,
        pressure: int,
        now: float,
        tools: Sequence[str],
        carried: CallCarries | None = None,
    ) -> ActionDecision:
        """Steps 3 to 5.

        Args:
            draft: The action.
            siblings: All actions of the same call, this one included.
            view: History without the call.
            pressure: Raw points of the session amplifier.
            now: Unix seconds of this step.
            tools: Folded names of the tool, the whole one first; none if no list asks for it.
            carried: What the call holds of exposed outputs; None, nearly always: nothing.
        """
        action, fired = draft.action, draft.fired
        template = draft.entry.template
        facts, keys = action.facts, action.keys
        # 3. session
        findings: list[Finding] = []
        if action.doubt:
            findings.append(Finding(COMPILED_TOOL, Effect.APPROVAL, action.doubt))
        for session_rule in self._rules[action.action]:
            finding = session_rule.check(view, action, siblings)
            if finding is not None:
                findings.append(finding)
        if carried is not None:
            findings += carried_findings(carried, outward=action.outward)
        adjusted = tuple(
            [
                line
                for line in template.session
                if line.test(view, keys) and (line.when is None or line.when(facts))
            ]
        )
        volume = volume_points(view, action.action)
        # 4. score
        blocked = False
        changes: list[Change] = []
        for line in (*fired, *adjusted):
            changes.append(line.change)
            if line.effect is Effect.BLOCK:
                blocked = True
        for finding in findings:
            if finding.effect is Effect.BLOCK:
                blocked = True
        score = self._scorer.score(
            template, changes, session_points=pressure, volume_points=volume, blocked=blocked
        )
        # 5. combine
        denied = allowed = None
        if self._listed:
            denied = self._lists.denied(action, *tools)
            allowed = self._lists.allowed(action, tools[0], now)
        verdict, reasons = combine(score, fired, adjusted, findings, denied=denied, allowed=allowed)
        return ActionDecision(
            action,
            score,
            verdict,
            reasons,
            tuple(findings),
            fired,
            adjusted,
            pressure,
            volume,
            None if denied is None else denied.reason,
            None if allowed is None else (allowed.owner, allowed.reason),
        )


def worst_tier(judged: Sequence[ActionDecision]) -> Tier:
    """The highest tier among the actions of a call."""
    return max((item.score.tier for item in judged), key=_TIERS.index)


def trace_of(action: NormAction, roles: Sequence[Role] = (), *, carrying: bool = False) -> Trace:
    """What history keeps of an action: no argument value.

    Args:
        action: The action.
        roles: By Flag order, from its score.
        carrying: The call holds what was exposed: where it puts that, it is exposed once more.
    """
    flags = tuple([name for name, role in zip(_FLAG_NAMES, roles, strict=False) if role])
    marks = _NO_MARKS
    if action.exposed or action.outward or carrying:
        names = (("exposed", action.exposed or carrying), ("outward", action.outward))
        marks = frozenset(name for name, holds in names if holds)
    return Trace(action.action, flags, marks, action.keys, action.amount)
