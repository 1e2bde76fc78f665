"""What `permit0.protect` does with objects of LlamaIndex, and the report of what stays open.

Guarantees: an object of another framework is left to others; nothing that is known to be open is left out.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from llama_index.core.agent.workflow import AgentWorkflow, CodeActAgent
from llama_index.core.agent.workflow.base_agent import BaseWorkflowAgent
from llama_index.core.objects import ObjectRetriever
from llama_index.core.tools import BaseTool

from permit0 import Guard
from permit0.integration import Coverage, Covered, Gap, Guarded
from permit0_llamaindex.agents import CODE_ACTION, EXECUTE, guard_agent, guard_retriever
from permit0_llamaindex.hook import FRAMEWORK
from permit0_llamaindex.tools import guard_tool, guard_tools

__all__ = ["protect"]

_AGENT = ("agent", "tool")
# Where the clients of model providers keep what the provider runs by itself.
_HOSTED = ("built_in_tools", "built_in_tool", "mcp_servers")


def protect(obj: object, guard: Guard) -> Guarded[object] | None:
    """See permit0.integration.Integration."""
    if isinstance(obj, BaseTool):
        return Guarded(guard_tool(obj, guard), _report(_tool(obj)))
    if isinstance(obj, BaseWorkflowAgent | AgentWorkflow):
        return Guarded(guard_agent(obj, guard), _report(*_agent(obj)))
    if isinstance(obj, ObjectRetriever):
        return Guarded(guard_retriever(obj, guard), _report(_RETRIEVER))
    if isinstance(obj, list | tuple):
        return _many(obj, guard)
    return None


_RETRIEVER = Covered("tool_retriever", ("retriever", "tool"))


def _many(items: list[Any] | tuple[Any, ...], guard: Guard) -> Guarded[object] | None:
    kind = list if isinstance(items, list) else tuple
    if items and all(isinstance(item, BaseWorkflowAgent | AgentWorkflow) for item in items):
        agents = [guard_agent(item, guard) for item in items]
        return Guarded(kind(agents), _report(*(part for item in items for part in _agent(item))))
    # Functions among tools are tools; functions alone could be any framework's.
    if any(isinstance(item, BaseTool) for item in items) and all(
        isinstance(item, BaseTool) or _is_function(item) for item in items
    ):
        tools = guard_tools(items, guard)
        return Guarded(kind(tools), _report(*map(_tool, tools)))
    return None


def _is_function(item: object) -> bool:
    return callable(item) and not isinstance(item, type) and hasattr(item, "__name__")


def _tool(tool: BaseTool) -> Covered:
    return Covered(tool.metadata.get_name(), ("tool",))


def _agent(agent: BaseWorkflowAgent | AgentWorkflow) -> Iterable[Covered | Gap]:
    if isinstance(agent, AgentWorkflow):
        for member in agent.agents.values():
            yield from _agent(member)
        if len(agent.agents) > 1:
            yield Covered("handoff", _AGENT)
        return
    for tool in agent.tools or ():
        name = tool.metadata.get_name() if isinstance(tool, BaseTool) else tool.__name__
        is_code = isinstance(agent, CodeActAgent) and name == EXECUTE
        yield Covered(f"{name} ({CODE_ACTION})" if is_code else name, _AGENT)
    if agent.tool_retriever is not None:
        yield _RETRIEVER
    if isinstance(agent, CodeActAgent):
        yield Gap(
            "code_execute_fn",
            "whether code runs is decided, what allowed code does is not seen: give its executor "
            "the functions of guarded tools (`tool.real_fn`) and run it in a sandbox",
        )
    for attribute in _HOSTED:
        hosted = getattr(agent.llm, attribute, None)
        if hosted:
            yield Gap(
                f"llm.{attribute}",
                "the provider of the model runs these itself, take them out or give the agent tools",
            )


def _report(*parts: Covered | Gap) -> Coverage:
    return Coverage(
        FRAMEWORK,
        tuple(dict.fromkeys(part for part in parts if isinstance(part, Covered))),
        tuple(dict.fromkeys(part for part in parts if isinstance(part, Gap))),
    )
