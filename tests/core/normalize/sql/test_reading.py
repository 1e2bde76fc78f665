"""What a text is read as: statements, targets, conditions, marks."""

from __future__ import annotations

import subprocess
import sys
import time

import pytest

from permit0.normalize.sql import (
    MARKS,
    MAX_BYTES,
    MAX_DEPTH,
    MAX_STATEMENTS,
    SqlStatement,
    parse_sql,
)


def only(sql: str, dialect: str | None = None) -> SqlStatement:
    """The one statement of a text."""
    (statement,) = parse_sql(sql, dialect=dialect).statements
    return statement


def test_a_read_names_its_tables_columns_functions_and_limit() -> None:
    """However deep they stand, and whatever they are called in the query."""
    read = only(
        "SELECT lower(a.name) AS n FROM (SELECT name FROM shop.items) a WHERE a.id = 3 LIMIT 5"
    )
    assert read.tables == {"shop.items"}
    assert {"name", "id"} <= read.columns
    assert read.functions == {"lower"}
    assert read.limit == 5


def test_a_name_of_a_clause_is_no_table() -> None:
    """`with recent as (...)`: what is read is behind it."""
    assert only("WITH recent AS (SELECT id FROM orders) SELECT * FROM recent").tables == {"orders"}


def test_a_count_is_one_row_and_a_list_in_one_row_is_not() -> None:
    """An aggregate that gathers values hands out as many as there are."""
    assert only("SELECT count(*), max(id) FROM users").limit == 1
    assert only("SELECT string_agg(email, ',') FROM users LIMIT 1").limit is None


@pytest.mark.parametrize(
    "condition",
    [
        "id = 3", "id IN (1, 2)", "name LIKE 'a%'", "id = 3 AND 1 = 1", "id = ?", "id = $1",
        "id BETWEEN 3 AND 9", "id IN (SELECT id FROM b WHERE b.x = 3)",
        "created_at < '2024-01-01'", "lower(name) = 'bob'", "3 = id", "id = 3 OR id = 4",
        "shipped IS NULL",
        "(a, b) = (1, 2)", "id = (SELECT max(id) FROM t WHERE x = 1)",
    ],
)  # fmt: skip
def test_a_condition_that_limits(condition: str) -> None:
    """The rows that are meant can be told."""
    found = parse_sql(f"UPDATE t SET a = 1 WHERE {condition}").statements  # noqa: S608  # only read
    assert found[0].filtered


@pytest.mark.parametrize(
    "condition",
    [
        "1 = 1", "true", "id = id", "id = 3 OR true", "id > 0", "id >= 1", "id IS NOT NULL", "name LIKE '%'",
        "name LIKE '%%'", "NOT id = 3", "id <> 3", "'a' = 'a'", "id = coalesce(id, 1)", "id < 999999999",
        "id BETWEEN 0 AND 99999999", "EXISTS (SELECT 1)",
        "EXISTS (SELECT 1 FROM b WHERE b.id = 3)", "id IN (SELECT id FROM t)", "length(name) >= 0",
        "created_at > '1970-01-01'", "abs(id) > -1", "id NOT IN (1)", "id = id + 0", "id * 0 = 0", "(1 = 1)",
        "active", "coalesce(a, 1) = 1", "name ~ '.'", "id = any(select id from t)", "id in (3, id)",
    ],
)  # fmt: skip
def test_a_condition_that_is_none(condition: str) -> None:
    """Every row, or one cannot tell."""
    found = parse_sql(f"UPDATE t SET a = 1 WHERE {condition}").statements  # noqa: S608  # only read
    assert not found[0].filtered


def test_a_change_names_what_it_changes() -> None:
    """Objects, kinds, rights."""
    drop = only("DROP TABLE IF EXISTS a, shop.b CASCADE")
    assert (drop.kind, drop.objects, drop.cascade) == ("table", frozenset({"a", "shop.b"}), True)
    grant = only("GRANT SELECT ON orders TO bob WITH GRANT OPTION")
    assert (grant.right, grant.grantee, grant.objects, grant.cascade) == (
        "select", "bob", frozenset({"orders"}), True,
    )  # fmt: skip
    role = only("CREATE ROLE x")
    assert (role.kind, role.objects) == ("role", frozenset({"x"}))


