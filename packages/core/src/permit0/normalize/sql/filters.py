"""Does a condition limit the rows of a statement, or is it as good as none?

Guarantees: False for a missing condition, for one that is always true, and for one whose form is not
known to limit; `or` limits only if both sides do, `and` if one does. Never raises; recursion ends with
the tree, whose depth is bounded.
`exists` never limits: what it asks is often the same for every row.
Does not: know the data. `status = 'paid'` limits, whatever share of the rows that is.
"""

from __future__ import annotations

import re
from typing import Final

from sqlglot import exp

__all__ = ["limits"]

SMALL: Final = 1  # `id > 0`, `length(x) >= 1`: every row there is
LARGE: Final = 1_000_000  # `id < 999999999`: likewise
_YEAR = re.compile(r"\s*(\d{4})-")
EARLY, LATE = 1990, 2100  # a date before or after which there is everything
_ALNUM = re.compile(r"[^\W_]")
_VALUES = (exp.Literal, exp.Placeholder, exp.Parameter, exp.Boolean, exp.HexString, exp.National)
_WRAPPERS = (
    exp.Cast, exp.Lower, exp.Upper, exp.Date, exp.TimestampTrunc, exp.DateTrunc, exp.Extract,
    exp.Trim, exp.Year, exp.Month, exp.Collate, exp.Dot, exp.Bracket, exp.JSONExtract,
    exp.JSONExtractScalar, exp.JSONBExtract, exp.JSONBExtractScalar, exp.Paren, exp.TsOrDsToDate,
)  # fmt: skip


def limits(condition: exp.Expr | None) -> bool:
    """Whether a condition limits the rows."""
    if condition is None:
        return False
    if condition.args.get("negate"):
        return False  # `is not null`, `not in`: every row but some
    if isinstance(condition, exp.Where | exp.Paren):
        return limits(condition.this)
    if isinstance(condition, exp.And):
        return limits(condition.this) or limits(condition.expression)
    if isinstance(condition, exp.Or):
        return limits(condition.this) and limits(condition.expression)
    if isinstance(condition, exp.In):
        return _is_column(condition.this) and _in(condition)
    if isinstance(condition, exp.Between):
        low, high = condition.args.get("low"), condition.args.get("high")
        return _is_column(condition.this) and (
            _bounds(low, above=True) or _bounds(high, above=False)
        )
    if isinstance(condition, exp.Is):
        return _is_column(condition.this) and isinstance(
            condition.expression, exp.Null | exp.Boolean
        )
    if isinstance(condition, exp.Like | exp.ILike | exp.SimilarTo | exp.Glob):
        return _is_column(condition.this) and _pattern(condition.expression)
    if isinstance(condition, exp.RegexpLike | exp.RegexpILike):
        return _is_column(condition.this) and _pattern(condition.expression, least=2)
    if isinstance(condition, exp.EQ | exp.NullSafeEQ):
        return _equal(condition.this, condition.expression)
    if isinstance(condition, exp.GT | exp.GTE | exp.LT | exp.LTE):
        greater = isinstance(condition, exp.GT | exp.GTE)
        left, right = condition.this, condition.expression
        if _is_column(left):
            return _bounds(right, above=greater)
        return _is_column(right) and _bounds(left, above=not greater)
    return False


def _equal(left: exp.Expr, right: exp.Expr) -> bool:
    if _is_column(left):
        return _is_value(right)
    if _is_column(right):
        return _is_value(left)
    pair = isinstance(left, exp.Tuple) and isinstance(right, exp.Tuple)
    return pair and any(map(_equal, left.expressions, right.expressions))


def _in(condition: exp.In) -> bool:
    query = condition.args.get("query")
    if query is not None:
        return _query_limits(query)
    return bool(condition.expressions) and all(
        _is_value(item) or _query_limits(item) for item in condition.expressions
    )


def _query_limits(query: exp.Expr | None) -> bool:
    while isinstance(query, exp.Subquery | exp.Paren):
        query = query.this
    return isinstance(query, exp.Select) and limits(query.args.get("where"))


def _is_column(node: exp.Expr | None) -> bool:
    """A column, or what is computed from one and keeps its values apart."""
    while isinstance(node, _WRAPPERS):
        node = node.expression if isinstance(node, exp.Extract) else node.this
    return isinstance(node, exp.Column) and not isinstance(node.this, exp.Star)


def _is_value(node: exp.Expr | None) -> bool:
    """Something that is the same for every row: no column in it, and no query that is not limited."""
    if node is None:
        return False
    if isinstance(node, _VALUES):
        return True
    if isinstance(node, exp.Subquery):
        return _query_limits(node)
    return node.find(exp.Column, exp.Subquery, exp.Select) is None


def _bounds(node: exp.Expr | None, *, above: bool) -> bool:
    """Whether a comparison with a value leaves rows out. above: the column is to be greater."""
    if node is None or not _is_value(node):
        return False
    negative = isinstance(node, exp.Neg)
    literal = node.this if negative or isinstance(node, exp.Cast | exp.Paren) else node
    if not isinstance(literal, exp.Literal):
        return True
    text = str(literal.this)
    try:
        number = -float(text) if negative else float(text)
    except ValueError:
        year = _YEAR.match(text)
        if year is not None:
            return EARLY <= int(year.group(1)) < LATE
        return _ALNUM.search(text) is not None
    return number > SMALL if above else number < LARGE


def _pattern(node: exp.Expr | None, *, least: int = 1) -> bool:
    while isinstance(node, exp.Escape | exp.Paren):
        node = node.this
    if isinstance(node, exp.Literal):
        return len(_ALNUM.findall(str(node.this))) >= least
    return isinstance(node, exp.Placeholder | exp.Parameter)
