"""A person's answer to an interruption of the SDK, with the person's name.

    result = await Runner.run(agent, "...")
    state = result.to_state()                           # may go to JSON, and on in another process
    for item in state.get_interruptions():
        show(question(item).view)                       # what exactly is asked
        approve(state, item, by="alice")                # or reject(state, item, by="alice")
    result = await Runner.run(agent, state)

The SDK's own `state.approve(item)` names nobody, so that it lets nothing run that needs a person: the model
is told that nobody has answered yet, and the log says what to do (guard_agent(approver=...) names a person).
What people answered elsewhere (`permit0 approvals`, a dashboard) is taken over by `settle`; keep the id of
the question for it.
Guarantees: the answer goes to the desk first; if it does not count there, the SDK is not told of a yes.
Does not: run anything, or know that whoever is named it was.

Reason codes, InvalidInput, beside those of the desk: approval_unguarded, approval_ambiguous.
"""

from __future__ import annotations

import json
from typing import Any

from agents import RunState
from agents.items import ToolApprovalItem

from permit0 import ApprovalAnswer, ApprovalRequest, Guard, InvalidInput
from permit0_openai_agents.binding import Binding
from permit0_openai_agents.graph import binding_of
from permit0_openai_agents.hook import GuardedInvoker

__all__ = ["approve", "question", "reject", "settle"]

REJECTED = (
    "permit0 did not run {tool}: a person was asked and said no. "
    "Do not try it again in other words; go on without it, or tell the user."
)
LATE = (
    "permit0 did not run {tool}: a person was asked and did not answer in time. "
    "Do not try it again; go on without it, or tell the user."
)


def question(item: ToolApprovalItem, *, guard: Guard | None = None) -> ApprovalRequest | None:
    """What a person is asked about an interruption, and has not answered yet.

    Args:
        item: Of `result.interruptions` or `state.get_interruptions()`.
        guard: By default that of the item's agent.

    Returns:
        The request: `view` is what to show, `id` by which an answer finds it. None if permit0 asks
        nothing about this call: the SDK or the tool itself stopped it.

    Raises:
        InvalidInput: approval_unguarded; approval_ambiguous: several calls have this id.
    """
    desk = _guard_of(item, guard).desk
    call_id, names = _call_id(item), _names(item)
    found = [
        waiting.request
        for waiting in (() if desk is None else desk.pending())
        if call_id and waiting.request.call_id == call_id and waiting.request.tool in names
    ]
    if len(found) > 1:
        found = [request for request in found if request.agent == item.agent.name]
    if len(found) > 1:
        raise InvalidInput(
            f"several calls with the id {call_id!r} wait for a person, name the request",
            reason_code="approval_ambiguous",
        )
    return found[0] if found else None


def approve(
    state: RunState[Any],
    item: ToolApprovalItem,
    *,
    by: str,
    reason: str = "",
    request: str | None = None,
    guard: Guard | None = None,
) -> None:
    """A person says yes to exactly this call. It runs once, when the run goes on.

    Args:
        state: Of the interrupted run. item: one of its interruptions.
        by: The person. Neither the agent nor its principal.
        reason: In that person's words, for the record.
        request: Id of the question, where `question` finds several.
        guard: By default that of the item's agent.

    Raises:
        InvalidInput: The answer does not count; the SDK is not told of it.
        AuditUnavailable, StateUnavailable: It cannot be kept, so it does not count.
    """
    _remember(item)
    asked = _asked(item, request, guard)
    if asked is None:
        # The SDK stopped it before permit0 was asked; if permit0 asks for a person, this is the answer.
        binding = _binding_of(item)
        if binding is not None:
            binding.said.put((item.tool_name, _call_id(item), item.arguments or ""), (by, reason))
    else:
        _hand_in(item, guard, asked, approved=True, by=by, reason=reason)
    state.approve(item)


def reject(
    state: RunState[Any],
    item: ToolApprovalItem,
    *,
    by: str,
    reason: str = "",
    message: str | None = None,
    request: str | None = None,
    guard: Guard | None = None,
) -> None:
    """A person says no. The call does not run, and the model is told.

    Args:
        state, item, by, reason, request, guard: As for `approve`.
        message: What the model reads instead of our own words.

    Raises:
        InvalidInput, AuditUnavailable, StateUnavailable: As for `approve`. The SDK is told of the no.
    """
    text = REJECTED.format(tool=item.tool_name) if message is None else message
    state.reject(item, rejection_message=text)
    asked = _asked(item, request, guard)
    if asked is not None:
        _hand_in(item, guard, asked, approved=False, by=by, reason=reason)


