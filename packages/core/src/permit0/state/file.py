"""One transaction at a time on a state file: what every store of single rows shares.

Guarantees:
  1. `write` is alone among all threads and processes that use the file (BEGIN IMMEDIATE). Leaving it
     commits, wholly or not at all; an exception in it leaves nothing, and no lock.
  2. `read` sees one moment of the file and waits for nobody who writes.
  3. Durability "process": what was committed survives the end of the process by any signal. "power":
     it survives a loss of power, too, because the log is synced before `write` is left.
  4. Nobody waits long because others are quicker: a waiter looks again every few milliseconds. SQLite
     alone looks ten times a second in the end; measured with 8 processes that write without pause and
     sync each commit, one of them then waited for more than 5 seconds.
  5. Whatever SQLite says becomes a StateUnavailable with a reason code (sqlite_errors.py). After an
     error that casts doubt on the file, it is opened afresh.
Does not: know a table. Nor nest: a store has a connection of its own, so whoever is inside of another
store's transaction on the same file waits for itself until the time limit.
"""

from __future__ import annotations

import math
import os
import sqlite3
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Literal

from permit0.errors import StateUnavailable
from permit0.state.connection import GuardedConnection
from permit0.state.sqlite_errors import unavailable

__all__ = ["STEPS", "Durability", "StateFile", "corrupt"]

Durability = Literal["process", "power"]

STEPS = (
    "created",
    "opened",
    "migrating",
    "migrated",
    "locked",
    "begun",
    "done",
    "committed",
    "released",
)
"""What `after` is told, in order; the first four only when the file is opened or made."""

# SQLite sleeps 1, 2, 5, 10 ms within this, and then we let it begin again.
PATIENCE_S = 0.02

_DOUBTFUL = ("state_corrupt", "state_io")


class StateFile:
    """A state file, opened when it is first needed.

    Args:
        path: The file; it is made if it is missing, its folder is not.
        timeout_s: How long to wait for another thread, and then for another process.
        durability: What a commit survives.
        max_bytes: How large the file may grow; None for as large as the disk allows.
        after: Called with each of STEPS when it is done; for tests that interrupt it there.
    """

    def __init__(
        self,
        path: str | Path,
        *,
        timeout_s: float,
        durability: Durability,
        max_bytes: int | None,
        after: Callable[[str], None] | None,
    ) -> None:
        self._guarded = GuardedConnection(
            Path(os.path.realpath(path)), timeout_s=timeout_s, max_bytes=max_bytes, after=after
        )
        self._timeout_s = timeout_s
        self._synced = durability == "power"
        self._prepared: sqlite3.Connection | None = None
        self._after = after

    @property
    def path(self) -> Path:
        """The file, absolute, symbolic links resolved."""
        return self._guarded.path

    def write(self) -> _Transaction:
        """A transaction that nobody else's comes between.

        Raises:
            StateUnavailable: On entering or leaving; then nothing was kept.
        """
        return _Transaction(self, "BEGIN IMMEDIATE")

    def read(self) -> _Transaction:
        """A transaction that only looks.

        Raises:
            StateUnavailable: On entering or leaving.
        """
        return _Transaction(self, "BEGIN")

    def close(self) -> None:
        """Let go of the file. Later calls raise StateUnavailable; closing again does nothing.

        Raises:
            StateUnavailable: Another thread used it for longer than the time limit.
        """
        self._guarded.close()

    def begin(self, statement: str) -> sqlite3.Connection:
        """Enter; `commit` or `abandon` leaves."""
        try:
            connection = self._guarded.acquire()
        except sqlite3.Error as error:
            raise unavailable(self.path, error) from error
        try:
            self._tell("locked")
            if connection is not self._prepared:
                if self._synced:
                    connection.execute("PRAGMA synchronous = FULL")
                    # macOS keeps what fsync wrote in the cache of the disk; elsewhere without effect.
                    connection.execute("PRAGMA fullfsync = ON")
                patience = math.ceil(1000 * min(PATIENCE_S, self._timeout_s))
                connection.execute(f"PRAGMA busy_timeout = {patience}")
                self._prepared = connection
            self._begin(connection, statement)
            self._tell("begun")
        except sqlite3.Error as error:
            failed = unavailable(self.path, error)
            self.abandon(failed)
            raise failed from error
        except BaseException as error:
            self.abandon(error)
            raise
        return connection

    def _begin(self, connection: sqlite3.Connection, statement: str) -> None:
        deadline = 0.0
        while True:
            try:
                connection.execute(statement)
                self._guarded.changed()  # refuses a file that a newer permit0 has migrated
            except sqlite3.OperationalError as error:
                if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY:
                    raise
                now = time.monotonic()
                deadline = deadline or now + self._timeout_s
                if now >= deadline:
                    raise
                self._guarded.rollback()
            else:
                return

    def commit(self) -> None:
        """Make it last, and leave."""
        try:
            self._tell("done")
            self._guarded.connection.execute("COMMIT")
            self._tell("committed")
        except sqlite3.Error as error:
            failed = unavailable(self.path, error)
            self.abandon(failed)
            raise failed from error
        except BaseException as error:
            self.abandon(error)
            raise
        self._guarded.release()
        self._tell("released")

    def abandon(self, error: BaseException) -> None:
        """Leave without a trace."""
        try:
            self._guarded.rollback()
            if isinstance(error, StateUnavailable) and error.reason_code in _DOUBTFUL:
                self._guarded.drop()
        finally:
            self._guarded.release()

    def _tell(self, step: str) -> None:
        if self._after is not None:
            self._after(step)


class _Transaction:
    """See StateFile.write and StateFile.read."""

    __slots__ = ("_file", "_statement")

    def __init__(self, file: StateFile, statement: str) -> None:
        self._file = file
        self._statement = statement

    def __enter__(self) -> sqlite3.Connection:
        return self._file.begin(self._statement)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if error is None:
            self._file.commit()
        elif isinstance(error, sqlite3.Error):
            failed = unavailable(self._file.path, error)
            self._file.abandon(failed)
            raise failed from error
        else:
            self._file.abandon(error)


def corrupt(path: Path) -> StateUnavailable:
    """The error for a row that cannot be what this program wrote."""
    return StateUnavailable(
        f"a row of the state file {str(path)!r} cannot be read, restore it from a backup",
        reason_code="state_corrupt",
    )
