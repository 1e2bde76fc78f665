"""Base64url without padding (RFC 4648 5), one spelling for each value.

The decoder of the standard library drops what it does not know and ignores unused bits, so that
one token could be written in many ways. Here text is accepted only if it is what `encode` writes.
"""

from __future__ import annotations

from binascii import a2b_base64, b2a_base64

__all__ = ["decode", "encode"]

_TO_URL = bytes.maketrans(b"+/", b"-_")
# The signs that base64 has and this form has not become one that neither has.
_FROM_URL = bytes.maketrans(b"-_+/=", b"+/...")


def encode(data: bytes) -> bytes:
    """The text of some bytes."""
    return b2a_base64(data, newline=False).translate(_TO_URL).rstrip(b"=")


def decode(text: bytes) -> bytes | None:
    """The bytes of a text; None if `encode` would not have written it."""
    padded = text.translate(_FROM_URL) + b"==="[: -len(text) % 4]
    try:
        data = a2b_base64(padded)
    except ValueError:  # binascii.Error: a length that no bytes have
        return None
    # Compared before the letters are translated back, which takes half the time.
    return data if b2a_base64(data, newline=False) == padded else None
