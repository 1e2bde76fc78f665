"""permit0 for the OpenAI Agents SDK.

    agent = guard_agent(Agent(name="billing", tools=[...]), permit0.build_guard())
    result = await Runner.run(agent, "...")

Importing this module, or permit0, does not import the framework; the first use of a name below does.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from permit0_openai_agents.approval import approve, question, reject, settle
    from permit0_openai_agents.graph import agent_coverage, guard_agent, guard_tools
    from permit0_openai_agents.hook import guardrails
    from permit0_openai_agents.run_hooks import Permit0RunHooks

__all__ = [
    "Permit0RunHooks",
    "__version__",
    "agent_coverage",
    "approve",
    "guard_agent",
    "guard_tools",
    "guardrails",
    "question",
    "reject",
    "settle",
]

__version__ = "0.1.0"

_HOME = {
    "Permit0RunHooks": "run_hooks",
    "agent_coverage": "graph",
    "approve": "approval",
    "guard_agent": "graph",
    "guard_tools": "graph",
    "guardrails": "hook",
    "question": "approval",
    "reject": "approval",
    "settle": "approval",
}


def __getattr__(name: str) -> object:
    home = _HOME.get(name)
    if home is None:
        raise AttributeError(f"module 'permit0_openai_agents' has no attribute {name!r}")
    value: object = getattr(import_module(f"permit0_openai_agents.{home}"), name)
    globals()[name] = value
    return value
