"""Pattern sets of packs: globs over normalised, case-folded paths, sorted by how they can be answered.

A glob without a slash is about the last segment, wherever it is. `*` and `?` stay within a segment, `**`
crosses segments. Most globs are exact names, endings or beginnings, which need no regular expression.
Guarantees: the answer is that of the globs read one by one (tests compare the two).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

__all__ = ["PatternIndex", "glob_expression"]

_SPECIAL = frozenset("*?")
_NONE: frozenset[str] = frozenset()
_IN_FOLDER = re.compile(r"\*\*/([^*?/]+)/\*\*")


class PatternIndex:
    """All pattern sets of a deployment, asked together: which of them does a text match?"""

    __slots__ = (
        "_beginnings",
        "_begins",
        "_ending_sets",
        "_endings",
        "_expressions",
        "_folders",
        "_names",
        "_segments",
        "sets",
    )

    def __init__(self, sets: Mapping[str, Iterable[str]]) -> None:
        self.sets = tuple(sorted(sets))
        names: dict[str, set[str]] = {}
        folders: dict[str, set[str]] = {}
        endings: list[tuple[str, str]] = []
        beginnings: list[tuple[str, str]] = []
        segments: list[tuple[str, str]] = []
        expressions: list[tuple[str, str]] = []
        for kind, globs in sets.items():
            for glob in globs:
                text = glob.casefold()
                folder = _IN_FOLDER.fullmatch(text)
                if folder is not None:
                    folders.setdefault(folder.group(1), set()).add(kind)
                elif "/" in text:
                    expressions.append((kind, glob_expression(text)))
                elif _SPECIAL.isdisjoint(text):
                    names.setdefault(text, set()).add(kind)
                elif text[0] == "*" and len(text) > 1 and _SPECIAL.isdisjoint(text[1:]):
                    endings.append((kind, text[1:]))
                elif text[-1] == "*" and _SPECIAL.isdisjoint(text[:-1]):
                    beginnings.append((kind, text[:-1]))
                else:
                    segments.append((kind, glob_expression(text)))
        self._names = {name: frozenset(kinds) for name, kinds in names.items()}
        self._folders = {name: frozenset(kinds) for name, kinds in folders.items()}
        self._endings = tuple(text for _, text in endings)
        self._ending_sets = tuple(endings)
        self._begins = tuple(text for _, text in beginnings)
        self._beginnings = tuple(beginnings)
        self._segments = _Expressions(segments)
        self._expressions = _Expressions(expressions)

    def kinds(self, text: str) -> frozenset[str]:
        """Names of the sets that a normalised, case-folded text matches.

        Each group is first asked as a whole, since most texts match nothing.
        """
        parts = text.split("/")
        name = parts[-1]
        found: set[str] = set()
        if name in self._names:
            found |= self._names[name]
        if name.endswith(self._endings):
            found.update(kind for kind, ending in self._ending_sets if name.endswith(ending))
        if name.startswith(self._begins):
            found.update(kind for kind, begin in self._beginnings if name.startswith(begin))
        found.update(self._segments.matching(name))
        if len(parts) > 1:
            for part in parts[:-1]:
                if part in self._folders:
                    found |= self._folders[part]
            found.update(self._expressions.matching(text))
        return frozenset(found) if found else _NONE


class _Expressions:
    """Regular expressions with the set each belongs to, and one that matches if any does."""

    __slots__ = ("_any", "_each")

    def __init__(self, expressions: Iterable[tuple[str, str]]) -> None:
        by_kind: dict[str, list[str]] = {}
        for kind, text in expressions:
            by_kind.setdefault(kind, []).append(text)
        self._each = tuple((kind, _either(texts)) for kind, texts in by_kind.items())
        everything = [text for texts in by_kind.values() for text in texts]
        self._any = _either(everything) if everything else None

    def matching(self, text: str) -> Iterable[str]:
        """Sets with an expression that matches the whole text."""
        if self._any is None or self._any.fullmatch(text) is None:
            return ()
        return [kind for kind, expression in self._each if expression.fullmatch(text)]


def _either(expressions: Iterable[str]) -> re.Pattern[str]:
    return re.compile("|".join(f"(?:{text})" for text in expressions), re.DOTALL)


def glob_expression(glob: str) -> str:
    """A glob, case-folded, as a regular expression that must match the whole text."""
    out: list[str] = []
    i = 0
    while i < len(glob):
        if glob.startswith("**/", i):
            out.append("(?:.*/)?")
            i += 3
        elif glob.startswith("**", i):
            out.append(".*")
            i += 2
        elif glob[i] == "*":
            out.append("[^/]*")
            i += 1
        elif glob[i] == "?":
            out.append("[^/]")
            i += 1
        else:
            out.append(re.escape(glob[i]))
            i += 1
    return "".join(out)
