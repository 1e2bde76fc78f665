"""Middleware for `create_agent`.

    agent = create_agent(model, tools, middleware=[..., Permit0Middleware(guard)])

Put it last, so that it sees what other middleware made of a call. Enforces: wrap_tool_call and awrap_tool_call
put the guarded tool into the request, and the handler of `callbacks` under it.
Guarantees: a refused tool does not run, the model is told, and the agent goes on, also after a tool with
return_direct; parallel calls are not touched; a call that is retried is decided again.
Does not see: tools of the provider, which run there; other middleware that runs a tool in a way of its own.
`permit0.protect(agent)` guards the tools themselves as well, so that the order does not matter.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from langchain.agents.middleware import AgentMiddleware, hook_config
from langchain_core.messages import ToolMessage
from langgraph.prebuilt.tool_node import ToolCallRequest

from permit0 import Guard
from permit0_langchain.callbacks import Permit0CallbackHandler
from permit0_langchain.hook import Enforcer, ToolRefused
from permit0_langchain.requests import Copies, alone_or_not, prepared, told
from permit0_langchain.translate import Who, was_refused

__all__ = ["Permit0Middleware"]

SHOWN = "shown"  # in the artifact of a refusal: the agent was sent back to the model because of it


class Permit0Middleware(AgentMiddleware[Any, Any, Any]):
    """Asks before every tool of an agent.

    Args:
        guard: Decides and enforces.
        identity: Who calls; by default what `permit0.session` says, else thread_id and the agent's name.
        approver: Name of the person who answers interrupts, where the resume value names none.
        name: Of this middleware; two in one agent need two names.
    """

    def __init__(
        self,
        guard: Guard,
        *,
        identity: Who = None,
        approver: str = "",
        name: str = "Permit0Middleware",
    ) -> None:
        super().__init__()
        self._copies = Copies(Enforcer(guard, identity=identity, approver=approver))
        self._handler = Permit0CallbackHandler(guard, identity=identity, approver=approver)
        self._name = name

    @property
    def name(self) -> str:
        """The same in every process: checkpoints hold it."""
        return self._name

    @property
    def guard(self) -> Guard:
        """What it asks."""
        return self._handler.guard

    def wrap_tool_call(
        self, request: ToolCallRequest, handler: Callable[[ToolCallRequest], Any]
    ) -> Any:
        """Run the tool of a request, guarded."""
        try:
            with alone_or_not(request):
                return handler(prepared(request, self._copies, self._handler))
        except ToolRefused as refusal:
            return told(request, refusal)

    async def awrap_tool_call(
        self, request: ToolCallRequest, handler: Callable[[ToolCallRequest], Awaitable[Any]]
    ) -> Any:
        """Run the tool of a request, guarded."""
        try:
            with alone_or_not(request):
                return await handler(prepared(request, self._copies, self._handler))
        except ToolRefused as refusal:
            return told(request, refusal)

    @hook_config(can_jump_to=["model"])
    def after_agent(self, state: Any, runtime: Any) -> dict[str, Any] | None:
        """A refusal is no answer: where it would end the run (return_direct), the model gets it first."""
        fresh = []
        for message in reversed(state["messages"]):
            if not isinstance(message, ToolMessage):
                break
            if was_refused(message) and not message.artifact["permit0"].get(SHOWN):
                artifact = {"permit0": {**message.artifact["permit0"], SHOWN: True}}
                fresh.append(message.model_copy(update={"artifact": artifact}))
        return {"jump_to": "model", "messages": fresh} if fresh else None

    @hook_config(can_jump_to=["model"])
    async def aafter_agent(self, state: Any, runtime: Any) -> dict[str, Any] | None:
        """As `after_agent`."""
        return self.after_agent(state, runtime)
