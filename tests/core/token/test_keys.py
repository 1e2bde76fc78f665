"""Keys show themselves to nobody, and a ring trusts nothing else."""

from __future__ import annotations

import traceback
from collections.abc import Callable
from pathlib import Path

import pytest

from permit0.errors import BadKey
from permit0.token import paserk
from permit0.token.keys import KeyRing, PublicKey, SigningKey, parse_ring


def variables_of_ours(error: BaseException) -> str:
    """What a tool would print that shows the variables of each function in a traceback."""
    report = traceback.TracebackException.from_exception(error, capture_locals=True)
    ours = [frame for frame in report.stack if "permit0/token" in Path(frame.filename).as_posix()]
    assert ours
    return str(error) + "".join(repr(frame.locals) for frame in ours)


def test_a_secret_shows_itself_nowhere() -> None:
    key = SigningKey.generate()
    secret = key.reveal()[10:]
    shown = f"{key} {key!r} {key.public} {key.kid} {key.sid} {KeyRing([key.public])!r}"
    assert secret[:12] not in shown
    assert key.kid in repr(key)
    assert not hasattr(key, "__dict__")


@pytest.mark.parametrize(
    "damage",
    [
        lambda text: text[:-1],
        lambda text: text + "A",
        lambda text: text[:20] + "!" + text[21:],
        lambda text: text[:-4] + ("AAAA" if text[-4:] != "AAAA" else "BBBB"),
        lambda text: text[:12] + ("A" if text[12] != "A" else "B") + text[13:],
        lambda text: text.replace("k4", "k2"),
        lambda text: text.upper(),
        lambda text: text + "\n",
        lambda text: " " + text,
    ],
)
def test_a_damaged_secret_is_refused_and_not_shown(damage: Callable[[str], str]) -> None:
    """Not even in a traceback with the variables of our functions in it."""
    text = SigningKey.generate().reveal()
    damaged = damage(text)
    with pytest.raises(BadKey) as refusal:
        SigningKey.parse(damaged, where="PERMIT0_SIGNING_KEY")
    assert "PERMIT0_SIGNING_KEY" in str(refusal.value)
    assert refusal.value.reason_code in ("key_malformed", "key_unsupported")
    assert refusal.value.__context__ is None
    assert damaged[12:40] not in variables_of_ours(refusal.value)
    assert SigningKey.parse(text).reveal() == text


@pytest.mark.parametrize("length", [0, 31, 33, 64])
def test_a_key_has_its_length(length: int) -> None:
    for write in (PublicKey, paserk.format_public, paserk.key_id):
        with pytest.raises(BadKey):
            write(b"\x01" * length)
    with pytest.raises(BadKey):
        paserk.format_secret(b"\x01" * (length + 1))


# The eight points of small order and their second spellings that libsodium lists, as y coordinates.
SMALL_ORDER = [
    "0000000000000000000000000000000000000000000000000000000000000000",
    "0100000000000000000000000000000000000000000000000000000000000000",
    "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
    "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
]


@pytest.mark.parametrize("point", SMALL_ORDER)
def test_a_point_of_small_order_is_no_key(point: str) -> None:
    with pytest.raises(BadKey):
        PublicKey(bytes.fromhex(point))


def test_a_ring_from_a_setting() -> None:
    one, two = SigningKey.generate().public, SigningKey.generate().public
    ring = parse_ring(f"  {one.paserk}\n{two.paserk} {one.paserk}\t", where="it")
    assert ring.accepted == (one, two)
    assert ring.retired == ()
    with pytest.raises(BadKey) as refusal:
        parse_ring(" \n", where="it")
    assert refusal.value.reason_code == "key_missing"


def test_keys_are_equal_by_value() -> None:
    key = SigningKey.generate()
    assert PublicKey.parse(key.public.paserk) == key.public
    assert hash(PublicKey.parse(key.public.paserk)) == hash(key.public)
    assert SigningKey.generate().public != key.public
    assert key.public != key.public.paserk


def test_signatures_of_other_lengths_are_none() -> None:
    key = SigningKey.generate()
    signature = key.sign(b"m")
    assert key.public.is_signature(signature, b"m")
    # With the first byte of the message moved into the signature the bytes are the same.
    assert not key.public.is_signature(signature + b"m", b"")
    assert not key.public.is_signature(signature[:-1], signature[-1:] + b"m")
    assert not key.public.is_signature(b"", signature + b"m")


def test_a_secret_in_the_wrong_place_is_not_shown_either() -> None:
    secret = SigningKey.generate().reveal()
    public = SigningKey.generate().public.paserk
    for read in (
        lambda: PublicKey.parse(secret),
        lambda: parse_ring(f"{public} {secret}", where="PERMIT0_VERIFYING_KEYS"),
        lambda: SigningKey(secret.encode()),
        lambda: PublicKey(secret.encode()),
    ):
        with pytest.raises(BadKey) as refusal:
            read()
        assert secret[12:40] not in variables_of_ours(refusal.value)
