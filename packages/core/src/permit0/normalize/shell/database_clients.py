r"""Which words of a database client's command line are statements.

Guarantees: every text that psql, mysql, sqlite3 and their like would run is listed, with the dialect of the
server; one that is in a file or comes through a pipe is listed as "", which nothing can read.
Instructions that only look (`\\dt`, `.tables`) are left out. Does not: read SQL (normalize.sql).
"""

from __future__ import annotations

import re
from typing import Final

from permit0.normalize.shell.parts import Draft

__all__ = ["client_statements"]

_DIALECTS: Final = {
    "psql": "postgres", "mysql": "mysql", "mariadb": "mysql", "sqlite3": "sqlite", "sqlite": "sqlite",
    "duckdb": "duckdb", "clickhouse-client": "clickhouse", "sqlcmd": "tsql", "bq": "bigquery",
    "snowsql": "snowflake", "usql": "", "pgcli": "postgres", "mycli": "mysql", "cockroach": "postgres",
}  # fmt: skip
# Options whose value is run: long ones, and a letter behind flags that take no value.
_RUN: Final = {
    "psql": re.compile(r"(?s)(?:-[aAbeEHlnqsStxXwW10]*c|--command=?)(.*)"),
    "mysql": re.compile(r"(?s)(?:-[sNBtrfvnwELAbcCqGHXUi]*e|--execute=?)(.*)"),
    "sqlite3": re.compile(r"(?s)-{1,2}cmd=?(.*)"),
    "duckdb": re.compile(r"(?s)-{1,2}(?:cmd|c|s)(?:$|=)(.*)"),
    "clickhouse-client": re.compile(r"(?s)(?:-[nmt]*q|--quer(?:y|ies)=?)(.*)"),
    "sqlcmd": re.compile(r"(?s)-[bEIrkWX]*[Qq](.*)"),
    "snowsql": re.compile(r"(?s)(?:-q|--query=?)(.*)"),
    "usql": re.compile(r"(?s)(?:-c|--command=?)(.*)"),
    "cockroach": re.compile(r"(?s)(?:-e|--execute=?)(.*)"),
}
_FILES: Final = re.compile(
    r"(?s)(?:-[aAbeEHlnqsStxXwW10]*f|--file=?|-{1,2}init=?|-i|--queries-file=?|--source=?)(.*)"
)
_VALUED: Final = frozenset(
    {
        "-separator",
        "-nullvalue",
        "-newline",
        "-maxsize",
        "-mmap",
        "-lookaside",
        "-pagecache",
        "-vfs",
        "-A",
    }
)
_LOOKING: Final = re.compile(
    r"\\(?:d[a-zA-Z+]*|l\+?|z|x|timing|conninfo|encoding|pset|t|a|q|h|\?|echo)\b[^\\|`;]*"
    r"|\.(?:tables?|schema|headers?|mode|databases|indexes|indices|fullschema|help|quit|exit|timeout|width"
    r"|stats|show|version|changes|timer|nullvalue|separator|lint)\b[^;|]*"
)


def client_statements(draft: Draft) -> tuple[tuple[str, str], ...]:
    """(dialect, text) of everything that the client is told to run."""
    dialect = _DIALECTS.get(draft.program)
    if dialect is None:
        return ()
    found = _in_words(draft)
    feed = draft.feed
    if any(redirect.op == "<" for redirect in draft.redirects):
        found.append("")
    elif feed is not None and not found:
        found.append(feed.text or "")
    texts = [text for word in found if (text := _statements(word)) is not None]
    return tuple([(dialect, text) for text in texts])


def _in_words(draft: Draft) -> list[str]:
    program = {"mariadb": "mysql", "mycli": "mysql", "sqlite": "sqlite3", "pgcli": "psql"}.get(
        draft.program, draft.program
    )
    run = _RUN.get(program)
    argv = draft.argv
    found: list[str] = []
    operands: list[str] = []
    i = 0
    while i < len(argv):
        word = argv[i]
        told = None if run is None else run.fullmatch(word)
        filed = None if told is not None else _FILES.fullmatch(word)
        match = told or filed
        if match is not None:
            attached = match.group(1)
            if not attached:  # the next word is the value
                i += 1
                attached = argv[i] if i < len(argv) else ""
            found.append(str(attached) if told is not None else "")
        elif word in _VALUED:
            i += 1
        elif not word.startswith("-"):
            operands.append(str(word))
        i += 1
    if program in ("sqlite3", "duckdb"):
        found += operands[1:]
    elif program == "bq" and "query" in operands:
        found += operands[operands.index("query") + 1 :]
    return found


def _statements(text: str) -> str | None:
    """A text without the lines that only look; None if there is nothing else."""
    if "\\" not in text and "." not in text:
        return text
    lines = [line for line in text.split("\n") if not _LOOKING.fullmatch(line.strip())]
    rest = "\n".join(lines)
    return rest if rest.strip() or not text.strip() else None
