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
    "ActionMismatch",
    "ApprovalRequired",
    "ApprovalTimeout",
    "ArgumentsMismatch",
    "AuditBroken",
    "AuditUnavailable",
    "BadConfig",
    "BadFooter",
    "BadKey",
    "BadPack",
    "BadPlugin",
    "BadSignature",
    "ClaimIllTyped",
    "ClaimMissing",
    "ClaimUnknown",
    "Denied",
    "EpochPassed",
    "Expired",
    "GatewayRefused",
    "InvalidInput",
    "InvalidToken",
    "KillUnrecorded",
    "Killed",
    "NotYetValid",
    "OutcomeUnrecorded",
    "OutsideEnvelope",
    "Permit0Error",
    "Replayed",
    "RetiredKey",
    "StateUnavailable",
    "TokenMalformed",
    "TokenMissing",
    "TokenOversize",
    "UnknownAction",
    "UnknownKey",
    "WrongAudience",
    "WrongVersion",
]


class Permit0Error(Exception):
    """Base of everything that permit0 raises on purpose."""

    reason_code: str = "permit0_error"

    def __init__(self, message: str, *, reason_code: str | None = None) -> None:
        super().__init__(message)
        if reason_code is not None:
            self.reason_code = reason_code


class Denied(Permit0Error):
    """A call was refused and did not run. `decision` is the model.decision.Decision that says why."""

    reason_code = "denied"

    def __init__(self, message: str, *, decision: object, reason_code: str | None = None) -> None:
        super().__init__(message, reason_code=reason_code)
        self.decision = decision


class ApprovalRequired(Denied):
    """A call needs a person's approval first, and did not run.

    `request` is the model.approval.ApprovalRequest that waits for an answer; None where no
    request could be kept (engine without approvals).
    """

    reason_code = "approval_required"

    def __init__(
        self,
        message: str,
        *,
        decision: object,
        request: object = None,
        reason_code: str | None = None,
    ) -> None:
        super().__init__(message, decision=decision, reason_code=reason_code)
        self.request = request


class ApprovalTimeout(Permit0Error):
    """Nobody answered in time, or the time of an approval is over. The caller denies."""

    reason_code = "approval_timeout"


class OutcomeUnrecorded(Permit0Error):
    """An allowed call ran, and what came of it could not be recorded. Calling again runs it twice.

    `result` is what the body gave back.
    """

    reason_code = "outcome_unrecorded"

    def __init__(self, message: str, *, result: object) -> None:
        super().__init__(message)
        self.result = result


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


class Killed(Permit0Error):
    """The kill switch is set for this call; nothing may run."""

    reason_code = "killed"


class KillUnrecorded(Permit0Error):
    """A kill or a resume is in force, and could not be recorded. Giving it again is a second order.

    `order` is the model.kill.KillOrder that stands.
    """

    reason_code = "kill_unrecorded"

    def __init__(self, message: str, *, order: object) -> None:
        super().__init__(message)
        self.order = order


class StateUnavailable(Permit0Error):
    """The state store did not answer. The caller denies."""

    reason_code = "state_unavailable"


class BadKey(Permit0Error):
    """A key cannot be used: it is not there, not ours to read, not a key, or of the wrong kind.

    Codes: key_missing, key_permissions, key_malformed, key_private_for_verifying,
    key_public_for_signing, key_unsupported, key_unknown, key_exists, key_in_use.
    The message names the file or the setting, never what it holds.
    """

    reason_code = "key_malformed"


class InvalidToken(Permit0Error):
    """A capability token was refused; nothing may run. Each way to fail has its own subclass.

    `jti` is the id of the token, if the signature held and the claims could be read; else None.
    """

    reason_code = "token_invalid"

    def __init__(
        self, message: str, *, reason_code: str | None = None, jti: str | None = None
    ) -> None:
        super().__init__(message, reason_code=reason_code)
        self.jti = jti


class TokenMissing(InvalidToken):
    """The call came without a token."""

    reason_code = "token_missing"


class TokenOversize(InvalidToken):
    """The token is longer than any that permit0 issues."""

    reason_code = "token_oversize"


class TokenMalformed(InvalidToken):
    """The text is no PASETO: a part is missing or not spelled as base64url demands."""

    reason_code = "token_malformed"


class WrongVersion(InvalidToken):
    """A PASETO of another version or purpose (v2, v4.local), or a key (k4.secret) in its place."""

    reason_code = "token_wrong_version"


class BadFooter(InvalidToken):
    """The footer does not name a key in the one form that permit0 writes."""

    reason_code = "token_footer"


class UnknownKey(InvalidToken):
    """The footer names a key that is not in the key ring."""

    reason_code = "token_unknown_key"


class BadSignature(InvalidToken):
    """The signature does not fit the claims, the footer, the key and the deployment."""

    reason_code = "token_bad_signature"


class RetiredKey(InvalidToken):
    """The token is signed with a key that was retired."""

    reason_code = "token_retired_key"


class ClaimMissing(InvalidToken):
    """A claim that every token has is not there."""

    reason_code = "token_claim_missing"


class ClaimUnknown(InvalidToken):
    """The token has a claim that this version does not know and so cannot honour."""

    reason_code = "token_claim_unknown"


class ClaimIllTyped(InvalidToken):
    """A claim has a value that it cannot have, alone or together with another claim."""

    reason_code = "token_claim_ill_typed"


class WrongAudience(InvalidToken):
    """The token is for another gateway."""

    reason_code = "token_wrong_audience"


class NotYetValid(InvalidToken):
    """The token is not valid yet, or the clock of this machine is behind."""

    reason_code = "token_not_yet_valid"


class Expired(InvalidToken):
    """The token is not valid any more."""

    reason_code = "token_expired"


class EpochPassed(InvalidToken):
    """The kill switch was used after the decision that this token stands for."""

    reason_code = "token_epoch"


class ActionMismatch(InvalidToken):
    """The token is for another action."""

    reason_code = "token_action_mismatch"


class ArgumentsMismatch(InvalidToken):
    """The token is for other arguments."""

    reason_code = "token_arguments_mismatch"


class OutsideEnvelope(InvalidToken):
    """The arguments are not inside what the token allows, or not known well enough to tell."""

    reason_code = "token_outside_envelope"


class Replayed(InvalidToken):
    """The token was used before, as often as it may be."""

    reason_code = "token_replayed"


class GatewayRefused(Permit0Error):
    """A gateway refused a call for a reason of its own; nothing ran.

    gateway_error: something failed that never should. Codes of requests over HTTP: request_unmapped,
    request_query, request_content_type, request_encoding, request_length, request_too_large,
    request_body, request_incomplete, request_not_http.
    """

    reason_code = "gateway_error"


class AuditUnavailable(Permit0Error):
    """A record could not be kept. The caller denies.

    Codes of their own: audit_locked, audit_full, audit_read_only, audit_corrupt, audit_newer_schema,
    audit_tampered, audit_replaced, audit_too_large, audit_bad_record, audit_closed, audit_io.
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
