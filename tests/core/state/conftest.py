"""A state file, engines on it, and what is in it."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from permit0.build import assemble
from permit0.config import parse_config
from permit0.engine import Engine
from permit0.state.kills import SqliteKills
from permit0.state.sqlite import SqliteStore
from permit0.testing.clock import FrozenClock


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "permit0.db"


@pytest.fixture
def engine(path: Path) -> Callable[..., Engine]:
    """An engine on the file, as permit0.yaml would make it."""
    text = f"{{org: {{domains: [acme-corp.com]}}, state: {{path: {str(path)!r}}}}}"

    def make(**options: float) -> Engine:
        if not options:
            return assemble(parse_config(text, "permit0.yaml"), clock=FrozenClock()).engine
        return assemble(
            parse_config(text, "permit0.yaml"),
            clock=FrozenClock(),
            make_store=lambda features: SqliteStore(features, path, **options),  # type: ignore[arg-type]  # max_bytes is whole
        ).engine

    return make


@pytest.fixture
def rows() -> Callable[[Path], int]:
    """Counts the rows of a file, which must be whole."""

    def count(path: Path) -> int:
        connection = sqlite3.connect(path)
        try:
            assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
            count: int = connection.execute("SELECT count(*) FROM history").fetchone()[0]
            return count
        finally:
            connection.close()

    return count


@pytest.fixture
def clock() -> FrozenClock:
    return FrozenClock()


@pytest.fixture
def kills(path: Path, clock: FrozenClock) -> Callable[..., SqliteKills]:
    def make(**options: object) -> SqliteKills:
        arguments: dict[str, object] = {"name": "gateway", "clock": clock, "timeout_s": 0.2}
        return SqliteKills(path, **(arguments | options))  # type: ignore[arg-type]  # builder

    return make
