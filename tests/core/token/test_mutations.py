"""200,000 changed tokens: bit flips, splices, claims signed again with another key, truncations.

None verifies, none is remembered, and the tokens they were made of all verify afterwards. The keys are new on
every run; what is changed, and where, is the same.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Iterator

import pytest

from permit0.canonical import digest, freeze
from permit0.errors import InvalidToken
from permit0.testing.tokens import ACTION, ARGUMENTS, DEPLOYMENT, TokenLab
from permit0.token import base64url, paseto
from permit0.token.keys import SigningKey, footer_of

TOTAL = 200_000
ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
HEADER = "v4.public."


class Dice:
    """Numbers that look random and are the same on every run."""

    def __init__(self, seed: str) -> None:
        self._bytes = iter(self._stream(seed))

    def below(self, limit: int) -> int:
        """A number below `limit`; the slight bias does not matter here."""
        return int.from_bytes(bytes(next(self._bytes) for _ in range(4)), "big") % limit

    @staticmethod
    def _stream(seed: str) -> Iterator[int]:
        block = hashlib.sha512(seed.encode()).digest()
        while True:
            yield from block
            block = hashlib.sha512(block).digest()


def flip_text(dice: Dice, one: str, other: str) -> str:
    """Another letter, nearly always of the alphabet."""
    at = dice.below(len(one))
    letter = chr(dice.below(0x250)) if dice.below(10) == 0 else ALPHABET[dice.below(64)]
    return one[:at] + letter + one[at + 1 :]


def flip_bit(dice: Dice, one: str, other: str) -> str:
    """One bit of payload, signature or footer; the spelling stays perfect."""
    parts = paseto.split(one)
    pieces = [bytearray(parts.payload), bytearray(parts.signature), bytearray(parts.footer)]
    piece = pieces[dice.below(3)]
    piece[dice.below(len(piece))] ^= 1 << dice.below(8)
    return join(*map(bytes, pieces))


def splice_parts(dice: Dice, one: str, other: str) -> str:
    """Payload, signature and footer of two good tokens, mixed."""
    a, b = paseto.split(one), paseto.split(other)
    pick = 1 + dice.below(2)  # 1: the payload is the other's, 2: the signature is
    return join(
        b.payload if pick == 1 else a.payload, b.signature if pick == 2 else a.signature, a.footer
    )


def splice_text(dice: Dice, one: str, other: str) -> str:
    """The beginning of one token and the end of another."""
    return one[: dice.below(len(one))] + other[dice.below(len(other)) :]


def cut(dice: Dice, one: str, other: str) -> str:
    """A part of a token."""
    start = dice.below(3) * dice.below(20)
    return one[start : start + dice.below(len(one) - start)]


def lengthen(dice: Dice, one: str, other: str) -> str:
    """More letters in some place."""
    at = dice.below(len(one) + 1)
    more = "".join(ALPHABET[dice.below(64)] for _ in range(1 + dice.below(5)))
    return one[:at] + more + one[at:]


def swap(dice: Dice, one: str, other: str) -> str:
    """Two letters change places."""
    i, j = sorted((dice.below(len(one)), dice.below(len(one))))
    return one[:i] + one[j : j + 1] + one[i + 1 : j] + one[i : i + 1] + one[j + 1 :]


def join(payload: bytes, signature: bytes, footer: bytes) -> str:
    body = base64url.encode(payload + signature).decode()
    return f"{HEADER}{body}.{base64url.encode(footer).decode()}"


STRANGERS = [SigningKey.generate() for _ in range(4)]


def sign_again(lab: TokenLab) -> Callable[[Dice, str, str], str]:
    """The very claims under another key, under its name, under ours, or for another deployment."""

    def change(dice: Dice, one: str, other: str) -> str:
        payload = paseto.split(one).payload
        kind = dice.below(4)
        if kind == 3:
            return paseto.sign(lab.key, payload, implicit=f"deployment-{dice.below(999)}x".encode())
        key = STRANGERS[dice.below(4)]
        footer = footer_of((lab.key, key, STRANGERS[dice.below(4)])[kind].kid)
        return paseto.sign(key, payload, footer=footer, implicit=DEPLOYMENT.encode())

    return change


def test_200_000_changed_tokens_never_verify(lab: TokenLab) -> None:
    originals = [lab.issue(agent="a" * (1 + i % 40)).text for i in range(200)]
    good = frozenset(originals)
    verifier = lab.verifier()
    expected = digest(freeze(ARGUMENTS))
    dice = Dice("permit0")
    changes = [
        flip_text, flip_bit, flip_bit, splice_parts, splice_text, cut, lengthen, swap,
        sign_again(lab), flip_bit,
    ]  # fmt: skip
    refusals: Counter[str] = Counter()
    tried = unchanged = 0
    while tried < TOTAL:
        change = changes[tried % len(changes)]
        one = originals[dice.below(len(originals))]
        other = originals[dice.below(len(originals))]
        text = change(dice, one, other)
        if text in good:  # two letters that were equal changed places, or a token met itself
            unchanged += 1
            assert unchanged < TOTAL
            continue
        tried += 1
        try:
            verifier.verify(text, action=ACTION, digest=expected)
        except InvalidToken as error:
            refusals[error.reason_code] += 1
        else:
            pytest.fail(f"accepted: {change.__name__}")
    assert sum(refusals.values()) == TOTAL
    # The changes went deep enough: most of them had to be found by the signature.
    assert refusals["token_bad_signature"] > TOTAL // 3
    assert set(refusals) <= {
        "token_bad_signature", "token_malformed", "token_footer", "token_unknown_key",
        "token_wrong_version", "token_oversize",
    }  # fmt: skip
    assert len(lab.replay) == 0
    for text in originals:
        verifier.verify(text, action=ACTION, digest=expected)
    assert len(lab.replay) == len(originals)
