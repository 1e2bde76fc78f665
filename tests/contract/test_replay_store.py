"""Every replay store keeps the same contract."""

from __future__ import annotations

from pathlib import Path

import pytest

from permit0.model.claims import Jti
from permit0.state.used_tokens import SqliteReplayStore
from permit0.testing.clock import FrozenClock
from permit0.testing.replay_contract import AT, ReplayStoreContract, SharedReplayContract
from permit0.testing.state_file_contract import StateFileContract
from permit0.token.replay import MemoryReplayStore


class TestMemoryReplayStore(ReplayStoreContract):
    def make_store(self, clock: FrozenClock) -> MemoryReplayStore:
        return MemoryReplayStore(clock=clock)


class TestSqliteReplayStore(SharedReplayContract):
    @pytest.fixture(autouse=True)
    def _folder(self, tmp_path: Path) -> None:
        self.path = tmp_path / "permit0.db"

    def make_store(self, clock: FrozenClock) -> SqliteReplayStore:
        return SqliteReplayStore(self.path, clock=clock)

    def source(self) -> str:
        return (
            "from permit0.state.used_tokens import SqliteReplayStore\n"
            f"def make(clock): return SqliteReplayStore({str(self.path)!r}, clock=clock)\n"
        )


class TestSqliteReplayStoreOnFile(StateFileContract[SqliteReplayStore]):
    def make_file_store(
        self, path: Path, *, timeout_s: float = 5.0, max_bytes: int | None = None
    ) -> SqliteReplayStore:
        return SqliteReplayStore(
            path, clock=FrozenClock(AT), timeout_s=timeout_s, max_bytes=max_bytes
        )

    def write(self, store: SqliteReplayStore, n: int) -> None:
        assert store.claim(Jti(f"token-{n}"), AT + 300)
