"""A claim is left out, by somebody who has the key."""

from __future__ import annotations

import pytest

from permit0.errors import ClaimMissing, ClaimUnknown
from permit0.model.claims import Claims
from permit0.testing.tokens import TokenLab

OPTIONAL = {"cst", "apv"}
REQUIRED = [name for name in Claims.__struct_fields__ if name not in OPTIONAL]


@pytest.mark.parametrize("name", REQUIRED)
def test_each_claim_is_missed(lab: TokenLab, name: str) -> None:
    claims = lab.claims()
    del claims[name]
    with pytest.raises(ClaimMissing, match=repr(name)) as refusal:
        lab.present(lab.sign(claims))
    assert refusal.value.reason_code == "token_claim_missing"


def test_with_all_of_them_it_is_accepted(lab: TokenLab) -> None:
    assert set(lab.claims()) == set(REQUIRED)
    lab.present(lab.sign(lab.claims()))


@pytest.mark.parametrize("name", ["admin", "act2", "Exp", "", "nonce"])
def test_a_claim_that_is_not_known_is_not_ignored(lab: TokenLab, name: str) -> None:
    """A later version may limit a token by a claim that this one would overlook."""
    with pytest.raises(ClaimUnknown) as refusal:
        lab.present(lab.sign(lab.claims(**{name: True})))
    assert refusal.value.reason_code == "token_claim_unknown"
