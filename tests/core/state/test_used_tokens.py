"""Marks of used tokens in the file: forgetting in rounds, killed at any step, rows of other hands."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from permit0.errors import StateUnavailable
from permit0.model.claims import Jti
from permit0.ports import ReplayStore
from permit0.state import used_tokens
from permit0.state.file import STEPS, Durability
from permit0.state.used_tokens import FORGET_BATCH, FORGET_EVERY, SqliteReplayStore
from permit0.testing.clock import FrozenClock
from permit0.testing.replay_contract import AT, LIFE_S, ONE
from permit0.testing.state_file_contract import refusal_of

posix = pytest.mark.skipif(os.name != "posix", reason="needs signals and fork")


@pytest.fixture
def marks(path: Path) -> Callable[[], int]:
    """Counts the marks of the file, which must be whole."""

    def count() -> int:
        connection = sqlite3.connect(path)
        try:
            assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
            count: int = connection.execute("SELECT count(*) FROM used_tokens").fetchone()[0]
            return count
        finally:
            connection.close()

    return count


def damage(path: Path, statement: str) -> None:
    connection = sqlite3.connect(path)
    with connection:
        connection.execute(statement)
    connection.close()


def test_it_is_a_replay_store(path: Path) -> None:
    store: ReplayStore = SqliteReplayStore(path, clock=FrozenClock(AT))
    assert store.claim(ONE, AT + LIFE_S)


def test_old_marks_are_forgotten_in_rounds_and_never_all_at_once(
    path: Path, marks: Callable[[], int]
) -> None:
    clock = FrozenClock(AT)
    store = SqliteReplayStore(path, clock=clock, durability="process")
    for i in range(500):
        assert store.claim(Jti(f"old-{i}"), AT + LIFE_S)
    clock.advance(LIFE_S)
    left = 500
    for i in range(40 * FORGET_EVERY):
        assert store.claim(Jti(f"new-{i}"), AT + 3 * LIFE_S)
        now = marks() - i - 1
        assert 0 <= left - now <= FORGET_BATCH
        left = now
    assert left == 0


def test_processes_that_claim_once_forget_too(path: Path, marks: Callable[[], int]) -> None:
    clock = FrozenClock(AT)
    for i in range(10):
        assert SqliteReplayStore(path, clock=clock).claim(Jti(f"old-{i}"), AT + LIFE_S)
    clock.advance(LIFE_S)
    assert SqliteReplayStore(path, clock=clock).claim(Jti("new"), AT + 2 * LIFE_S)
    assert marks() == 1


def test_a_mark_that_waits_for_its_round_still_counts(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All that are over count as forgotten, whichever of them the first round took."""
    monkeypatch.setattr(used_tokens, "FORGET_BATCH", 1)
    clock = FrozenClock(AT)
    store = SqliteReplayStore(path, clock=clock)
    for i in range(20):
        assert store.claim(Jti(f"old-{i}"), AT + 10 + i)
    clock.set(AT + LIFE_S)
    again = SqliteReplayStore(path, clock=clock)
    assert again.claim(Jti("new"), AT + 2 * LIFE_S)
    clock.set(AT)
    for i in range(20):
        assert not again.claim(Jti(f"old-{i}"), AT + 10 + i)
        assert not again.claim(Jti(f"never seen {i}"), AT + 10 + i)
    assert again.claim(Jti("later"), AT + 31)


def test_a_refused_claim_leaves_no_mark(path: Path, marks: Callable[[], int]) -> None:
    store = SqliteReplayStore(path, clock=FrozenClock(AT))
    for expires_at, uses in ((float("nan"), 1), (float("-inf"), 1), (AT + LIFE_S, 0)):
        assert not store.claim(ONE, expires_at, uses=uses)
    assert not store.claim(Jti("\ud800"), AT + LIFE_S)
    assert marks() == 0
    assert store.claim(ONE, AT + LIFE_S)
    assert marks() == 1


@pytest.mark.parametrize(
    "statement",
    [
        "INSERT INTO used_tokens_forgotten VALUES (1, 'soon')",
        "INSERT INTO used_tokens_forgotten VALUES (1, x'00')",
    ],
)
def test_a_row_of_another_hand_is_refused(path: Path, statement: str) -> None:
    clock = FrozenClock(AT)
    assert SqliteReplayStore(path, clock=clock).claim(ONE, AT + LIFE_S)
    damage(path, statement)
    for later in (0.0, 2 * LIFE_S):
        clock.set(AT + later)
        store = SqliteReplayStore(path, clock=clock)
        assert refusal_of(lambda s=store: s.claim(Jti("new"), AT + 9e9)) == "state_corrupt"
    damage(path, "DELETE FROM used_tokens_forgotten")
    assert SqliteReplayStore(path, clock=clock).claim(Jti("new"), AT + 9e9)


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE used_tokens SET expires_at = 'soon'",
        "UPDATE used_tokens SET expires_at = x'00'",
        "UPDATE used_tokens SET expires_at = 9e999",
    ],
)
def test_a_mark_without_a_time_is_never_forgotten(path: Path, statement: str) -> None:
    clock = FrozenClock(AT)
    store = SqliteReplayStore(path, clock=clock)
    assert store.claim(ONE, AT + LIFE_S)
    damage(path, statement)
    clock.advance(9e9)
    again = SqliteReplayStore(path, clock=clock)
    assert again.claim(Jti("new"), clock.now() + LIFE_S)
    assert not again.claim(ONE, clock.now() + LIFE_S)


