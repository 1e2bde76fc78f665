"""A private key is put where gateways read the public one: every gateway could issue tokens."""

from __future__ import annotations

import copy
import pickle

import pytest

from permit0.errors import BadKey
from permit0.testing.tokens import TokenLab
from permit0.token.keys import KeyRing, PublicKey, SigningKey, parse_ring


def code(refusal: pytest.ExceptionInfo[BadKey]) -> str:
    return refusal.value.reason_code


def test_a_private_key_is_refused_everywhere(lab: TokenLab) -> None:
    secret, public = lab.key.reveal(), lab.key.public.paserk
    with pytest.raises(BadKey) as refusal:
        KeyRing([lab.key])  # type: ignore[list-item]  # the attack
    assert code(refusal) == "key_private_for_verifying"
    for text in (secret, f"{public} {secret}"):
        with pytest.raises(BadKey) as refusal:
            parse_ring(text, where="PERMIT0_VERIFYING_KEYS")
        assert code(refusal) == "key_private_for_verifying"
        assert secret[10:] not in str(refusal.value)
    with pytest.raises(BadKey) as refusal:
        PublicKey.parse(secret)
    assert code(refusal) == "key_private_for_verifying"


def test_the_public_key_is_accepted(lab: TokenLab) -> None:
    lab.present(lab.issue().text, keys=parse_ring(lab.key.public.paserk, where="it"))


def test_a_public_key_does_not_sign(lab: TokenLab) -> None:
    with pytest.raises(BadKey) as refusal:
        SigningKey.parse(lab.key.public.paserk)
    assert code(refusal) == "key_public_for_signing"


def test_halves_that_do_not_belong_together_are_refused(lab: TokenLab) -> None:
    """Ed25519 with a foreign public half gives two signatures that reveal the secret."""
    one, other = SigningKey.generate(), SigningKey.generate()
    mixed = one.reveal()[:52] + other.reveal()[52:]
    with pytest.raises(BadKey) as refusal:
        SigningKey.parse(mixed)
    assert code(refusal) == "key_malformed"
    assert SigningKey.parse(one.reveal()).kid == one.kid


def test_a_key_is_not_copied_or_pickled(lab: TokenLab) -> None:
    for spread in (copy.copy, copy.deepcopy, pickle.dumps):
        with pytest.raises(TypeError):
            spread(lab.key)
