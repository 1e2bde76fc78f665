"""The bits of a token are kept and its text is changed: a second text for one token."""

from __future__ import annotations

import string

import pytest

from permit0.errors import InvalidToken, TokenMalformed
from permit0.testing.tokens import TokenLab

ALPHABET = string.ascii_letters + string.digits + "-_"


def test_unused_bits_are_not_free(lab: TokenLab) -> None:
    """Decoders that ignore them take up to 15 texts for one token."""
    for n in range(3):
        token = lab.issue(agent="a" * (n + 1)).text
        body, _, footer = token.rpartition(".")
        for letter in ALPHABET:
            for text in (f"{body[:-1]}{letter}.{footer}", token[:-1] + letter):
                if text != token:
                    with pytest.raises(InvalidToken):
                        lab.present(text)
        lab.present(token)


@pytest.mark.parametrize("old_new", [("-", "+"), ("_", "/")])
def test_the_other_alphabet_is_refused(lab: TokenLab, old_new: tuple[str, str]) -> None:
    old, new = old_new
    token = next(text for text in (lab.issue().text for _ in range(1000)) if old in text)
    with pytest.raises(TokenMalformed):
        lab.present(token.replace(old, new))
    lab.present(token)


@pytest.mark.parametrize(
    "noise", ["!", " ", "\n", "=", "%2D", "\N{FULLWIDTH LATIN CAPITAL LETTER A}"]
)
def test_letters_that_a_decoder_drops_are_refused(lab: TokenLab, noise: str) -> None:
    token = lab.issue().text
    for at in (12, 300, len(token) - 5):
        with pytest.raises(TokenMalformed):
            lab.present(token[:at] + noise + token[at:])
    lab.present(token)
