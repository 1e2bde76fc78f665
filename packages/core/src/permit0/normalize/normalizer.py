"""ToolCall -> NormActions.

Guarantees:
  1. A tool that no pack knows is `unknown.unclassified`; nothing that the call says of itself (its
     description, a `category`, `safe: true`) is looked at.
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
from permit0.normalize.extras import read_extras
from permit0.normalize.organisation import Organisation
from permit0.normalize.pack_schema import ParameterType
from permit0.normalize.parameters import Bound, Reading, read_parameters
from permit0.normalize.routes import find_route, request_body
from permit0.normalize.shell_actions import shell_actions
from permit0.normalize.sql_actions import SqlMemory, sql_actions
from permit0.taxonomy import UNCLASSIFIED

__all__ = ["MAX_ACTIONS", "Normalizer"]

MAX_ACTIONS = 256  # per call; more is refused, since nobody could review the decision
_FOLDER_NAMES = frozenset({"cwd", "workdir", "workingdir", "workingdirectory", "directory", "dir"})


class Normalizer:
    """Reads calls with one catalog for one organisation. Immutable, safe for threads."""

    def __init__(self, catalog: Catalog, org: Organisation) -> None:
        self._catalog = catalog
        self._org = org
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
        if mapping is None:
            mapping = self._unknown
        actions = self._read(arguments, mapping)
        for action in actions:
            if not action.keys and self._catalog.actions[action.action].counterparty:
                return tuple([self._receiving(action, call) for action in actions])
        return actions

    def _receiving(self, action: NormAction, call: ToolCall) -> NormAction:
        """An action that has a receiver but names none: its arguments stand for the receiver.

        A receiver in an argument that no pack knows must not make many receivers look like one.
        """
        if action.keys or not self._catalog.actions[action.action].counterparty:
            return action
        keys = {"counterparty": "?" + digest(call.arguments)[:32]}
        return msgspec.structs.replace(action, keys=keys)

    def _read(self, arguments: Mapping[str, Json], mapping: ToolMapping) -> tuple[NormAction, ...]:
        action = _select(arguments, mapping) if mapping.select else mapping.action
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
    ) -> tuple[NormAction, ...]:
        """What a request to a known service is besides being a request."""
        route = find_route(action, reading, url.name, self._catalog)
        if route is None:
            return ()
        return self._read(request_body(arguments, url.value), route.mapping)

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


def _select(arguments: Mapping[str, Json], mapping: ToolMapping) -> str:
    """The action that an argument's literal value chooses (an HTTP method, a `command`)."""
    for wanted, choice in mapping.select:
        values = [value for name, value in arguments.items() if fold_name(name) == wanted]
        if len(values) > 1:
            raise InvalidInput(
                f"two arguments say {wanted!r}",
                where=f"arguments.{wanted}",
                reason_code="argument_conflict",
            )
        if values and not isinstance(values[0], str) and values[0] is not None:
            raise InvalidInput(
                f"{wanted!r} chooses what is done, it must be text",
                where=f"arguments.{wanted}",
                reason_code="selector_not_text",
            )
        if values and isinstance(values[0], str):
            action = choice.get(values[0].strip().lower())
            if action is not None:
                return action
    return mapping.action


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
