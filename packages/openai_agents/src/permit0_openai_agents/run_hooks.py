"""A backstop over a whole run: nothing starts that no guard has let in.

Observes and blocks, and translates nothing: what it finds is an agent or a tool that somebody forgot to
guard, so it ends the run. Parallel calls that were let in may still run. Runs of agents as tools do not
inherit it.
"""

from __future__ import annotations

from typing import Any

from agents import Agent, FunctionTool, RunContextWrapper, RunHooks, Tool
from agents.tool_context import ToolContext

from permit0 import Guard, InvalidInput
from permit0_openai_agents.graph import binding_of
from permit0_openai_agents.hook import GuardedInvoker
from permit0_openai_agents.native import is_guarded_native

__all__ = ["Permit0RunHooks"]


class Permit0RunHooks(RunHooks[Any]):
    """For `Runner.run(..., hooks=Permit0RunHooks(guard))`.

    Args:
        guard: That everything has to be guarded with.
        inner: Hooks of the application; they are called after.
    """

    def __init__(self, guard: Guard, inner: RunHooks[Any] | None = None) -> None:
        self._guard = guard
        self._inner = RunHooks[Any]() if inner is None else inner

    async def on_tool_start(self, context: RunContextWrapper[Any], agent: Any, tool: Tool) -> None:
        """Raises InvalidInput (call_undecided) unless this call was let in."""
        if not self._decided(context, tool):
            raise InvalidInput(
                f"nobody decided this call of {tool.name!r}, guard the agent {agent.name!r} that has it",
                reason_code="call_undecided",
            )
        await self._inner.on_tool_start(context, agent, tool)

    async def on_handoff(
        self, context: RunContextWrapper[Any], from_agent: Any, to_agent: Any
    ) -> None:
        """Raises InvalidInput (agent_unguarded) unless the agent is guarded."""
        binding = binding_of(to_agent)
        if binding is None or binding.guard is not self._guard:
            raise InvalidInput(
                f"the agent {to_agent.name!r} is not guarded, use guard_agent",
                reason_code="agent_unguarded",
            )
        await self._inner.on_handoff(context, from_agent, to_agent)

    async def on_agent_start(self, context: Any, agent: Any) -> None:
        await self._inner.on_agent_start(context, agent)

    async def on_agent_end(self, context: Any, agent: Any, output: Any) -> None:
        await self._inner.on_agent_end(context, agent, output)

    async def on_llm_start(self, context: Any, agent: Any, *args: Any) -> None:
        await self._inner.on_llm_start(context, agent, *args)

    async def on_llm_end(self, context: Any, agent: Agent[Any], response: Any) -> None:
        await self._inner.on_llm_end(context, agent, response)

    async def on_tool_end(self, context: Any, agent: Any, tool: Tool, result: Any) -> None:
        await self._inner.on_tool_end(context, agent, tool, result)

    def _decided(self, context: RunContextWrapper[Any], tool: Tool) -> bool:
        if not isinstance(tool, FunctionTool):
            return is_guarded_native(tool, self._guard)
        invoker = tool.on_invoke_tool
        if not isinstance(invoker, GuardedInvoker) or invoker.binding.guard is not self._guard:
            return False
        if not isinstance(context, ToolContext):
            return False
        return invoker.binding.decided.permits(context.usage, context.tool_call_id)
