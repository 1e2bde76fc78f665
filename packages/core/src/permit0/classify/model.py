"""The nouns of the tool compiler."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from permit0.canonical import Json

__all__ = [
    "MAX_ARGUMENTS",
    "MAX_DESCRIPTION_CHARS",
    "MAX_NAME_CHARS",
    "MAX_SCHEMA_CHARS",
    "UNCLASSIFIED",
    "ActionShape",
    "Candidate",
    "Classification",
    "ToolDescription",
]

MAX_NAME_CHARS = 256  # frameworks cut at 64 or 128
MAX_DESCRIPTION_CHARS = 16 << 10  # models are given a few sentences
MAX_SCHEMA_CHARS = 64 << 10  # as text; the largest of 700 real tools had 21 KiB
MAX_ARGUMENTS = 256
UNCLASSIFIED = "unknown.unclassified"


class ToolDescription(msgspec.Struct, frozen=True):
    """A tool as it presents itself.

    schema: JSON Schema of its arguments as a value, {} if it is not known.
    """

    name: str
    description: str = ""
    schema: Mapping[str, Json] = {}


class ActionShape(msgspec.Struct, frozen=True):
    """What the compiler needs to know of an action.

    parameters: name -> type (normalize.pack_schema.ParameterType). required: of these. names: argument names
    that mean a parameter, folded to lower-case letters and digits. inert: folded names that mean nothing.
    """

    parameters: Mapping[str, str] = {}
    required: tuple[str, ...] = ()
    names: Mapping[str, str] = {}
    inert: frozenset[str] = frozenset()


class Candidate(msgspec.Struct, frozen=True):
    """An action that a tool might be. confidence: 0..1. reasons: what speaks for it."""

    action: str
    confidence: float
    reasons: tuple[str, ...] = ()


class Classification(msgspec.Struct, frozen=True):
    """What a tool was taken for.

    action: `unknown.unclassified` below the bar. parameters: argument -> parameter of the action.
    inert: arguments without influence on the risk; only calm ones have any. reasons: how it was found, and
    why it is not calm. candidates: best first, at most 5. calm: may be allowed without a person.
    """

    action: str
    parameters: Mapping[str, str] = {}
    confidence: float = 0.0
    reasons: tuple[str, ...] = ()
    candidates: tuple[Candidate, ...] = ()
    calm: bool = False
    inert: tuple[str, ...] = ()
