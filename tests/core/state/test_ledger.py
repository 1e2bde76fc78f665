"""The ledger answers from counts that it keeps up to date; a naive one reads the whole list."""

from __future__ import annotations

import time
from decimal import Context, Decimal, localcontext

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from permit0.model.history import Feature, FeatureKind, HistoryEntry, Scope, Trace
from permit0.model.vocabulary import Tier
from permit0.state.memory import MemoryStore

ACTIONS = ("a.x", "a.y", "b.z")
FLAGS = ("OUTBOUND", "EXPOSURE", "MUTATION")
WINDOWS = (None, 60.0, 600.0)
FEATURES = [
    Feature(
        kind=kind,
        actions=actions,
        mark=mark,
        key="who" if kind is FeatureKind.DISTINCT else None,
        below=below,
        window_s=window,
        shared_window_s=shared,
    )
    for kind in FeatureKind
    for actions in (frozenset[str](), frozenset({"a.x"}), frozenset({"a.x", "b.z"}))
    for mark in (None, "exposed")
    for below in (None, Decimal(5))
    for window in WINDOWS
    for shared in WINDOWS
    # Other sessions are never looked at further back than one's own.
    if window is None or (shared is not None and shared <= window)
][::5]  # five has no factor in common with the table, so that everything meets everything
SESSIONS, AGENTS, PRINCIPALS = ("s1", "s2"), ("a1", "a2"), (None, "p1", "p2")
SCOPES = [Scope(s, a, p) for s in SESSIONS for a in AGENTS for p in PRINCIPALS]

traces = st.builds(
    Trace,
    action=st.sampled_from(ACTIONS),
    flags=st.lists(st.sampled_from(FLAGS), max_size=2, unique=True).map(tuple),
    marks=st.sampled_from(
        [frozenset[str](), frozenset({"exposed"}), frozenset({"exposed", "outward"})]
    ),
    keys=st.sampled_from([{}, {"who": "x"}, {"who": "y"}, {"who": "z"}]),
    amount=st.sampled_from([None, Decimal("0.01"), Decimal(4), Decimal(5), Decimal("7.5")]),
)


class Event:
    """One step, or what an execution revealed later (own is False)."""

    def __init__(self, scope: Scope, entry: HistoryEntry, *, own: bool) -> None:
        self.scope, self.entry, self.own = scope, entry, own


class Naive:
    """Reads everything that ever happened, for every question."""

    def __init__(self, events: list[Event], scope: Scope, now: float) -> None:
        self.now = now
        self.session = [e for e in events if e.scope.session == scope.session]
        pair = (scope.agent, scope.principal)
        self.shared = (
            []
            if scope.principal is None
            else [e for e in events if (e.scope.agent, e.scope.principal) == pair]
        )

    def reach(self, window: float | None, shared: float | None) -> list[Event]:
        """Each event once, however many ways lead to it."""
        found = {id(e): e for e in self.session if self.within(e, window)}
        found |= {id(e): e for e in self.shared if self.within(e, shared)}
        return list(found.values())

    def within(self, event: Event, window: float | None) -> bool:
        return window is None or event.entry.at >= self.now - window

    def matching(self, feature: Feature, events: list[Event]) -> list[tuple[Event, Trace]]:
        return [
            (event, trace)
            for event in events
            for trace in event.entry.traces
            if (not feature.actions or trace.action in feature.actions)
            and (feature.mark is None or feature.mark in trace.marks)
            and (
                feature.below is None or (trace.amount is not None and trace.amount < feature.below)
            )
        ]

    def found(self, feature: Feature) -> list[tuple[Event, Trace]]:
        return self.matching(feature, self.reach(feature.window_s, feature.shared_window_s))

    def count(self, feature: Feature) -> int:
        return len(self.found(feature))

    def total(self, feature: Feature) -> Decimal:
        return sum((t.amount for _, t in self.found(feature) if t.amount is not None), Decimal(0))

    def distinct(self, feature: Feature, value: str | None) -> int:
        values = {t.keys["who"] for _, t in self.found(feature) if "who" in t.keys}
        return len(values | ({value} if value is not None else set()))

    def steps_since(self, feature: Feature) -> int | None:
        found = []
        for events in (self.session, self.shared):
            steps = [i for i, e in enumerate(events) for _ in self.matching(feature, [e])]
            if steps:
                after = [e for e in events[steps[-1] + 1 :] if e.own and not e.entry.refused]
                found.append(len(after) + 1)
        return min(found, default=None)

    def seconds_since(self, feature: Feature) -> float | None:
        events = [e for e, _ in self.matching(feature, [*self.session, *self.shared])]
        return min((self.now - e.entry.at for e in events), default=None)

    def latest(self, feature: Feature) -> tuple[float, int] | None:
        found = {id(e): e.entry.at for e in (*self.session, *self.shared)}
        events = {id(e): e for e in (*self.session, *self.shared)}
        times = [found[i] for i, e in events.items() for _ in self.matching(feature, [e])]
        return (max(times), times.count(max(times))) if times else None

    def rate(self, action: str) -> int:
        return sum(
            trace.action == action
            for event in self.reach(60.0, 60.0)
            if event.own
            for trace in event.entry.traces
        )

    def tiers(self) -> dict[Tier, int]:
        tiers = [e.entry.tier for e in self.reach(3600.0, 3600.0) if e.own]
        return {tier: tiers.count(tier) for tier in Tier if tier in tiers}

    def flags(self) -> int:
        return len({f for e in self.reach(3600.0, 3600.0) for t in e.entry.traces for f in t.flags})