@pytest.mark.parametrize(("durability", "level"), [("power", 2), ("process", 1)])
def test_a_loss_of_power_takes_no_mark_unless_asked_for(
    path: Path, durability: Durability, level: int
) -> None:
    """What the system does with a sync is not ours to test; that each commit asks for one is."""
    seen: list[int] = []

    def after(step: str) -> None:
        if step == "begun":
            connection = store._file._guarded.connection
            seen.append(connection.execute("PRAGMA synchronous").fetchone()[0])

    store = SqliteReplayStore(path, clock=FrozenClock(AT), durability=durability, after=after)
    store.claim(ONE, AT + LIFE_S)
    store._file._guarded.drop()  # as before a fork, or after an error
    store.claim(ONE, AT + LIFE_S)
    assert seen == [level, level]
    assert SqliteReplayStore(path, clock=FrozenClock(AT))._file._synced


KILLED = """
import os, signal, sys
from permit0.state import used_tokens
from permit0.state.used_tokens import SqliteReplayStore
from permit0.testing.clock import FrozenClock
from permit0.testing.replay_contract import AT, LIFE_S
path, step, nth = sys.argv[1], sys.argv[2], int(sys.argv[3])
used_tokens.FORGET_EVERY = 1
seen = 0
def after(name):
    global seen
    seen += name == step
    if name == step and seen == nth:
        os.kill(os.getpid(), signal.SIGKILL)
clock = FrozenClock(AT)
store = SqliteReplayStore(path, clock=clock, after=after)
for i in range(3):
    if store.claim(f"t{i}", AT + LIFE_S * (i + 1)):
        print(i, flush=True)
    clock.advance(LIFE_S)  # so that each claim forgets the mark of the one before
"""
LATE = ("committed", "released")


@posix
@pytest.mark.parametrize("step", STEPS)
def test_killed_after_any_step_no_token_is_accepted_twice_and_no_lock_is_left(
    path: Path, step: str, marks: Callable[[], int]
) -> None:
    opening = step in STEPS[: STEPS.index("locked")]
    nth = 2 if not opening or step == "migrating" else 1
    done = subprocess.run(
        [sys.executable, "-c", KILLED, str(path), step, str(nth)],
        capture_output=True,
        check=False,
        text=True,
    )
    assert done.returncode == -9, done.stderr
    said = done.stdout.split()
    assert said == ([] if opening else ["0"])
    store = SqliteReplayStore(path, clock=FrozenClock(AT), timeout_s=0.1)  # the clock went back
    claims = [store.claim(Jti(f"t{i}"), AT + LIFE_S * (i + 1)) for i in range(3)]
    assert claims == [opening, opening or step not in LATE, True]
    assert [store.claim(Jti(f"t{i}"), AT + LIFE_S * (i + 1)) for i in range(3)] == [False] * 3
    assert marks() == 3 - (step in LATE)


@pytest.mark.parametrize("step", ["locked", "begun", "done", "committed", "released"])
def test_an_exception_at_any_step_leaves_no_lock_and_no_free_token(path: Path, step: str) -> None:
    failing = True

    def after(name: str) -> None:
        if failing and name == step:
            raise KeyboardInterrupt

    store = SqliteReplayStore(path, clock=FrozenClock(AT), timeout_s=0.1, after=after)
    with pytest.raises(KeyboardInterrupt):
        store.claim(ONE, AT + LIFE_S)
    failing = False
    assert store.claim(ONE, AT + LIFE_S) == (step not in LATE)
    assert SqliteReplayStore(path, clock=FrozenClock(AT), timeout_s=0.1).claim(
        Jti("two"), AT + LIFE_S
    )


@posix
def test_a_fork_in_the_middle_of_a_claim_is_refused_in_the_child(path: Path) -> None:
    children: list[int] = []

    def after(name: str) -> None:
        if name != "begun" or children:
            return
        child = os.fork()
        if child == 0:
            code = ""
            try:
                store.claim(Jti("child"), AT + LIFE_S)
            except StateUnavailable as error:
                code = error.reason_code
            os._exit(code != "state_forked")
        children.append(child)

    store = SqliteReplayStore(path, clock=FrozenClock(AT), timeout_s=0.2, after=after)
    assert store.claim(ONE, AT + LIFE_S)
    assert os.waitpid(children[0], 0)[1] == 0
    assert store.claim(Jti("child"), AT + LIFE_S)


@posix
@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")
def test_a_fork_waits_for_the_claim_of_another_thread(path: Path) -> None:
    begun, forking = threading.Event(), threading.Event()

    def after(name: str) -> None:
        if name == "begun" and not begun.is_set():
            begun.set()
            forking.wait(0.2)

    store = SqliteReplayStore(path, clock=FrozenClock(AT), after=after)
    claims: list[bool] = []
    thread = threading.Thread(target=lambda: claims.append(store.claim(ONE, AT + LIFE_S)))
    thread.start()
    begun.wait()
    child = os.fork()
    if child == 0:
        claimed = True
        try:
            claimed = store.claim(ONE, AT + LIFE_S)
        finally:
            os._exit(claimed)
    assert os.waitpid(child, 0)[1] == 0
    thread.join()
    assert claims == [True]
