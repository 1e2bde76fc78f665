"""Packs -> Catalog. Runs once at start.

Guarantees: everything that can be wrong with a pack from YAML is found here. Packs that were compiled
before, together and without fault (LoadedPack.checked_with), are not looked through again: their tables
and mappings are made when they are first asked for, and come out the same.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from itertools import chain
from typing import TYPE_CHECKING, TypeVar

from permit0.errors import BadConfig, BadPack, InvalidInput
from permit0.model.history import Feature
from permit0.model.rule import ActionTemplate, Rule, SessionAdjustment
from permit0.model.vocabulary import Amplifier, Flag, Role
from permit0.normalize.catalog import (
    ActionEntry,
    Catalog,
    Once,
    Parameter,
    Route,
    Rows,
    ToolMapping,
    fold_name,
)
from permit0.normalize.conditions import ConditionCompiler
from permit0.normalize.facts import check_parameters, facts_of
from permit0.normalize.implied_rules import implied_rules
from permit0.normalize.loader import LoadedPack
from permit0.normalize.pack_policy import ActionPolicy, MappingPolicy, RoutePolicy, RuleLine
from permit0.normalize.parameter_types import ParameterType
from permit0.normalize.patterns import PatternIndex
from permit0.normalize.route_patterns import host_pattern, path_pattern
from permit0.normalize.rule_compiler import RuleCompiler, feature_of
from permit0.normalize.tool_index import Clash, ToolIndex
from permit0.normalize.tool_names import vendor_names
from permit0.taxonomy import Taxonomy
from permit0.words import nearest

if TYPE_CHECKING:
    from permit0.located import Place

__all__ = ["ExtraRules", "compile_packs"]

ExtraRules = Mapping[str, Iterable[tuple[RuleLine, str]]]
"""Rules from permit0.yaml by action, each with where it stood. They can only raise."""

T = TypeVar("T")
_ROLE = {"primary": Role.PRIMARY, "secondary": Role.SECONDARY}


def compile_packs(
    packs: Iterable[LoadedPack],
    taxonomy: Taxonomy,
    *,
    extra_rules: ExtraRules | None = None,
    operators: Collection[str] = (),
) -> Catalog:
    """Compile packs.

    Args:
        packs: All packs of a deployment.
        taxonomy: The actions that there are.
        extra_rules: More rules for actions of the packs.
        operators: Names of the packs that the operator chose: what they say of a tool's name takes the
            place of what the others say (tool_index).

    Raises:
        BadPack: A name that is not known, or two packs that disagree.
        BadConfig: An extra rule is not valid (its place is in the message).
    """
    return _Compiler(list(packs), taxonomy, extra_rules or {}, operators).run()


class _Compiler:
    def __init__(
        self,
        packs: list[LoadedPack],
        taxonomy: Taxonomy,
        extra_rules: ExtraRules,
        operators: Collection[str],
    ) -> None:
        # The operator's last, since they replace what is there.
        self._packs = sorted(packs, key=lambda pack: pack.name in operators)
        self._operators = operators
        self._taxonomy = taxonomy
        self._extra = extra_rules
        self._checked = _checked(packs)
        self._actions: dict[str, Callable[[], ActionEntry]] = {}
        self._policies: dict[str, tuple[ActionPolicy, LoadedPack]] = {}
        self._tools = ToolIndex()
        self._routes: dict[str, list[Callable[[], Route]]] = {}
        self._features: dict[Feature, Feature] = {}
        self._patterns: dict[str, list[str]] = {}
        self._added: dict[str, list[tuple[LoadedPack, int, RuleLine]]] = {}
        self._indexes: dict[frozenset[str], PatternIndex] = {}

    def run(self) -> Catalog:
        self._join_patterns()
        self._join_rules()
        for pack in self._packs:
            for name, policy in pack.policy.actions.items():
                self._add_action(name, policy, pack)
        for name in sorted(set(self._extra) - set(self._policies)):
            for _, where in self._extra[name]:
                raise BadConfig(f"{where}: no pack has the action {name!r}")
        for name, (policy, pack) in self._policies.items():
            self._name_action(name, policy, pack)
        for pack in self._packs:
            for i, mapping in enumerate(pack.policy.mappings):
                self._add_mapping(mapping, pack, ("mappings", i))
            for i, route in enumerate(pack.policy.routes):
                self._add_route(route, pack, ("routes", i))
        policies = [policy for policy, _ in self._policies.values()]
        return Catalog(
            actions=Rows(self._actions),
            tools=self._tools.names(),
            routes=Rows({host: _all(routes) for host, routes in self._routes.items()}),
            features=tuple(self._features),
            packs={pack.name: pack.version for pack in self._packs},
            facts=Once(lambda: frozenset(chain.from_iterable(map(facts_of, policies)))),
            patterns=self._patterns,
            replaced=self._tools.replaced,
        )

    def _join_patterns(self) -> None:
        """Pattern sets are shared: a set that several packs extend is one set."""
        for pack in self._packs:
            for name, globs in pack.policy.patterns.items():
                self._patterns.setdefault(name, []).extend(globs)

    def _join_rules(self) -> None:
        """Lines that a pack adds to another one's action."""
        there = tuple(name for pack in self._packs for name in pack.policy.actions)
        for pack in self._packs:
            for name, lines in pack.policy.rules.items():
                if name not in there:
                    raise BadPack(
                        f"{pack.source.at(('rules', name))}: no pack has the action {name!r}"
                        f"{nearest(name, there)}"
                    )
                added = self._added.setdefault(name, [])
                added.extend((pack, i, line) for i, line in enumerate(lines))

    def _add_action(self, name: str, policy: ActionPolicy, pack: LoadedPack) -> None:
        other = self._policies.setdefault(name, (policy, pack))[1]
        if other is not pack:
            where = pack.source.at(("actions", name))
            raise BadPack(f"{where}: the action is also in {other.source.name!r}")
        checked = {pack.name, *(adding.name for adding, _, _ in self._added.get(name, ()))}
        if checked <= self._checked and name not in self._extra:
            for line in policy.session:  # the store of sessions is told of all of them at the start
                self._intern(feature_of(line.session))
            self._actions[name] = lambda: self._compile_action(name, policy, pack)
            return
        place = ("actions", name)
        _located(pack, place, lambda: self._taxonomy.require(name))
        _located(pack, (*place, "parameters"), lambda: check_parameters(policy.parameters))
        entry = self._compile_action(name, policy, pack)
        self._actions[name] = lambda: entry

    def _compile_action(self, name: str, policy: ActionPolicy, pack: LoadedPack) -> ActionEntry:
        place: Place = ("actions", name)
        for parameter in policy.counterparty:
            if parameter not in policy.parameters:
                raise BadPack(
                    f"{pack.source.at((*place, 'counterparty'))}: no parameter {parameter!r}"
                    f"{nearest(parameter, tuple(policy.parameters))}"
                )
        paths = [key for key, item in policy.parameters.items() if item.type is ParameterType.PATH]
        conditions = ConditionCompiler(
            facts_of(policy), self._patterns, precomputed=paths, indexes=self._indexes
        )
        rules = RuleCompiler(name, conditions, self._intern)
        lines: list[Rule] = [
            _located(pack, (*place, "rules", i), lambda line=line: rules.rule(line))  # type: ignore[misc]  # mypy cannot infer a lambda with a default
            for i, line in enumerate(policy.rules)
        ]
        raising = RuleCompiler(name, conditions, self._intern, upward=True)
        lines.extend(map(raising.rule, implied_rules(policy)))
        for adding, i, line in self._added.get(name, ()):
            at = ("rules", name, i)
            if any(known.id == f"{name}/{line.id}" for known in lines):
                where = adding.source.at(at)
                raise BadPack(f"{where}: there is a rule {line.id!r} already, choose another id")
            lines.append(_located(adding, at, lambda line=line: raising.rule(line)))  # type: ignore[misc]  # as above
        for extra, where in self._extra.get(name, ()):
            if any(line.id == f"{name}/{extra.id}" for line in lines):
                raise BadConfig(f"{where}: there is a rule {extra.id!r} already, choose another id")
            lines.append(_placed(where, lambda extra=extra: raising.rule(extra)))  # type: ignore[misc]  # as above
        session: list[SessionAdjustment] = [
            _located(pack, (*place, "session", i), lambda line=line: rules.session(line))  # type: ignore[misc]  # as above
            for i, line in enumerate(policy.session)
        ]
        ids = [line.id for line in (*lines, *session)]
        twice = next((rule_id for rule_id in ids if ids.count(rule_id) > 1), None)
        if twice is not None:
            raise BadPack(f"{pack.source.at(place)}: rule {twice!r} appears twice")
        when = policy.outward
        if isinstance(when, bool):
            outward = (lambda facts: True) if when else None
        else:
            outward = _located(pack, (*place, "outward"), lambda: conditions.compile(when))
        return ActionEntry(
            template=ActionTemplate(
                action=name,
                risk_class=policy.risk,
                base=tuple(policy.amplifiers.get(amp, 0) for amp in Amplifier),
                roles=tuple(
                    _ROLE[policy.flags[flag]] if flag in policy.flags else Role.ABSENT
                    for flag in Flag
                ),
                rules=tuple(lines),
                session=tuple(session),
                pack=pack.name,
            ),
            parameters={
                key: Parameter(key, item.type, item.required, conditions.index(key))
                for key, item in policy.parameters.items()
            },
            required=tuple(key for key, item in policy.parameters.items() if item.required),
            reads=policy.reads,
            outward=outward,
            counterparty=policy.counterparty,
            repeats=any(
                item.type in (ParameterType.PATH, ParameterType.URL)
                for item in policy.parameters.values()
            ),
        )

    def _name_action(self, name: str, policy: ActionPolicy, pack: LoadedPack) -> None:
        try:
            self._tools.name_action(name, Once(lambda: _canonical(name, policy)))
        except Clash as error:
            raise BadPack(f"{pack.source.at(('actions', name))}: {error}") from error

    def _intern(self, feature: Feature) -> Feature:
        """One object for equal features: the state store looks them up by identity."""
        return self._features.setdefault(feature, feature)

    def _add_mapping(self, policy: MappingPolicy, pack: LoadedPack, place: Place) -> None:
        mapping = Once(lambda: self._compile_mapping(policy, pack, place))
        if pack.name not in self._checked:
            mapping()
        operator = pack.name in self._operators
        vendors = vendor_names(policy.vendor)
        for tool in policy.tools:
            try:
                self._tools.claim(tool, mapping, vendors=vendors, operator=operator)
            except Clash as error:
                raise BadPack(f"{pack.source.at(place)}: {error}") from error

    def _compile_mapping(
        self, policy: MappingPolicy, pack: LoadedPack, place: Place
    ) -> ToolMapping:
        chosen = (action for choice in policy.select.values() for action in choice.values())
        chooser = tuple((fold_name(name), choice) for name, choice in policy.select.items())
        return self._mapping(
            [policy.action, *chosen],
            policy,
            pack,
            place,
            inert={*map(fold_name, policy.inert), *(name for name, _ in chooser)},
            select=chooser,
            origin=f"mapping:{pack.name}",
        )

    def _mapping(
        self,
        actions: list[str],
        policy: MappingPolicy | RoutePolicy,
        pack: LoadedPack,
        place: Place,
        *,
        inert: Collection[str],
        select: tuple[tuple[str, Mapping[str, str]], ...],
        origin: str,
        parts: Mapping[str, str] = {},  # never changed
    ) -> ToolMapping:
        known: dict[str, None] = {}
        meaningless: set[str] = set()
        for action in actions:
            found = self._policies.get(action)
            if found is None:
                raise BadPack(
                    f"{pack.source.at(place)}: no pack has the action {action!r}"
                    f"{nearest(action, tuple(self._policies))}"
                )
            known.update(dict.fromkeys(found[0].parameters))
            meaningless.update(map(fold_name, found[0].inert))
        for parameter in (*policy.arguments, *policy.literals, *parts.values()):
            if parameter not in known:
                raise BadPack(
                    f"{pack.source.at(place)}: {actions[0]} has no parameter {parameter!r}"
                    f"{nearest(parameter, tuple(known))}"
                )
        names: dict[str, str] = dict(parts)
        nested: dict[str, list[tuple[tuple[str, ...], str]]] = {}
        for parameter, given in policy.arguments.items():
            for argument in [given] if isinstance(given, str) else given:
                first, *rest = argument.split(".")
                if rest:
                    nested.setdefault(fold_name(first), []).append((tuple(rest), parameter))
                else:
                    names[fold_name(first)] = parameter
        return ToolMapping(
            action=actions[0],
            names=names,
            nested={name: tuple(paths) for name, paths in nested.items()},
            inert=frozenset(inert) | (meaningless - set(names)),
            literals=policy.literals,
            minor_units=policy.minor_units,
            select=select,
            origin=origin,
        )

    def _add_route(self, policy: RoutePolicy, pack: LoadedPack, place: Place) -> None:
        methods = frozenset(method.upper() for method in policy.methods)
        said = Once(lambda: self._compile_route(policy, pack, place))
        if pack.name not in self._checked:
            said()
        for host in [policy.host] if isinstance(policy.host, str) else policy.host:
            key, pattern = _located(pack, place, lambda host=host: host_pattern(host))  # type: ignore[misc]  # mypy cannot infer a lambda with a default

            def route(pattern: re.Pattern[str] | None = pattern) -> Route:
                path, mapping = said()
                return Route(methods=methods, path=path, mapping=mapping, host=pattern)

            self._routes.setdefault(key, []).append(route)

    def _compile_route(
        self, policy: RoutePolicy, pack: LoadedPack, place: Place
    ) -> tuple[re.Pattern[str], ToolMapping]:
        chosen = (action for choice in policy.select.values() for action in choice.values())
        chooser = tuple((fold_name(name), choice) for name, choice in policy.select.items())
        path = _located(pack, place, lambda: path_pattern(policy.path))
        parts = {fold_name(name): name for name in path.groupindex}
        mapping = self._mapping(
            [policy.action, *chosen],
            policy,
            pack,
            place,
            inert={*map(fold_name, policy.inert), *(name for name, _ in chooser)} - set(parts),
            select=chooser,
            origin="route",
            parts=parts,
        )
        return path, mapping


