"""pyseto and our few lines write the same bytes and accept each other's tokens."""

from __future__ import annotations

import pyseto
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyseto import Key

from permit0.token import paseto
from permit0.token.keys import PublicKey, SigningKey

seeds = st.binary(min_size=32, max_size=32)
payloads = st.binary(min_size=1, max_size=600)
others = st.binary(max_size=80)


def key_of(seed: bytes) -> SigningKey:
    """A key of our own making, from the seed that pyseto's key will have, too."""
    from nacl.bindings import crypto_sign_seed_keypair

    return SigningKey(crypto_sign_seed_keypair(seed)[1])


@given(seeds, payloads, others, others)
def test_both_write_the_same_token(
    seed: bytes, payload: bytes, footer: bytes, implicit: bytes
) -> None:
    key = key_of(seed)
    theirs = pyseto.encode(
        Key.from_paserk(key.reveal()), payload, footer=footer, implicit_assertion=implicit
    )
    assert theirs.decode() == paseto.sign(key, payload, footer=footer, implicit=implicit)


@given(seeds, payloads, others, others)
def test_each_reads_the_other(seed: bytes, payload: bytes, footer: bytes, implicit: bytes) -> None:
    key = key_of(seed)
    token = paseto.sign(key, payload, footer=footer, implicit=implicit)
    read = pyseto.decode(Key.from_paserk(key.public.paserk), token, implicit_assertion=implicit)
    assert (read.payload, read.footer) == (payload, footer)
    parts = paseto.split(token)
    assert (parts.payload, parts.footer) == (payload, footer)
    message = paseto.pae(b"v4.public.", payload, footer, implicit)
    assert key.public.is_signature(parts.signature, message)


@given(seeds)
def test_keys_and_their_ids_are_the_same(seed: bytes) -> None:
    key = key_of(seed)
    secret, public = Key.from_paserk(key.reveal()), Key.from_paserk(key.public.paserk)
    assert secret.to_paserk() == key.reveal()
    assert public.to_paserk() == key.public.paserk
    assert public.to_paserk_id() == key.kid
    assert secret.to_paserk_id() == key.sid
    assert PublicKey.parse(public.to_paserk()) == key.public


def test_what_pyseto_takes_and_we_do_not() -> None:
    """Why the signature is ours, too: docs/adr/0003-tokens.md. If pyseto changes, so may the choice."""
    key = SigningKey.generate()
    token = paseto.sign(key, b"{}", footer=b"f", implicit=b"")
    assert pyseto.decode(Key.from_paserk(key.reveal()), token).payload == b"{}"  # a private key
    spelled = token + "="
    assert pyseto.decode(Key.from_paserk(key.public.paserk), spelled).payload == b"{}"
    with pytest.raises(Exception, match="base64url"):
        paseto.split(spelled)
