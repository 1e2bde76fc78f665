"""What every KillSwitch promises, as tests to inherit.

    class TestMySwitch(SharedKillSwitchContract):
        def make_switch(self):
            return MySwitch(...)

        def source(self):
            return "def make(): return MySwitch(...)"

KillSwitchContract is for a switch of one process; SharedKillSwitchContract adds what is seen beyond it and
survives it. Every test begins without orders.
"""

from __future__ import annotations

import math
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TypeVar

from permit0.errors import InvalidInput
from permit0.model.kill import KillOrder, KillScope, KillState, KillVerb
from permit0.ports import KillSwitch

__all__ = ["KillSwitchContract", "SharedKillSwitchContract", "give", "resume_race"]

_Result = TypeVar("_Result")
AT = 1_700_000_000.25
AGENTS = 12
COVERED = {
    KillScope.AGENT: ("a", {"agent": "a"}),
    KillScope.SESSION: ("s", {"session": "s"}),
    KillScope.DOMAIN: ("payments", {"action": "payments.refund"}),
    KillScope.ACTION: ("payments.refund", {"action": "payments.refund"}),
    KillScope.FLEET: ("", {}),  # last: it covers every call
}
"""For each scope a target, and what a call must have to be covered."""
ODD_NAMES = (
    " a",
    "a ",
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


def give(
    switch: KillSwitch,
    verb: KillVerb = KillVerb.KILL,
    scope: KillScope = KillScope.FLEET,
    target: str = "",
    *,
    by: str = "ann",
    reason: str = "it misbehaves",
    at: float = AT,
) -> KillOrder:
    """Give an order that is good by default."""
    return switch.order(verb, scope, target, by=by, reason=reason, at=at)


def resume_race(switch: KillSwitch) -> int:
    """Try to resume the fleet and AGENTS agents.

    Returns:
        How many of them it was that resumed.
    """
    done = 0
    for i in range(AGENTS + 1):
        scope = KillScope.AGENT if i else KillScope.FLEET
        try:
            give(switch, KillVerb.RESUME, scope, f"a{i}" if i else "")
            done += 1
        except InvalidInput as error:
            if error.reason_code != "kill_not_active":
                raise
    return done


class KillSwitchContract:
    """For a switch of one process, or any other."""

    def make_switch(self) -> KillSwitch:
        """The switch to test; called again in a test, another one on the same orders if there are any."""
        raise NotImplementedError

    def test_before_the_first_order_nothing_is_stopped(self) -> None:
        switch = self.make_switch()
        assert switch.state() == KillState()
        assert switch.orders() == ()
        assert switch.required(agent="a", session="s", action="x.y") == 0

    def test_a_kill_stops_what_it_covers_and_nothing_else(self) -> None:
        call = {"agent": "other", "session": "other", "action": "files.read"}
        switch = self.make_switch()
        for scope, (target, covered) in COVERED.items():
            order = give(switch, scope=scope, target=target)
            hit = call | covered
            assert switch.required(**hit) == order.number
            assert _stopped(switch, **hit) == order
            if scope is not KillScope.FLEET:
                assert switch.required(**call) == 0
                assert _stopped(switch, **call) is None
            give(switch, KillVerb.RESUME, scope, target)
            assert _stopped(switch, **hit) is None
            assert switch.required(**hit) == order.number  # tokens from before it stay refused

    def test_an_order_says_who_why_and_when(self) -> None:
        switch = self.make_switch()
        given = give(switch, by="Ann B.", reason="it leaks\nfast", at=AT)
        assert given == KillOrder(
            given.number, KillVerb.KILL, KillScope.FLEET, "", "Ann B.", "it leaks\nfast", AT
        )
        assert switch.orders() == (given,)
        assert switch.state().active == (given,)

    def test_numbers_rise_and_nothing_is_forgotten(self) -> None:
        switch = self.make_switch()
        given = [give(switch)]
        given += [give(switch, scope=KillScope.AGENT, target=f"a{i}") for i in range(5)]
        given += [give(switch, KillVerb.RESUME), give(switch), give(switch)]
        numbers = [order.number for order in given]
        assert numbers == sorted(set(numbers))
        assert numbers[0] > 0
        assert switch.orders() == tuple(given)
        assert switch.state() == KillState.of(given)
        assert switch.state().number == numbers[-1]

    def test_killing_again_is_a_newer_kill(self) -> None:
        switch = self.make_switch()
        first, second = give(switch), give(switch)
        assert switch.required(agent="a", session="s", action="x.y") == second.number > first.number
        assert switch.state().active == (second,)

    def test_one_resume_takes_back_one_scope_and_target(self) -> None:
        switch = self.make_switch()
        kept = give(switch, scope=KillScope.AGENT, target="a")
        give(switch, scope=KillScope.AGENT, target="b")
        give(switch)
        give(switch, KillVerb.RESUME)
        give(switch, KillVerb.RESUME, KillScope.AGENT, "b")
        assert switch.state().active == (kept,)

    def test_what_is_not_stopped_cannot_be_resumed(self) -> None:
        switch = self.make_switch()
        _refused(switch, "kill_not_active", verb=KillVerb.RESUME)
        give(switch, scope=KillScope.AGENT, target="a")
        for scope, target in (
            (KillScope.AGENT, "b"),
            (KillScope.SESSION, "a"),
            (KillScope.FLEET, ""),
        ):
            _refused(switch, "kill_not_active", verb=KillVerb.RESUME, scope=scope, target=target)
        give(switch, KillVerb.RESUME, KillScope.AGENT, "a")
        _refused(switch, "kill_not_active", verb=KillVerb.RESUME, scope=KillScope.AGENT, target="a")
        assert len(switch.orders()) == 2

    def test_an_order_without_person_reason_or_time_is_refused(self) -> None:
        switch = self.make_switch()
        for bad in ("", " ", "\t\n", "x" * 100_000, "\ud800"):
            _refused(switch, "kill_by", by=bad)
            _refused(switch, "kill_reason", reason=bad)
        for at in (math.nan, math.inf, -math.inf):
            _refused(switch, "bad_time", at=at)
        assert switch.orders() == ()
        give(switch)

    def test_a_target_that_covers_nothing_is_refused(self) -> None:
        switch = self.make_switch()
        bad = {
            KillScope.FLEET: ("a", " "),
            KillScope.AGENT: ("", " ", "\ud800", "x" * 100_000),
            KillScope.SESSION: ("", "\n"),
            KillScope.DOMAIN: ("", "payments.transfer", "payments."),
            KillScope.ACTION: ("", "payments", "payments.", ".transfer", "payments.a.b"),
        }
        for scope, targets in bad.items():
            for target in targets:
                _refused(switch, "kill_target", scope=scope, target=target)
        assert switch.orders() == ()
        for scope, (target, _) in COVERED.items():
            give(switch, scope=scope, target=target)

    def test_names_are_told_apart_exactly(self) -> None:
        switch = self.make_switch()
        numbers = {
            name: give(switch, scope=KillScope.AGENT, target=name).number for name in ODD_NAMES
        }
        for name, number in numbers.items():
            assert switch.required(agent=name, session="s", action="x.y") == number
        for name in ("a", "a\x00c", "x" * 4999, ""):
            assert switch.required(agent=name, session="s", action="x.y") == 0

    def test_whoever_asks_is_seen_and_whoever_lists_is_not(self) -> None:
        switch = self.make_switch()
        give(switch)
        switch.orders()
        assert switch.seen() == ()
        number = switch.state().number
        (seen,) = switch.seen()
        assert (seen.number, bool(seen.name), bool(seen.process)) == (number, True, True)
        newer = give(switch)
        assert switch.seen() == (seen,)  # it has not asked since
        switch.required(agent="a", session="s", action="x.y")
        assert [one.number for one in switch.seen()] == [newer.number]

    def test_orders_of_many_threads_are_all_kept_under_their_own_numbers(self) -> None:
        switch = self.make_switch()
        results = _together([partial(_kill_ten, switch, f"t{i}") for i in range(8)])
        given = sorted((o for orders in results for o in orders), key=lambda order: order.number)
        assert switch.orders() == tuple(given)
        assert len({order.number for order in given}) == 80
        for orders in results:
            numbers = [order.number for order in orders]
            assert numbers == sorted(numbers)

    def test_a_kill_counts_in_every_thread_once_it_was_given(self) -> None:
        switch = self.make_switch()

        def kill_and_ask(name: str) -> bool:
            for n in range(10):
                order = give(switch, scope=KillScope.AGENT, target=f"{name}.{n}")
                state = switch.state()
                if state.number < order.number or order not in state.active:
                    return False
            return True

        assert all(_together([partial(kill_and_ask, f"t{i}") for i in range(6)]))

    def test_of_many_threads_one_resumes(self) -> None:
        switch = self.make_switch()
        _kill_all(switch)
        assert sum(_together([partial(resume_race, switch)] * 8)) == AGENTS + 1
        assert switch.state().active == ()


class SharedKillSwitchContract(KillSwitchContract):
    """For a switch whose orders are seen by every instance, in every process, and survive them."""

    def source(self) -> str:
        """Python source that defines `make()`: another process's make_switch."""
        raise NotImplementedError

    def test_instances_see_each_other_at_once(self) -> None:
        switches = [self.make_switch() for _ in range(3)]
        for i in range(12):
            verb = KillVerb.RESUME if i % 4 == 3 else KillVerb.KILL
            order = give(switches[i % 3], verb, KillScope.AGENT, "a")
            states = [switch.state() for switch in switches]
            assert states[0] == states[1] == states[2]
            assert states[0].number == order.number

    def test_a_new_instance_knows_every_order(self) -> None:
        first = self.make_switch()
        _kill_all(first)
        give(first, KillVerb.RESUME)
        again = self.make_switch()
        assert again.orders() == first.orders()
        assert again.state() == first.state()
        assert give(again).number > first.orders()[-2].number

    def test_every_process_is_seen_for_itself(self) -> None:
        switch = self.make_switch()
        order = give(switch)
        switch.state()
        answer = self._run("print(switch.state().number)")
        assert int(answer) == order.number
        assert [one.number for one in switch.seen()] == [order.number] * 2
        assert len({one.process for one in switch.seen()}) == 2

    def test_an_order_survives_kill_9_right_after_it_was_given(self) -> None:
        code = (
            "order = give(switch)\n"
            "os.write(1, str(order.number).encode())\n"
            "os.kill(os.getpid(), 9)\n"
        )
        number = int(self._run(code, returncode=-9 if os.name == "posix" else 9))
        switch = self.make_switch()
        assert [order.number for order in switch.state().active] == [number]
        assert switch.required(agent="a", session="s", action="x.y") == number
        assert give(switch).number > number

    def test_orders_of_many_processes_are_all_kept_under_their_own_numbers(self) -> None:
        code = (
            "for n in range(25):\n"
            "    print(give(switch, scope=KillScope.AGENT, target=f'{name}.{n}').number)\n"
        )
        answers = [[int(n) for n in answer.split()] for answer in self._run_many(code)]
        for numbers in answers:
            assert numbers == sorted(numbers)
        switch = self.make_switch()
        given = sorted(number for numbers in answers for number in numbers)
        assert given == [order.number for order in switch.orders()]
        assert len(set(given)) == len(switch.state().active) == 100

    def test_of_many_processes_one_resumes(self) -> None:
        switch = self.make_switch()
        _kill_all(switch)
        answers = self._run_many("print(resume_race(switch))\n")
        assert sum(int(answer) for answer in answers) == AGENTS + 1
        assert switch.state().active == ()

    def _program(self, code: str) -> list[str]:
        program = (
            f"{self.source()}\n"
            "import os, sys\n"
            "from permit0.model.kill import KillScope, KillVerb\n"
            "from permit0.testing.kill_contract import give, resume_race\n"
            "name = sys.argv[1]\n"
            "switch = make()\n"
            "if name:\n"
            "    print('ready', flush=True)\n"
            "    sys.stdin.readline()\n"
            f"{code}"
        )
        return [sys.executable, "-c", program]

    def _run(self, code: str, *, returncode: int = 0) -> str:
        done = subprocess.run(  # noqa: S603  # our own interpreter and source
            [*self._program(code), ""], capture_output=True, text=True, timeout=60, check=False
        )
        assert done.returncode == returncode, done.stderr
        return done.stdout

    def _run_many(self, code: str) -> list[str]:
        """What four processes print that begin together."""
        processes = [
            subprocess.Popen(  # noqa: S603  # our own interpreter and source
                [*self._program(code), f"p{i}"],
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
        return answers


def _kill_all(switch: KillSwitch) -> None:
    give(switch)
    for i in range(1, AGENTS + 1):
        give(switch, scope=KillScope.AGENT, target=f"a{i}")


def _kill_ten(switch: KillSwitch, name: str) -> list[KillOrder]:
    return [give(switch, scope=KillScope.AGENT, target=f"{name}.{n}") for n in range(10)]


def _stopped(switch: KillSwitch, *, agent: str, session: str, action: str) -> KillOrder | None:
    return switch.state().stopped(agent=agent, session=session, actions=(action,))


def _refused(
    switch: KillSwitch,
    code: str,
    *,
    verb: KillVerb = KillVerb.KILL,
    scope: KillScope = KillScope.FLEET,
    target: str = "",
    by: str = "ann",
    reason: str = "why",
    at: float = AT,
) -> None:
    try:
        give(switch, verb, scope, target, by=by, reason=reason, at=at)
    except InvalidInput as error:
        assert error.reason_code == code  # noqa: PT017  # pytest may be absent here
    else:
        raise AssertionError((verb, scope, target, by, reason, at))


def _together(runners: Sequence[Callable[[], _Result]]) -> list[_Result]:
    """Each on a thread of its own, started together; an exception of one is raised here."""
    with ThreadPoolExecutor(len(runners)) as pool:
        barrier = threading.Barrier(len(runners))

        def run(runner: Callable[[], _Result]) -> _Result:
            barrier.wait()
            return runner()

        return [waiting.result() for waiting in [pool.submit(run, one) for one in runners]]
