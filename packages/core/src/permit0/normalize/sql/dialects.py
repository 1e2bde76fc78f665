"""How servers tell words, strings and comments apart, and which parser reads what they say.

Most attacks on a reader of SQL are texts of which one server sees a comment where another sees a
statement. The differences are few and are data here; `readings` tries all that can apply.
Sources: the lexical chapters of the manuals of the servers named.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

import msgspec

__all__ = ["DIALECTS", "EVERY_LEXER", "PARSER_ORDER", "Lexer", "find_dialect"]


class Lexer(msgspec.Struct, frozen=True):
    r"""The lexical habits of a server.

    backslash: `\'` does not end a string. escapes: only in strings after E.
    hashes: `#` starts a comment. slashes: `//` does. spaced: `--` needs a blank behind it.
    nested: comments nest. executable: `/*!` is code. dollar: `$tag$` quotes.
    brackets: `[a b]` is a name. backticks: `` `a b` `` is one. texts: `"a"` is a string.
    triple: three quotes open a string. parser: the parser's name of the dialect.
    """

    parser: str
    backslash: bool = False
    escapes: bool = False
    hashes: bool = False
    slashes: bool = False
    spaced: bool = False
    nested: bool = False
    executable: bool = False
    dollar: bool = False
    brackets: bool = False
    backticks: bool = False
    texts: bool = False
    triple: bool = False


_POSTGRES = Lexer(parser="postgres", escapes=True, nested=True, dollar=True)
_MYSQL = Lexer(
    parser="mysql", backslash=True, hashes=True, spaced=True, executable=True, backticks=True
)
_SQLITE = Lexer(parser="sqlite", brackets=True, backticks=True)
_TSQL = Lexer(parser="tsql", nested=True, brackets=True)
_BIGQUERY = Lexer(parser="bigquery", backslash=True, hashes=True, backticks=True, triple=True)
_SNOWFLAKE = Lexer(parser="snowflake", backslash=True, slashes=True, dollar=True)
_ORACLE = Lexer(parser="oracle")
_CLICKHOUSE = Lexer(parser="clickhouse", backslash=True, hashes=True, dollar=True, backticks=True)
_SPARK = Lexer(parser="databricks", backslash=True, nested=True, backticks=True)

EVERY_LEXER: Final = (
    _POSTGRES, _MYSQL, _SQLITE, _TSQL, _BIGQUERY, _SNOWFLAKE, _ORACLE, _CLICKHOUSE, _SPARK,
)  # fmt: skip
"""What to try if the server is not known."""

PARSER_ORDER: Final = (
    "postgres", "mysql", "tsql", "snowflake", "bigquery", "duckdb", "clickhouse", "oracle",
    "sqlite", "databricks",
)  # fmt: skip
"""Parsers for a text that every lexer reads alike, the most common first."""

DIALECTS: Final[Mapping[str, Lexer]] = MappingProxyType(
    {
        name: lexer
        for lexer, names in (
            (_POSTGRES, "postgres postgresql pg cockroachdb"),
            (msgspec.structs.replace(_POSTGRES, parser="duckdb"), "duckdb motherduck"),
            (msgspec.structs.replace(_POSTGRES, parser="redshift", backslash=True), "redshift"),
            (msgspec.structs.replace(_MYSQL, texts=True), "mysql mariadb"),
            (_SQLITE, "sqlite sqlite3 libsql"),
            (_TSQL, "tsql mssql sqlserver"),
            (msgspec.structs.replace(_BIGQUERY, texts=True), "bigquery"),
            (_SNOWFLAKE, "snowflake"),
            (_ORACLE, "oracle"),
            (_CLICKHOUSE, "clickhouse"),
            (msgspec.structs.replace(_SPARK, texts=True), "databricks spark hive"),
            (msgspec.structs.replace(_ORACLE, parser="trino"), "trino presto athena"),
        )
        for name in names.split()
    }
)
"""Names by which a dialect may be given."""


def find_dialect(name: str | None) -> Lexer | None:
    """The lexer of a dialect; None if it is not given or not known, so that all are tried."""
    return None if name is None else DIALECTS.get(name.strip().casefold())
