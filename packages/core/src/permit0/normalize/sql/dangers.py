"""Marks and words of a text as a whole, strings and comments included.

Guarantees: only adds to what the statements say; used for texts that are not plain reads, where a
dangerous word in a string may be a statement that is run (EXECUTE, DO, dblink).
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from typing import Final

from permit0.normalize.sql.values import SqlStatement
from permit0.normalize.sql.words import DESTRUCTIVE, EFFECTS, POWER

__all__ = ["client_marks", "folded_words", "word_marks"]

_WORDS = re.compile(r"(?:[^\W\d]|\$)[\w$]*")
# Lines that a client takes for itself: psql's backslash, sqlite's dot, T-SQL's GO, MySQL's DELIMITER.
_CLIENT = re.compile(
    r"(?im)^[ \t\r\f\v]{0,64}(?:\\[a-z!?]|\.[a-z]+\b|delimiter\b|!!"
    r"|go(?:[ \t]{1,8}\d+)?[ \t]{0,8};?[ \t\r]{0,8}$"
    r"|:(?:r|setvar|connect|out|on[ \t]{1,8}error)\b"
    r"|(?:system|source|tee|pager|edit|host|spool)[ \t]{1,8}\S|@{1,2}\w+\.sql)"
    r"|(?:;|\s)\\(?:!|copy|[gowireES]\b|gexec)"
)
_CLIENT_PROGRAM: Final = re.compile(
    r"(?im)(?:^|;|\s)\\!([^\n]*)|^[ \t\r\f\v]{0,64}(?:\.(?:shell|system)|!!|system|host)[ \t]{1,8}([^\n]+)"
    r"|\\(?:copy|g|o|w)\b[^\n]{0,512}?\bprogram[ \t]{1,8}'([^'\n]*)'|\\(?:g|o|w)[ \t]{0,8}\|([^\n]+)"
)
MAX_PROGRAMS: Final = 16  # command lines that are judged as such; the mark is there for all
_OBJECTS: Final = frozenset({"user", "role", "login", "system"})
_OBJECT_VERBS: Final = frozenset({"alter", "create", "drop", "set"})


def client_marks(text: str) -> tuple[frozenset[str], tuple[str, ...]]:
    """Marks of instructions for a client, and the command lines in them."""
    if _CLIENT.search(text) is None:
        return frozenset(), ()
    lines = [part for groups in _CLIENT_PROGRAM.findall(text) for part in groups if part.strip()]
    marks = frozenset({"client", "program"} if lines else {"client"})
    return marks, tuple(lines[:MAX_PROGRAMS])


def folded_words(text: str) -> frozenset[str]:
    """Every word, as a server that is generous about letters could read it."""
    if not text.isascii():
        text = unicodedata.normalize("NFKC", text)
    return frozenset(word.casefold() for word in _WORDS.findall(text))


def word_marks(words: frozenset[str], statements: Iterable[SqlStatement]) -> frozenset[str]:
    """What single words add to a text that is not a plain read."""
    found = {EFFECTS[word] for word in words if word in EFFECTS and ("_" in word or "$" in word)}
    verbs = {statement.verb for statement in statements}
    if not DESTRUCTIVE.isdisjoint(words) or not verbs.isdisjoint(("drop", "truncate", "delete")):
        found.add("destruction")
    if not POWER.isdisjoint(words) or not verbs.isdisjoint(("grant", "revoke")):
        found.add("power")
    if not _OBJECTS.isdisjoint(words) and not _OBJECT_VERBS.isdisjoint(words):
        found.add("power")
    if "program" in words and not words.isdisjoint(("copy", "to", "from")):
        found.add("program")
    return frozenset(found)
