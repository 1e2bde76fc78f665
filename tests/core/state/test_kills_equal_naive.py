"""Orders in any order: every store answers like a list that is read from the beginning each time."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from permit0.errors import InvalidInput
from permit0.model.kill import KillOrder, KillScope, KillState, KillVerb
from permit0.ports import KillSwitch
from permit0.state.kills import MemoryKills, SqliteKills
from permit0.testing.clock import FrozenClock

AGENTS = ("a", "b", "payments", "payments.refund", "")
ACTIONS = ("payments.refund", "payments.transfer", "files.read")
TARGETS = {
    KillScope.FLEET: ("",),
    KillScope.AGENT: AGENTS[:-1],
    KillScope.SESSION: AGENTS[:-1],
    KillScope.DOMAIN: ("payments", "files"),
    KillScope.ACTION: ACTIONS,
}
targets = st.sampled_from([(scope, name) for scope, names in TARGETS.items() for name in names])


def naive_stopped(orders: list[KillOrder], agent: str, session: str, action: str) -> set[int]:
    """Numbers of the kills in force."""
    found = set()
    for i, kill in enumerate(orders):
        if kill.verb is not KillVerb.KILL or not kill.covers(
            agent=agent, session=session, action=action
        ):
            continue
        later = [o for o in orders[i + 1 :] if (o.scope, o.target) == (kill.scope, kill.target)]
        if not later:
            found.add(kill.number)
    return found


class Kills(RuleBasedStateMachine):
    @initialize()
    def begin(self) -> None:
        self.folder = tempfile.TemporaryDirectory()
        self.path = Path(self.folder.name) / "permit0.db"
        self.clock = FrozenClock()
        self.memory = MemoryKills()
        self.files = [self.open(), self.open()]
        self.orders: list[KillOrder] = []

    def open(self) -> SqliteKills:
        return SqliteKills(self.path, name="n", clock=self.clock)

    def all(self) -> list[KillSwitch]:
        return [self.memory, *self.files]

    def teardown(self) -> None:
        for switch in self.files:
            switch.close()
        self.folder.cleanup()

    @rule(what=targets, which=st.sampled_from([0, 1]))
    def kill(self, what: tuple[KillScope, str], which: int) -> None:
        self.give(KillVerb.KILL, what, which)

    @rule(what=targets, which=st.sampled_from([0, 1]))
    def resume(self, what: tuple[KillScope, str], which: int) -> None:
        last = [o.verb for o in self.orders if (o.scope, o.target) == what][-1:]
        if last == [KillVerb.KILL]:
            self.give(KillVerb.RESUME, what, which)
            return
        for switch in self.all():
            with pytest.raises(InvalidInput) as caught:
                switch.order(KillVerb.RESUME, *what, by="x", reason="r", at=1.0)
            assert caught.value.reason_code == "kill_not_active"

    def give(self, verb: KillVerb, what: tuple[KillScope, str], which: int) -> None:
        arguments: dict[str, Any] = {"by": "ann", "reason": "why", "at": self.clock.now()}
        one = self.memory.order(verb, *what, **arguments)
        assert self.files[which].order(verb, *what, **arguments) == one
        self.orders.append(one)

    @rule(which=st.sampled_from([0, 1]))
    def restart(self, which: int) -> None:
        self.files[which].close()
        self.files[which] = self.open()

    @rule(seconds=st.sampled_from([-100.0, 0.1, 61.0]))
    def wait(self, seconds: float) -> None:
        self.clock.advance(seconds)

    @invariant()
    def all_answer_like_the_list(self) -> None:
        for switch in self.all():
            assert switch.orders() == tuple(self.orders)
            self.check(switch.state())

    def check(self, state: KillState) -> None:
        assert state.number == len(self.orders)
        kills = [order for order in self.orders if order.verb is KillVerb.KILL]
        for agent in AGENTS:
            for session in ("a", "other"):
                required = {}
                for action in ACTIONS:
                    names = {"agent": agent, "session": session, "action": action}
                    covering = [kill.number for kill in kills if kill.covers(**names)]
                    required[action] = naive_stopped(self.orders, agent, session, action)
                    assert state.required(**names) == max(covering, default=0)
                    stopped = state.stopped(agent=agent, session=session, actions=(action,))
                    assert (stopped and {stopped.number}) == (
                        {min(required[action])} if required[action] else None
                    )
                stopped = state.stopped(agent=agent, session=session, actions=ACTIONS)
                both = set().union(*required.values())
                assert (stopped is None) == (not both)
                assert stopped is None or stopped.number == min(both)


TestKills = Kills.TestCase
TestKills.settings = settings(max_examples=40, stateful_step_count=20, deadline=None)
