"""Whatever happens in whichever process, the file answers what memory would answer."""

from __future__ import annotations

import math
import tempfile
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from permit0.model.claims import Jti
from permit0.state import used_tokens
from permit0.state.used_tokens import SqliteReplayStore
from permit0.testing.clock import FrozenClock
from permit0.testing.replay_contract import AT
from permit0.token.replay import MemoryReplayStore

LIVES = {Jti(f"t{i}"): 5.0 * (i % 7) for i in range(30)}  # a token has one expiry
INSTANCES = st.integers(0, 2)


class Replay(RuleBasedStateMachine):
    """Three instances on one file, and one memory; each claim forgets."""

    def __init__(self) -> None:
        super().__init__()
        self.patch = pytest.MonkeyPatch()
        self.patch.setattr(used_tokens, "FORGET_EVERY", 1)
        self.folder = tempfile.TemporaryDirectory()
        self.clock = FrozenClock(AT)
        self.memory = MemoryReplayStore(clock=self.clock)
        self.stores = [self.open() for _ in range(3)]
        self.accepted: dict[Jti, int] = {}
        self.allowed: dict[Jti, int] = {}

    def open(self) -> SqliteReplayStore:
        path = Path(self.folder.name) / "permit0.db"
        return SqliteReplayStore(path, clock=self.clock, durability="process")

    @rule(i=INSTANCES, jti=st.sampled_from(sorted(LIVES)), uses=st.integers(0, 3))
    def claim(self, i: int, jti: Jti, uses: int) -> None:
        expires_at = AT + LIVES[jti]
        expected = self.memory.claim(jti, expires_at, uses=uses)
        assert self.stores[i].claim(jti, expires_at, uses=uses) == expected
        self.accepted[jti] = self.accepted.get(jti, 0) + expected
        self.allowed[jti] = max(self.allowed.get(jti, 0), uses)

    @rule(i=INSTANCES, expires_at=st.sampled_from((math.nan, -math.inf)))
    def claim_nothing(self, i: int, expires_at: float) -> None:
        assert not self.memory.claim(Jti("none"), expires_at)
        assert not self.stores[i].claim(Jti("none"), expires_at)

    @rule(seconds=st.sampled_from((0.25, 4.75, 5.0, 11.0, -5.0, -40.0)))
    def wait(self, seconds: float) -> None:
        self.clock.advance(seconds)

    @rule(i=INSTANCES)
    def restart(self, i: int) -> None:
        self.stores[i].close()
        self.stores[i] = self.open()

    @invariant()
    def nothing_is_accepted_too_often(self) -> None:
        assert all(count <= self.allowed[jti] for jti, count in self.accepted.items())

    def teardown(self) -> None:
        for store in self.stores:
            store.close()
        self.folder.cleanup()
        self.patch.undo()


class ReplayInRounds(Replay):
    """As it runs: rounds, and small ones. The file refuses no first use that memory accepts."""

    def __init__(self) -> None:
        super().__init__()
        self.patch.setattr(used_tokens, "FORGET_EVERY", 3)
        self.patch.setattr(used_tokens, "FORGET_BATCH", 2)

    @rule(i=INSTANCES, jti=st.sampled_from(sorted(LIVES)), uses=st.integers(0, 3))
    def claim(self, i: int, jti: Jti, uses: int) -> None:
        expires_at = AT + LIVES[jti]
        expected = self.memory.claim(jti, expires_at, uses=uses)
        found = self.stores[i].claim(jti, expires_at, uses=uses)
        if self.clock.now() < expires_at and not found:
            assert not expected
        self.accepted[jti] = self.accepted.get(jti, 0) + found
        self.allowed[jti] = max(self.allowed.get(jti, 0), uses)


TestReplay = Replay.TestCase
TestReplay.settings = settings(max_examples=40, stateful_step_count=40, deadline=None)
TestReplayInRounds = ReplayInRounds.TestCase
TestReplayInRounds.settings = settings(max_examples=40, stateful_step_count=40, deadline=None)
