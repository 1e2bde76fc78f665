"""Pack specs -> Catalog. Runs once at start; everything that can be wrong is found here."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TypeVar

import msgspec

from permit0.errors import BadConfig, BadPack, InvalidInput
from permit0.model.history import Feature
from permit0.model.rule import ActionTemplate, Rule, SessionAdjustment
from permit0.model.vocabulary import Amplifier, Flag, Role
from permit0.normalize.catalog import (
    ActionEntry,
    Catalog,
    Parameter,
    Route,
    ToolMapping,
    ToolNames,
    fold_name,
)
from permit0.normalize.conditions import ConditionCompiler
from permit0.normalize.facts import COMMON_FACTS, FACTS_OF
from permit0.normalize.loader import LoadedPack
from permit0.normalize.pack_schema import (
    ActionSpec,
    MappingSpec,
    ParameterType,
    RouteSpec,
    RuleSpec,
)
from permit0.normalize.route_patterns import host_pattern, path_pattern
from permit0.normalize.rule_compiler import RuleCompiler
from permit0.normalize.tool_names import is_one_word, vendor_names
from permit0.taxonomy import Taxonomy
from permit0.words import nearest

__all__ = ["ExtraRules", "compile_packs"]

ExtraRules = Mapping[str, Iterable[tuple[RuleSpec, str]]]
"""Rules from permit0.yaml by action, each with where it stood. They can only raise."""

T = TypeVar("T")
_ROLE = {"primary": Role.PRIMARY, "secondary": Role.SECONDARY}


def compile_packs(
    packs: Iterable[LoadedPack],
    taxonomy: Taxonomy,
    *,
    extra_rules: ExtraRules | None = None,
) -> Catalog:
    """Compile packs.

    Raises:
        BadPack: A name that is not known, or two packs that disagree.
        BadConfig: An extra rule is not valid (its place is in the message).
    """
    return _Compiler(list(packs), taxonomy, extra_rules or {}).run()


class _Compiler:
    def __init__(
        self, packs: list[LoadedPack], taxonomy: Taxonomy, extra_rules: ExtraRules
    ) -> None:
        self._packs = packs
        self._taxonomy = taxonomy
        self._extra = extra_rules
        self._actions: dict[str, ActionEntry] = {}
        self._specs: dict[str, tuple[ActionSpec, LoadedPack]] = {}
        self._tools: dict[str, ToolMapping] = {}
        self._whole: set[str] = set()
        self._aliases: dict[str, set[str]] = {}
        self._routes: dict[str, list[Route]] = {}
        self._features: dict[Feature, Feature] = {}
        self._patterns: dict[str, list[str]] = {}

    def run(self) -> Catalog:
        self._join_patterns()
        for pack in self._packs:
            for name, spec in pack.spec.actions.items():
                self._compile_action(name, spec, pack)
        unknown = set(self._extra) - set(self._specs)
        for name in sorted(unknown):
            for _, where in self._extra[name]:
                raise BadConfig(f"{where}: no pack has the action {name!r}")
        for name, (spec, pack) in self._specs.items():
            self._map_canonical_name(name, spec, pack)
        for pack in self._packs:
            for i, mapping in enumerate(pack.spec.mappings):
                self._compile_mapping(mapping, pack, ("mappings", i))
            for i, route in enumerate(pack.spec.routes):
                self._compile_route(route, pack, ("routes", i))
        return Catalog(
            actions=self._actions,
            tools=self._names(),
            routes=self._routes,
            features=tuple(self._features),
            packs={pack.spec.pack: pack.spec.version for pack in self._packs},
            facts=frozenset(fact for spec, _ in self._specs.values() for fact in _facts(spec)),
            patterns=self._patterns,
        )

    def _join_patterns(self) -> None:
        """Pattern sets are shared: a set that several packs extend is one set."""
        for pack in self._packs:
            for name, globs in pack.spec.patterns.items():
                self._patterns.setdefault(name, []).extend(globs)

    def _compile_action(self, name: str, spec: ActionSpec, pack: LoadedPack) -> None:
        place: tuple[str | int, ...] = ("actions", name)
        _located(pack, place, lambda: self._taxonomy.require(name))
        if name in self._specs:
            other = self._specs[name][1].source.name
            raise BadPack(f"{pack.source.at(place)}: the action is also in {other!r}")
        for parameter in spec.counterparty:
            if parameter not in spec.parameters:
                raise BadPack(
                    f"{pack.source.at((*place, 'counterparty'))}: no parameter {parameter!r}"
                    f"{nearest(parameter, tuple(spec.parameters))}"
                )
        paths = [key for key, item in spec.parameters.items() if item.type == ParameterType.PATH]
        conditions = ConditionCompiler(_facts(spec), self._patterns, precomputed=paths)
        rules = RuleCompiler(name, conditions, self._intern)
        lines: list[Rule] = [
            _located(pack, (*place, "rules", i), lambda line=line: rules.rule(line))  # type: ignore[misc]  # mypy cannot infer a lambda with a default
            for i, line in enumerate(spec.rules)
        ]
        raising = RuleCompiler(name, conditions, self._intern, upward=True)
        for extra, where in self._extra.get(name, ()):
            if any(line.id == f"{name}/{extra.id}" for line in lines):
                raise BadConfig(f"{where}: there is a rule {extra.id!r} already, choose another id")
            lines.append(_placed(where, lambda extra=extra: raising.rule(extra)))  # type: ignore[misc]  # as above
        session: list[SessionAdjustment] = [
            _located(pack, (*place, "session", i), lambda line=line: rules.session(line))  # type: ignore[misc]  # as above
            for i, line in enumerate(spec.session)
        ]
        ids = [line.id for line in (*lines, *session)]
        twice = next((rule_id for rule_id in ids if ids.count(rule_id) > 1), None)
        if twice is not None:
            raise BadPack(f"{pack.source.at(place)}: rule {twice!r} appears twice")
        outward_spec = spec.outward
        if isinstance(outward_spec, bool):
            outward = (lambda facts: True) if outward_spec else None
        else:
            outward = _located(pack, (*place, "outward"), lambda: conditions.compile(outward_spec))
        self._specs[name] = (spec, pack)
        self._actions[name] = ActionEntry(
            template=ActionTemplate(
                action=name,
                risk_class=spec.risk,
                base=tuple(spec.amplifiers.get(amp, 0) for amp in Amplifier),
                roles=tuple(
                    _ROLE[spec.flags[flag]] if flag in spec.flags else Role.ABSENT for flag in Flag
                ),
                rules=tuple(lines),
                session=tuple(session),
                pack=pack.spec.pack,
            ),
            parameters={
                key: Parameter(key, item.type, item.required, conditions.index(key))
                for key, item in spec.parameters.items()
            },
            required=tuple(key for key, item in spec.parameters.items() if item.required),
            reads=spec.reads,
            outward=outward,
            counterparty=tuple(spec.counterparty),
            repeats=any(
                item.type in (ParameterType.PATH, ParameterType.URL)
                for item in spec.parameters.values()
            ),
        )

    def _intern(self, feature: Feature) -> Feature:
        """One object for equal features: the state store looks them up by identity."""
        return self._features.setdefault(feature, feature)

    def _map_canonical_name(self, action: str, spec: ActionSpec, pack: LoadedPack) -> None:
        """`payments.transfer`, `payments_transfer`, `PaymentsTransfer` are the action itself."""
        names = {fold_name(key): key for key in spec.parameters}
        for key, parameter in spec.parameters.items():
            for alias in parameter.names:
                names.setdefault(fold_name(alias), key)
        mapping = ToolMapping(
            action=action,
            names=names,
            nested={},
            inert=frozenset(fold_name(name) for name in spec.inert),
            literals={},
            minor_units=False,
            select=(),
            origin="canonical",
        )
        self._add_tool(action, mapping, pack, ("actions", action))
        self._tools[action] = mapping

    def _compile_mapping(
        self, spec: MappingSpec, pack: LoadedPack, place: tuple[str | int, ...]
    ) -> None:
        actions = [spec.action, *(a for choice in spec.select.values() for a in choice.values())]
        mapping = self._mapping(
            actions, spec.arguments, spec.literals, pack, place, origin=f"mapping:{pack.spec.pack}"
        )
        inert = frozenset(fold_name(name) for name in spec.inert) | mapping.inert
        chooser = tuple((fold_name(name), dict(choice)) for name, choice in spec.select.items())
        full = ToolMapping(
            action=spec.action,
            names=mapping.names,
            nested=mapping.nested,
            inert=inert | {name for name, _ in chooser},
            literals=mapping.literals,
            minor_units=spec.minor_units,
            select=chooser,
            origin=mapping.origin,
        )
        vendors = vendor_names(spec.vendor)
        for tool in spec.tools:
            self._add_tool(tool, full, pack, place)
            name = fold_name(tool)
            if "/" in tool or is_one_word(tool):
                self._whole.add(name)
            if "/" not in tool:
                for vendor in (*vendors, name):  # a server is often called like its only tool
                    self._aliases.setdefault(vendor + name, set()).add(name)

    def _mapping(
        self,
        actions: list[str],
        arguments: Mapping[str, str | list[str]],
        literals: Mapping[str, object],
        pack: LoadedPack,
        place: tuple[str | int, ...],
        *,
        origin: str,
    ) -> ToolMapping:
        known: dict[str, None] = {}
        inert: set[str] = set()
        for action in actions:
            found = self._specs.get(action)
            if found is None:
                raise BadPack(
                    f"{pack.source.at(place)}: no pack has the action {action!r}"
                    f"{nearest(action, tuple(self._specs))}"
                )
            known.update(dict.fromkeys(found[0].parameters))
            inert.update(fold_name(name) for name in found[0].inert)
        for parameter in (*arguments, *literals):
            if parameter not in known:
                raise BadPack(
                    f"{pack.source.at(place)}: {actions[0]} has no parameter {parameter!r}"
                    f"{nearest(parameter, tuple(known))}"
                )
        names: dict[str, str] = {}
        nested: dict[str, list[tuple[tuple[str, ...], str]]] = {}
        for parameter, given in arguments.items():
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
            inert=frozenset(inert - set(names)),
            literals=dict(literals),  # type: ignore[arg-type]  # pydantic's JsonValue is our Json
            minor_units=False,
            select=(),
            origin=origin,
        )

    def _compile_route(
        self, spec: RouteSpec, pack: LoadedPack, place: tuple[str | int, ...]
    ) -> None:
        actions = [spec.action, *(a for choice in spec.select.values() for a in choice.values())]
        mapping = self._mapping(actions, spec.arguments, spec.literals, pack, place, origin="route")
        chooser = tuple((fold_name(name), dict(choice)) for name, choice in spec.select.items())
        inert = mapping.inert.union(map(fold_name, spec.inert), (name for name, _ in chooser))
        path = path_pattern(spec.path)
        parts = {fold_name(name): name for name in path.groupindex}
        full = msgspec.structs.replace(
            mapping,
            names={**parts, **mapping.names},
            inert=inert - set(parts),
            minor_units=spec.minor_units,
            select=chooser,
        )
        for host in [spec.host] if isinstance(spec.host, str) else spec.host:
            key, pattern = _located(pack, place, lambda host=host: host_pattern(host))  # type: ignore[misc]  # mypy cannot infer a lambda with a default
            route = Route(
                methods=frozenset(method.upper() for method in spec.methods),
                path=path,
                mapping=full,
                host=pattern,
            )
            self._routes.setdefault(key, []).append(route)

    def _add_tool(
        self, tool: str, mapping: ToolMapping, pack: LoadedPack, place: tuple[str | int, ...]
    ) -> None:
        name = fold_name(tool)
        other = self._tools.get(name)
        if other is not None and other != mapping:
            raise BadPack(
                f"{pack.source.at(place)}: tool {tool!r} is already mapped to {other.action!r}"
            )
        self._tools[name] = mapping

    def _names(self) -> ToolNames:
        # Two vendors' names that run into one letter sequence name nobody.
        single = {alias: min(found) for alias, found in self._aliases.items() if len(found) == 1}
        return ToolNames(self._tools, frozenset(self._whole), single)


def _facts(spec: ActionSpec) -> set[str]:
    """The facts that an action can have, by its parameters."""
    found = set(COMMON_FACTS)
    for name, parameter in spec.parameters.items():
        found.update(fact.format(p=name) for fact in FACTS_OF[ParameterType(parameter.type)])
    return found


def _located(pack: LoadedPack, place: tuple[str | int, ...], make: Callable[[], T]) -> T:
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
