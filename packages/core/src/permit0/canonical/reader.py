"""Canonical bytes to what policy judges.

Guarantees: what JSON can say is read back as it was; of a tagged value comes the plain one that it stands
for, so that nothing hides in a type: a Decimal is a number (text if no number says it exactly), a date ISO
text, bytes are text, an enumeration's member its value or else its name, a set a list, an object its members.
Does not: give back the types (snapshot keeps them), so two digests may have one plain view.
"""

from __future__ import annotations

import re

import msgspec

from permit0.canonical.forms import MAX_SAFE_INT, TAG, Json, Unordered
from permit0.canonical.leaves import LEAF_TAGS, leaf_plain
from permit0.canonical.records import RECORD_TAGS
from permit0.errors import InvalidInput

__all__ = ["thaw"]

_LONG_NUMBER = re.compile(rb"[:\[,]-?[0-9]{16}")
_TAG_IN_BYTES = b'"' + TAG.encode()


def thaw(data: bytes) -> dict[str, Json]:
    """The arguments that `freeze` wrote, as fresh plain values.

    Raises:
        InvalidInput: A reserved name that `freeze` did not write.
    """
    value: dict[str, Json] = msgspec.json.decode(data)
    if _LONG_NUMBER.search(data) is not None:
        value = {name: _undouble(item) for name, item in value.items()}
    if _TAG_IN_BYTES in data:
        value = _untag_members(value)
    return value


def _undouble(value: Json) -> Json:
    """A number of more than 53 bits without a tag was written as a double; it stays one."""
    match value:
        case int() if not -MAX_SAFE_INT <= value <= MAX_SAFE_INT:
            return float(value)
        case dict():
            return {name: _undouble(item) for name, item in value.items()}
        case list():
            return [_undouble(item) for item in value]
        case _:
            return value


def _untag(value: Json) -> Json:
    match value:
        case dict():
            if len(value) == 1:
                ((name, item),) = value.items()
                if name.startswith(TAG):
                    return _plain(name[len(TAG) :], item)
            return _untag_members(value)
        case list():
            return [_untag(item) for item in value]
        case _:
            return value


def _untag_members(value: dict[str, Json]) -> dict[str, Json]:
    for name in value:
        if name.startswith(TAG):
            raise _forged(name[len(TAG) :])
    return {name: _untag(item) for name, item in value.items()}


def _plain(tag: str, body: Json) -> Json:
    match body:
        case str() if tag == "int":
            try:
                return int(body)
            except ValueError as error:
                raise _forged(tag) from error
        case str() if tag in LEAF_TAGS:
            try:
                return leaf_plain(tag, body)
            except (ValueError, OverflowError) as error:
                raise _forged(tag) from error
        case list() if tag in {"set", "frozenset"}:
            return Unordered(_untag(item) for item in body)
        case dict() if tag == "enum":
            return _enum(body)
        case dict() if tag in RECORD_TAGS:
            return _members(tag, body)
    raise _forged(tag)


def _enum(body: dict[str, Json]) -> Json:
    if not isinstance(body.get("name"), str) or not isinstance(body.get("type"), str):
        raise _forged("enum")
    return _untag(body["value"] if "value" in body else body["name"])


def _members(tag: str, body: dict[str, Json]) -> Json:
    """All members of an object, whatever kind they were: their names do not overlap."""
    members: dict[str, Json] = {}
    for name in ("fields", "extra", "private"):
        part = body.get(name, {})
        if not isinstance(part, dict) or not members.keys().isdisjoint(part):
            raise _forged(tag)
        members |= part
    if "fields" not in body or not isinstance(body.get("type"), str):
        raise _forged(tag)
    if tag == "root" and members.keys() == {"root"}:
        return _untag(members["root"])
    return _untag_members(members)


def _forged(tag: str) -> InvalidInput:
    return InvalidInput(
        f"arguments hold {TAG + tag[:40]!r} in a form that is never written, the name is reserved",
        where="arguments",
        reason_code="argument_name_reserved",
    )
