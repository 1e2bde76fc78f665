"""Hand in what a person said to a call that waits; CrewAI itself cannot pause a tool call.

    crew.kickoff()                                # the model is told that a person was asked
    for waiting in guard.desk.pending():
        answer(guard, waiting.request.id, approved=True, by="alice")
    crew.kickoff()                                # the very call runs, once

With an approver (`build_guard(approver=...)`) none of this is needed: the hook waits, at most
`approval.timeout_s`, and goes on with what the person said.
Guarantees: the answer is for one request, and so for one call with its arguments, session and agent.
Does not: know who the person is (the caller does), or run anything.
"""

from __future__ import annotations

from permit0 import ApprovalAnswer, Guard, InvalidInput

__all__ = ["answer"]


def answer(guard: Guard, request: str, *, approved: bool, by: str, reason: str = "") -> None:
    """Hand in an answer.

    Args:
        guard: The one that asked.
        request: Id of the request, as in the refusal or in guard.desk.pending().
        approved: What the person said.
        by: Who; neither the agent nor its principal.
        reason: In that person's words.

    Raises:
        InvalidInput: It does not count: approval_unknown, approval_expired, approval_answered, approval_self.
        StateUnavailable, AuditUnavailable: It does not count.
    """
    desk = guard.desk
    if desk is None:
        raise InvalidInput("this guard asks nobody", reason_code="approval_unknown")
    shown = desk.find(request).request
    desk.answer(
        ApprovalAnswer(
            request=shown.id,
            approved=approved,
            by=by,
            reason=reason,
            view_digest=shown.view_digest,
            at=0.0,
        )
    )
