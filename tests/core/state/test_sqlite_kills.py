"""Kill orders in a file: who has seen them, and every way in which the file can fail is a refusal."""

from __future__ import annotations

import gc
import os
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from permit0.errors import StateUnavailable
from permit0.model.kill import KillOrder, KillScope
from permit0.state import schema
from permit0.state.kills import ORDER_STEPS, SqliteKills
from permit0.testing.clock import FrozenClock
from permit0.testing.kill_contract import give

posix = pytest.mark.skipif(os.name != "posix", reason="needs file modes and fork")
Make = Callable[..., SqliteKills]


@contextmanager
def database(path: Path) -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        yield connection


def refused(switch: SqliteKills) -> str:
    """The reason code with which every question is refused."""
    codes = set()
    for ask in (
        switch.state,
        switch.orders,
        switch.seen,
        lambda: switch.required(agent="a", session="s", action="x.y"),
    ):
        with pytest.raises(StateUnavailable) as caught:
            ask()
        assert "permit0.db" in str(caught.value)
        codes.add(caught.value.reason_code)
    (code,) = codes
    return code


# -------------------------------------------------------------------- the file fails


@posix
@pytest.mark.parametrize("put_back", [False, True])
def test_a_file_that_is_removed_or_replaced_is_refused_and_a_restart_reads_the_new_one(
    path: Path, kills: Make, *, put_back: bool
) -> None:
    switch = kills()
    give(switch)
    switch.state()
    copy = path.read_bytes()
    path.unlink()
    if put_back:
        path.write_bytes(copy)
        path.chmod(0o600)
    assert refused(switch) == "state_replaced"
    if not put_back:
        assert kills().state().number == 0


@posix
@pytest.mark.parametrize("index", ["-shm", "-wal"])
def test_a_kill_is_not_missed_because_a_companion_of_the_file_was_removed(
    path: Path, kills: Make, index: str
) -> None:
    """Whoever opens the file then talks past those who have it open: they must refuse, not go on."""
    switch = kills()
    give(switch, scope=KillScope.AGENT, target="other")
    switch.state()
    path.with_name(path.name + index).unlink()

    def kill_and_ask() -> None:
        give(kills())
        switch.state()

    with pytest.raises(StateUnavailable) as caught:
        kill_and_ask()
    assert caught.value.reason_code in ("state_replaced", "state_io")


def test_a_file_that_is_put_back_in_place_is_refused_for_good(path: Path, kills: Make) -> None:
    switch = kills()
    give(switch)
    with database(path) as connection, closing(sqlite3.connect(":memory:")) as backup:
        connection.backup(backup)
        for _ in range(2):
            give(switch)
        assert switch.state().number == 3
        backup.backup(connection)
    assert refused(switch) == "state_replaced"
    for _ in range(3):  # the same numbers again, for other orders
        give(kills(), scope=KillScope.AGENT, target="a")
    assert refused(switch) == "state_replaced"
    assert kills().state().number == 4


def test_a_locked_file_is_refused_and_an_unlocked_one_answers(path: Path, kills: Make) -> None:
    give(kills())
    gc.collect()
    with database(path) as connection:
        connection.execute("PRAGMA locking_mode = EXCLUSIVE")
        connection.execute("BEGIN EXCLUSIVE")
        switch = kills(timeout_s=0.05)
        assert refused(switch) == "state_locked"
        connection.execute("COMMIT")
        connection.execute("PRAGMA locking_mode = NORMAL")
        connection.execute("SELECT 1 FROM history").fetchall()
    assert switch.state().number == 1


def test_questions_do_not_wait_for_writers_and_orders_do(path: Path, kills: Make) -> None:
    switch = kills(timeout_s=0.05)
    give(switch)
    with database(path) as connection:
        connection.execute("BEGIN IMMEDIATE")
        assert switch.state().number == 1
        with pytest.raises(StateUnavailable) as caught:
            give(switch)
        assert caught.value.reason_code == "state_locked"
        connection.execute("COMMIT")
    assert give(switch).number == 2


