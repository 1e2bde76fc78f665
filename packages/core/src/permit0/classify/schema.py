"""The arguments of a tool, from its JSON Schema.

Guarantees: what is not understood exactly (references, combinations, patterns of names, an open object)
makes the schema, or that argument, `opaque`; opaque is never calm. At most MAX_ARGUMENTS arguments, MAX_DEPTH
deep.
Does not: validate values.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import msgspec

from permit0.canonical import Json
from permit0.classify.model import MAX_ARGUMENTS

__all__ = ["Argument", "Arguments", "read_arguments"]

MAX_DEPTH = 8
MAX_TEXTS = 512  # words about arguments that are looked at; more is opaque
_SCALARS = frozenset({"string", "integer", "number", "boolean"})
_KNOWN = frozenset(
    {"type", "properties", "required", "title", "description", "$schema", "additionalProperties"}
    | {"examples", "default", "$id", "strict", "$comment", "propertyOrdering"}
)
_KNOWN_ARGUMENT = frozenset(
    {"type", "title", "description", "enum", "const", "default", "examples", "items", "anyOf"}
    | {"minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf", "minLength"}
    | {
        "maxLength",
        "pattern",
        "format",
        "minItems",
        "maxItems",
        "uniqueItems",
        "nullable",
        "deprecated",
    }
    | {"$comment", "readOnly", "x-order", "example"}
)


class Argument(msgspec.Struct, frozen=True):
    """One argument.

    kind: "string", "integer", "number", "boolean", "array" (of scalars), "object", "" if it is not known.
    values: texts among its allowed and default values. texts: what it says of itself. opaque: not understood.
    inner: names of the members of an object or of the objects in an array.
    """

    name: str
    kind: str
    required: bool = False
    values: tuple[str, ...] = ()
    texts: tuple[str, ...] = ()
    opaque: bool = False
    format: str = ""
    inner: tuple[str, ...] = ()


class Arguments(msgspec.Struct, frozen=True):
    """All arguments. known: whether there was a schema at all. opaque: whether there may be others."""

    items: tuple[Argument, ...] = ()
    known: bool = False
    opaque: bool = False


def read_arguments(schema: Mapping[str, Json]) -> Arguments:
    """The arguments that a schema names; one that is no schema of an object is opaque."""
    if not schema:
        return Arguments()
    properties = schema.get("properties")
    if properties is None and schema.get("type") in (None, "object") and schema.keys() <= _KNOWN:
        if schema.get("type") is None:
            return Arguments(known=True, opaque=True)
        return Arguments(known=True)
    if not isinstance(properties, dict):
        return Arguments(known=True, opaque=True)
    opaque = (
        not schema.keys() <= _KNOWN
        or schema.get("type", "object") != "object"
        or isinstance(schema.get("additionalProperties"), dict)
        or schema.get("additionalProperties") is True
        or len(properties) > MAX_ARGUMENTS
    )
    required = schema.get("required")
    needed = (
        {name for name in required if isinstance(name, str)}
        if isinstance(required, list)
        else set()
    )
    items = []
    for name, spec in list(properties.items())[:MAX_ARGUMENTS]:
        items.append(_argument(name, spec, required=name in needed))
    return Arguments(tuple(items), known=True, opaque=opaque)


def _argument(name: str, spec: Json, *, required: bool) -> Argument:
    if not isinstance(spec, dict):
        return Argument(name, "", required, opaque=True)
    kind, opaque = _kind(spec, 0)
    values: list[str] = []
    texts: list[str] = []
    inner: list[str] = []
    for key, value, deep in _walk(spec):
        if len(values) + len(texts) + len(inner) >= MAX_TEXTS:
            opaque = True
            break
        if key in ("title", "description", "$comment") and isinstance(value, str):
            texts.append(value)
        elif key == "properties" and isinstance(value, dict):
            inner.extend(value)
        elif isinstance(value, str) and key not in ("type", "format", "pattern"):
            values.append(value)
        elif deep:
            opaque = True
    written = spec.get("format")
    return Argument(
        name,
        kind,
        required,
        tuple(values),
        tuple(texts),
        opaque,
        written if isinstance(written, str) else "",
        tuple(inner),
    )


def _kind(spec: Mapping[str, Json], depth: int) -> tuple[str, bool]:
    """The type of an argument, and whether anything about it is not understood."""
    opaque = not spec.keys() <= _KNOWN_ARGUMENT or depth > MAX_DEPTH
    given = spec.get("type")
    choices = spec.get("anyOf")
    if given is None and isinstance(choices, list) and depth <= MAX_DEPTH:
        kinds = [
            _kind(item, depth + 1) if isinstance(item, dict) else ("", True) for item in choices
        ]
        some = sorted({kind for kind, _ in kinds if kind != "null"})
        return (
            some[0] if len(some) == 1 else "",
            opaque or len(some) != 1 or any(unread for _, unread in kinds),
        )
    if isinstance(given, list):
        rest = [kind for kind in given if kind != "null"]
        given = rest[0] if len(rest) == 1 else None
    if given == "array":
        items = spec.get("items")
        if not isinstance(items, dict) or depth > MAX_DEPTH:
            return "array", True
        kind, unread = _kind(items, depth + 1)
        return "array", opaque or unread or kind not in _SCALARS
    if given is None and isinstance(spec.get("enum"), list):
        return "string", opaque
    if not isinstance(given, str) or given not in _SCALARS | {"null", "object"}:
        return "", True
    return given, opaque or given == "object"


def _walk(spec: Mapping[str, Json]) -> Iterator[tuple[str, Json, bool]]:
    """Every (key, value) of a schema, inner ones too; the last tells that it goes too deep."""
    stack: list[tuple[str, Json, int]] = [("", dict(spec), 0)]
    while stack:
        key, value, depth = stack.pop()
        if depth > MAX_DEPTH:
            yield key, None, True
        elif isinstance(value, dict):
            if key == "properties":
                yield key, value, False
            stack.extend((name, item, depth + 1) for name, item in value.items())
        elif isinstance(value, list):
            stack.extend((key, item, depth + 1) for item in value)
        else:
            yield key, value, False
