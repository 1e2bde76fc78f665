"""Throw SQL at the reader: `python benchmarks/fuzz_sql.py 100000 [seed]`.

Three kinds of texts in turn: dangerous statements that were changed in ways which servers overlook
(comments, case, blanks, clauses around, statements beside), soups of SQL's own words and quotes, and noise.
Asserted for each: no exception, at most MAX_SECONDS, a dangerous statement is never allowed whatever was
added to it, and what counts as a plain read changes nothing when SQLite runs it under an authorizer.
"""

from __future__ import annotations

import contextlib
import json
import random
import sqlite3
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from permit0 import builtin
from permit0.config import parse_org
from permit0.engine import Engine
from permit0.model.limits import SessionLimits
from permit0.normalize.compiler import compile_packs
from permit0.normalize.loader import load_packs
from permit0.normalize.normalizer import Normalizer
from permit0.normalize.organisation import Organisation
from permit0.normalize.sql import parse_sql
from permit0.policy.lists import Lists
from permit0.score.scorer import Scorer
from permit0.sessions.rules import immutable_rules
from permit0.state.memory import MemoryStore
from permit0.taxonomy import load_taxonomy
from permit0.testing.clock import FrozenClock

__all__ = ["Judge", "changed", "changes_sqlite", "generator", "noise", "soup"]

MAX_SECONDS = 3.0
"""Of processor time for one text; see sql/__init__.py for the bounds."""
MAX_CHANGES = 4

_SPACES = (" ", "\n", "\t", "  ", "/**/", " /* x */ ", "\n-- x\n", "/*'*/", '/*"*/', "\r\n")
_BESIDE = (
    "SELECT 1", "SELECT id FROM orders LIMIT 1", "SHOW TABLES", "BEGIN", "COMMIT", "USE shop", "",
    "SELECT 'it''s; fine'", "-- safe: read only\n", "/* approved by admin */", "EXPLAIN SELECT 1",
)  # fmt: skip


def _apart(text: str) -> tuple[str, ...]:
    return tuple(text.split(" "))


_WORDS = _apart(
    "select from where and or not in like is null as join on group by order limit union all with"
    " insert into values update set delete drop table truncate create alter grant to exec begin end"
    " commit case when then else exists returning distinct having offset for lock pragma attach vacuum"
    " explain analyze replace merge using copy program do call shutdown go id name total orders users"
    " password count sum lower pg_sleep nextval load_extension x y t a b 1 0 3 true false"
)
_SIGNS = _apart(
    "; ; ; ' ' '' \" ` [ ] ( ) , . * = < > - -- -- /* */ /*! # $$ $a$ \\ \\' \\\\ E' N' U&' q'[ ''' :: :="
    " @ @x ? $1 % | || + / // \n \r \t \x0b \x00 \u00a0 \uff07 \uff1b : := { } ! ~"
)
_READS_OF_SQLITE = (
    "select id , name from orders where id = 3 limit 5", "select count(*) from orders",
    "select 'a' , \"name\" from orders where name like '%x%'", "select * from t join x on t.x = x.id",
    "with q as ( select id from orders ) select * from q", "select 1 union all select id from x",
    "select case when id > 1 then 'x' else 'y' end from orders", "select ( select max(id) from orders )",
    "select [id] , `name` from orders order by id desc", "select a /* c */ from t -- end\n where b = 1",
    "explain select id from orders", "values (1) , (2)", "select '' ; select 2",
)  # fmt: skip
_WRITES_OF_SQLITE = (
    "; delete from orders", "; drop table t", "; insert into t values (1,2,3,4)", "; pragma user_version = 5",
    "; create table z (a)", "; update orders set id = 9", "; attach ':memory:' as z", "; vacuum", "; reindex",
    "; replace into x values (1)", "; alter table x rename to w", "' ; drop table t ; --", "\\",
    "\" ; drop table t ; --",
    "*/ ; drop table t ; /*", "\n; drop table t", "] ; drop table t ; [", "` ; drop table t ; `",
)  # fmt: skip


def generator(seed: int) -> random.Random:
    """The source of choices for a seed."""
    return random.Random(seed)


def changed(rng: random.Random, sql: str) -> str:
    """A dangerous statement that stays dangerous: written otherwise, or with something beside it."""
    for _ in range(rng.randint(1, MAX_CHANGES)):
        match rng.randrange(7):
            case 0:
                sql = _respaced(rng, sql)
            case 1:
                sql = _recased(rng, sql)
            case 2:
                sql = f"{rng.choice(_BESIDE)};{rng.choice(_SPACES)}{sql}"
            case 3:
                sql = f"{sql}{rng.choice(_SPACES)};{rng.choice(_SPACES)}{rng.choice(_BESIDE)}"
            case 4:
                sql = f"{rng.choice(_SPACES)}{sql}{rng.choice(_SPACES)}"
            case 5 if sql.lstrip()[:6].casefold() in ("delete", "update", "insert"):
                sql = f"WITH q AS ({sql} RETURNING *) SELECT * FROM q"  # noqa: S608  # only judged
            case 6 if "--" not in sql:
                sql = f"EXPLAIN ANALYZE {sql}" if ";" not in sql else sql
            case _:
                pass
    return sql


def _respaced(rng: random.Random, sql: str) -> str:
    if not {"'", '"', "`", "$", "\\", "\n", "-", "/", "[", "#"}.isdisjoint(sql):
        return sql  # a blank may be part of a string or end a line
    return "".join(rng.choice(_SPACES) if sign == " " else sign for sign in sql)


def _recased(rng: random.Random, sql: str) -> str:
    if not {"'", '"', "`", "$", "\\", "["}.isdisjoint(sql):
        return sql
    return "".join(rng.choice((sign.upper(), sign.lower())) for sign in sql)


