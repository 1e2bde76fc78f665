"""A decision that does not allow becomes the error that the caller of a tool sees.

Guarantees: never returns; the error has the decision, and the reason code of what weighed most.
Does not: decide, or record.
"""

from __future__ import annotations

import logging
from typing import NoReturn

import msgspec

from permit0.errors import ApprovalRequired, Denied
from permit0.model.approval import ApprovalRequest
from permit0.model.decision import Decision
from permit0.model.reason import Reason
from permit0.model.vocabulary import Outcome

__all__ = ["failed", "refuse"]

INTERNAL = "internal_error"

_log = logging.getLogger(__name__)


def refuse(decision: Decision, request: ApprovalRequest | None = None) -> NoReturn:
    """Raise what a decision means. request: what waits for a person, if anything does.

    Raises:
        ApprovalRequired: A person has to be asked.
        Denied: Anything else.
    """
    code = decision.reasons[0].code if decision.reasons else None
    if decision.outcome is Outcome.HUMAN:
        message = f"{decision.tool} needs a person's approval: {decision.reason}"
        raise ApprovalRequired(message, decision=decision, request=request, reason_code=code)
    message = f"{decision.tool} was refused: {decision.reason}"
    raise Denied(message, decision=decision, reason_code=code)


def failed(decision: Decision, error: Exception) -> Denied:
    """The error for a call that was decided, when something failed then that never should."""
    _log.error("a guard failed and refused a call", exc_info=error)
    message = f"the guard failed with {type(error).__name__}, so the call is refused"
    refused = msgspec.structs.replace(
        decision,
        outcome=Outcome.DENY,
        reasons=(Reason(INTERNAL, message), *decision.reasons),
        error=INTERNAL,
    )
    return Denied(f"{decision.tool} was refused: {message}", decision=refused, reason_code=INTERNAL)