class LedgerMachine(RuleBasedStateMachine):
    """Random calls of random scopes at random times, clocks that go back included."""

    def __init__(self) -> None:
        super().__init__()
        self.store = MemoryStore(FEATURES)
        self.events: list[Event] = []
        self.clock = 1_000_000.0

    @rule(seconds=st.sampled_from([1.0, 30.0, 59.0, 60.0, 61.0, 540.0, 600.0, 3600.0, -100.0]))
    def wait(self, seconds: float) -> None:
        self.clock += seconds

    @rule(
        scope=st.sampled_from(SCOPES),
        traces=st.lists(traces, min_size=1, max_size=3).map(tuple),
        tier=st.sampled_from(Tier),
        refused=st.booleans(),
    )
    def call(self, scope: Scope, traces: tuple[Trace, ...], tier: Tier, refused: bool) -> None:
        with self.store.transaction(scope, self.clock) as step:
            entry = HistoryEntry(step.now, tier, traces, refused)
            step.append(entry)
        self.events.append(Event(scope, entry, own=True))

    @rule(scope=st.sampled_from(SCOPES), trace=traces)
    def reveal(self, scope: Scope, trace: Trace) -> None:
        with self.store.transaction(scope, self.clock) as step:
            at = step.now
        self.store.settle(scope, self.clock, HistoryEntry(self.clock, Tier.MINIMAL, (trace,)))
        self.events.append(Event(scope, HistoryEntry(at, Tier.MINIMAL, (trace,)), own=False))

    @rule(scope=st.sampled_from(SCOPES))
    def look(self, scope: Scope) -> None:
        """A transaction without an append remembers nothing but the time."""
        with self.store.transaction(scope, self.clock):
            pass

    @invariant()
    def answers_are_those_of_the_whole_list(self) -> None:
        scope = SCOPES[len(self.events) % len(SCOPES)]
        with self.store.transaction(scope, self.clock) as step:
            naive = Naive(self.events, scope, step.now)
            view = step.view
            for feature in FEATURES:
                match feature.kind:
                    case FeatureKind.COUNT:
                        assert view.count(feature) == naive.count(feature)
                    case FeatureKind.TOTAL:
                        assert view.total(feature) == naive.total(feature)
                    case FeatureKind.DISTINCT:
                        for value in (None, "x", "new"):
                            expected = naive.distinct(feature, value)
                            assert view.distinct(feature, value, enough=99) == expected
                            for enough in (1, 2, 3):
                                some = view.distinct(feature, value, enough=enough)
                                assert (some >= enough) == (expected >= enough)
                    case FeatureKind.LATEST:
                        assert view.steps_since(feature) == naive.steps_since(feature)
                        assert view.seconds_since(feature) == naive.seconds_since(feature)
                        assert view.latest(feature) == naive.latest(feature)
            for action in ACTIONS:
                assert view.rate(action) == naive.rate(action)
            assert {t: n for t, n in view.tiers().items() if n} == naive.tiers()
            assert view.flags() == naive.flags()


