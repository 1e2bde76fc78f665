"""Who has read the kill orders how far, and that saying so never hides or delays one."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from permit0.model.kill import KillScope, KillVerb
from permit0.state.kills import FORGET_SEEN_S, SEEN_EVERY_S, SqliteKills
from permit0.testing.clock import FrozenClock
from permit0.testing.kill_contract import give

Make = Callable[..., SqliteKills]


def test_acknowledged_is_at_first_look_then_each_new_order_then_once_a_minute(
    path: Path, kills: Make, clock: FrozenClock
) -> None:
    switch = kills()
    start = clock.now()
    assert switch.seen() == ()
    switch.state()
    assert [(seen.name, seen.number, seen.at) for seen in switch.seen()] == [("gateway", 0, start)]
    with closing(sqlite3.connect(path, isolation_level=None)) as watcher:
        version = watcher.execute("PRAGMA data_version").fetchone()
        for _ in range(100):
            switch.state()
        clock.advance(SEEN_EVERY_S - 1)
        switch.state()
        assert watcher.execute("PRAGMA data_version").fetchone() == version  # nothing was written
    clock.advance(1)
    switch.state()
    assert switch.seen()[0].at == start + SEEN_EVERY_S
    clock.set(start - 5)  # a clock that went back must not keep it silent for long
    switch.state()
    assert switch.seen()[0].at == start - 5
    order = give(kills())
    switch.state()
    assert switch.seen()[0].number == order.number


def test_an_acknowledgement_that_cannot_be_written_hides_and_delays_nothing(
    path: Path, kills: Make, clock: FrozenClock
) -> None:
    switch = kills(timeout_s=30.0)
    give(switch, scope=KillScope.AGENT, target="a")
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("BEGIN IMMEDIATE")  # a writer that does not end
        assert len(switch.state().active) == 1
        connection.execute("COMMIT")
    assert switch.seen() == ()
    clock.advance(1)
    switch.state()
    assert [seen.number for seen in switch.seen()] == [1]
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("DROP TABLE kill_seen")
    give(switch)
    assert len(switch.state().active) == 2
    assert give(switch, KillVerb.RESUME).number == 3


def test_after_a_failed_acknowledgement_a_locked_file_is_waited_for_as_before(
    path: Path, kills: Make
) -> None:
    switch = kills(timeout_s=7.5)
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        give(switch)
        connection.execute("BEGIN IMMEDIATE")
        switch.state()
    timeout = switch._reader.connection.execute("PRAGMA busy_timeout").fetchone()
    assert timeout == (7500,)


def test_who_ends_is_not_listed_and_who_was_killed_is_forgotten_in_time(
    kills: Make, clock: FrozenClock
) -> None:
    first, killed, last = kills(name="first"), kills(name="killed"), kills(name="last")
    for switch in (first, killed, last):
        switch.state()
    first.close()
    assert {seen.name for seen in last.seen()} == {"killed", "last"}
    clock.advance(FORGET_SEEN_S)
    last.state()
    assert {seen.name for seen in last.seen()} == {"killed", "last"}
    clock.advance(SEEN_EVERY_S)
    last.state()
    assert {seen.name for seen in last.seen()} == {"last"}


@pytest.mark.parametrize("name", ["\ud800", "a\x00b", "x" * 5000, ""])
def test_any_name_can_be_seen(kills: Make, name: str) -> None:
    switch = kills(name=name)
    switch.state()
    assert len(switch.seen()) == 1
