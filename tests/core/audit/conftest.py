"""A log of a few records, and ways to spoil it."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from permit0.audit.keys import Ed25519Signer, PublicKeys
from permit0.audit.reader import open_log
from permit0.audit.sinks.sqlite import SqliteSink
from permit0.audit.verify import verify_log
from permit0.errors import AuditBroken

Spoil = Callable[[str, tuple[object, ...]], None]


@pytest.fixture(scope="session")
def signer() -> Ed25519Signer:
    return Ed25519Signer.from_seed(bytes(range(32)))


@pytest.fixture(scope="session")
def keys(signer: Ed25519Signer) -> PublicKeys:
    return PublicKeys([signer.public])


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "audit.db"


@pytest.fixture
def sink(path: Path, signer: Ed25519Signer) -> Iterator[SqliteSink]:
    with closing(SqliteSink(path, signer, timeout_s=1.0)) as sink:
        yield sink


@pytest.fixture
def spoil(path: Path) -> Spoil:
    """Change the file behind permit0's back."""

    def run(statement: str, values: tuple[object, ...] = ()) -> None:
        with closing(sqlite3.connect(path)) as database, database:
            database.execute(statement, values)

    return run


@pytest.fixture
def first_bad(path: Path, keys: PublicKeys) -> Callable[[], tuple[int, str] | None]:
    """Place and code of the first bad record; None for a good log."""

    def find() -> tuple[int, str] | None:
        with closing(open_log(path)) as log:
            try:
                verify_log(log, keys)
            except AuditBroken as error:
                return error.seq, error.reason_code
        return None

    return find
