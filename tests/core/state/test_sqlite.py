"""History in a file: the decisions of several processes, and every way in which the file can fail."""

from __future__ import annotations

import gc
import os
import sqlite3
import stat
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from permit0.build import assemble, build_engine
from permit0.config import parse_config
from permit0.engine import Engine
from permit0.errors import StateUnavailable
from permit0.model.decision import Decision
from permit0.model.history import Feature, FeatureKind, HistoryEntry, Scope, Trace
from permit0.model.vocabulary import Outcome, Tier
from permit0.state import schema
from permit0.state.memory import MemoryStore
from permit0.state.sqlite import STEPS, SqliteStore
from permit0.testing.clock import FrozenClock
from permit0.testing.state_contract import ALONE, ANN, AT, EVER, FEATURES, append

posix = pytest.mark.skipif(os.name != "posix", reason="needs file modes and fork")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "permit0.db"


@pytest.fixture
def engine(path: Path) -> Callable[..., Engine]:
    """An engine on the file, as permit0.yaml would make it."""
    text = f"{{org: {{domains: [acme-corp.com]}}, state: {{path: {str(path)!r}}}}}"

    def make(**options: float) -> Engine:
        if not options:
            return assemble(parse_config(text, "permit0.yaml"), clock=FrozenClock()).engine
        return assemble(
            parse_config(text, "permit0.yaml"),
            clock=FrozenClock(),
            make_store=lambda features: SqliteStore(features, path, **options),  # type: ignore[arg-type]  # max_bytes is whole
        ).engine

    return make


def read(engine: Engine) -> Decision:
    return engine.check("files.read", {"path": "/app/main.py"})


def pay(engine: Engine, i: int, session: str = "s") -> Decision:
    return engine.check("payments.transfer", {"amount": 100, "recipient": f"V{i}"}, session=session)


def rows(path: Path) -> int:
    connection = sqlite3.connect(path)
    try:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        count: int = connection.execute("SELECT count(*) FROM history").fetchone()[0]
        return count
    finally:
        connection.close()


# ------------------------------------------------------------------ several processes

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
    workers: Callable[[int], list[Worker]], path: Path
) -> None:
    """Each pays six of 48 vendors, all at once: five are asked about, the sixth never slips through."""
    eight = workers(8)
    for i, worker in enumerate(eight):
        worker.tell(*(f"Vendor-{i}-{n}" for n in range(6)))
    answers = Counter(worker.hear() for worker in eight for _ in range(6))
    assert answers == Counter(serial(48))
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


def test_history_survives_a_restart(engine: Callable[..., Engine]) -> None:
    outcomes = [pay(engine(), i).outcome for i in range(7)]
    assert outcomes == [Outcome.HUMAN] * 5 + [Outcome.DENY] * 2


def test_the_path_is_relative_to_the_configuration(tmp_path: Path) -> None:
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


# ------------------------------------------------------------------ killed

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
def test_killed_after_any_step_there_is_no_half_entry_and_no_lock(path: Path, step: str) -> None:
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
def test_writers_killed_at_random_lose_nothing_that_was_decided(path: Path) -> None:
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


# ------------------------------------------------------------------ forks and threads


@posix
@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")
def test_after_a_fork_both_sides_go_on_with_connections_of_their_own(path: Path) -> None:
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
def test_a_fork_in_the_middle_of_a_decision_is_refused_in_the_child(path: Path) -> None:
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
def test_a_fork_waits_for_the_decision_of_another_thread(path: Path) -> None:
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


# ------------------------------------------------------------------ what can be wrong with the file


def test_a_missing_folder_is_a_refusal_until_it_is_there(
    path: Path, tmp_path: Path, engine: Callable[..., Engine]
) -> None:
    path = tmp_path / "later" / "permit0.db"
    made = assemble(
        parse_config(f"state: {{path: {str(path)!r}}}", "permit0.yaml"), clock=FrozenClock()
    ).engine
    decision = read(made)
    assert (decision.outcome, decision.error) == (Outcome.DENY, "state_missing_folder")
    path.parent.mkdir()
    assert read(made).outcome is Outcome.ALLOW


def refused(engine: Engine) -> str | None:
    decision = read(engine)
    assert decision.outcome is Outcome.DENY
    assert decision.reasons[0].message == decision.reasons[0].message.strip()
    return decision.error


@posix
def test_a_folder_that_anybody_can_write_to_is_refused(
    path: Path, engine: Callable[..., Engine]
) -> None:
    path.parent.chmod(0o777)
    assert refused(engine()) == "state_unsafe_folder"
    assert not path.exists()
    path.parent.chmod(0o1777)  # as /tmp: nobody can replace a file of somebody else
    assert read(engine()).outcome is Outcome.ALLOW


@posix
def test_files_are_for_their_owner_alone(path: Path, engine: Callable[..., Engine]) -> None:
    before = os.umask(0)
    try:
        made = engine()
        read(made)
    finally:
        os.umask(before)
    modes = {file.name: stat.S_IMODE(file.stat().st_mode) for file in path.parent.iterdir()}
    assert modes == dict.fromkeys(("permit0.db", "permit0.db-wal", "permit0.db-shm"), 0o600)


