"""A reason code becomes an HTTP status, in one table.

Guarantees: every error has a status of 400 or above. A code that is not in the table has the status of its
class, so that a new code of an old class is placed.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from permit0.errors import Permit0Error

__all__ = ["STATUS", "status_of"]

STATUS: Mapping[str, int] = MappingProxyType(
    {
        # no token that counts: come back with another one
        "token_invalid": 401,
        "token_missing": 401,
        "token_oversize": 401,
        "token_malformed": 401,
        "token_wrong_version": 401,
        "token_footer": 401,
        "token_unknown_key": 401,
        "token_bad_signature": 401,
        "token_retired_key": 401,
        "token_claim_missing": 401,
        "token_claim_unknown": 401,
        "token_claim_ill_typed": 401,
        "token_not_yet_valid": 401,
        "token_expired": 401,
        # a token that counts, for something else
        "token_wrong_audience": 403,
        "token_epoch": 403,
        "token_action_mismatch": 403,
        "token_arguments_mismatch": 403,
        "token_outside_envelope": 403,
        "killed": 403,
        # a token that was used
        "token_replayed": 409,
        # a request that cannot be read
        "invalid_input": 400,
        "arguments_too_long": 413,
        "request_unmapped": 404,
        "request_query": 400,
        "request_content_type": 415,
        "request_encoding": 415,
        "request_length": 400,
        "request_too_large": 413,
        "request_body": 400,
        "request_incomplete": 400,
        "request_not_http": 403,
        # not the caller's fault
        "state_unavailable": 503,
        "audit_unavailable": 503,
        "gateway_error": 500,
        "permit0_error": 500,
    }
)


def status_of(error: Permit0Error) -> int:
    """The status of a refusal."""
    codes = [error.reason_code, *(getattr(kind, "reason_code", "") for kind in type(error).__mro__)]
    return next(STATUS[code] for code in codes if code in STATUS)
