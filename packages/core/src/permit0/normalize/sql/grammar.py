"""The boundary to the parser (sqlglot): text of one statement to a tree, or nothing.

Guarantees:
  * a statement that no parser of the dialects in question reads gives None, never half a tree;
  * nothing is logged or printed: the parser's fall-back for what it does not support is an error here;
  * the library is imported when the first statement comes (about 0.17 s, once), not before.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import TYPE_CHECKING, Any, Final

from permit0.normalize.sql.dialects import PARSER_ORDER

if TYPE_CHECKING:
    from sqlglot import exp

__all__ = ["MAX_EFFORT", "Effort", "load_parser", "parse_statement"]

MAX_EFFORT: Final = 16_384
"""Tokens that parsers may be given for one text, each attempt counted. One takes about 25 microseconds."""


class Effort:
    """What is left of MAX_EFFORT for one text."""

    __slots__ = ("left",)

    def __init__(self) -> None:
        self.left = MAX_EFFORT


def parse_statement(text: str, parser: str, *, tokens: int, effort: Effort) -> exp.Expr | None:
    """The tree of one statement.

    Args:
        text: One statement, as a reading wrote it.
        parser: Dialect to read it in; "" to take the first that can.
        tokens: How many it has.
        effort: Of the text; when none is left, nothing is parsed any more.
    """
    for name in (parser,) if parser else PARSER_ORDER:
        effort.left -= tokens
        if effort.left < 0:
            return None
        tree = _parse(text, name)
        if tree is not None:
            return tree
    return None


def _parse(text: str, name: str) -> exp.Expr | None:
    dialect, parser_class, errors = load_parser(name)
    try:
        found: Sequence[exp.Expr | None] = parser_class(dialect=dialect).parse(
            dialect.tokenize(text), text
        )
    except errors:
        return None
    except Exception:  # noqa: BLE001  # boundary to a parser that raises whatever its bugs raise
        return None
    return found[0] if len(found) == 1 else None


@cache
def load_parser(name: str) -> tuple[Any, Any, tuple[type[Exception], ...]]:
    """A dialect, its parser that never falls back, and the errors of both. Immutable, kept."""
    from sqlglot import Dialect  # heavy: 0.17 s, and few calls hold SQL
    from sqlglot.errors import SqlglotError  # as above

    dialect: Any = Dialect.get_or_raise(name)
    # Its own reader of paths writes what it cannot read to the log, which may be anybody's.
    dialect.to_json_path = lambda path: path

    def refuse(self: object) -> None:
        raise SqlglotError("unsupported syntax")

    strict = type("StrictParser", (dialect.parser_class,), {"_warn_unsupported": refuse})
    return dialect, strict, (SqlglotError, RecursionError)
