"""Agents call without a pause, so that the order that is to stop them does not get the state file."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from permit0.clock import SystemClock
from permit0.model.kill import KillScope
from permit0.state.kills import SqliteKills
from permit0.testing.kill_contract import give

FLOOD = """
import sys
from permit0.state.sqlite import SqliteStore
from permit0.testing.state_contract import ANN, AT, FEATURES, append
store = SqliteStore(FEATURES, sys.argv[1])
append(store, ANN, AT)
print("ready", flush=True)
while True:
    append(store, ANN, AT)
"""


def test_an_order_gets_through_a_flood_of_calls(tmp_path: Path) -> None:
    path = tmp_path / "permit0.db"
    switch = SqliteKills(path, name="gateway", clock=SystemClock(), timeout_s=1.0)
    flood = [
        subprocess.Popen([sys.executable, "-c", FLOOD, str(path)], stdout=subprocess.PIPE)
        for _ in range(3)
    ]
    try:
        for process in flood:
            assert process.stdout is not None
            assert process.stdout.readline() == b"ready\n"
        for i in range(10):
            order = give(switch, scope=KillScope.AGENT, target=f"a{i}")
            assert order in switch.state().active
    finally:
        for process in flood:
            process.kill()
            process.communicate()
