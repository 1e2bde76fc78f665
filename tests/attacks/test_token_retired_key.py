"""A key was retired, and somebody goes on signing with it."""

from __future__ import annotations

import pytest

from permit0.errors import BadSignature, RetiredKey
from permit0.testing.tokens import TokenLab
from permit0.token.keys import KeyRing, SigningKey, footer_of


@pytest.fixture
def retired(lab: TokenLab) -> KeyRing:
    return KeyRing([SigningKey.generate().public], [lab.key.public])


def test_a_retired_key_is_refused_though_the_signature_is_good(
    lab: TokenLab, retired: KeyRing
) -> None:
    token = lab.issue().text
    with pytest.raises(RetiredKey) as refusal:
        lab.present(token, keys=retired)
    assert refusal.value.reason_code == "token_retired_key"
    lab.present(token)


def test_a_forgery_under_a_retired_name_is_a_bad_signature(lab: TokenLab, retired: KeyRing) -> None:
    token = lab.sign(lab.claims(), key=SigningKey.generate(), footer=footer_of(lab.key.kid))
    with pytest.raises(BadSignature):
        lab.present(token, keys=retired)


def test_a_key_that_is_both_is_retired(lab: TokenLab) -> None:
    keys = KeyRing([lab.key.public, SigningKey.generate().public], [lab.key.public])
    with pytest.raises(RetiredKey):
        lab.present(lab.issue().text, keys=keys)
