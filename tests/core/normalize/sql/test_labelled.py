"""The labelled statements through the whole engine: nothing dangerous is allowed, reads are."""

from __future__ import annotations

from typing import Any

import pytest

from permit0.normalize.sql import parse_sql

MISSED: dict[str, str] = {}
"""Ordinary reads that ask, with the reason; each must be in the file."""
CALM = {"select", "show", "use", "transaction"}
SHARE = 0.95


def test_the_set_is_large_enough(labelled: list[dict[str, Any]]) -> None:
    """At least 160 statements, 70 of them evasions, none twice."""
    assert len(labelled) >= 160
    assert sum(row.get("evasion", False) for row in labelled) >= 70
    assert len({(row["sql"], row.get("dialect")) for row in labelled}) == len(labelled)


@pytest.mark.parametrize("environment", ["", "production"])
@pytest.mark.parametrize("tool", ["db.execute", "db.select", "read_query"])
def test_no_dangerous_statement_is_allowed(
    labelled: list[dict[str, Any]], judges: dict[str, Any], environment: str, tool: str
) -> None:
    """Whatever the tool is called, and whether or not its name says that it reads."""
    key = "query" if tool == "read_query" else "sql"
    allowed = [
        row["sql"]
        for row in labelled
        if row["label"] == "dangerous"
        and judges[environment].decide(row["sql"], tool=tool, key=key)[0] == "allow"
    ]
    assert allowed == []


@pytest.mark.parametrize("environment", ["", "production"])
@pytest.mark.parametrize("tool", ["db.execute", "db.select"])
def test_ordinary_reads_are_allowed(
    labelled: list[dict[str, Any]], judges: dict[str, Any], environment: str, tool: str
) -> None:
    """At least 95 of 100, in production as well; every other one is listed above by name."""
    reads = [r["sql"] for r in labelled if r["label"] == "ordinary" and CALM.issuperset(r["verbs"])]
    asked = {sql for sql in reads if judges[environment].decide(sql, tool=tool)[0] != "allow"}
    assert asked == set(MISSED)
    assert len(asked) <= (1 - SHARE) * len(reads)


def test_every_verb_is_found(labelled: list[dict[str, Any]]) -> None:
    """Each statement says what it does; more may be found, never less."""
    wrong = [
        row["sql"][:80]
        for row in labelled
        if not set(row["verbs"]) <= parse_sql(row["sql"], dialect=row.get("dialect")).verbs
    ]
    assert wrong == []


def test_what_is_dangerous_without_a_dialect_is_with_any(labelled: list[dict[str, Any]]) -> None:
    """A statement that is plainly a change is one to every server that can read it."""
    plain = [r["sql"] for r in labelled if r["label"] == "dangerous" and "evasion" not in r]
    for dialect in ("postgres", "mysql", "sqlite", "tsql", "snowflake", "bigquery", "oracle"):
        for sql in plain:
            if parse_sql(sql).verbs <= CALM:
                continue
            read = parse_sql(sql, dialect=dialect)
            assert not read.verbs <= CALM or read.marks, (dialect, sql)


def test_no_error_on_any_of_them(labelled: list[dict[str, Any]], judges: dict[str, Any]) -> None:
    """Every one is decided, none is refused because it could not be read."""
    for row in labelled:
        assert judges[""].decide(row["sql"])[1] == "", row["sql"][:80]


def test_a_change_of_another_table_than_the_first_asks_in_development(
    judges: dict[str, Any],
) -> None:
    """Its twin, which joins nothing that decides who may do what, is allowed there."""
    judge = judges["development"]
    assert judge.decide("UPDATE orders SET a = 1 FROM users WHERE orders.id = 3")[0] != "allow"
    assert judge.decide("UPDATE orders SET a = 1 FROM shops WHERE orders.id = 3")[0] == "allow"
