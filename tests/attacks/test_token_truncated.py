"""A token is cut off, lengthened, or is no text at all."""

from __future__ import annotations

import pytest

from permit0.errors import BadFooter, BadSignature, InvalidToken, TokenMalformed, WrongVersion
from permit0.testing.tokens import TokenLab
from permit0.token.keys import footer_of


def test_every_beginning_and_every_end_is_refused(lab: TokenLab) -> None:
    token = lab.issue().text
    for cut in range(len(token)):
        with pytest.raises((TokenMalformed, WrongVersion, BadFooter, BadSignature)):
            lab.present(token[:cut])
        if cut:
            with pytest.raises((TokenMalformed, BadSignature)):
                lab.present(token[cut:])
    lab.present(token)


@pytest.mark.parametrize(
    "text",
    [
        "",
        ".",
        "v4.public",
        "v4.public.",
        "v4.public..",
        "v4.public.." + "A" * 80,
        "v4.public." + "A" * 86,
        "Bearer x",
    ],
)
def test_hardly_anything_is_refused(lab: TokenLab, text: str) -> None:
    with pytest.raises(TokenMalformed) as refusal:
        lab.present(text)
    assert refusal.value.reason_code == "token_malformed"


@pytest.mark.parametrize("thing", [None, 1, b"v4.public.AA", ["v4.public.AA"], object()])
def test_what_is_no_text_is_refused(lab: TokenLab, thing: object) -> None:
    with pytest.raises(TokenMalformed):
        lab.present(thing)  # type: ignore[arg-type]  # the attack


def test_nothing_can_be_added(lab: TokenLab) -> None:
    token = lab.issue().text
    for more in ("=", "==", ".", ".A", "A", "\n", " ", "\0", ".AAAA", "\N{ZERO WIDTH SPACE}"):
        for text in (token + more, more + token, token.replace(".", more + ".", 2)):
            with pytest.raises(InvalidToken):
                lab.present(text)
    lab.present(token)


def test_a_signature_over_nothing_is_no_token(lab: TokenLab) -> None:
    with pytest.raises(TokenMalformed):
        lab.present(lab.sign(b"", footer=footer_of(lab.key.kid)))
