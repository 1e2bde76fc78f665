"""Requests for approval and answers to them, valid by default, for tests that break one thing at a time.

request = request_for(principal="ann")
store.open(request)
store.answer(answer_to(request))                                     # accepted
refusal(store.answer, answer_to(request, by="carol"))                # "approval_answered"
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any

from permit0.errors import InvalidInput
from permit0.model.approval import ApprovalAnswer, ApprovalRequest
from permit0.model.vocabulary import Tier

__all__ = ["AT", "USE_S", "WAIT_S", "answer_to", "refusal", "request_for"]

AT = 1_700_000_000.25
WAIT_S = 300.0  # until a request expires
USE_S = 3600.0  # until an approval does


def request_for(id: str = "0" * 32, **changes: Any) -> ApprovalRequest:  # noqa: A002  # its name
    """A request, valid from AT for WAIT_S; `changes` replace fields."""
    view: Any = changes.get("view", "payments.transfer: 120.50 USD to Vendor Alpha")
    fields: dict[str, Any] = {
        "id": id,
        "decision": "decision-1",
        "tool": "pay",
        "action": "payments.transfer",
        "digest": "1" * 64,
        "session": "session-1",
        "agent": "agent-1",
        "principal": "ann",
        "tier": Tier.HIGH,
        "score": 0.61,
        "reason": "a transfer of this size",
        "view": view,
        "view_digest": hashlib.sha256(str(view).encode(errors="replace")).hexdigest(),
        "created": AT,
        "expires": AT + WAIT_S,
    }
    return ApprovalRequest(**(fields | changes))


def answer_to(request: ApprovalRequest, **changes: Any) -> ApprovalAnswer:
    """A yes by bob, ten seconds after the question; `changes` replace fields."""
    fields: dict[str, Any] = {
        "request": request.id,
        "approved": True,
        "by": "bob",
        "reason": "expected",
        "view_digest": request.view_digest,
        "at": request.created + 10,
    }
    return ApprovalAnswer(**(fields | changes))


def refusal(verb: Callable[..., object], *arguments: Any, **named: Any) -> str:
    """The reason code of the InvalidInput that a call raises."""
    try:
        verb(*arguments, **named)
    except InvalidInput as error:
        return error.reason_code
    raise AssertionError("it was accepted")
