"""The one way from a value to bytes (RFC 8785) and from bytes to a digest.

Guarantees:
  1. Equal bytes if and only if equal values: two different argument sets never share a digest.
  2. For what JSON can say exactly the bytes are those of RFC 8785: members sorted by UTF-16 units,
     ECMAScript numbers, UTF-8 without escapes that are not needed.
  3. Integers beyond 2**53, which RFC 8785 cannot write exactly, have the form {"$permit0:int": "…"}.
     A member name of the caller's that starts with "$permit0:" is refused, so nobody can forge it.
  4. 1 and 1.0 are one number, as in JSON and ECMAScript; True is not 1.
  5. An instance of a subclass of str, int or float (an Enum, a NumPy scalar) is its plain value,
     whatever its own __str__ or __int__ says.
Refuses, naming the path: other types, two members of one name, NaN and infinities, names that are no text, lone
surrogates, more than MAX_BYTES, more than MAX_DEPTH levels.
Does not: understand the arguments (normalize).
"""

from __future__ import annotations

import hashlib
import math
import re
from collections.abc import Iterable, Mapping
from itertools import pairwise
from typing import Any, TypeAlias

import msgspec

from permit0.errors import InvalidInput

__all__ = ["MAX_BYTES", "MAX_DEPTH", "Json", "digest", "freeze", "number_text", "thaw"]

Json: TypeAlias = "bool | int | float | str | list[Json] | dict[str, Json] | None"

MAX_BYTES = 1 << 20  # DESIGN 5: an over-long argument is refused; the default is 1 MiB
MAX_DEPTH = 64  # deeper than any real tool schema, far below the interpreter's recursion limit
PLAIN_DEPTH = 8  # deeper values take the careful path, which names the member that is wrong
MAX_SAFE_INT = (1 << 53) - 1  # RFC 8785 3.2.2.3 / RFC 7493 2.2: exact in an IEEE double
MAX_INT_BITS = 4096  # 10**400 is 1329 bits; a limit keeps the text form linear in practice
TAG = "$permit0:"
TAG_INT = "$permit0:int"

_encoder = msgspec.json.Encoder(order="sorted")
_LONG_NUMBER = re.compile(rb"[:\[,]-?[0-9]{16}")
_SURROGATE = re.compile("[\ud800-\udfff]")

_REPR_FROM, _REPR_BELOW = 1e-3, 1e15


def freeze(arguments: Mapping[str, object], *, max_bytes: int = MAX_BYTES) -> bytes:
    """Canonical bytes of a tool's arguments.

    Args:
        arguments: Names to JSON-like values (None, bool, int, float, str, list, tuple, dict).
        max_bytes: Refuse more than this.

    Raises:
        InvalidInput: The arguments cannot be written exactly; `where` names the path.
    """
    if not isinstance(arguments, Mapping):
        raise InvalidInput(
            f"arguments must be an object, not {type(arguments).__name__!r}",
            where="arguments",
            reason_code="arguments_not_object",
        )
    if type(arguments) is dict and _plain(arguments, [max_bytes]):
        return _limit(_encoder.encode(arguments), max_bytes)
    try:
        text = _write(arguments, "arguments", 0, [0], max_bytes)
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
    return _limit(text.encode(), max_bytes)


def thaw(data: bytes) -> dict[str, Json]:
    """The arguments that `freeze` wrote, as fresh values."""
    value: dict[str, Json] = msgspec.json.decode(data)
    if _LONG_NUMBER.search(data) is not None:
        value = {name: _undouble(item) for name, item in value.items()}
    if TAG_INT.encode() in data:
        value = {name: _untag(item) for name, item in value.items()}
    return value


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
        text = repr(value)
        return text.removesuffix(".0")
    return _write(value, "number", 0, [0], MAX_BYTES)


def _limit(data: bytes, max_bytes: int) -> bytes:
    if len(data) > max_bytes:
        raise _too_long(max_bytes)
    return data


def _too_long(max_bytes: int) -> InvalidInput:
    return InvalidInput(
        f"arguments are longer than {max_bytes} bytes, send a reference instead",
        where="arguments",
        reason_code="arguments_too_long",
    )


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
            if not item.isascii() and _SURROGATE.search(item):
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


