"""Write a log as JSON lines, as CSV, or as a bundle that verifies on its own.

JSON lines: {"record": ..., "signature": base64} per record, the record byte for byte; the last line holds the
head and the public keys. CSV: one row per record, for people and spreadsheets; it cannot be verified.
Bundle: a zip of those lines, head.json, keys/*.pub and manifest.json with the SHA-256 of each file. What
makes it a signed one is the signature of every record and the seal of the last.
Guarantees: bounded memory; the same log gives the same bytes; no cell of a CSV is a formula.
"""

from __future__ import annotations

import base64
import csv
import hashlib
import io
import zipfile
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import IO

import msgspec

from permit0.audit.chain import Envelope, read_envelope
from permit0.audit.events import read_event
from permit0.audit.reader import BUNDLE_RECORDS, AuditLog, FooterLine, HeadText, RecordLine
from permit0.audit.record import read_decision, read_outcome
from permit0.audit.verify import SignedHead, signed_head
from permit0.model.record import StoredRecord

__all__ = ["CSV_COLUMNS", "head_line", "row_of", "write_bundle", "write_csv", "write_jsonl"]

CSV_COLUMNS = (
    "seq", "time", "kind", "id", "session", "agent", "principal", "tool", "actions", "outcome",
    "decided", "mode", "tier", "score", "reason", "message", "rules", "error", "digest", "policy",
    "writer", "kid", "record_digest",
)  # fmt: skip
EVENT_KINDS = frozenset({"approval", "gateway", "kill"})  # see events.py
ZIP_TIME = (1980, 1, 1, 0, 0, 0)  # the earliest a zip can say; the records have their own times
FORMULA_SIGNS = ("=", "+", "-", "@", "\t", "\r")  # CWE-1236

_encode = msgspec.json.Encoder(order="sorted").encode


def write_jsonl(log: AuditLog, out: IO[bytes]) -> int:
    """Write JSON lines.

    Returns:
        How many records.
    """
    count = 0
    for line, is_record in _lines(log):
        out.write(line)
        count += is_record
    return count


def write_csv(log: AuditLog, out: IO[bytes]) -> int:
    """Write a table; a record that does not read has its place only. Returns how many records."""
    text = io.TextIOWrapper(out, encoding="utf-8", newline="", write_through=True)
    writer = csv.DictWriter(text, CSV_COLUMNS, restval="", lineterminator="\r\n")  # RFC 4180 2.1
    writer.writeheader()
    count = 0
    for record in log.records():
        writer.writerow({name: _cell(value) for name, value in row_of(record).items()})
        count += 1
    text.detach()
    return count


def write_bundle(log: AuditLog, out: IO[bytes], *, version: str) -> int:
    """Write a bundle.

    Args:
        log: What to write.
        out: Where to.
        version: Of this permit0, for the manifest.

    Returns:
        How many records.
    """
    digest = hashlib.sha256()
    count = 0
    sums: dict[str, str] = {}
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as bundle:
        with bundle.open(_entry(BUNDLE_RECORDS), "w", force_zip64=True) as file:
            for line, is_record in _lines(log):
                file.write(line)
                digest.update(line)
                count += is_record
        sums[BUNDLE_RECORDS] = digest.hexdigest()
        others = {f"keys/{kid}.pub": f"{key}\n".encode() for kid, key in log.public_keys.items()}
        head = signed_head(log)
        if head is not None:
            others["head.json"] = head_line(head)
        for name, data in sorted(others.items()):
            bundle.writestr(_entry(name), data)
            sums[name] = hashlib.sha256(data).hexdigest()
        manifest = {"format": 1, "permit0": version, "records": count, "sha256": sums}
        bundle.writestr(_entry("manifest.json"), _encode(manifest) + b"\n")
    return count


def head_line(head: SignedHead) -> bytes:
    """A head as one line of JSON, to be kept elsewhere."""
    return _encode(head) + b"\n"


def row_of(record: StoredRecord) -> dict[str, str]:
    """A record by the columns of CSV_COLUMNS; columns that its kind does not have are left out."""
    row = {
        "seq": str(record.place),
        "kind": "unreadable",
        "record_digest": hashlib.sha256(record.data).hexdigest(),
    }
    envelope = read_envelope(record.data)
    if envelope is None:
        return row
    row |= {
        "kind": envelope.kind,
        "time": _time(envelope.at),
        "writer": envelope.writer,
        "kid": envelope.kid,
    }
    try:
        row |= _columns(envelope)
    except (msgspec.DecodeError, UnicodeDecodeError):
        row["error"] = "unreadable body"
    return row


def _columns(envelope: Envelope) -> dict[str, str]:
    if envelope.kind == "decision":
        body = read_decision(envelope.body)
        rules = dict.fromkeys(
            name
            for item in body.actions
            for name in (
                *(found.rule for found in item.findings),
                *([item.block_rule] if item.block_rule else ()),
                *(line.id for line in (*item.adjusted, *item.fired)),
            )
        )
        first = body.reasons[0] if body.reasons else None
        return {
            "id": body.id,
            "session": body.who.session,
            "agent": body.who.agent,
            "principal": body.who.principal or "",
            "tool": body.what.tool,
            "actions": " ".join(item.action for item in body.actions),
            "outcome": body.outcome,
            "decided": body.decided,
            "mode": body.mode,
            "tier": body.tier,
            "score": repr(body.score),
            "reason": first.code if first else "",
            "message": first.message if first else "",
            "rules": " ".join(rules),
            "error": body.error,
            "digest": body.what.digest,
            "policy": body.provenance.policy,
        }
    if envelope.kind == "outcome":
        came = read_outcome(envelope.body)
        return {
            "id": came.decision,
            "session": came.who.session,
            "agent": came.who.agent,
            "principal": came.who.principal or "",
            "tool": came.what.tool,
            "message": f"exposed {', '.join(came.exposed)}" if came.exposed else "",
            "error": came.error,
            "digest": came.what.digest,
        }
    if envelope.kind in EVENT_KINDS:
        event = read_event(envelope.body)
        return {
            "id": event.refs.get("decision") or event.refs.get("request") or "",
            "session": event.session,
            "agent": event.agent,
            "principal": event.principal or "",
            "tool": event.tool,
            "actions": event.action,
            "reason": event.code or event.event,
            "message": " ".join(
                part
                for part in (
                    event.event,
                    *(f"{name}={value}" for name, value in event.refs.items()),
                    f"by {event.by}" if event.by else "",
                    event.reason,
                )
                if part
            ),
            "digest": event.digest,
        }
    return {}


def _lines(log: AuditLog) -> Iterator[tuple[bytes, bool]]:
    """The lines of an export, and whether each is a record."""
    for record in log.records():
        text = base64.b64encode(record.signature).decode()
        yield _encode(RecordLine(msgspec.Raw(record.data), text)) + b"\n", True
    head = log.head
    if head is not None:
        yield _encode(FooterLine(HeadText.of(head), dict(log.public_keys))) + b"\n", False


def _time(at: float) -> str:
    try:
        return datetime.fromtimestamp(at, UTC).isoformat(timespec="microseconds")
    except (OverflowError, ValueError, OSError):  # a clock may have said anything
        return repr(at)


def _cell(text: str) -> str:
    """A cell that no spreadsheet takes for a formula."""
    return "'" + text if text.startswith(FORMULA_SIGNS) else text


def _entry(name: str) -> zipfile.ZipInfo:
    entry = zipfile.ZipInfo(name, ZIP_TIME)
    entry.compress_type = zipfile.ZIP_DEFLATED
    entry.external_attr = 0o600 << 16
    return entry
