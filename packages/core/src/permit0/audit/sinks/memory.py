"""Records in the memory of this process: for tests, demonstrations and trying things out.

Guarantees: the same chain as in a file. Does not: survive the process, or bound itself.
"""

from __future__ import annotations

import secrets
import threading
from collections.abc import Iterator, Mapping

from permit0.audit.chain import EMPTY, begin, link
from permit0.errors import AuditUnavailable
from permit0.model.record import AuditReceipt, LogHead, StoredRecord
from permit0.ports import Signer

__all__ = ["MemorySink"]


class MemorySink:
    """An AuditSink that is also a log that can be read."""

    def __init__(self, signer: Signer) -> None:
        self._signer = signer
        self._writer = secrets.token_hex(8)
        self._lock = threading.Lock()
        self._head = EMPTY
        self._records: list[StoredRecord] = []
        self._closed = False

    def append(self, kind: str, at: float, body: bytes) -> AuditReceipt:
        begun = begin(kind, at, body, kid=self._signer.kid)
        with self._lock:
            if self._closed:
                raise AuditUnavailable("the audit log is closed", reason_code="audit_closed")
            record, head = link(begun, self._head, writer=self._writer, signer=self._signer)
            self._records.append(record)
            self._head = head
        return AuditReceipt(head.seq, head.digest)

    def close(self) -> None:
        self._closed = True

    @property
    def head(self) -> LogHead:
        """Where the log ends."""
        return self._head

    @property
    def public_keys(self) -> Mapping[str, str]:
        """`k4.public.…` by key id."""
        return {self._signer.kid: self._signer.public}

    def records(self) -> Iterator[StoredRecord]:
        """Every record, in order."""
        yield from self._records
