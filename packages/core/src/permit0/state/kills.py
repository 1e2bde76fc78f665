"""The kill switch in the state file, for all processes of one machine. MemoryKills is the one for a process.

Guarantees:
  1. An order is one atomic step: whether there is anything to resume is looked at, and the number is
     given, where nobody else's order comes between. Numbers rise, over processes and restarts.
  2. An order in the file survives a loss of power once `order` has returned.
  3. Every question asks the file. What is kept in memory is what the orders mean, for as long as the
     latest number, the connection and the files behind it are the same.
  4. A file that was removed, replaced, put back to an earlier state, locked or damaged is a
     StateUnavailable; so is an order in it that cannot be read. The caller denies.
  5. Who asks has thereby acknowledged every order so far. The note of that for `seen` is written at
     the first look, at a new number, and every SEEN_EVERY_S seconds of use. It never waits for
     anybody and never changes an answer; one that fails is tried again at a later question.
Does not: know agents, sessions or the taxonomy (permit0.control does); authenticate who gives an order:
whoever may write the file may. A file that is put back to an earlier state while nobody uses it is not
noticed; then numbers are given again, and a token lives for an hour at most.
"""

from __future__ import annotations

import contextlib
import math
import os
import secrets
import sqlite3
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

import msgspec

from permit0.errors import StateUnavailable
from permit0.model.kill import KillOrder, KillScope, KillState, KillVerb, Seen
from permit0.ports import Clock
from permit0.state.connection import GuardedConnection
from permit0.state.kill_checks import check_order, not_active
from permit0.state.memory_kills import MemoryKills
from permit0.state.schema import check_version
from permit0.state.sqlite_errors import unavailable

__all__ = ["FORGET_SEEN_S", "ORDER_STEPS", "SEEN_EVERY_S", "MemoryKills", "SqliteKills"]

ORDER_RETRY_S: Final = 0.0005
SEEN_EVERY_S: Final = 60.0  # one small write a minute; tells who is in use from who has ended
SEEN_RETRY_S: Final = 0.25
FORGET_SEEN_S: Final = 7 * 24 * 3600.0  # processes that ended without saying so

ORDER_STEPS: Final = ("begun", "checked", "inserted", "committed")
"""What `after` is told in an order, beside the steps of opening the file (permit0.state.schema)."""

_LATEST = "SELECT max(number) FROM kill_orders"
_ORDERS = "SELECT number, verb, scope, target, by, reason, at FROM kill_orders ORDER BY number"
_LAST_OF_TARGET = (
    "SELECT verb FROM kill_orders WHERE scope = ? AND target = ? ORDER BY number DESC LIMIT 1"
)
_INSERT = "INSERT INTO kill_orders (verb, scope, target, by, reason, at) VALUES (?, ?, ?, ?, ?, ?)"
_SEE = (
    "INSERT INTO kill_seen (process, name, number, at) VALUES (?, ?, ?, ?) ON CONFLICT (process) "
    "DO UPDATE SET name = excluded.name, number = excluded.number, at = excluded.at"
)
_FORGET_SEEN = "DELETE FROM kill_seen WHERE at < ?"
_SEEN = "SELECT name, process, number, at FROM kill_seen ORDER BY at DESC, process"
_DOUBTFUL = ("state_corrupt", "state_io")

_OrderRow = tuple[int, KillVerb, KillScope, str, str, str, float]
_SeenRow = tuple[str, str, int, float]


