"""What every StateStore promises, as tests to inherit.

    class TestMyStore(SharedStoreContract):
        def make_store(self, features):
            return MyStore(features, ...)

        def source(self):
            return "def make(features): return MyStore(features, ...)"

StateStoreContract is for a store of one process; SharedStoreContract adds what is seen beyond it and
survives it. Every test begins with an empty history. That reading, deciding and appending are one
step is tested by threads, instances and processes that all want the last free place.
"""

from __future__ import annotations

import math
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from decimal import Decimal

from permit0.errors import Permit0Error
from permit0.model.history import Feature, FeatureKind, HistoryEntry, HistoryView, Scope, Trace
from permit0.model.vocabulary import Tier
from permit0.ports import StateStore
from permit0.testing.exposure_contract import ExposedOutputContract, SharedExposedOutputContract

__all__ = ["FEATURES", "SharedStoreContract", "StateStoreContract", "append", "compete"]

AT = 1_700_000_000.25
COUNT = Feature(kind=FeatureKind.COUNT, window_s=600.0, shared_window_s=600.0)
EVER = Feature(kind=FeatureKind.COUNT)
TOTAL = Feature(kind=FeatureKind.TOTAL, shared_window_s=3600.0)
WHO = Feature(kind=FeatureKind.DISTINCT, key="who", window_s=600.0, shared_window_s=60.0)
EXPOSED = Feature(kind=FeatureKind.LATEST, mark="exposed")
FEATURES = (COUNT, EVER, TOTAL, WHO, EXPOSED)
ALONE = Scope("session", "agent", None)
ANN = Scope("session", "agent", "ann")
PLACES = 6
ODD_NAMES = (
    "",
    " ",
    "a",
    "A",
    "a\x00",
    "a\x00b",
    "'",
    '"; --',
    "é",
    "e\u0301",
    "\U0001f600",
    "x" * 5000,
)


def append(
    store: StateStore,
    scope: Scope = ALONE,
    at: float = AT,
    *,
    amount: Decimal | None = None,
    marks: Sequence[str] = (),
    flags: Sequence[str] = (),
    keys: Mapping[str, str] | None = None,
    tier: Tier = Tier.LOW,
    refused: bool = False,
) -> float:
    """Remember one call of one action.

    Returns:
        The time of the step.
    """
    trace = Trace("a.x", tuple(flags), frozenset(marks), {} if keys is None else keys, amount)
    with store.transaction(scope, at) as step:
        step.append(HistoryEntry(step.now, tier, (trace,), refused))
        return step.now


def compete(store: StateStore, scope: Scope, tries: int, name: str) -> int:
    """Try so often to be among the first PLACES of a scope.

    Returns:
        How often it was.
    """
    won = 0
    for i in range(tries):
        with store.transaction(scope, AT) as step:
            free = step.view.count(COUNT) < PLACES
            won += free
            trace = Trace("a.x", (), frozenset(), {"who": f"{name}-{i}"}, Decimal("0.1"))
            step.append(HistoryEntry(step.now, Tier.LOW, (trace,)))
    return won


def _answers(view: HistoryView) -> tuple[object, ...]:
    return (
        view.count(COUNT),
        view.count(EVER),
        view.total(TOTAL),
        view.distinct(WHO, "new", enough=99),
        view.steps_since(EXPOSED),
        view.seconds_since(EXPOSED),
        view.rate("a.x"),
        {tier: count for tier, count in view.tiers().items() if count},
        view.flags(),
    )


_NOTHING: tuple[object, ...] = (0, 0, Decimal(0), 1, None, None, 0, {}, 0)


