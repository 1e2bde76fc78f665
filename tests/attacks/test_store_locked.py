"""A session store that does not answer: the call is refused, never let through unseen."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from permit0.build import assemble
from permit0.config import load_config
from permit0.model.history import Feature, Scope
from permit0.model.vocabulary import Outcome
from permit0.state.memory import MemoryStore
from permit0.testing.clock import FrozenClock


def test_a_locked_store_is_a_refusal_and_an_unlocked_one_decides() -> None:
    stores: list[MemoryStore] = []

    def make(features: Sequence[Feature]) -> MemoryStore:
        stores.append(MemoryStore(features, timeout_s=0.01))
        return stores[0]

    engine = assemble(load_config(None), clock=FrozenClock(), make_store=make).engine
    with stores[0].transaction(Scope("other", "a", None), 0.0):
        decision = engine.check("files.read", {"path": "/app/x"})
        assert (decision.outcome, decision.error) == (Outcome.DENY, "state_unavailable")
    assert engine.check("files.read", {"path": "/app/x"}).outcome is Outcome.ALLOW


class BrokenClock:
    def now(self) -> float:
        raise OSError("no clock")


def test_a_broken_clock_is_a_refusal() -> None:
    engine = assemble(load_config(None), clock=BrokenClock()).engine
    decision = engine.check("files.read", {"path": "/app/x"})
    assert (decision.outcome, decision.error) == (Outcome.DENY, "internal_error")


@pytest.mark.parametrize("session", [[], {}])
def test_a_transaction_that_cannot_begin_leaves_no_lock_behind(session: object) -> None:
    store = MemoryStore((), timeout_s=0.01)
    with pytest.raises(TypeError), store.transaction(Scope(session, "a", None), 0.0):  # type: ignore[arg-type]  # the attack
        pass
    with store.transaction(Scope("s", "a", None), 0.0) as step:
        assert step.now == 0.0