def _all(makers: Sequence[Callable[[], T]]) -> Callable[[], tuple[T, ...]]:
    return lambda: tuple(make() for make in makers)


def _checked(packs: Iterable[LoadedPack]) -> set[str]:
    """Names of the packs that were checked before, if all that they were checked with are here.

    A pack of the same name that was read elsewhere is not the same pack.
    """
    together: dict[frozenset[str], set[str]] = {}
    for pack in packs:
        together.setdefault(pack.checked_with, set()).add(pack.name)
    return {name for names, here in together.items() if here == names for name in names}


def _canonical(action: str, policy: ActionPolicy) -> ToolMapping:
    """`payments.transfer`, `payments_transfer`, `PaymentsTransfer` are the action itself."""
    names = {fold_name(key): key for key in policy.parameters}
    for key, parameter in policy.parameters.items():
        for alias in parameter.names:
            names.setdefault(fold_name(alias), key)
    return ToolMapping(
        action=action,
        names=names,
        nested={},
        inert=frozenset(fold_name(name) for name in policy.inert),
        literals={},
        minor_units=False,
        select=(),
        origin="canonical",
    )


def _located(pack: LoadedPack, place: Place, make: Callable[[], T]) -> T:
    """Run `make`; an InvalidInput becomes a BadPack that says where."""
    try:
        return make()
    except InvalidInput as error:
        raise BadPack(f"{pack.source.at(place)}: {error}") from error


def _placed(where: str, make: Callable[[], T]) -> T:
    """Run `make`; an InvalidInput says where in permit0.yaml."""
    try:
        return make()
    except InvalidInput as error:
        raise BadConfig(f"{where}: {error}") from error