class StateStoreContract(ExposedOutputContract):
    """For a store of one process, or any other."""

    def make_store(self, features: Sequence[Feature]) -> StateStore:
        """The store to test; called again in a test, another one on the same history if there is one."""
        raise NotImplementedError

    def _ask(self, store: StateStore, scope: Scope = ALONE, at: float = AT) -> tuple[object, ...]:
        with store.transaction(scope, at) as step:
            return _answers(step.view)

    def test_before_the_first_step_there_is_nothing(self) -> None:
        store = self.make_store(FEATURES)
        assert self._ask(store) == self._ask(store, ANN) == _NOTHING

    def test_every_question_is_answered(self) -> None:
        store = self.make_store(FEATURES)
        append(store, amount=Decimal("0.10"), keys={"who": "x"}, flags=("OUTBOUND", "MUTATION"))
        append(store, at=AT + 1, amount=Decimal("0.2"), keys={"who": "y"}, marks=("exposed",))
        append(store, at=AT + 2, keys={"who": "x"}, flags=("OUTBOUND",), tier=Tier.HIGH)
        tiers = {Tier.LOW: 2, Tier.HIGH: 1}
        assert self._ask(store, at=AT + 4) == (3, 3, Decimal("0.3"), 3, 2, 3.0, 3, tiers, 2)

    def test_a_window_ends_just_after_its_length(self) -> None:
        store = self.make_store(FEATURES)
        append(store)
        for later, count in ((600.0, 1), (600.25, 0)):
            with store.transaction(ALONE, AT + later) as step:
                assert (step.view.count(COUNT), step.view.count(EVER)) == (count, 1)

    def test_a_compound_call_is_one_step_of_several_actions(self) -> None:
        store = self.make_store(FEATURES)
        append(store, marks=("exposed",))
        with store.transaction(ALONE, AT) as step:
            step.append(HistoryEntry(step.now, Tier.LOW, (Trace("a.x"), Trace("a.y"))))
        with store.transaction(ALONE, AT) as step:
            assert (step.view.count(EVER), step.view.steps_since(EXPOSED)) == (3, 2)
            assert (step.view.rate("a.x"), step.view.rate("a.y")) == (2, 1)

    def test_a_refused_call_counts_and_is_no_step(self) -> None:
        store = self.make_store(FEATURES)
        append(store, marks=("exposed",))
        append(store, refused=True)
        with store.transaction(ALONE, AT) as step:
            assert (step.view.count(EVER), step.view.steps_since(EXPOSED)) == (2, 1)

    def test_what_an_execution_reveals_belongs_to_the_step_before(self) -> None:
        store = self.make_store(FEATURES)
        append(store)
        trace = Trace("output", ("EXPOSURE",), frozenset({"exposed"}))
        store.settle(ALONE, AT + 5, HistoryEntry(AT, Tier.MINIMAL, (trace,)))
        with store.transaction(ALONE, AT + 9) as step:
            assert (step.view.steps_since(EXPOSED), step.view.seconds_since(EXPOSED)) == (1, 4.0)
            assert (step.view.rate("output"), step.view.flags()) == (0, 1)
            assert dict(step.view.tiers()) == {Tier.LOW: 1}

    def test_other_sessions_of_the_same_agent_and_principal_count_once(self) -> None:
        store = self.make_store(FEATURES)
        append(store, ANN, amount=Decimal(1), keys={"who": "x"})
        append(store, Scope("other", "agent", "ann"), amount=Decimal(2), keys={"who": "y"})
        append(store, ALONE, amount=Decimal(4), keys={"who": "z"})
        with store.transaction(ANN, AT + 60) as step:
            assert (step.view.count(COUNT), step.view.total(TOTAL)) == (3, Decimal(7))
            assert step.view.distinct(WHO, None, enough=99) == 3
        with store.transaction(ANN, AT + 61) as step:  # the window for other sessions is shorter
            assert step.view.distinct(WHO, None, enough=99) == 2

    def test_others_do_not_count(self) -> None:
        store = self.make_store(FEATURES)
        append(store, ANN)
        for scope in (
            Scope("other", "agent", "bob"),
            Scope("other", "agent 2", "ann"),
            Scope("other", "agent", None),
            Scope("other", "agent", ""),
        ):
            assert self._ask(store, scope) == _NOTHING

    def test_names_are_told_apart_exactly(self) -> None:
        store = self.make_store(FEATURES)
        for i, name in enumerate(ODD_NAMES):
            for _ in range(i + 1):
                append(store, Scope(name, "agent", None))
                append(store, Scope("by pair", name, name))
        again = self.make_store(FEATURES) if isinstance(self, SharedStoreContract) else store
        for i, name in enumerate(ODD_NAMES):
            assert self._ask(again, Scope(name, "agent", None))[1] == i + 1
            with again.transaction(Scope("new", name, name), AT) as step:
                assert step.view.count(COUNT) == i + 1

    def test_a_clock_that_jumps_back_does_not_reopen_a_window(self) -> None:
        store = self.make_store(FEATURES)
        append(store, ANN)
        assert append(store, ANN, AT + 700) == AT + 700
        for scope in (ANN, ALONE, Scope("other", "agent", "ann")):
            assert append(store, scope, AT) == AT + 700
        with store.transaction(ANN, AT) as step:
            assert step.view.count(COUNT) == 4
        assert append(store, Scope("unrelated", "agent", "bob"), AT) == AT

    def test_looking_moves_the_time_and_nothing_else(self) -> None:
        store = self.make_store(FEATURES)
        with store.transaction(ALONE, AT + 9):
            pass
        with store.transaction(ALONE, AT) as step:
            assert step.now == AT + 9
            assert _answers(step.view) == _NOTHING

    def test_an_entry_is_never_before_its_step(self) -> None:
        store = self.make_store(FEATURES)
        with store.transaction(ALONE, AT) as step:
            step.append(HistoryEntry(0.0, Tier.LOW, (Trace("a.x", (), frozenset({"exposed"})),)))
        with store.transaction(ALONE, AT) as step:
            assert step.view.seconds_since(EXPOSED) == 0.0

    def test_a_time_that_is_none_is_refused(self) -> None:
        store = self.make_store(FEATURES)
        for at in (math.nan, math.inf, -math.inf):
            try:
                append(store, at=at)
            except Permit0Error as error:
                assert error.reason_code == "bad_time"  # noqa: PT017  # pytest may be absent here
            else:
                raise AssertionError(at)
        assert append(store) == AT

    def test_an_error_before_the_append_remembers_nothing(self) -> None:
        store = self.make_store(FEATURES)
        self._fail(store, first=False)
        assert self._ask(store) == _NOTHING

    def test_what_was_appended_stays_whatever_comes_after(self) -> None:
        store = self.make_store(FEATURES)
        self._fail(store, first=True)
        assert self._ask(store)[0] == 1

    def _fail(self, store: StateStore, *, first: bool) -> None:
        try:
            with store.transaction(ALONE, AT) as step:
                if first:
                    step.append(HistoryEntry(step.now, Tier.LOW, (Trace("a.x"),)))
                raise LookupError
        except LookupError:
            return

    def test_a_transaction_that_cannot_begin_leaves_no_lock(self) -> None:
        store = self.make_store(FEATURES)
        for bad in (["a"], {"a": 1}):
            try:
                append(store, Scope(bad, "agent", None))  # type: ignore[arg-type]  # the attack
            except TypeError:
                continue
            raise AssertionError(bad)
        assert append(store) == AT

    def test_a_question_that_was_not_announced_is_an_error(self) -> None:
        store = self.make_store(FEATURES[:1])
        try:
            with store.transaction(ALONE, AT) as step:
                step.view.count(EVER)
        except KeyError:
            return
        raise AssertionError("it was answered")

    def test_of_many_threads_only_so_many_get_a_place(self) -> None:
        store = self.make_store(FEATURES)
        assert sum(_race([(store, ANN)] * 16, 20)) == PLACES
        answers = self._ask(store, ANN)
        assert answers[:3] == (16 * 20, 16 * 20, Decimal(32))

    def test_threads_in_two_sessions_of_one_principal_share_the_places(self) -> None:
        store = self.make_store(FEATURES)
        scopes = [Scope(f"s{i % 2}", "agent", "ann") for i in range(8)]
        assert sum(_race([(store, scope) for scope in scopes], 20)) == PLACES


