"""Ask a person in LlamaIndex's own way: an InputRequiredEvent out, a HumanResponseEvent back.

    async for event in handler.stream_events():
        if isinstance(event, InputRequiredEvent):
            handler.ctx.send_event(HumanResponseEvent(
                request_id=event.request_id, approved=True, by="alice", reason="expected"))

What goes out has `prefix` (the text for the person), `request_id`, `tool_id`, `tool_name`. What comes back
has the same `request_id`; without `approved` it says that the request was answered elsewhere
(`permit0 approvals`). When an answer did not count, the `request_id` of the next question ends in `.1`.

Guarantees:
  1. An answer counts for the request that it names, whichever waiter the framework hands it to: after a
     restore, LlamaIndex forgets for a moment what its waiters wait for.
  2. What does not count (an answer by nobody, by the agent itself, an `approved` that is no bool) is asked
     again.
  3. An approved call runs once. LlamaIndex starts a step once for every waiter that an event fits, and once
     more after a restore; a start too many does nothing (Starts).
  4. No answer is lost. After a restore, LlamaIndex replaces a waiter that just got its answer by an empty one;
     an answer that no start has taken is sent again (Starts.deliver).
  5. No waiting beyond the time of the request, but in a run that was restored: there, the answer that comes
     too late is refused.
Does not: let anything run. Whoever waits enters the gate again, which looks at the request itself.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from typing import Any

from llama_index.core.workflow import Context, HumanResponseEvent, InputRequiredEvent
from llama_index_instrumentation.dispatcher import active_instrument_tags

from permit0 import ApprovalAnswer, ApprovalRequest, Guard, InvalidInput, Permit0Error

__all__ = ["MAX_ANSWERS", "RUN_ID", "Starts", "wait_for_answer"]

RUN_ID = "llamaindex.run_id"
MAX_ANSWERS = 5
"""Answers to one request that do not count before the call stays refused; each starts the step again."""
MAX_REMEMBERED = 4096  # calls and answers; a start too many, or a lost answer, comes within moments
SEND_AGAIN_S = (
    0.05,
    0.2,
    0.5,
    2.0,
)  # pauses: what is lost is lost in the first moments of a restored run
_COPY = "permit0_copy"

# The request is settled, whatever this answer said: the gate knows the rest.
_SETTLED = frozenset({"approval_answered", "approval_expired", "approval_unknown"})


async def wait_for_answer(
    ctx: Context,
    guard: Guard,
    request: ApprovalRequest,
    *,
    call_id: str,
    approver: str | None,
    starts: Starts,
) -> Permit0Error | None:
    """Wait until somebody answered a request, or its time is over.

    Args:
        ctx: Of the step. LlamaIndex runs the step again from its start when the event is there.
        guard: Whose desk takes the answer.
        request: What is asked. call_id: the framework's id of the call.
        approver: Whose answer it is if the event does not say.
        starts: Hears which answers have arrived.

    Returns:
        Why the last answer does not count; None: enter the gate again.
    """
    problem: Permit0Error | None = None
    for attempt in range(MAX_ANSWERS):
        again = "" if problem is None else f"The last answer did not count: {problem}.\n\n"
        # No two waiters for one answer: it would start the step twice, and the slower start would take
        # the answer back. None: an id of the framework's that two calls with one tool_id do not share.
        asked = f"{request.id}.{attempt}" if attempt else request.id
        try:
            event = await ctx.wait_for_event(
                HumanResponseEvent,
                waiter_event=InputRequiredEvent(
                    prefix=f"{again}{request.view}",
                    request_id=asked,
                    tool_id=call_id,
                    tool_name=request.tool,
                ),
                waiter_id=f"permit0:{asked}" if attempt else None,
                requirements={"request_id": asked},
                timeout=request.expires - request.created,
            )
        except TimeoutError:
            return None
        problem = _take(event, guard, request, approver, starts)
        if problem is None:
            return None
    return problem


def _take(
    event: HumanResponseEvent,
    guard: Guard,
    request: ApprovalRequest,
    approver: str | None,
    starts: Starts,
) -> Permit0Error | None:
    """Hand the answer to the desk; why it does not count, if it does not."""
    answered = str(event.get("request_id"))
    if answered.partition(".")[0] != request.id:
        return InvalidInput("it names another request", reason_code="approval_other_call")
    starts.take(answered)
    approved = event.get("approved")
    if guard.desk is None or approved is None:
        return None
    try:
        guard.desk.answer(
            ApprovalAnswer(
                request=request.id,
                approved=approved,
                by=event.get("by", approver or ""),
                reason=event.get("reason", ""),
                view_digest=request.view_digest,
                at=0.0,
            )
        )
    except Permit0Error as error:
        return None if error.reason_code in _SETTLED else error
    return None


class Starts:
    """Which approved calls were let in or refused, so that the framework cannot start them again; which
    answers have arrived.

    In memory on purpose: in another process, a call that was let in and has no result is asked anew.
    """

    def __init__(self) -> None:
        self._closed: OrderedDict[tuple[str, str], None] = OrderedDict()
        self._taken: OrderedDict[str, None] = OrderedDict()

    def is_closed(self, call_id: str) -> bool:
        """Whether this start of a step is one too many."""
        return _start_of(call_id) in self._closed

    def close(self, call_id: str) -> None:
        """The call of this step runs now, or has its refusal."""
        _remember(self._closed, _start_of(call_id))

    def open(self, call_id: str) -> None:
        """It did not end, and is to be started again."""
        self._closed.pop(_start_of(call_id), None)

    def take(self, request_id: str) -> None:
        """An answer has arrived at the call that asked."""
        _remember(self._taken, request_id)

    async def deliver(self, ctx: Context, answer: HumanResponseEvent) -> None:
        """Send an answer again until it has arrived."""
        asked = answer.get("request_id")
        if not isinstance(asked, str) or answer.get(_COPY):
            return
        for pause_s in SEND_AGAIN_S:
            await asyncio.sleep(pause_s)
            if asked in self._taken:
                return
            ctx.send_event(HumanResponseEvent(**{**dict(answer.items()), _COPY: True}))


def _remember(known: OrderedDict[Any, None], what: object) -> None:
    known[what] = None
    while len(known) > MAX_REMEMBERED:
        known.popitem(last=False)


def _start_of(call_id: str) -> tuple[str, str]:
    """What all starts of one step for one event have in common, and no other call has."""
    run = str(active_instrument_tags.get().get(RUN_ID, ""))
    try:
        # The same after a restore; models repeat the ids of calls from turn to turn.
        from workflows.runtime.types.results import StepWorkerStateContextVar

        item = StepWorkerStateContextVar.get().state.work_item_id
    except (ImportError, LookupError, AttributeError):
        item = None
    return run, call_id if item is None else f"item {item}"
