"""Runs of writer processes that are killed at random, for test_crashes.py; started as a program of its own.

    python tests/core/crash_runs.py FOLDER RUNS SEED

A prepared parent forks WRITERS writers for each run. Each executes guarded calls and presents tokens that all
of them have, and dies by SIGKILL: at a point between two steps (a hook of a store, an SQL statement of any
connection, a step of the body), or at a random time. Then a new process looks at what they left behind.
"""

from __future__ import annotations

import os
import random  # noqa: TID251  # the seed is an argument
import signal
import sqlite3
import sys
import time
import traceback
from collections import Counter
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any, Never

from permit0.audit.record import read_decision
from permit0.canonical import digest, freeze
from permit0.errors import Permit0Error
from permit0.gateway import ExecutionGateway
from permit0.guard import Guard
from permit0.testing.deployment import AUDIENCE, DeploymentLab

WRITERS = 4
RUNS_PER_FOLDER = 8  # so that a run also meets what earlier ones left, and a log stays short
TOKENS = 6  # per run, shared by all writers
POINTS = 400  # about as many as a writer has until the timer ends it
TIMER_S = 0.16
LOCK_S = 1.0  # within which a new process must have decided
REFUSALS = ("token_replayed",)
"""What may keep a call of a writer from running: nothing but a token that another one has used."""


class Points:
    """Counts the places where a writer can die, and dies at one of them. last: 0 for none."""

    def __init__(self, last: int) -> None:
        self._left = last

    def passed(self, *_: object) -> None:
        self._left -= 1
        if self._left == 0:
            os.kill(os.getpid(), signal.SIGKILL)


def main() -> None:
    folder, runs, seed = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
    chance = random.Random(seed)  # noqa: S311  # for tests
    totals: Counter[str] = Counter()
    for first in range(0, runs, RUNS_PER_FOLDER):
        here = folder / str(first)
        here.mkdir()
        lab = DeploymentLab(here)
        guard, gateway = lab.guard(), lab.gateway()
        for run in range(first, min(first + RUNS_PER_FOLDER, runs)):
            tokens = child(issue, guard, here, run)
            assert tokens == 0, f"run {run}: no tokens"
            writers = [
                fork(write, guard, gateway, here, f"{run}-{n}", last)
                for n, last in enumerate(plan(chance))
            ]
            for pid in writers:
                time.sleep(chance.uniform(0, TIMER_S) / WRITERS)
                kill(pid)
            for pid in writers:
                status = os.waitpid(pid, 0)[1]
                assert os.WIFSIGNALED(status), f"run {run}: a writer ended by itself: {status}"
            assert child(look, lab, guard, here, run) == 0, f"run {run}: see above"
        totals.update(summary(lab, here))
    print(dict(totals))  # noqa: T201  # what the program is for


def plan(chance: random.Random) -> list[int]:
    """At which point each writer dies; 0 leaves it to the timer."""
    return [chance.choice((0, chance.randint(1, POINTS))) for _ in range(WRITERS)]


def issue(guard: Guard, here: Path, run: int) -> None:
    """Tokens that all writers of a run present; some of the runs before are among them."""
    with (here / "tokens").open("a") as file:
        for n in range(TOKENS):
            arguments = {"path": f"/token/{run}/{n}"}
            token = guard.token_for("files.read", arguments, audience=AUDIENCE)
            file.write(f"{arguments['path']} {token.text}\n")


