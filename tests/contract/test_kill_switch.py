"""Every kill switch keeps the same contract."""

from __future__ import annotations

from pathlib import Path

import pytest

from permit0.clock import SystemClock
from permit0.state.kills import MemoryKills, SqliteKills
from permit0.testing.kill_contract import KillSwitchContract, SharedKillSwitchContract


class TestMemoryKills(KillSwitchContract):
    def make_switch(self) -> MemoryKills:
        return MemoryKills()


class TestSqliteKills(SharedKillSwitchContract):
    @pytest.fixture(autouse=True)
    def _folder(self, tmp_path: Path) -> None:
        self.path = tmp_path / "permit0.db"

    def make_switch(self) -> SqliteKills:
        return SqliteKills(self.path, name="gateway", clock=SystemClock())

    def source(self) -> str:
        return (
            "from permit0.clock import SystemClock\n"
            "from permit0.state.kills import SqliteKills\n"
            f"def make(): return SqliteKills({str(self.path)!r}, name='other', clock=SystemClock())\n"
        )
