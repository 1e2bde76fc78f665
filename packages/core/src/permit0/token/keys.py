"""Ed25519 keys, and the ring of those that a verifier trusts.

Guarantees:
  1. A secret key shows itself in no repr, error, traceback, pickle or copy; only `reveal` writes it.
     Tools that print the variables of a traceback are why names are deleted before an error is raised.
  2. A secret key whose public half does not belong to it is refused: signing with it gives it away.
  3. A public key is a point of the prime-order group; one of small order would accept forgeries.
  4. A ring holds public keys alone. A key that is both accepted and retired is retired.
Does not: wipe memory (Python cannot), or read files (key_folder).
Signatures are libsodium's, through PyNaCl: docs/adr/0003-tokens.md says why.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from typing import Never

from nacl import bindings as sodium
from nacl.exceptions import BadSignatureError

from permit0.errors import BadFooter, BadKey, RetiredKey, UnknownKey
from permit0.token import base64url, paserk
from permit0.token.paserk import KeyProblem

__all__ = ["KeyRing", "PublicKey", "SigningKey", "footer_of", "parse_ring"]

SEED_BYTES = 32
SIGNATURE_BYTES = 64  # RFC 8032 5.1.6
_FOOTER_HEAD, _FOOTER_TAIL = b'{"kid":"k4.pid.', b'"}'


class PublicKey:
    """A key that signatures are checked with.

    Args:
        data: 32 bytes.
        where: What to call their origin in a message.

    Raises:
        BadKey: key_malformed: no point of the group.
    """

    __slots__ = ("_data", "kid")

    def __init__(self, data: bytes, *, where: str = "the key") -> None:
        if len(data) != paserk.PUBLIC_BYTES or not sodium.crypto_core_ed25519_is_valid_point(data):
            del data
            raise paserk.refusal(KeyProblem.DAMAGED, where)
        self._data = data
        self.kid = paserk.key_id(data)

    @classmethod
    def parse(cls, text: str, *, where: str = "the key") -> PublicKey:
        """Read a k4.public.

        Raises:
            BadKey: key_private_for_verifying, key_unsupported, key_malformed.
        """
        found = paserk.read_public(text)
        del text  # may be a secret in the wrong place
        return _public(found, where)

    @property
    def paserk(self) -> str:
        """k4.public."""
        return paserk.format_public(self._data)

    def is_signature(self, signature: bytes, message: bytes) -> bool:
        """Whether this key signed these bytes. libsodium refuses every second spelling of one."""
        if len(signature) != SIGNATURE_BYTES:
            return False
        try:
            sodium.crypto_sign_open(signature + message, self._data)
        except BadSignatureError:
            return False
        return True

    def __eq__(self, other: object) -> bool:
        return isinstance(other, PublicKey) and self._data == other._data

    def __hash__(self) -> int:
        return hash(self._data)

    def __repr__(self) -> str:
        return f"<PublicKey {getattr(self, 'kid', 'refused')}>"


class SigningKey:
    """A key that signs.

    Args:
        secret: 64 bytes, the seed and the public key that belongs to it.
        where: What to call their origin in a message.

    Raises:
        BadKey: key_malformed.
    """

    __slots__ = ("_secret", "footer", "public")

    def __init__(self, secret: bytes, *, where: str = "the key") -> None:
        if not _is_secret(secret):
            del secret
            raise paserk.refusal(KeyProblem.DAMAGED, where)
        self._secret = secret
        self.public = PublicKey(secret[SEED_BYTES:], where=where)
        self.footer = footer_of(self.public.kid)

    @classmethod
    def generate(cls) -> SigningKey:
        """A new key from the system's randomness."""
        return cls(_with_public_half(secrets.token_bytes(SEED_BYTES)))

    @classmethod
    def parse(cls, text: str, *, where: str = "the key") -> SigningKey:
        """Read a k4.secret.

        Raises:
            BadKey: key_public_for_signing, key_unsupported, key_malformed.
        """
        found = paserk.read_secret(text)
        del text
        if isinstance(found, bytes) and _is_secret(found):
            return cls(found)
        problem = found if isinstance(found, KeyProblem) else KeyProblem.DAMAGED
        del found
        raise paserk.refusal(problem, where)

    @property
    def kid(self) -> str:
        """k4.pid of the public half: what a token's footer names."""
        return self.public.kid

    @property
    def sid(self) -> str:
        """k4.sid: names the secret key itself."""
        return paserk.secret_key_id(self._secret)

    def sign(self, message: bytes) -> bytes:
        """64 bytes that only this key can write for this message (RFC 8032)."""
        return sodium.crypto_sign(message, self._secret)[:SIGNATURE_BYTES]

    def reveal(self) -> str:
        """k4.secret. DANGEROUS: whoever reads this can issue tokens."""
        return paserk.format_secret(self._secret)

    def __repr__(self) -> str:
        return f"<SigningKey {self.kid if hasattr(self, 'public') else 'refused'}>"

    def __reduce_ex__(self, protocol: object) -> Never:
        raise TypeError("a signing key is not copied or pickled, load it where it is needed")


