"""Killed or interrupted at any moment: no half entry, no lock, nothing lost that was decided."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from permit0.state.sqlite import STEPS, SqliteStore
from permit0.testing.state_contract import ANN, AT, EVER, FEATURES, append

posix = pytest.mark.skipif(os.name != "posix", reason="needs file modes and fork")


KILLED = """
import os, signal, sys
from permit0.state.sqlite import SqliteStore
from permit0.testing.state_contract import ANN, AT, FEATURES, append
path, step, nth = sys.argv[1], sys.argv[2], int(sys.argv[3])
seen = 0
def after(name):
    global seen
    seen += name == step
    if name == step and seen == nth:
        os.kill(os.getpid(), signal.SIGKILL)
store = SqliteStore(FEATURES, path, after=after)
for i in range(3):
    append(store, ANN, AT + i, keys={"who": f"w{i}"})
    print(i, flush=True)
"""
KEPT = {  # rows in the file when the process is killed after a step of its second transaction
    "locked": 1, "begun": 1, "read": 1, "inserted": 1, "committed": 2, "applied": 2, "released": 2,
}  # fmt: skip


@posix
@pytest.mark.parametrize("step", STEPS)
def test_killed_after_any_step_there_is_no_half_entry_and_no_lock(
    path: Path, step: str, rows: Callable[[Path], int]
) -> None:
    nth = 2 if step in KEPT or step == "migrating" else 1
    done = subprocess.run(
        [sys.executable, "-c", KILLED, str(path), step, str(nth)], capture_output=True, check=False
    )
    assert done.returncode == -9, done.stderr
    store = SqliteStore(FEATURES, path, timeout_s=0.1)
    kept = KEPT.get(step, 0)
    assert append(store, ANN, AT) == max(AT, AT + kept - 1)  # at once, and no earlier
    assert rows(path) == kept + 1
    with SqliteStore(FEATURES, path).transaction(ANN, AT) as transaction:
        assert transaction.view.count(EVER) == kept + 1


WRITER = """
import sys
from permit0.state.sqlite import SqliteStore
from permit0.testing.state_contract import ANN, AT, FEATURES, append
store = SqliteStore(FEATURES, sys.argv[1])
for i in range(10**9):
    append(store, ANN, AT)
    print(i, flush=True)
"""


@posix
def test_writers_killed_at_random_lose_nothing_that_was_decided(
    path: Path, rows: Callable[[Path], int]
) -> None:
    confirmed = killed = 0
    for _ in range(3):
        writers = [
            subprocess.Popen(
                [sys.executable, "-c", WRITER, str(path)], stdout=subprocess.PIPE, text=True
            )
            for _ in range(4)
        ]
        for writer in writers:
            assert writer.stdout is not None
            for _ in range(20):
                writer.stdout.readline()
            writer.kill()
        killed += len(writers)
        for writer in writers:
            confirmed += 20 + len(writer.communicate()[0].splitlines())
        store = SqliteStore(FEATURES, path, timeout_s=1.0)
        with store.transaction(ANN, AT) as step:
            count = step.view.count(EVER)
        # Each may have committed one more than it could say.
        assert confirmed <= count <= confirmed + killed
        assert rows(path) == count


@pytest.mark.parametrize("step", ["locked", "begun", "read", "inserted", "committed"])
def test_an_exception_at_any_step_leaves_ledgers_like_the_file(
    path: Path, step: str, rows: Callable[[Path], int]
) -> None:
    """Ctrl-C comes at any time; what is in memory afterwards must be what is in the file."""
    failing = False

    def after(name: str) -> None:
        if failing and name == step:
            raise KeyboardInterrupt

    store = SqliteStore(FEATURES, path, after=after)
    append(store, ANN)
    failing = True
    with pytest.raises(KeyboardInterrupt):
        append(store, ANN)
    failing = False
    with store.transaction(ANN, AT) as transaction:
        assert transaction.view.count(EVER) == rows(path) == 1 + (step == "committed")
