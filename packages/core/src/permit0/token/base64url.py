"""Base64url without padding (RFC 4648 5), one spelling for each value.

The decoder of the standard library drops what it does not know and ignores unused bits, so that
one token could be written in many ways. Here text is accepted only if it is what `encode` writes.
"""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode

__all__ = ["decode", "encode"]


def encode(data: bytes) -> bytes:
    """The text of some bytes."""
    return urlsafe_b64encode(data).rstrip(b"=")


def decode(text: bytes) -> bytes | None:
    """The bytes of a text; None if `encode` would not have written it."""
    try:
        data = urlsafe_b64decode(text + b"=" * (-len(text) % 4))
    except ValueError:  # binascii.Error: a length that no bytes have
        return None
    return data if encode(data) == text else None
