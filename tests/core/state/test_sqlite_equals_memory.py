"""Whatever happens in whichever process, the file answers what memory would answer."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from permit0.model.history import Feature, FeatureKind, HistoryEntry, Scope, Trace
from permit0.model.vocabulary import Tier
from permit0.state import sqlite
from permit0.state.memory import MemoryStore
from permit0.state.sqlite import SqliteStore
from permit0.testing.exposure_contract import output
from permit0.testing.state_contract import ALONE, AT, append

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
        st.sampled_from(
            ("step", "step", "refused", "settle", "expose", "look", "restart", "interrupt")
        ),
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
    if what == "expose":
        # Few different ones, some of which share pieces.
        store.settle(scope, at, HistoryEntry(at, tier, ()), output(int(at) % 3 * 6, 10))
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
                    answers.extend((view.steps_since(question), view.latest(question)))
        wanted = step.wanted()
        carried = () if wanted is None else step.carried({int(at) % 7, int(at) % 13, 16})
        answers.append((wanted is None, [(item.tool, item.at, item.groups) for item in carried]))
        if what in ("step", "refused"):
            entry = HistoryEntry(step.now, tier, traces, what == "refused")
            step.append(entry, [item.blocks for item in carried])
    return tuple(answers)


@settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(events=EVENTS, limit=st.sampled_from((2, 1000)))
def test_several_instances_answer_like_one_memory(
    events: list[tuple[str, Scope, int, float, Tier, tuple[Trace, ...]]],
    limit: int,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    file = tmp_path_factory.mktemp("state") / "permit0.db"
    interrupts: list[str] = []

    def after(name: str) -> None:
        if name in interrupts:
            raise KeyboardInterrupt

    memory = MemoryStore(QUESTIONS)
    stores = [SqliteStore(QUESTIONS, file, after=after) for _ in range(3)]
    clock = AT
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sqlite, "MAX_SCOPES", limit)
        for what, scope, i, wait, tier, traces in events:
            clock += wait
            if what == "restart":
                stores[i] = SqliteStore(QUESTIONS, file, after=after)
            if what == "interrupt":  # it is in the file, and this process has lost track of it
                append(memory, scope, clock)
                interrupts.append("committed")
                with pytest.raises(KeyboardInterrupt):
                    append(stores[i], scope, clock)
                interrupts.clear()
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
        assert step.view.total(total) == amount