class SqliteKills:
    """A KillSwitch for all processes of one machine, on the file of SqliteStore.

    The file is opened when it is first needed. Questions and orders have a connection each, so that
    an order that waits for the write lock holds up no decision of its process.

    Args:
        path: The file; it is made if it is missing, its folder is not.
        name: What `seen` calls this enforcement point.
        clock: Tells the time of acknowledgements, and nothing else.
        timeout_s: How long to wait for another thread, and then for another process.
        after: Called with each step when it is done; for tests that interrupt it there.
    """

    def __init__(
        self,
        path: str | Path,
        *,
        name: str,
        clock: Clock,
        timeout_s: float = 5.0,
        after: Callable[[str], None] | None = None,
    ) -> None:
        file = Path(os.path.realpath(path))
        self._name = name.encode(errors="backslashreplace").decode()
        self._clock = clock
        self._timeout_ms = int(timeout_s * 1000)
        self._after = after
        self._reader = GuardedConnection(file, timeout_s=timeout_s, max_bytes=None, after=after)
        self._writer = GuardedConnection(file, timeout_s=timeout_s, max_bytes=None, after=after)
        # What follows belongs to whoever holds the reader.
        self._known = KillState()
        self._known_by: sqlite3.Connection | None = None  # the connection that `_known` came from
        self._went_back = False
        self._pid = 0
        self._process = ""
        self._seen: int | None = None  # the number that was acknowledged, and when
        self._seen_at = self._tried_at = -math.inf

    @property
    def path(self) -> Path:
        """The file, absolute, symbolic links resolved."""
        return self._reader.path

    def state(self) -> KillState:
        """Every order up to now; see ports.KillSwitch."""
        now = self._clock.now()
        # Written out, since a context manager costs a third of the whole.
        connection = self._acquire(self._reader)
        try:
            state = self._read(connection)
            if state.number != self._seen or not 0.0 <= now - self._seen_at < SEEN_EVERY_S:
                self._acknowledge(connection, state.number, now)
        except sqlite3.Error as error:
            raise self._failed(error) from error
        finally:
            self._reader.release()
        return state

    def required(self, *, agent: str, session: str, action: str) -> int:
        """The number of the latest kill that covers these; see ports.KillEpochs."""
        return self.state().required(agent=agent, session=session, action=action)

    def order(
        self, verb: KillVerb, scope: KillScope, target: str, *, by: str, reason: str, at: float
    ) -> KillOrder:
        """Give an order; see ports.KillSwitch."""
        check_order(scope, target, by, reason, at)
        # A connection for each order: one that is kept could write to a log that was removed.
        writer = self._writer
        connection = self._acquire(writer)
        try:
            # Syncs the log at the commit, and with it whatever others have committed before;
            # a log that is new is synced together with its folder.
            connection.execute("PRAGMA synchronous = FULL")
            connection.execute("PRAGMA fullfsync = ON")  # macOS: fsync alone stops at the drive
            self._begin_order(connection)
            self._tell("begun")
            check_version(connection, self.path)
            if verb is KillVerb.RESUME:
                last = connection.execute(_LAST_OF_TARGET, (scope.value, target)).fetchone()
                if last is None or last[0] != KillVerb.KILL.value:
                    raise not_active(scope, target)
            self._tell("checked")
            row = (verb.value, scope.value, target, by, reason, at)
            number = connection.execute(_INSERT, row).lastrowid
            assert number is not None  # it is one after an INSERT
            self._tell("inserted")
            connection.execute("COMMIT")
            self._tell("committed")
        except sqlite3.Error as error:
            raise unavailable(self.path, error) from error
        finally:
            writer.drop()
            writer.release()
        return KillOrder(number, verb, scope, target, by, reason, at)

    def orders(self) -> tuple[KillOrder, ...]:
        """Every order ever given, oldest first. Reading them acknowledges nothing."""
        with self._reading() as connection:
            self._read(connection)
            return self._all(connection)

    def seen(self) -> tuple[Seen, ...]:
        """Who has read how far, and when it last said so; whoever said so last comes first.

        Who is not in use says nothing, and reads before its next decision. Who has said nothing for
        FORGET_SEEN_S is forgotten.
        """
        with self._reading() as connection:
            self._read(connection)
            rows = connection.execute(_SEEN).fetchall()
        try:
            return tuple(Seen(*msgspec.convert(row, _SeenRow)) for row in rows)
        except msgspec.ValidationError as error:
            raise self._unreadable() from error

    def close(self) -> None:
        """Take the note for `seen` away and let go of the file. Later calls raise StateUnavailable.

        Raises:
            StateUnavailable: A question or an order was in progress for longer than the time limit.
        """
        if self._seen is not None and self._pid == os.getpid():
            self._leave()
        self._reader.close()
        self._writer.close()

    def _begin_order(self, connection: sqlite3.Connection) -> None:
        """Take the write lock, before those who wait for it to remember a decision.

        SQLite's own waiting sleeps up to 0.1 s between two looks: agents that call without a pause delayed
        the order that was to stop them by up to 0.8 s.
        """
        connection.execute("PRAGMA busy_timeout = 0")
        deadline = time.monotonic() + self._timeout_ms / 1000
        while True:
            try:
                connection.execute("BEGIN IMMEDIATE")
                return
            except sqlite3.OperationalError as error:
                busy = error.sqlite_errorcode & 0xFF == sqlite3.SQLITE_BUSY
                if not busy or time.monotonic() > deadline:
                    raise
            time.sleep(ORDER_RETRY_S)

    # ---------------------------------------------------------------- questions

    def _read(self, connection: sqlite3.Connection) -> KillState:
        if connection is not self._known_by:
            self._begin(connection)
        number = connection.execute(_LATEST).fetchone()[0] or 0
        if number != self._known.number or self._went_back:
            self._know(KillState.of(self._all(connection)))
        return self._known

    def _begin(self, connection: sqlite3.Connection) -> None:
        self._know(KillState.of(self._all(connection)))
        self._known_by = connection
        if self._pid != os.getpid():
            self._enter()

    def _know(self, state: KillState) -> None:
        if self._went_back or state.number < self._known.number:
            self._went_back = True  # for good: the same numbers may be given again, to other orders
            raise self._replaced("put back to an earlier state while in use")
        self._known = state

    def _all(self, connection: sqlite3.Connection) -> tuple[KillOrder, ...]:
        # Not at every question: a permit0 that keeps orders elsewhere takes this table away.
        check_version(connection, self.path)
        rows = connection.execute(_ORDERS).fetchall()
        try:
            return tuple(KillOrder(*msgspec.convert(row, _OrderRow)) for row in rows)
        except msgspec.ValidationError as error:
            raise self._unreadable() from error

    # ---------------------------------------------------------------- acknowledgements

    def _acknowledge(self, connection: sqlite3.Connection, number: int, now: float) -> None:
        """Write that this process has read so far, unless somebody else is writing."""
        if 0.0 <= now - self._tried_at < SEEN_RETRY_S:
            return
        self._tried_at = now
        try:
            connection.execute("PRAGMA busy_timeout = 0")
            connection.execute("BEGIN IMMEDIATE")
            connection.execute(_SEE, (self._process, self._name, number, now))
            connection.execute(_FORGET_SEEN, (now - FORGET_SEEN_S,))
            self._tell("seen")
            connection.execute("COMMIT")
            self._seen, self._seen_at = number, now
            self._tried_at = -math.inf  # the next new number is noted at once
        except sqlite3.Error:
            return  # busy, full or read-only: the answer stands, the note comes later or never
        finally:
            self._reader.rollback()
            with contextlib.suppress(sqlite3.Error):
                connection.execute(f"PRAGMA busy_timeout = {self._timeout_ms}")

    def _leave(self) -> None:
        try:
            connection = self._reader.acquire()
        except StateUnavailable:
            return
        try:
            connection.execute("PRAGMA busy_timeout = 0")
            connection.execute("DELETE FROM kill_seen WHERE process = ?", (self._process,))
        except sqlite3.Error:
            return  # FORGET_SEEN_S does it
        finally:
            self._reader.release()

    def _enter(self) -> None:
        """Be a process that has acknowledged nothing yet."""
        self._pid = os.getpid()
        self._process = secrets.token_hex(8)
        self._seen = None
        self._seen_at = self._tried_at = -math.inf

    # ---------------------------------------------------------------- failures

    @contextlib.contextmanager
    def _reading(self) -> Iterator[sqlite3.Connection]:
        connection = self._acquire(self._reader)
        try:
            yield connection
        except sqlite3.Error as error:
            raise self._failed(error) from error
        finally:
            self._reader.release()

    def _acquire(self, guarded: GuardedConnection) -> sqlite3.Connection:
        try:
            return guarded.acquire()
        except sqlite3.Error as error:
            raise unavailable(self.path, error) from error

    def _failed(self, error: sqlite3.Error) -> StateUnavailable:
        failed = unavailable(self.path, error)
        if failed.reason_code in _DOUBTFUL:
            self._reader.drop()  # opened and read afresh at the next question
        return failed

    def _replaced(self, what: str) -> StateUnavailable:
        return StateUnavailable(
            f"the state file {str(self.path)!r} was {what}, restart every process that uses it",
            reason_code="state_replaced",
        )

    def _unreadable(self) -> StateUnavailable:
        return StateUnavailable(
            f"a row of the state file {str(self.path)!r} cannot be read, restore it from a backup",
            reason_code="state_corrupt",
        )

    def _tell(self, step: str) -> None:
        if self._after is not None:
            self._after(step)
