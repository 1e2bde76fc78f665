"""What this distribution contributes to permit0, found through the entry point `llamaindex`.

Guarantees: loading it, or asking it about an object of another framework, does not import llama_index.
Does not: enforce anything; permit0_llamaindex.tools and permit0_llamaindex.agents do.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib.resources.abc import Traversable

from permit0 import Guard, hookimpl
from permit0.integration import Gap, Guarded, Seam, ToolDescription

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

    def gaps(self) -> Sequence[Gap]:
        """What no agent of LlamaIndex can be guarded against here."""
        return (
            Gap("tools of the model's provider", "they run at the provider (built_in_tools)"),
            Gap(
                "code of a CodeActAgent",
                "whether it runs is decided, not what it does: give its executor the functions of "
                "guarded tools and a sandbox",
            ),
            Gap("an agent that only a tool's body knows", "guard that one as well"),
            Gap("steps written by hand", "guard the tools that they call"),
            Gap(
                "a query engine taken out of its tool (`tool.query_engine`, RouterQueryEngine)",
                "nothing passes through the tool then: query through the tool",
            ),
        )

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
            "gaps": tuple(f"{gap.name}: {gap.why}" for gap in self.gaps()),
        }

    def tools(self, obj: object) -> Sequence[ToolDescription] | None:
        """What `permit0 scan` lists."""
        if "llama_index.core" not in sys.modules:
            return None
        from permit0_llamaindex.describing import described

        return described(obj)

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
