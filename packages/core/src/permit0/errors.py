"""Every error that permit0 raises on purpose, each with a stable reason code.

Rules:
  * `reason_code` is part of the interface: records, HTTP bodies, exit codes and tests use it.
    A code is never renamed or reused.
  * A message is one lower-case sentence: what failed, where, and what to do. Values are quoted
    with !r. It never contains a secret, a token or tool arguments beyond the offending name.
  * Foreign exceptions are converted where they enter, with `from`.
"""

from __future__ import annotations

__all__ = [
    "AuditBroken",
    "AuditUnavailable",
    "BadConfig",
    "BadPack",
    "BadPlugin",
    "InvalidInput",
    "Permit0Error",
    "StateUnavailable",
    "UnknownAction",
]


class Permit0Error(Exception):
    """Base of everything that permit0 raises on purpose."""

    reason_code: str = "permit0_error"

    def __init__(self, message: str, *, reason_code: str | None = None) -> None:
        super().__init__(message)
        if reason_code is not None:
            self.reason_code = reason_code


class InvalidInput(Permit0Error):
    """Something handed to permit0 has a form that it cannot read exactly.

    `where` is the path of the offending value, such as `arguments.amount` or `to[2]`.
    """

    reason_code = "invalid_input"

    def __init__(
        self, message: str, *, where: str | None = None, reason_code: str | None = None
    ) -> None:
        super().__init__(message, reason_code=reason_code)
        self.where = where


class UnknownAction(InvalidInput):
    """An action name is not in the taxonomy."""

    reason_code = "unknown_action"


class BadPack(InvalidInput):
    """A pack file is not valid: the message names file, line, key and the nearest known word."""

    reason_code = "bad_pack"


class BadConfig(InvalidInput):
    """permit0.yaml is not valid or violates a guardrail: the message names file, line and key."""

    reason_code = "bad_config"


class BadPlugin(Permit0Error):
    """A plugin was refused at registration: unknown hook, wrapper, or a failing import."""

    reason_code = "bad_plugin"


class StateUnavailable(Permit0Error):
    """The state store did not answer. The caller denies."""

    reason_code = "state_unavailable"


class AuditUnavailable(Permit0Error):
    """A record could not be kept. The caller denies.

    Codes of their own: audit_locked, audit_full, audit_read_only, audit_corrupt, audit_newer_schema,
    audit_tampered, audit_too_large, audit_bad_record, audit_closed, audit_io.
    """

    reason_code = "audit_unavailable"


class AuditBroken(Permit0Error):
    """An audit log is not what was written; `seq` is the place of the first bad record.

    Codes: record_altered, record_missing, record_moved, record_inserted, record_unreadable,
    chain_broken, unknown_key, log_truncated, head_mismatch.
    """

    reason_code = "record_altered"

    def __init__(self, message: str, *, seq: int, reason_code: str) -> None:
        super().__init__(message, reason_code=reason_code)
        self.seq = seq
