"""Ask the guard before a tool's body, from whichever hook of LangChain that is.

Enforce: the functions and methods of tools (tools), and the start of a tool's run (callbacks, for tools that
are not guarded themselves). Middleware and tool nodes (agents, graphs) see to it that one of these is in place.
Only observe: nothing. Tested with the releases that `support()` of the plugin names.
Guarantees: returning from `admit` is the permission to run the body once, with `entry.arguments`; every
failure is a ToolRefused; an approval is asked for with LangGraph's interrupt where that runs nothing twice.
Does not: decide (guard), run anything, or see a call that uses none of the hooks: an original object that
somebody kept, provider-side tools, code that does the work without a tool.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Collection
from contextvars import ContextVar
from functools import cache
from typing import Any

from langchain_core.runnables import RunnableConfig
from langchain_core.tools import ToolException

from permit0 import ApprovalRequest, ApprovalRequired, Guard, OutcomeUnrecorded, Permit0Error
from permit0.integration import Entry, Gate, refusal_text
from permit0_langchain.approval import ask, is_resumable, task_of
from permit0_langchain.translate import Who, identity_of

__all__ = ["Enforcer", "Running", "ToolRefused", "is_control_flow", "refused", "report", "running"]

_log = logging.getLogger(__name__)
TOOL_NODE = "langgraph.prebuilt.tool_node"


class ToolRefused(ToolException, Permit0Error):
    """A tool was not run. Its text is for the agent; `error` is what the guard raised."""

    reason_code = "denied"

    def __init__(self, tool: str, error: BaseException) -> None:
        text = refusal_text(error)
        Exception.__init__(self, text)  # the other bases ask for what there is not
        self.error = error
        self.reason_code = getattr(error, "reason_code", "internal_error")
        # ToolNode hands the message of its own kind of error to the model, see `refused`.
        self.message = text
        self.tool_name = tool
        self.tool_kwargs: dict[str, Any] = {}
        self.source = None
        self.filtered_errors = None


def refused(tool: str, error: BaseException) -> ToolRefused:
    """The refusal to raise.

    Where a ToolNode could meet it, it is also of the kind that ToolNode turns into a message by default;
    it raises any other, and the run would end.
    """
    if isinstance(error, ToolRefused):
        return error
    node = sys.modules.get(TOOL_NODE)
    kind = getattr(node, "ToolInvocationError", None)
    return ToolRefused(tool, error) if kind is None else _of_node(kind)(tool, error)


@cache
def _of_node(kind: type[Exception]) -> type[ToolRefused]:
    return type("ToolRefused", (ToolRefused, kind), {"__module__": __name__, "__doc__": None})


class Running:
    """One run of a guarded tool, from `run` to the body. begun: the body has started."""

    __slots__ = ("begun", "call_id", "config", "guards", "keys", "name", "refusal")

    def __init__(
        self,
        *,
        name: str,
        keys: Collection[object],
        guards: Collection[Guard],
        call_id: str | None,
        config: RunnableConfig | None,
    ) -> None:
        self.name = name
        self.keys = keys
        self.guards = guards
        self.call_id = call_id
        self.config = config
        self.begun = False
        self.refusal: ToolRefused | None = None

    def decides(self, guard: Guard, name: str) -> bool:
        """Whether the tool itself will ask this guard, so that a callback need not."""
        return not self.begun and self.name == name and any(guard is item for item in self.guards)


running: ContextVar[Running | None] = ContextVar("permit0_langchain_running", default=None)


class Enforcer:
    """One guard, and how this integration uses it.

    Args:
        guard: Decides and enforces.
        identity: Who calls; by default what `permit0.session` says, else thread_id and the agent's name.
        approver: Name of the person who answers, where the resume value names none.
    """

    def __init__(self, guard: Guard, *, identity: Who = None, approver: str = "") -> None:
        self.guard = guard
        self._gate = Gate(guard, framework="langchain")
        self._who = identity
        self._approver = approver

    def admit(
        self,
        tool: str,
        arguments: dict[str, object],
        *,
        config: RunnableConfig,
        call_id: str,
        description: str = "",
        schema: str = "",
        alone: bool | None = None,
    ) -> Entry:
        """Returning is the permission to run the body, once.

        Args:
            tool: Its name. arguments: by name, JSON only. description, schema: what it says of itself.
            config: Of the run. call_id: the model's id of the call; else the task's is taken.
            alone: Whether the task holds this call only, if the caller knows.

        Raises:
            ToolRefused: It may not run.
            GraphInterrupt: LangGraph's own: a person is asked.
        """
        try:
            asked = self._asked(config, call_id, description, schema)
            try:
                return self._gate.enter(tool, arguments, **asked)
            except ApprovalRequired as waiting:
                request = self._open(waiting, config, alone)
            ask(request, self.guard, approver=self._approver)
            return self._gate.enter(tool, arguments, **asked)
        except Exception as error:  # boundary: whatever failed, the body does not run
            if is_control_flow(error):
                raise
            raise refused(tool, error) from error

    async def admit_async(
        self,
        tool: str,
        arguments: dict[str, object],
        *,
        config: RunnableConfig,
        call_id: str,
        description: str = "",
        schema: str = "",
        alone: bool | None = None,
    ) -> Entry:
        """As `admit`; other tasks go on while an approver is asked."""
        try:
            asked = self._asked(config, call_id, description, schema)
            try:
                return await self._gate.enter_async(tool, arguments, **asked)
            except ApprovalRequired as waiting:
                request = self._open(waiting, config, alone)
            ask(request, self.guard, approver=self._approver)
            return await self._gate.enter_async(tool, arguments, **asked)
        except Exception as error:  # boundary: as above
            if is_control_flow(error):
                raise
            raise refused(tool, error) from error

    def _asked(
        self, config: RunnableConfig, call_id: str, description: str, schema: str
    ) -> dict[str, Any]:
        # A task keeps its namespace when it is resumed, so that a call without an id meets its request again.
        return {
            "call_id": call_id or task_of(config),
            "identity": identity_of(config, self._who),
            "description": description,
            "schema": schema,
        }

    def _open(
        self, waiting: ApprovalRequired, config: RunnableConfig, alone: bool | None
    ) -> ApprovalRequest:
        request = waiting.request
        if not isinstance(request, ApprovalRequest) or not is_resumable(config, alone=alone):
            raise waiting
        return request


def report(entry: Entry, result: object, tool: str) -> None:
    """Tell what a tool gave back. It has run: failing now would make an agent call it again."""
    try:
        entry.report(result)
    except OutcomeUnrecorded as error:
        _log.error("%r ran, and what came of it is not on record: %s", tool, error)


def is_control_flow(error: Exception) -> bool:
    """Whether LangGraph raised it to end a task, and not because something failed."""
    bubble = getattr(sys.modules.get("langgraph.errors"), "GraphBubbleUp", None)
    return bubble is not None and isinstance(error, bubble)
