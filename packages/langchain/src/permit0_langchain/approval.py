"""Ask a person the way LangGraph does: `interrupt()`, and `Command(resume=...)` with the answer.

    result["__interrupt__"][0].value["view"]                       # what the person is shown
    graph.invoke(Command(resume=answer(interrupt, approved=True, by="alice")), config)

Guarantees:
  1. An answer names its request. One that names another request, or none (a bare True), does not let this call
     run: LangGraph hands out resume values by their order, and order is not identity (langgraph 6533).
  2. An answer for another request of the same session and agent is kept for that one.
  3. A task is only interrupted if it holds this call alone, since resuming runs a task again from its start.
Does not: decide whether an answer counts (the desk does), or run anything.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from langchain_core.runnables import RunnableConfig

from permit0 import ApprovalAnswer, ApprovalRequest, Guard, InvalidInput

__all__ = ["answer", "ask", "is_resumable", "resumable", "task_of"]

KIND = "permit0_approval"
CHECKPOINTER = (
    "__pregel_checkpointer"  # in config["configurable"]; None where nothing can be resumed
)
SCRATCHPAD = "__pregel_scratchpad"
# The desk says that somebody was faster, or that it is too late: the next try tells which.
SETTLED = frozenset({"approval_answered", "approval_expired"})

# For which task, and what; a graph that is run inside of a task has tasks of its own.
_resumable: ContextVar[tuple[str, bool] | None] = ContextVar(
    "permit0_langchain_resumable", default=None
)


def task_of(config: RunnableConfig) -> str:
    """The task of LangGraph that runs; the same when it is resumed. "" outside of a graph."""
    return str((config.get("metadata") or {}).get("langgraph_checkpoint_ns") or "")


@contextmanager
def resumable(value: bool, config: RunnableConfig) -> Iterator[None]:
    """Say whether the task that runs here may be interrupted and run again from its start."""
    token = _resumable.set((task_of(config), value))
    try:
        yield
    finally:
        _resumable.reset(token)


def is_resumable(config: RunnableConfig, *, alone: bool | None) -> bool:
    """Whether an interrupt would reach a person, and run nothing twice when it is answered.

    Args:
        config: Of the run.
        alone: Whether the task holds this call only. None: as `resumable` says, and where nobody did,
            a task that something was sent to is taken to be for one call, as with create_agent.
    """
    settings = config.get("configurable") or {}
    said = _resumable.get()
    known = said[1] if alone is None and said is not None and said[0] == task_of(config) else alone
    if known is None:
        path = (config.get("metadata") or {}).get("langgraph_path") or ("",)
        known = path[0] == "__pregel_push"
    return known and settings.get(CHECKPOINTER) is not None and SCRATCHPAD in settings


def ask(request: ApprovalRequest, guard: Guard, *, approver: str) -> None:
    """Ask until an answer to this request counts or is too late; interrupts while there is none.

    Raises:
        GraphInterrupt: LangGraph's own; the task ends here and is run again with the answer.
        Permit0Error: The answer could not be kept.
    """
    from langgraph.types import interrupt  # two seconds to import, and already there in a graph

    problem = ""
    while True:
        value = interrupt(_question(request, problem))
        given = _read(value, request, approver)
        if given is None:
            problem = "approval_unknown"
            continue
        if given.request != request.id:
            _keep_for_other(given, request, guard)
            continue
        try:
            _desk(guard).answer(given)
        except InvalidInput as error:
            if error.reason_code not in SETTLED:
                problem = error.reason_code
                continue
        return


def answer(
    interrupt: object, *, approved: bool, by: str, reason: str = ""
) -> dict[str, str | bool]:
    """What to resume with, for one interrupt of ours or its `value`.

    With several interrupts at once: `Command(resume={item.id: answer(item, ...) for item in interrupts})`.

    Args:
        interrupt: What the graph gave back under `__interrupt__`.
        approved: The answer. by: the name of the person who gives it. reason: in that person's words.

    Raises:
        InvalidInput: approval_unknown: this interrupt is not one of permit0's.
    """
    value = getattr(interrupt, "value", interrupt)
    if not isinstance(value, Mapping) or value.get("type") != KIND:
        raise InvalidInput(
            "this interrupt does not come from permit0, answer it as its own source asks",
            reason_code="approval_unknown",
        )
    return {
        "request": str(value["request"]),
        "approved": approved,
        "by": by,
        "reason": reason,
        "view_digest": str(value["view_digest"]),
    }


def _question(request: ApprovalRequest, problem: str) -> dict[str, Any]:
    """Plain values, for any checkpointer writes them down. problem: why an earlier answer did not count."""
    return {
        "type": KIND,
        "request": request.id,
        "tool": request.tool,
        "action": request.action,
        "reason": request.reason,
        "tier": request.tier.value,
        "view": request.view,
        "view_digest": request.view_digest,
        "call_id": request.call_id,
        "expires": request.expires,
        "problem": problem,
    }


def _read(value: object, request: ApprovalRequest, approver: str) -> ApprovalAnswer | None:
    if not isinstance(value, Mapping):
        return None
    named, approved = value.get("request"), value.get("approved")
    by, reason = value.get("by") or approver, value.get("reason") or ""
    shown = value.get("view_digest")
    if shown is None and named == request.id:
        shown = request.view_digest
    if type(approved) is not bool or not all(type(i) is str for i in (named, by, reason, shown)):
        return None
    return ApprovalAnswer(
        request=str(named),
        approved=approved,
        by=str(by),
        reason=str(reason),
        view_digest=str(shown),
        at=0.0,
    )


def _keep_for_other(given: ApprovalAnswer, request: ApprovalRequest, guard: Guard) -> None:
    """An answer that was handed to the wrong call."""
    desk = _desk(guard)
    try:
        other = desk.find(given.request)
        same = (other.request.session, other.request.agent) == (request.session, request.agent)
        if same and other.status.value == "pending":
            desk.answer(given)
    except InvalidInput:
        return  # it does not count, and that is on record; this call still waits for its own


def _desk(guard: Guard) -> Any:
    return guard.desk
