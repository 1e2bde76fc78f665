"""Something that the guard needs is broken: the body does not run, and one error says why.

Each fault is put into a deployment in which the same call has just run, so that it is the fault that refuses.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml

from permit0.errors import (
    BadConfig,
    BadPack,
    Permit0Error,
)
from permit0.testing.deployment import DeploymentLab, GuardBench
from permit0.token.key_folder import KeyFolder

posix = pytest.mark.skipif(os.name != "posix", reason="open files cannot be removed")
PAY: dict[str, object] = {"amount": 5000, "currency": "USD", "recipient": "Vendor Alpha"}
OWN_LOG = {"audit": {"path": "audit.db"}}
FILE_BYTES = 200_000  # more than an empty deployment has


def hurry(bench: GuardBench) -> None:
    """Nobody waits five seconds in a test."""
    engine: Any = bench.guard.engine
    engine._store._guarded.connection.execute("PRAGMA busy_timeout = 20")
    engine._audit._sink._database.execute("PRAGMA busy_timeout = 20")


# ---------------------------------------------------------------- state file and log, while they are in use


@contextmanager
def locked(path: Path) -> Iterator[None]:
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        yield
        other.execute("ROLLBACK")


@contextmanager
def without(path: Path) -> Iterator[None]:
    kept = path.with_name(path.name + ".kept")
    path.rename(kept)
    yield
    kept.replace(path)


@contextmanager
def full(connection: sqlite3.Connection) -> Iterator[None]:
    """No page more, and none that is free."""
    (pages,) = connection.execute("PRAGMA page_count").fetchone()
    before = connection.execute("PRAGMA max_page_count").fetchone()[0]
    connection.execute(f"PRAGMA max_page_count = {pages}")
    yield
    connection.execute(f"PRAGMA max_page_count = {before}")


@contextmanager
def cut(path: Path) -> Iterator[None]:
    """Somebody takes the last record away, and puts it back."""
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        last = other.execute("SELECT * FROM audit_records ORDER BY seq DESC LIMIT 1").fetchone()
        head = other.execute("SELECT * FROM audit_head").fetchone()
        other.execute("DELETE FROM audit_records WHERE seq = ?", last[:1])
        other.execute("UPDATE audit_head SET seq = seq - 1")
        yield
        other.execute("INSERT INTO audit_records VALUES (?, ?, ?)", last)
        other.execute("UPDATE audit_head SET seq = ?", head[1:2])


Break = Callable[[GuardBench], Any]
STATE_FAULTS: dict[str, tuple[Break, str]] = {
    "locked": (lambda b: locked(b.lab.state), "state_locked"),
    "removed": (lambda b: without(b.lab.state), "state_replaced"),
    "index removed": (lambda b: without(b.lab.folder / "permit0.db-shm"), "state_replaced"),
    "full": (lambda b: full(store_connection(b)), "state_full"),
}
LOG_FAULTS: dict[str, tuple[Break, str]] = {
    "locked": (lambda b: locked(log_of(b)), "audit_locked"),
    "removed": (lambda b: without(log_of(b)), "audit_replaced"),
    "index removed": (lambda b: without(Path(f"{log_of(b)}-shm")), "audit_replaced"),
    "full": (lambda b: full(sink_of(b)._database), "audit_full"),
    "tampered": (lambda b: cut(log_of(b)), "audit_tampered"),
}


def store_connection(bench: GuardBench) -> sqlite3.Connection:
    engine: Any = bench.guard.engine
    connection: sqlite3.Connection = engine._store._guarded.connection
    return connection


def sink_of(bench: GuardBench) -> Any:
    engine: Any = bench.guard.engine
    return engine._audit._sink


def log_of(bench: GuardBench) -> Path:
    path: Path = sink_of(bench).path
    return path


def until_refused(bench: GuardBench, limit: int = 200) -> str:
    """A file that is full still takes what fits into its last page."""
    found = "ran"
    for _ in range(limit):
        found = bench.call()
        if found != "ran":
            break
    return found


@posix
@pytest.mark.parametrize("fault", STATE_FAULTS)
def test_the_state_file_is_broken_while_running(tmp_path: Path, fault: str) -> None:
    bench = GuardBench(tmp_path, OWN_LOG)
    assert bench.call() == "ran"
    hurry(bench)
    break_it, code = STATE_FAULTS[fault]
    with break_it(bench):
        assert until_refused(bench) == code
        assert bench.call() == code
    assert bench.call() == "ran"


@posix
@pytest.mark.parametrize("one_file", [True, False])
@pytest.mark.parametrize("fault", LOG_FAULTS)
def test_the_log_is_broken_while_running(tmp_path: Path, fault: str, *, one_file: bool) -> None:
    bench = GuardBench(tmp_path, None if one_file else OWN_LOG)
    assert bench.call() == "ran"
    hurry(bench)
    break_it, code = LOG_FAULTS[fault]
    with break_it(bench):
        found = until_refused(bench)
        assert found == f"audit_unavailable ({code})" or (one_file and found == "state_replaced")
        assert bench.call() == found
    assert bench.call() == "ran"


@posix
def test_the_limit_of_the_process_on_the_size_of_files(tmp_path: Path) -> None:
    """A real EFBIG from the system, in a process of its own since it binds all of it."""
    import resource

    bench = GuardBench(tmp_path)
    assert bench.call() == "ran"
    read, write = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            resource.setrlimit(resource.RLIMIT_FSIZE, (FILE_BYTES, FILE_BYTES))
            os.write(write, until_refused(bench, 500).encode())
        finally:
            os._exit(0)
    os.waitpid(pid, 0)
    os.close(write)
    with os.fdopen(read) as answer:
        found = answer.read()
    assert found.startswith(("audit_unavailable", "state_io", "state_full")), found
    assert bench.call() == "ran"
    bench.lab.records()


# ---------------------------------------------------------------- state file and log, before they are opened


def missing(lab: DeploymentLab) -> None:
    lab.configure({"state": {"path": "nowhere/permit0.db"}} | OWN_LOG)


def unwritable(lab: DeploymentLab) -> None:
    lab.state.chmod(0o400)


def damaged(lab: DeploymentLab) -> None:
    data = bytearray(lab.state.read_bytes())
    data[100:] = os.urandom(len(data) - 100)
    lab.state.write_bytes(data)


def not_ours(lab: DeploymentLab) -> None:
    lab.state.unlink()
    with closing(sqlite3.connect(lab.state)) as other:
        other.execute("CREATE TABLE customers (name TEXT)")


def no_database(lab: DeploymentLab) -> None:
    lab.state.write_text("notes\n" * 1000)


UNOPENED: dict[Callable[[DeploymentLab], None], str] = {
    missing: "state_missing_folder",
    unwritable: "state_read_only",
    damaged: "state_corrupt",
    not_ours: "state_foreign_file",
    no_database: "state_corrupt",
}


@posix
@pytest.mark.parametrize("one_file", [True, False])
@pytest.mark.parametrize("fault", UNOPENED, ids=lambda fault: fault.__name__)
def test_the_state_file_cannot_be_used_at_all(
    tmp_path: Path, fault: Callable[[DeploymentLab], None], *, one_file: bool
) -> None:
    bench = GuardBench(tmp_path, None if one_file else OWN_LOG)
    assert bench.call() == "ran"
    close(bench)
    fault(bench.lab)
    # With the log in the same file it is found when the guard is built, else at the first call.
    try:
        bench.guard = bench.lab.guard(clock=bench.clock)
        found = bench.call()
    except Permit0Error as error:
        found = error.reason_code
    assert found == UNOPENED[fault]
    assert len(bench.ran) == 1


def close(bench: GuardBench) -> None:
    """End the deployment as the end of its process would."""
    bench.guard.engine.close()
    engine: Any = bench.guard.engine
    engine._store.close()
    engine._kills.close()


# ---------------------------------------------------------------- keys


def no_keys(bench: GuardBench) -> None:
    shutil.rmtree(bench.lab.keys)


def keys_for_all_to_read(bench: GuardBench) -> None:
    for file in bench.lab.keys.iterdir():
        file.chmod(0o666)


def no_words(bench: GuardBench) -> None:
    for file in bench.lab.keys.iterdir():
        file.write_text("no key at all\n")


KEYS: dict[Callable[[GuardBench], None], tuple[str, ...]] = {
    no_keys: ("key_missing",),
    keys_for_all_to_read: ("key_permissions",),
    no_words: ("key_malformed",),
}


@posix
@pytest.mark.parametrize("fault", KEYS, ids=lambda fault: fault.__name__)
@pytest.mark.parametrize("running", [True, False])
def test_the_keys_cannot_be_used(
    tmp_path: Path, fault: Callable[[GuardBench], None], *, running: bool
) -> None:
    bench = GuardBench(tmp_path)
    assert bench.call() == "ran"
    fault(bench)
    if running:
        bench.clock.advance(5)  # it looks again every second
        assert bench.call() in KEYS[fault]
    else:
        with pytest.raises(BadConfig) as caught:
            bench.lab.guard()
        assert caught.value.reason_code in KEYS[fault]


def test_the_key_is_retired_while_running(tmp_path: Path) -> None:
    bench = GuardBench(tmp_path)
    assert bench.call() == "ran"
    folder = KeyFolder(bench.lab.keys, clock=bench.clock)
    old = folder.signing_key().kid
    folder.rotate()
    bench.clock.advance(5)
    assert bench.call() == "ran"  # the old one is still accepted
    folder.retire(old)
    bench.clock.advance(5)
    assert bench.call() == "token_retired_key"
    bench.guard = bench.lab.guard(clock=bench.clock)
    assert bench.call() == "ran"


# ---------------------------------------------------------------- packs


@pytest.mark.parametrize(
    "text", ["pack: [", "pack: mine\nversion: 1\nactions: {nothing.known: {}}", "- 1", "pack: mine"]
)
def test_a_pack_does_not_load(tmp_path: Path, text: str) -> None:
    lab = DeploymentLab(tmp_path)
    (tmp_path / "mine.yaml").write_text(text)
    lab.configure({"packs": ["mine.yaml"]})
    with pytest.raises(BadPack):
        lab.guard()
    lab.configure({"packs": ["missing.yaml"]})
    with pytest.raises(BadConfig):
        lab.guard()
    (tmp_path / "mine.yaml").write_text(yaml.safe_dump({"pack": "mine", "version": 1}))
    lab.configure({"packs": ["mine.yaml"]})
    lab.guard()
