"""Read a text of SQL and say what each of its statements does.

Guarantees:
  * every statement is listed, changes inside reads as well; what cannot be read is marked "unreadable",
    never dropped, and what two servers read differently is listed in both readings;
  * a read without marks is one whose every part is known to compute only;
  * adding words to a text never takes a mark or a statement away that stood alone;
  * bounded work: MAX_BYTES of text in MAX_PIECES pieces, MAX_STATEMENTS of it, MAX_TOKENS and MAX_DEPTH of
    a statement, MAX_EFFORT of parsing; the worst text takes about a second, an ordinary one a
    millisecond. What is beyond a bound is marked "unreadable".
Does not: run or resolve anything, know the schema or the rights of the account, decide (policy), or look
into views, triggers and functions that a statement sets off.

Order of a read:
  1. check the input;  2. cut it into tokens, once for every way servers may (readings);
  3. split it into statements, and tell them by first word or parse them (statements, trees);
  4. compare the readings;  5. add what the text as a whole shows (dangers).
"""

from __future__ import annotations

from typing import Final

from permit0.normalize.sql.dangers import client_marks, folded_words, word_marks
from permit0.normalize.sql.grammar import MAX_EFFORT, Effort
from permit0.normalize.sql.readings import MAX_PIECES, readings
from permit0.normalize.sql.statements import MAX_DEPTH, MAX_STATEMENTS, MAX_TOKENS, read_statements
from permit0.normalize.sql.values import MARKS, SqlStatement, SqlText

__all__ = [
    "MARKS",
    "MAX_BYTES",
    "MAX_DEPTH",
    "MAX_EFFORT",
    "MAX_PIECES",
    "MAX_STATEMENTS",
    "MAX_TOKENS",
    "SqlStatement",
    "SqlText",
    "parse_sql",
]

MAX_BYTES: Final = 64 * 1024
"""UTF-8 bytes of one text. Longer is a script, which nobody reads statement by statement."""

_UNREADABLE: Final = frozenset({"unreadable"})
_CALM_VERBS: Final = frozenset({"select", "show", "use", "transaction"})


def parse_sql(text: str, *, dialect: str | None = None) -> SqlText:
    """Read a text. Never raises for a text.

    Args:
        text: What a server is to run.
        dialect: "postgres", "mysql" ...; None or an unknown name: every one is considered.

    Returns:
        Its statements. One without statements is empty, or only a comment.
    """
    # 1. The input.
    if len(text) > MAX_BYTES or (not text.isascii() and _bytes(text) > MAX_BYTES):
        return SqlText((SqlStatement("unknown", marks=_UNREADABLE),), _UNREADABLE)
    odd = "\0" in text or _bytes(text) < 0
    # 2. to 4.
    statements: dict[SqlStatement, None] = {}
    found = readings(text, dialect)
    marks: set[str] = set()
    several = len(found) > 1
    calm = True
    effort = Effort()
    for reading in found:
        items = read_statements(reading, effort)
        calm = calm and not reading.marks and all(map(_is_calm, items))
        marks |= reading.marks
        statements.update(dict.fromkeys(items))
    if several and not calm:
        marks.add("ambiguous")
    # 5. The text as a whole.
    client, programs = client_marks(text)
    marks |= client
    if odd:
        marks.add("ambiguous")
    if programs:
        statements[SqlStatement("unknown", programs=programs, marks=client)] = None
    for statement in statements:
        marks |= statement.marks
    words = folded_words(text)
    if marks or not all(map(_is_calm, statements)):
        marks |= word_marks(words, statements)
    return SqlText(tuple(statements), frozenset(marks), words)


def _is_calm(statement: SqlStatement) -> bool:
    return statement.verb in _CALM_VERBS and not statement.marks


def _bytes(text: str) -> int:
    """UTF-8 bytes; -1 for a lone surrogate."""
    try:
        return len(text.encode())
    except UnicodeEncodeError:
        return -1
