"""The state file: opening it safely, and the shape of what is in it.

Guarantees of `open_state`:
  * The folder exists and nobody else can replace the file in it: a folder that everybody may write
    to is refused unless its sticky bit is set. So is a file that everybody may write to.
  * A file that is made here has mode 0600, and so have SQLite's -wal and -shm files beside it.
    A wider mode that somebody set on purpose (for a group) is left alone.
  * The file is ours (application_id) and its schema is known: an older one is migrated in one
    transaction, a newer one is refused, whatever it holds.
  * Write-ahead log, synchronous NORMAL: what was committed survives the end of the process by any
    signal; the last commits before a power cut may be lost, the file stays whole.
Does not: keep the connection to one thread or process (sqlite.py).
"""

from __future__ import annotations

import os
import sqlite3
import stat
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from permit0.errors import StateUnavailable
from permit0.state.sqlite_errors import unavailable

__all__ = ["APPLICATION_ID", "MIGRATIONS", "SCHEMA_VERSION", "check_version", "open_state"]

APPLICATION_ID = 0x70657230  # "per0": PRAGMA application_id, so that `file` and we know the file

# One entry per version; entry 0 makes version 1 of an empty file. Never edited once released.
# history.id is the order of everything: ids are given inside of the write lock and committed in
# that order. The newest row is never deleted, so an id is never given twice.
# A version that keeps kill orders elsewhere takes kill_orders away: processes that still run look for new
# orders there, and must fail rather than miss one.
# kind: 0 step, 1 refused call, 2 settled, 3 looked at; see rows.py.
MIGRATIONS: Sequence[Sequence[str]] = (
    (
        """CREATE TABLE history (
            id INTEGER PRIMARY KEY,
            session TEXT NOT NULL,
            agent TEXT NOT NULL,
            principal TEXT,
            kind INTEGER NOT NULL,
            at REAL NOT NULL,
            tier TEXT NOT NULL,
            traces TEXT NOT NULL
        )""",
        "CREATE INDEX history_session ON history (session)",
        """CREATE INDEX history_shared ON history (agent, principal)
            WHERE principal IS NOT NULL""",
    ),
    (
        # Orders are never deleted and numbers never given twice.
        """CREATE TABLE kill_orders (
            number INTEGER PRIMARY KEY AUTOINCREMENT,
            verb TEXT NOT NULL,
            scope TEXT NOT NULL,
            target TEXT NOT NULL,
            by TEXT NOT NULL,
            reason TEXT NOT NULL,
            at REAL NOT NULL
        )""",
        """CREATE TABLE kill_seen (
            process TEXT PRIMARY KEY,
            name TEXT NOT NULL,
            number INTEGER NOT NULL,
            at REAL NOT NULL
        ) WITHOUT ROWID""",
        """CREATE TABLE used_tokens (
            jti TEXT PRIMARY KEY,
            used INTEGER NOT NULL,
            expires_at REAL NOT NULL
        ) WITHOUT ROWID""",
        "CREATE INDEX used_tokens_expiry ON used_tokens (expires_at)",
        # One row: the latest expiry among the marks that were forgotten.
        """CREATE TABLE used_tokens_forgotten (
            id INTEGER PRIMARY KEY CHECK (id = 1),
            until REAL NOT NULL
        )""",
        """CREATE TABLE approvals (
            id TEXT PRIMARY KEY,
            request BLOB NOT NULL,
            digest TEXT NOT NULL,
            call_id TEXT NOT NULL,
            view_digest TEXT NOT NULL,
            status TEXT NOT NULL,
            created REAL NOT NULL,
            expires REAL NOT NULL,
            answer BLOB
        ) WITHOUT ROWID""",
        "CREATE INDEX approvals_waiting ON approvals (created) WHERE status = 'pending'",
        "CREATE INDEX approvals_call ON approvals (digest, call_id) WHERE call_id != ''",
    ),
    (
        # One row: the key of every digest in the two tables below; see output_rows.py.
        """CREATE TABLE piece_key (
            id INTEGER PRIMARY KEY CHECK (id = 1),
            key BLOB NOT NULL
        )""",
        # Unlike history these rows are deleted, so that the numbers must not depend on what is left.
        """CREATE TABLE exposed_outputs (
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            session TEXT NOT NULL,
            agent TEXT NOT NULL,
            principal TEXT,
            at REAL NOT NULL,
            tool TEXT NOT NULL,
            groups BLOB NOT NULL
        )""",
        "CREATE INDEX exposed_outputs_session ON exposed_outputs (session)",
        """CREATE INDEX exposed_outputs_shared ON exposed_outputs (agent, principal)
            WHERE principal IS NOT NULL""",
        "CREATE INDEX exposed_outputs_age ON exposed_outputs (at)",
        """CREATE TABLE carried_blocks (
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            output INTEGER NOT NULL,
            blocks BLOB NOT NULL
        )""",
        "CREATE INDEX carried_blocks_output ON carried_blocks (output)",
    ),
)
SCHEMA_VERSION = len(MIGRATIONS)
FILE_MODE = 0o600
RETRY_S = 0.005
_ANY_WRITE = stat.S_IWUSR | stat.S_IWGRP | stat.S_IWOTH


