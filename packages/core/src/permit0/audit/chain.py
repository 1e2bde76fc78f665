"""A record's place in the log: how it is written, and what binds it to its neighbours.

A record is RFC 8785 JSON with exactly these members:
  at      unix seconds: of the decision, or of what else is recorded
  body    what is recorded, see record.py
  kid     id of the key that signs
  kind    "decision", "outcome", or another word of a room that records
  prev    SHA-256 of the previous record's bytes, hex; GENESIS for the first
  seal    SHA-256 of 32 random bytes, which the log keeps for its last record only (LogHead.opening)
  seq     1 for the first, then without a gap
  v       FORMAT
  writer  random id of the sink that wrote it, one per process
What is signed is MESSAGE and the SHA-256 of the record's bytes, so that no signature over a record is
one over a token. The signature lies beside the record.
Does not: keep records (sinks), or walk them (verify).
"""

from __future__ import annotations

import hashlib
import re
import secrets

import msgspec

from permit0.canonical import number_text
from permit0.errors import AuditUnavailable
from permit0.model.record import LogHead, StoredRecord
from permit0.ports import Signer

__all__ = [
    "EMPTY",
    "FORMAT",
    "GENESIS",
    "MESSAGE",
    "Envelope",
    "begin",
    "link",
    "place",
    "read_envelope",
    "sign",
    "signed_message",
]

FORMAT = 1
GENESIS = "0" * 64
EMPTY = LogHead(0, GENESIS, b"")
MESSAGE = b"permit0 audit record 1:"
SEAL_BYTES = 32
MAX_BODY_BYTES = 8 << 20  # arguments end at 1 MiB; a body holds them once, and what came of them

_KIND = re.compile(r"[a-z][a-z0-9_]{0,31}")


class Envelope(msgspec.Struct, frozen=True, gc=False, forbid_unknown_fields=True):
    """A record as it reads; see above."""

    at: float
    body: msgspec.Raw
    kid: str
    kind: str
    prev: str
    seal: str
    seq: int
    v: int
    writer: str


_decoder = msgspec.json.Decoder(Envelope)


def begin(kind: str, at: float, body: bytes, *, kid: str) -> bytes:
    """The bytes of a record before its place is known.

    Args:
        kind: One word.
        at: Unix seconds.
        body: Canonical JSON.
        kid: The key that will sign.

    Raises:
        AuditUnavailable: This can be no record.
        InvalidInput: `at` is no finite number.
    """
    if _KIND.fullmatch(kind) is None:
        raise AuditUnavailable(f"no record is of kind {kind!r}", reason_code="audit_bad_record")
    if len(body) > MAX_BODY_BYTES:
        raise AuditUnavailable(
            f"the record is larger than {MAX_BODY_BYTES} bytes", reason_code="audit_too_large"
        )
    return b'{"at":%b,"body":%b,"kid":"%b","kind":"%b",' % (
        number_text(at).encode(),
        body,
        kid.encode(),
        kind.encode(),
    )


def link(
    begun: bytes, head: LogHead, *, writer: str, signer: Signer
) -> tuple[StoredRecord, LogHead]:
    """Give a record its place behind `head`, and sign it.

    Returns:
        The record, and the head after it.
    """
    data, after = place(begun, head, writer=writer)
    return StoredRecord(after.seq, data, sign(after, signer)), after


def place(begun: bytes, head: LogHead, *, writer: str) -> tuple[bytes, LogHead]:
    """Give a record its place behind `head`.

    Returns:
        The record without its signature, and the head after it.
    """
    opening = secrets.token_bytes(SEAL_BYTES)
    seq = head.seq + 1
    data = b'%b"prev":"%b","seal":"%b","seq":%d,"v":%d,"writer":"%b"}' % (
        begun,
        head.digest.encode(),
        hashlib.sha256(opening).hexdigest().encode(),
        seq,
        FORMAT,
        writer.encode(),
    )
    return data, LogHead(seq, hashlib.sha256(data).hexdigest(), opening)


def sign(head: LogHead, signer: Signer) -> bytes:
    """The signature of the last record before `head`, which holds its digest."""
    return signer.sign(MESSAGE + bytes.fromhex(head.digest))


def signed_message(data: bytes) -> bytes:
    """What the signature of a record covers."""
    return MESSAGE + hashlib.sha256(data).digest()


def read_envelope(data: bytes) -> Envelope | None:
    """The members of a record; None if the bytes are no record of this format."""
    try:
        envelope = _decoder.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
    return envelope if envelope.v == FORMAT else None