def test_a_question_leaves_nothing_open_in_the_file(path: Path, kills: Make) -> None:
    """Or the write-ahead log could never be emptied, and would grow for as long as the process runs."""
    switch = kills()
    give(switch)
    switch.state()
    switch.required(agent="a", session="s", action="x.y")
    switch.seen()
    with database(path) as connection:
        assert connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone() == (0, 0, 0)
    assert switch.state().number == 1


def test_a_damaged_file_is_refused(path: Path, kills: Make) -> None:
    switch = kills()
    give(switch)
    switch.close()
    data = bytearray(path.read_bytes())
    data[4096:] = b"\xff" * (len(data) - 4096)
    path.write_bytes(data)
    assert refused(kills()) == "state_corrupt"
    path.write_bytes(b"no database" * 1000)
    assert refused(kills()) == "state_corrupt"


@pytest.mark.parametrize(
    "change", ["verb = 'pause'", "scope = 'tool'", "by = x'00'", "reason = x'ff'", "at = 'now'"]
)
def test_an_order_that_cannot_be_read_is_refused_not_skipped(
    path: Path, kills: Make, change: str
) -> None:
    switch = kills()
    give(switch)
    switch.state()
    give(kills(), scope=KillScope.AGENT, target="a")
    with database(path) as connection:
        connection.execute(f"UPDATE kill_orders SET {change} WHERE number = 2")  # noqa: S608  # from the list above
    for one in (switch, kills()):
        assert refused(one) == "state_corrupt"


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (f"PRAGMA user_version = {schema.SCHEMA_VERSION + 1}", "state_newer_schema"),
        ("PRAGMA application_id = 7", "state_foreign_file"),
    ],
)
def test_a_file_of_another_program_or_time_is_refused(
    path: Path, kills: Make, change: str, code: str
) -> None:
    give(kills())
    with database(path) as connection:
        connection.execute(change)
    assert refused(kills()) == code
    with pytest.raises(StateUnavailable) as caught:
        give(kills())
    assert caught.value.reason_code == code


def test_a_newer_permit0_that_keeps_orders_elsewhere_is_noticed(path: Path, kills: Make) -> None:
    switch = kills()
    give(switch)
    switch.state()
    with database(path) as connection:
        connection.execute("ALTER TABLE kill_orders RENAME TO kill_orders_2")
        connection.execute(f"PRAGMA user_version = {schema.SCHEMA_VERSION + 1}")
    assert refused(switch) == "state_unavailable"
    assert refused(kills()) == "state_newer_schema"


@posix
def test_a_read_only_file_is_refused_until_it_is_writable(path: Path, kills: Make) -> None:
    give(kills())
    path.chmod(0o400)
    switch = kills()
    assert refused(switch) == "state_read_only"
    path.chmod(0o600)
    assert switch.state().number == 1


def test_a_closed_switch_is_refused_and_closing_twice_is_fine(path: Path, kills: Make) -> None:
    switch = kills()
    give(switch)
    switch.state()
    switch.close()
    switch.close()
    assert not path.with_name("permit0.db-wal").exists()
    with pytest.raises(StateUnavailable) as caught:
        switch.state()
    assert caught.value.reason_code == "state_closed"


# -------------------------------------------------------------------- power, kill -9, Ctrl-C


def test_an_order_is_synced_and_a_question_is_not(kills: Make) -> None:
    levels: list[tuple[str, int]] = []

    def after(step: str) -> None:
        if step in ("inserted", "seen"):
            guarded = switch._writer if step == "inserted" else switch._reader
            level = guarded.connection.execute("PRAGMA synchronous").fetchone()[0]
            levels.append((step, level))

    switch = kills(after=after)
    give(switch)
    switch.state()
    assert levels == [("inserted", 2), ("seen", 1)]  # 2 is FULL: synced at every commit


