"""What tools an object of LangChain or LangGraph has, for `permit0 scan`.

Guarantees: nothing is changed, run or bound. Tools that run at the model's provider are listed by their kind.
Does not: see tools that a hand-written node uses, or that middleware brings along only when it runs.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any

from langchain_core.runnables import Runnable
from langchain_core.tools import BaseTool

from permit0.integration import ToolDescription

__all__ = ["described"]


def described(obj: object) -> list[ToolDescription] | None:
    """The tools; None if the object is not of this framework."""
    if isinstance(obj, BaseTool):
        return [_tool(obj)]
    if isinstance(obj, list | tuple):
        if not any(isinstance(item, BaseTool) for item in obj):
            return None
        return list(_listed(obj))
    if not isinstance(obj, Runnable):
        return None
    return list(_runnable(obj, set()))


def _listed(items: Any) -> Iterator[ToolDescription]:
    for item in items:
        if isinstance(item, BaseTool):
            yield _tool(item)
        elif isinstance(item, dict):
            yield _from_dict(item)


def _runnable(obj: Any, seen: set[int]) -> Iterator[ToolDescription]:
    if id(obj) in seen:
        return
    seen.add(id(obj))
    if "langgraph.pregel" in sys.modules:
        from langgraph.prebuilt import ToolNode
        from langgraph.pregel import Pregel

        from permit0_langchain.graphs import parts_of

        if isinstance(obj, ToolNode):
            yield from _listed(obj.tools_by_name.values())
            return
        if isinstance(obj, Pregel):
            for node in obj.nodes.values():
                for part in [*parts_of(node.bound), *(node.subgraphs or ())]:
                    yield from _runnable(part, seen)
            return
    kept = getattr(obj, "__dict__", {})  # some runnables make up the attributes that they lack
    if isinstance(obj, BaseTool):
        yield _tool(obj)
    if any(kind.__name__ == "AgentExecutor" for kind in type(obj).__mro__):
        yield from _listed(kept.get("tools") or ())
    kwargs = kept.get("kwargs")
    if isinstance(kwargs, dict) and isinstance(kwargs.get("tools"), list | tuple):
        yield from _listed(kwargs["tools"])
    if isinstance(kept.get("bound"), Runnable):
        yield from _runnable(kept["bound"], seen)


def _tool(tool: BaseTool) -> ToolDescription:
    # What the model is shown: without the arguments that the framework injects.
    shown: Any = tool.tool_call_schema
    schema = shown if isinstance(shown, dict) else shown.model_json_schema()
    return ToolDescription(tool.name, tool.description or "", schema)


def _from_dict(tool: dict[str, Any]) -> ToolDescription:
    """A tool as a provider's interface has it."""
    function = tool.get("function")
    said = function if isinstance(function, dict) else tool
    schema = said.get("parameters") or said.get("input_schema")
    return ToolDescription(
        str(said.get("name") or tool.get("type") or "tool"),
        str(said.get("description") or ""),
        schema if isinstance(schema, dict) else {},
    )
