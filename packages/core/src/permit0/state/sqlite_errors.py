"""What SQLite's errors mean to us: one sentence and one reason code each.

| reason code | what is wrong |
| --- | --- |
| state_missing_folder | the folder of the file does not exist, or is no folder |
| state_unsafe_folder, state_unsafe_file | anybody on the machine could replace or change the file |
| state_newer_schema | a newer permit0 wrote the file |
| state_foreign_file | the file is an SQLite database of another program |
| state_corrupt | the file is damaged, or no SQLite database |
| state_read_only | the file or its folder cannot be written |
| state_full | the disk, or the room that the file may take, is full |
| state_locked | another decision held the file for longer than the time limit |
| state_replaced | the file was removed, replaced or put back to an earlier state while it was in use |
| state_forked | the process was forked in the middle of a decision |
| state_closed | the store was closed |
| state_io | the disk reported an error |
| state_unavailable | anything else |
"""

from __future__ import annotations

import sqlite3
from pathlib import Path

from permit0.errors import StateUnavailable

__all__ = ["unavailable"]

# Primary result codes of https://sqlite.org/rescode.html; the extended ones share the lowest byte.
_MEANINGS = {
    sqlite3.SQLITE_BUSY: (
        "state_locked",
        "is locked by another decision, try again",
    ),
    sqlite3.SQLITE_LOCKED: (
        "state_locked",
        "is locked by another decision, try again",
    ),
    sqlite3.SQLITE_FULL: (
        "state_full",
        "cannot grow, make room on the disk",
    ),
    sqlite3.SQLITE_READONLY: (
        "state_read_only",
        "is read-only, make the file and its folder writable",
    ),
    sqlite3.SQLITE_CORRUPT: (
        "state_corrupt",
        "is damaged, restore it from a backup or move it away to begin a new history",
    ),
    sqlite3.SQLITE_NOTADB: (
        "state_corrupt",
        "is no SQLite database, restore it from a backup or move it away to begin a new history",
    ),
    sqlite3.SQLITE_IOERR: (
        "state_io",
        "could not be read or written, look at the disk",
    ),
}


def unavailable(path: Path, error: sqlite3.Error) -> StateUnavailable:
    """The error to raise for one of SQLite's."""
    code = getattr(error, "sqlite_errorcode", None)  # absent if the module itself complains
    primary = code & 0xFF if isinstance(code, int) else -1
    reason, what = _MEANINGS.get(primary, ("state_unavailable", None))
    if what is None:
        name = getattr(error, "sqlite_errorname", type(error).__name__)
        what = f"cannot be used, SQLite says {name}"
    return StateUnavailable(f"the state file {str(path)!r} {what}", reason_code=reason)