KILLED = """
import os, signal, sys
from permit0.clock import SystemClock
from permit0.state.kills import SqliteKills
from permit0.testing.kill_contract import give
path, step = sys.argv[1:]
give(SqliteKills(path, name="n", clock=SystemClock()), target="")
def after(name):
    if name == step:
        os.kill(os.getpid(), signal.SIGKILL)
give(SqliteKills(path, name="n", clock=SystemClock(), after=after))
"""


@posix
@pytest.mark.parametrize("step", ORDER_STEPS)
def test_killed_in_an_order_there_is_a_whole_one_or_none_and_no_lock(
    path: Path, kills: Make, step: str
) -> None:
    done = subprocess.run(
        [sys.executable, "-c", KILLED, str(path), step], capture_output=True, check=False
    )
    assert done.returncode == -9, done.stderr
    assert kills().state().number == 1 + (step == "committed")
    assert give(kills()).number == 2 + (step == "committed")


@pytest.mark.parametrize("step", [*ORDER_STEPS, "seen"])
def test_an_exception_at_any_step_leaves_no_lock_and_no_half_order(
    kills: Make, clock: FrozenClock, step: str
) -> None:
    failing = True

    def after(name: str) -> None:
        if failing and name == step:
            raise KeyboardInterrupt

    switch = kills(after=after)

    def kill_and_ask() -> None:
        give(switch)
        switch.state()

    with pytest.raises(KeyboardInterrupt):
        kill_and_ask()
    failing = False
    clock.advance(1)
    kept = step in ("committed", "seen")
    assert switch.state().number == int(kept)
    assert give(switch).number == 1 + kept
    assert [seen.number for seen in switch.seen()] == [int(kept)]


# -------------------------------------------------------------------- threads and forks


def test_an_order_that_waits_holds_up_no_question(path: Path, kills: Make) -> None:
    switch = kills(timeout_s=30.0)
    switch.state()
    ordered: list[KillOrder] = []
    with database(path) as connection:
        connection.execute("BEGIN IMMEDIATE")
        thread = threading.Thread(target=lambda: ordered.append(give(switch)))
        thread.start()
        for _ in range(1000):
            assert switch.state().number == 0
        assert ordered == []
        connection.execute("COMMIT")
    thread.join()
    assert switch.state().active == tuple(ordered)


@posix
@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")
def test_after_a_fork_both_sides_see_each_other_and_are_seen(kills: Make) -> None:
    switch = kills(timeout_s=10.0)
    give(switch)
    switch.state()
    to_child, from_parent = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            good = switch.state().number == 1
            give(switch, scope=KillScope.AGENT, target="child")
            os.read(to_child, 1)
            good = good and switch.state().number == 3
        except BaseException:  # noqa: BLE001  # a child of a test must not run the other tests
            good = False
        os._exit(not good)
    while switch.state().number < 2:
        pass
    give(switch, scope=KillScope.AGENT, target="parent")
    os.write(from_parent, b"x")
    assert os.waitpid(child, 0)[1] == 0
    assert switch.state().number == 3
    assert [seen.number for seen in switch.seen()] == [3, 3]
    os.close(to_child)
    os.close(from_parent)


@posix
def test_a_fork_in_the_middle_of_a_question_is_refused_in_the_child(kills: Make) -> None:
    codes: list[str] = []

    def after(step: str) -> None:
        if step != "seen" or codes:
            return
        codes.append("forked")
        child = os.fork()
        if child == 0:
            code = ""
            try:
                switch.state()
            except StateUnavailable as error:
                code = error.reason_code
            os._exit(code != "state_forked")
        codes.append(str(os.waitpid(child, 0)[1]))

    switch = kills(after=after)
    assert switch.state().number == 0
    assert codes == ["forked", "0"]
    assert [seen.number for seen in switch.seen()] == [0]
