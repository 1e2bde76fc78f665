"""A token is presented before its time, or to a gateway whose clock is wrong."""

from __future__ import annotations

import pytest

from permit0.errors import NotYetValid
from permit0.testing.tokens import TokenLab


@pytest.mark.parametrize("at", [-0.001, -60.0, float("-inf"), float("nan")])
def test_before_nbf_a_token_is_refused(lab: TokenLab, at: float) -> None:
    token = lab.issue()
    lab.clock.set(token.claims.nbf.timestamp() + at)
    with pytest.raises(NotYetValid) as refusal:
        lab.present(token.text)
    assert refusal.value.reason_code == "token_not_yet_valid"


def test_from_nbf_on_it_is_accepted(lab: TokenLab) -> None:
    token = lab.issue()
    lab.clock.set(token.claims.nbf.timestamp())
    lab.present(token.text)
