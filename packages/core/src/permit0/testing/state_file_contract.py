"""What every store of a state file promises when the file cannot be used, as tests to inherit.

    class TestMyStoreOnFile(StateFileContract[MyStore]):
        def make_file_store(self, path, *, timeout_s=5.0, max_bytes=None):
            return MyStore(path, timeout_s=timeout_s, max_bytes=max_bytes)

        def write(self, store, n):
            store.keep(f"thing {n}")    # each n is new, and takes some room

Each failure is a StateUnavailable with its reason code, and what was written before stays. Each test has a
twin in itself: once the cause is gone, the same write is accepted.
"""

from __future__ import annotations

import gc
import os
import sqlite3
import subprocess
import sys
from pathlib import Path
from typing import Generic, Protocol, TypeVar

from permit0.errors import StateUnavailable

__all__ = ["StateFileContract", "refusal_of"]


class _Closes(Protocol):
    def close(self) -> None: ...


Store = TypeVar("Store", bound=_Closes)

_HOLDER = """
import sqlite3, sys
connection = sqlite3.connect(sys.argv[1], isolation_level=None)
connection.execute("BEGIN IMMEDIATE")
print("locked", flush=True)
sys.stdin.readline()
"""


class StateFileContract(Generic[Store]):
    """For a store that keeps its rows in the state file."""

    def make_file_store(
        self, path: Path, *, timeout_s: float = 5.0, max_bytes: int | None = None
    ) -> Store:
        """A store on a file."""
        raise NotImplementedError

    def write(self, store: Store, n: int) -> None:
        """Do what is accepted once for each n, and kept."""
        raise NotImplementedError

    def _refused(self, store: Store, n: int) -> str:
        return refusal_of(lambda: self.write(store, n))

    def test_a_file_that_another_process_has_locked_is_a_refusal(self, tmp_path: Path) -> None:
        path = tmp_path / "permit0.db"
        store = self.make_file_store(path, timeout_s=0.05)
        self.write(store, 0)
        holder = subprocess.Popen(  # noqa: S603  # our own interpreter and source
            [sys.executable, "-c", _HOLDER, str(path)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert holder.stdout is not None
        assert holder.stdout.readline() == "locked\n"
        assert self._refused(store, 1) == "state_locked"
        assert self._refused(self.make_file_store(path, timeout_s=0.05), 1) == "state_locked"
        holder.communicate("\n")
        self.write(store, 1)

    def test_a_missing_folder_is_a_refusal_until_it_is_there(self, tmp_path: Path) -> None:
        path = tmp_path / "later" / "permit0.db"
        store = self.make_file_store(path)
        assert self._refused(store, 0) == "state_missing_folder"
        path.parent.mkdir()
        self.write(store, 0)

    def test_a_file_that_was_removed_is_a_refusal_for_who_used_it(self, tmp_path: Path) -> None:
        path = tmp_path / "permit0.db"
        store = self.make_file_store(path)
        self.write(store, 0)
        path.rename(path.with_suffix(".old"))
        assert self._refused(store, 1) == "state_replaced"
        self.write(self.make_file_store(path), 1)  # a new file, of whoever starts later
        assert self._refused(store, 2) == "state_replaced"

    def test_what_is_no_database_is_refused_and_left_alone(self, tmp_path: Path) -> None:
        path = tmp_path / "permit0.db"
        path.write_bytes(b"dear diary, " * 1000)
        path.chmod(0o600)
        store = self.make_file_store(path)
        assert self._refused(store, 0) == "state_corrupt"
        assert path.read_bytes() == b"dear diary, " * 1000
        path.unlink()
        self.write(store, 0)

    def test_a_damaged_file_is_refused_and_another_one_is_taken_up(self, tmp_path: Path) -> None:
        path = tmp_path / "permit0.db"
        filling = self.make_file_store(path)
        for n in range(50):
            self.write(filling, n)
        filling.close()
        whole = path.read_bytes()
        path.write_bytes(whole[:4096] + b"\xff" * (len(whole) - 4096))
        store = self.make_file_store(path)
        assert self._refused(store, 50) == "state_corrupt"
        path.write_bytes(whole)
        self.write(store, 50)

    def test_a_full_disk_is_a_refusal_and_room_helps(self, tmp_path: Path) -> None:
        path = tmp_path / "permit0.db"
        small = self.make_file_store(path, max_bytes=96 * 1024)
        first = 0
        try:
            while first < 5000:
                self.write(small, first)
                first += 1
        except StateUnavailable as error:
            assert error.reason_code == "state_full"  # noqa: PT017  # pytest may be absent here
        assert 0 < first < 5000
        assert self._refused(small, first) == "state_full"
        self.write(self.make_file_store(path), first)

    def test_a_file_of_a_newer_schema_is_refused_also_while_in_use(self, tmp_path: Path) -> None:
        path = tmp_path / "permit0.db"
        store = self.make_file_store(path)
        self.write(store, 0)
        with sqlite3.connect(path) as connection:
            known = connection.execute("PRAGMA user_version").fetchone()[0]
            connection.execute("PRAGMA user_version = 99")
        assert self._refused(store, 1) == "state_newer_schema"
        assert self._refused(self.make_file_store(path), 1) == "state_newer_schema"
        with connection:
            connection.execute(f"PRAGMA user_version = {known}")
        connection.close()
        self.write(store, 1)

    def test_a_closed_store_refuses_and_closing_twice_is_fine(self, tmp_path: Path) -> None:
        path = tmp_path / "permit0.db"
        store = self.make_file_store(path)
        self.write(store, 0)
        store.close()
        store.close()
        assert self._refused(store, 1) == "state_closed"
        self.write(self.make_file_store(path), 1)

    def test_a_store_that_nobody_holds_lets_go_of_the_file(self, tmp_path: Path) -> None:
        path = tmp_path / "permit0.db"
        self.write(self.make_file_store(path), 0)
        gc.collect()
        assert not path.with_name("permit0.db-wal").exists()

    def test_after_a_fork_both_sides_go_on(self, tmp_path: Path) -> None:
        if not hasattr(os, "fork"):
            return
        store = self.make_file_store(tmp_path / "permit0.db")
        self.write(store, 0)
        children = []
        for i in range(4):
            child = os.fork()
            if child == 0:
                try:
                    for n in range(20):
                        self.write(store, 100 * (i + 1) + n)
                except BaseException:  # noqa: BLE001  # a child of a test must not run the other tests
                    os._exit(1)
                os._exit(0)
            children.append(child)
        for n in range(1, 21):
            self.write(store, n)
        assert [os.waitpid(child, 0)[1] for child in children] == [0] * 4


def refusal_of(attempt: object) -> str:
    """The reason code of the StateUnavailable that an attempt raises."""
    assert callable(attempt)
    try:
        attempt()
    except StateUnavailable as error:
        return error.reason_code
    raise AssertionError("it was accepted")
