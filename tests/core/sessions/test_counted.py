"""History without one call: what the ledger has forgotten is not taken away a second time."""

from __future__ import annotations

from decimal import Decimal

import pytest

from permit0.model.history import Feature, FeatureKind, HistoryEntry, Scope, Trace
from permit0.model.vocabulary import Tier
from permit0.sessions.counted import WithoutItself
from permit0.state.memory import MemoryStore

COUNT = Feature(kind=FeatureKind.COUNT, actions=frozenset({"a.x"}), window_s=60.0)
TOTAL = Feature(kind=FeatureKind.TOTAL, actions=frozenset({"a.x"}), window_s=60.0)
LATEST = Feature(kind=FeatureKind.LATEST, mark="exposed")
SCOPE = Scope("s", "a", "p")
OWN = (Trace("a.x", (), frozenset({"exposed"}), {}, Decimal(10)),)
OTHER = (Trace("a.x", (), frozenset(), {}, Decimal(1)),)
EXPOSED = (Trace("a.y", (), frozenset({"exposed"})),)


def remember(
    store: MemoryStore, at: float, traces: tuple[Trace, ...], scope: Scope = SCOPE
) -> float:
    with store.transaction(scope, at) as step:
        step.append(HistoryEntry(step.now, Tier.LOW, traces))
        return step.now


@pytest.fixture
def store() -> MemoryStore:
    return MemoryStore((COUNT, TOTAL, LATEST))


@pytest.mark.parametrize("now", [100.0, 160.0, 160.5, 1000.0])
def test_what_is_left_is_what_the_others_did_in_the_window(store: MemoryStore, now: float) -> None:
    own = remember(store, 100.0, OWN)
    for at in (100.0, 130.0, 160.0):
        if at <= now:
            remember(store, at, OTHER)
    with store.transaction(SCOPE, now) as step:
        others = sum(now - 60 <= at <= now for at in (100.0, 130.0, 160.0))
        view = WithoutItself(step.view, OWN, at=own, now=step.now)
        assert view.count(COUNT) == others
        assert view.total(TOTAL) == others


def test_the_call_is_not_the_latest_of_anything_but_others_are(store: MemoryStore) -> None:
    own = remember(store, 100.0, OWN)
    with store.transaction(SCOPE, 105.0) as step:
        view = WithoutItself(step.view, OWN, at=own, now=step.now)
        assert (view.steps_since(LATEST), view.seconds_since(LATEST)) == (None, None)
        assert view.latest(LATEST) is None
        assert step.view.steps_since(LATEST) == 1


@pytest.mark.parametrize("at", [100.0, 90.0, 103.0])
@pytest.mark.parametrize(
    "scope", [SCOPE, Scope("other", "a", "p"), Scope("s", "b", "q"), Scope("s", "a", None)]
)
def test_an_exposure_after_it_is_seen_at_the_same_time_in_any_session_of_the_scope(
    store: MemoryStore, at: float, scope: Scope
) -> None:
    own = remember(store, 100.0, OWN)
    remember(store, at, EXPOSED, scope)
    with store.transaction(SCOPE, 105.0) as step:
        view = WithoutItself(step.view, OWN, at=own, now=step.now)
        assert view.steps_since(LATEST) is not None
        assert view.seconds_since(LATEST) is not None


def test_a_request_that_does_not_say_when_it_was_decided_takes_nothing_away(
    store: MemoryStore,
) -> None:
    remember(store, 100.0, OWN)
    with store.transaction(SCOPE, 105.0) as step:
        view = WithoutItself(step.view, OWN, at=0.0, now=step.now)
        assert view.count(COUNT) == 1
        assert view.steps_since(LATEST) == 1
