"""What an agent is told about a call that was refused.

Guarantees: says what was not run and what the agent can do about it; holds no argument value, no rule, limit,
score or tier (an agent that is told "5 of 6" knows what to do next), and no secret.
"""

from __future__ import annotations

from permit0.errors import ApprovalRequired, Denied, InvalidInput, Permit0Error
from permit0.model.approval import ApprovalRequest
from permit0.model.decision import Decision

__all__ = ["refusal_text"]

_WHY = {
    "session_block": "what happened earlier in this session does not allow it",
    "denied_by_list": "the operator does not allow it",
    "killed": "the operator has stopped it",
    "review_denied": "a reviewer refused it",
    "approval_rejected": "a person was asked and said no",
    "approval_timeout": "a person was asked and did not answer in time",
    "approval_used": "its approval was used before",
    "approval_pending": "a person was asked and has not answered yet",
    "approval_self": "an agent cannot approve its own calls",
    "audit_unavailable": "it could not be recorded",
}
_ASK = "a person has to approve it first"
_RISK = "the policy does not allow it"
_TRY = "Do not try it again in other words; go on without it, or tell the user."
_WAIT = "Do not try it again; go on without it until a person has answered, or tell the user."
_REPAIR = "Correct the arguments if you can."
MAX_NAME_CHARS = 80


def refusal_text(error: BaseException) -> str:
    """One or two sentences for the agent.

    Args:
        error: What `Gate.enter` raised; any other exception is a failed check, so a refusal too.
    """
    if isinstance(error, Denied) and isinstance(error.decision, Decision):
        return _of_decision(error, error.decision)
    if isinstance(error, InvalidInput):
        return f"permit0 did not let this call run: {error}. {_REPAIR}"
    if isinstance(error, Permit0Error):
        return f"permit0 did not let this call run: it could not be checked ({error.reason_code}). {_TRY}"
    return f"permit0 did not let this call run: it could not be checked. {_TRY}"


def _of_decision(error: Denied, decision: Decision) -> str:
    name = _name(decision.tool)
    code = decision.reasons[0].code if decision.reasons else ""
    if isinstance(error, ApprovalRequired):
        request = error.request
        waits = f" (request {request.id})" if isinstance(request, ApprovalRequest) else ""
        return f"permit0 did not run {name}: {_WHY.get(code, _ASK)}{waits}. {_WAIT}"
    why = _WHY.get(code)
    if why is not None:
        return f"permit0 did not run {name}: {why}. {_TRY}"
    if decision.error and not decision.actions and decision.error != "internal_error":
        # About the form of the arguments, which the agent can mend; nothing of the policy is in it.
        return f"permit0 did not run {name}: {decision.reason}. {_REPAIR}"
    return f"permit0 did not run {name}: {_RISK}. {_TRY}"


def _name(tool: object) -> str:
    text = str(tool)[:MAX_NAME_CHARS]
    return repr(text) if not text.isidentifier() else text
