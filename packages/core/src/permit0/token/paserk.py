"""Keys as text: PASERK k4.public, k4.secret, and their ids k4.pid, k4.sid.

Guarantees: one spelling for each key; a text of another version or type is refused by its code, never
taken for something else; no message holds any part of what was given.
Does not: check that the bytes are a usable key (token.keys).
Source: the PASERK specification, types public, secret, pid and sid, and operation ID.
"""

from __future__ import annotations

import hashlib
import re

from permit0.errors import BadKey
from permit0.token import base64url

__all__ = [
    "PUBLIC_BYTES",
    "SECRET_BYTES",
    "format_public",
    "format_secret",
    "key_id",
    "parse_public",
    "parse_secret",
    "secret_key_id",
]

PUBLIC_BYTES = 32
SECRET_BYTES = 64  # seed, then public key, as libsodium keeps it
ID_BYTES = 33  # BLAKE2b-264, 44 characters without a rest

_PUBLIC = "k4.public."
_SECRET = "k4.secret."  # noqa: S105  # the header of the format, not a secret
_OTHER = re.compile(r"k[1-9]\d*\.[a-z][a-z.-]*\.")


def format_public(public: bytes) -> str:
    """k4.public of 32 bytes."""
    return _PUBLIC + base64url.encode(_exactly(public, PUBLIC_BYTES)).decode()


def format_secret(secret: bytes) -> str:
    """k4.secret of 64 bytes."""
    return _SECRET + base64url.encode(_exactly(secret, SECRET_BYTES)).decode()


def key_id(public: bytes) -> str:
    """k4.pid: names a public key without being one."""
    return _id("k4.pid.", format_public(public))


def secret_key_id(secret: bytes) -> str:
    """k4.sid: names a secret key; tells nothing about it."""
    return _id("k4.sid.", format_secret(secret))


def parse_public(text: str, *, where: str) -> bytes:
    """The 32 bytes of a k4.public.

    Args:
        text: The PASERK.
        where: What to call its origin in a message.

    Raises:
        BadKey: key_private_for_verifying, key_unsupported or key_malformed.
    """
    if text.startswith(_SECRET):
        raise BadKey(
            f"{where} holds a private key where a public one belongs, export the public key",
            reason_code="key_private_for_verifying",
        )
    return _body(text, _PUBLIC, PUBLIC_BYTES, where)


def parse_secret(text: str, *, where: str) -> bytes:
    """The 64 bytes of a k4.secret; `where` as above.

    Raises:
        BadKey: key_public_for_signing, key_unsupported or key_malformed.
    """
    if text.startswith(_PUBLIC):
        raise BadKey(
            f"{where} holds a public key where a private one belongs",
            reason_code="key_public_for_signing",
        )
    return _body(text, _SECRET, SECRET_BYTES, where)


def _exactly(data: bytes, length: int) -> bytes:
    if len(data) == length:
        return data
    found = len(data)
    del data  # may be a secret; tools that print the variables of a traceback must not find it
    raise BadKey(f"a key of {length} bytes is needed, not of {found}")


def _id(header: str, paserk: str) -> str:
    digest = hashlib.blake2b((header + paserk).encode(), digest_size=ID_BYTES).digest()
    return header + base64url.encode(digest).decode()


def _body(text: str, header: str, length: int, where: str) -> bytes:
    if not text.startswith(header):
        if _OTHER.match(text):
            raise BadKey(
                f"{where} holds a key of another kind, {header[:-1]} is needed",
                reason_code="key_unsupported",
            )
        raise BadKey(f"{where} holds no PASERK key")
    body = text[len(header) :]
    data = base64url.decode(body.encode()) if body.isascii() else None
    if data is None or len(data) != length:
        raise BadKey(f"{where} holds a damaged {header[:-1]} key")
    return data
