"""Every state store keeps the same contract."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from permit0.model.history import Feature
from permit0.state.memory import MemoryStore
from permit0.state.sqlite import SqliteStore
from permit0.testing.state_contract import SharedStoreContract, StateStoreContract


class TestMemoryStore(StateStoreContract):
    def make_store(self, features: Sequence[Feature]) -> MemoryStore:
        return MemoryStore(features)


class TestSqliteStore(SharedStoreContract):
    @pytest.fixture(autouse=True)
    def _folder(self, tmp_path: Path) -> None:
        self.path = tmp_path / "permit0.db"

    def make_store(self, features: Sequence[Feature]) -> SqliteStore:
        return SqliteStore(features, self.path)

    def source(self) -> str:
        return (
            "from permit0.state.sqlite import SqliteStore\n"
            f"def make(features): return SqliteStore(features, {str(self.path)!r})\n"
        )
