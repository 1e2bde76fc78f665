"""Records in one SQLite file, written by any number of threads and processes as one chain.

One append, in one transaction (BEGIN IMMEDIATE, so that nobody else's comes between):
  1. place the records behind the head that this sink wrote last
  2. replace the head if it still is that one, which erases the opening of the one before
  3. if not, read the head, check that it is the end of what is there, place them behind it
  4. sign and insert the records
Threads of a process share a commit: whoever gets the lock writes for all that wait.
Durability: "process" survives a crash or kill of the process (the operating system has the bytes);
"power" survives a loss of power, too (the log is synced before the answer).
Guarantees: `append` returns only after the commit; a log that was cut, exchanged, removed or damaged is not
continued. Every failure is one AuditUnavailable with a code of its own. The log is closed before a fork and
opened again on either side: SQLite keeps a file's locks in the memory of the process, so a child would
believe to hold what only its parent holds, and the parent would take the log's files away under it.
Does not: keep the file from being changed by whoever may write it; verify finds that.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import os
import secrets
import sqlite3
import threading
import weakref
from collections import deque
from pathlib import Path
from typing import Literal

from permit0.audit.chain import EMPTY, begin, place, read_envelope, sign
from permit0.errors import AuditUnavailable
from permit0.model.record import AuditReceipt, LogHead
from permit0.ports import Signer
from permit0.state.files import OpenFiles

__all__ = ["SCHEMA_VERSION", "Durability", "SqliteSink", "unavailable"]

Durability = Literal["process", "power"]

SCHEMA_VERSION = 1
MAX_BATCH = 256  # records of one commit; bounds how long a caller waits for others
TIMEOUT_S = 5.0  # as the session store: a decision that waits longer is of no use to anybody

_SCHEMA = """
CREATE TABLE IF NOT EXISTS audit_meta (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS audit_records (
    seq INTEGER PRIMARY KEY, record BLOB NOT NULL, signature BLOB NOT NULL
);
CREATE TABLE IF NOT EXISTS audit_head (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    seq INTEGER NOT NULL, digest TEXT NOT NULL, opening BLOB NOT NULL
);
CREATE TABLE IF NOT EXISTS audit_keys (kid TEXT PRIMARY KEY, public TEXT NOT NULL) WITHOUT ROWID;
"""

_NEXT_HEAD = (
    "UPDATE audit_head SET seq = ?, digest = ?, opening = ? "
    "WHERE id = 1 AND seq = ? AND digest = ? AND opening = ?"
)
_SET_HEAD = (
    "INSERT INTO audit_head VALUES (1, ?, ?, ?) ON CONFLICT (id) DO UPDATE "
    "SET seq = excluded.seq, digest = excluded.digest, opening = excluded.opening"
)
_INSERT = "INSERT INTO audit_records VALUES (?, ?, ?)"

# SQLite's primary result codes (https://sqlite.org/rescode.html): reason code and sentence.
_PRIMARY = 0xFF
_SENTENCES = {
    sqlite3.SQLITE_BUSY: ("audit_locked", "is locked by another program, try again"),
    sqlite3.SQLITE_LOCKED: ("audit_locked", "is locked by another program, try again"),
    sqlite3.SQLITE_FULL: ("audit_full", "cannot grow, the disk is full"),
    sqlite3.SQLITE_READONLY: ("audit_read_only", "may not be written, check its permissions"),
    sqlite3.SQLITE_PERM: ("audit_read_only", "may not be written, check its permissions"),
    sqlite3.SQLITE_CANTOPEN: ("audit_io", "cannot be opened, check the folder"),
    sqlite3.SQLITE_CORRUPT: ("audit_corrupt", "is damaged, restore it from a copy"),
    sqlite3.SQLITE_NOTADB: ("audit_corrupt", "is no database, restore it from a copy"),
}


class _Waiting:
    """One caller's record, and what came of it."""

    __slots__ = ("begun", "error", "receipt")

    def __init__(self, begun: bytes) -> None:
        self.begun = begun
        self.receipt: AuditReceipt | None = None
        self.error: AuditUnavailable | None = None


class SqliteSink:
    """An AuditSink over one file. Safe for threads; after a fork each side opens the file anew."""

    def __init__(
        self,
        path: Path,
        signer: Signer,
        *,
        durability: Durability = "process",
        timeout_s: float = TIMEOUT_S,
    ) -> None:
        """Open the log, or begin it.

        Raises:
            AuditUnavailable: The file cannot be used; the code says why.
        """
        # Absolute, since a program may change its directory and the files are looked at again.
        self.path = Path(os.path.realpath(path))
        self._signer = signer
        self._durability: Durability = durability
        self._timeout_s = timeout_s
        self._closed = False
        self._last: LogHead = EMPTY
        self._fresh()
        self._forking = 0  # thread that holds the lock for a fork
        self._files: OpenFiles | None = None
        self._database: sqlite3.Connection | None = self._open()
        _guard_forks(self)

    def append(self, kind: str, at: float, body: bytes) -> AuditReceipt:
        waiting = _Waiting(begin(kind, at, body, kid=self._signer.kid))
        self._queue.append(waiting)
        # nearly always free, and quicker without a time limit
        if not self._lock.acquire(blocking=False) and not self._lock.acquire(
            timeout=self._timeout_s
        ):
            # It may still be written: a record of a call that is refused does no harm.
            raise AuditUnavailable(
                f"the audit log {self.path.name!r} did not answer in time, try again",
                reason_code="audit_locked",
            )
        try:
            self._owner = threading.get_ident()
            while waiting.receipt is None and waiting.error is None:
                self._write_batch()
        finally:
            self._owner = 0
            self._lock.release()
        if waiting.receipt is None:
            error = waiting.error
            assert error is not None
            raise AuditUnavailable(str(error), reason_code=error.reason_code) from error
        return waiting.receipt

    def close(self) -> None:
        with self._lock:
            self._closed = True
            self._disconnect()

    # ---------------------------------------------------------------- one transaction

    def _write_batch(self) -> None:
        """Write what waits, under the lock; every caller of the batch gets a receipt or an error."""
        batch: list[_Waiting] = []
        while self._queue and len(batch) < MAX_BATCH:
            batch.append(self._queue.popleft())
        try:
            receipts = self._commit(batch)
        except AuditUnavailable as error:
            for waiting in batch:
                waiting.error = error
        except sqlite3.Error as error:
            found = unavailable(error, self.path)
            for waiting in batch:
                waiting.error = found
        except BaseException:
            lost = AuditUnavailable("writing the audit log was interrupted", reason_code="audit_io")
            for waiting in batch:
                waiting.error = lost
            raise
        else:
            for waiting, receipt in zip(batch, receipts, strict=True):
                waiting.receipt = receipt

    def _commit(self, batch: list[_Waiting]) -> list[AuditReceipt]:
        if self._closed:
            raise AuditUnavailable("the audit log is closed", reason_code="audit_closed")
        database = self._database
        if database is None:
            database = self._database = self._open()
        elif self._files is None or not self._files.is_same():
            raise self._replaced()
        try:
            cursor = database.cursor()
            cursor.execute("BEGIN IMMEDIATE")
            # 1. place
            before = self._last
            records, head = self._placed(batch, before)
            # 2. replace the head
            cursor.execute(
                _NEXT_HEAD,
                (head.seq, head.digest, head.opening, before.seq, before.digest, before.opening),
            )
            # 3. it is another one, or the log is empty
            if cursor.rowcount != 1:
                records, head = self._placed(batch, self._head(database))
                cursor.execute(_SET_HEAD, (head.seq, head.digest, head.opening))
            # 4. sign and insert
            for data, after in records:
                cursor.execute(_INSERT, (after.seq, data, sign(after, self._signer)))
            cursor.execute("COMMIT")
        except BaseException:
            with contextlib.suppress(sqlite3.Error):
                if database.in_transaction:
                    database.execute("ROLLBACK")
            raise
        self._last = head
        return [AuditReceipt(after.seq, after.digest) for _, after in records]

    def _placed(
        self, batch: list[_Waiting], head: LogHead
    ) -> tuple[list[tuple[bytes, LogHead]], LogHead]:
        """The records of a batch behind `head`, each with the head after it, and the last of these."""
        records: list[tuple[bytes, LogHead]] = []
        for waiting in batch:
            data, head = place(waiting.begun, head, writer=self._writer)
            records.append((data, head))
        return records, head

    def _head(self, database: sqlite3.Connection) -> LogHead:
        """The head as it is, after a look whether it is the end."""
        row = database.execute("SELECT seq, digest, opening FROM audit_head").fetchone()
        head = EMPTY if row is None else LogHead(*row)
        if head != self._last:
            if self._files is None or not self._files.is_same_log():
                raise self._replaced()
            self._check_end(database, head)
        return head

    def _check_end(self, database: sqlite3.Connection, head: LogHead) -> None:
        """Whether `head` is the end of what is there and not before what this sink has seen.

        Without this, a log that was cut would be continued, and the cut be covered by good records.
        """
        row = database.execute(
            "SELECT seq, record FROM audit_records ORDER BY seq DESC LIMIT 1"
        ).fetchone()
        if row is None:
            good = head == EMPTY
        else:
            seq, data = row
            envelope = read_envelope(data)
            good = (
                envelope is not None
                and seq == head.seq == envelope.seq
                and hashlib.sha256(data).hexdigest() == head.digest
                and hashlib.sha256(head.opening).hexdigest() == envelope.seal
            )
        if not good or head.seq < self._last.seq:
            raise AuditUnavailable(
                f"the end of the audit log {self.path.name!r} is not what was written, "
                "run `permit0 audit verify` and keep the file",
                reason_code="audit_tampered",
            )

    # ---------------------------------------------------------------- opening

    def _fresh(self) -> None:
        """What belongs to one process."""
        self._writer = secrets.token_hex(8)
        self._lock = threading.Lock()
        self._owner = 0  # thread that holds it
        self._queue: deque[_Waiting] = deque()

    def before_fork(self) -> None:
        """Let an append in progress end, and close."""
        if self._owner == threading.get_ident():  # it forks in the middle of its own append
            return
        if self._lock.acquire(timeout=self._timeout_s):
            self._forking = threading.get_ident()
            self._disconnect()

    def after_fork(self, *, child: bool) -> None:
        """Go on, in the parent and in the child."""
        closed = self._forking == threading.get_ident()
        if closed:
            self._forking = 0
            self._lock.release()
        if child:
            if not closed:
                self._abandoned = self._database  # closing it could release what the parent holds
                self._database = None
            self._fresh()

    def _disconnect(self) -> None:
        database, self._database = self._database, None
        if database is not None:
            database.close()

    def _replaced(self) -> AuditUnavailable:
        return AuditUnavailable(
            f"the audit log {self.path.name!r} was removed or replaced while in use, "
            "restart every process that writes it",
            reason_code="audit_replaced",
        )

    def _open(self) -> sqlite3.Connection:
        files = self._files
        if files is not None and not files.is_same_file():
            raise self._replaced()
        try:
            # SQLite would create it with the process's umask; records are nobody else's business.
            os.close(os.open(self.path, os.O_CREAT | os.O_RDWR, 0o600))
        except OSError as error:
            code, sentence = "audit_io", "cannot be opened, check the folder"
            if isinstance(error, PermissionError):
                code, sentence = _SENTENCES[sqlite3.SQLITE_READONLY]
            raise AuditUnavailable(
                f"the audit log {self.path.name!r} {sentence}", reason_code=code
            ) from error
        try:
            database = sqlite3.connect(
                self.path, timeout=self._timeout_s, isolation_level=None, check_same_thread=False
            )
        except sqlite3.Error as error:
            raise unavailable(error, self.path) from error
        try:
            self._prepare(database)
            self._files = OpenFiles(self.path)
        except sqlite3.Error as error:
            database.close()
            raise unavailable(error, self.path) from error
        except BaseException:
            database.close()
            raise
        return database

    def _prepare(self, database: sqlite3.Connection) -> None:
        database.execute("PRAGMA journal_mode = WAL")
        level = "FULL" if self._durability == "power" else "NORMAL"
        database.execute(f"PRAGMA synchronous = {level}")
        if self._durability == "power":
            database.execute("PRAGMA fullfsync = ON")  # macOS: fsync alone stops at the drive
        database.execute("PRAGMA secure_delete = ON")  # the opening before is overwritten
        database.execute("BEGIN IMMEDIATE")
        for statement in _SCHEMA.split(";"):
            database.execute(statement)
        database.execute(
            "INSERT OR IGNORE INTO audit_meta VALUES ('schema', ?)", (str(SCHEMA_VERSION),)
        )
        (version,) = database.execute(
            "SELECT value FROM audit_meta WHERE name = 'schema'"
        ).fetchone()
        if version != str(SCHEMA_VERSION):
            raise AuditUnavailable(
                f"the audit log {self.path.name!r} has schema {version!r}, "
                f"this permit0 writes {SCHEMA_VERSION}, update it",
                reason_code="audit_newer_schema",
            )
        database.execute(
            "INSERT OR IGNORE INTO audit_keys VALUES (?, ?)",
            (self._signer.kid, self._signer.public),
        )
        database.execute("COMMIT")


def _guard_forks(sink: SqliteSink) -> None:
    """There is no way to unregister; what stays of a sink is three small functions."""
    if not hasattr(os, "register_at_fork"):
        return
    known = weakref.ref(sink)

    def before() -> None:
        found = known()
        if found is not None:
            found.before_fork()

    def after(*, child: bool) -> None:
        found = known()
        if found is not None:
            found.after_fork(child=child)

    os.register_at_fork(
        before=before,
        after_in_parent=functools.partial(after, child=False),
        after_in_child=functools.partial(after, child=True),
    )


def unavailable(error: sqlite3.Error, path: Path) -> AuditUnavailable:
    """A failure of SQLite as one sentence with a code."""
    number = getattr(error, "sqlite_errorcode", 0) & _PRIMARY
    code, sentence = _SENTENCES.get(number, ("audit_io", f"failed with {type(error).__name__}"))
    return AuditUnavailable(f"the audit log {path.name!r} {sentence}", reason_code=code)