def write(guard: Guard, gateway: ExecutionGateway, here: Path, name: str, last: int) -> None:
    """One writer, until it is killed."""
    points = Points(last)
    inject(points, guard, gateway)
    tokens = [line.split() for line in (here / "tokens").read_text().splitlines()][-2 * TOKENS :]
    witness = os.open(here / "witness", os.O_WRONLY | os.O_APPEND | os.O_CREAT)

    def body(path: str) -> str:
        points.passed()
        os.write(witness, f"{path}\n".encode())
        os.fsync(witness)
        points.passed()
        return "done"

    def try_(call: Callable[[], object]) -> None:
        try:
            call()
        except Permit0Error as error:
            if error.reason_code not in REFUSALS:
                fail(here, f"{name}: {error.reason_code}: {error}")

    guarded, served = guard("files.read")(body), gateway.tool("files.read")(body)
    for i in range(10**6):
        try_(lambda i=i: guarded(f"/call/{name}/{i}"))  # type: ignore[misc]  # bound now
        if tokens:
            path, token = tokens.pop()
            try_(lambda p=path, t=token: served(p, permit=t))  # type: ignore[misc]  # bound now


def inject(points: Points, guard: Guard, gateway: ExecutionGateway) -> None:
    """Make every hook and every SQL statement a point. In a child only."""
    connect: Any = sqlite3.connect

    def traced(*args: Any, **kwargs: Any) -> sqlite3.Connection:
        connection: sqlite3.Connection = connect(*args, **kwargs)
        connection.set_trace_callback(points.passed)
        return connection

    sqlite3.connect = traced  # type: ignore[assignment]  # of the same form
    store: Any = guard.engine._store
    replay: Any = gateway._verifier._replay
    for kept in (store, store._guarded, replay._file, replay._file._guarded):
        assert hasattr(kept, "_after")
        kept._after = points.passed


def look(lab: DeploymentLab, guard: Guard, here: Path, run: int) -> None:
    """What a new process finds after a run."""
    began = time.monotonic()
    path = f"/after/{run}"

    @guard("files.read")
    def read(path: str) -> str:
        with (here / "witness").open("a") as lines:
            lines.write(f"{path}\n")
        return ""

    read(path)
    took = time.monotonic() - began
    assert took < LOCK_S, f"a lock was left behind: {took:.3f} s"
    failures = here / "failures"
    assert not failures.exists(), failures.read_text()
    ran = Counter((here / "witness").read_text().splitlines())
    twice = [name for name, count in ran.items() if count > 1]
    assert not twice, f"ran twice: {twice}"
    records = lab.records()  # the chain is verified here
    decided = {read_decision(r.body).what.digest for r in records if r.kind == "decision"}
    unknown = [name for name in ran if digest(freeze({"path": name})) not in decided]
    assert not unknown, f"ran without a decision on record: {unknown}"
    with closing(sqlite3.connect(lab.state)) as connection:
        (kept,) = connection.execute("SELECT count(*) FROM history WHERE kind < 2").fetchone()
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    assert kept >= sum(r.kind == "decision" for r in records), "decided, and not in the history"


def summary(lab: DeploymentLab, here: Path) -> Counter[str]:
    kinds = Counter(record.kind for record in lab.records())
    names = (here / "witness").read_text().splitlines()
    kinds.update({"bodies": len(names), "by token": sum(n.startswith("/token") for n in names)})
    return kinds


def fork(work: Callable[..., None], *arguments: object) -> int:
    """A child that does this and ends; 1 with a traceback if it fails."""
    pid = os.fork()
    if pid == 0:
        end(work, *arguments)
    return pid


def end(work: Callable[..., None], *arguments: object) -> Never:
    try:
        work(*arguments)
        os._exit(0)
    except BaseException:  # noqa: BLE001  # shown, and the exit code says so
        traceback.print_exc()
    finally:
        os._exit(1)


def child(work: Callable[..., None], *arguments: object) -> int:
    """The exit code of a child that did this."""
    return os.waitstatus_to_exitcode(os.waitpid(fork(work, *arguments), 0)[1])


def kill(pid: int) -> None:
    os.kill(pid, signal.SIGKILL)  # not waited for yet, so the id is still its own


def fail(here: Path, what: str) -> None:
    with (here / "failures").open("a") as file:
        file.write(what + "\n")


if __name__ == "__main__":
    main()
