"""Packs, compiled: from a tool name to a mapping, from an action to its policy table.

Guarantees: immutable once built, but for remembered answers and rows that are made when they are first
asked for; every condition is a compiled predicate; what a pack of the operator's own replaced is said. A
name that no pack has is looked for in the readings of tool_names.py: if they disagree, it is unknown.
"""

from __future__ import annotations

import re
from collections.abc import (
    Callable,
    ItemsView,
    Iterator,
    KeysView,
    Mapping,
    Sequence,
    ValuesView,
)
from types import MappingProxyType
from typing import Generic, TypeVar

import msgspec

from permit0.canonical import Json
from permit0.model.history import Feature
from permit0.model.rule import ActionTemplate, FactPredicate
from permit0.normalize.parameter_types import ParameterType
from permit0.normalize.patterns import PatternIndex
from permit0.normalize.tool_names import MAX_NAME, fold_name, readings, spellings

__all__ = [
    "ActionEntry",
    "Catalog",
    "Once",
    "Parameter",
    "Route",
    "Rows",
    "ToolMapping",
    "ToolNames",
    "fold_name",
]

T = TypeVar("T")

MAX_REMEMBERED = 4096  # names that were looked for; far more than the tools of a deployment


class Once(Generic[T]):
    """A value that is made when it is first asked for.

    Threads that ask at the same moment may make it twice, of which one is kept: a lock could be held by
    another thread at the moment of a fork, for ever.
    """

    __slots__ = ("_kept", "_make")

    def __init__(self, make: Callable[[], T]) -> None:
        self._make = make
        self._kept: dict[None, T] = {}

    def __call__(self) -> T:
        try:
            return self._kept[None]
        except KeyError:
            return self._kept.setdefault(None, self._make())


class Rows(dict[str, T]):  # a dictionary has no hash
    """A table of rows that are made when they are first asked for. See Once.

    A dictionary, so that asking for a row that was made costs what a look-up costs. What it says of itself
    (names, length, pairs) is about all rows, made or not.
    """

    __slots__ = ("_makers",)

    def __init__(self, makers: Mapping[str, Callable[[], T]]) -> None:
        super().__init__()
        self._makers = dict(makers)

    def __missing__(self, key: str) -> T:
        return self.setdefault(key, self._makers[key]())

    def get(self, key: str, default: T | None = None) -> T | None:  # type: ignore[override]  # of one kind
        """The row, or the default. What fails while a row is made is no missing row."""
        return self[key] if key in self._makers else default

    def __contains__(self, key: object) -> bool:
        return key in self._makers

    def __iter__(self) -> Iterator[str]:
        return iter(self._makers)

    def __len__(self) -> int:
        return len(self._makers)

    def __eq__(self, other: object) -> bool:
        return self is other

    __hash__ = None

    def keys(self) -> KeysView[str]:  # type: ignore[override]  # a dictionary's own type is made of it alone
        """The names of all rows."""
        return KeysView(self)

    def items(self) -> ItemsView[str, T]:  # type: ignore[override]  # as above
        """All rows."""
        return ItemsView(self)

    def values(self) -> ValuesView[T]:  # type: ignore[override]  # as above
        """All rows."""
        return ValuesView(self)


class Parameter(msgspec.Struct, frozen=True):
    """A parameter of an action. patterns: the sets that its rules ask of it, for paths."""

    name: str
    kind: ParameterType
    required: bool
    patterns: PatternIndex | None = None


class ActionEntry(msgspec.Struct, frozen=True):
    """All about one canonical action.

    outward: None never, or the condition under which data leaves. counterparty: parameters that
    together say who receives. repeats: a parameter may be given as a list, for one action each.
    """

    template: ActionTemplate
    parameters: Mapping[str, Parameter]
    required: tuple[str, ...]
    reads: bool
    outward: FactPredicate | None
    counterparty: tuple[str, ...]
    repeats: bool


class ToolMapping(msgspec.Struct, frozen=True):
    """Which action a tool is and how its arguments are found.

    names: folded argument name -> parameter. nested: folded first name -> ((rest of the path),
    parameter). inert: folded names that mean nothing. literals: parameter -> value.
    select: (folded argument name, value -> action) or None.
    """

    action: str
    names: Mapping[str, str]
    nested: Mapping[str, tuple[tuple[tuple[str, ...], str], ...]]
    inert: frozenset[str]
    literals: Mapping[str, Json]
    minor_units: bool
    select: tuple[tuple[str, Mapping[str, str]], ...]
    origin: str


