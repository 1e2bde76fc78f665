"""Killed or interrupted at any moment: no half entry, no lock, nothing lost that was decided."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from permit0.state.sqlite import STEPS, SqliteStore
from permit0.testing.exposure_contract import carried
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


EXPOSED = """
import os, signal, sys
from permit0.model.exposure import CarriedBlocks
from permit0.state.sqlite import SqliteStore
from permit0.testing.exposure_contract import ANN, carried, expose, output
path, step, nth, what = sys.argv[1], sys.argv[2], int(sys.argv[3]), sys.argv[4]
seen = 0
counting = False
def after(name):
    global seen
    seen += counting and name == step
    if counting and name == step and seen == nth:
        os.kill(os.getpid(), signal.SIGKILL)
store = SqliteStore((), path, after=after)
if what == "carry":
    expose(store, output(100), ANN)
else:
    store.piece_key
counting = True
expose(store, output(100), ANN) if what == "expose" else carried(store, [100], ANN)
"""


@posix
@pytest.mark.parametrize("what", ["expose", "carry"])
@pytest.mark.parametrize(
    ("step", "nth", "kept"),
    [
        ("begun", 1, 0),
        ("inserted", 1, 0),
        ("inserted", 2, 0),
        ("committed", 1, 1),
        ("applied", 1, 1),
    ],
)
def test_killed_in_the_middle_an_output_is_wholly_there_or_not_at_all(
    path: Path, step: str, nth: int, kept: int, what: str, rows: Callable[[Path], int]
) -> None:
    done = subprocess.run(
        [sys.executable, "-c", EXPOSED, str(path), step, str(nth), what],
        capture_output=True,
        check=False,
    )
    assert done.returncode == -9, done.stderr
    before = 1 if what == "carry" else 0
    assert rows(path) == before + kept
    found = carried(SqliteStore((), path, timeout_s=0.1), [104], ANN)
    if what == "expose":
        assert found == [("a.read", 1, 1)] * kept
    else:
        assert found == [("a.read", 1 + kept, 1)]


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
