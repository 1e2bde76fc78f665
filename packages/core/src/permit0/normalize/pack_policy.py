"""What of a pack decides: the form that the compiler reads and that the cache of packs keeps.

A PackSpec is what people write, with cases, sources and texts for authors, checked by pydantic. A
PackPolicy is the rest of it in plain structs, which are read back from bytes in a moment.
Guarantees: a spec and its policy say the same (`policy_of` is the only way from one to the other); equal
policies have equal bytes. Does not: check anything that the spec has not (pack_schema), or compile
(compiler).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import msgspec

from permit0.model.vocabulary import Amplifier, Effect, Flag
from permit0.normalize.parameter_types import ParameterType

if TYPE_CHECKING:  # the schema needs pydantic, which an engine with cached packs does without
    from permit0.normalize import pack_schema as written

__all__ = [
    "ActionPolicy",
    "Condition",
    "FactTest",
    "Line",
    "MappingPolicy",
    "PackPolicy",
    "ParameterPolicy",
    "RoutePolicy",
    "RuleLine",
    "SessionLine",
    "SessionQuestion",
    "condition_of",
    "policy_of",
    "rule_of",
]

Number = int | float


class _Plain(msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True, gc=False):
    """Plain values in plain structs: no cycles, so nothing for the garbage collector."""


class ParameterPolicy(_Plain, frozen=True):
    """See pack_schema.ParameterSpec."""

    type: ParameterType
    required: bool = False
    names: tuple[str, ...] = ()


class FactTest(_Plain, frozen=True):
    """See pack_schema.TestSpec."""

    above: Number | None = None
    at_least: Number | None = None
    below: Number | None = None
    at_most: Number | None = None
    has: tuple[str, ...] | None = None
    lacks: tuple[str, ...] | None = None
    matches: tuple[str, ...] | None = None
    misses: tuple[str, ...] | None = None
    present: bool | None = None


Test = bool | int | float | str | tuple[str, ...] | FactTest


class Condition(_Plain, frozen=True):
    """See pack_schema.ConditionSpec. tests: by fact."""

    tests: Mapping[str, Test] = {}
    any_of: tuple[Condition, ...] | None = None
    none_of: Condition | None = None


class Line(_Plain, frozen=True, kw_only=True):
    """See pack_schema.LineSpec."""

    id: str
    when: Condition | None = None
    effect: Effect
    amplifiers: Mapping[Amplifier, int] = {}
    override: Mapping[Amplifier, int] = {}
    add_flags: Mapping[Flag, str] = {}
    promote: tuple[Flag, ...] = ()
    why: str


class RuleLine(Line, frozen=True, kw_only=True):
    """See pack_schema.RuleSpec."""

    demote: tuple[Flag, ...] = ()


class SessionQuestion(_Plain, frozen=True, kw_only=True):
    """See pack_schema.SessionTestSpec."""

    count: int | None = None
    distinct: int | None = None
    key: str | None = None
    recent: int | None = None
    rate: int | None = None
    of: tuple[str, ...]
    within_s: int | None = None
    exposed: bool = False


class SessionLine(Line, frozen=True, kw_only=True):
    """See pack_schema.SessionSpec."""

    session: SessionQuestion


class ActionPolicy(_Plain, frozen=True, kw_only=True):
    """See pack_schema.ActionSpec."""

    risk: str
    parameters: Mapping[str, ParameterPolicy] = {}
    inert: tuple[str, ...] = ()
    flags: Mapping[Flag, str]
    amplifiers: Mapping[Amplifier, int] = {}
    reads: bool = False
    outward: Condition | bool = False
    counterparty: tuple[str, ...] = ()
    rules: tuple[RuleLine, ...] = ()
    session: tuple[SessionLine, ...] = ()


class MappingPolicy(_Plain, frozen=True, kw_only=True):
    """See pack_schema.MappingSpec."""

    tools: tuple[str, ...]
    vendor: str = ""
    action: str
    arguments: Mapping[str, str | tuple[str, ...]] = {}
    inert: tuple[str, ...] = ()
    literals: Mapping[str, Any] = {}  # Json; msgspec knows no recursive types
    minor_units: bool = False
    select: Mapping[str, Mapping[str, str]] = {}


class RoutePolicy(_Plain, frozen=True, kw_only=True):
    """See pack_schema.RouteSpec."""

    methods: tuple[str, ...]
    host: str
    path: str
    action: str
    arguments: Mapping[str, str | tuple[str, ...]] = {}
    literals: Mapping[str, Any] = {}  # as above
    minor_units: bool = False


class PackPolicy(_Plain, frozen=True, kw_only=True):
    """See pack_schema.PackSpec."""

    pack: str
    version: int
    patterns: Mapping[str, tuple[str, ...]] = {}
    actions: Mapping[str, ActionPolicy] = {}
    rules: Mapping[str, tuple[RuleLine, ...]] = {}
    mappings: tuple[MappingPolicy, ...] = ()
    routes: tuple[RoutePolicy, ...] = ()


def policy_of(spec: written.PackSpec) -> PackPolicy:
    """What of a pack decides."""
    return PackPolicy(
        pack=spec.pack,
        version=spec.version,
        patterns={name: tuple(globs) for name, globs in spec.patterns.items()},
        actions={name: _action(action) for name, action in spec.actions.items()},
        rules={name: tuple(map(rule_of, lines)) for name, lines in spec.rules.items()},
        mappings=tuple(
            MappingPolicy(
                tools=tuple(item.tools),
                vendor=item.vendor,
                action=item.action,
                arguments=_arguments(item.arguments),
                inert=tuple(item.inert),
                literals=item.literals,
                minor_units=item.minor_units,
                select=item.select,
            )
            for item in spec.mappings
        ),
        routes=tuple(
            RoutePolicy(
                methods=tuple(item.methods),
                host=item.host,
                path=item.path,
                action=item.action,
                arguments=_arguments(item.arguments),
                literals=item.literals,
                minor_units=item.minor_units,
            )
            for item in spec.routes
        ),
    )


def rule_of(spec: written.RuleSpec) -> RuleLine:
    """One line about the call itself."""
    return RuleLine(**_line(spec), demote=tuple(spec.demote))  # type: ignore[arg-type]  # _line's values


def condition_of(spec: written.ConditionSpec) -> Condition:
    """A condition. Its tests are what the schema calls extra."""
    return Condition(
        tests={name: _test(test) for name, test in (spec.__pydantic_extra__ or {}).items()},
        any_of=None if spec.any_of is None else tuple(map(condition_of, spec.any_of)),
        none_of=None if spec.none_of is None else condition_of(spec.none_of),
    )


def _action(spec: written.ActionSpec) -> ActionPolicy:
    outward = spec.outward
    return ActionPolicy(
        risk=spec.risk,
        parameters={
            name: ParameterPolicy(item.type, item.required, tuple(item.names))
            for name, item in spec.parameters.items()
        },
        inert=tuple(spec.inert),
        flags=dict(spec.flags),
        amplifiers=spec.amplifiers,
        reads=spec.reads,
        outward=outward if isinstance(outward, bool) else condition_of(outward),
        counterparty=tuple(spec.counterparty),
        rules=tuple(map(rule_of, spec.rules)),
        session=tuple(
            SessionLine(**_line(line), session=_question(line.session))  # type: ignore[arg-type]  # as above
            for line in spec.session
        ),
    )


def _line(spec: written.LineSpec) -> dict[str, object]:
    return {
        "id": spec.id,
        "when": None if spec.when is None else condition_of(spec.when),
        "effect": spec.effect,
        "amplifiers": spec.amplifiers,
        "override": spec.override,
        "add_flags": spec.add_flags,
        "promote": tuple(spec.promote),
        "why": spec.why,
    }


def _question(spec: written.SessionTestSpec) -> SessionQuestion:
    return SessionQuestion(
        count=spec.count,
        distinct=spec.distinct,
        key=spec.key,
        recent=spec.recent,
        rate=spec.rate,
        of=tuple(spec.of),
        within_s=spec.within_s,
        exposed=spec.exposed,
    )


def _test(test: written.Test) -> Test:
    if isinstance(test, bool | int | float | str):
        return test
    if isinstance(test, list):
        return tuple(test)
    return FactTest(
        above=test.above,
        at_least=test.at_least,
        below=test.below,
        at_most=test.at_most,
        has=_texts(test.has),
        lacks=_texts(test.lacks),
        matches=_texts(test.matches),
        misses=_texts(test.misses),
        present=test.present,
    )


def _texts(given: list[str] | None) -> tuple[str, ...] | None:
    return None if given is None else tuple(given)


def _arguments(given: Mapping[str, str | list[str]]) -> dict[str, str | tuple[str, ...]]:
    return {
        name: argument if isinstance(argument, str) else tuple(argument)
        for name, argument in given.items()
    }
