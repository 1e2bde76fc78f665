"""Walk a log and say whether it is what was written; if not, which record is the first bad one.

For each record, in this order:
  1. it lies in the next place, without a gap
  2. it reads as a record
  3. its key is known, and its signature is that key's
  4. its own number is its place
  5. it names the digest of the one before
At the end the head must be the last record's, and open its seal.
Finds: a record that was changed, taken out, put in, moved, and an end that was cut off, by anybody who
does not hold the signing key. Needs: the public key only, no configuration; memory for one record.
Cannot see: an end cut off by somebody who put back the head of that time, which they copied then; a
log exchanged for an older copy of itself, or removed. For these keep a head elsewhere: `known`.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable, Iterator

import msgspec

from permit0.audit.chain import EMPTY, GENESIS, MESSAGE, Envelope, read_envelope, signed_message
from permit0.audit.keys import PublicKeys
from permit0.audit.reader import AuditLog
from permit0.errors import AuditBroken
from permit0.model.record import LogHead, StoredRecord

__all__ = ["SignedHead", "Summary", "Verified", "signed_head", "verified_records", "verify_log"]

PROGRESS_EVERY = 500  # records; some twentieth of a second


class SignedHead(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """That a log had a record `seq` with this digest: for keeping elsewhere, and of no use to a forger.

    signature: the record's own, base64, which covers nothing but its digest.
    """

    seq: int
    digest: str
    kid: str
    signature: str

    def is_signed(self, keys: PublicKeys) -> bool:
        """Whether one of the keys signed it."""
        try:
            digest, signature = bytes.fromhex(self.digest), base64.b64decode(self.signature)
        except ValueError:
            return False
        return keys.is_signed(self.kid, MESSAGE + digest, signature)


class Verified(msgspec.Struct, frozen=True):
    """What was found to be good. kids: the keys that signed, in the order of their first record."""

    records: int
    head: LogHead
    kids: tuple[str, ...]

    def summary(self) -> Summary:
        """The same for a program; without the opening, which would help nobody but a forger."""
        return Summary(self.records, self.head.digest, self.kids)


class Summary(msgspec.Struct, frozen=True):
    """A Verified as plain values. head: digest of the last record, hex."""

    records: int
    head: str
    kids: tuple[str, ...]


def verify_log(
    log: AuditLog,
    keys: PublicKeys,
    *,
    known: SignedHead | None = None,
    progress: Callable[[int], None] | None = None,
) -> Verified:
    """Walk a whole log.

    Args:
        log: What to verify.
        keys: Whose signatures count.
        known: A head of this log that was kept elsewhere; its record must still be there.
        progress: Told the number of records so far, now and then.

    Raises:
        AuditBroken: The first bad record, by place and code.
    """
    kids: dict[str, None] = {}
    count = 0
    for _, envelope in verified_records(log, keys, known=known):
        kids[envelope.kid] = None
        count += 1
        if progress is not None and count % PROGRESS_EVERY == 0:
            progress(count)
    if progress is not None:
        progress(count)
    return Verified(count, log.head or EMPTY, tuple(kids))


def signed_head(log: AuditLog) -> SignedHead | None:
    """The head of a log as it stands; None if it is empty or its last record does not read."""
    last: StoredRecord | None = None
    for record in log.records():
        last = record
    envelope = None if last is None else read_envelope(last.data)
    if last is None or envelope is None:
        return None
    digest = hashlib.sha256(last.data).hexdigest()
    signature = base64.b64encode(last.signature).decode()
    return SignedHead(envelope.seq, digest, envelope.kid, signature)


def verified_records(
    log: AuditLog, keys: PublicKeys, *, known: SignedHead | None = None
) -> Iterator[tuple[StoredRecord, Envelope]]:
    """Every record, each after it was found to be good. Raises like `verify_log`."""
    digest = GENESIS
    last: Envelope | None = None
    place = 0
    for record in log.records():
        place += 1
        envelope = _check(record, place, digest, keys)
        digest = hashlib.sha256(record.data).hexdigest()
        if known is not None and known.seq == place and known.digest != digest:
            raise AuditBroken(
                f"record {place} is not the one of the head that was kept",
                seq=place,
                reason_code="head_mismatch",
            )
        last = envelope
        yield record, envelope
    _check_end(log.head, place, digest, last)
    if known is not None and known.seq > place:
        raise _cut(place + 1, f"the head that was kept is of record {known.seq}")


def _check(record: StoredRecord, place: int, digest: str, keys: PublicKeys) -> Envelope:
    # 1. the place
    if record.place != place:
        what = "missing" if record.place > place else "in a place before the first"
        raise AuditBroken(f"record {place} is {what}", seq=place, reason_code="record_missing")
    # 2. the form
    envelope = read_envelope(record.data)
    if envelope is None:
        raise AuditBroken(
            f"record {place} does not read as a record", seq=place, reason_code="record_unreadable"
        )
    # 3. the signature
    if not keys.knows(envelope.kid):
        raise AuditBroken(
            f"record {place} names a key that is not known, {envelope.kid[:80]!r}",
            seq=place,
            reason_code="unknown_key",
        )
    if not keys.is_signed(envelope.kid, signed_message(record.data), record.signature):
        raise AuditBroken(
            f"record {place} was changed: its signature does not fit",
            seq=place,
            reason_code="record_altered",
        )
    # 4. its own number; from here on the record is a good one, if perhaps in a wrong place
    if envelope.seq > place:
        raise AuditBroken(
            f"record {place} is missing, record {envelope.seq} lies in its place",
            seq=place,
            reason_code="record_missing",
        )
    if envelope.seq < place:
        raise AuditBroken(
            f"record {place} is a copy of record {envelope.seq}, put in or moved",
            seq=place,
            reason_code="record_moved",
        )
    # 5. the one before
    if envelope.prev != digest:
        raise AuditBroken(
            f"record {place} does not follow what lies before it: it is of another log",
            seq=place,
            reason_code="chain_broken",
        )
    return envelope


def _check_end(head: LogHead | None, place: int, digest: str, last: Envelope | None) -> None:
    if last is None:
        raise _cut(1, "the log is empty; nothing was recorded, or nothing was left")
    if head is None:
        raise _cut(place + 1, "the log does not say where it ends")
    if head.seq > place:
        raise _cut(place + 1, f"the log was {head.seq} records long")
    if head.seq < place or head.digest != digest:
        raise AuditBroken(
            f"record {place} lies behind the end of the log, record {head.seq}",
            seq=min(max(head.seq, 0) + 1, place),
            reason_code="head_mismatch",
        )
    if hashlib.sha256(head.opening).hexdigest() != last.seal:
        raise _cut(place + 1, "the seal of the last record is closed, so that more came after it")


def _cut(seq: int, why: str) -> AuditBroken:
    return AuditBroken(
        f"record {seq} is missing, the end was cut off: {why}", seq=seq, reason_code="log_truncated"
    )
