"""Laws of the reader: no text breaks it, and no words that are added make a danger calm.

benchmarks/fuzz_sql.py makes the texts, and more of them than fit here.
"""

from __future__ import annotations

import json
from pathlib import Path
from types import ModuleType
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from permit0.normalize.sql import parse_sql

VECTORS = Path(__file__).parents[3] / "vectors" / "sql.jsonl"
DANGEROUS = [
    row["sql"]
    for row in map(json.loads, VECTORS.read_text(encoding="utf-8").splitlines())
    if row["label"] == "dangerous" and len(row["sql"]) < 1000
]
SEEDS = st.integers(min_value=0, max_value=2**32)
FIXTURES = [HealthCheck.function_scoped_fixture, HealthCheck.too_slow]


@settings(max_examples=1000, deadline=None, suppress_health_check=FIXTURES)
@given(seed=SEEDS, sql=st.sampled_from(DANGEROUS))
def test_adding_words_never_makes_a_statement_calm(
    fuzz: ModuleType, judges: dict[str, Any], seed: int, sql: str
) -> None:
    """Comments, case, blanks, clauses around it, harmless statements beside it."""
    changed = fuzz.changed(fuzz.generator(seed), sql)
    assert judges["production" if seed % 2 else ""].decide(changed)[0] != "allow", changed


@settings(max_examples=1000, deadline=None, suppress_health_check=FIXTURES)
@given(seed=SEEDS)
def test_what_is_allowed_as_a_read_changes_nothing(
    fuzz: ModuleType, judges: dict[str, Any], seed: int
) -> None:
    """SQLite runs what counts as a plain read, and sees nothing but reading."""
    sql = fuzz.soup(fuzz.generator(seed))
    outcome, error = judges["development"].decide(sql)
    assert error == ""
    if outcome == "allow" and parse_sql(sql).verbs <= {"select", "show", "use", "transaction"}:
        assert not fuzz.changes_sqlite(sql), sql


@settings(max_examples=600, deadline=None)
@given(sql=st.text(max_size=200))
def test_any_text_is_read(sql: str) -> None:
    """Never an exception, and the same answer twice."""
    assert parse_sql(sql) == parse_sql(sql)


@settings(max_examples=300, deadline=None)
@given(seed=SEEDS, dialect=st.sampled_from(["postgres", "mysql", "tsql", "bigquery", "x", ""]))
def test_a_known_dialect_reads_any_text(fuzz: ModuleType, seed: int, dialect: str) -> None:
    """Also with quotes and comments of other servers in it."""
    parse_sql(fuzz.soup(fuzz.generator(seed)), dialect=dialect)


def test_the_oracle_sees_a_change(fuzz: ModuleType) -> None:
    """The twin: SQLite tells a change from a read."""
    assert fuzz.changes_sqlite("delete from orders")
    assert fuzz.changes_sqlite("select 1; drop table t")
    assert not fuzz.changes_sqlite("select * from orders where id = 1")
