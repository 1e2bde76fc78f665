r"""Show text from a call so that it can pretend nothing: what a reader could not see is written out.

Guarantees, for every text, whatever is in it:
  1. The result has no control, direction, format, private or unassigned character, no blank but the
     plain one, and no character that is drawn as nothing. They are written as JSON escapes.
  2. What is not ASCII and looks as if it were is written out: other digits, full-width and
     mathematical letters, Latin letters without an ASCII base letter.
  3. Marks that are drawn over other letters are kept where a language needs them: two after a letter.
  4. Letters that are read from right to left are written out: they change the order in which a reader sees
     what stands beside them. `alone=True` keeps them in a text without digits and Latin
     letters, for whoever puts the text at the end of a line.
  5. `quote` can be taken back: json.loads(quote(text)) == text.
Does not: tell look-alike letters of other alphabets apart; `alphabets` names those, for a note beside the text.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Iterator

__all__ = ["alphabets", "cells", "escape", "quote"]

# Printable for Python, drawn as nothing: joiners, Hangul and Braille blanks, variation selectors.
_BLANK = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2800\u3164\ufe00-\ufe0f\uffa0"
    "\U0001d159\U000e0100-\U000e01ef]"
)
_LATIN = frozenset(
    "ßẞæÆœŒøØłŁđĐþÞðħĦŋŊ"
)  # letters of languages that resemble no ASCII letter closely
_OVERLAY = 1  # canonical combining class of strokes through a letter
_MAX_MARKS = 2  # Vietnamese and vocalised Arabic need two on one letter
_RIGHT_TO_LEFT = frozenset({"R", "AL", "AN"})
_ORDERED = re.compile("[0-9A-Za-z]")
_SYLLABLES = (
    "CJK",
    "HIRAGANA",
    "KATAKANA",
    "HANGUL",
)  # no letter of these is taken for a Latin one


def escape(text: str, *, alone: bool = False) -> str:
    """Write out what a reader could not see, or would take for something else.

    Applied to JSON text, the result is JSON of the same value.

    Args:
        text: Anything. alone: no digit follows it on its line.
    """
    if text.isascii() and text.isprintable():
        return text
    return "".join(_shown(text, mirrored=not alone or _ORDERED.search(text) is not None))


def quote(text: str, *, alone: bool = False) -> str:
    """A text in quotes, as JSON, on one line.

    Args:
        text: Anything. alone: no digit follows it on its line.
    """
    return escape(json.dumps(text, ensure_ascii=False), alone=alone)


def alphabets(text: str) -> tuple[str, ...]:
    """Alphabets other than the Latin one from which a text has letters, by their Unicode names."""
    if text.isascii():
        return ()
    names = {unicodedata.name(char, "").split(" ")[0] for char in text if char.isalpha()}
    return tuple(sorted(names - {"", "LATIN", *_SYLLABLES}))


def cells(text: str) -> int:
    """How many columns of a terminal an escaped text needs."""
    return len(text) if text.isascii() else sum(map(_cell, text))


def _shown(text: str, *, mirrored: bool) -> Iterator[str]:
    marks = _MAX_MARKS  # on the letter before; none may begin a text
    for char in text:
        if char.isascii():
            marks = 0 if char.isalpha() else _MAX_MARKS
            yield char if char.isprintable() else _escaped(char)
            continue
        category = unicodedata.category(char)
        if category in {"Mn", "Mc"}:
            marks += 1
            hidden = marks > _MAX_MARKS or unicodedata.combining(char) == _OVERLAY
        else:
            hidden = category == "Me" or (
                mirrored and unicodedata.bidirectional(char) in _RIGHT_TO_LEFT
            )
            marks = 0 if category[0] == "L" else _MAX_MARKS
        hidden = hidden or not char.isprintable() or _BLANK.match(char) is not None
        yield _escaped(char) if hidden or _looks_ascii(char, category) else char


def _looks_ascii(char: str, category: str) -> bool:
    if category in {"Nd", "Sk"}:  # digits, and signs like `꞉`
        return True
    if unicodedata.normalize("NFKC", char).isascii():
        return True
    name = unicodedata.name(char, "") if category[0] == "L" else ""
    if name.startswith("MODIFIER"):  # `ː` and its kind
        return True
    return name.startswith("LATIN") and not (
        char in _LATIN or unicodedata.normalize("NFD", char)[0].isascii()
    )


def _escaped(char: str) -> str:
    code = ord(char)
    if code <= 0xFFFF:
        return f"\\u{code:04x}"
    code -= 0x10000  # RFC 8259 section 7: a surrogate pair
    return f"\\u{0xD800 + (code >> 10):04x}\\u{0xDC00 + (code & 0x3FF):04x}"


def _cell(char: str) -> int:
    if unicodedata.category(char) in {"Mn", "Me"}:
        return 0
    return 2 if unicodedata.east_asian_width(char) in {"W", "F"} else 1