def test_a_copy_names_where_it_goes() -> None:
    """Files, addresses and programs, each with its mark."""
    out = only("COPY orders TO PROGRAM 'gzip > /tmp/x'")
    assert (out.verb, out.programs) == ("copy_out", ("gzip > /tmp/x",))
    assert only("COPY orders FROM '/tmp/x'").paths == ("/tmp/x",)
    assert only("UNLOAD ('select 1') TO 's3://b/x'").urls == ("s3://b/x",)
    assert only("COPY orders TO STDOUT").marks == frozenset()


def test_servers_that_differ_give_both_readings() -> None:
    """A backslash that hides a statement from one of them."""
    read = parse_sql("SELECT 'a\\', '; DROP TABLE t; -- '")
    assert "drop" in read.verbs
    assert "ambiguous" in read.marks
    assert parse_sql("SELECT 'a\\', '; DROP TABLE t; -- '", dialect="postgres").verbs == {"select"}


def test_servers_that_differ_about_nothing_that_matters_agree() -> None:
    """The twin: an operator of one that is a comment of another, and a read to both."""
    assert parse_sql("SELECT data #>> '{a}' FROM t").marks == frozenset()
    assert parse_sql("SELECT `id`, [name] FROM t -- x\n").marks == frozenset()


def test_every_mark_has_a_meaning() -> None:
    """Nothing is marked with a word that nobody explains."""
    for sql in (
        "\\! x",
        "SELECT f()",
        "VACUUM",
        "SELECT 1 x DROP",
        "SELECT U&'a'",
        "SELECT nextval('a')",
    ):
        assert parse_sql(sql).marks <= MARKS.keys()


def _list_of(count: int) -> str:
    return f"SELECT 1 FROM t WHERE id IN ({','.join('1' * count)})"  # noqa: S608  # only read


def test_a_text_beyond_a_bound_is_unreadable() -> None:
    """Length, statements, depth; each has a twin within."""
    for text in (
        "SELECT 1 -- " + "x" * MAX_BYTES,
        "SELECT 1;" * (MAX_STATEMENTS + 1),
        "SELECT " + "(" * (MAX_DEPTH + 1) + "1" + ")" * (MAX_DEPTH + 1),
        "SELECT " + "NOT " * 40 + "a FROM t",
        _list_of(5000),
    ):
        assert "unreadable" in parse_sql(text).marks
    for text in (
        "SELECT 1 -- " + "x" * (MAX_BYTES - 100),
        "SELECT 1;" * MAX_STATEMENTS,
        "SELECT " + "(" * 20 + "1" + ")" * 20,
        _list_of(1500),
    ):
        assert parse_sql(text).marks == frozenset()


@pytest.mark.parametrize(
    "sign", [*"'\"`[]()#$\\;-*/.", "/*", "--", "/*!", "\n", "\\g ", "go\n", "e'", "[a ", "not "]
)
def test_the_worst_texts_take_a_moment(sign: str) -> None:
    """No pattern takes time that grows with the square of a text."""
    text = (sign * MAX_BYTES)[:MAX_BYTES]
    start = time.process_time()
    parse_sql(text)
    assert time.process_time() - start < 5  # about 0.3 s on an idle machine


def test_a_deep_stack_is_no_crash() -> None:
    """The caller may be deep in its stack already."""

    def deep(levels: int) -> frozenset[str]:
        return (
            deep(levels - 1) if levels else parse_sql("SELECT " + "(" * 20 + "1" + ")" * 20).marks
        )

    assert deep(sys.getrecursionlimit() - 300) <= MARKS.keys()


def test_the_parser_is_not_imported_before_it_is_needed() -> None:
    """Calls without SQL pay nothing."""
    code = (
        "import sys; from permit0.testing.deployment import *; import permit0.normalize.sql, permit0.build;"
        "sys.exit('sqlglot' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_nothing_is_logged(capfd: pytest.CaptureFixture[str]) -> None:
    """What a parser does not support is not written to anybody's screen."""
    for sql in (
        "ALTER TABLE a FROB x",
        "CREATE FROB x",
        "SELECT a -> '$[' FROM t",
        "COMMENT ON x IS 'y'",
    ):
        parse_sql(sql)
    out, err = capfd.readouterr()
    assert out + err == ""