@posix
@pytest.mark.parametrize(
    ("mode", "code"), [(0o400, "state_read_only"), (0o602, "state_unsafe_file")]
)
def test_a_file_of_the_wrong_mode_is_refused(
    path: Path, engine: Callable[..., Engine], mode: int, code: str
) -> None:
    assert read(engine()).outcome is Outcome.ALLOW
    path.chmod(mode)
    assert refused(engine()) == code
    path.chmod(0o600)
    assert read(engine()).outcome is Outcome.ALLOW


def test_a_folder_in_place_of_the_file_is_refused(
    path: Path, engine: Callable[..., Engine]
) -> None:
    path.mkdir()
    assert refused(engine()) == "state_unsafe_file"


def test_what_is_no_database_is_refused_and_left_alone(
    path: Path, engine: Callable[..., Engine]
) -> None:
    path.write_bytes(b"dear diary, " * 1000)
    assert refused(engine()) == "state_corrupt"
    assert path.read_bytes() == b"dear diary, " * 1000


def test_the_database_of_another_program_is_refused_and_left_alone(
    path: Path, engine: Callable[..., Engine]
) -> None:
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE history (a)")
    connection.close()
    before = path.read_bytes()
    assert refused(engine()) == "state_foreign_file"
    assert path.read_bytes() == before


def test_a_damaged_page_is_refused_and_another_file_is_taken_up(
    path: Path, engine: Callable[..., Engine]
) -> None:
    filling = engine()
    for i in range(200):
        pay(filling, i)
    del filling
    gc.collect()
    whole = path.read_bytes()
    path.write_bytes(whole[:4096] + b"\xff" * (len(whole) - 4096))
    broken = engine()
    assert refused(broken) == "state_corrupt"
    path.rename(path.with_suffix(".broken"))
    assert read(broken).outcome is Outcome.ALLOW


@pytest.mark.parametrize(
    "damage",
    [
        "UPDATE history SET traces = '[{]'",
        "UPDATE history SET traces = '[{\"action\": 5}]'",
        "UPDATE history SET tier = 'blue'",
        "UPDATE history SET kind = 77",
        "UPDATE history SET at = 'soon'",
    ],
)
def test_a_row_that_cannot_be_read_is_refused(
    path: Path, engine: Callable[..., Engine], damage: str
) -> None:
    running = engine()
    assert read(running).outcome is Outcome.ALLOW
    with sqlite3.connect(path) as connection:
        connection.execute(damage)
    connection.close()
    assert refused(engine()) == "state_corrupt"


def test_a_newer_schema_is_refused_also_while_running(
    path: Path, engine: Callable[..., Engine]
) -> None:
    running = engine()
    assert read(running).outcome is Outcome.ALLOW
    with sqlite3.connect(path) as connection:
        connection.execute(f"PRAGMA user_version = {schema.SCHEMA_VERSION + 1}")
    connection.close()
    assert refused(running) == refused(engine()) == "state_newer_schema"
    assert rows(path) == 1


def test_an_older_schema_is_migrated_with_what_it_holds(path: Path) -> None:
    append(SqliteStore(FEATURES, path))
    more = (*schema.MIGRATIONS, ("ALTER TABLE history ADD COLUMN note TEXT",))
    for _ in range(2):
        connection = schema.open_state(path, timeout_s=1.0, migrations=more)
        assert connection.execute("SELECT note FROM history").fetchall() == [(None,)]
        assert connection.execute("PRAGMA user_version").fetchone() == (2,)
        connection.close()


def test_a_migration_that_fails_changes_nothing(path: Path) -> None:
    append(SqliteStore(FEATURES, path))
    more = (*schema.MIGRATIONS, ("ALTER TABLE history ADD COLUMN note TEXT", "no sql"))
    with pytest.raises(StateUnavailable):
        schema.open_state(path, timeout_s=1.0, migrations=more)
    store = SqliteStore(FEATURES, path)
    append(store)
    assert rows(path) == 2


def test_a_full_disk_is_a_refusal_and_room_helps(path: Path, engine: Callable[..., Engine]) -> None:
    small = engine(max_bytes=48 * 1024)
    errors = [pay(small, i).error for i in range(300)]
    first = errors.index("state_full")
    assert errors[:first] == [""] * first
    assert set(errors[first:]) == {"state_full"}
    assert rows(path) == first
    large = engine()
    assert pay(large, 0).error == ""
    assert "scatter_transfer" in pay(large, 1).rules


def test_a_locked_file_is_a_refusal_and_an_unlocked_one_decides(
    path: Path, engine: Callable[..., Engine]
) -> None:
    hurried = engine(timeout_s=0.05)
    assert read(hurried).outcome is Outcome.ALLOW
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("BEGIN IMMEDIATE")
    assert refused(hurried) == refused(engine(timeout_s=0.05)) == "state_locked"
    connection.execute("COMMIT")
    connection.close()
    assert read(hurried).outcome is Outcome.ALLOW


