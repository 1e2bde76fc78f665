"""One argument is changed after the decision."""

from __future__ import annotations

import pytest

from permit0.errors import ArgumentsMismatch
from permit0.testing.tokens import ARGUMENTS, TokenLab

CHANGED: dict[str, dict[str, object]] = {
    "amount": {**ARGUMENTS, "amount": 120.51},
    "text instead of number": {**ARGUMENTS, "amount": "120.5"},
    "letter case": {**ARGUMENTS, "recipient": "vendor alpha"},
    "look-alike letter": {**ARGUMENTS, "recipient": "Vendor \N{GREEK CAPITAL LETTER ALPHA}lpha"},
    "space": {**ARGUMENTS, "recipient": "Vendor Alpha "},
    "one more": {**ARGUMENTS, "cc": None},
    "one less": {name: ARGUMENTS[name] for name in ("amount", "currency")},
    "list": {**ARGUMENTS, "recipient": ["Vendor Alpha"]},
    "none": {},
}


@pytest.mark.parametrize("arguments", CHANGED.values(), ids=CHANGED)
def test_other_arguments_are_refused(lab: TokenLab, arguments: dict[str, object]) -> None:
    token = lab.issue().text
    with pytest.raises(ArgumentsMismatch) as refusal:
        lab.present(token, arguments=arguments)
    assert refusal.value.reason_code == "token_arguments_mismatch"
    lab.present(token, arguments=dict(ARGUMENTS))


@pytest.mark.parametrize("digest", ["", "0" * 64, "\N{FULLWIDTH DIGIT ZERO}" * 64])
def test_a_digest_that_is_none_is_refused(lab: TokenLab, digest: str) -> None:
    token = lab.issue()
    verifier = lab.verifier()
    with pytest.raises(ArgumentsMismatch):
        verifier.verify(token.text, action=token.claims.act, digest=digest)
    verifier.verify(token.text, action=token.claims.act, digest=token.claims.args)
