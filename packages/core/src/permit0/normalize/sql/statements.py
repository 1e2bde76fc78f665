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
from permit0.normalize.sql.grammar import Effort, parse_statement
from permit0.normalize.sql.readings import NAME, SIGN, VALUE, WORD, Reading, Token
from permit0.normalize.sql.values import SqlStatement
from permit0.normalize.sql.words import EFFECTS, OPERAND_FOLLOWS, STATEMENT_WORDS, word_set

__all__ = ["MAX_DEPTH", "MAX_STATEMENTS", "MAX_TOKENS", "read_statements"]

MAX_STATEMENTS: Final = 256
"""More is a script; it is asked about as a whole."""
MAX_TOKENS: Final = 4096
"""Of one statement. The parser needs about 8 ms for a thousand."""
MAX_DEPTH: Final = 24
"""Brackets inside brackets, prefix signs or CASEs in one statement. The parser takes about 20 frames
for each, of 1,000 that Python gives to everybody."""

_PARSED: Final = word_set(
    "select with values table from insert update delete merge create alter drop truncate ( replace"
)
_ALSO: Final = {
    "insert": "insert", "update": "update", "delete": "delete", "merge": "merge", "drop": "drop",
    "truncate": "truncate", "alter": "alter", "grant": "grant", "revoke": "revoke",
}  # fmt: skip
_CALM: Final = word_set("show describe desc explain use begin start commit rollback end pragma")
_EXPLAINS: Final = frozenset({"explain", "describe", "desc"})
_PREFIXES: Final = frozenset({"not", "case", "-", "+", "~", "!", "exists", "all"})


def read_statements(reading: Reading, effort: Effort) -> list[SqlStatement]:
    """All statements of a reading, changes inside them included."""
    found: list[SqlStatement] = []
    for count, (tokens, end) in enumerate(_split(reading.tokens)):
        if count >= MAX_STATEMENTS:
            found.append(SqlStatement("unknown", marks=frozenset({"unreadable"})))
            break
        found.extend(_read(tokens, reading.text[tokens[0].at : end], reading, effort))
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


def _read(
    tokens: Sequence[Token], text: str, reading: Reading, effort: Effort
) -> list[SqlStatement]:
    first = tokens[0].text if tokens[0].kind != NAME else ""
    marks = _effects(tokens)
    if first in _EXPLAINS:
        inner = _explained(tokens)
        if inner is None and first == "explain" and len(tokens) > 2 and tokens[2].text != ".":
            return [SqlStatement("unknown", marks=marks | {"code"})]
        if inner is not None:
            skipped = tokens[inner].at - tokens[0].at
            return _read(tokens[inner:], text[skipped:], reading, effort)
    if len(tokens) > MAX_TOKENS or _depth(tokens) > MAX_DEPTH:
        return _unread(tokens, marks | {"unreadable"})
    if first not in _PARSED:
        if first in _CALM and _has_second(tokens, first):
            marks |= {"second_statement"}
        return [_marked(item, marks) for item in read_administration(tokens)]
    special = read_administration(tokens, only_special=True)
    if special:
        return [_marked(item, marks) for item in special]
    tree = parse_statement(text, reading.parser, tokens=len(tokens), effort=effort)
    if tree is None:
        return _unread(tokens, marks | {"unreadable"})
    # The parser's classes are imported with it, not before.
    from permit0.normalize.sql.trees import read_tree

    try:
        found = read_tree(tree)
    except RecursionError:
        return _unread(tokens, marks | {"unreadable"})
    if found[0].verb == "select" and first in _ALSO:
        return _unread(tokens, marks | {"unreadable"})
    if _has_second(tokens, found[0].verb):
        marks |= {"second_statement"}
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
    first = tokens[0].text
    if first in ("create", "alter", "drop", "truncate"):
        found = [_marked(item, marks) for item in read_administration(tokens)]
    elif first == "replace":
        objects = frozenset({token.text for token in tokens[1:3]} - {"into"})
        found.append(SqlStatement("insert", objects=objects, marks=marks | {"replaces"}))
    found += [SqlStatement(verb, marks=marks) for word, verb in _ALSO.items() if word in words]
    return found


