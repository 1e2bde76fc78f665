from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from permit0.cli.waiting import find_wait
from permit0.model.vocabulary import Outcome


@given(after=st.integers(1, 90_000))
def test_shortest_wait_is_found_to_the_second(after: int) -> None:
    def decide(seconds: float) -> Outcome:
        return Outcome.ALLOW if seconds >= after else Outcome.DENY

    found = find_wait(decide, Outcome.DENY, horizons_s=(60, 600, 3600, 86_400, 90_000))
    assert found == (after, Outcome.ALLOW)


def test_wait_that_never_helps_is_none() -> None:
    assert find_wait(lambda _: Outcome.HUMAN, Outcome.HUMAN, horizons_s=(60, 600)) is None
