"""Every way in which a state file can fail is a DENY with a reason code of its own."""

from __future__ import annotations

import gc
import os
import sqlite3
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from permit0.build import assemble
from permit0.config import parse_config
from permit0.engine import Engine
from permit0.errors import StateUnavailable
from permit0.model.decision import Decision
from permit0.model.vocabulary import Outcome
from permit0.state import schema
from permit0.state.sqlite import SqliteStore
from permit0.testing.clock import FrozenClock
from permit0.testing.exposure_contract import carried, expose, output
from permit0.testing.state_contract import ALONE, AT, FEATURES, append

posix = pytest.mark.skipif(os.name != "posix", reason="needs file modes and fork")


def read(engine: Engine) -> Decision:
    return engine.check("files.read", {"path": "/app/main.py"})


def pay(engine: Engine, i: int, session: str = "s") -> Decision:
    return engine.check("payments.transfer", {"amount": 100, "recipient": f"V{i}"}, session=session)


def test_a_missing_folder_is_a_refusal_until_it_is_there(
    path: Path, tmp_path: Path, engine: Callable[..., Engine], rows: Callable[[Path], int]
) -> None:
    path = tmp_path / "later" / "permit0.db"
    made = assemble(
        parse_config(f"state: {{path: {str(path)!r}}}", "permit0.yaml"), clock=FrozenClock()
    ).engine
    decision = read(made)
    assert (decision.outcome, decision.error) == (Outcome.DENY, "state_missing_folder")
    path.parent.mkdir()
    assert read(made).outcome is Outcome.ALLOW


def refused(engine: Engine) -> str | None:
    decision = read(engine)
    assert decision.outcome is Outcome.DENY
    assert "permit0.db" in decision.reason or "folder" in decision.reason
    return decision.error


@posix
def test_a_folder_that_anybody_can_write_to_is_refused(
    path: Path, engine: Callable[..., Engine]
) -> None:
    path.parent.chmod(0o777)
    assert refused(engine()) == "state_unsafe_folder"
    assert not path.exists()
    path.parent.chmod(0o1777)  # as /tmp: nobody can replace a file of somebody else
    assert read(engine()).outcome is Outcome.ALLOW


@posix
def test_files_are_for_their_owner_alone(path: Path, engine: Callable[..., Engine]) -> None:
    before = os.umask(0)
    try:
        made = engine()
        read(made)
    finally:
        os.umask(before)
    modes = {file.name: stat.S_IMODE(file.stat().st_mode) for file in path.parent.iterdir()}
    assert modes == dict.fromkeys(("permit0.db", "permit0.db-wal", "permit0.db-shm"), 0o600)


@posix
@pytest.mark.parametrize(
    ("mode", "code"), [(0o400, "state_read_only"), (0o602, "state_unsafe_file")]
)
def test_a_file_of_the_wrong_mode_is_refused(
    path: Path, engine: Callable[..., Engine], mode: int, code: str
) -> None:
    assert read(engine()).outcome is Outcome.ALLOW
    path.chmod(mode)
    assert refused(engine()) == code
    path.chmod(0o600)
    assert read(engine()).outcome is Outcome.ALLOW


def test_a_folder_in_place_of_the_file_is_refused(
    path: Path, engine: Callable[..., Engine]
) -> None:
    path.mkdir()
    assert refused(engine()) == "state_unsafe_file"


def test_what_is_no_database_is_refused_and_left_alone(
    path: Path, engine: Callable[..., Engine]
) -> None:
    path.write_bytes(b"dear diary, " * 1000)
    assert refused(engine()) == "state_corrupt"
    assert path.read_bytes() == b"dear diary, " * 1000


def test_the_database_of_another_program_is_refused_and_left_alone(
    path: Path, engine: Callable[..., Engine]
) -> None:
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE history (a)")
    connection.close()
    before = path.read_bytes()
    assert refused(engine()) == "state_foreign_file"
    assert path.read_bytes() == before


def test_a_damaged_page_is_refused_and_another_file_is_taken_up(
    path: Path, engine: Callable[..., Engine]
) -> None:
    filling = engine()
    for i in range(200):
        pay(filling, i)
    del filling
    gc.collect()
    whole = path.read_bytes()
    path.write_bytes(whole[:4096] + b"\xff" * (len(whole) - 4096))
    broken = engine()
    assert refused(broken) == "state_corrupt"
    path.rename(path.with_suffix(".broken"))
    assert read(broken).outcome is Outcome.ALLOW


@pytest.mark.parametrize(
    "damage",
    [
        "UPDATE history SET traces = '[{]'",
        "UPDATE history SET traces = '[{\"action\": 5}]'",
        "UPDATE history SET tier = 'blue'",
        "UPDATE history SET kind = 77",
        "UPDATE history SET at = 'soon'",
    ],
)
def test_a_row_that_cannot_be_read_is_refused(
    path: Path, engine: Callable[..., Engine], damage: str
) -> None:
    running = engine()
    assert read(running).outcome is Outcome.ALLOW
    with sqlite3.connect(path) as connection:
        connection.execute(damage)
    connection.close()
    assert refused(engine()) == "state_corrupt"


