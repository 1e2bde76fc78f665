"""A statement that the reader of SQL is to overlook, and the server is not.

Comments that run, quotes that end elsewhere, statements without a separator, writes in a clause, files and
programs behind a read: each asks, and its twin without the trick is allowed.
"""

from __future__ import annotations

import pytest

from permit0.engine import Engine
from permit0.model.vocabulary import Outcome


def is_allowed(engine: Engine, tool: str, **arguments: str) -> bool:
    """Whether a call is allowed, each in a session of its own."""
    session = repr(arguments)
    return engine.check(tool, arguments, session=session).outcome is Outcome.ALLOW


@pytest.mark.parametrize(
    ("trick", "twin"),
    [
        ("SELECT 1 /*!50000 INTO OUTFILE '/tmp/x' */", "SELECT 1 /* INTO OUTFILE '/tmp/x' */"),
        ("SELECT 'a\\'; DROP TABLE t; -- '", "SELECT 'a''; DROP TABLE t; -- '"),
        ("SELECT 1 # '\n; DELETE FROM t; -- '", "SELECT 1 -- '\n"),
        ("SELECT 1 AS limit SHUTDOWN", "SELECT 1 AS shutdown"),
        ("SELECT 1 DELETE FROM orders", "SELECT 1 AS x FROM orders"),
        ("WITH x AS (DELETE FROM t RETURNING 1) SELECT 1", "WITH x AS (SELECT 1) SELECT 1 FROM x"),
        ("SELECT * FROM '/etc/passwd'", "SELECT * FROM entries"),
        ("SELECT lower(pg_read_file('/etc/passwd'))", "SELECT lower('/etc/passwd')"),
        ("EXPLAIN ANALYZE DELETE FROM t", "EXPLAIN ANALYZE SELECT 1 FROM t"),
        ("SELECT * FROM users WHERE 1 = 1", "SELECT * FROM users WHERE id = 1"),
        (
            "SELECT p FROM (SELECT password AS p FROM m) x",
            "SELECT p FROM (SELECT name AS p FROM m) x",
        ),
        ("SELECT 1\\g | sh", "SELECT 1"),
        ("SELECT\u00a01", "SELECT 1"),
    ],
)
def test_a_hidden_statement_asks(engine: Engine, trick: str, twin: str) -> None:
    """The trick asks, the twin is allowed."""
    assert not is_allowed(engine, "db.execute", sql=trick)
    assert is_allowed(engine, "db.execute", sql=twin)


@pytest.mark.parametrize(
    ("tool", "key"), [("read_query", "query"), ("query", "sql"), ("sql_db_query", "query")]
)
def test_a_tool_that_reads_by_its_name_is_judged_by_its_statement(
    engine: Engine, tool: str, key: str
) -> None:
    """`read_query` with a deletion is a deletion."""
    assert not is_allowed(engine, tool, **{key: "DELETE FROM orders"})
    assert is_allowed(engine, tool, **{key: "SELECT id FROM orders"})


def test_a_call_cannot_choose_the_dialect_in_which_it_is_harmless(engine: Engine) -> None:
    """What a call says of its server is not believed."""
    hidden = "SELECT 'a\\', '; DROP TABLE t; -- '"
    for dialect in ("postgres", "mysql", "sqlite"):
        assert not is_allowed(engine, "db.execute", sql=hidden, dialect=dialect)


@pytest.mark.parametrize(
    ("line", "twin"),
    [
        ('psql -qtAc"DROP TABLE orders"', 'psql -qtAc"SELECT id FROM orders"'),
        ("mysql -uroot --execute='UPDATE t SET a = 1'", "mysql -uroot --execute='SELECT 1'"),
        ("sqlite3 -readonly x.db 'select 1' 'delete from t'", "sqlite3 -readonly x.db 'select 1'"),
        ("psql -f changes.sql", "psql -l"),
        ("cat changes.sql | psql shop", "echo 'SELECT 1' | psql shop"),
        ("psql shop < changes.sql", "psql shop -c 'SELECT 1'"),
        ("psql -c \"SELECT pg_read_file('/etc/passwd')\"", "psql -c '\\dt'"),
        ("sqlite3 x.db '.shell id'", "sqlite3 x.db .tables"),
        (
            "docker exec db psql -U postgres -c 'TRUNCATE t'",
            "docker exec db psql -U postgres -c 'SELECT 1'",
        ),
    ],
)
def test_a_statement_in_a_shell_line_is_judged(engine: Engine, line: str, twin: str) -> None:
    """A database client is told what to do in its arguments, through a pipe or from a file."""
    assert not is_allowed(engine, "process.shell", command=line)
    if not line.startswith("docker"):  # which asks in any case
        assert is_allowed(engine, "process.shell", command=twin)
