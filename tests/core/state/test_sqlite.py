"""History in a file: several processes, forks, threads, and what happens at the end of a store."""

from __future__ import annotations

import gc
import os
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from permit0.build import assemble, build_engine
from permit0.config import parse_config
from permit0.engine import Engine
from permit0.errors import StateUnavailable
from permit0.model.decision import Decision
from permit0.model.history import HistoryEntry, Trace
from permit0.model.vocabulary import Outcome, Tier
from permit0.state.sqlite import SqliteStore
from permit0.testing.clock import FrozenClock
from permit0.testing.state_contract import ALONE, AT, EVER, FEATURES, append

posix = pytest.mark.skipif(os.name != "posix", reason="needs file modes and fork")


def read(engine: Engine) -> Decision:
    return engine.check("files.read", {"path": "/app/main.py"})


def pay(engine: Engine, i: int, session: str = "s") -> Decision:
    return engine.check("payments.transfer", {"amount": 100, "recipient": f"V{i}"}, session=session)


WORKER = """
import sys
from pathlib import Path
from permit0.build import assemble
from permit0.config import load_config
from permit0.testing.clock import FrozenClock
engine = assemble(load_config(Path(sys.argv[1])), clock=FrozenClock()).engine
print("ready", flush=True)
for line in sys.stdin:
    arguments = {"amount": 100, "recipient": line.strip()}
    decision = engine.check("payments.transfer", arguments, session="s", principal="ann")
    print(decision.outcome, decision.score, decision.error or "fine", *decision.rules, flush=True)
"""


class Worker:
    """An engine in a process of its own."""

    def __init__(self, config: Path) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", WORKER, str(config)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def tell(self, *lines: str) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write("".join(line + "\n" for line in lines))
        self.process.stdin.flush()

    def hear(self) -> str:
        assert self.process.stdout is not None
        return self.process.stdout.readline().strip()

    def end(self) -> None:
        self.process.kill()
        self.process.communicate()


@pytest.fixture
def workers(tmp_path: Path) -> Iterator[Callable[[int], list[Worker]]]:
    config = tmp_path / "permit0.yaml"
    config.write_text("state: {path: permit0.db}\n")
    started: list[Worker] = []

    def start(count: int) -> list[Worker]:
        new = [Worker(config) for _ in range(count)]
        started.extend(new)
        for worker in new:
            assert worker.hear() == "ready"
        return new

    yield start
    for worker in started:
        worker.end()


def test_eight_processes_on_one_session_decide_as_one(
    workers: Callable[[int], list[Worker]], path: Path, rows: Callable[[Path], int]
) -> None:
    """Each pays six of 48 vendors, all at once: five are asked about, the sixth never slips through."""
    eight = workers(8)
    for i, worker in enumerate(eight):
        worker.tell(*(f"Vendor-{i}-{n}" for n in range(6)))
    answers = Counter(worker.hear() for worker in eight for _ in range(6))
    assert answers == Counter(serial(48)), "\n".join(sorted(answers))
    outcomes = [answer.split()[0] for answer in answers.elements()]
    assert Counter(outcomes) == {"human": 5, "deny": 43}
    assert rows(path) == 48


def serial(count: int) -> list[str]:
    """What one process answers that remembers in memory."""
    one = assemble(parse_config("", "permit0.yaml"), clock=FrozenClock()).engine
    decisions = [
        one.check("payments.transfer", {"amount": 100, "recipient": f"V{i}"}, principal="ann")
        for i in range(count)
    ]
    return [" ".join((d.outcome, str(d.score), d.error or "fine", *d.rules)) for d in decisions]


def test_two_processes_see_each_other_at_once(workers: Callable[[int], list[Worker]]) -> None:
    two = workers(2)
    expected = serial(8)
    for i in range(7):
        two[i % 2].tell(f"Vendor-{i}")
        assert two[i % 2].hear() == expected[i]
    (late,) = workers(1)
    late.tell("Vendor-7")
    assert late.hear() == expected[7]