def _effects(tokens: Sequence[Token]) -> frozenset[str]:
    """Marks of what is named or written, whatever the tree says."""
    marks: set[str] = set()
    last = len(tokens) - 1
    for i, token in enumerate(tokens):
        text = token.text
        if token.kind in (WORD, NAME):
            effect = EFFECTS.get(text if token.kind == WORD else text.casefold())
            if effect is None:
                continue
            called = i < last and tokens[i + 1].text in "(."
            if (
                called
                or "_" in text
                or (effect == "effect" and i > 0 and tokens[i - 1].text == ".")
            ):
                marks.add(effect)  # `seq.nextval` needs no bracket
        elif token.kind == SIGN and text in "{}":
            marks.add("construct")  # a template, or an escape of a driver
        elif token.kind == VALUE and text[0] == "@" and i > 0 and _ends_operand(tokens, i - 1):
            marks.add("network")  # `orders@elsewhere` is a table of another host to Oracle
    return frozenset(marks)


def _has_second(tokens: Sequence[Token], verb: str) -> bool:
    """Whether a word starts another statement without a separator, as T-SQL lets it.

    verb: what the statement is; its own word may stand behind the clauses of WITH.
    """
    last = len(tokens) - 1
    for i in range(1, last + 1):
        token = tokens[i]
        if token.kind == WORD and token.text in STATEMENT_WORDS and _ends_operand(tokens, i - 1):
            called = i < last and tokens[i + 1].text == "("
            if called and token.text not in _NEVER_CALLED:
                continue
            if not _goes_on(token.text, tokens, i, verb):
                return True
    return False


_NEVER_CALLED: Final = frozenset({"exec", "execute", "select", "with", "delete"})


def _ends_operand(tokens: Sequence[Token], i: int) -> bool:
    token = tokens[i]
    if token.kind == SIGN:
        return token.text in ")]*"
    if token.kind != WORD or token.text not in OPERAND_FOLLOWS:
        return True
    return i > 0 and tokens[i - 1].text in ("as", ".")  # a name that is called like a keyword


def _goes_on(word: str, tokens: Sequence[Token], i: int, verb: str) -> bool:
    """Whether a word that can start a statement goes on with this one here."""
    first = tokens[0].text
    before = tokens[i - 1]
    previous = before.text if before.kind == WORD else ""
    following = tokens[i + 1].text if i < len(tokens) - 1 else ""
    if i == 1 and first in (
        "show",
        "begin",
        "start",
        "commit",
        "rollback",
        "end",
        "describe",
        "desc",
    ):
        return True
    match word:
        case "select":
            return previous == "minus" or first in ("insert", "create", "with", "replace", "merge")
        case "with":
            return following in _BEHIND_WITH
        case "set":
            return previous in ("update", "on", "delete", "character") or (
                first in ("update", "alter", "merge", "insert", "with", "replace")
                and verb != "select"
            )
        case "update" | "delete" | "insert":
            # `for update`, `on delete cascade`, `do update`, `with x as (...) delete from`
            if previous in ("on", "for", "do", "then", "before", "after", "or", "key"):
                return verb != "select" or previous in ("for", "key")
            return first == "with" and before.text == ")" and word == verb
        case "replace":
            return previous in ("or", "insert") and first in ("insert", "create")
        case "if":
            return first in ("alter", "drop", "create", "truncate") and previous != ""
        case (
            "add"
            | "drop"
            | "alter"
            | "rename"
            | "disable"
            | "enable"
            | "move"
            | "cluster"
            | "reset"
        ):
            return first == "alter"
        case "do":
            return first == "insert" or verb == "insert"
        case "fetch":
            return following in ("first", "next")
        case "execute" | "exec" | "call" | "begin" | "return":
            return first == "create"
        case _:
            return False


_BEHIND_WITH: Final = frozenset(
    {
        "time",
        "ties",
        "ordinality",
        "offset",
        "check",
        "nocheck",
        "data",
        "no",
        "local",
        "cascaded",
        "(",
    }
    | {"rollup", "local"}
)


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
    starts = _STATEMENT_STARTS if tokens[0].text == "explain" else _STATEMENT_STARTS - {"table"}
    depth = 0
    for i, token in enumerate(tokens[1 : MAX_OPTIONS + 1], start=1):
        if token.kind == SIGN and token.text in "()":
            depth += 1 if token.text == "(" else -1
        elif depth == 0 and token.kind == WORD and token.text in starts:
            return i
    return None


MAX_OPTIONS: Final = 32  # tokens between EXPLAIN and what it explains
_STATEMENT_STARTS: Final = word_set(
    "select with values insert update delete merge create replace execute call declare refresh drop"
    " truncate alter exec do copy grant revoke table from unload export load set"
)