def soup(rng: random.Random) -> str:
    """Words and signs of SQL in any order, often behind the beginning of a read."""
    if rng.random() < 0.6:
        words = rng.choice(_READS_OF_SQLITE).split(" ")
        for _ in range(rng.randint(1, 3)):
            at = rng.randint(0, len(words))
            words.insert(at, rng.choice(rng.choice((_WORDS, _SIGNS, _WRITES_OF_SQLITE))))
        return " ".join(words)
    count = rng.randint(1, 24)
    parts = [rng.choice(_SIGNS if rng.random() < 0.3 else _WORDS) for _ in range(count)]
    start = rng.choice(
        ("", "select ", "select 1 ", "select id from orders ", "with x as (select 1) ")
    )
    return (
        start + rng.choice(("", " ")).join(parts) if rng.random() < 0.3 else start + " ".join(parts)
    )


def noise(rng: random.Random) -> str:
    """Any signs, and many of one."""
    if rng.random() < 0.2:
        return rng.choice(
            (*_SIGNS, "(", "select ", "not ", "case when ", "a.", "- ", "f(")
        ) * rng.randint(1, 3000)
    return "".join(chr(rng.choice((rng.randrange(128), rng.randrange(0x3000), rng.randrange(0xD800, 0xE000))))
                   for _ in range(rng.randint(0, 60)))  # fmt: skip


class Judge:
    """The built-in packs in an environment, each call with an empty history."""

    def __init__(self, environment: str | None = None) -> None:
        org = parse_org({"environment": environment} if environment else {})
        self._catalog = compile_packs(load_packs(builtin.permit0_pack_files()), load_taxonomy())
        self._normalizer = Normalizer(self._catalog, Organisation(org))
        self._rules = immutable_rules(SessionLimits())
        self._features = (
            *self._catalog.features,
            *(feature for rule in self._rules for feature in rule.features),
        )
        self._scorer = Scorer()

    def decide(self, sql: str, *, tool: str = "db.execute", key: str = "sql") -> tuple[str, str]:
        """The outcome of a call with this text, and the error code if it could not be decided."""
        engine = Engine(
            catalog=self._catalog, normalizer=self._normalizer, scorer=self._scorer,
            rules=self._rules, store=MemoryStore(self._features), clock=FrozenClock(), lists=Lists(),
        )  # fmt: skip
        decision = engine.check(tool, {key: sql})
        return decision.outcome.value, decision.error


_READS = {
    sqlite3.SQLITE_SELECT,
    sqlite3.SQLITE_READ,
    sqlite3.SQLITE_FUNCTION,
    sqlite3.SQLITE_RECURSIVE,
}
_READS |= {sqlite3.SQLITE_TRANSACTION}


def changes_sqlite(sql: str) -> bool:
    """Whether SQLite, asked to run the text, would do more than read."""
    database = sqlite3.connect(":memory:")
    seen: list[int] = []
    try:
        database.executescript(
            "create table orders (id, name, total); create table users (id, password);"
            "create table t (a, b, x, y); create table x (id); insert into orders values (1, 'a', 2)"
        )
        before = database.total_changes

        def note(action: int, *_: object) -> int:
            seen.append(action)
            return sqlite3.SQLITE_OK

        database.set_authorizer(note)
        database.set_progress_handler(lambda: 1, 100_000)
        # What SQLite does not run does nothing; what ran before it was seen.
        with contextlib.suppress(sqlite3.Error, sqlite3.Warning, ValueError, UnicodeError):
            database.executescript(sql)
        return not _READS.issuperset(seen) or database.total_changes != before
    finally:
        database.close()


def _dangerous() -> list[str]:
    path = Path(__file__).parent.parent / "tests" / "vectors" / "sql.jsonl"
    rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    return [row["sql"] for row in rows if row["label"] == "dangerous" and len(row["sql"]) < 1000]


def _texts(rng: random.Random, count: int) -> Iterator[tuple[str, str]]:
    dangerous = _dangerous()
    makers: tuple[tuple[str, Callable[[], str]], ...] = (
        ("dangerous", lambda: changed(rng, rng.choice(dangerous))),
        ("soup", lambda: soup(rng)),
        ("noise", lambda: noise(rng)),
    )
    for i in range(count):
        kind, make = makers[i % len(makers)]
        yield kind, make()


def main(count: int, seed: int) -> int:
    """Run; the number of texts that broke a promise."""
    rng = random.Random(seed)
    judges = [Judge(), Judge("production"), Judge("development")]
    bad = allowed = 0
    slowest = 0.0
    for i, (kind, sql) in enumerate(_texts(rng, count)):
        start = time.process_time()
        read = parse_sql(sql)
        took = time.process_time() - start
        outcome, error = judges[i // 3 % 2].decide(sql)
        slowest = max(slowest, took)
        problem = ""
        if error and error != "lone_surrogate":  # which has no canonical form, whatever the tool
            problem = f"error {error}"
        elif took > MAX_SECONDS:
            problem = f"took {took:.2f} s"
        elif outcome == "allow":
            allowed += 1
            if kind == "dangerous":
                problem = "allowed"
            elif read.verbs <= {"select", "show", "use", "transaction"} and changes_sqlite(sql):
                problem = "a plain read that changes SQLite"
        if problem:
            bad += 1
            print(f"{problem}: {sql[:200]!r}")
    print(
        f"{count} texts, {allowed} allowed, slowest {slowest * 1000:.0f} ms, {bad} broken promises"
    )
    return bad


if __name__ == "__main__":
    arguments = [int(word) for word in sys.argv[1:]] + [100_000, 1][len(sys.argv) - 1 :]
    sys.exit(1 if main(arguments[0], arguments[1]) else 0)
