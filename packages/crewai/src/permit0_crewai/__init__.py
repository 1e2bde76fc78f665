"""permit0 for CrewAI.

    guard_crew    a whole crew: its agents, their tools, the tools of its tasks, its manager
    guard_agent   one agent, for Agent.kickoff
    guard_tools   tools, for Flow methods and everything else that calls them directly
    install       every tool call of every agent in this process, until `uninstall`
    answer        what a person said to a call that waits

Importing this module, or permit0, does not import the framework; the first use of a name below does.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from permit0_crewai.approval import answer
    from permit0_crewai.guarding import guard_agent, guard_crew, guard_tool, guard_tools
    from permit0_crewai.hook import install, uninstall
    from permit0_crewai.translate import Refusal

__all__ = [
    "Refusal",
    "__version__",
    "answer",
    "guard_agent",
    "guard_crew",
    "guard_tool",
    "guard_tools",
    "install",
    "uninstall",
]

__version__ = "0.1.0"

_HOME = {
    "Refusal": "permit0_crewai.translate",
    "answer": "permit0_crewai.approval",
    "guard_agent": "permit0_crewai.guarding",
    "guard_crew": "permit0_crewai.guarding",
    "guard_tool": "permit0_crewai.guarding",
    "guard_tools": "permit0_crewai.guarding",
    "install": "permit0_crewai.hook",
    "uninstall": "permit0_crewai.hook",
}


def __getattr__(name: str) -> object:
    home = _HOME.get(name)
    if home is None:
        raise AttributeError(f"module 'permit0_crewai' has no attribute {name!r}")
    value: object = getattr(import_module(home), name)
    globals()[name] = value
    return value
