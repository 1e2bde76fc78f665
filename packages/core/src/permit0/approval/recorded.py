"""What the audit log keeps of an approval: who, when, which request, and never what was shown."""

from __future__ import annotations

from permit0.approval.desk import ApprovalEvent
from permit0.audit.events import EventBody

__all__ = ["event_body"]


def event_body(event: ApprovalEvent) -> EventBody:
    """The body of the record."""
    request = event.request
    return EventBody(
        event=event.event,
        code=event.code,
        by=event.by,
        reason=event.reason,
        tool=request.tool,
        action=request.action,
        session=request.session,
        agent=request.agent,
        principal=request.principal,
        digest=request.digest,
        refs={
            "decision": request.decision,
            "request": request.id,
            "view_digest": request.view_digest,
        },
    )
