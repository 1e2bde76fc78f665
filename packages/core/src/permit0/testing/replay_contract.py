"""What every ReplayStore promises, as tests to inherit.

    class TestMyStore(SharedReplayContract):
        def make_store(self, clock):
            return MyStore(..., clock=clock)

        def source(self):
            return "def make(clock): return MyStore(..., clock=clock)"

ReplayStoreContract is for a store of one process; SharedReplayContract adds what is seen beyond it and
survives it. Every test begins with an empty store.
"""

from __future__ import annotations

import math
import os
import subprocess
import sys
from functools import partial

from permit0.model.claims import Jti
from permit0.ports import ReplayStore
from permit0.testing.clock import FrozenClock
from permit0.testing.races import race_processes, race_threads

__all__ = ["AT", "ReplayStoreContract", "SharedReplayContract"]

AT = 1_700_000_000.25
LIFE_S = 300.0
MANY = 200  # claims, after which a store that forgets in rounds has had one
ONE = Jti("one")
ODD_IDS = ("", " ", "a", "A", "a\x00", "a\x00b", "'", '"; --', "é", "e\u0301", "x" * 5000)


class ReplayStoreContract:
    """For a store of one process, or any other."""

    def make_store(self, clock: FrozenClock) -> ReplayStore:
        """The store to test; called again in a test, another one on the same marks if there is one."""
        raise NotImplementedError

    def _fill(self, store: ReplayStore, clock: FrozenClock, name: str = "fill") -> None:
        for i in range(MANY):
            assert store.claim(Jti(f"{name}-{i}"), clock.now() + LIFE_S)

    def test_a_token_is_claimed_once(self) -> None:
        store = self.make_store(FrozenClock(AT))
        assert store.claim(ONE, AT + LIFE_S)
        for _ in range(3):
            assert not store.claim(ONE, AT + LIFE_S)
        assert store.claim(Jti("two"), AT + LIFE_S)

    def test_an_envelope_is_claimed_as_often_as_it_has_uses(self) -> None:
        store = self.make_store(FrozenClock(AT))
        answers = [store.claim(ONE, AT + LIFE_S, uses=3) for _ in range(6)]
        assert answers == [True] * 3 + [False] * 3
        assert not store.claim(ONE, AT + LIFE_S, uses=1)
        assert store.claim(ONE, AT + LIFE_S, uses=4)

    def test_no_use_is_no_claim(self) -> None:
        store = self.make_store(FrozenClock(AT))
        for uses in (0, -1):
            assert not store.claim(ONE, AT + LIFE_S, uses=uses)
        assert store.claim(ONE, AT + LIFE_S)

    def test_ids_are_told_apart_exactly(self) -> None:
        store = self.make_store(FrozenClock(AT))
        for jti in ODD_IDS:
            assert store.claim(Jti(jti), AT + LIFE_S)
        for jti in ODD_IDS:
            assert not store.claim(Jti(jti), AT + LIFE_S)

    def test_an_expiry_that_is_none_is_refused(self) -> None:
        store = self.make_store(FrozenClock(AT))
        for expires_at in (math.nan, -math.inf):
            assert not store.claim(ONE, expires_at)
        assert store.claim(ONE, AT + LIFE_S)
        assert not store.claim(ONE, math.nan)

    def test_a_mark_lives_until_the_token_expires(self) -> None:
        clock = FrozenClock(AT)
        store = self.make_store(clock)
        assert store.claim(ONE, AT + LIFE_S)
        for later in (0.25, LIFE_S / 2, LIFE_S - 0.25):
            clock.set(AT + later)
            self._fill(store, clock, str(later))
            assert not store.claim(ONE, AT + LIFE_S)

    def test_a_clock_that_goes_back_brings_no_token_back(self) -> None:
        clock = FrozenClock(AT)
        store = self.make_store(clock)
        assert store.claim(ONE, AT + LIFE_S)
        clock.advance(10 * LIFE_S)
        self._fill(store, clock)
        for at in (AT, AT + LIFE_S - 1, 0.0, -1e9):
            clock.set(at)
            assert not store.claim(ONE, AT + LIFE_S)
        clock.set(AT)
        assert store.claim(Jti("later"), AT + 20 * LIFE_S)

    def test_a_clock_without_a_number_forgets_nothing(self) -> None:
        clock = FrozenClock(AT)
        store = self.make_store(clock)
        assert store.claim(ONE, AT + LIFE_S)
        clock.set(math.nan)
        for i in range(MANY):
            assert store.claim(Jti(f"nan-{i}"), AT + LIFE_S)
        assert not store.claim(ONE, AT + LIFE_S)

    def test_of_64_threads_one_claims(self) -> None:
        store = self.make_store(FrozenClock(AT))
        for i in range(5):
            claim = partial(store.claim, Jti(f"token-{i}"), AT + LIFE_S)
            assert sum(race_threads([claim] * 64)) == 1

    def test_of_64_threads_as_many_claim_as_there_are_uses(self) -> None:
        store = self.make_store(FrozenClock(AT))
        claims = race_threads([lambda: store.claim(ONE, AT + LIFE_S, uses=7)] * 64)
        assert sum(claims) == 7


