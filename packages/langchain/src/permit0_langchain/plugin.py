"""What this distribution contributes to permit0, found through the entry point `langchain`.

Guarantees: loading it does not import langchain, langchain_core and langgraph, nor does `protect`, as long as
nobody else has.
Does not: enforce anything; permit0_langchain.hook does.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from importlib.resources.abc import Traversable

from permit0 import Guard, hookimpl
from permit0.integration import Guarded, Seam, ToolDescription

__all__ = ["LangChain", "permit0_integrations", "permit0_pack_files"]


class LangChain:
    """This integration, as permit0 asks for it."""

    name = "langchain"

    def protect(self, obj: object, guard: Guard) -> Guarded[object] | None:
        """A tool, a list of tools, a ToolNode, a compiled graph, guarded; None for the rest."""
        if "langchain_core.tools.base" not in sys.modules:
            return None
        from permit0_langchain.protecting import protected

        return protected(obj, guard)

    def tools(self, obj: object) -> Sequence[ToolDescription] | None:
        """What `permit0 scan` lists."""
        if "langchain_core.tools.base" not in sys.modules:
            return None
        from permit0_langchain.describing import described

        return described(obj)

    def seams(self, guard: Guard) -> Sequence[Seam]:
        """The paths that `permit0 prove-seams` drives."""
        from permit0_langchain.prove import seams

        return seams(guard)

    def support(self) -> Mapping[str, object]:
        """What the table of the README says."""
        return {
            "framework": "LangChain and LangGraph",
            "versions": {
                "langchain": "1.2.15 to 1.4.7",
                "langchain-core": "1.2.10 to 1.7.2",
                "langgraph": "1.1.5 to 1.2.22",
            },
            "hooks": (
                "the bodies of tools (func, coroutine, _run, _arun)",
                "AgentMiddleware.wrap_tool_call and awrap_tool_call",
                "ToolNode wrappers",
                "on_tool_start, synchronous",
            ),
            "approval": "interrupt() and Command(resume=answer(...)), or a blocking approver",
            "gaps": (
                "tools that run at the provider of the model",
                "hand-written nodes, but for the tools that they invoke",
                "the original of a guarded tool, for whoever still holds it",
                "remote graphs",
                "cached results of a node with a cache policy",
            ),
        }


@hookimpl
def permit0_pack_files() -> Sequence[Traversable]:
    """No packs: the tools of LangChain and LangGraph are those of its user."""
    return ()


@hookimpl
def permit0_integrations() -> Sequence[object]:
    """LangChain."""
    return (LangChain(),)
