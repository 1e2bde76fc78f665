"""Which objects of the SDK `permit0.protect` takes, and what it gives back for them."""

from __future__ import annotations

from typing import Any

from agents import (
    AgentBase,
    ApplyPatchTool,
    CodeInterpreterTool,
    ComputerTool,
    CustomTool,
    FileSearchTool,
    FunctionTool,
    HostedMCPTool,
    ImageGenerationTool,
    LocalShellTool,
    ShellTool,
    ToolSearchTool,
    WebSearchTool,
)

from permit0 import Guard
from permit0.integration import Guarded
from permit0_openai_agents.graph import agent_coverage, guard_agent, guard_tools, tools_coverage

__all__ = ["protect"]

TOOLS = (
    ApplyPatchTool,
    CodeInterpreterTool,
    ComputerTool,
    CustomTool,
    FileSearchTool,
    FunctionTool,
    HostedMCPTool,
    ImageGenerationTool,
    LocalShellTool,
    ShellTool,
    ToolSearchTool,
    WebSearchTool,
)


def protect(obj: object, guard: Guard) -> Guarded[Any] | None:
    """An agent (in place), a tool or a list of tools (copies); None for anything else."""
    if isinstance(obj, AgentBase):
        guard_agent(obj, guard)
        return Guarded(obj, agent_coverage(obj))
    if isinstance(obj, TOOLS):
        tools = guard_tools([obj], guard)
        return Guarded(tools[0], tools_coverage(tools))
    if isinstance(obj, list | tuple) and obj and all(isinstance(item, TOOLS) for item in obj):
        tools = guard_tools(obj, guard)
        return Guarded(type(obj)(tools), tools_coverage(tools))
    return None