class KeyRing:
    """The public keys that a verifier knows. It does not change; watched_ring follows a file.

    Args:
        accepted: Keys whose tokens are good.
        retired: Keys whose tokens were good once.

    Raises:
        BadKey: key_private_for_verifying, or key_missing if no key is accepted.
    """

    __slots__ = ("_accepted", "_by_footer", "_retired")

    def __init__(self, accepted: Iterable[PublicKey], retired: Iterable[PublicKey] = ()) -> None:
        old = {key.kid: key for key in map(_public_only, retired)}
        new = {key.kid: key for key in map(_public_only, accepted) if key.kid not in old}
        if not new:
            raise BadKey("no key is accepted, add a public key", reason_code="key_missing")
        self._accepted = tuple(new.values())
        self._retired = tuple(old.values())
        # A footer is one fixed text for each key, so an untrusted one is looked up, not parsed.
        self._by_footer = {footer_of(key.kid): (key, False) for key in self._accepted} | {
            footer_of(key.kid): (key, True) for key in self._retired
        }

    @property
    def accepted(self) -> tuple[PublicKey, ...]:
        """Keys whose tokens are good."""
        return self._accepted

    @property
    def retired(self) -> tuple[PublicKey, ...]:
        """Keys whose tokens are refused."""
        return self._retired

    def check(self, footer: bytes, signature: bytes, message: bytes) -> bool:
        """Whether the key that a footer names signed these bytes.

        Raises:
            BadFooter: It names no key in our form.
            UnknownKey: It names a key that is not in the ring.
            RetiredKey: The signature is good, but the key is retired.
        """
        found = self._by_footer.get(footer)
        if found is None:
            if _is_footer(footer):
                raise UnknownKey("the token is signed with a key that is not in the key ring")
            raise BadFooter("the footer of the token names no key")
        key, is_retired = found
        if not key.is_signature(signature, message):
            return False
        if is_retired:
            raise RetiredKey(f"the token is signed with the retired key {key.kid!r}")
        return True

    def __repr__(self) -> str:
        return f"<KeyRing {len(self._accepted)} accepted, {len(self._retired)} retired>"


def footer_of(kid: str) -> bytes:
    """The footer of every token that a key signs: {"kid":"k4.pid.…"}."""
    return b'{"kid":"' + kid.encode() + b'"}'


def parse_ring(text: str, *, where: str) -> KeyRing:
    """A ring from the value of a setting: one k4.public or several, with white space between.

    Raises:
        BadKey: As of PublicKey.parse, or key_missing.
    """
    found = [paserk.read_public(word) for word in text.split()]
    del text
    return KeyRing([_public(item, where) for item in found])


def _public(found: bytes | KeyProblem, where: str) -> PublicKey:
    if isinstance(found, KeyProblem):
        raise paserk.refusal(found, where)
    return PublicKey(found, where=where)


def _is_secret(secret: bytes) -> bool:
    return len(secret) == paserk.SECRET_BYTES and _with_public_half(secret) == secret


def _with_public_half(secret: bytes) -> bytes:
    return sodium.crypto_sign_seed_keypair(secret[:SEED_BYTES])[1]


def _public_only(key: object) -> PublicKey:
    if isinstance(key, PublicKey):
        return key
    raise BadKey(
        f"a key ring takes public keys, not {type(key).__name__!r}, pass its .public",
        reason_code="key_private_for_verifying",
    )


def _is_footer(footer: bytes) -> bool:
    if not (footer.startswith(_FOOTER_HEAD) and footer.endswith(_FOOTER_TAIL)):
        return False
    digest = base64url.decode(footer[len(_FOOTER_HEAD) : -len(_FOOTER_TAIL)])
    return digest is not None and len(digest) == paserk.ID_BYTES
