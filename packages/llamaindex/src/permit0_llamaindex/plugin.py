"""What this distribution contributes to permit0, found through the entry point `llamaindex`.

Guarantees: loading it, or asking it about an object of another framework, does not import llama_index.
Does not: enforce anything; permit0_llamaindex.tools and permit0_llamaindex.agents do.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib.resources.abc import Traversable

from permit0 import Guard, hookimpl
from permit0.integration import Guarded, Seam

__all__ = ["LlamaIndex", "permit0_integrations", "permit0_pack_files"]


class LlamaIndex:
    """A permit0.integration.Integration."""

    name = "llamaindex"

    def protect(self, obj: object, guard: Guard) -> Guarded[object] | None:
        """None unless the object is a tool, an agent, a workflow, a retriever or a list of them."""
        # No object of a framework without its modules.
        if "llama_index.core" not in sys.modules:
            return None
        from permit0_llamaindex.protecting import protect

        return protect(obj, guard)

    def support(self) -> dict[str, object]:
        """For the table of versions, hooks and gaps."""
        return {
            "framework": "LlamaIndex",
            "package": "permit0-llamaindex",
            "versions": "llama-index-core 0.14.8 to 0.14.25",
            "hooks": (
                "FunctionTool functions (fn, async_fn, real_fn)",
                "call, acall and __call__ of other tools",
                "get_tools and the call_tool step of agents and AgentWorkflow",
                "what a tool_retriever finds",
                "code_execute_fn of CodeActAgent, as process.run_script",
            ),
            "approval": "InputRequiredEvent and HumanResponseEvent, also after Context.to_dict",
            "gaps": (
                "tools that the model's provider runs (built_in_tools)",
                "what code does once a CodeActAgent may run it",
                "an agent that only a tool's body knows, unless it is guarded as well",
                "steps written by hand, and a query engine taken out of its tool",
            ),
        }

    def seams(self, guard: Guard) -> Sequence[Seam]:
        """The paths of this framework, each driven with canary tools; see permit0_llamaindex.prove."""
        from permit0_llamaindex.prove import seams

        return seams(guard)


@hookimpl
def permit0_pack_files() -> Sequence[Traversable]:
    """No packs: the tools of LlamaIndex are those of its user."""
    return ()


@hookimpl
def permit0_integrations() -> Sequence[object]:
    """LlamaIndex."""
    return (LlamaIndex(),)
