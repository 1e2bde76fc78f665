"""Open what was kept or exported, for reading only: a SQLite log, JSON lines, a bundle.

Guarantees: what a file holds is read as it stands, record by record and in bounded memory; nothing
is written. Does not: believe any of it (verify).
"""

from __future__ import annotations

import base64
import sqlite3
import zipfile
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import IO, Protocol

import msgspec

from permit0.errors import InvalidInput
from permit0.model.record import LogHead, StoredRecord

__all__ = ["BUNDLE_RECORDS", "AuditLog", "FooterLine", "HeadText", "RecordLine", "open_log"]

BUNDLE_RECORDS = "records.jsonl"
SQLITE_MAGIC = b"SQLite format 3\x00"
ZIP_MAGIC = b"PK\x03\x04"
MAX_LINE_BYTES = 16 << 20  # a record of 8 MiB, and room


class AuditLog(Protocol):
    """A log that can be read."""

    @property
    def head(self) -> LogHead | None:
        """Where it says that it ends; None if it does not say."""

    @property
    def public_keys(self) -> Mapping[str, str]:
        """Keys that it brings along, by id: who brings the log chose them."""

    def records(self) -> Iterator[StoredRecord]:
        """Every record, in the order of their places."""

    def close(self) -> None:
        """Let go of the file."""


class RecordLine(msgspec.Struct, frozen=True):
    """A line of an export. record: the very bytes. signature: base64."""

    record: msgspec.Raw
    signature: str


class HeadText(msgspec.Struct, frozen=True):
    """A LogHead as text. opening: hex."""

    seq: int
    digest: str
    opening: str

    @classmethod
    def of(cls, head: LogHead) -> HeadText:
        """The text of a head."""
        return cls(head.seq, head.digest, head.opening.hex())

    def head(self) -> LogHead:
        """The head again.

        Raises:
            ValueError: The opening is no hex.
        """
        return LogHead(self.seq, self.digest, bytes.fromhex(self.opening))


class FooterLine(msgspec.Struct, frozen=True):
    """The last line of an export."""

    head: HeadText
    keys: dict[str, str]


def open_log(path: Path) -> AuditLog:
    """Open a log of any kind.

    Raises:
        InvalidInput: There is none, or the file is something else.
    """
    try:
        with path.open("rb") as file:
            start = file.read(len(SQLITE_MAGIC))
    except OSError as error:
        raise _no_log(path, f"cannot be read: {type(error).__name__}") from error
    if start == SQLITE_MAGIC:
        return _SqliteLog(path)
    if start.startswith(ZIP_MAGIC):
        return _LineLog(path, bundled=True)
    if start.startswith(b"{"):
        return _LineLog(path, bundled=False)
    raise _no_log(path, "is no audit log, give the database, JSON lines or a bundle")


class _SqliteLog:
    def __init__(self, path: Path) -> None:
        self._path = path
        self._database = self._connect()
        try:
            # One snapshot for everything: writers go on beside it.
            self._database.execute("BEGIN")
            row = self._database.execute("SELECT seq, digest, opening FROM audit_head").fetchone()
            keys = self._database.execute("SELECT kid, public FROM audit_keys").fetchall()
        except sqlite3.Error as error:
            self._database.close()
            raise self._unreadable(error) from error
        try:
            self.head: LogHead | None = (
                None if row is None else msgspec.convert(row, _HeadRow).head()
            )
        except msgspec.ValidationError as error:
            self._database.close()
            raise _no_log(path, "has an unreadable head") from error
        self.public_keys: Mapping[str, str] = {str(kid): str(public) for kid, public in keys}

    def records(self) -> Iterator[StoredRecord]:
        try:
            rows = self._database.execute(
                "SELECT seq, record, signature FROM audit_records ORDER BY seq"
            )
            for seq, record, signature in rows:
                yield StoredRecord(seq, _bytes(record), _bytes(signature))
        except sqlite3.Error as error:
            raise self._unreadable(error) from error

    def close(self) -> None:
        self._database.close()

    def _connect(self) -> sqlite3.Connection:
        beside = self._path.with_name(self._path.name + "-wal")
        # Without a journal beside it nobody writes, and then a folder that is read-only will do.
        modes = ("mode=ro",) if beside.exists() else ("mode=ro", "mode=ro&immutable=1")
        failure: sqlite3.Error | None = None
        for mode in modes:
            uri = f"{self._path.resolve().as_uri()}?{mode}"
            database = sqlite3.connect(uri, uri=True, isolation_level=None, check_same_thread=False)
            try:
                database.execute("SELECT count(*) FROM sqlite_master").fetchone()
                return database
            except sqlite3.Error as error:
                failure = error
                database.close()
        assert failure is not None
        raise self._unreadable(failure) from failure

    def _unreadable(self, error: sqlite3.Error) -> InvalidInput:
        return _no_log(self._path, f"cannot be read as an audit log: {error}")


class _HeadRow(msgspec.Struct, array_like=True, frozen=True):
    seq: int
    digest: str
    opening: bytes

    def head(self) -> LogHead:
        return LogHead(self.seq, self.digest, self.opening)


class _LineLog:
    def __init__(self, path: Path, *, bundled: bool) -> None:
        self._path = path
        self._bundled = bundled
        footer = self._footer()
        self.public_keys: Mapping[str, str] = {} if footer is None else footer.keys
        try:
            self.head: LogHead | None = None if footer is None else footer.head.head()
        except ValueError as error:
            raise _no_log(path, "has an unreadable last line") from error

    def records(self) -> Iterator[StoredRecord]:
        # Lines carry no place of their own: the first line is where the first record lies.
        for place, line in enumerate(self._lines(), start=1):
            if line.startswith(b'{"head":'):
                continue
            try:
                read = _record_line.decode(line)
                signature = base64.b64decode(read.signature, validate=True)
            except (msgspec.DecodeError, ValueError):
                yield StoredRecord(place, line, b"")  # verify says that it is no record
            else:
                yield StoredRecord(place, bytes(read.record), signature)

    def close(self) -> None:
        """Nothing is held between two readings."""

    def _footer(self) -> FooterLine | None:
        last = b""
        for line in self._lines():
            last = line
        try:
            return _footer_line.decode(last)
        except msgspec.DecodeError:
            return None

    def _lines(self) -> Iterator[bytes]:
        try:
            if not self._bundled:
                with self._path.open("rb") as file:
                    yield from _split(file)
                return
            with zipfile.ZipFile(self._path) as bundle, bundle.open(BUNDLE_RECORDS) as file:
                yield from _split(file)
        except (OSError, zipfile.BadZipFile, KeyError, EOFError) as error:
            raise _no_log(self._path, f"cannot be read: {type(error).__name__}") from error


_record_line = msgspec.json.Decoder(RecordLine)
_footer_line = msgspec.json.Decoder(FooterLine)


def _split(file: IO[bytes] | Iterable[bytes]) -> Iterator[bytes]:
    for line in file:
        text = line.rstrip(b"\r\n")
        if text:
            yield text[:MAX_LINE_BYTES]


def _bytes(value: object) -> bytes:
    """A cell as bytes; whoever changed the file may have put anything there."""
    if isinstance(value, bytes):
        return value
    return value.encode(errors="replace") if isinstance(value, str) else b""


def _no_log(path: Path, what: str) -> InvalidInput:
    return InvalidInput(f"{path.name!r} {what}", reason_code="bad_audit_file")
