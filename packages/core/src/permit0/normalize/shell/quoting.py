"""Quotes and brackets of one shell word: what they hold and where they end.

Guarantees: pure functions of a text; one pass, except for strings inside brackets.
Does not: expand anything (words).
"""

from __future__ import annotations

import re
from typing import Final

__all__ = ["ansi_c", "matching"]
_ANSI = re.compile(
    r"\\(?:x([0-9A-Fa-f]{1,2})|u([0-9A-Fa-f]{1,4})|U([0-9A-Fa-f]{1,8})|([0-7]{1,3})|c(.)|(.))",
    re.DOTALL,
)
_ANSI_SIMPLE: Final = {
    "a": "\a", "b": "\b", "e": "\x1b", "E": "\x1b", "f": "\f", "n": "\n", "r": "\r", "t": "\t",
    "v": "\v",
}  # fmt: skip
_OPENERS: Final = {"(": ")", "{": "}"}


def ansi_c(text: str) -> str:
    """Decode the inside of $'...' into a byte view."""

    def one(match: re.Match[str]) -> str:
        hexa, short, long, octal, control, simple = match.groups()
        if hexa is not None:
            return chr(int(hexa, 16))
        if short is not None or long is not None:
            point = int(short or long, 16)
            if point > 0x10FFFF or 0xD800 <= point < 0xE000:
                return match.group()
            return chr(point).encode().decode("latin-1")
        if octal is not None:
            return chr(int(octal, 8) & 0xFF)
        if control is not None:
            return chr(ord(control) & 0x1F)
        return _ANSI_SIMPLE.get(simple, simple if simple in "\\'\"?" else match.group())

    # bash ends the string at the first NUL that an escape produces.
    return _ANSI.sub(one, text).partition("\0")[0]


def matching(text: str, start: int, end: int, opener: str) -> int:
    """The position after the bracket that closes the one before `start`; -1 if there is none."""
    closer = _OPENERS[opener]
    depth = 1
    i = start
    while i < end:
        c = text[i]
        if c == "\\":
            i += 2
            continue
        if c == "'" or (c == '"' and opener == "("):
            close = text.find(c, i + 1, end) if c == "'" else _double_end(text, i + 1, end)
            if close < 0:
                return -1
            i = close + 1
            continue
        if c == opener:
            depth += 1
        elif c == closer:
            depth -= 1
            if depth == 0:
                return i + 1
        i += 1
    return -1


def _double_end(text: str, i: int, end: int) -> int:
    """The position of the quote that closes a double-quoted string; -1 if there is none."""
    while i < end:
        c = text[i]
        if c == "\\":
            i += 2
            continue
        if c == '"':
            return i
        if c == "$" and i + 1 < end and text[i + 1] in "({":
            after = matching(text, i + 2, end, text[i + 1])
            if after > 0:
                i = after
                continue
        i += 1
    return -1