TestLedger = LedgerMachine.TestCase
TestLedger.settings = settings(max_examples=25, stateful_step_count=20)


def test_an_unregistered_question_is_an_error() -> None:
    store = MemoryStore(FEATURES[:1])
    with store.transaction(SCOPES[0], 0.0) as step, pytest.raises(KeyError):
        step.view.count(Feature(kind=FeatureKind.COUNT, window_s=1.0))


def test_a_step_is_never_before_the_one_before_in_any_ledger_of_its_scope() -> None:
    store = MemoryStore(())
    entry = HistoryEntry(500.0, Tier.LOW, (Trace("a.x"),))
    with store.transaction(Scope("s", "a", "p"), 500.0) as step:
        step.append(entry)
    for scope, now in (
        (Scope("s", "b", None), 500.0),
        (Scope("t", "a", "p"), 500.0),
        (Scope("u", "a", "q"), 400.0),
        (Scope("v", "b", None), 400.0),
    ):
        with store.transaction(scope, 400.0) as step:
            assert step.now == now


@pytest.mark.parametrize("principal", [None, "p"])
def test_a_sum_is_exact_whatever_else_was_added_and_whatever_the_program_rounds_to(
    principal: str | None,
) -> None:
    """An absurd attempt must not swallow the small ones while it is in the window."""
    total = Feature(kind=FeatureKind.TOTAL, window_s=60.0, shared_window_s=60.0)
    store, scope = MemoryStore([total]), Scope("s", "a", principal)
    with localcontext() as context:
        context.prec = 3
        for at, amount in ((0.0, "1e30"), (1.0, "0.01"), (2.0, "1234.56")):
            with store.transaction(scope, at) as step:
                trace = Trace("a.x", amount=Decimal(amount))
                step.append(HistoryEntry(at, Tier.LOW, (trace,)))
        for at, expected in ((59.0, "1e30"), (60.5, "0")):
            with store.transaction(scope, at) as step:
                found = step.view.total(total)
            assert found == Context(prec=40).add(Decimal(expected), Decimal("1234.57"))


@pytest.mark.parametrize("principal", [None, "p"])
def test_asking_costs_the_same_in_a_long_session(principal: str | None) -> None:
    """Ten thousand calls cost about ten times what a thousand cost, not a hundred times."""
    scope = Scope("s", "a", principal)

    def cost(calls: int) -> float:
        store = MemoryStore(FEATURES)
        begin = time.perf_counter()
        for i in range(calls):
            with store.transaction(scope, 1000.0 + i) as step:
                for feature in FEATURES[::3]:
                    match feature.kind:
                        case FeatureKind.COUNT:
                            step.view.count(feature)
                        case FeatureKind.TOTAL:
                            step.view.total(feature)
                        case FeatureKind.DISTINCT:
                            step.view.distinct(feature, "v", enough=6)
                        case FeatureKind.LATEST:
                            step.view.steps_since(feature)
                trace = Trace(
                    "a.x", ("OUTBOUND",), frozenset({"exposed"}), {"who": f"w{i}"}, Decimal(1)
                )
                step.append(HistoryEntry(step.now, Tier.LOW, (trace,)))
        return time.perf_counter() - begin

    cost(100)
    assert min(cost(3000) for _ in range(2)) < 4 * 10 * min(cost(300) for _ in range(3))
