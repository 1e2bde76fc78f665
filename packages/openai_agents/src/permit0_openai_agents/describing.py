"""What tools an object of the OpenAI Agents SDK has, for `permit0 scan`.

Guarantees: nothing is changed or run; agents that can be handed off to, or that are tools, are gone through as
well. Names are those by which permit0 judges the calls: the computer is one tool for each thing that it does.
Does not: start MCP servers, so that what only they list is not found.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from agents import AgentBase, ComputerTool, FunctionTool

from permit0.integration import ToolDescription
from permit0_openai_agents.entry import TOOLS
from permit0_openai_agents.graph import reachable
from permit0_openai_agents.native import COMPUTER_ACTIONS

__all__ = ["described"]


def described(obj: object) -> list[ToolDescription] | None:
    """The tools; None if the object is not of this framework."""
    if isinstance(obj, AgentBase):
        return [found for agent in reachable(obj) for tool in agent.tools for found in _tool(tool)]
    if isinstance(obj, TOOLS):
        return list(_tool(obj))
    if isinstance(obj, list | tuple) and obj and all(isinstance(item, TOOLS) for item in obj):
        return [found for item in obj for found in _tool(item)]
    return None


def _tool(tool: Any) -> Iterator[ToolDescription]:
    if isinstance(tool, ComputerTool):
        for action in sorted(COMPUTER_ACTIONS):
            yield ToolDescription(f"computer_{action}")
        return
    name = getattr(tool, "qualified_name", None) or getattr(tool, "name", type(tool).__name__)
    schema = tool.params_json_schema if isinstance(tool, FunctionTool) else {}
    yield ToolDescription(str(name), str(getattr(tool, "description", None) or ""), schema)
    nested = getattr(tool, "_agent_instance", None)
    if isinstance(nested, AgentBase):
        for agent in reachable(nested):
            for below in agent.tools:
                yield from _tool(below)
