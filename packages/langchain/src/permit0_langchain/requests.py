"""Calls as a ToolNode and its middleware see them.

Guarantees: the tool of a request is guarded before it can run; what the tool calls is asked about as well.
Does not: decide.
"""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Any

from langchain_core.messages import AIMessage
from langchain_core.runnables import RunnableConfig
from langgraph.prebuilt.tool_node import ToolCallRequest

from permit0_langchain.approval import resumable
from permit0_langchain.callbacks import Permit0CallbackHandler, with_handler
from permit0_langchain.hook import Enforcer, ToolRefused
from permit0_langchain.tools import enforced
from permit0_langchain.translate import refusal_message

__all__ = ["alone_or_not", "prepared", "told"]


def prepared(
    request: ToolCallRequest, enforcer: Enforcer, handler: Permit0CallbackHandler
) -> ToolCallRequest:
    """The request with its tool guarded, and with the handler under it for what is run instead or inside."""
    config = getattr(request.runtime, "config", None)
    if config is not None:
        with_handler(config, handler)
    if request.tool is None:
        return request  # nobody has it yet; if somebody brings it, the handler asks
    guarded = enforced(request.tool, enforcer)
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
    runs all calls of the last message, and would run all of them again.
    """
    config: RunnableConfig = getattr(request.runtime, "config", None) or {}
    path = (config.get("metadata") or {}).get("langgraph_path") or ("",)
    messages = _messages(request.state)
    last = next((item for item in reversed(messages) if isinstance(item, AIMessage)), None)
    alone = path[0] == "__pregel_push" or (last is not None and len(last.tool_calls) == 1)
    return resumable(alone, config)


def _messages(state: object) -> list[Any]:
    if isinstance(state, list):
        return state
    found = state.get("messages") if isinstance(state, dict) else getattr(state, "messages", None)
    return found if isinstance(found, list) else []
