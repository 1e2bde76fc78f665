"""Pattern sets of packs: globs over normalised, case-folded paths, sorted by how they can be answered.

A glob without a slash is about the last segment, wherever it is. `*` and `?` stay within a segment, `**`
crosses segments. Most globs are exact names, endings or beginnings, which need no regular expression.
Guarantees: the answer is that of the globs read one by one (tests compare the two).
"""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Iterable, Mapping

__all__ = ["PatternIndex", "glob_expression"]

_SPECIAL = frozenset("*?")
_WILD = re.compile(r"\[[^\]]*\]|[*?\[\]]")
_NONE: frozenset[str] = frozenset()
_HEAD = re.compile(r"/[a-z]+/[a-z]*")  # re.escape leaves these letters as they are
_IN_FOLDER = re.compile(r"\*\*/([^*?/]+)/\*\*")


class PatternIndex:
    """Several pattern sets, asked together: which of them does a text match?"""

    __slots__ = (
        "_beginnings",
        "_begins",
        "_ending_sets",
        "_endings",
        "_expressions",
        "_folders",
        "_inside",
        "_names",
        "_samples",
        "_segments",
        "sets",
    )

    def __init__(self, sets: Mapping[str, Iterable[str]]) -> None:
        self.sets = tuple(sorted(sets))
        names: dict[str, set[str]] = {}
        folders: dict[str, set[str]] = {}
        endings: list[tuple[str, str]] = []
        beginnings: list[tuple[str, str]] = []
        inside: list[tuple[str, str]] = []
        segments: list[tuple[str, str]] = []
        expressions: list[tuple[str, str]] = []
        for kind, globs in sets.items():
            for glob in globs:
                text = glob.casefold()
                folder = _IN_FOLDER.fullmatch(text)
                if folder is not None:
                    folders.setdefault(folder.group(1), set()).add(kind)
                elif "/" in text or "**" in text:
                    expressions.append((kind, glob_expression(text)))
                elif _SPECIAL.isdisjoint(text):
                    names.setdefault(text, set()).add(kind)
                elif text[0] == "*" and len(text) > 1 and _SPECIAL.isdisjoint(text[1:]):
                    endings.append((kind, text[1:]))
                elif text[-1] == "*" and _SPECIAL.isdisjoint(text[:-1]):
                    beginnings.append((kind, text[:-1]))
                elif text[0] == text[-1] == "*" and _SPECIAL.isdisjoint(text[1:-1]):
                    inside.append((kind, re.escape(text[1:-1])))
                else:
                    segments.append((kind, glob_expression(text)))
        self._samples = tuple(
            (kind, sample)
            for kind, globs in sets.items()
            for glob in globs
            if (sample := _sample(glob.casefold()))
        )
        self._names = {name: frozenset(kinds) for name, kinds in names.items()}
        self._folders = {name: frozenset(kinds) for name, kinds in folders.items()}
        self._endings = tuple(text for _, text in endings)
        self._ending_sets = tuple(endings)
        self._begins = tuple(text for _, text in beginnings)
        self._beginnings = tuple(beginnings)
        self._inside = _Expressions(inside, whole=False)
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
        found.update(self._inside.matching(name))
        found.update(self._segments.matching(name))
        if len(parts) > 1:
            for part in parts[:-1]:
                if part in self._folders:
                    found |= self._folders[part]
        found.update(self._expressions.matching(text))
        return frozenset(found) if found else _NONE

    def expansions(self, text: str) -> tuple[str, ...]:
        """Names in the pattern sets that a shell could expand a glob to, one for each set.

        `/etc/sha*` gives `/etc/shadow`. A glob that says next to nothing (`*`, `*.json`) gives none:
        it is about everything, not about what the sets name.
        """
        parts = text.split("/")
        found: dict[str, str] = {}
        for kind, sample in self._samples:
            count = len(sample)
            last = parts[-count:]
            if kind in found or count > len(parts) or not _says_something(last):
                continue
            if all(map(fnmatch.fnmatchcase, sample, last)):
                found[kind] = "/".join((*parts[:-count], *sample))
        return tuple(dict.fromkeys(found.values()))


def _sample(glob: str) -> tuple[str, ...]:
    """A name that a glob matches, as segments from its first that is not `**`; () for none."""
    text = glob.replace("**/", "").lstrip("/")
    text = text[:-2] + "x" if text.endswith("/**") else text
    segments = tuple(re.sub(r"[*?]", "", text).split("/"))
    return () if "" in segments or segments[0] == ".." else segments


def _says_something(parts: list[str]) -> bool:
    literal = sum(len(_WILD.sub("", part)) for part in parts)
    return literal > 1 and (len(parts) > 1 or parts[0][0] != "*")


class _Expressions:
    """Regular expressions with the set each belongs to, and one that matches if any does.

    whole: they must match the whole text, not a part of it.
    """

    __slots__ = ("_any", "_each", "_heads")

    def __init__(self, expressions: Iterable[tuple[str, str]], *, whole: bool = True) -> None:
        by_kind: dict[str, list[str]] = {}
        for kind, text in expressions:
            by_kind.setdefault(kind, []).append(text)
        self._each = tuple((kind, _either(texts, whole)) for kind, texts in by_kind.items())
        everything = [text for texts in by_kind.values() for text in texts]
        # Most absolute globs differ in their first folder: one look at the beginning leaves them out.
        rooted = [text for text in everything if whole and _HEAD.match(text)]
        self._heads = tuple(sorted({_head(text) for text in rooted}))
        rest = [text for text in everything if text not in rooted]
        self._any = _either(rest, whole) if rest else None

    def matching(self, text: str) -> Iterable[str]:
        """Sets with an expression that matches."""
        if not text.startswith(self._heads) and (
            self._any is None or self._any.match(text) is None
        ):
            return ()
        return [kind for kind, expression in self._each if expression.match(text)]


def _head(expression: str) -> str:
    """The literal beginning of an expression for an absolute path."""
    match = _HEAD.match(expression)
    return match.group() if match is not None else ""


def _either(expressions: Iterable[str], whole: bool) -> re.Pattern[str]:  # of _Expressions
    choice = "|".join(f"(?:{text})" for text in expressions)
    return re.compile(rf"(?:{choice})\Z" if whole else rf".*?(?:{choice})", re.DOTALL)


def glob_expression(glob: str) -> str:
    """A glob, case-folded, as a regular expression that must match the whole text."""
    out: list[str] = [] if "/" in glob else ["(?:.*/)?"]
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
