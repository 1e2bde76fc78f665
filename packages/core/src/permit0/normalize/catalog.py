"""Packs, compiled: from a tool name to a mapping, from an action to its policy table.

Guarantees: immutable once built; every condition is a compiled predicate; two packs that claim one
tool or one action differently are an error, never a silent win of the later one.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from types import MappingProxyType

import msgspec

from permit0.canonical import Json
from permit0.model.history import Feature
from permit0.model.rule import ActionTemplate, FactPredicate
from permit0.normalize.pack_schema import ParameterType
from permit0.normalize.patterns import PatternIndex

__all__ = ["ActionEntry", "Catalog", "Parameter", "Route", "ToolMapping", "fold_name"]

_SEPARATORS = re.compile(r"[^0-9a-z]+")
_NO_WORD = re.compile(r"[\W_]+")


def fold_name(name: str) -> str:
    """One spelling for a tool or argument: letters and digits only, lower case.

    Letters of other scripts are kept: without them, a name would become that of another tool.
    """
    lowered = name.lower()
    if lowered.isascii():
        return lowered if lowered.isalnum() else _SEPARATORS.sub("", lowered)
    return _NO_WORD.sub("", lowered)


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
    """An HTTP request that is an action of its own."""

    methods: frozenset[str]
    path: re.Pattern[str]
    mapping: ToolMapping


class Catalog:
    """Everything that was loaded."""

    def __init__(
        self,
        *,
        actions: Mapping[str, ActionEntry],
        tools: Mapping[str, ToolMapping],
        routes: Mapping[str, Sequence[Route]],
        features: Sequence[Feature],
        packs: Mapping[str, int],
        facts: frozenset[str],
        patterns: Mapping[str, Sequence[str]],
    ) -> None:
        """Args:
        facts: names of the facts of all actions. patterns: globs by the name of their set.
        packs: name -> version of what was loaded.
        """
        self.actions: Mapping[str, ActionEntry] = MappingProxyType(dict(actions))
        self.routes: Mapping[str, tuple[Route, ...]] = {h: tuple(r) for h, r in routes.items()}
        self.features = tuple(features)
        self.packs: Mapping[str, int] = MappingProxyType(dict(packs))
        self.facts = facts
        self.patterns: Mapping[str, Sequence[str]] = MappingProxyType(dict(patterns))
        self._tools = dict(tools)

    def find(self, tool: str) -> ToolMapping | None:
        """The mapping of a tool by its name, however it is spelled; None if no pack knows it."""
        found = self._tools.get(tool)
        return found if found is not None else self._tools.get(fold_name(tool))

    @property
    def tools(self) -> tuple[str, ...]:
        """Folded names of all mapped tools."""
        return tuple(self._tools)
