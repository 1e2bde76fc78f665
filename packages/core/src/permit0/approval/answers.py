"""Which answers count.

Guarantees: an answer is True or False itself, by somebody with a name; a yes is to what was shown, to a request
that waits, and by nobody who asked for it. Does not: take answers (desk), or know who somebody is.
"""

from __future__ import annotations

import unicodedata

from permit0.errors import InvalidInput
from permit0.model.approval import (
    ApprovalAnswer,
    ApprovalRequest,
    ApprovalState,
    ApprovalStatus,
)
from permit0.visible import escape

__all__ = [
    "MACHINE",
    "MAX_NAME_CHARS",
    "MAX_REASON_CHARS",
    "check_form",
    "check_yes",
    "clean_answer",
    "no_by_machine",
]

MAX_NAME_CHARS = 256
MAX_REASON_CHARS = 2000
MACHINE = "permit0"
"""Who answers when no person did: such an answer is always a no."""


def check_form(answer: ApprovalAnswer) -> None:
    """Refuse what no store should see. Structs do not check what they are made of.

    Raises:
        InvalidInput: approval_bad_answer.
    """
    good = type(answer) is ApprovalAnswer
    if good:
        texts = (answer.request, answer.by, answer.reason, answer.view_digest)
        good = (
            {type(answer.approved)} == {bool}
            and all(type(text) is str for text in texts)
            and bool(answer.by.strip())
            and len(answer.by) <= MAX_NAME_CHARS
            and len(answer.reason) <= MAX_REASON_CHARS
        )
    if not good:
        raise InvalidInput(
            f"an answer is True or False, a name of at most {MAX_NAME_CHARS} characters and a reason of "
            f"at most {MAX_REASON_CHARS}",
            reason_code="approval_bad_answer",
        )


def check_yes(answer: ApprovalAnswer, state: ApprovalState) -> None:
    """Refuse a yes that the store would refuse, or that nobody may give, before it is on record.

    Raises:
        InvalidInput: approval_own_call, approval_view_changed, approval_expired, approval_answered.
    """
    request = state.request
    own = {_folded(request.agent), _folded(request.principal or ""), MACHINE}
    if _folded(answer.by) in own:
        raise InvalidInput(
            "an agent and whoever it acts for cannot approve its calls, ask somebody else",
            reason_code="approval_own_call",
        )
    if answer.view_digest != request.view_digest:
        raise InvalidInput(
            "the answer is about something else than was shown, read the request again",
            reason_code="approval_view_changed",
        )
    if state.status is ApprovalStatus.EXPIRED:
        raise InvalidInput(
            "the time of this request is over, the agent has to ask anew",
            reason_code="approval_expired",
        )
    if state.status is not ApprovalStatus.PENDING:
        raise InvalidInput(
            f"the request is {state.status.value} already, an answer is given once",
            reason_code="approval_answered",
        )


def clean_answer(answer: ApprovalAnswer, *, at: float) -> ApprovalAnswer:
    """The answer with the time of whoever takes it, and with words that pretend nothing."""
    return ApprovalAnswer(
        request=answer.request,
        approved=answer.approved,
        by=escape(answer.by.strip(), alone=True),
        reason=escape(answer.reason.strip(), alone=True),
        view_digest=answer.view_digest,
        at=at,
    )


def no_by_machine(request: ApprovalRequest, why: str, *, at: float) -> ApprovalAnswer:
    """A no that no person said."""
    return ApprovalAnswer(
        request=request.id,
        approved=False,
        by=MACHINE,
        reason=escape(why)[:MAX_REASON_CHARS],
        view_digest=request.view_digest,
        at=at,
    )


def _folded(name: str) -> str:
    """A name as a person reads it: without what is not seen, and without case."""
    seen = "".join(char for char in unicodedata.normalize("NFKC", name) if char.isprintable())
    return seen.casefold().strip()