class Route(msgspec.Struct, frozen=True):
    """An HTTP request that is an action of its own. host: None where the name is fixed."""

    methods: frozenset[str]
    path: re.Pattern[str]
    mapping: ToolMapping
    host: re.Pattern[str] | None = None


class ToolNames(msgspec.Struct, frozen=True):
    """Tools by folded name.

    named: as packs name them. whole: the names that hold only without a server in front, since they
    are one word or name their server. aliases: vendor and tool in one -> the tool.
    """

    named: Mapping[str, ToolMapping]
    whole: frozenset[str] = frozenset()
    aliases: Mapping[str, str] = {}

    def find(self, name: str) -> ToolMapping | None:
        """The mapping of a name; None if none is known or the readings disagree."""
        named, aliases = self.named, self.aliases
        found = named.get(fold_name(name))
        if found is not None:
            return found
        behind: list[ToolMapping] = []
        for reading in readings(name):
            key = reading.key
            if not reading.server:
                # A name that a pack gives says more than one that a vendor and a tool run into: else a
                # tool `database` of a vendor "Delete" would be found for `functions.delete_database`.
                found = named.get(key if key in named else aliases.get(key, key))
                if found is not None:
                    return found
            elif key not in self.whole and not any(map(self._is_tool, reading.parts)):
                found = named.get(key)
                if found is not None:
                    behind.append(found)
        first = behind[0] if behind else None
        if first is None or not all(_same_action(first, other) for other in behind):
            return None
        return first

    def all_names(self, name: str) -> tuple[str, ...]:
        """Every folded name by which the tool may be meant, the whole name first: for refusing."""
        keys = spellings(name)
        return (*keys, *(self.aliases[key] for key in keys if key in self.aliases))

    def _is_tool(self, part: str) -> bool:
        return part in self.named and part not in self.whole


def _same_action(one: ToolMapping, other: ToolMapping) -> bool:
    return one is other or (
        one.action == other.action
        and one.select == other.select
        and one.literals == other.literals
        and one.minor_units == other.minor_units
    )


class Catalog:
    """Everything that was loaded."""

    def __init__(
        self,
        *,
        actions: Rows[ActionEntry],
        tools: ToolNames,
        routes: Mapping[str, tuple[Route, ...]],
        features: Sequence[Feature],
        packs: Mapping[str, int],
        facts: Once[frozenset[str]],
        patterns: Mapping[str, Sequence[str]],
        replaced: Mapping[str, tuple[str, str]],
    ) -> None:
        """Args:
        facts: names of the facts of all actions. patterns: globs by the name of their set.
        packs: name -> version of what was loaded.
        replaced: names of tools, as the operator's pack writes them, that mean something else than
            permit0's own packs or a plugin's say: name -> (the action there, the action now).
        """
        self.actions: Mapping[str, ActionEntry] = MappingProxyType(actions)
        self.routes: Mapping[str, tuple[Route, ...]] = routes
        self.features = tuple(features)
        self.packs: Mapping[str, int] = MappingProxyType(dict(packs))
        self.replaced: Mapping[str, tuple[str, str]] = MappingProxyType(dict(replaced))
        self.patterns: Mapping[str, Sequence[str]] = MappingProxyType(dict(patterns))
        self._facts = facts
        self._tools = tools
        self._found: dict[str, ToolMapping | None] = {}

    @property
    def facts(self) -> frozenset[str]:
        """Names of the facts of all actions."""
        return self._facts()

    def find(self, tool: str) -> ToolMapping | None:
        """The mapping of a tool by its name, however it is spelled; None if no pack knows it."""
        try:
            return self._found[tool]
        except KeyError:
            found = self._tools.find(tool)
        if len(tool) <= MAX_NAME:
            if len(self._found) >= MAX_REMEMBERED:
                self._found.clear()
            self._found[tool] = found
        return found

    def names(self, tool: str) -> tuple[str, ...]:
        """Every folded name by which a tool may be meant, its whole name first."""
        return self._tools.all_names(tool)

    @property
    def tools(self) -> tuple[str, ...]:
        """Folded names of all mapped tools."""
        return tuple(self._tools.named)
