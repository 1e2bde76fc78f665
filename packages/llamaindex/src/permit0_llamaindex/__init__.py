"""permit0 for LlamaIndex.

    agent = permit0_llamaindex.guard_agent(FunctionAgent(tools=[...], llm=llm))

or `permit0.protect(agent)`. Importing this module, or permit0, does not import the framework; the first use of
one of its names does.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from permit0_llamaindex.agents import guard_agent, guard_retriever
    from permit0_llamaindex.tools import guard_tool, guard_tools
    from permit0_llamaindex.translate import ToolRefused

__all__ = [
    "ToolRefused",
    "__version__",
    "guard_agent",
    "guard_retriever",
    "guard_tool",
    "guard_tools",
]

__version__ = "0.1.0"

_HOME = {
    "ToolRefused": "permit0_llamaindex.translate",
    "guard_agent": "permit0_llamaindex.agents",
    "guard_retriever": "permit0_llamaindex.agents",
    "guard_tool": "permit0_llamaindex.tools",
    "guard_tools": "permit0_llamaindex.tools",
}


def __getattr__(name: str) -> object:
    home = _HOME.get(name)
    if home is None:
        raise AttributeError(f"module 'permit0_llamaindex' has no attribute {name!r}")
    value: object = getattr(import_module(home), name)
    globals()[name] = value
    return value