def test_another_thread_that_holds_the_store_is_a_refusal(path: Path) -> None:
    store = SqliteStore(FEATURES, path, timeout_s=0.05)
    with store.transaction(ALONE, AT), pytest.raises(StateUnavailable) as caught:
        append(store)
    assert caught.value.reason_code == "state_locked"
    append(store)


@posix
def test_a_file_that_was_replaced_while_in_use_is_refused(
    path: Path, engine: Callable[..., Engine]
) -> None:
    """Otherwise two processes would each count for themselves, and nobody would notice."""
    running = engine()
    for i in range(5):
        pay(running, i)
    path.rename(path.with_suffix(".old"))
    assert refused(running) == "state_replaced"
    assert read(engine()).outcome is Outcome.ALLOW  # a new file, of a process that started later
    assert refused(running) == "state_replaced"


def test_a_name_without_utf8_is_refused(path: Path, engine: Callable[..., Engine]) -> None:
    made = engine()
    bad = made.check("files.read", {"path": "/app/main.py"}, session="\ud800")
    assert bad.outcome is Outcome.DENY
    assert read(made).outcome is Outcome.ALLOW


@pytest.mark.parametrize("step", ["locked", "begun", "read", "inserted", "committed"])
def test_an_exception_at_any_step_leaves_ledgers_like_the_file(path: Path, step: str) -> None:
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


# ------------------------------------------------------------------ equal to memory

QUESTIONS = [
    Feature(
        kind=kind,
        actions=actions,
        mark=mark,
        key="who" if kind is FeatureKind.DISTINCT else None,
        window_s=window,
        shared_window_s=window,
    )
    for kind in FeatureKind
    for actions in (frozenset[str](), frozenset({"a.x"}))
    for mark in (None, "exposed")
    for window in (None, 60.0)
]
SCOPES = [Scope(s, a, p) for s in ("s", "t") for a in ("a", "b") for p in (None, "p")]
TRACES = st.builds(
    Trace,
    action=st.sampled_from(("a.x", "a.y")),
    flags=st.sampled_from(((), ("OUTBOUND",), ("OUTBOUND", "EXPOSURE"))),
    marks=st.sampled_from([frozenset[str](), frozenset({"exposed"})]),
    keys=st.dictionaries(st.just("who"), st.text(max_size=3), max_size=1),
    amount=st.none() | st.decimals(allow_nan=False, allow_infinity=False, places=2),
)
EVENTS = st.lists(
    st.tuples(
        st.sampled_from(("step", "step", "refused", "settle", "look", "restart")),
        st.sampled_from(SCOPES),
        st.integers(0, 2),
        st.sampled_from([0.0, 1.5, 59.0, 61.0, 3601.0, -90.0]),
        st.sampled_from(Tier),
        st.lists(TRACES, max_size=2).map(tuple),
    ),
    max_size=30,
)
Store = MemoryStore | SqliteStore


def play(
    store: Store, what: str, scope: Scope, at: float, tier: Tier, traces: tuple[Trace, ...]
) -> tuple[object, ...]:
    """Do one thing and say everything that could be asked then."""
    if what == "settle":
        store.settle(scope, at, HistoryEntry(at, tier, traces))
    with store.transaction(scope, at) as step:
        view = step.view
        answers: list[object] = [step.now, view.rate("a.x"), view.flags()]
        answers.append({t: n for t, n in view.tiers().items() if n})
        for question in QUESTIONS:
            match question.kind:
                case FeatureKind.COUNT:
                    answers.append(view.count(question))
                case FeatureKind.TOTAL:
                    answers.append(view.total(question))
                case FeatureKind.DISTINCT:
                    answers.append(view.distinct(question, None, enough=99))
                case FeatureKind.LATEST:
                    answers.extend((view.steps_since(question), view.seconds_since(question)))
        if what in ("step", "refused"):
            step.append(HistoryEntry(step.now, tier, traces, what == "refused"))
    return tuple(answers)


@settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(events=EVENTS)
def test_several_instances_answer_like_one_memory(
    events: list[tuple[str, Scope, int, float, Tier, tuple[Trace, ...]]],
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    file = tmp_path_factory.mktemp("state") / "permit0.db"
    memory = MemoryStore(QUESTIONS)
    stores = [SqliteStore(QUESTIONS, file) for _ in range(3)]
    clock = AT
    for what, scope, i, wait, tier, traces in events:
        clock += wait
        if what == "restart":
            stores[i] = SqliteStore(QUESTIONS, file)
        expected = play(memory, what, scope, clock, tier, traces)
        assert play(stores[i], what, scope, clock, tier, traces) == expected
    for store in stores:
        store.close()


@given(amount=st.decimals(allow_nan=False, allow_infinity=False), at=st.floats(0, 1e11))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_amounts_and_times_come_back_bit_for_bit(
    amount: Decimal, at: float, tmp_path_factory: pytest.TempPathFactory
) -> None:
    file = tmp_path_factory.mktemp("state") / "permit0.db"
    total = Feature(kind=FeatureKind.TOTAL)
    append(SqliteStore([total], file), at=at, amount=amount)
    again = SqliteStore([total], file)
    with again.transaction(ALONE, 0.0) as step:
        assert step.now == at
        assert step.view.total(total) == Decimal(0) + amount
