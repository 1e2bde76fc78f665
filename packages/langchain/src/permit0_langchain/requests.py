"""Calls as a ToolNode and its middleware see them.

Guarantees: the tool of a request is guarded before it can run; what the tool calls is asked about as well.
Does not: decide.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from contextvars import ContextVar
from typing import Any, cast

from langchain_core.messages import AIMessage
from langchain_core.runnables import RunnableConfig
from langchain_core.tools import BaseTool
from langgraph.prebuilt.tool_node import ToolCallRequest

from permit0_langchain.approval import resumable
from permit0_langchain.callbacks import Permit0CallbackHandler, with_handler
from permit0_langchain.hook import Enforcer, ToolRefused
from permit0_langchain.tools import enforced, is_guarded
from permit0_langchain.translate import refusal_message

__all__ = ["Copies", "alone_or_not", "given", "prepared", "told"]

MAX_COPIES = (
    512  # an agent has fewer tools; one that makes new ones all the time must not fill the memory
)

_sent: ContextVar[int] = ContextVar("permit0_langchain_sent", default=1)


class Copies:
    """Guarded copies of the tools that were seen, so that each is made once. Holds no decision.

    Not safe for threads in that two may make a copy of one tool; either will do.
    """

    def __init__(self, enforcer: Enforcer) -> None:
        self._enforcer = enforcer
        self._known: OrderedDict[int, tuple[BaseTool, tuple[object, object], BaseTool]] = (
            OrderedDict()
        )

    def of(self, tool: BaseTool) -> BaseTool:
        """The guarded tool; itself if it is guarded."""
        if is_guarded(tool, self._enforcer.guard):
            return tool
        bodies = (getattr(tool, "func", None), getattr(tool, "coroutine", None))
        found = self._known.get(id(tool))
        # The tool is held, so that its id is not given to another one.
        if found is not None and found[0] is tool and found[1] == bodies:
            return found[2]
        made: BaseTool = enforced(tool, self._enforcer)
        self._known[id(tool)] = (tool, bodies, made)
        while len(self._known) > MAX_COPIES:
            self._known.popitem(last=False)
        return made


def prepared(
    request: ToolCallRequest, copies: Copies, handler: Permit0CallbackHandler
) -> ToolCallRequest:
    """The request with its tool guarded, and with the handler under it for what is run instead or inside."""
    config = getattr(request.runtime, "config", None)
    if config is not None:
        with_handler(config, handler)
    if request.tool is None:
        return request  # nobody has it yet; if somebody brings it, the handler asks
    guarded = copies.of(request.tool)
    return request if guarded is request.tool else request.override(tool=guarded)


def told(request: ToolCallRequest, refusal: ToolRefused) -> Any:
    """A refusal as the message that answers the call."""
    call = request.tool_call
    return refusal_message(
        refusal.message, code=refusal.reason_code, tool=call["name"], call_id=call["id"] or ""
    )


def alone_or_not(request: ToolCallRequest) -> AbstractContextManager[None]:
    """Say whether the task that runs is this call and nothing else, so that it can be run again.

    `create_agent` sends every call to a task of its own. A node that is entered over an edge, or by a jump,
    runs all calls of the last message, one that several are sent to runs these, and would run all again.
    """
    config = cast("RunnableConfig", getattr(request.runtime, "config", None) or {})
    path = (config.get("metadata") or {}).get("langgraph_path") or ("",)
    messages = _messages(request.state)
    last = next((item for item in reversed(messages) if isinstance(item, AIMessage)), None)
    sent = path[0] == "__pregel_push" and _sent.get() == 1
    return resumable(sent or (last is not None and len(last.tool_calls) == 1), config)


@contextmanager
def given(calls: object) -> Iterator[None]:
    """Note how many calls were sent to a node at once, from its input."""
    token = _sent.set(max(1, len(calls)) if isinstance(calls, list) else 1)
    try:
        yield
    finally:
        _sent.reset(token)


def _messages(state: object) -> list[Any]:
    if isinstance(state, list):
        return state
    found = state.get("messages") if isinstance(state, dict) else getattr(state, "messages", None)
    return found if isinstance(found, list) else []
