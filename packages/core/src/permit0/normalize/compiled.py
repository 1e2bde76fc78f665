"""Calls of tools that no pack names: the tool compiler's answer as a mapping, one per tool.

Guarantees:
  1. Compiled once per (name, description, schema); a call of a compiled tool is one digest and one lookup.
  2. A tool that is not calm, or a call that has more than its schema names, carries a doubt: a person is
     asked at least, and what it says to strangers leaves with it, as for an unknown tool.
  3. A schema that is no JSON object, or too long, is no error: the tool is unknown.
Does not: judge (engine).
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Mapping

import msgspec

from permit0.canonical import Json
from permit0.classify import ActionShape, Classification, Classifier, ToolDescription
from permit0.classify.model import (
    MAX_ARGUMENTS,
    MAX_DESCRIPTION_CHARS,
    MAX_NAME_CHARS,
    MAX_SCHEMA_CHARS,
    UNCLASSIFIED,
)
from permit0.model.call import ToolCall
from permit0.normalize.catalog import Catalog, Once, ToolMapping, fold_name
from permit0.remembered import Remembered

__all__ = ["ORIGIN", "CompiledTool", "ToolCompiler", "action_shapes", "make_classifier"]

ORIGIN = "compiled"
MAX_REMEMBERED = 2048
MAX_INERT_CHARS = 256  # an argument that only chooses what is read is short
_KINDS = {
    str: "string",
    bool: "boolean",
    int: "integer",
    float: "number",
    list: "array",
    dict: "object",
}


class CompiledTool(msgspec.Struct, frozen=True):
    """A tool that was compiled. mapping: None if it stays unknown. arguments: all that its schema names."""

    classification: Classification
    mapping: ToolMapping | None
    arguments: frozenset[str]
    inert: frozenset[str]
    doubt: str

    def doubt_of(self, arguments: Mapping[str, Json]) -> str:
        """Why a person is asked about a call, "" if nobody is."""
        if self.doubt:
            return self.doubt
        for name, value in arguments.items():
            if name not in self.arguments:
                return "the call has an argument that the tool's schema does not name"
            if name in self.inert and not _is_inert(value):
                return f"argument {name[:40]!r} says more than such an argument does"
        return ""


class ToolCompiler:
    """Compiles tools for one catalog. Safe for threads."""

    def __init__(self, catalog: Catalog) -> None:
        # Made when the first tool asks for it: a deployment whose tools are all mapped never pays.
        self._classifier = Once(lambda: make_classifier(catalog))
        self._known: Remembered[CompiledTool] = Remembered(MAX_REMEMBERED)

    def find(self, call: ToolCall, arguments: Mapping[str, Json]) -> CompiledTool | None:
        """The compiled tool of a call; None if it stays unknown because it is too large to read."""
        if (
            len(call.tool) > MAX_NAME_CHARS
            or len(call.description) > MAX_DESCRIPTION_CHARS
            or len(call.schema) > MAX_SCHEMA_CHARS
            or len(arguments) > MAX_ARGUMENTS
        ):
            return None
        shape = "" if call.schema else _shape_of(arguments)
        key = _digest(call.tool, call.description, call.schema, shape)
        return self._known.answer(key, lambda: self._compile(call, arguments))

    def describe(self, call: ToolCall, arguments: Mapping[str, Json]) -> Classification | None:
        """How the tool of a call was found, for people."""
        found = self.find(call, arguments)
        return None if found is None else found.classification

    @property
    def classifier(self) -> Classifier:
        """What decides what a tool is taken for."""
        return self._classifier()

    def _compile(self, call: ToolCall, arguments: Mapping[str, Json]) -> CompiledTool:
        schema = _read_schema(call.schema) if call.schema else _stand_in(arguments)
        if schema is None:
            schema = {"type": "unreadable"}  # opaque: never calm
        found = self.classifier.classify(ToolDescription(call.tool, call.description, schema))
        if found.action == UNCLASSIFIED:
            return CompiledTool(found, None, frozenset(), frozenset(), "")
        doubt = ""
        if not found.calm:
            why = found.reasons[-1].removeprefix("not calm: ")
            doubt = f"no pack names this tool, it was taken for {found.action} by its words; {why}"
        return CompiledTool(
            found, _mapping_of(found), frozenset(_names(schema)), frozenset(found.inert), doubt
        )


def make_classifier(catalog: Catalog) -> Classifier:
    """A classifier for the actions of a catalog."""
    return Classifier(action_shapes(catalog))


def action_shapes(catalog: Catalog) -> dict[str, ActionShape]:
    """What the compiler needs to know of every action; argument names are those of all mapped tools."""
    votes: dict[str, dict[str, Counter[str]]] = {}
    inert: dict[str, frozenset[str]] = {}
    for tool in catalog.tools:
        mapping = catalog.find(tool)
        if mapping is None:
            continue
        table = votes.setdefault(mapping.action, {})
        weight = 1000 if mapping.origin == "canonical" else 1
        for name, parameter in mapping.names.items():
            table.setdefault(name, Counter())[parameter] += weight
        if mapping.origin == "canonical":
            inert[mapping.action] = mapping.inert
    return {
        action: ActionShape(
            parameters={name: item.kind.value for name, item in entry.parameters.items()},
            required=entry.required,
            names={
                name: max(sorted(found), key=found.__getitem__)
                for name, found in votes.get(action, {}).items()
            },
            inert=inert.get(action, frozenset()),
        )
        for action, entry in catalog.actions.items()
        if action != UNCLASSIFIED
    }


def _mapping_of(found: Classification) -> ToolMapping:
    return ToolMapping(
        action=found.action,
        names={fold_name(name): parameter for name, parameter in found.parameters.items()},
        nested={},
        inert=frozenset(fold_name(name) for name in found.inert),
        literals={},
        minor_units=False,
        select=(),
        origin=ORIGIN,
    )


def _read_schema(text: str) -> Mapping[str, Json] | None:
    try:
        schema = msgspec.json.decode(text)
    except (msgspec.MsgspecError, RecursionError, ValueError):
        return None
    return schema if isinstance(schema, dict) else None


def _stand_in(arguments: Mapping[str, Json]) -> Mapping[str, Json]:
    """What a call itself says of the arguments of its tool."""
    properties: dict[str, Json] = {}
    for name, value in arguments.items():
        spec: dict[str, Json] = {"type": _KINDS.get(type(value), "null")}
        if isinstance(value, list):
            spec["items"] = {"type": _KINDS.get(type(value[0]), "null") if value else "string"}
        properties[name] = spec
    return {"type": "object", "properties": properties}


def _shape_of(arguments: Mapping[str, Json]) -> str:
    parts = []
    for name in sorted(arguments):
        value = arguments[name]
        first = type(value[0]).__name__ if isinstance(value, list) and value else ""
        parts.append(f"{len(name)}:{name}={type(value).__name__}/{first}")
    return ";".join(parts)


def _names(schema: Mapping[str, Json]) -> list[str]:
    properties = schema.get("properties")
    return list(properties) if isinstance(properties, dict) else []


def _is_inert(value: Json) -> bool:
    """Whether a value of an argument that only chooses what is read is one: short, and no address."""
    items = value if isinstance(value, list) else [value]
    if len(items) > MAX_ARGUMENTS:
        return False
    for item in items:
        if isinstance(item, dict | list):
            return False
        if isinstance(item, str) and (
            len(item) > MAX_INERT_CHARS or "@" in item or "://" in item or "\n" in item
        ):
            return False
    return True


def _digest(*parts: str) -> bytes:
    taken = hashlib.sha256()
    for part in parts:
        data = part.encode(errors="surrogatepass")
        taken.update(len(data).to_bytes(4, "big"))
        taken.update(data)
    return taken.digest()
