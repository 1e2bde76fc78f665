"""A token is signed with a key that is not ours, under its own name or under ours."""

from __future__ import annotations

import pytest

from permit0.errors import BadKey, BadSignature, UnknownKey
from permit0.testing.tokens import TokenLab
from permit0.token.keys import KeyRing, SigningKey, footer_of


def test_a_stranger_is_unknown(lab: TokenLab) -> None:
    token = lab.sign(lab.claims(), key=SigningKey.generate())
    with pytest.raises(UnknownKey) as refusal:
        lab.present(token)
    assert refusal.value.reason_code == "token_unknown_key"
    lab.present(lab.sign(lab.claims()))


def test_a_stranger_under_our_name_has_a_bad_signature(lab: TokenLab) -> None:
    token = lab.sign(lab.claims(), key=SigningKey.generate(), footer=footer_of(lab.key.kid))
    with pytest.raises(BadSignature) as refusal:
        lab.present(token)
    assert refusal.value.reason_code == "token_bad_signature"


def test_each_key_of_a_ring_signs_for_itself_only(lab: TokenLab) -> None:
    other = SigningKey.generate()
    ring = KeyRing([lab.key.public, other.public])
    lab.present(lab.sign(lab.claims(), key=other), keys=ring)
    with pytest.raises(BadSignature):
        lab.present(lab.sign(lab.claims(), key=other, footer=footer_of(lab.key.kid)), keys=ring)


def test_a_ring_without_keys_is_an_error_not_a_gate_that_stays_shut_silently(lab: TokenLab) -> None:
    with pytest.raises(BadKey) as refusal:
        KeyRing([], [lab.key.public])
    assert refusal.value.reason_code == "key_missing"