def test_a_newer_schema_is_refused_also_while_running(
    path: Path, engine: Callable[..., Engine], rows: Callable[[Path], int]
) -> None:
    running = engine()
    assert read(running).outcome is Outcome.ALLOW
    with sqlite3.connect(path) as connection:
        connection.execute(f"PRAGMA user_version = {schema.SCHEMA_VERSION + 1}")
    connection.close()
    assert refused(running) == refused(engine()) == "state_newer_schema"
    assert rows(path) == 1


def test_an_older_schema_is_migrated_with_what_it_holds(path: Path) -> None:
    append(SqliteStore(FEATURES, path))
    more = (*schema.MIGRATIONS, ("ALTER TABLE history ADD COLUMN note TEXT",))
    for _ in range(2):
        connection = schema.open_state(path, timeout_s=1.0, migrations=more)
        assert connection.execute("SELECT note FROM history").fetchall() == [(None,)]
        assert connection.execute("PRAGMA user_version").fetchone() == (len(more),)
        connection.close()


def test_a_migration_that_fails_changes_nothing(path: Path, rows: Callable[[Path], int]) -> None:
    append(SqliteStore(FEATURES, path))
    more = (*schema.MIGRATIONS, ("ALTER TABLE history ADD COLUMN note TEXT", "no sql"))
    with pytest.raises(StateUnavailable):
        schema.open_state(path, timeout_s=1.0, migrations=more)
    store = SqliteStore(FEATURES, path)
    append(store)
    assert rows(path) == 2


def test_a_full_disk_is_a_refusal_and_room_helps(
    path: Path, engine: Callable[..., Engine], rows: Callable[[Path], int]
) -> None:
    small = engine(max_bytes=48 * 1024)
    errors = [pay(small, i).error for i in range(300)]
    first = errors.index("state_full")
    assert errors[:first] == [""] * first
    assert set(errors[first:]) == {"state_full"}
    assert rows(path) == first
    large = engine()
    assert pay(large, 0).error == ""
    assert "scatter_transfer" in pay(large, 1).rules


def test_a_locked_file_is_a_refusal_and_an_unlocked_one_decides(
    path: Path, engine: Callable[..., Engine]
) -> None:
    hurried = engine(timeout_s=0.05)
    assert read(hurried).outcome is Outcome.ALLOW
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("BEGIN IMMEDIATE")
    assert refused(hurried) == refused(engine(timeout_s=0.05)) == "state_locked"
    connection.execute("COMMIT")
    connection.close()
    assert read(hurried).outcome is Outcome.ALLOW


def test_another_thread_that_holds_the_store_is_a_refusal(path: Path) -> None:
    store = SqliteStore(FEATURES, path, timeout_s=0.05)
    with store.transaction(ALONE, AT), pytest.raises(StateUnavailable) as caught:
        append(store)
    assert caught.value.reason_code == "state_locked"
    append(store)


@posix
def test_a_file_that_was_replaced_while_in_use_is_refused(
    path: Path, engine: Callable[..., Engine]
) -> None:
    """Otherwise two processes would each count for themselves, and nobody would notice."""
    running = engine()
    for i in range(5):
        pay(running, i)
    path.rename(path.with_suffix(".old"))
    assert refused(running) == "state_replaced"
    assert read(engine()).outcome is Outcome.ALLOW  # a new file, of a process that started later
    assert refused(running) == "state_replaced"


def test_a_name_without_utf8_is_refused(path: Path, engine: Callable[..., Engine]) -> None:
    made = engine()
    bad = made.check("files.read", {"path": "/app/main.py"}, session="\ud800")
    assert bad.outcome is Outcome.DENY
    assert read(made).outcome is Outcome.ALLOW


def test_a_file_from_before_exposed_outputs_is_migrated_and_keeps_them(path: Path) -> None:
    schema.open_state(path, timeout_s=1.0, migrations=schema.MIGRATIONS[:2]).close()
    store = SqliteStore(FEATURES, path)
    append(store)
    expose(store, output(100))
    assert carried(SqliteStore(FEATURES, path), [100]) == [("a.read", 1, 1)]


@pytest.mark.parametrize(
    "damage",
    [
        "UPDATE exposed_outputs SET groups = x'00'",
        "UPDATE carried_blocks SET blocks = x'00'",
        "UPDATE piece_key SET key = x'00'",
    ],
)
def test_a_damaged_row_about_an_output_is_refused(path: Path, damage: str) -> None:
    store = SqliteStore(FEATURES, path)
    assert store.piece_key
    expose(store, output(100))
    assert carried(store, [100]) == [("a.read", 1, 1)]
    store.close()
    with sqlite3.connect(path) as connection:
        connection.execute(damage)
    with pytest.raises(StateUnavailable) as raised:
        carried(SqliteStore(FEATURES, path), [100])
    assert raised.value.reason_code == "state_corrupt"
