"""What `permit0.protect` makes of the objects of this framework.

Guarantees: an object that is known comes back guarded, with a report of what stays open; one of which nothing
can be guarded is reported as open. Graphs and nodes are changed in place, tools are copied.
Does not: import langgraph if nobody has.
"""

from __future__ import annotations

import sys
from typing import Any

from langchain_core.runnables import Runnable
from langchain_core.tools import BaseTool

from permit0 import Guard
from permit0.integration import Coverage, Covered, Gap, Guarded
from permit0_langchain.hook import Enforcer
from permit0_langchain.tools import enforced, open_about

__all__ = ["protected"]

NAME = "langchain"


def protected(obj: object, guard: Guard) -> Guarded[object] | None:
    """The object guarded; None if it is not of this framework."""
    if isinstance(obj, BaseTool):
        return Guarded(enforced(obj, Enforcer(guard)), _of_tools([obj]))
    if isinstance(obj, list | tuple):
        if not any(isinstance(item, BaseTool) for item in obj):
            return None
        tools = [enforced(item, Enforcer(guard)) for item in obj]
        return Guarded(type(obj)(tools), _of_tools(tools))
    if not isinstance(obj, Runnable):
        return None
    return _graph(obj, guard) or _executor(obj, guard) or _bound(obj, guard)


def _graph(obj: Runnable[Any, Any], guard: Guard) -> Guarded[object] | None:
    if "langgraph.pregel" not in sys.modules:
        return None
    from langgraph.prebuilt import ToolNode
    from langgraph.pregel import Pregel

    from permit0_langchain.graphs import Kit, guarded_graph, guarded_node

    if isinstance(obj, Pregel):
        return Guarded(obj, guarded_graph(obj, guard))
    if isinstance(obj, ToolNode):
        return Guarded(obj, guarded_node(obj, Kit(guard)))
    return None


def _executor(obj: Runnable[Any, Any], guard: Guard) -> Guarded[object] | None:
    """AgentExecutor of langchain-classic: it runs the tools of its list, by their names."""
    kinds = [item for item in type(obj).__mro__ if item.__name__ == "AgentExecutor"]
    if not kinds or not kinds[0].__module__.startswith("langchain"):
        return None
    executor: Any = obj
    executor.tools = [enforced(item, Enforcer(guard)) for item in executor.tools]
    direct = [tool for tool in executor.tools if tool.return_direct]
    gaps = tuple(Gap(tool.name, "return_direct: a refusal ends the run here") for tool in direct)
    return Guarded(obj, _of_tools(executor.tools).plus(Coverage(NAME, gaps=gaps)))


def _bound(obj: Runnable[Any, Any], guard: Guard) -> Guarded[object]:
    """with_config, with_retry and so on; a model with tools; any other chain."""
    inner = getattr(obj, "bound", None)
    if isinstance(inner, Runnable) and hasattr(obj, "model_copy"):
        found = protected(inner, guard)
        if found is not None and found.coverage.covered:
            return Guarded(obj.model_copy(update={"bound": found.value}), found.coverage)
    kwargs = getattr(obj, "kwargs", None)
    name = type(inner if isinstance(inner, Runnable) else obj).__name__
    why = (
        "a model with tools runs none of them, guard those that your loop runs with guard_tools"
        if isinstance(kwargs, dict) and "tools" in kwargs
        else "a chain: what it runs cannot be replaced, guard its tools with guard_tools"
    )
    return Guarded(obj, Coverage(NAME, gaps=(Gap(name, why),)))


def _of_tools(tools: list[Any]) -> Coverage:
    covered, gaps = [], []
    for item in tools:
        if isinstance(item, BaseTool):
            covered.append(Covered(item.name, ("tool",)))
            gaps += [Gap(item.name, why) for why in open_about(item)]
        elif isinstance(item, dict):
            kind = str(item.get("type") or item.get("name") or "tool")
            gaps.append(Gap(kind, "runs at the provider of the model"))
        else:
            gaps.append(Gap(type(item).__name__, "no tool that is known"))
    return Coverage(NAME, tuple(covered), tuple(gaps))
