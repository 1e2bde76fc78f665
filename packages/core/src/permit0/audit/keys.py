"""Ed25519 keys in their PASERK text form, for signing and checking records.

`k4.secret.` + base64url of the 32-byte seed and the 32-byte public key; a bare seed is read, too.
`k4.public.` + base64url of the public key. `k4.pid.` + base64url of BLAKE2b-264 of "k4.pid." and
the public text is the key's id (`kid`). Source: the PASERK specification, types public, secret and pid.
Guarantees: a secret is refused where a public key is asked for, and the other way round; no message
and no repr contains key material.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import os
from collections.abc import Iterable, Mapping
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from permit0.errors import InvalidInput

__all__ = ["Ed25519Signer", "PublicKeys", "key_id", "read_public_keys", "read_signer"]

SECRET = "k4.secret."  # noqa: S105  # a prefix
PUBLIC = "k4.public."
PID = "k4.pid."
KEY_BYTES = 32
MAX_KEY_FILE_BYTES = 1 << 16


class Ed25519Signer:
    """A Signer over a seed in memory."""

    def __init__(self, seed: bytes) -> None:
        self._key = Ed25519PrivateKey.from_private_bytes(seed)
        self._seed = seed
        self.public = PUBLIC + _encode(self._key.public_key().public_bytes_raw())
        self.kid = key_id(self.public)

    @classmethod
    def generate(cls) -> Ed25519Signer:
        """A new key from the system's randomness."""
        return cls(Ed25519PrivateKey.generate().private_bytes_raw())

    @classmethod
    def from_text(cls, text: str) -> Ed25519Signer:
        """Read `k4.secret.…`.

        Raises:
            InvalidInput: It is something else.
        """
        data = _decode(text.strip(), SECRET)
        if len(data) not in (KEY_BYTES, 2 * KEY_BYTES):
            raise _bad_key(SECRET)
        signer = cls(data[:KEY_BYTES])
        if data[KEY_BYTES:] and PUBLIC + _encode(data[KEY_BYTES:]) != signer.public:
            raise _bad_key(SECRET)
        return signer

    def secret_text(self) -> str:
        """`k4.secret.…`, for a file that only its owner reads."""
        return SECRET + _encode(self._seed + _decode(self.public, PUBLIC))

    def sign(self, message: bytes) -> bytes:
        """The Ed25519 signature, 64 bytes."""
        return self._key.sign(message)


class PublicKeys:
    """Public keys by id. Checks signatures, and can do nothing else."""

    def __init__(self, texts: Iterable[str]) -> None:
        self._texts: dict[str, str] = {}
        self._keys: dict[str, Ed25519PublicKey] = {}
        for text in texts:
            data = _decode(text.strip(), PUBLIC)
            if len(data) != KEY_BYTES:
                raise _bad_key(PUBLIC)
            kid = key_id(text.strip())
            self._texts[kid] = text.strip()
            self._keys[kid] = Ed25519PublicKey.from_public_bytes(data)

    @property
    def texts(self) -> Mapping[str, str]:
        """`k4.public.…` by key id."""
        return self._texts

    def knows(self, kid: str) -> bool:
        """Whether the key is here."""
        return kid in self._keys

    def is_signed(self, kid: str, message: bytes, signature: bytes) -> bool:
        """Whether the key made this signature; False for a key that is not known."""
        key = self._keys.get(kid)
        if key is None:
            return False
        try:
            key.verify(signature, message)
        except InvalidSignature:
            return False
        return True


def key_id(public: str) -> str:
    """`k4.pid.…` of a `k4.public.…`."""
    digest = hashlib.blake2b((PID + public).encode(), digest_size=33).digest()
    return PID + _encode(digest)


def read_signer(path: Path) -> Ed25519Signer:
    """Read a file that holds one `k4.secret.…`.

    Raises:
        InvalidInput: It cannot be read, holds something else, or others may read it.
    """
    text = _read(path)
    if os.name == "posix" and path.stat().st_mode & 0o077:
        raise InvalidInput(
            f"the key file {path.name!r} may be read by others, give it mode 0600",
            reason_code="key_exposed",
        )
    return Ed25519Signer.from_text(text)


def read_public_keys(paths: Iterable[Path]) -> PublicKeys:
    """Read files of `k4.public.…` lines; blank lines and lines that begin with # are skipped.

    Raises:
        InvalidInput: A file cannot be read, holds something else, or no key at all.
    """
    texts: list[str] = []
    for path in paths:
        lines = [line.strip() for line in _read(path).splitlines()]
        texts.extend(line for line in lines if line and not line.startswith("#"))
    if not texts:
        raise InvalidInput("the key file holds no k4.public key", reason_code="bad_key")
    return PublicKeys(texts)


def _read(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return file.read(MAX_KEY_FILE_BYTES).decode("ascii")
    except (OSError, ValueError) as error:
        raise InvalidInput(
            f"the key file {str(path)!r} cannot be read: {type(error).__name__}",
            reason_code="unreadable_key",
        ) from error


def _encode(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode("ascii")


def _decode(text: str, prefix: str) -> bytes:
    if not text.startswith(prefix):
        raise _bad_key(prefix)
    body = text.removeprefix(prefix)
    try:
        data = base64.b64decode(body + "=" * (-len(body) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError) as error:
        raise _bad_key(prefix) from error
    if _encode(data) != body:  # one spelling for one key
        raise _bad_key(prefix)
    return data


def _bad_key(prefix: str) -> InvalidInput:
    return InvalidInput(f"this is no {prefix.rstrip('.')!r} key", reason_code="bad_key")
