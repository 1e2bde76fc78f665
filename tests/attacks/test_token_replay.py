"""One token is presented again and again: later, at the same time, and after the clock went back."""

from __future__ import annotations

import threading
from collections import Counter
from typing import Any

import pytest

from permit0.errors import InvalidToken, Replayed, StateUnavailable
from permit0.model.claims import Jti
from permit0.testing.clock import FrozenClock
from permit0.testing.tokens import TokenLab
from permit0.token.replay import MemoryReplayStore


def test_a_token_opens_one_door_once(lab: TokenLab) -> None:
    token = lab.issue()
    lab.present(token.text)
    for _ in range(3):
        with pytest.raises(Replayed) as refusal:
            lab.present(token.text)
        assert refusal.value.reason_code == "token_replayed"
        assert refusal.value.jti == token.claims.jti
    lab.present(lab.issue().text)


def test_of_64_threads_one_wins(lab: TokenLab) -> None:
    verifier = lab.verifier()
    for _ in range(20):
        token = lab.issue()
        results: list[str] = []
        start = threading.Barrier(64)

        def run(text: str, digest: str, start: threading.Barrier, results: list[str]) -> None:
            start.wait()
            try:
                verifier.verify(text, action="payments.transfer", digest=digest)
                results.append("ran")
            except InvalidToken as error:
                results.append(error.reason_code)

        threads = [
            threading.Thread(target=run, args=(token.text, token.claims.args, start, results))
            for _ in range(64)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert Counter(results) == {"ran": 1, "token_replayed": 63}


def test_a_refused_token_was_not_used_up(lab: TokenLab) -> None:
    token = lab.issue().text
    wrong: list[dict[str, Any]] = [
        {"audience": "other"},
        {"action": "payments.refund"},
        {"arguments": {}},
    ]
    for changes in wrong:
        with pytest.raises(InvalidToken):
            lab.present(token, **changes)
    lab.present(token)


def test_a_clock_that_goes_back_does_not_bring_a_used_token_back(lab: TokenLab) -> None:
    token = lab.issue()
    lab.present(token.text)
    lab.clock.advance(10_000)
    lab.present(lab.issue().text)  # the mark of the first is forgotten here
    assert len(lab.replay) == 1
    lab.clock.set(token.claims.iat.timestamp())
    with pytest.raises(Replayed):
        lab.present(token.text)


def test_a_mark_lives_as_long_as_the_token_and_the_leeway() -> None:
    clock = FrozenClock(0.0)
    store = MemoryReplayStore(clock=clock)
    assert store.claim(Jti("a"), 10.0)
    clock.set(9.999)
    assert not store.claim(Jti("a"), 10.0)
    clock.set(10.0)
    assert store.claim(Jti("b"), 20.0)
    assert len(store) == 1
    assert not store.claim(Jti("a"), 10.0)
    assert not store.claim(Jti("c"), float("nan"))


class SilentStore:
    def claim(self, jti: Jti, expires_at: float, *, uses: int = 1) -> bool:
        raise StateUnavailable("the replay store did not answer")


def test_a_store_that_does_not_answer_lets_nothing_run(lab: TokenLab) -> None:
    token = lab.issue().text
    with pytest.raises(StateUnavailable):
        lab.present(token, replay=SilentStore())
    lab.present(token)
