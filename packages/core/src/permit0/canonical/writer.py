"""Values to bytes: RFC 8785, with a tagged form for what JSON cannot say.

Guarantees: see the package. The fast path writes what RFC 8785 says, which is compared by property tests.
Does not: read a value twice; what a foreign mapping says the first time is what is written.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from enum import Enum
from itertools import pairwise
from typing import Any

import msgspec

from permit0.canonical.enums import check_plain_enum, read_enum
from permit0.canonical.forms import (
    MAX_BYTES,
    MAX_DEPTH,
    MAX_SAFE_INT,
    TAG,
    Refused,
    Unfit,
    too_deep,
    too_long,
    unsupported,
)
from permit0.canonical.leaves import read_leaf
from permit0.canonical.records import Record, read_record, type_name
from permit0.canonical.scalars import SURROGATE, float_text, integer_text, string_text
from permit0.errors import InvalidInput

__all__ = ["digest", "freeze", "number_text"]

PLAIN_DEPTH = 8  # deeper values take the careful path, which names the member that is wrong

_encoder = msgspec.json.Encoder(order="sorted")

_REPR_FROM, _REPR_BELOW = 1e-3, 1e15


def freeze(arguments: Mapping[str, object], *, max_bytes: int = MAX_BYTES) -> bytes:
    """Canonical bytes of a tool's arguments.

    Args:
        arguments: Names to values: JSON-like ones, and the types in docs/canonical.md.
        max_bytes: Refuse more than this.

    Raises:
        InvalidInput: The arguments cannot be written exactly; `where` names the path.
    """
    if not isinstance(arguments, Mapping):
        raise _no_object(arguments)
    if type(arguments) is dict and _plain(arguments, [max_bytes]):
        return _limit(_encoder.encode(arguments), max_bytes)
    return _limit(_written(arguments, "arguments", max_bytes).encode(), max_bytes)


def _no_object(arguments: object) -> InvalidInput:
    if isinstance(arguments, Refused):  # a snapshot of all arguments together
        return arguments.why.at("arguments")
    return InvalidInput(
        f"arguments must be an object, not {type(arguments).__name__!r}",
        where="arguments",
        reason_code="arguments_not_object",
    )


def digest(data: bytes) -> str:
    """SHA-256 of canonical bytes, lower-case hex."""
    return hashlib.sha256(data).hexdigest()


def number_text(value: float) -> str:
    """RFC 8785 text of one number.

    Raises:
        InvalidInput: It is infinite or no number.
    """
    # Where Python's shortest text is the one of ECMAScript but for the fraction of a whole number.
    if type(value) is float and _REPR_FROM <= value < _REPR_BELOW:
        return repr(value).removesuffix(".0")
    return _written(value, "number", MAX_BYTES)


def _limit(data: bytes, max_bytes: int) -> bytes:
    if len(data) > max_bytes:
        raise too_long(max_bytes).at("arguments")
    return data


def _plain(value: dict[Any, Any], room: list[int], depth: int = 0) -> bool:
    """Whether the fast encoder provably writes RFC 8785.

    Only exact types count: a subclass may lie about its content. Names are ASCII, where UTF-8 and
    UTF-16 order agree; integers are exact doubles; floats are in the range where both write the
    shortest plain decimal. The two writers are compared by a property test.
    `room` counts down what the text will need, at least: objects that hold one another over and over
    would otherwise be walked, and written, many more times than there are bytes allowed.
    """
    room[0] -= len(value)
    if depth > PLAIN_DEPTH or room[0] < 0:
        return False
    for name in value:
        if type(name) is not str or not name.isascii() or name[:1] == "$":
            return False
    return _plain_items(value.values(), room, depth)


def _plain_items(items: Iterable[Any], room: list[int], depth: int) -> bool:
    for item in items:
        kind = type(item)
        if kind is str:
            room[0] -= len(item)
            if room[0] < 0:
                return False
            if not item.isascii() and SURROGATE.search(item):
                return False
        elif kind is int:
            if not -MAX_SAFE_INT <= item <= MAX_SAFE_INT:
                return False
        elif kind is float:
            if not 1e-3 <= abs(item) < 1e15 or item.is_integer():
                return False
        elif kind is dict:
            if not _plain(item, room, depth + 1):
                return False
        elif kind is list:
            room[0] -= len(item)
            if depth > PLAIN_DEPTH or room[0] < 0:
                return False
            if not _plain_items(item, room, depth + 1):
                return False
        elif kind is not bool and item is not None:
            return False
    return True


def _written(value: object, where: str, max_bytes: int) -> str:
    try:
        return _Writer(max_bytes).value(value, where, 0)
    except InvalidInput:
        raise
    except (
        Exception
    ) as error:  # a foreign Mapping or list runs its own code; whatever it raises is a refusal
        raise InvalidInput(
            f"arguments cannot be read: {type(error).__name__}",
            where="arguments",
            reason_code="argument_type_unsupported",
        ) from error


class _Writer:
    """Writes one value. Counts what was written, to stop early."""

    __slots__ = ("_left", "_max_bytes")

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._left = max_bytes

    def value(self, value: object, where: str, depth: int) -> str:
        """The text of any value.

        Raises:
            InvalidInput: It has none; `where` names the path.
        """
        try:
            return self._value(value, where, depth)
        except Unfit as unfit:
            raise unfit.at(where) from unfit.__cause__

    def _value(self, value: object, where: str, depth: int) -> str:
        if depth > MAX_DEPTH:
            raise too_deep()
        if value is None:
            text = "null"
        elif value is True:
            text = "true"
        elif value is False:
            text = "false"
        elif isinstance(value, str):
            text = str.__str__(value)
            if type(value) is not str and isinstance(value, Enum):
                check_plain_enum(value, text)
            text = string_text(text)
        elif isinstance(value, int):
            number = int.__int__(value)
            if type(value) is not int and isinstance(value, Enum):
                check_plain_enum(value, number)
            text = integer_text(number)
        elif isinstance(value, float):
            decimal = float.__float__(value)
            if type(value) is not float and isinstance(value, Enum):
                check_plain_enum(value, decimal)
            text = float_text(decimal)
        else:
            return self._with_members(value, where, depth)
        self._take(len(text))
        return text

    def _with_members(self, value: object, where: str, depth: int) -> str:
        kind = type(value)
        if kind is dict:
            return self._object(value, where, depth)  # type: ignore[arg-type]  # kind is dict
        if kind is list or kind is tuple:
            return self._array(value, where, depth)  # type: ignore[arg-type]  # kind says so
        if kind is Refused:
            raise value.why  # type: ignore[attr-defined]  # kind is Refused
        if isinstance(value, Enum):
            return self._enum(value, where, depth)
        leaf = read_leaf(value)
        if leaf is not None:
            return self._tagged(leaf[0], self.value(leaf[1], where, depth))
        if kind is set or kind is frozenset:
            return self._set(value, where, depth)  # type: ignore[arg-type]  # kind says so
        if isinstance(value, Mapping):
            return self._object(value, where, depth)
        record = read_record(value)
        if record is not None:
            return self._record(record, where, depth)
        if isinstance(value, list):
            return self._array(list.__iter__(value), where, depth)
        if isinstance(value, tuple):
            return self._array(tuple.__iter__(value), where, depth)
        raise unsupported(kind)

    def _array(self, items: Iterable[object], where: str, depth: int) -> str:
        texts = [self.value(item, f"{where}[{i}]", depth + 1) for i, item in enumerate(items)]
        self._take(2 + len(texts))
        return "[" + ",".join(texts) + "]"

    def _object(self, value: Mapping[Any, object], where: str, depth: int) -> str:
        members: list[tuple[bytes, str]] = []
        for name, item in value.items():
            if not isinstance(name, str):
                raise Unfit(f"has a member name that is no text: {type(name).__name__!r}")
            name = str.__str__(name)
            path = f"{where}.{name[:40]}"
            if name.startswith(TAG):
                raise InvalidInput(
                    f"{path!r} starts with {TAG!r}, which is reserved, rename the argument",
                    where=where,
                    reason_code="argument_name_reserved",
                )
            key = string_text(name)
            self._take(len(key) + 2)
            body = self.value(item, path, depth + 1)
            # RFC 8785 3.2.3 sorts by UTF-16 units, not by code points; they differ above U+FFFF.
            members.append((name.encode("utf-16-be"), key + ":" + body))
        members.sort(key=lambda member: member[0])
        for (before, _), (after, _) in pairwise(members):
            if before == after:
                raise Unfit("has two members of one name", "argument_conflict")
        return "{" + ",".join(body for _, body in members) + "}"

    # The members of our own objects are written in their sorted order.

    def _enum(self, value: Enum, where: str, depth: int) -> str:
        name, constant, content = read_enum(value)
        text = f'{{"name":{string_text(name)},"type":{string_text(type_name(type(value)))}'
        self._take(len(text))
        if constant:
            text += f',"value":{self.value(content, where, depth + 1)}'
        return self._tagged("enum", text + "}")

    def _set(self, value: set[object] | frozenset[object], where: str, depth: int) -> str:
        texts = [self.value(item, f"{where}[*]", depth + 1) for item in tuple(value)]
        self._take(2 + len(texts))
        body = "[" + ",".join(sorted(texts, key=str.encode)) + "]"
        return self._tagged(type(value).__name__, body)

    def _record(self, record: Record, where: str, depth: int) -> str:
        depth += 1
        parts = {"fields": self._object(record.fields, where, depth)}
        for name, members in record.more.items():
            parts[name] = self._object(members, where, depth)
        if record.chosen is not None:
            parts["set"] = self._array(record.chosen, where, depth)
        parts["type"] = self.value(record.type, where, depth)
        body = ",".join(f'"{name}":{parts[name]}' for name in sorted(parts))
        return self._tagged(record.tag, "{" + body + "}")

    def _tagged(self, tag: str, body: str) -> str:
        self._take(len(TAG) + len(tag) + 5)
        return f'{{"{TAG}{tag}":{body}}}'

    def _take(self, count: int) -> None:
        self._left -= count
        if self._left < 0:
            raise too_long(self._max_bytes)
