"""What an audit log holds: records as bytes, and its head."""

from __future__ import annotations

import msgspec

__all__ = ["AuditReceipt", "LogHead", "StoredRecord"]


class StoredRecord(msgspec.Struct, frozen=True, gc=False):
    """One record as it lies in a log.

    place: where it lies, counted from 1; the record itself says which place it was written for.
    data: canonical JSON. signature: Ed25519, 64 bytes, by the key that the record names.
    """

    place: int
    data: bytes
    signature: bytes


class LogHead(msgspec.Struct, frozen=True):
    """Where a log ends.

    seq: of the last record, 0 for none. digest: SHA-256 of its bytes, hex; genesis for none.
    opening: 32 bytes whose SHA-256 is the last record's `seal`; b"" for an empty log. Each append
        erases the one before, so that whoever cuts the end off cannot show the opening of what is last then.
    """

    seq: int
    digest: str
    opening: bytes


class AuditReceipt(msgspec.Struct, frozen=True, gc=False):
    """A record is as durable as the sink promises. seq: its place. digest: SHA-256, hex."""

    seq: int
    digest: str
