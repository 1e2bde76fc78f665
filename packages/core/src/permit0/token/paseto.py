"""PASETO v4.public: signed bytes with a footer and an implicit assertion.

Guarantees:
  1. The signature covers header, payload, footer and implicit assertion (PAE).
  2. A token has one spelling: text that `sign` would not have written is refused before a key is used.
  3. The payload comes out only after its signature held.
Does not: know claims, time or audience (verifier).
Source: the PASETO specification, version 4; the official vectors are tests.
"""

from __future__ import annotations

import re
import struct
from typing import NamedTuple

from permit0.errors import BadSignature, TokenMalformed, TokenOversize, WrongVersion
from permit0.ports import TrustedKeys
from permit0.token import base64url
from permit0.token.keys import SIGNATURE_BYTES, SigningKey

__all__ = ["MAX_TOKEN_BYTES", "Parts", "pae", "sign", "split", "verify"]

# Ours have about 850 bytes, with an envelope up to a few thousand. 4096 fits into one header line
# of every common HTTP server (their limit is 8 KiB for all of it).
MAX_TOKEN_BYTES = 4096

_HEADER = b"v4.public."
_length = struct.Struct("<Q").pack  # eight bytes, the least significant first
_OTHER_VERSION = re.compile(rb"(v[1-9]\d*\.(local|public)|k[1-9]\d*\.[a-z-]+)\.")


class Parts(NamedTuple):
    """A token taken apart. Nothing in it can be trusted yet."""

    payload: bytes
    signature: bytes
    footer: bytes


def pae(*pieces: bytes) -> bytes:
    """Pre-authentication encoding: no two lists of pieces have the same bytes."""
    parts = [_length(len(pieces))]
    for piece in pieces:
        parts += (_length(len(piece)), piece)
    return b"".join(parts)


def sign(key: SigningKey, payload: bytes, *, footer: bytes | None = None, implicit: bytes) -> str:
    """Sign a payload.

    Args:
        key: The signing key.
        payload: JSON, as the specification has it; not looked at here.
        footer: Travels with the token, unencrypted; by default it names the key.
        implicit: Must be known to the verifier; does not travel.
    """
    if footer is None:
        footer = key.footer
    signature = key.sign(pae(_HEADER, payload, footer, implicit))
    token = _HEADER + base64url.encode(payload + signature)
    if footer:
        token += b"." + base64url.encode(footer)
    return token.decode()


def split(token: str) -> Parts:
    """Take a token apart, strictly.

    Raises:
        TokenOversize: Longer than MAX_TOKEN_BYTES.
        WrongVersion: A PASETO of another kind, or a PASERK.
        TokenMalformed: Anything else.
    """
    if not isinstance(token, str):
        raise TokenMalformed(f"a token is text, not {type(token).__name__!r}")
    if len(token) > MAX_TOKEN_BYTES:
        raise TokenOversize(f"the token is longer than {MAX_TOKEN_BYTES} bytes")
    if not token.isascii():
        raise TokenMalformed("the token is no PASETO: it has letters beyond ASCII")
    data = token.encode()
    if not data.startswith(_HEADER):
        if _OTHER_VERSION.match(data):
            raise WrongVersion("the token is not v4.public")
        raise TokenMalformed("the token is no PASETO")
    body, dot, tail = data[len(_HEADER) :].partition(b".")
    signed = base64url.decode(body)
    footer = base64url.decode(tail)
    if signed is None or footer is None or (dot and not tail):
        raise TokenMalformed("the token is no PASETO: a part is not spelled as base64url")
    if len(signed) <= SIGNATURE_BYTES:
        raise TokenMalformed("the token is no PASETO: it is too short to hold a signature")
    return Parts(signed[:-SIGNATURE_BYTES], signed[-SIGNATURE_BYTES:], footer)


def verify(keys: TrustedKeys, token: str, *, implicit: bytes) -> bytes:
    """The payload of a token whose signature holds under an accepted key.

    Raises:
        TokenOversize, WrongVersion, TokenMalformed: As of `split`.
        BadFooter, UnknownKey, RetiredKey, StateUnavailable: As of `TrustedKeys.check`.
        BadSignature: The signature does not hold.
    """
    parts = split(token)
    message = pae(_HEADER, parts.payload, parts.footer, implicit)
    if not keys.check(parts.footer, parts.signature, message):
        raise BadSignature("the signature of the token does not hold for this key and deployment")
    return parts.payload
