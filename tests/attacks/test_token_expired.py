"""A token is kept until its time is over, and a little longer."""

from __future__ import annotations

from datetime import timedelta

import pytest

from permit0.errors import Expired, InvalidInput
from permit0.model.claims import MAX_TTL, Authority
from permit0.testing.tokens import TokenLab
from permit0.token.verifier import MAX_LEEWAY


@pytest.mark.parametrize("after", [0.0, 0.001, 60.0, 1e9, float("inf")])
def test_from_exp_on_a_token_is_refused(lab: TokenLab, after: float) -> None:
    token = lab.issue()
    lab.clock.set(token.claims.exp.timestamp() + after)
    with pytest.raises(Expired) as refusal:
        lab.present(token.text)
    assert refusal.value.reason_code == "token_expired"
    assert refusal.value.jti == token.claims.jti


def test_until_just_before_exp_it_is_accepted(lab: TokenLab) -> None:
    token = lab.issue()
    lab.clock.set(token.claims.exp.timestamp() - 0.001)
    lab.present(token.text)


def test_a_leeway_is_as_wide_as_it_says_and_not_wider(lab: TokenLab) -> None:
    late, later = lab.issue(), lab.issue()
    leeway = timedelta(seconds=2)
    lab.clock.set(late.claims.exp.timestamp() + 1.999)
    lab.present(late.text, leeway=leeway)
    lab.clock.advance(0.001)
    with pytest.raises(Expired):
        lab.present(later.text, leeway=leeway)


@pytest.mark.parametrize("leeway", [timedelta(seconds=-1), MAX_LEEWAY + timedelta(seconds=1)])
def test_a_leeway_cannot_become_a_second_life(lab: TokenLab, leeway: timedelta) -> None:
    with pytest.raises(InvalidInput) as refusal:
        lab.verifier(leeway=leeway)
    assert refusal.value.reason_code == "leeway_out_of_range"


@pytest.mark.parametrize("by", Authority)
def test_configuration_shortens_a_life_and_never_lengthens_it(lab: TokenLab, by: Authority) -> None:
    shorter = MAX_TTL[by] - timedelta(seconds=1)
    lab.issuer(ttl={by: shorter})
    for ttl in (MAX_TTL[by] + timedelta(seconds=1), timedelta(0), timedelta(seconds=-5)):
        with pytest.raises(InvalidInput) as refusal:
            lab.issuer(ttl={by: ttl})
        assert refusal.value.reason_code == "ttl_out_of_range"


def test_an_expired_token_was_not_used_up(lab: TokenLab) -> None:
    """A clock that was wrong for a moment does not cost the token."""
    token = lab.issue()
    lab.clock.advance(300)
    with pytest.raises(Expired):
        lab.present(token.text)
    lab.clock.advance(-300)
    lab.present(token.text)
