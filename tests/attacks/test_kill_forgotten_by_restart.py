"""Whoever was stopped restarts the gateway, or kills it, in the hope that it forgets."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from permit0.errors import EpochPassed
from permit0.model.kill import KillScope
from permit0.state.kills import SqliteKills
from permit0.testing.kill_contract import give
from permit0.testing.tokens import TokenLab


def kills(path: Path, lab: TokenLab) -> SqliteKills:
    return SqliteKills(path, name="gateway", clock=lab.clock)


def test_a_token_from_before_a_kill_is_refused_after_a_restart(
    lab: TokenLab, tmp_path: Path
) -> None:
    path = tmp_path / "permit0.db"
    before = kills(path, lab)
    token = lab.issue(epoch=before.state().number).text
    other = lab.issue(agent="agent-2", epoch=before.state().number).text
    give(before, scope=KillScope.AGENT, target="agent-1")
    before.close()
    after = kills(path, lab)
    with pytest.raises(EpochPassed):
        lab.present(token, epochs=after)
    lab.present(other, epochs=after)


def test_a_token_from_before_a_kill_is_refused_by_a_gateway_that_was_killed(
    lab: TokenLab, tmp_path: Path
) -> None:
    path = tmp_path / "permit0.db"
    token = lab.issue(epoch=0).text
    program = (
        "import os, sys\n"
        "from permit0.clock import SystemClock\n"
        "from permit0.state.kills import SqliteKills\n"
        "from permit0.testing.kill_contract import give\n"
        "give(SqliteKills(sys.argv[1], name='n', clock=SystemClock()))\n"
        "os.abort()\n"
    )
    lab.present(lab.issue(epoch=0).text, epochs=kills(path, lab))
    done = subprocess.run(
        [sys.executable, "-c", program, str(path)], capture_output=True, check=False
    )
    assert done.returncode != 0
    with pytest.raises(EpochPassed):
        lab.present(token, epochs=kills(path, lab))
    lab.present(lab.issue(epoch=1).text, epochs=kills(path, lab))


def test_numbers_are_not_given_again_if_orders_are_deleted(lab: TokenLab, tmp_path: Path) -> None:
    """A token that knew of order 3 must not outlive order 1 of a new count."""
    path = tmp_path / "permit0.db"
    first = kills(path, lab)
    for _ in range(3):
        give(first)
    token = lab.issue(epoch=first.state().number).text
    lab.present(token, epochs=kills(path, lab))
    first.close()
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("DELETE FROM kill_orders")
    again = kills(path, lab)
    assert again.state().number == 0
    assert give(again).number == 4
    with pytest.raises(EpochPassed):
        lab.present(lab.issue(epoch=3).text, epochs=again)
