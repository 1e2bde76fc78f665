"""What this distribution contributes to permit0, found through the entry point `crewai`.

Guarantees: loading it does not import crewai; an object of CrewAI can only be there if CrewAI was imported.
Does not: enforce anything; permit0_crewai.hook and permit0_crewai.tools do.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib.resources.abc import Traversable

from permit0 import Guard, hookimpl
from permit0.integration import Guarded, Seam, ToolDescription

__all__ = ["CrewAI", "permit0_integrations", "permit0_pack_files"]


class CrewAI:
    """The integration, as permit0.protect and permit0 prove-seams see it."""

    name = "crewai"

    def protect(self, obj: object, guard: Guard) -> Guarded[object] | None:
        """A tool, a list of tools, an agent or a crew, guarded; None for anything else."""
        if "crewai" not in sys.modules:
            return None
        from permit0_crewai.guarding import protect

        return protect(obj, guard)

    def tools(self, obj: object) -> Sequence[ToolDescription] | None:
        """What `permit0 scan` lists."""
        if "crewai" not in sys.modules:
            return None
        from permit0_crewai.describing import described

        return described(obj)

    def seams(self, guard: Guard) -> Sequence[Seam]:
        """The paths of CrewAI on which a tool can be called."""
        from permit0_crewai.prove import seams

        return seams(guard)

    def support(self) -> dict[str, object]:
        """Versions, enforcing hooks and gaps, for the documentation."""
        return {
            "framework": "CrewAI",
            "distribution": "permit0-crewai",
            "requires": "crewai>=1.15.10,<2",
            "versions": "crewai 1.15.10 to 1.15.30",
            "hooks": [
                "before_tool_call hook: decides, also for cached results",
                "tool: func, _run, _arun, run, arun; CrewStructuredTool",
            ],
            "reports": ["after_tool_call hook: text of refusals, cached results", "tool: results"],
            "approval": "a blocking approver with a time limit, or a refusal that names the request; "
            "answer it, kick off again",
            "gaps": [
                "built-in tools of the model's provider (LLM(builtin_tools=...))",
                "remote agents (a2a)",
                "methods of a Flow; the tools and crews that they use are covered once guarded",
                "tools that a checkpoint restored, until the crew is guarded again; `install` covers them",
            ],
        }


@hookimpl
def permit0_pack_files() -> Sequence[Traversable]:
    """No packs: the tools of CrewAI are those of its user."""
    return ()


@hookimpl
def permit0_integrations() -> Sequence[object]:
    """CrewAI."""
    return (CrewAI(),)
