"""Rules and session lines of a policy table, compiled into predicates and changes."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from permit0.errors import InvalidInput
from permit0.model.history import Feature, FeatureKind, HistoryView
from permit0.model.rule import Change, Rule, SessionAdjustment, SessionTest, floor_of
from permit0.model.vocabulary import Amplifier, Effect, Flag, Role
from permit0.normalize.conditions import ConditionCompiler
from permit0.normalize.pack_policy import Line, RuleLine, SessionLine, SessionQuestion

__all__ = ["RuleCompiler", "feature_of"]

_AMPLIFIER = {amplifier: i for i, amplifier in enumerate(Amplifier)}
_FLAG = {flag: i for i, flag in enumerate(Flag)}
_ROLE = {"primary": Role.PRIMARY, "secondary": Role.SECONDARY}
_MILD = frozenset({Effect.ALLOW, Effect.ALLOW_LOG, Effect.DOWNGRADE})


class RuleCompiler:
    """Compiles the lines of one action.

    Args:
        action: Canonical action, for rule ids.
        conditions: Compiler that knows the action's facts.
        intern: Called with every feature that a session line needs; gives the one to keep.
        upward: Refuse what could make a decision milder (rules of permit0.yaml, or of another pack).
    """

    def __init__(
        self,
        action: str,
        conditions: ConditionCompiler,
        intern: Callable[[Feature], Feature],
        *,
        upward: bool = False,
    ) -> None:
        self._action = action
        self._conditions = conditions
        self._intern = intern
        self._upward = upward

    def rule(self, spec: RuleLine) -> Rule:
        """One line about the call itself.

        Raises:
            InvalidInput: An unknown fact, or a change that the effect does not go with.
        """
        self._check(spec)
        mild = spec.effect in _MILD
        if spec.demote and not mild:
            raise InvalidInput("'demote' goes with the effects downgrade, allow and allow+log only")
        name = f"{self._action}/{spec.id}"
        return Rule(
            id=name,
            effect=spec.effect,
            change=_change(spec, tuple(_FLAG[flag] for flag in spec.demote)),
            when=self._conditions.compile(spec.when),
            why=spec.why,
            floor=floor_of(spec.effect, name, spec.why),
        )

    def session(self, spec: SessionLine) -> SessionAdjustment:
        """One line about the session. It never makes anything milder.

        Raises:
            InvalidInput: An unknown fact, a lowering change, or not exactly one question.
        """
        if spec.effect in _MILD:
            raise InvalidInput(f"a session line cannot have the effect {spec.effect.value!r}")
        self._check(spec)
        if any(points < 0 for points in spec.amplifiers.values()):
            raise InvalidInput("a session line cannot lower an amplifier")
        name = f"{self._action}/{spec.id}"
        return SessionAdjustment(
            id=name,
            effect=spec.effect,
            change=_change(spec, ()),
            test=self._test(spec.session),
            when=self._conditions.compile(spec.when),
            why=spec.why,
            floor=floor_of(spec.effect, name, spec.why),
        )

    def _check(self, spec: Line) -> None:
        lowers = any(points < 0 for points in spec.amplifiers.values())
        if self._upward and (lowers or spec.effect in _MILD):
            raise InvalidInput(
                "a rule that is added to an action can only raise: no allow, downgrade or negative points"
            )
        if lowers and spec.effect not in _MILD:
            raise InvalidInput("negative points go with the effects downgrade and allow only")

    def _test(self, spec: SessionQuestion) -> SessionTest:
        given = [spec.count, spec.distinct, spec.recent, spec.rate]
        if sum(item is not None for item in given) != 1:
            raise InvalidInput("a session line asks one of count, distinct, recent or rate")
        if (spec.distinct is None) != (spec.key is None):
            raise InvalidInput("'distinct' and 'key' go together")
        own = 1 if self._action in spec.of else 0
        feature = self._intern(feature_of(spec))
        if spec.count is not None:
            return _count(feature, spec.count - own)
        if spec.rate is not None:
            return _count(feature, spec.rate + 1 - own)
        if spec.distinct is not None:
            return _distinct(feature, spec.key or "", spec.distinct)
        return _recent(feature, spec.recent or 1, spec.within_s)


def feature_of(spec: SessionQuestion) -> Feature:
    """What a session line asks of history."""
    kind, window = FeatureKind.LATEST, None
    if spec.recent is None:
        kind = FeatureKind.COUNT if spec.distinct is None else FeatureKind.DISTINCT
        window = None if spec.within_s is None else float(spec.within_s)
    if spec.rate is not None:
        window = 60.0
    return Feature(
        kind=kind,
        actions=frozenset(spec.of),
        mark="exposed" if spec.exposed else None,
        key=spec.key,
        window_s=window,
        # Without a window the line is about this session; others count for an hour.
        shared_window_s=3600.0 if window is None else window,
    )


def _change(spec: Line, demote: tuple[int, ...]) -> Change:
    raised = {_FLAG[flag]: _ROLE[role] for flag, role in spec.add_flags.items()}
    for flag in spec.promote:
        raised[_FLAG[flag]] = Role.PRIMARY
    return Change(
        add=tuple((_AMPLIFIER[name], points) for name, points in spec.amplifiers.items()),
        at_least=tuple((_AMPLIFIER[name], points) for name, points in spec.override.items()),
        raise_to=tuple(raised.items()),
        demote=demote,
    )


def _count(feature: Feature, before: int) -> SessionTest:
    def test(view: HistoryView, keys: Mapping[str, str]) -> bool:
        return view.count(feature) >= before

    return test


def _distinct(feature: Feature, key: str, enough: int) -> SessionTest:
    def test(view: HistoryView, keys: Mapping[str, str]) -> bool:
        return view.distinct(feature, keys.get(key), enough=enough) >= enough

    return test


def _recent(feature: Feature, steps: int, within_s: int | None) -> SessionTest:
    def test(view: HistoryView, keys: Mapping[str, str]) -> bool:
        since = view.steps_since(feature)
        if since is None or since > steps:
            return False
        if within_s is None:
            return True
        seconds = view.seconds_since(feature)
        return seconds is not None and seconds <= within_s

    return test