def open_state(
    path: Path,
    *,
    timeout_s: float,
    migrations: Sequence[Sequence[str]] = MIGRATIONS,
    after: Callable[[str], None] | None = None,
) -> sqlite3.Connection:
    """Open a state file, or make it.

    Args:
        path: The file, absolute.
        timeout_s: How long to wait for another process.
        migrations: The steps to the version that this program knows.
        after: Called after each step, with its name; for tests that interrupt it there.

    Returns:
        A connection in autocommit mode, for use by one thread at a time.

    Raises:
        StateUnavailable: The file cannot be used; the reason codes are in sqlite_errors.py.
    """
    _check_folder(path)
    _make(path)
    _tell(after, "created")
    _check_file(path)
    deadline = time.monotonic() + timeout_s
    while True:
        try:
            return _connect(path, timeout_s, migrations, after)
        except StateUnavailable as error:
            # SQLite does not wait by itself while somebody else turns the write-ahead log on or off.
            if error.reason_code != "state_locked" or time.monotonic() > deadline:
                raise
        time.sleep(RETRY_S)


def _connect(
    path: Path,
    timeout_s: float,
    migrations: Sequence[Sequence[str]],
    after: Callable[[str], None] | None,
) -> sqlite3.Connection:
    try:
        connection = sqlite3.connect(
            path, timeout=timeout_s, isolation_level=None, check_same_thread=False
        )
    except sqlite3.Error as error:
        raise unavailable(path, error) from error
    try:
        # First of all a look at the version: nothing is changed in a file that is not ours. In a
        # transaction, or another process could make the tables between one look and the next.
        connection.execute("BEGIN")
        version = _version(connection, path, len(migrations))
        connection.execute("COMMIT")
        journal = connection.execute("PRAGMA journal_mode = WAL").fetchone()[0]
        if journal != "wal":
            raise StateUnavailable(
                f"the state file {str(path)!r} cannot have a write-ahead log, put it on a local disk"
            )
        connection.execute("PRAGMA synchronous = NORMAL")
        connection.execute("PRAGMA trusted_schema = OFF")
        connection.execute("PRAGMA cell_size_check = ON")
        _tell(after, "opened")
        if version < len(migrations):
            _migrate(connection, path, migrations, after)
    except sqlite3.Error as error:
        connection.close()
        raise unavailable(path, error) from error
    except BaseException:
        connection.close()
        raise
    return connection


def check_version(connection: sqlite3.Connection, path: Path) -> None:
    """Refuse a file that a newer permit0 has migrated in the meantime.

    Raises:
        StateUnavailable: It has.
    """
    _check_known(_pragma(connection, "user_version"), path, SCHEMA_VERSION)


def _check_known(version: int, path: Path, known: int) -> None:
    if version > known:
        raise StateUnavailable(
            f"the state file {str(path)!r} has schema {version} and this permit0 knows {known}, "
            "upgrade permit0",
            reason_code="state_newer_schema",
        )


def _version(connection: sqlite3.Connection, path: Path, known: int) -> int:
    owner = _pragma(connection, "application_id")
    if owner != APPLICATION_ID and (owner or _pragma(connection, "schema_version")):
        raise StateUnavailable(
            f"the file {str(path)!r} is the database of another program, give state.path a file of its own",
            reason_code="state_foreign_file",
        )
    version = _pragma(connection, "user_version")
    _check_known(version, path, known)
    return version


def _pragma(connection: sqlite3.Connection, name: str) -> int:
    value: int = connection.execute(f"PRAGMA {name}").fetchone()[0]
    return value


def _migrate(
    connection: sqlite3.Connection,
    path: Path,
    migrations: Sequence[Sequence[str]],
    after: Callable[[str], None] | None,
) -> None:
    connection.execute("BEGIN IMMEDIATE")
    # Closing rolls back, so a failure below needs nothing more.
    for statements in migrations[_version(connection, path, len(migrations)) :]:
        for statement in statements:
            connection.execute(statement)
            _tell(after, "migrating")
    connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
    connection.execute(f"PRAGMA user_version = {len(migrations)}")
    connection.execute("COMMIT")
    _tell(after, "migrated")


def _check_folder(path: Path) -> None:
    folder = path.parent
    try:
        mode = folder.stat().st_mode
    except OSError as error:
        raise _missing(folder) from error
    if not stat.S_ISDIR(mode):
        raise _missing(folder)
    if mode & stat.S_IWOTH and not mode & stat.S_ISVTX and os.name == "posix":
        raise StateUnavailable(
            f"anybody can replace files in the folder {str(folder)!r}, take the right to write from others",
            reason_code="state_unsafe_folder",
        )


def _missing(folder: Path) -> StateUnavailable:
    return StateUnavailable(
        f"there is no folder {str(folder)!r} for the state file, make it or change state.path",
        reason_code="state_missing_folder",
    )


def _make(path: Path) -> None:
    """Make the file, empty, with its mode from the first moment on."""
    try:
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, FILE_MODE))
    except FileExistsError:
        return
    except OSError as error:
        raise StateUnavailable(
            f"the state file {str(path)!r} cannot be made ({error.strerror}), make its folder writable",
            reason_code="state_read_only",
        ) from error


def _check_file(path: Path) -> None:
    try:
        mode = path.stat().st_mode
    except OSError as error:
        raise StateUnavailable(
            f"the state file {str(path)!r} cannot be looked at ({error.strerror})"
        ) from error
    if not stat.S_ISREG(mode):
        raise StateUnavailable(
            f"{str(path)!r} is no file, change state.path", reason_code="state_unsafe_file"
        )
    if mode & stat.S_IWOTH and os.name == "posix":
        raise StateUnavailable(
            f"anybody can write to the state file {str(path)!r}, give it mode 0600",
            reason_code="state_unsafe_file",
        )
    # Root may write to it all the same; whoever took every right to write away meant it.
    if not mode & _ANY_WRITE or not os.access(path, os.W_OK):
        raise StateUnavailable(
            f"the state file {str(path)!r} is read-only, make the file and its folder writable",
            reason_code="state_read_only",
        )


def _tell(after: Callable[[str], None] | None, step: str) -> None:
    if after is not None:
        after(step)