class SharedStoreContract(SharedExposedOutputContract, StateStoreContract):
    """For a store whose history is seen by every instance, in every process, and survives them."""

    def source(self) -> str:
        """Python source that defines `make(features)`: another process's make_store."""
        raise NotImplementedError

    def test_instances_see_each_other_at_once(self) -> None:
        stores = [self.make_store(FEATURES) for _ in range(3)]
        trace = Trace("output", ("EXPOSURE",), frozenset({"exposed"}))
        for i in range(12):
            at = AT + i
            append(stores[i % 3], ANN, at, amount=Decimal(i), refused=i % 4 == 3)
            if i == 5:
                stores[1].settle(ANN, at, HistoryEntry(at, Tier.MINIMAL, (trace,)))
            answers = [self._ask(store, ANN, at) for store in stores]
            assert answers[0] == answers[1] == answers[2]
            assert answers[0][1] == i + 1 + (i >= 5)

    def test_a_new_instance_answers_like_the_old_one(self) -> None:
        store = self.make_store(FEATURES)
        marks = (("exposed",), ())
        for i in range(40):
            scope = Scope(f"s{i % 3}", f"a{i % 2}", (None, "ann", "bob")[i % 5 % 3])
            keys = {"who": f"w{i % 7}"}
            append(
                store, scope, AT + 20 * i, amount=Decimal(i) / 8, marks=marks[i % 3 > 0], keys=keys
            )
        again = self.make_store(FEATURES)
        for scope in (ANN, *(Scope(f"s{i}", "a1", p) for i in range(3) for p in ("ann", None))):
            assert self._ask(again, scope, AT + 800) == self._ask(store, scope, AT + 800)

    def test_the_clock_goes_back_in_no_instance(self) -> None:
        first, second = self.make_store(FEATURES), self.make_store(FEATURES)
        append(second, ANN)
        append(first, ANN, AT + 700)
        assert append(second, ANN, AT) == AT + 700
        with first.transaction(ANN, AT + 800):
            pass
        with second.transaction(ANN, AT) as step:
            assert step.now == AT + 800

    def test_of_many_instances_only_so_many_get_a_place(self) -> None:
        stores = [self.make_store(FEATURES) for _ in range(6)]
        assert sum(_race([(store, ANN) for store in stores], 10)) == PLACES
        assert self._ask(stores[0], ANN)[:3] == (60, 60, Decimal(6))

    def test_of_many_processes_only_so_many_get_a_place(self) -> None:
        code = (
            f"{self.source()}\n"
            "import sys\n"
            "from permit0.testing.state_contract import ANN, FEATURES, compete\n"
            "store = make(FEATURES)\n"
            "print('ready', flush=True)\n"
            "sys.stdin.readline()\n"
            "print(compete(store, ANN, 25, sys.argv[1]))\n"
        )
        processes = [
            subprocess.Popen(  # noqa: S603  # our own interpreter and source
                [sys.executable, "-c", code, f"p{i}"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
            )
            for i in range(4)
        ]
        for process in processes:
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n"
        for process in processes:
            assert process.stdin is not None
            process.stdin.write("\n")
            process.stdin.flush()
        answers = [process.communicate(timeout=60)[0] for process in processes]
        assert [process.returncode for process in processes] == [0] * 4
        assert sum(int(answer) for answer in answers) == PLACES
        assert self._ask(self.make_store(FEATURES), ANN)[:2] == (100, 100)


def _race(runners: Sequence[tuple[StateStore, Scope]], tries: int) -> list[int]:
    """Each competes on a thread of its own, started together; an exception of one is raised here."""
    barrier = threading.Barrier(len(runners))
    results: list[int | BaseException] = [0] * len(runners)

    def run(i: int, store: StateStore, scope: Scope) -> None:
        barrier.wait()
        try:
            results[i] = compete(store, scope, tries, f"t{i}")
        except BaseException as error:  # noqa: BLE001  # raised again in the thread that asked
            results[i] = error

    threads = [threading.Thread(target=run, args=(i, *runner)) for i, runner in enumerate(runners)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for result in results:
        if isinstance(result, BaseException):
            raise result
    return [result for result in results if isinstance(result, int)]