class SharedReplayContract(ReplayStoreContract):
    """For a store whose marks are seen by every instance, in every process, and survive them."""

    def source(self) -> str:
        """Python source that defines `make(clock)`: another process's make_store."""
        raise NotImplementedError

    def _racer(self, uses: int) -> str:
        return (
            f"{self.source()}\n"
            "from permit0.testing.clock import FrozenClock\n"
            f"store = make(FrozenClock({AT}))\n"
            "def run(): return sum("
            f"store.claim(f'token-{{i}}', {AT + LIFE_S}, uses={uses}) for i in range(50))\n"
        )

    def test_instances_see_each_other_at_once(self) -> None:
        stores = [self.make_store(FrozenClock(AT)) for _ in range(3)]
        for i in range(12):
            jti = Jti(str(i))
            answers = [stores[(i + k) % 3].claim(jti, AT + LIFE_S) for k in range(3)]
            assert answers == [True, False, False]

    def test_uses_are_counted_over_all_instances(self) -> None:
        stores = [self.make_store(FrozenClock(AT)) for _ in range(3)]
        answers = [stores[i % 3].claim(ONE, AT + LIFE_S, uses=4) for i in range(8)]
        assert answers == [True] * 4 + [False] * 4

    def test_a_clock_that_goes_back_brings_no_token_back_in_another_instance(self) -> None:
        clock = FrozenClock(AT)
        store = self.make_store(clock)
        assert store.claim(ONE, AT + LIFE_S)
        clock.advance(10 * LIFE_S)
        self._fill(store, clock)
        again = self.make_store(FrozenClock(AT))
        assert not again.claim(ONE, AT + LIFE_S)
        assert again.claim(Jti("later"), AT + 20 * LIFE_S)

    def test_of_eight_processes_one_claims(self) -> None:
        self.make_store(FrozenClock(AT)).claim(ONE, AT + LIFE_S)
        assert sum(map(int, race_processes([self._racer(1)] * 8))) == 50

    def test_of_eight_processes_as_many_claim_as_there_are_uses(self) -> None:
        assert sum(map(int, race_processes([self._racer(3)] * 8))) == 150

    def test_what_a_killed_process_had_claimed_stays_claimed(self) -> None:
        """It may have claimed one more than it could say; never is one given out twice."""
        if os.name != "posix":
            return
        code = (
            f"{self.source()}\n"
            "import sys\n"
            "from permit0.testing.clock import FrozenClock\n"
            f"store = make(FrozenClock({AT}))\n"
            "for i in range(10**9):\n"
            f"    if store.claim(f'{{sys.argv[1]}}-{{i}}', {AT + LIFE_S}): print(i, flush=True)\n"
        )
        names = ("p", "q", "r")
        processes = [
            subprocess.Popen(  # noqa: S603  # our own interpreter and source
                [sys.executable, "-c", code, name], stdout=subprocess.PIPE, text=True
            )
            for name in names
        ]
        said = []
        for process in processes:
            assert process.stdout is not None
            for _ in range(20):
                process.stdout.readline()
            process.kill()
            said.append(20 + len(process.communicate()[0].splitlines()))
        store = self.make_store(FrozenClock(AT))
        for name, count in zip(names, said, strict=True):
            claims = [store.claim(Jti(f"{name}-{i}"), AT + LIFE_S) for i in range(count + 2)]
            assert claims in ([False] * count + [True] * 2, [False] * (count + 1) + [True])

    def test_after_a_fork_one_side_claims(self) -> None:
        if not hasattr(os, "fork"):
            return
        store = self.make_store(FrozenClock(AT))
        assert store.claim(ONE, AT + LIFE_S)
        children = []
        for _ in range(3):
            child = os.fork()
            if child == 0:
                won = 200
                try:
                    won = sum(store.claim(Jti(f"fork-{i}"), AT + LIFE_S) for i in range(30))
                finally:
                    os._exit(won)
            children.append(child)
        won = sum(store.claim(Jti(f"fork-{i}"), AT + LIFE_S) for i in range(30))
        won += sum(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children)
        assert won == 30
        assert not store.claim(ONE, AT + LIFE_S)
