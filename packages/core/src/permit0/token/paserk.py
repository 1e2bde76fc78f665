"""Keys as text: PASERK k4.public, k4.secret, and their ids k4.pid, k4.sid.

Guarantees: one spelling for each key; a text of another version or type is refused by its code, never
taken for something else. What is read may be a secret, so nothing here raises while it holds it: a
traceback, even one with the variables of each function, cannot show it.
Does not: check that the bytes are a usable key (token.keys).
Source: the PASERK specification, types public, secret, pid and sid, and operation ID.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType

from permit0.errors import BadKey
from permit0.token import base64url

__all__ = [
    "PUBLIC_BYTES",
    "SECRET_BYTES",
    "KeyProblem",
    "format_public",
    "format_secret",
    "key_id",
    "read_public",
    "read_secret",
    "refusal",
    "secret_key_id",
]

PUBLIC_BYTES = 32
SECRET_BYTES = 64  # seed, then public key, as libsodium keeps it
ID_BYTES = 33  # BLAKE2b-264, 44 characters without a rest

_PUBLIC = "k4.public."
_SECRET = "k4.secret."  # noqa: S105  # the header of the format, not a secret


class KeyProblem(StrEnum):
    """Why a text is not the key that is needed; the value is the reason code."""

    PRIVATE = "key_private_for_verifying"
    PUBLIC = "key_public_for_signing"
    OTHER = "key_unsupported"
    DAMAGED = "key_malformed"


_WORDS: Mapping[KeyProblem, str] = MappingProxyType(
    {
        KeyProblem.PRIVATE: "holds a private key where a public one belongs, export the public key",
        KeyProblem.PUBLIC: "holds a public key where a private one belongs",
        KeyProblem.OTHER: "holds a key of another kind, k4.public or k4.secret is needed",
        KeyProblem.DAMAGED: "holds no Ed25519 key in the form of PASERK, or a damaged one",
    }
)
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


def read_public(text: str) -> bytes | KeyProblem:
    """The 32 bytes of a k4.public, or what is wrong with it."""
    if text.startswith(_SECRET):
        return KeyProblem.PRIVATE
    return _body(text, _PUBLIC, PUBLIC_BYTES)


def read_secret(text: str) -> bytes | KeyProblem:
    """The 64 bytes of a k4.secret, or what is wrong with it."""
    if text.startswith(_PUBLIC):
        return KeyProblem.PUBLIC
    return _body(text, _SECRET, SECRET_BYTES)


def refusal(problem: KeyProblem, where: str) -> BadKey:
    """The error for a problem; `where` is what to call the origin of the text."""
    return BadKey(f"{where} {_WORDS[problem]}", reason_code=problem.value)


def _exactly(data: bytes, length: int) -> bytes:
    if len(data) == length:
        return data
    del data
    raise BadKey(f"a key of {length} bytes is needed")


def _id(header: str, paserk: str) -> str:
    digest = hashlib.blake2b((header + paserk).encode(), digest_size=ID_BYTES).digest()
    return header + base64url.encode(digest).decode()


def _body(text: str, header: str, length: int) -> bytes | KeyProblem:
    if not text.startswith(header):
        return KeyProblem.OTHER if _OTHER.match(text) else KeyProblem.DAMAGED
    body = text[len(header) :]
    data = base64url.decode(body.encode()) if body.isascii() else None
    return data if data is not None and len(data) == length else KeyProblem.DAMAGED
