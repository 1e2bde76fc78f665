"""Statements that are told by their words: rights, settings, copies, sessions, objects.

Guarantees: what is not known is "unknown" with the mark "code", never something calmer; of a statement
that names files, addresses or programs, each is listed with its mark.
Does not: parse expressions. Whatever is read here asks, except looking (SHOW, DESCRIBE, pragmas that only
show), choosing a database, and a transaction around other statements.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Final

from permit0.normalize.sql.readings import NAME, NUMBER, SIGN, TEXT, WORD, Token
from permit0.normalize.sql.values import SqlStatement
from permit0.normalize.sql.words import READING_PRAGMAS, word_set

__all__ = ["read_administration"]

Tokens = Sequence[Token]
_SKIPPED = word_set(
    "if not exists or replace temp temporary unique global local concurrently unlogged external"
    " transient secure recursive materialized force public editionable noneditionable only"
    " definer algorithm clustered nonclustered fulltext spatial hidden volatile online aggregate"
    " constraint event foreign"
)
_KINDS = word_set(
    "table view index database schema function procedure trigger sequence type domain extension user role"
    " login server rule policy language aggregate operator cast collation tablespace column"
    " publication subscription event job stage pipe task stream integration share warehouse"
    " catalog keyspace secret assembly certificate credential package synonym link directory"
    " profile macro model statistics system session group owned partition member dictionary"
    " connection resource workload masking network password application account endpoint key"
)
_CODE = word_set(
    "function procedure trigger extension language rule event job aggregate macro package assembly"
    " operator cast task server link integration secret stage pipe subscription publication"
    " directory credential share model system endpoint connection dictionary"
)
_CHANGES = word_set(
    "drop remove delete disable detach truncate cascade rename owner add enable set force purge"
)
_PLACES = frozenset({"to", "from", "into", "location", "url", "uri", "disk", "outfile", "dumpfile"})


def read_administration(tokens: Tokens, *, only_special: bool = False) -> list[SqlStatement]:
    """The statement that the tokens are.

    Args:
        tokens: One statement.
        only_special: Answer only for forms of parsed verbs that are more than they seem.
    """
    first = tokens[0].text if tokens[0].kind == WORD else ""
    if only_special:
        return _special(first, tokens)
    if first in ("create", "alter", "drop", "truncate"):
        return [_object(first, tokens)]
    reader = _READERS.get(first)
    if reader is None:
        return [SqlStatement("unknown", marks=frozenset({"code"}) | _reach(tokens))]
    return [reader(tokens)]


def _words(tokens: Tokens) -> list[str]:
    return [token.text for token in tokens if token.kind == WORD]


def _reach(tokens: Tokens) -> frozenset[str]:
    """Marks of the places that strings behind TO, FROM and the like name."""
    marks: set[str] = set()
    for token in tokens:
        if token.kind == TEXT:
            text = token.text.casefold()
            if "://" in text or text.startswith(("s3:", "gs:", "azure:", "\\\\", "//")):
                marks.add("network")
    return frozenset(marks)


def _special(first: str, tokens: Tokens) -> list[SqlStatement]:
    words = _words(tokens)
    if not {"outfile", "dumpfile"}.isdisjoint(words) and first in (
        "select",
        "with",
        "(",
        "table",
        "",
    ):
        return [_copied(tokens, "copy_out")]
    if first == "insert" and words[1:3] in (["overwrite", "directory"], ["overwrite", "local"]):
        return [_copied(tokens, "copy_out")]
    return []


def _object(verb: str, tokens: Tokens) -> SqlStatement:
    kind, at = "", 0
    for i, token in enumerate(tokens[1:], start=1):
        if token.kind == WORD and token.text in _KINDS:
            kind, at = token.text, i
            break
        if token.kind != WORD or token.text not in _SKIPPED:
            at = i - 1
            break
    words = set(_words(tokens))
    marks: set[str] = set(_reach(tokens))
    if kind in _CODE:
        marks.add("code" if kind not in ("server", "link", "system", "stage") else "server")
    if not kind and verb != "truncate":
        marks.add("code")
    names = _names_after(tokens, at) if verb != "create" else _names_after(tokens, at)[:1]
    cascading = verb in ("drop", "truncate")
    return SqlStatement(
        verb,
        kind=kind or ("table" if verb == "truncate" else "unknown function"),
        objects=frozenset(names),
        cascade=cascading and "cascade" in words,
        changes=frozenset(words & _CHANGES),
        marks=frozenset(marks),
    )


def _names_after(tokens: Tokens, at: int) -> list[str]:
    """Names in a list `a, b.c`, behind a position and IF EXISTS."""
    found: list[str] = []
    current = ""
    for token in tokens[at + 1 :]:
        if token.kind == WORD and token.text in _SKIPPED and not current:
            continue
        if token.kind in (WORD, NAME) and (not current or current.endswith(".")):
            current += token.text.casefold()
        elif token.kind == SIGN and token.text == "." and current:
            current += "."
        elif token.kind == SIGN and token.text == "," and current:
            found.append(current)
            current = ""
        elif token.kind == SIGN and token.text == "]":
            continue
        else:
            break
    return [*found, current] if current else found


def _rights(verb: str) -> Callable[[Tokens], SqlStatement]:
    def read(tokens: Tokens) -> SqlStatement:
        parts: dict[str, list[str]] = {"right": [], "on": [], "to": []}
        here = "right"
        option = False
        for token in tokens[1:]:
            text = token.text.casefold()
            if token.kind == WORD and text == "on" and here == "right":
                here = "on"
            elif token.kind == WORD and text in ("to", "from") and here in ("right", "on"):
                here = "to"
            elif token.kind == WORD and text == "option":
                option = True
            elif token.kind == WORD and text == "with" and here == "to":
                here = ""
            elif here:
                parts[here].append(text)
        return SqlStatement(
            verb,
            right=" ".join(parts["right"]),
            grantee=" ".join(parts["to"]),
            objects=frozenset({"".join(parts["on"])} - {""}),
            cascade=option,
        )

    return read


def _copy(tokens: Tokens) -> SqlStatement:
    words = _words(tokens)
    depth, out = 0, False
    for i, token in enumerate(tokens):
        if token.kind == SIGN and token.text in "()":
            depth += 1 if token.text == "(" else -1
        elif depth == 0 and token.kind == WORD and token.text in ("to", "from"):
            target = tokens[i + 1].text if i + 1 < len(tokens) else ""
            out = token.text == "to"
            if words[1:2] == ["into"]:  # a stage or an address in front: out of the database
                out = tokens[2].kind == TEXT or tokens[2].text.startswith("@")
            if target in ("stdin", "stdout", "pstdin", "pstdout"):
                return SqlStatement(
                    "copy_out" if out else "copy_in", tables=frozenset(_names_after(tokens, 0)[:1])
                )
            break
    return _copied(tokens, "copy_out" if out else "copy_in")


_TABLE_FOLLOWS: Final = word_set("from join table copy into insert unload update")


def _copied(tokens: Tokens, verb: str) -> SqlStatement:
    """Files, addresses and programs that a copy names."""
    paths: list[str] = []
    urls: list[str] = []
    programs: list[str] = []
    marks: set[str] = set()
    tables: set[str] = set()
    for i, (before, token) in enumerate(pairwise(tokens)):
        if token.kind == TEXT:
            text = token.text
            if before.kind == WORD and before.text == "program":
                programs.append(text)
                marks.add("program")
            elif "://" in text or text.startswith(("s3:", "gs:", "azure:", "@")):
                urls.append(text)
                marks.add("network")
            elif before.kind == WORD and before.text in (
                *_PLACES,
                "infile",
                "directory",
                "database",
            ):
                paths.append(text)
                marks.add("file")
        elif token.kind in (WORD, NAME) and before.kind == WORD and before.text in _TABLE_FOLLOWS:
            tables.update(_names_after(tokens, i)[:1])
    if not marks:
        marks.add("file")  # a place that is a variable, a stage or a name
    if "program" in _words(tokens):
        marks.add("program")
    columns = frozenset(token.text.casefold() for token in tokens if token.kind in (WORD, NAME))
    return SqlStatement(
        verb, tables=frozenset(tables), columns=columns, paths=tuple(paths), urls=tuple(urls),
        programs=tuple(programs), marks=frozenset(marks),
    )  # fmt: skip


def _out(tokens: Tokens) -> SqlStatement:
    return _copied(tokens, "copy_out")


def _in(tokens: Tokens) -> SqlStatement:
    return _copied(tokens, "copy_in")


def _show(tokens: Tokens) -> SqlStatement:
    calm = all(
        token.kind in (NAME, TEXT, NUMBER)
        or (token.kind == WORD)
        or (token.kind == SIGN and token.text in ".=%*<>,")
        for token in tokens[1:]
    )
    names = frozenset(token.text.casefold() for token in tokens[1:] if token.kind in (WORD, NAME))
    marks = frozenset[str]() if calm else frozenset({"construct"})
    return SqlStatement("show", tables=names, marks=marks)


def _use(tokens: Tokens) -> SqlStatement:
    names = list(tokens[1:])
    if names and names[0].kind == WORD and names[0].text in ("database", "schema", "warehouse"):
        names = names[1:]
    plain = bool(names) and all(
        token.kind in (WORD, NAME) if i % 2 == 0 else token.text == "."
        for i, token in enumerate(names)
    )
    return SqlStatement("use", marks=frozenset[str]() if plain else frozenset({"session", "power"}))


def _pragma(tokens: Tokens) -> SqlStatement:
    words = [token.text.casefold() for token in tokens[1:]]
    if words[1:2] == ["."]:
        words = words[2:]
    name = words[0] if words else ""
    assigned = "=" in words or (name not in _ASKED_PRAGMAS and "(" in words)
    if name in READING_PRAGMAS and not assigned:
        return SqlStatement("show", tables=frozenset(filter(str.isidentifier, words[1:])))
    return SqlStatement("set", marks=frozenset({"server"}))


_ASKED_PRAGMAS = word_set(
    "table_info table_xinfo index_list index_info index_xinfo foreign_key_list table_list"
    " integrity_check quick_check foreign_key_check"
)


def _transaction(tokens: Tokens) -> SqlStatement:
    known = all(token.kind == WORD and token.text in _TRANSACTION for token in tokens[1:])
    if known or (_words(tokens)[:1] == ["savepoint"] and len(tokens) == 2):
        return SqlStatement("transaction")
    return SqlStatement("unknown", marks=frozenset({"code"}))


_TRANSACTION: Final = word_set(
    "transaction work tran read only write isolation level serializable repeatable committed"
    " uncommitted deferred immediate exclusive and no chain"
)


def _of(verb: str, *marks: str) -> Callable[[Tokens], SqlStatement]:
    def read(tokens: Tokens) -> SqlStatement:
        return SqlStatement(verb, marks=frozenset(marks) | _reach(tokens))

    return read


_READERS: Final[dict[str, Callable[[Tokens], SqlStatement]]] = {
    **{
        word: reader
        for words, reader in (
            ("grant", _rights("grant")),
            ("revoke deny reassign", _rights("revoke")),
            ("copy", _copy),
            ("unload export backup put", _out),
            ("load bulk import restore", _in),
            ("show describe desc help explain", _show),
            ("use", _use),
            ("pragma", _pragma),
            ("begin start commit rollback end savepoint release abort", _transaction),
            ("set reset declare listen unlisten notify lock unlock", _of("set", "session")),
            ("call exec execute do prepare perform deallocate", _of("call", "code")),
            ("attach detach install shutdown kill vacuum reindex checkpoint reconfigure optimize"
             " dbcc flush purge undrop discard", _of("unknown", "server")),
        )
        for word in words.split()
    }
}  # fmt: skip
