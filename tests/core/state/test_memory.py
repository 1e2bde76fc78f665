"""The memory store forgets what was used least recently, and never more than that."""

from __future__ import annotations

import pytest

from permit0.model.history import Feature, FeatureKind, HistoryEntry, Scope, Trace
from permit0.model.vocabulary import Tier
from permit0.state import memory
from permit0.state.memory import MemoryStore

COUNT = Feature(kind=FeatureKind.COUNT)


def append(store: MemoryStore, scope: Scope) -> None:
    with store.transaction(scope, 1.0) as step:
        step.append(HistoryEntry(step.now, Tier.LOW, (Trace("files.read"),)))


def count(store: MemoryStore, scope: Scope) -> int:
    with store.transaction(scope, 1.0) as step:
        return step.view.count(COUNT)


@pytest.mark.parametrize("principal", [None, "ann"])
def test_memory_is_bounded_and_recent_scopes_are_kept(
    principal: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(memory, "MAX_SCOPES", 100)
    store = MemoryStore([COUNT])
    for i in range(1000):
        append(store, Scope(f"s{i}", f"agent{i}", principal))
        append(store, Scope("kept", "agent", principal))
    assert count(store, Scope("kept", "agent", principal)) == 1000
    assert count(store, Scope("s999", "agent999", principal)) == 1
    assert count(store, Scope("s0", "agent0", principal)) == 0


def test_forgetting_never_makes_a_count_negative(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "MAX_SCOPES", 10)
    store = MemoryStore([COUNT])
    for i in range(500):
        scope = Scope(f"s{i * 7 % 13}", f"agent{i * 5 % 11}", f"p{i % 3}")
        append(store, scope)
        assert count(store, scope) >= 1
