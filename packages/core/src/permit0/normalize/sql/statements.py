"""From the tokens of a reading to statements.

Guarantees:
  * each statement gets the verb of its first word; a word that is not known is "unknown", marked;
  * reads and changes are parsed as well (grammar, trees); one that no parser reads is marked "unreadable"
    and counts as every verb that its words name;
  * words that a server would take for a statement of its own, without a separator in front, are marked.
Does not: look inside strings, except for the marks of a text as a whole (dangers).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from msgspec.structs import replace

from permit0.normalize.sql.administration import read_administration
from permit0.normalize.sql.grammar import parse_statement
from permit0.normalize.sql.readings import NAME, SIGN, WORD, Reading, Token
from permit0.normalize.sql.values import SqlStatement
from permit0.normalize.sql.words import EFFECTS, OPERAND_FOLLOWS, STATEMENT_WORDS

__all__ = ["MAX_DEPTH", "MAX_STATEMENTS", "MAX_TOKENS", "read_statements"]

MAX_STATEMENTS: Final = 256
"""More is a script; it is asked about as a whole."""
MAX_TOKENS: Final = 4096
"""Of one statement. The parser needs about 8 ms for a thousand."""
MAX_DEPTH: Final = 24
"""Brackets inside brackets, prefix signs or CASEs in one statement. The parser takes about 20 frames
for each, of 1,000 that Python gives to everybody."""

_PARSED: Final = frozenset(
    "select with values table from insert update delete merge create alter drop truncate ( replace".split()
)
_ALSO: Final = {
    "insert": "insert", "update": "update", "delete": "delete", "merge": "merge", "drop": "drop",
    "truncate": "truncate", "alter": "alter", "grant": "grant", "revoke": "revoke",
}  # fmt: skip
_CALM: Final = frozenset(
    "show describe desc explain use begin start commit rollback end pragma".split()
)
_EXPLAINS: Final = frozenset({"explain", "describe", "desc"})
_PREFIXES: Final = frozenset({"not", "case", "-", "+", "~", "!", "exists", "all"})


def read_statements(reading: Reading) -> list[SqlStatement]:
    """All statements of a reading, changes inside them included."""
    found: list[SqlStatement] = []
    for count, (tokens, end) in enumerate(_split(reading.tokens)):
        if count >= MAX_STATEMENTS:
            found.append(SqlStatement("unknown", marks=frozenset({"unreadable"})))
            break
        found.extend(_read(tokens, reading.text[tokens[0].at : end], reading))
    return found


def _split(tokens: Sequence[Token]) -> Iterator[tuple[Sequence[Token], int | None]]:
    """The tokens of each statement, and where its text ends."""
    start = 0
    for i, token in enumerate(tokens):
        if token.kind == SIGN and token.text == ";":
            if i > start:
                yield tokens[start:i], token.at
            start = i + 1
    if start < len(tokens):
        yield tokens[start:], None


def _read(tokens: Sequence[Token], text: str, reading: Reading) -> list[SqlStatement]:
    first = tokens[0].text if tokens[0].kind != NAME else ""
    marks = _marks(tokens)
    if first not in _PARSED and first not in _CALM:
        marks -= {"second_statement"}  # it asks in any case, and its words are its own
    if first in _EXPLAINS:
        inner = _explained(tokens)
        if inner is not None:
            skipped = tokens[inner].at - tokens[0].at
            return _read(tokens[inner:], text[skipped:], reading)
    if len(tokens) > MAX_TOKENS or _depth(tokens) > MAX_DEPTH:
        return _unread(tokens, marks | {"unreadable"})
    if first not in _PARSED:
        return [_marked(item, marks) for item in read_administration(tokens)]
    special = read_administration(tokens, only_special=True)
    if special:
        return [_marked(item, marks) for item in special]
    tree = parse_statement(text, reading.parser)
    if tree is None:
        return _unread(tokens, marks | {"unreadable"})
    # The parser's classes are imported with it, not before.
    from permit0.normalize.sql.trees import read_tree  # noqa: PLC0415

    try:
        found = read_tree(tree)
    except RecursionError:
        return _unread(tokens, marks | {"unreadable"})
    if found[0].verb == "select" and first in _ALSO:
        return _unread(tokens, marks | {"unreadable"})
    return [_marked(_described(item, tokens), marks) for item in found]


def _marked(item: SqlStatement, marks: frozenset[str]) -> SqlStatement:
    return replace(item, marks=item.marks | marks) if marks else item


def _described(item: SqlStatement, tokens: Sequence[Token]) -> SqlStatement:
    """Add what the words say better than the tree: the kind of an object, CASCADE."""
    if item.verb not in ("create", "alter", "drop", "truncate"):
        return item
    (said,) = read_administration(tokens, only_special=False)[:1]
    return replace(
        item,
        kind=said.kind,
        objects=item.objects or said.objects,
        cascade=said.cascade,
        changes=item.changes | said.changes,
        marks=item.marks | said.marks,
    )


def _unread(tokens: Sequence[Token], marks: frozenset[str]) -> list[SqlStatement]:
    """A statement that the parser does not read: what its words say, each word for itself."""
    words = {token.text for token in tokens if token.kind == WORD}
    names = frozenset(token.text.casefold() for token in tokens if token.kind in (WORD, NAME))
    found = [SqlStatement("unknown", columns=names, marks=marks)]
    found += [SqlStatement(verb, marks=marks) for word, verb in _ALSO.items() if word in words]
    return found


def _marks(tokens: Sequence[Token]) -> frozenset[str]:
    """What the words show whatever the tree says."""
    marks: set[str] = set()
    before: Token | None = None
    last = len(tokens) - 1
    for i, token in enumerate(tokens):
        kind, text = token.kind, token.text
        if kind == WORD or kind == NAME:
            effect = EFFECTS.get(text if kind == WORD else text.casefold())
            if effect is not None and ("_" in text or (i < last and tokens[i + 1].text in "(.")):
                marks.add(effect)
            elif kind == WORD and before is not None and text in STATEMENT_WORDS:
                called = i < last and tokens[i + 1].text == "(" and text not in _NEVER_CALLED
                if not called and _ends_operand(before) and not _goes_on(text, tokens, i):
                    marks.add("second_statement")
        before = token
    return frozenset(marks)


_NEVER_CALLED: Final = frozenset({"exec", "execute", "select", "with", "delete", "into"})


def _ends_operand(token: Token) -> bool:
    if token.kind == SIGN:
        return token.text in ")]*"
    return token.kind != WORD or token.text not in OPERAND_FOLLOWS


def _goes_on(word: str, tokens: Sequence[Token], i: int) -> bool:
    """Whether a word that can start a statement goes on with this one here."""
    words = [token.text for token in tokens[:i] if token.kind == WORD]
    first = words[0] if words else ""
    if i == 1 and first in ("show", "begin", "start", "commit", "rollback", "end"):
        return True
    previous = tokens[i - 1].text if tokens[i - 1].kind == WORD else ""
    following = tokens[i + 1].text if i + 1 < len(tokens) else ""
    match word:
        case "select":
            return (
                previous in ("as", "except", "intersect")
                or first in ("insert", "create", "with", "explain", "replace", "merge")
            )
        case "with":
            return following in ("time", "ties", "ordinality", "offset", "grant", "admin", "check",
                                 "nocheck", "data", "no", "local", "cascaded", "rollup", "(")  # fmt: skip
        case "set":
            return first in ("update", "alter", "merge", "insert", "with", "replace") or previous in (
                "update", "on", "delete", "character"
            )  # fmt: skip
        case "into":
            return first in ("insert", "merge", "replace", "with", "select") or previous in (
                "insert", "merge", "replace"
            )  # fmt: skip
        case "update" | "delete" | "insert":
            # `for update`, `on delete cascade`, `with x as (...) delete from`, `do update`
            return previous in ("on", "for", "do", "then", "before", "after", "or") or first in (
                "with", "grant", "revoke", "create"
            )  # fmt: skip
        case "replace":
            return previous in ("or", "insert") or first == "insert"
        case "if" | "add" | "drop" | "alter" | "rename" | "disable" | "enable" | "move" | "cluster" | "reset":
            return first in ("alter", "drop", "create", "truncate")
        case "do":
            return first == "insert" or (first == "with" and previous != "")
        case "check":
            return True
        case "execute" | "exec" | "call":
            return first in ("create", "grant", "revoke")
        case "begin" | "return":
            return first == "create"
    return False


def _depth(tokens: Sequence[Token]) -> int:
    """How deep the parser would have to go: brackets that are open, and prefixes in a row."""
    deepest = depth = cases = run = 0
    for token in tokens:
        text = token.text
        if token.kind == SIGN:
            if text in "([{":
                depth += 1
            elif text in ")]}":
                depth -= 1
        elif token.kind == WORD:
            if text == "case":
                cases += 1
            elif text == "end":
                cases -= 1
        run = run + 1 if token.kind in (SIGN, WORD) and text in _PREFIXES else 0
        level = depth + cases + run
        deepest = max(deepest, level)
    return deepest


def _explained(tokens: Sequence[Token]) -> int | None:
    """Where the statement that is explained starts; None if a table is described."""
    depth = 0
    for i, token in enumerate(tokens[1:], start=1):
        if token.kind == SIGN and token.text in "()":
            depth += 1 if token.text == "(" else -1
        elif (
            depth == 0
            and token.kind == WORD
            and (token.text in _STATEMENT_STARTS)
            and (token.text not in ("table", "from") or i > 1)
        ):
            return i
        if i > MAX_OPTIONS:
            return None
    return None


MAX_OPTIONS: Final = 32  # tokens between EXPLAIN and what it explains
_STATEMENT_STARTS: Final = frozenset(
    "select with values insert update delete merge create replace execute call declare refresh drop"
    " truncate alter exec do copy grant revoke".split()
)
