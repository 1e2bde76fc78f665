"""RFC 8785 text of strings and numbers.

Guarantees: strings with the escapes of RFC 8785 3.2.2.2 and no others; numbers as ECMAScript writes them;
integers that a double cannot hold, tagged. Does not: know where a value stands (writer).
"""

from __future__ import annotations

import math
import re

from permit0.canonical.forms import MAX_SAFE_INT, TAG, Unfit

__all__ = ["SURROGATE", "TAG_INT", "float_text", "integer_text", "string_text"]

MAX_INT_BITS = 4096  # 10**400 is 1329 bits; a limit keeps the text form linear in practice
TAG_INT = TAG + "int"
SURROGATE = re.compile("[\ud800-\udfff]")

_ESCAPES = {ord('"'): '\\"', ord("\\"): "\\\\"} | {
    code: {8: "\\b", 9: "\\t", 10: "\\n", 12: "\\f", 13: "\\r"}.get(code, f"\\u{code:04x}")
    for code in range(0x20)
}


def string_text(value: str) -> str:
    """A string in quotes.

    Raises:
        Unfit: It holds half a surrogate pair.
    """
    if SURROGATE.search(value):
        raise Unfit("holds half a surrogate pair, which is no text", "lone_surrogate")
    return '"' + value.translate(_ESCAPES) + '"'


def integer_text(value: int) -> str:
    """An integer; tagged beyond MAX_SAFE_INT.

    Raises:
        Unfit: It has more than MAX_INT_BITS.
    """
    if -MAX_SAFE_INT <= value <= MAX_SAFE_INT:
        return str(value)
    if value.bit_length() > MAX_INT_BITS:
        raise Unfit(f"is a number of more than {MAX_INT_BITS} bits", "number_out_of_range")
    return f'{{"{TAG_INT}":"{value}"}}'


def float_text(value: float) -> str:
    """ECMAScript Number::toString (RFC 8785 3.2.2.3), from Python's shortest repr.

    Raises:
        Unfit: It is infinite or no number.
    """
    if math.isnan(value) or math.isinf(value):
        raise Unfit(f"is {value!r}, which is no number that can be judged", "number_not_finite")
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
