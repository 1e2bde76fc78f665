"""Sessions in one SQLite file, shared by the processes of one machine.

Guarantees:
  1. A transaction is alone among all threads and processes that use the file: reading, deciding and
     appending happen under SQLite's write lock (BEGIN IMMEDIATE), so that decisions are those of
     some serial order.
  2. What was decided is in the file before the transaction ends, and survives the end of the
     process by any signal. A process that is killed leaves its call wholly or not at all, and no lock.
  3. The answers are those of MemoryStore: both keep the same ledgers. Each process keeps those of
     the scopes that it has seen, and applies only the rows that it has not: its own when they are
     committed, those of other processes when the file has changed. A decision costs the same in
     a session of ten calls and of ten thousand; only the first touch of a scope reads its rows.
  4. Time never goes back for a scope, whichever process asks.
  5. Whatever goes wrong is a StateUnavailable with a reason code (sqlite_errors.py); then nothing of
     the ledgers is trusted that may differ from the file.
  6. Pieces of exposed outputs and what calls carried of them are written with the step that they belong to.
Does not: delete history. "The whole session" has no end that a store could know: the sum of
transfers and the latest exposure need rows of any age, and the steps after it need the rows between.
A time at which a transaction failed with an exception binds only the process in which it did.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Sequence
from pathlib import Path

from permit0.errors import StateUnavailable
from permit0.model.exposure import CarriedBlocks, ExposedOutput, Wanted
from permit0.model.history import Feature, HistoryEntry, Scope
from permit0.state.connection import GuardedConnection
from permit0.state.ledger import FeatureIndex
from permit0.state.output_rows import (
    catch_up_outputs,
    insert_carried,
    insert_output,
    make_key,
)
from permit0.state.rows import RowKind, catch_up, insert
from permit0.state.scopes import ScopedHistory, ScopeLedgers
from permit0.state.shelf import KeptOutput
from permit0.state.sqlite_errors import unavailable
from permit0.state.sqlite_step import SqliteStep

__all__ = ["MAX_SCOPES", "STEPS", "SqliteStore"]

MAX_SCOPES = 10_000  # kept in memory, some 2 kB each; one that was dropped is read again
DOUBTFUL = ("state_corrupt", "state_io")
STEPS = (
    "created",
    "opened",
    "migrating",
    "migrated",
    "locked",
    "begun",
    "read",
    "inserted",
    "committed",
    "applied",
    "released",
)
"""What `after` is told, in order; the first four only when the file is opened or made."""

_Row = tuple[int, RowKind, HistoryEntry]


class SqliteStore:
    """A StateStore for all processes of one machine.

    The file is opened when it is first needed, so that a store that cannot be opened refuses calls
    instead of keeping the program from starting, and recovers when the cause is gone.

    Args:
        features: The questions that it answers.
        path: The file; it is made if it is missing, its folder is not.
        timeout_s: How long to wait for another thread, and then for another process.
        max_bytes: How large the file may grow; None for as large as the disk allows.
        after: Called with each of STEPS when it is done; for tests that interrupt it there.
    """

    def __init__(
        self,
        features: Sequence[Feature],
        path: str | Path,
        *,
        timeout_s: float = 5.0,
        max_bytes: int | None = None,
        after: Callable[[str], None] | None = None,
    ) -> None:
        self._index = FeatureIndex(features)
        self._history = ScopedHistory(self._index)
        self._key: bytes | None = None
        self._generation = 1  # how often somebody else has written; new ledgers begin at 0
        self._after = after
        self._guarded = GuardedConnection(
            Path(os.path.realpath(path)), timeout_s=timeout_s, max_bytes=max_bytes, after=after
        )

    @property
    def path(self) -> Path:
        """The file, absolute, symbolic links resolved."""
        return self._guarded.path

    def transaction(self, scope: Scope, at: float) -> SqliteStep:
        """Open a scope for one decision; see StateStore."""
        return SqliteStep(self, scope, at)

    def settle(
        self, scope: Scope, at: float, entry: HistoryEntry, output: ExposedOutput | None = None
    ) -> None:
        """Add what an execution revealed to the latest step; see StateStore."""
        with self.transaction(scope, at) as transaction:
            transaction.settle(entry, output)

    @property
    def piece_key(self) -> bytes:
        """See StateStore."""
        key = self._key
        if key is None:
            try:
                connection = self._guarded.acquire()
            except sqlite3.Error as error:
                raise unavailable(self.path, error) from error
            try:
                connection.execute("BEGIN IMMEDIATE")
                if self._guarded.changed():
                    self._generation += 1
                key = make_key(connection, self.path)
                connection.execute("COMMIT")
            except sqlite3.Error as error:
                failed = unavailable(self.path, error)
                self.abandon(failed)
                raise failed from error
            except BaseException as error:
                self.abandon(error)
                raise
            self._key = key
            self._guarded.release()
        return key

    def wanted(self, scope: Scope, at: float) -> Wanted | None:
        """See StateStore."""
        key, ledgers = self._key, self._history.known(scope)
        return None if ledgers is None or key is None else ledgers.wanted(key, at)

    def wanted_now(self, ledgers: ScopeLedgers, now: float) -> Wanted | None:
        """As `wanted`, inside of the critical section: for certain."""
        if not self._history.has_outputs:
            return None
        if self._key is None:
            self._key = make_key(self._guarded.connection, self.path)
        return ledgers.wanted(self._key, now)

    def close(self) -> None:
        """Let go of the file. Later calls raise StateUnavailable; closing again does nothing.

        Raises:
            StateUnavailable: A decision was in progress for longer than the time limit.
        """
        self._guarded.close()

    def begin(self, scope: Scope) -> ScopeLedgers:
        """Enter the critical section; `commit` or `abandon` leaves it.

        Returns:
            The ledgers of the scope, as the file says.

        Raises:
            StateUnavailable: The file cannot be used.
        """
        try:
            connection = self._guarded.acquire()
        except sqlite3.Error as error:
            raise unavailable(self.path, error) from error
        try:
            self._tell("locked")
            ledgers = self._history.of(scope, MAX_SCOPES)
            if any(ledger.generation == 0 for ledger in ledgers.all):
                # A long history is read before the write lock is taken, so that nobody waits for it.
                self._catch_up(connection, scope, ledgers)
            connection.execute("BEGIN IMMEDIATE")
            self._tell("begun")
            if self._guarded.changed():
                self._generation += 1
            generation = self._generation
            for ledger in ledgers.all:
                if ledger.generation != generation:
                    self._catch_up(connection, scope, ledgers)
                    break
            for ledger in ledgers.all:
                ledger.generation = generation
            self._tell("read")
        except sqlite3.Error as error:
            failed = unavailable(self.path, error)
            self.abandon(failed)
            raise failed from error
        except BaseException as error:
            self.abandon(error)
            raise
        return ledgers

    def insert(self, scope: Scope, kind: RowKind, entry: HistoryEntry) -> int:
        """Write one row of the transaction.

        Raises:
            StateUnavailable: It could not be written.
        """
        try:
            row = insert(self._guarded.connection, scope, kind, entry)
        except sqlite3.Error as error:
            raise unavailable(self.path, error) from error
        self._tell("inserted")
        return row

    def insert_output(self, scope: Scope, ledgers: ScopeLedgers, kept: KeptOutput) -> None:
        """Write the pieces of an output, and give it its number.

        Raises:
            StateUnavailable: They could not be written.
        """
        try:
            kept.id = insert_output(
                self._guarded.connection,
                scope,
                kept.at,
                kept.output,
                ledgers.leaving(kept.output, kept.at),
            )
        except sqlite3.Error as error:
            raise unavailable(self.path, error) from error
        self._tell("inserted")

    def insert_carried(self, carried: CarriedBlocks) -> None:
        """Write what a call carried.

        Raises:
            StateUnavailable: It could not be written.
        """
        try:
            insert_carried(self._guarded.connection, carried)
        except sqlite3.Error as error:
            raise unavailable(self.path, error) from error
        self._tell("inserted")

    def commit(
        self,
        scope: Scope,
        ledgers: ScopeLedgers,
        rows: Sequence[_Row],
        outputs: Sequence[KeptOutput] = (),
        carried: Sequence[CarriedBlocks] = (),
    ) -> None:
        """Make the rows last, count them, and leave the critical section.

        Raises:
            StateUnavailable: They could not be committed.
        """
        try:
            self._guarded.connection.execute("COMMIT")
            self._tell("committed")
            for row, kind, entry in rows:
                if kind is RowKind.SETTLED:
                    ledgers.settle(entry)
                elif kind is not RowKind.LOOKED:
                    ledgers.apply(entry)
                for ledger in ledgers.all:
                    ledger.row = row
            for kept in outputs:
                self._history.has_outputs = True
                ledgers.keep(kept)
            for blocks in carried:
                ledgers.carry(blocks)
            self._tell("applied")
        except BaseException as error:
            self._history.forget(scope)  # perhaps not what the file says any more
            failed = unavailable(self.path, error) if isinstance(error, sqlite3.Error) else error
            self.abandon(failed)
            if failed is error:
                raise
            raise failed from error
        self._guarded.release()
        self._tell("released")

    def abandon(self, error: BaseException | None = None) -> None:
        """Leave the critical section without a trace.

        After an error that casts doubt on the file, it is opened and read afresh.
        """
        self._key = None  # perhaps made just now, and not kept
        try:
            self._guarded.rollback()
            if isinstance(error, StateUnavailable) and error.reason_code in DOUBTFUL:
                self._guarded.drop()
                self._history = ScopedHistory(self._index)
        finally:
            self._guarded.release()

    @property
    def index(self) -> FeatureIndex:
        """The features that this store answers."""
        return self._index

    def _catch_up(
        self, connection: sqlite3.Connection, scope: Scope, ledgers: ScopeLedgers
    ) -> None:
        try:
            catch_up(connection, scope, ledgers, self.path)
            if catch_up_outputs(connection, scope, ledgers, self.path):
                self._history.has_outputs = True
        except BaseException:
            self._history.forget(scope)  # perhaps in the middle of a row
            raise

    def _tell(self, step: str) -> None:
        if self._after is not None:
            self._after(step)
