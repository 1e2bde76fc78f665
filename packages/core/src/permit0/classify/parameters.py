"""Which argument of a tool is which parameter of an action.

Guarantees: an argument is bound only if its type fits the parameter's; a parameter that takes one value
gets one argument; the result does not depend on the order of the arguments.
Does not: read values (normalize).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType

from permit0.classify.model import ActionShape
from permit0.classify.schema import Argument
from permit0.classify.words import fold, raw_words, singular

__all__ = ["bind"]

_TEXT = frozenset({"string"})
_FITS: Mapping[str, frozenset[str]] = MappingProxyType(
    {
        "money": frozenset({"number", "integer", "string"}),
        "currency": _TEXT,
        "payee": _TEXT,
        "account": _TEXT,
        "customer": frozenset({"string", "integer"}),
        "recipients": frozenset({"string", "array"}),
        "path": frozenset({"string", "array"}),
        "url": frozenset({"string", "array"}),
        "shell": _TEXT,
        "text": frozenset({"string", "array", "object"}),
        "files": frozenset({"string", "array", "object"}),
        "label": _TEXT,
        "count": frozenset({"integer", "number"}),
        "switch": frozenset({"boolean"}),
        "any": frozenset({"string", "integer", "number", "boolean", "array", "object"}),
    }
)
"""Which JSON types a type of parameter can be read from. An argument of unknown type is not bound."""

_WORDS: Mapping[str, frozenset[str]] = MappingProxyType(
    {
        "money": frozenset({"amount", "total", "price", "sum", "value", "usd", "eur", "cost"}),
        "currency": frozenset({"currency", "ccy"}),
        "payee": frozenset({"payee", "recipient", "beneficiary", "to", "destination", "vendor"}),
        "account": frozenset({"account", "iban", "card", "phone", "wallet"}),
        "customer": frozenset({"customer", "channel"}),
        "recipients": frozenset(
            {"to", "recipient", "email", "attendee", "invitee", "guest", "participant", "address"}
        ),
        "path": frozenset({"path", "file", "filename", "filepath", "folder", "directory", "dir"}),
        "url": frozenset({"url", "uri", "link", "endpoint", "href", "webhook"}),
        "shell": frozenset({"command", "cmd", "commandline", "shell"}),
        "text": frozenset(
            {"body", "text", "message", "content", "title", "subject", "description", "comment"}
            | {"note", "caption", "summary", "html", "markdown", "prompt", "query", "instruction"}
        ),
        "files": frozenset({"file", "attachment", "items"}),
    }
)
"""Words that mean a type where a parameter's own names do not help."""
_MANY = frozenset({"text", "files", "recipients", "any"})
NAMED, ALIASED, ENDS, SPEAKS = 4, 3, 2, 1


def bind(arguments: Sequence[Argument], shape: ActionShape) -> dict[str, str]:
    """Argument -> parameter, for those that are understood."""
    ranked: list[tuple[int, str, str]] = []
    for argument in arguments:
        for parameter, kind in shape.parameters.items():
            if argument.kind in _FITS.get(kind, ()):
                strength = _strength(argument.name, parameter, kind, shape)
                if strength:
                    ranked.append((-strength, argument.name, parameter))
    bound: dict[str, str] = {}
    taken: set[str] = set()
    folded: set[str] = set()
    for _, argument_name, parameter in sorted(ranked):
        single = shape.parameters[parameter] not in _MANY
        name = fold(argument_name)
        if argument_name in bound or name in folded or (single and parameter in taken):
            continue
        bound[argument_name] = parameter
        taken.add(parameter)
        folded.add(name)
    return bound


def _strength(argument: str, parameter: str, kind: str, shape: ActionShape) -> int:
    name = fold(argument)
    if name == fold(parameter):
        return NAMED
    if shape.names.get(name) == parameter:
        return ALIASED
    words = [singular(word) for word in raw_words(argument)]
    if not words:
        return 0
    if words[-1] == "id" and len(words) > 1 and kind in {"label", "any", "customer", "account"}:
        words = words[:-1]
    if words[-1] == singular(parameter):
        return ENDS
    meant = _WORDS.get(kind, frozenset())
    return SPEAKS if words[-1] in meant else 0
