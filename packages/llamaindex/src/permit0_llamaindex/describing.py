"""What tools an object of LlamaIndex has, for `permit0 scan`.

Guarantees: nothing is changed or run. Names are those by which permit0 judges the calls: code of a CodeActAgent
is `process.run_script`.
Does not: see what a `tool_retriever` would find, or steps that are written by hand.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from llama_index.core.agent.workflow import AgentWorkflow, CodeActAgent
from llama_index.core.agent.workflow.base_agent import BaseWorkflowAgent
from llama_index.core.tools import BaseTool

from permit0.integration import ToolDescription, describe_function
from permit0_llamaindex.agents import CODE_ACTION, EXECUTE

__all__ = ["described"]


def described(obj: object) -> list[ToolDescription] | None:
    """The tools; None if the object is not of this framework."""
    if isinstance(obj, BaseTool):
        return [_tool(obj)]
    if isinstance(obj, BaseWorkflowAgent | AgentWorkflow):
        return list(_agent(obj))
    if isinstance(obj, list | tuple) and any(
        isinstance(item, BaseTool | BaseWorkflowAgent | AgentWorkflow) for item in obj
    ):
        return [found for item in obj for found in _item(item)]
    return None


def _item(item: Any) -> Iterator[ToolDescription]:
    if isinstance(item, BaseWorkflowAgent | AgentWorkflow):
        yield from _agent(item)
    elif isinstance(item, BaseTool):
        yield _tool(item)
    elif callable(item) and hasattr(item, "__name__"):
        yield describe_function(item)


def _agent(agent: BaseWorkflowAgent | AgentWorkflow) -> Iterator[ToolDescription]:
    if isinstance(agent, AgentWorkflow):
        for member in agent.agents.values():
            yield from _agent(member)
        return
    for item in agent.tools or ():
        for found in _item(item):
            is_code = isinstance(agent, CodeActAgent) and found.name == EXECUTE
            yield ToolDescription(CODE_ACTION, found.description) if is_code else found


def _tool(tool: BaseTool) -> ToolDescription:
    metadata = tool.metadata
    return ToolDescription(
        metadata.get_name(), metadata.description or "", metadata.get_parameters_dict()
    )
