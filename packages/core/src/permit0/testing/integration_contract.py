"""What every integration keeps, whichever framework it is for: subclass it in tests/<framework>.

    class TestLangChain(IntegrationContract):
        name = "langchain"
        framework = "langchain_core"

Each seam of the integration is driven four times: with a guard that allows one canary and refuses the other,
with a fleet that was killed, with a state file that is damaged, and with an audit log that cannot be written.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from permit0.clock import SystemClock
from permit0.guard import Guard
from permit0.integration.protecting import Integration, integrations
from permit0.integration.seams import SeamResult
from permit0.model.kill import KillScope, KillVerb
from permit0.state.kills import SqliteKills
from permit0.testing.canary import canary_guard
from permit0.token.key_folder import KeyFolder

__all__ = ["IntegrationContract"]

_FILES = "state: {path: state.db}\nkeys: {path: keys}\naudit: {path: audit.db}\n"


class IntegrationContract:
    """The contract. name: of the entry point. framework: its top-level module."""

    name: str
    framework: str

    def test_it_is_found_and_does_not_load_its_framework(self) -> None:
        code = (
            "import sys, permit0.integration.protecting as p\n"
            f"assert {self.name!r} in [i.name for i in p.integrations()]\n"
            f"assert {self.framework!r} not in sys.modules"
        )
        command = [sys.executable, "-c", code]  # our own text
        done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603
        assert done.returncode == 0, done.stderr

    def test_a_stranger_is_not_its_business(self, tmp_path: Path) -> None:
        for stranger in (object(), 5, "text", [object()], print):
            assert self._integration().protect(stranger, canary_guard(tmp_path)) is None

    def test_every_seam_lets_the_allowed_run_and_the_refused_not(self, tmp_path: Path) -> None:
        guard = canary_guard(tmp_path)
        wrong = {path: came for path, came in self._drive(guard).items() if came != (True, False)}
        assert wrong == {}

    def test_nothing_runs_on_any_seam_once_the_fleet_is_killed(self, tmp_path: Path) -> None:
        KeyFolder(tmp_path / "keys", clock=SystemClock()).generate()
        guard = canary_guard(tmp_path, more=_FILES)
        kills = SqliteKills(tmp_path / "state.db", name="contract", clock=SystemClock())
        kills.order(KillVerb.KILL, KillScope.FLEET, "", by="ann", reason="a test", at=1.0)
        self._nothing_runs(guard)

    @pytest.mark.parametrize("file", ["state.db", "audit.db"])
    def test_nothing_runs_on_any_seam_with_a_damaged_file(self, tmp_path: Path, file: str) -> None:
        KeyFolder(tmp_path / "keys", clock=SystemClock()).generate()
        guard = canary_guard(tmp_path, more=_FILES)
        for damaged in tmp_path.glob(file + "*"):
            damaged.unlink()
        (tmp_path / file).write_bytes(b"this is no database" * 400)
        self._nothing_runs(guard)

    def _nothing_runs(self, guard: Guard) -> None:
        ran = {path: came for path, came in self._drive(guard).items() if came != (False, False)}
        assert ran == {}

    def _drive(self, guard: Guard) -> dict[str, tuple[bool, bool]]:
        came: dict[str, tuple[bool, bool]] = {}
        for seam in self._integration().seams(guard):
            result: SeamResult = seam.drive()
            assert seam.path not in came, "two seams have one name"
            came[seam.path] = (result.allowed_ran, result.refused_ran)
        assert came
        return came

    def _integration(self) -> Integration:
        return next(item for item in integrations() if item.name == self.name)
