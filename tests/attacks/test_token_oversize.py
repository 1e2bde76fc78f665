"""A token is made very long, so that somebody spends time on it."""

from __future__ import annotations

import pytest

from permit0.errors import InvalidInput, TokenMalformed, TokenOversize
from permit0.model.claims import MAX_RECIPIENTS, Constraints
from permit0.testing.tokens import TokenLab
from permit0.token.paseto import MAX_TOKEN_BYTES


@pytest.mark.parametrize("length", [MAX_TOKEN_BYTES + 1, 1 << 20, 50_000_000])
def test_a_long_text_is_refused_before_it_is_looked_at(lab: TokenLab, length: int) -> None:
    with pytest.raises(TokenOversize) as refusal:
        lab.present("v4.public." + "A" * (length - 10))
    assert refusal.value.reason_code == "token_oversize"


def test_at_the_limit_it_is_looked_at(lab: TokenLab) -> None:
    with pytest.raises(TokenMalformed):
        lab.present("x" * MAX_TOKEN_BYTES)
    lab.present(lab.issue().text)


def test_a_long_token_is_refused_though_its_signature_is_good(lab: TokenLab) -> None:
    with pytest.raises(TokenOversize):
        lab.present(lab.sign(lab.claims(more="x" * MAX_TOKEN_BYTES)))


def test_the_issuer_makes_none_that_is_too_long(lab: TokenLab) -> None:
    many = tuple(f"{i:02d}@{'x' * 60}.example" for i in range(MAX_RECIPIENTS))
    with pytest.raises(InvalidInput) as refusal:
        lab.approve(constraints=Constraints(recipients=many))
    assert refusal.value.reason_code == "token_too_long"
    usual = tuple(f"somebody-{i:02d}@partner-corp.example" for i in range(MAX_RECIPIENTS))
    assert len(lab.approve(constraints=Constraints(recipients=usual)).text) <= MAX_TOKEN_BYTES
