"""permit0 for LangChain and LangGraph.

Importing this module, or permit0, does not import the framework; the first use of a name does.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from permit0_langchain.agents import Permit0Middleware
    from permit0_langchain.approval import answer
    from permit0_langchain.callbacks import Permit0CallbackHandler, install
    from permit0_langchain.graphs import guard_graph, guard_tool_node
    from permit0_langchain.hook import ToolRefused
    from permit0_langchain.tools import guard_tool, guard_tools

__all__ = [
    "Permit0CallbackHandler",
    "Permit0Middleware",
    "ToolRefused",
    "__version__",
    "answer",
    "guard_graph",
    "guard_tool",
    "guard_tool_node",
    "guard_tools",
    "install",
]

__version__ = "0.1.0"

_HOME = {
    "Permit0CallbackHandler": "callbacks",
    "Permit0Middleware": "agents",
    "ToolRefused": "hook",
    "answer": "approval",
    "guard_graph": "graphs",
    "guard_tool": "tools",
    "guard_tool_node": "graphs",
    "guard_tools": "tools",
    "install": "callbacks",
}


def __getattr__(name: str) -> object:
    home = _HOME.get(name)
    if home is None:
        raise AttributeError(f"module 'permit0_langchain' has no attribute {name!r}")
    value: object = getattr(import_module(f"permit0_langchain.{home}"), name)
    globals()[name] = value
    return value
