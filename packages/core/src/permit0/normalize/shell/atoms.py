"""From the atoms of one word to words: brace expansion, field splitting, joining.

Guarantees: an atom is a piece of text and where it came from; every word says in its flags what is
not known of it; at most MAX_BRACE_WORDS words come of braces, beyond it they stay as written.
Does not: scan text or resolve expansions (words), expand globs.
"""

from __future__ import annotations

import itertools
import re
from typing import Final

from permit0.normalize.shell.features import MAX_BRACE_WORDS
from permit0.normalize.shell.parts import DYNAMIC, GLOB, QUOTED, SUBST, Word

__all__ = [
    "BARE",
    "FIELD",
    "KEPT",
    "QUOTE",
    "SPLIT",
    "SUBBED",
    "Atom",
    "brace_words",
    "fields",
    "has_glob",
    "join",
]
Atom = tuple[str, int]

# What an atom is. Only BARE takes part in brace expansion, only BARE and SPLIT in globbing.
BARE: Final = 0  # unquoted literal text
QUOTE: Final = 1  # quoted text
SPLIT: Final = 2  # unquoted expansion with a known value, split at IFS
KEPT: Final = 3  # unresolved expansion, source text
SUBBED: Final = 4  # unresolved substitution, source text
FIELD: Final = 5  # one element of "${a[@]}"; a new word before each

_SEQUENCE = re.compile(r"(-?\d{1,6}|[A-Za-z])\.\.(-?\d{1,6}|[A-Za-z])(?:\.\.(-?\d{1,6}))?")


def join(atoms: list[Atom]) -> str:
    """One word of all atoms, without field splitting."""
    flags = 0
    for _, kind in atoms:
        if kind == KEPT:
            flags |= DYNAMIC
        elif kind == SUBBED:
            flags |= DYNAMIC | SUBST
    text = "".join([part for part, _ in atoms])
    return Word(text, flags) if flags else text


def brace_words(atoms: list[Atom]) -> list[list[Atom]] | None:
    """The words that brace expansion makes of one; None if they are too many."""
    if not any(kind == BARE and text == "{" for text, kind in atoms):
        return [atoms]
    out: list[list[Atom]] = []
    pending = [atoms]
    while pending:
        current = pending.pop()
        expanded = _expand_brace(current)
        if expanded is None:
            out.append(current)
        else:
            pending += reversed(expanded)
        if len(out) + len(pending) > MAX_BRACE_WORDS:
            return None
    return out


def fields(atoms: list[Atom], separators: str) -> list[str]:
    """Split at the expansions that are not quoted. separators: the value of IFS."""
    words: list[str] = []
    parts: list[str] = []
    flags = 0
    started = False

    def close() -> None:
        nonlocal flags, started
        if started:
            text = "".join(parts)
            words.append(Word(text, flags) if flags else text)
        parts.clear()
        flags = 0
        started = False

    field_open = False
    for text, kind in atoms:
        if kind == SPLIT:
            pieces = re.split(f"[{re.escape(separators)}]+", text) if separators else [text]
            for position, piece in enumerate(pieces):
                if position:
                    close()
                if piece:
                    parts.append(piece)
                    started = True
                    if has_glob(piece):
                        flags |= GLOB
        elif kind == FIELD:
            if field_open:
                close()
            parts.append(text)
            started = field_open = True
            flags |= QUOTED
        else:
            parts.append(text)
            started = True
            if kind == QUOTE:
                flags |= QUOTED
            elif kind == KEPT:
                flags |= DYNAMIC
            elif kind == SUBBED:
                flags |= DYNAMIC | SUBST
            elif has_glob(text):
                flags |= GLOB
    close()
    return words


def has_glob(text: str) -> bool:
    """Whether a text would be a pattern if it is not quoted."""
    return "*" in text or "?" in text or "[" in text


def _expand_brace(atoms: list[Atom]) -> list[list[Atom]] | None:
    """Expand the first brace of a word; None if there is none to expand."""
    # One pass with a stack: the number of braces is the caller's, who may be hostile.
    opened: list[tuple[int, list[int]]] = []
    first: tuple[int, int, list[list[Atom]]] | None = None
    for position, (text, kind) in enumerate(atoms):
        if kind != BARE:
            continue
        if text == "{":
            opened.append((position, []))
        elif text == "," and opened:
            opened[-1][1].append(position)
        elif text == "}" and opened:
            start, commas = opened.pop()
            if first is None or start < first[0]:
                middles = _alternatives(atoms, start, position, commas)
                if middles is not None:
                    first = (start, position, middles)
        if first is not None and not opened:
            break
    if first is None:
        return None
    start, end, middles = first
    return [atoms[:start] + middle + atoms[end + 1 :] for middle in middles]


def _alternatives(
    atoms: list[Atom], start: int, end: int, commas: list[int]
) -> list[list[Atom]] | None:
    if commas:
        edges = [start, *commas, end]
        return [atoms[a + 1 : b] for a, b in itertools.pairwise(edges)]
    inside = atoms[start + 1 : end]
    if len(inside) != 1 or inside[0][1] != BARE:
        return None
    match = _SEQUENCE.fullmatch(inside[0][0])
    if match is None:
        return None
    first, last, step = match.groups()
    if first.isalpha() != last.isalpha():
        return None
    low, high = (ord(first), ord(last)) if first.isalpha() else (int(first), int(last))
    stride = abs(int(step)) if step else 1
    stride = max(stride, 1)
    count = abs(high - low) // stride + 1
    if count > MAX_BRACE_WORDS:
        return [[(f"{first}", BARE)], [(f"{last}", BARE)]]
    sign = stride if high >= low else -stride
    values = [low + sign * k for k in range(count)]
    return [[(chr(value) if first.isalpha() else str(value), BARE)] for value in values]
