"""What tools an object of CrewAI has, for `permit0 scan`.

Guarantees: nothing is changed or run; of a crew, the tools of its agents, its tasks and its manager, each once.
Does not: see the tools that CrewAI makes when a task starts (delegation, memory, MCP, platform, skills).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from crewai import Crew
from crewai.agents.agent_builder.base_agent import BaseAgent
from crewai.lite_agent import LiteAgent

from permit0.integration import ToolDescription
from permit0_crewai.guarding import TOOLS, agents_of

__all__ = ["described"]


def described(obj: object) -> list[ToolDescription] | None:
    """The tools; None if the object is not of this framework."""
    if isinstance(obj, Crew):
        owners: list[Any] = [*agents_of(obj), *obj.tasks]
        return _tools(tool for owner in owners for tool in owner.tools or ())
    if isinstance(obj, BaseAgent | LiteAgent):
        return _tools(obj.tools or ())
    if isinstance(obj, TOOLS):
        return _tools([obj])
    if isinstance(obj, list | tuple) and obj and all(isinstance(item, TOOLS) for item in obj):
        return _tools(obj)
    return None


def _tools(tools: Iterable[Any]) -> list[ToolDescription]:
    once = {id(tool): tool for tool in tools}
    return [_tool(tool) for tool in once.values() if isinstance(tool, TOOLS)]


def _tool(tool: Any) -> ToolDescription:
    model = tool.args_schema
    return ToolDescription(
        str(tool.name),
        str(tool.description or ""),
        model.model_json_schema() if hasattr(model, "model_json_schema") else {},
    )
