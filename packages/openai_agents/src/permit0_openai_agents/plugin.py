"""What this distribution contributes to permit0, found through the entry point `openai_agents`.

Guarantees: loading it does not import agents; `protect` knows an object only if its framework is loaded.
Does not: enforce anything; permit0_openai_agents.hook, .native and .graph do.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib.resources.abc import Traversable
from typing import Any

from permit0 import Guard, hookimpl
from permit0.integration import Guarded, Seam, ToolDescription

__all__ = ["OpenAIAgents", "permit0_integrations", "permit0_pack_files"]

SUPPORT: dict[str, Any] = {
    "framework": "OpenAI Agents SDK",
    "distribution": "openai-agents",
    "versions": "openai-agents 0.18.3 to 0.24.0",
    "hooks": [
        "on_invoke_tool of function tools, MCP tools and agents as tools",
        "tool input guardrail (refusals)",
        "needs_approval (interruptions)",
        "executors of shell, local shell, apply_patch, custom tools and the computer",
        "get_all_tools of the agent's class, handoffs",
    ],
    "observing": ["Permit0RunHooks (ends a run in which something is not guarded)"],
    "approval": "RunState interruptions: approve(state, item, by=...)",
    "gaps": [
        "hosted tools and hosted MCP run on the provider's side",
        "local shell and the computer cannot stop for a person: an approver, or a refusal",
        "a refused computer action ends the run",
        "what Codex does inside of its tool",
        "agents that a tool's own code runs, unless they are guarded themselves",
        "a kill order that comes while the application's on_tool_start hook waits stops the next call",
        "realtime sessions: the same seams, not driven by tests",
    ],
}


class OpenAIAgents:
    """The OpenAI Agents SDK, as far as `permit0.protect` asks."""

    name = "openai-agents"

    def protect(self, obj: object, guard: Guard) -> Guarded[Any] | None:
        """See permit0.integration.Integration."""
        if not hasattr(sys.modules.get("agents"), "AgentBase"):
            return None
        from permit0_openai_agents.entry import protect

        return protect(obj, guard)

    def tools(self, obj: object) -> Sequence[ToolDescription] | None:
        """What `permit0 scan` lists."""
        if not hasattr(sys.modules.get("agents"), "AgentBase"):
            return None
        from permit0_openai_agents.describing import described

        return described(obj)

    def seams(self, guard: Guard) -> Sequence[Seam]:
        """Every path to a tool's body, for `permit0 prove-seams`; imports the framework."""
        from permit0_openai_agents.prove import seams

        return seams(guard)

    def support(self) -> dict[str, Any]:
        """Versions, hooks and gaps, for documents."""
        return dict(SUPPORT)


@hookimpl
def permit0_integrations() -> Sequence[object]:
    """The Agents SDK."""
    return (OpenAIAgents(),)


@hookimpl
def permit0_pack_files() -> Sequence[Traversable]:
    """No packs: the tools of the OpenAI Agents SDK are those of its user."""
    return ()