def settle(
    state: RunState[Any], item: ToolApprovalItem, *, request: str, guard: Guard | None = None
) -> str:
    """Take over what a person answered elsewhere.

    Args:
        state: Of the interrupted run. item: one of its interruptions.
        request: Id of the question about it, see `question`.
        guard: By default that of the item's agent.

    Returns:
        Where the question stands: "pending" (the state is as it was), "approved", "rejected",
        "expired", "used".

    Raises:
        InvalidInput: approval_unknown; approval_other_call: the question is about another call.
    """
    _remember(item)
    desk = _guard_of(item, guard).desk
    if desk is None:
        raise _no_desk()
    found = desk.find(request)
    if found.request.call_id != _call_id(item) or found.request.tool not in _names(item):
        raise InvalidInput(
            "the question is about another call, settle the one that it was asked about",
            reason_code="approval_other_call",
        )
    status = found.status.value
    if status == "approved":
        state.approve(item)
    elif status == "rejected":
        state.reject(item, rejection_message=REJECTED.format(tool=item.tool_name))
    elif status != "pending":
        state.reject(item, rejection_message=LATE.format(tool=item.tool_name))
    return str(status)


def _asked(
    item: ToolApprovalItem, request: str | None, guard: Guard | None
) -> ApprovalRequest | None:
    if request is None:
        return question(item, guard=guard)
    desk = _guard_of(item, guard).desk
    if desk is None:
        raise _no_desk()
    found = desk.find(request).request
    if found.call_id != _call_id(item) or found.tool not in _names(item):
        raise InvalidInput(
            "the question is about another call, answer the one that it was asked about",
            reason_code="approval_other_call",
        )
    return found


def _hand_in(
    item: ToolApprovalItem,
    guard: Guard | None,
    request: ApprovalRequest,
    *,
    approved: bool,
    by: str,
    reason: str,
) -> None:
    desk = _guard_of(item, guard).desk
    if desk is None:
        raise _no_desk()
    desk.answer(
        ApprovalAnswer(
            request=request.id,
            approved=approved,
            by=by,
            reason=reason,
            view_digest=request.view_digest,
            at=0.0,
        )
    )


def _guard_of(item: ToolApprovalItem, guard: Guard | None) -> Guard:
    if guard is not None:
        return guard
    binding = _binding_of(item)
    if binding is None:
        raise InvalidInput(
            f"nothing guards the agent {item.agent.name!r}, name the guard",
            reason_code="approval_unguarded",
        )
    return binding.guard


def _binding_of(item: ToolApprovalItem) -> Binding | None:
    found = binding_of(item.agent)
    if found is not None:
        return found
    for tool in item.agent.tools:
        invoker = getattr(tool, "on_invoke_tool", None)
        if isinstance(invoker, GuardedInvoker) and tool.name == item.tool_name:
            return invoker.binding
        layers = getattr(tool, "_permit0_native", None)
        if layers is not None and tool.name == item.tool_name:
            return layers.binding  # type: ignore[no-any-return]  # see native
    return None


def _remember(item: ToolApprovalItem) -> None:
    """Editors are not told the id of a call; after a restart nobody else knows it."""
    raw, binding = item.raw_item, _binding_of(item)
    operation = raw.get("operation") if isinstance(raw, dict) else getattr(raw, "operation", None)
    if operation is None or binding is None:
        return
    fields = operation if isinstance(operation, dict) else operation.model_dump()
    known = ("type", "path", "diff", "move_to")
    kept = {name: fields[name] for name in known if fields.get(name) is not None}
    binding.patches.put(json.dumps(kept, sort_keys=True, default=str), _call_id(item))


def _call_id(item: ToolApprovalItem) -> str:
    raw = item.raw_item
    found = raw.get("call_id") if isinstance(raw, dict) else getattr(raw, "call_id", None)
    return found if isinstance(found, str) else ""


def _names(item: ToolApprovalItem) -> set[str | None]:
    namespace = item.tool_namespace
    return {item.tool_name, f"{namespace}.{item.tool_name}" if namespace else item.tool_name}


def _no_desk() -> InvalidInput:
    return InvalidInput("this guard asks nobody", reason_code="approval_unknown")
