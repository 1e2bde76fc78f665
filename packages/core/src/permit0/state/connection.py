"""One connection to a state file, shared by the threads of one process and by no other process.

Guarantees:
  * One thread at a time: whoever uses the connection holds the lock. A connection for each thread
    would gain nothing, since SQLite lets one writer in at a time, and its waiters poll: measured with
    8 threads, the throughput is the same and the longest wait five times as long.
  * Never across a fork. SQLite keeps the locks of a file in the memory of the process, so a child
    that inherits them believes to hold what only its parent holds, even on a connection of its
    own. Therefore the connection is closed before a fork and opened again when it is next needed,
    on either side. A process forked in the middle of a decision refuses in the child.
  * A file that was removed or replaced while in use, its -shm or -wal included, is noticed at the next
    use, not written to unseen by others.
Does not: know what is in the file (schema, rows).
"""

from __future__ import annotations

import ctypes
import os
import sqlite3
import threading
import weakref
from collections.abc import Callable
from pathlib import Path

from permit0.errors import StateUnavailable
from permit0.state.files import OpenFiles
from permit0.state.schema import check_version, open_state
from permit0.state.sqlite_errors import unavailable

__all__ = ["GuardedConnection"]

PAGE_BYTES = 4096  # SQLite's default since 3.12


class GuardedConnection:
    """A connection and its lock.

    Args:
        path: The state file, absolute, symbolic links resolved.
        timeout_s: How long to wait for another thread, and then for another process.
        max_bytes: How large the file may grow; None for as large as the disk allows.
        after: Called after each step with its name; for tests that interrupt it there.
    """

    def __init__(
        self,
        path: Path,
        *,
        timeout_s: float,
        max_bytes: int | None,
        after: Callable[[str], None] | None,
    ) -> None:
        self.path = path
        self._timeout_s = timeout_s
        self._max_bytes = max_bytes
        self._after = after
        self._lock = threading.Lock()
        self._owner = 0  # thread that holds the lock
        self._forking = 0  # thread that holds the lock for a fork
        self._open: sqlite3.Connection | None = None
        self._pid = 0  # process that opened it
        self._files: OpenFiles | None = None
        self._version = -1
        self._closed = False
        _guard_forks(self)

    def acquire(self) -> sqlite3.Connection:
        """Take the lock and the connection; every success is followed by `release`.

        Raises:
            StateUnavailable: Another thread held it for longer than the time limit, or the file
                cannot be used.
        """
        if self._open is not None and self._pid != os.getpid():
            raise StateUnavailable(
                "the process was forked in the middle of a decision, build the engine after the fork",
                reason_code="state_forked",
            )
        # nearly always free, and quicker without a time limit
        if not self._lock.acquire(blocking=False) and not self._lock.acquire(
            timeout=self._timeout_s
        ):
            raise StateUnavailable(
                f"the state file {str(self.path)!r} is locked by another decision, try again",
                reason_code="state_locked",
            )
        try:
            self._owner = threading.get_ident()
            return self._connection()
        except BaseException:
            self.release()
            raise

    @property
    def connection(self) -> sqlite3.Connection:
        """The connection, for whoever is between `acquire` and `release`."""
        assert self._open is not None
        return self._open

    def release(self) -> None:
        """Give the lock back."""
        self._owner = 0
        self._lock.release()

    def changed(self) -> bool:
        """Whether anybody else has written since the last time; to be asked inside of a transaction.

        Raises:
            StateUnavailable: A newer permit0 has migrated the file in the meantime, or its log was
                replaced.
        """
        connection = self.connection
        # Changes with every commit of another connection, and with none of this one.
        version: int = connection.execute("PRAGMA data_version").fetchone()[0]
        if version == self._version:
            return False
        check_version(connection, self.path)
        # Who wrote may have done so to another log, after this one was removed.
        if self._files is not None and not self._files.is_same_log():
            raise self._replaced()
        self._version = version
        return True

    def rollback(self) -> None:
        """End a transaction without a trace; a connection that cannot even do that is closed."""
        connection = self._open
        if connection is None or not connection.in_transaction:
            return
        try:
            connection.execute("ROLLBACK")
        except sqlite3.Error:
            self.drop()

    def drop(self) -> None:
        """Close the connection; the next `acquire` opens the file afresh, whichever it is then."""
        self._disconnect()
        self._files = None

    def close(self) -> None:
        """Close for good. Whoever comes later is refused."""
        if not self._lock.acquire(timeout=self._timeout_s):
            raise StateUnavailable(
                f"the state file {str(self.path)!r} is in use by a decision, close it later",
                reason_code="state_locked",
            )
        try:
            self._closed = True
            self._disconnect()
        finally:
            self._lock.release()

    def before_fork(self) -> None:
        """Let a decision in progress end, and close."""
        if self._owner == threading.get_ident():  # it forks in the middle of its own decision
            return
        if self._lock.acquire(timeout=self._timeout_s):
            self._forking = threading.get_ident()
            self._disconnect()

    def after_fork(self) -> None:
        """Go on, in the parent and in the child."""
        if self._forking == threading.get_ident():
            self._forking = 0
            self._lock.release()
        elif self._open is not None and self._pid != os.getpid():
            # Closing it would undo in shared memory what the parent is doing: keep it for ever.
            ctypes.pythonapi.Py_IncRef(ctypes.py_object(self._open))

    def _connection(self) -> sqlite3.Connection:
        if self._closed:
            raise StateUnavailable("the state store was closed", reason_code="state_closed")
        connection = self._open
        if connection is None:
            connection = self._connect()
        elif self._files is None or not self._files.is_same():
            raise self._replaced()
        return connection

    def _connect(self) -> sqlite3.Connection:
        if self._files is not None and not self._files.is_same_file():
            raise self._replaced()
        connection = open_state(self.path, timeout_s=self._timeout_s, after=self._after)
        try:
            if self._max_bytes is not None:
                pages = max(1, self._max_bytes // PAGE_BYTES)
                connection.execute(f"PRAGMA max_page_count = {pages}")
            connection.execute("SELECT 1 FROM sqlite_master").fetchone()  # now it has them all open
        except sqlite3.Error as error:
            connection.close()
            raise unavailable(self.path, error) from error
        self._files = OpenFiles(self.path)
        self._version = -1
        self._pid = os.getpid()
        self._open = connection
        return connection

    def _disconnect(self) -> None:
        connection, self._open = self._open, None
        if connection is not None and self._pid == os.getpid():
            connection.close()

    def _replaced(self) -> StateUnavailable:
        return StateUnavailable(
            f"the state file {str(self.path)!r} was removed or replaced while in use, "
            "restart every process that uses it",
            reason_code="state_replaced",
        )

    def __del__(self) -> None:
        if not getattr(self, "_closed", True):
            self._disconnect()


def _guard_forks(guarded: GuardedConnection) -> None:
    """There is no way to unregister; what stays of a store is three small functions."""
    if not hasattr(os, "register_at_fork"):
        return
    known = weakref.ref(guarded)

    def before() -> None:
        found = known()
        if found is not None:
            found.before_fork()

    def after() -> None:
        found = known()
        if found is not None:
            found.after_fork()

    os.register_at_fork(before=before, after_in_parent=after, after_in_child=after)