def _write(value: object, where: str, depth: int, size: list[int], max_bytes: int) -> str:
    """RFC 8785 text of any value. `size` counts what was written, to stop early."""
    if depth > MAX_DEPTH:
        raise InvalidInput(
            f"{where} is nested deeper than {MAX_DEPTH} levels",
            where=where,
            reason_code="arguments_too_deep",
        )
    if value is None:
        text = "null"
    elif value is True:
        text = "true"
    elif value is False:
        text = "false"
    elif isinstance(value, str):
        text = _string(str.__str__(value), where)
    elif isinstance(value, int):
        text = _integer(int.__int__(value), where)
    elif isinstance(value, float):
        text = _number(float.__float__(value), where)
    elif isinstance(value, Mapping):
        return _object(value, where, depth, size, max_bytes)
    elif isinstance(value, list | tuple):
        items = [
            _write(item, f"{where}[{i}]", depth + 1, size, max_bytes)
            for i, item in enumerate(value)
        ]
        text = ""
        size[0] += 2 + len(items)
        if size[0] > max_bytes:
            raise _too_long(max_bytes)
        return "[" + ",".join(items) + "]"
    else:
        raise InvalidInput(
            f"{where} is a {type(value).__name__!r}, which has no canonical form, "
            "pass text, numbers, lists and objects",
            where=where,
            reason_code="argument_type_unsupported",
        )
    size[0] += len(text)
    if size[0] > max_bytes:
        raise _too_long(max_bytes)
    return text


def _object(
    value: Mapping[object, object], where: str, depth: int, size: list[int], max_bytes: int
) -> str:
    members: list[tuple[bytes, str]] = []
    for name, item in value.items():
        if not isinstance(name, str):
            raise InvalidInput(
                f"{where} has a member name that is no text: {type(name).__name__!r}",
                where=where,
                reason_code="argument_type_unsupported",
            )
        name = str.__str__(name)
        path = f"{where}.{name[:40]}"
        if name.startswith(TAG):
            raise InvalidInput(
                f"{path!r} starts with {TAG!r}, which is reserved, rename the argument",
                where=where,
                reason_code="argument_name_reserved",
            )
        key = _string(name, where)
        size[0] += len(key) + 2
        body = _write(item, path, depth + 1, size, max_bytes)
        # RFC 8785 3.2.3 sorts by UTF-16 units, not by code points; they differ above U+FFFF.
        members.append((name.encode("utf-16-be"), key + ":" + body))
    members.sort(key=lambda member: member[0])
    for (before, _), (after, _) in pairwise(members):
        if before == after:
            raise InvalidInput(
                f"{where} has two members of one name",
                where=where,
                reason_code="argument_conflict",
            )
    return "{" + ",".join(body for _, body in members) + "}"


def _string(value: str, where: str) -> str:
    if _SURROGATE.search(value):
        raise InvalidInput(
            f"{where[:80]!r} holds half a surrogate pair, which is no text",
            where=where,
            reason_code="lone_surrogate",
        )
    return _escape(value)


_ESCAPES = {ord('"'): '\\"', ord("\\"): "\\\\"} | {
    code: {8: "\\b", 9: "\\t", 10: "\\n", 12: "\\f", 13: "\\r"}.get(code, f"\\u{code:04x}")
    for code in range(0x20)
}


def _escape(value: str) -> str:
    return '"' + value.translate(_ESCAPES) + '"'


def _integer(value: int, where: str) -> str:
    if -MAX_SAFE_INT <= value <= MAX_SAFE_INT:
        return str(value)
    if value.bit_length() > MAX_INT_BITS:
        raise InvalidInput(
            f"{where} is a number of more than {MAX_INT_BITS} bits",
            where=where,
            reason_code="number_out_of_range",
        )
    return f'{{"{TAG_INT}":"{value}"}}'


def _number(value: float, where: str) -> str:
    """ECMAScript Number::toString (RFC 8785 3.2.2.3), from Python's shortest repr."""
    if math.isnan(value) or math.isinf(value):
        raise InvalidInput(
            f"{where} is {value!r}, which is no number that can be judged",
            where=where,
            reason_code="number_not_finite",
        )
    if value == 0:
        return "0"
    if value.is_integer() and abs(value) <= MAX_SAFE_INT:
        return str(int(value))
    sign = "-" if value < 0 else ""
    mantissa, _, exponent = repr(abs(value)).partition("e")
    whole, _, fraction = mantissa.partition(".")
    if fraction == "0":
        fraction = ""
    point = len(whole) + int(exponent or 0)
    digits = (whole + fraction).lstrip("0")
    point -= len(whole + fraction) - len(digits)
    digits = digits.rstrip("0")
    count = len(digits)
    if count <= point <= 21:
        return sign + digits + "0" * (point - count)
    if 0 < point <= 21:
        return f"{sign}{digits[:point]}.{digits[point:]}"
    if -6 < point <= 0:
        return f"{sign}0.{'0' * -point}{digits}"
    power = point - 1
    tail = f".{digits[1:]}" if count > 1 else ""
    return f"{sign}{digits[0]}{tail}e{'+' if power > 0 else '-'}{abs(power)}"


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
        case {"$permit0:int": str(text)}:
            return int(text)
        case dict():
            return {name: _untag(item) for name, item in value.items()}
        case list():
            return [_untag(item) for item in value]
        case _:
            return value
