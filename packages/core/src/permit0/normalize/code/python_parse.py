"""From a text to Python's own tree, for the forms in which agents hand code over.

Guarantees: a fence of backquotes and a common margin are taken off; what Python's parser gives up on
is None, whatever the reason.
"""

from __future__ import annotations

import ast
import re

__all__ = ["has_odd_encoding", "parse_program"]

_FENCE = re.compile(
    r"\A\s*(?:`{1,3}|~{3})[ \t]*(?:python3?|py|ipython|tool_code)?[ \t]*\r?\n?", re.IGNORECASE
)
_FENCE_END = re.compile(r"(?:`{1,3}|~{3})\s*\Z")
# PEP 263: in a file, another encoding makes other text of the same bytes.
_COOKIE = re.compile(r"(?m)\A(?:[ \t\f]*(?:#.*)?\r?\n)?[ \t\f]*#.*?coding[:=][ \t]*([-\w.]+)")
_PLAIN_ENCODINGS = frozenset({"utf-8", "utf8", "ascii", "us-ascii", "latin-1", "iso-8859-1"})


def has_odd_encoding(text: str) -> bool:
    """Whether a file of this text would be read in an encoding that makes another text of it."""
    cookie = _COOKIE.match(text)
    return cookie is not None and cookie.group(1).lower() not in _PLAIN_ENCODINGS


def parse_program(text: str) -> ast.Module | None:
    """The tree of a program; None for a text that is none."""
    bare = _FENCE_END.sub("", _FENCE.sub("", text))
    tree = _parse(bare)
    return _parse(text) if tree is None and bare != text else tree


def _parse(text: str) -> ast.Module | None:
    for form in (text, text.strip("\n") and _dedented(text)):
        try:
            return ast.parse(form)
        # A named boundary: these are what the parser says of a text that is no program for it.
        except (SyntaxError, ValueError, RecursionError, MemoryError, OverflowError):
            continue
    return None


def _dedented(text: str) -> str:
    lines = text.expandtabs().splitlines()
    margin = min((len(x) - len(x.lstrip()) for x in lines if x.strip()), default=0)
    return "\n".join(line[margin:] for line in lines)
