"""A token of another kind, or a key, is offered as a capability token."""

from __future__ import annotations

import pytest

from permit0.errors import BadSignature, TokenMalformed, WrongVersion
from permit0.testing.tokens import TokenLab


@pytest.mark.parametrize(
    "header",
    [
        "v1.local.",
        "v1.public.",
        "v2.local.",
        "v2.public.",
        "v3.local.",
        "v3.public.",
        "v4.local.",
        "v5.public.",
        "v40.public.",
    ],
)
def test_another_version_or_purpose_is_refused(lab: TokenLab, header: str) -> None:
    token = lab.issue().text
    with pytest.raises(WrongVersion) as refusal:
        lab.present(header + token.removeprefix("v4.public."))
    assert refusal.value.reason_code == "token_wrong_version"
    lab.present(token)


@pytest.mark.parametrize(
    "header", ["V4.public.", "v4.Public.", "v4_public.", "v04.public.", " v4.public.", "v4.public:"]
)
def test_another_spelling_of_the_header_is_refused(lab: TokenLab, header: str) -> None:
    with pytest.raises(TokenMalformed):
        lab.present(header + lab.issue().text.removeprefix("v4.public."))


def test_a_key_is_no_token(lab: TokenLab) -> None:
    for text in (lab.key.reveal(), lab.key.public.paserk, lab.key.kid, lab.key.sid):
        with pytest.raises(WrongVersion) as refusal:
            lab.present(text)
        assert text[10:] not in str(refusal.value)


def test_the_header_is_signed(lab: TokenLab) -> None:
    """A signature that was made under another header does not hold under ours."""
    token = lab.sign(lab.claims())
    with pytest.raises(BadSignature):
        lab.present(lab.sign(lab.claims(), implicit=b""))
    lab.present(token)


def test_a_json_web_token_is_refused(lab: TokenLab) -> None:
    with pytest.raises(TokenMalformed):
        lab.present("eyJhbGciOiJub25lIn0.eyJzdWIiOiJhZ2VudC0xIn0.")
