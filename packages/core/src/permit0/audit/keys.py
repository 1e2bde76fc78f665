"""Keys that sign and check records: files of PASERK text, `k4.secret` and `k4.public` (token.keys).

Guarantees: a secret is refused where a public key is asked for, and the other way round; no message
and no repr contains key material.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from nacl.bindings import crypto_sign_seed_keypair

from permit0.errors import BadKey, InvalidInput
from permit0.token.keys import PublicKey, SigningKey

__all__ = ["Ed25519Signer", "PublicKeys", "read_public_keys", "read_signer"]

SECRET = "k4.secret."  # noqa: S105  # a prefix
PUBLIC = "k4.public."
MAX_KEY_FILE_BYTES = 1 << 16


class Ed25519Signer:
    """A Signer over a key in memory."""

    def __init__(self, key: SigningKey) -> None:
        self._key = key
        self.public = key.public.paserk
        self.kid = key.kid

    @classmethod
    def generate(cls) -> Ed25519Signer:
        """A new key from the system's randomness."""
        return cls(SigningKey.generate())

    @classmethod
    def from_seed(cls, seed: bytes) -> Ed25519Signer:
        """The key of a 32-byte seed."""
        return cls(SigningKey(crypto_sign_seed_keypair(seed)[1]))

    @classmethod
    def from_text(cls, text: str) -> Ed25519Signer:
        """Read `k4.secret.…`.

        Raises:
            InvalidInput: It is something else.
        """
        words = text.split()
        del text  # tools that print the variables of a traceback shall not find it
        try:
            return cls(SigningKey.parse(words.pop() if len(words) == 1 else ""))
        except BadKey as error:
            del words
            raise _bad_key(SECRET) from error

    def secret_text(self) -> str:
        """`k4.secret.…`, for a file that only its owner reads."""
        return self._key.reveal()

    def sign(self, message: bytes) -> bytes:
        """The Ed25519 signature, 64 bytes."""
        return self._key.sign(message)


class PublicKeys:
    """Public keys by id. Checks signatures, and can do nothing else."""

    def __init__(self, texts: Iterable[str]) -> None:
        self._keys: dict[str, PublicKey] = {}
        for text in texts:
            try:
                key = PublicKey.parse(text.strip())
            except BadKey as error:
                del text, texts  # may be a secret in the wrong place
                raise _bad_key(PUBLIC) from error
            self._keys[key.kid] = key

    @property
    def texts(self) -> Mapping[str, str]:
        """`k4.public.…` by key id."""
        return {kid: key.paserk for kid, key in self._keys.items()}

    def knows(self, kid: str) -> bool:
        """Whether the key is here."""
        return kid in self._keys

    def is_signed(self, kid: str, message: bytes, signature: bytes) -> bool:
        """Whether the key made this signature; False for a key that is not known."""
        key = self._keys.get(kid)
        return key is not None and key.is_signature(signature, message)


def read_signer(path: Path) -> Ed25519Signer:
    """Read a file that holds one `k4.secret.…`.

    Raises:
        InvalidInput: It cannot be read, holds something else, or others may read it.
    """
    return Ed25519Signer.from_text(_read(path, secret=True))


def read_public_keys(paths: Iterable[Path]) -> PublicKeys:
    """Read files of `k4.public.…` lines; blank lines and lines that begin with # are skipped.

    Raises:
        InvalidInput: A file cannot be read, holds something else, or no key at all.
    """
    keys = PublicKeys(_lines(paths))
    if not keys.texts:
        raise InvalidInput("the key file holds no k4.public key", reason_code="bad_key")
    return keys


def _lines(paths: Iterable[Path]) -> Iterator[str]:
    for path in paths:
        lines = [line.strip() for line in _read(path).splitlines()]
        yield from (line for line in lines if line and not line.startswith("#"))


def _read(path: Path, *, secret: bool = False) -> str:
    try:
        with path.open("rb") as file:
            if secret and os.name == "posix" and os.fstat(file.fileno()).st_mode & 0o077:
                raise InvalidInput(
                    f"the key file {path.name!r} may be read by others, give it mode 0600",
                    reason_code="key_exposed",
                )
            # No foreign error over the content, which it would quote.
            return file.read(MAX_KEY_FILE_BYTES).decode("ascii", errors="replace")
    except (OSError, ValueError) as error:
        raise InvalidInput(
            f"the key file {str(path)!r} cannot be read: {type(error).__name__}",
            reason_code="unreadable_key",
        ) from error


def _bad_key(prefix: str) -> InvalidInput:
    return InvalidInput(f"this is no {prefix.rstrip('.')!r} key", reason_code="bad_key")
