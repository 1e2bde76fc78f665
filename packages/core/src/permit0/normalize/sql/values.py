"""What was read of a text of SQL: values without behaviour."""

from __future__ import annotations

from typing import Final

import msgspec

__all__ = ["MARKS", "SqlStatement", "SqlText"]

_NOTHING: Final[frozenset[str]] = frozenset()

MARKS: Final = {
    "unreadable": "the parser, or a limit, does not let it be read",
    "ambiguous": "servers read the same text differently",
    "encoded": "names or strings are written in code points or other escapes",
    "client": "an instruction for a client program stands in the text",
    "second_statement": "words of another statement follow without a separator",
    "function": "a function is called that is not known to be free of effects",
    "effect": "a function is called that has an effect: a sequence, a lock, a process, a delay",
    "construct": "a read with a part that not every read has: a lock, a new table, a variable",
    "nested_write": "a change stands inside another statement",
    "replaces": "an insertion that can overwrite rows",
    "file": "files of the server are read or written",
    "network": "another host is reached",
    "program": "a program of the server is run",
    "server": "the server, its settings or what is attached to it change",
    "code": "statements are run that are text, a name or a body of code",
    "session": "settings of the session or its transaction change",
    "destruction": "a word that takes something away stands in it",
    "power": "a word that gives or takes rights stands in it",
}
"""Every mark with its meaning. A mark makes a text stricter, none makes it calmer."""


class SqlStatement(msgspec.Struct, frozen=True, gc=False):
    """One statement, or a change inside one.

    verb: select, insert, update, delete, merge, create, alter, drop, truncate, grant, revoke, copy_out,
        copy_in, show, use, transaction, set, call, explain or unknown.
    tables, columns, functions: folded names that it mentions; `*` among the columns is every one.
    objects: what is created, changed or dropped. kind: of which kind that is ("table", "role").
    filtered: whether a condition limits its rows (never true if it is missing or always true).
    limit: rows that come back at most; None if nothing says so.
    cascade: what depends on it goes as well, or a right can be given on.
    right, grantee: of grant and revoke. changes: words of what an ALTER or a MERGE does.
    paths, urls, programs: literals that name a file, an address or a command line.
    """

    verb: str
    tables: frozenset[str] = _NOTHING
    columns: frozenset[str] = _NOTHING
    functions: frozenset[str] = _NOTHING
    objects: frozenset[str] = _NOTHING
    kind: str = ""
    filtered: bool = False
    limit: int | None = None
    cascade: bool = False
    right: str = ""
    grantee: str = ""
    changes: frozenset[str] = _NOTHING
    paths: tuple[str, ...] = ()
    urls: tuple[str, ...] = ()
    programs: tuple[str, ...] = ()
    marks: frozenset[str] = _NOTHING


class SqlText(msgspec.Struct, frozen=True, gc=False):
    """A whole text.

    statements: in the order of the text, changes inside a statement after it; if servers read the
        text differently, those of every reading. marks: of the text and of every statement.
    words: every word of the text, folded, those in strings and comments as well.
    """

    statements: tuple[SqlStatement, ...]
    marks: frozenset[str] = _NOTHING
    words: frozenset[str] = _NOTHING

    @property
    def verbs(self) -> frozenset[str]:
        """What is done, all statements together."""
        return frozenset([statement.verb for statement in self.statements])

    @property
    def tables(self) -> frozenset[str]:
        """Which tables are named, all statements together."""
        return frozenset().union(*[statement.tables for statement in self.statements])

    @property
    def destructive(self) -> bool:
        """Whether something is taken away, as far as the text shows."""
        return "destruction" in self.marks or not self.verbs.isdisjoint(
            ("delete", "drop", "truncate")
        )