def test_many_may_make_the_file_at_once(tmp_path: Path) -> None:
    """SQLite releases the interpreter while it works, so threads meet in every step of the opening."""
    errors: list[BaseException] = []

    def run(path: Path, barrier: threading.Barrier) -> None:
        barrier.wait()
        try:
            append(SqliteStore(FEATURES, path))
        except BaseException as error:  # noqa: BLE001  # looked at below
            errors.append(error)

    for n in range(60):
        path, barrier = tmp_path / f"{n}.db", threading.Barrier(8)
        threads = [threading.Thread(target=run, args=(path, barrier)) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert errors == []


def test_history_survives_a_restart(engine: Callable[..., Engine]) -> None:
    outcomes = [pay(engine(), i).outcome for i in range(7)]
    assert outcomes == [Outcome.HUMAN] * 5 + [Outcome.DENY] * 2


def test_the_path_is_relative_to_the_configuration(
    tmp_path: Path, rows: Callable[[Path], int]
) -> None:
    config = tmp_path / "permit0.yaml"
    config.write_text("state: {path: sub/../permit0.db}\n")
    (tmp_path / "sub").mkdir()
    assert read(build_engine(config)).outcome is Outcome.ALLOW
    assert rows(tmp_path / "permit0.db") == 1


def test_without_a_path_no_file_is_made(tmp_path: Path) -> None:
    config = tmp_path / "permit0.yaml"
    config.write_text("mode: enforce\n")
    assert read(build_engine(config)).outcome is Outcome.ALLOW
    assert [file.name for file in tmp_path.iterdir()] == ["permit0.yaml"]


@posix
@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")
def test_after_a_fork_both_sides_go_on_with_connections_of_their_own(
    path: Path, rows: Callable[[Path], int]
) -> None:
    store = SqliteStore(FEATURES, path)
    append(store)
    children = []
    for _ in range(4):
        child = os.fork()
        if child == 0:
            try:
                for _ in range(50):
                    append(store)
            except BaseException:  # noqa: BLE001  # a child of a test must not run the other tests
                os._exit(1)
            os._exit(0)
        children.append(child)
    for _ in range(50):
        append(store)
    assert [os.waitpid(child, 0)[1] for child in children] == [0] * 4
    with store.transaction(ALONE, AT) as step:
        assert step.view.count(EVER) == 251
    assert rows(path) == 251


@posix
def test_a_fork_in_the_middle_of_a_decision_is_refused_in_the_child(
    path: Path, rows: Callable[[Path], int]
) -> None:
    store = SqliteStore(FEATURES, path, timeout_s=0.2)
    with store.transaction(ALONE, AT) as step:
        child = os.fork()
        if child == 0:
            code = ""
            try:
                append(store)
            except StateUnavailable as error:
                code = error.reason_code
            os._exit(code != "state_forked")
        assert os.waitpid(child, 0)[1] == 0
        step.append(HistoryEntry(step.now, Tier.LOW, (Trace("a.x"),)))
    append(store)
    assert rows(path) == 2


@posix
@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")
def test_a_fork_waits_for_the_decision_of_another_thread(
    path: Path, rows: Callable[[Path], int]
) -> None:
    store = SqliteStore(FEATURES, path)
    begun = threading.Event()

    def decide() -> None:
        with store.transaction(ALONE, AT) as step:
            begun.set()
            step.append(HistoryEntry(step.now, Tier.LOW, (Trace("a.x"),)))

    thread = threading.Thread(target=decide)
    thread.start()
    begun.wait()
    child = os.fork()
    if child == 0:
        try:
            append(store)
        except BaseException:  # noqa: BLE001  # a child of a test must not run the other tests
            os._exit(1)
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0
    thread.join()
    assert rows(path) == 2


def test_a_closed_store_refuses_and_closing_twice_is_fine(path: Path) -> None:
    store = SqliteStore(FEATURES, path)
    append(store)
    store.close()
    store.close()
    assert not path.with_name("permit0.db-wal").exists()
    with pytest.raises(StateUnavailable) as caught:
        append(store)
    assert caught.value.reason_code == "state_closed"


def test_a_store_that_nobody_holds_lets_go_of_the_file(path: Path) -> None:
    append(SqliteStore(FEATURES, path))
    gc.collect()
    assert not path.with_name("permit0.db-wal").exists()
