"""The files behind an open SQLite connection, and whether they are still those under their names.

SQLite keeps what was committed last in `-wal`, and connections tell each other where in `-shm`. Whoever opens a
database after one of the three was removed makes a new one, and from then on the two know nothing of each
other: a used token, a kill or a call that one of them writes is not seen by the other.
Guarantees: `is_same` notices it for the file and `-shm`, at the cost of two looks; `is_same_log` for `-wal`,
which matters only when somebody else has written. Does not: see what happens between a look and the next one.
"""

from __future__ import annotations

import os
from pathlib import Path

__all__ = ["OpenFiles"]

_Identity = tuple[int, int] | None  # None: there is no such file


class OpenFiles:
    """What a connection has open. To be made after the connection has read something.

    Args:
        path: The database, absolute.
    """

    __slots__ = ("_index", "_index_path", "_log", "_log_path", "_main", "_main_path")

    def __init__(self, path: Path) -> None:
        self._main_path, self._index_path, self._log_path = str(path), f"{path}-shm", f"{path}-wal"
        self._main = _identity(self._main_path)
        self._index = _identity(self._index_path)
        self._log = _identity(self._log_path)

    def is_same(self) -> bool:
        """Whether the file and its index are those that were opened."""
        main, index = self._main, self._index
        if main is None or index is None:
            return self.is_same_file() and _identity(self._index_path) == index
        # Written out: this is asked several times in every decision.
        try:
            found = os.stat(self._main_path)  # noqa: PTH116  # Path.stat costs twice as much
            beside = os.stat(self._index_path)  # noqa: PTH116  # as above
        except OSError:
            return False
        return (
            found.st_ino == main[1]
            and beside.st_ino == index[1]
            and found.st_dev == main[0]
            and beside.st_dev == index[0]
        )

    def is_same_file(self) -> bool:
        """Whether the file is the one that was opened; for a connection that was closed."""
        return _identity(self._main_path) == self._main

    def is_same_log(self) -> bool:
        """Whether the write-ahead log is the one that was opened."""
        return _identity(self._log_path) == self._log


def _identity(path: str) -> _Identity:
    try:
        found = os.stat(path)  # noqa: PTH116  # a text, as above
    except OSError:
        return None
    return found.st_dev, found.st_ino
