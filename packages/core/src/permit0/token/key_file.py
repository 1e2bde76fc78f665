"""What a key file says: which key signs, which are accepted, which are retired.

Guarantees: one JSON form, unknown members refused; at most one key signs; kids are unique; an export
holds no secret and an import that should hold none refuses one; errors never quote the content.
Does not: touch the disk (key_folder).
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Literal

import msgspec

from permit0.errors import BadKey
from permit0.token.keys import KeyRing, PublicKey, SigningKey

__all__ = ["KeyInfo", "KeyList", "KeyStatus", "StoredKey"]


class KeyStatus(StrEnum):
    """What a key is good for. It only ever moves down this list."""

    SIGNING = "signing"
    ACCEPTED = "accepted"
    RETIRED = "retired"


class KeyInfo(msgspec.Struct, frozen=True, gc=False):
    """What may be shown of a key.

    kid: k4.pid. public: k4.public. created: when it was generated. retired: when it was retired.
    """

    kid: str
    public: str
    status: KeyStatus
    created: datetime
    retired: datetime | None


class StoredKey:
    """One key of the list. `secret` is there for the signing key of a list with secrets only."""

    __slots__ = ("created", "public", "retired", "secret", "status")

    def __init__(
        self,
        *,
        public: PublicKey,
        status: KeyStatus,
        created: datetime,
        retired: datetime | None = None,
        secret: SigningKey | None = None,
    ) -> None:
        self.public = public
        self.status = status
        self.created = created
        self.retired = retired
        self.secret = secret

    @property
    def info(self) -> KeyInfo:
        """What may be shown."""
        return KeyInfo(self.public.kid, self.public.paserk, self.status, self.created, self.retired)

    def accepted_only(self) -> StoredKey:
        """The same key, which signs no more; its secret is dropped."""
        return StoredKey(public=self.public, status=KeyStatus.ACCEPTED, created=self.created)

    def retired_at(self, at: datetime) -> StoredKey:
        """The same key, refused from now on."""
        return StoredKey(
            public=self.public, status=KeyStatus.RETIRED, created=self.created, retired=at
        )


class _Row(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """One key in JSON. key: k4.secret if it signs here, else k4.public."""

    key: str
    status: KeyStatus
    created: datetime
    retired: datetime | None = None

    def __repr__(self) -> str:
        return "<_Row>"


class _File(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The whole file."""

    version: Literal[1]
    keys: tuple[_Row, ...]

    def __repr__(self) -> str:
        return "<_File>"


class KeyList:
    """All keys of a deployment, newest first.

    Args:
        keys: At most one of them signs.
        where: What to call their origin in a message.

    Raises:
        BadKey: key_malformed: two keys sign, or a key is there twice.
    """

    __slots__ = ("keys",)

    def __init__(self, keys: tuple[StoredKey, ...], *, where: str) -> None:
        if sum(key.status is KeyStatus.SIGNING for key in keys) > 1:
            raise BadKey(f"{where} has more than one signing key")
        if len({key.public.kid for key in keys}) != len(keys):
            raise BadKey(f"{where} has one key twice")
        self.keys = keys

    @property
    def ring(self) -> KeyRing:
        """The ring for a verifier."""
        return KeyRing(
            [key.public for key in self.keys if key.status is not KeyStatus.RETIRED],
            [key.public for key in self.keys if key.status is KeyStatus.RETIRED],
        )

    @property
    def signing(self) -> SigningKey | None:
        """The key that signs, if its secret is here."""
        for key in self.keys:
            if key.status is KeyStatus.SIGNING:
                return key.secret
        return None

    def write(self, *, with_secret: bool) -> bytes:
        """The file; without a secret it is what a gateway needs, and may be shown to anybody."""
        rows = tuple(
            _Row(
                key=key.public.paserk
                if key.secret is None or not with_secret
                else key.secret.reveal(),
                status=key.status,
                created=key.created,
                retired=key.retired,
            )
            for key in self.keys
        )
        data = msgspec.json.encode(_File(version=1, keys=rows))
        return msgspec.json.format(data, indent=2) + b"\n"

    @classmethod
    def read(cls, data: bytes, *, where: str, with_secret: bool) -> KeyList:
        """Read what `write` wrote.

        Args:
            data: The file.
            where: What to call it in a message.
            with_secret: Whether a secret may be in it.

        Raises:
            BadKey: key_malformed, key_private_for_verifying, key_unsupported.
        """
        file = _decode(data)
        del data  # holds the secret, see keys
        if file is None:
            raise BadKey(f"{where} is no key file")
        return cls(tuple(_stored(row, where, with_secret) for row in file.keys), where=where)


def _decode(data: bytes) -> _File | None:
    # The foreign error is dropped: it may quote what it could not read, and that may be a key.
    try:
        return msgspec.json.decode(data, type=_File)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None


def _stored(row: _Row, where: str, with_secret: bool) -> StoredKey:
    # An export says which key signs, too, without its secret.
    secret = (
        SigningKey.parse(row.key, where=where)
        if with_secret and row.status is KeyStatus.SIGNING
        else None
    )
    public = PublicKey.parse(row.key, where=where) if secret is None else secret.public
    if row.created.tzinfo is None or (row.retired is None) == (row.status is KeyStatus.RETIRED):
        raise BadKey(f"{where} has a key whose dates do not fit its status")
    return StoredKey(
        public=public,
        status=row.status,
        created=row.created,
        retired=row.retired,
        secret=secret,
    )
