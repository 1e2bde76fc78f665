"""ToolCall -> NormActions.

Guarantees:
  1. A tool that no pack knows is compiled from its name, schema and description (compiled), or it is
     `unknown.unclassified`. What the call says of itself (a `category`, `safe: true`) is not looked at, and
     what the tool says of itself never makes it milder.
  2. A call is refused (InvalidInput) if a parameter cannot be read exactly.
  3. A call that is several actions (a compound shell line, SQL, a list of paths, an HTTP request to a
     known service) gives all of them; data that leaves comes last, so that it is judged with what was read.
Does not: judge (score, session, policy), or keep anything between calls.
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from permit0.canonical import Json, digest, thaw
from permit0.errors import InvalidInput
from permit0.model.action import NormAction
from permit0.model.call import ToolCall
from permit0.model.values import ShellLine
from permit0.normalize.arguments import bind_arguments
from permit0.normalize.assemble import norm_action
from permit0.normalize.catalog import ActionEntry, Catalog, ToolMapping, fold_name
from permit0.normalize.compiled import ToolCompiler
from permit0.normalize.extras import read_extras
from permit0.normalize.organisation import Organisation
from permit0.normalize.parameter_types import ParameterType
from permit0.normalize.parameters import Bound, Reading, read_parameters
from permit0.normalize.routes import (
    ACTION_OF,
    LOOKS,
    find_routes,
    is_look,
    methods_of,
    request_body,
)
from permit0.normalize.selecting import select_action
from permit0.normalize.shell_actions import shell_actions
from permit0.normalize.sql_actions import SqlMemory, sql_actions
from permit0.taxonomy import UNCLASSIFIED

__all__ = ["MAX_ACTIONS", "Normalizer"]

MAX_ACTIONS = 256  # per call; more is refused, since nobody could review the decision
_WEBHOOK = "network.send_webhook"
_NOT_FILLED = frozenset({"argument_missing", "amount_missing"})
_FOLDER_NAMES = frozenset({"cwd", "workdir", "workingdir", "workingdirectory", "directory", "dir"})


class Normalizer:
    """Reads calls with one catalog for one organisation. Immutable, safe for threads."""

    def __init__(self, catalog: Catalog, org: Organisation) -> None:
        self._catalog = catalog
        self._org = org
        self._compiler = ToolCompiler(catalog)
        self._sql = SqlMemory()
        self._unknown = ToolMapping(
            action=UNCLASSIFIED,
            names={},
            nested={},
            inert=frozenset(),
            literals={},
            minor_units=False,
            select=(),
            origin="unknown",
        )

    def normalize(self, call: ToolCall) -> tuple[NormAction, ...]:
        """The actions of a call, at least one.

        Raises:
            InvalidInput: An argument cannot be read exactly; the caller denies.
        """
        arguments = thaw(call.arguments)
        mapping = self._catalog.find(call.tool)
        actions = (
            self._unmapped(call, arguments) if mapping is None else self._read(arguments, mapping)
        )
        for action in actions:
            if not action.keys and self._catalog.actions[action.action].counterparty:
                return tuple([self._receiving(action, call) for action in actions])
        return actions

    def found(self, call: ToolCall) -> tuple[str, ...]:
        """How the tool of a call was found, for people; never decides anything."""
        mapping = self._catalog.find(call.tool)
        if mapping is not None:
            return (f"{mapping.origin}: {mapping.action}",)
        tool = self._compiler.find(call, thaw(call.arguments))
        if tool is None:
            return ("unknown: what the tool says of itself is longer than is read",)
        kind = "unknown" if tool.mapping is None else "compiled"
        nearest = [
            f"{item.action} {item.confidence:.2f}" for item in tool.classification.candidates
        ]
        reasons = tuple(f"{kind}: {reason}" for reason in tool.classification.reasons)
        return (*reasons, f"nearest: {', '.join(nearest)}") if nearest else reasons

    def _unmapped(self, call: ToolCall, arguments: Mapping[str, Json]) -> tuple[NormAction, ...]:
        """A tool that no pack names: as it was compiled, else unknown."""
        tool = self._compiler.find(call, arguments)
        if tool is None or tool.mapping is None:
            return self._read(arguments, self._unknown)
        try:
            actions = self._read(arguments, tool.mapping)
        except InvalidInput as error:
            if error.reason_code not in _NOT_FILLED:
                raise
            return self._read(arguments, self._unknown)
        doubt = tool.doubt_of(arguments)
        if not doubt:
            return actions
        # INVARIANT: whatever it was taken for, what it says to strangers leaves as with an unknown tool.
        everything = Reading(self._org)
        read_extras(list(arguments.items()), tool.mapping, everything)
        leaves = everything.facts.get("extra.external", False) is True
        return tuple(
            [
                msgspec.structs.replace(item, doubt=doubt, outward=item.outward or leaves)
                for item in actions
            ]
        )

    def _receiving(self, action: NormAction, call: ToolCall) -> NormAction:
        """An action that has a receiver but names none: its arguments stand for the receiver.

        A receiver in an argument that no pack knows must not make many receivers look like one.
        """
        if action.keys or not self._catalog.actions[action.action].counterparty:
            return action
        keys = {"counterparty": "?" + digest(call.arguments)[:32]}
        return msgspec.structs.replace(action, keys=keys)

    def _read(self, arguments: Mapping[str, Json], mapping: ToolMapping) -> tuple[NormAction, ...]:
        action = select_action(arguments, mapping) if mapping.select else mapping.action
        entry = self._catalog.actions[action]
        bound, unmapped = bind_arguments(arguments, mapping, entry)
        many = _first_list(bound) if entry.repeats else None
        if many is not None:
            return self._each(arguments, bound, many, mapping, entry, unmapped)
        reading = read_parameters(bound, self._org, minor_units=mapping.minor_units)
        if unmapped:
            read_extras(unmapped, mapping, reading)
        if reading.shell is not None:
            return _ordered(self._commands(arguments, reading.shell, reading, entry, mapping))
        if reading.sql:
            return _ordered(self._statements(reading, entry, mapping))
        first = norm_action(entry, reading, mapping.origin)
        actions = [first]
        for item in bound:
            if item.kind is ParameterType.URL:
                actions.extend(self._routed(arguments, action, reading, item))
        return (first,) if len(actions) == 1 else _ordered(actions)

    def _routed(
        self, arguments: Mapping[str, Json], action: str, reading: Reading, url: Bound
    ) -> list[NormAction]:
        """What a request is besides what its tool says: another method, a known service's action."""
        methods = methods_of(action, arguments, url.value)
        found: list[NormAction] = []
        for route, named in find_routes(methods, reading.facts, url.name, self._catalog.routes):
            if route.mapping.action == _WEBHOOK:  # its address is the request's own
                found.append(self._request(arguments, _WEBHOOK, url))
            else:
                members = {**request_body(arguments, url.value), **named}
                found.extend(self._read(members, route.mapping))
        others = {ACTION_OF[method] for method in methods if method in ACTION_OF}
        if not action.startswith("network.http_"):
            others.clear()
        if action in LOOKS and not all(is_look(each.action) for each in found):
            others.add(
                ACTION_OF["POST"]
            )  # a GET that acts is no calmer than the POST it stands for
        found.extend(self._request(arguments, other, url) for other in sorted(others - {action}))
        return found

    def _request(self, arguments: Mapping[str, Json], action: str, url: Bound) -> NormAction:
        """The same request with the method that an override gives it."""
        mapping, entry = self._catalog.find(action), self._catalog.actions[action]
        known = {} if mapping is None else mapping.names
        bound = [Bound("url", ParameterType.URL, url.where, url.value, url.patterns)]
        for name, value in arguments.items():
            spec = entry.parameters.get(known.get(fold_name(name), ""))
            if spec is not None and spec.name != "url" and value is not None:
                bound.append(Bound(spec.name, spec.kind, url.where, value, spec.patterns))
        reading = read_parameters(bound, self._org)
        return norm_action(entry, reading, "method override")

    def _commands(
        self,
        arguments: Mapping[str, Json],
        line: ShellLine,
        reading: Reading,
        entry: ActionEntry,
        mapping: ToolMapping,
    ) -> list[NormAction]:
        """A shell line: its commands, and the statements that they give to databases."""
        actions = shell_actions(
            line,
            reading,
            entry,
            self._catalog,
            self._org,
            mapping.origin,
            folder=_folder(arguments),
        )
        execute = self._catalog.actions.get("db.execute")
        for dialect, text in dict.fromkeys(s for c in line.commands for s in c.statements):
            if execute is not None:
                own = Reading(self._org)
                own.facts = {k: reading.facts[k] for k in reading.facts if k == "environment"}
                own.sql = [Bound("query", ParameterType.SQL, "command", text)]
                actions.extend(
                    sql_actions(
                        own, execute, self._catalog, self._org, "shell",
                        memory=self._sql, dialect=dialect,
                    )
                )  # fmt: skip
        return actions

    def _statements(
        self, reading: Reading, entry: ActionEntry, mapping: ToolMapping
    ) -> list[NormAction]:
        return sql_actions(
            reading, entry, self._catalog, self._org, mapping.origin,
            memory=self._sql, dialect=_dialect(mapping),
        )  # fmt: skip

    def _each(
        self,
        arguments: Mapping[str, Json],
        bound: list[Bound],
        many: Bound,
        mapping: ToolMapping,
        entry: ActionEntry,
        unmapped: list[tuple[str, Json]],
    ) -> tuple[NormAction, ...]:
        """A list where one path or address is meant: one action for each."""
        values = many.value
        if not isinstance(values, list) or not values or len(values) > MAX_ACTIONS:
            raise InvalidInput(
                f"{many.where} must hold 1 to {MAX_ACTIONS} items",
                where=many.where,
                reason_code="list_out_of_range",
            )
        rest = [item for item in bound if item is not many]
        actions: list[NormAction] = []
        for i, value in enumerate(values):
            one = Bound(many.name, many.kind, f"{many.where}[{i}]", value, many.patterns)
            reading = read_parameters([*rest, one], self._org, minor_units=mapping.minor_units)
            if unmapped:
                read_extras(unmapped, mapping, reading)
            if reading.sql:
                actions.extend(self._statements(reading, entry, mapping))
            else:
                actions.append(norm_action(entry, reading, mapping.origin))
            if many.kind is ParameterType.URL:
                actions.extend(self._routed(arguments, entry.template.action, reading, one))
        return _ordered(actions)


def _folder(arguments: Mapping[str, Json]) -> str | None:
    """Where a command is run, if the call says so."""
    for name, value in arguments.items():
        if isinstance(value, str) and value and fold_name(name) in _FOLDER_NAMES:
            return value
    return None


def _dialect(mapping: ToolMapping) -> str | None:
    """What a pack says of the server behind a tool; what a call says of itself is not believed."""
    dialect = mapping.literals.get("dialect")
    return dialect if isinstance(dialect, str) else None


def _first_list(bound: list[Bound]) -> Bound | None:
    for item in bound:
        if item.kind in (ParameterType.PATH, ParameterType.URL) and isinstance(item.value, list):
            return item
    return None


def _ordered(actions: list[NormAction]) -> tuple[NormAction, ...]:
    if len(actions) > MAX_ACTIONS:
        raise InvalidInput(
            f"the call is more than {MAX_ACTIONS} actions, split it",
            where="arguments",
            reason_code="too_many_actions",
        )
    return tuple(sorted(actions, key=lambda action: action.outward))
