"""Guard agents with everything that they can reach, and say what is left open.

The class of the agent is replaced by a subclass of it, so that `clone()` and whatever else copies an agent
stays guarded:
  get_all_tools, get_mcp_tools   what they list is guarded, also what was added since: by hooks, MCP servers
  tool_use_behavior              a refusal never becomes the final output (stop_on_first_tool and the like)
  handoffs                       agents that can be handed off to are guarded in place, at each turn again, and
                                 agents that a handoff makes when it is called are guarded then
Guarantees: an agent is changed in place and returned; guarding twice guards once; with `strict`, a tool that
cannot be guarded ends the run when it is listed.
Does not: guard hosted tools, which run on the provider's side, or agents that the application runs itself
inside of a tool. The first are in the report.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Sequence
from typing import Any, TypeVar

from agents import (
    Agent,
    AgentBase,
    FunctionTool,
    FunctionToolResult,
    Handoff,
    RunContextWrapper,
    ToolsToFinalOutputResult,
)

from permit0 import Guard, InvalidInput
from permit0.integration import Coverage, Covered, Gap
from permit0_openai_agents.binding import FRAMEWORK, Binding
from permit0_openai_agents.hook import GuardedInvoker, guard_function_tool
from permit0_openai_agents.native import guard_native_tool
from permit0_openai_agents.translate import IdentityOption, Refusal

__all__ = [
    "agent_coverage",
    "binding_of",
    "guard_agent",
    "guard_tools",
    "reachable",
    "tools_coverage",
]

MARK = "_permit0"
A = TypeVar("A", bound=AgentBase[Any])
HOSTED = "it runs on the provider's side; use a local tool or a server of agents.mcp instead"
HARMLESS = {"tool_search"}  # finds tools of this agent, and those are guarded
CODEX = "what Codex does inside of the call is not seen; run it where nothing can break"
PROMPT = "a prompt stored at the provider can bring hosted tools; name the tools here instead"
REALTIME = "realtime sessions list and run tools this way as well, but no test drives one"


def guard_agent(
    agent: A,
    guard: Guard,
    *,
    identity: IdentityOption = None,
    approver: str | None = None,
    strict: bool = False,
) -> A:
    """Guard an agent, its tools, its MCP servers, and the agents that it hands off to or has as tools.

    Args:
        agent: Changed in place.
        guard: Decides and enforces.
        identity: Who calls: an Identity, or a function of the run's context; see translate.
        approver: Name of the person behind a bare `state.approve(item)`. Without it only
            `permit0_openai_agents.approve(state, item, by=...)` lets a call run.
        strict: Refuse if something stays open, now and when tools are listed.

    Returns:
        The agent that was given.

    Raises:
        InvalidInput: protect_open: with `strict`, something stays open.
    """
    binding = Binding(guard, identity=identity, approver=approver, strict=strict)
    _guard_graph(agent, binding, set())
    report = agent_coverage(agent)
    if strict and report.gaps:
        raise _open("; ".join(f"{gap.name}: {gap.why}" for gap in report.gaps))
    return agent


def guard_tools(
    tools: Sequence[Any],
    guard: Guard,
    *,
    identity: IdentityOption = None,
    approver: str | None = None,
    strict: bool = False,
) -> list[Any]:
    """Guarded copies of tools, in the same order; hosted tools as they are.

    Args:
        tools: Function tools, local tools of the SDK.
        guard, identity, approver, strict: As for `guard_agent`.

    Raises:
        InvalidInput: protect_open: with `strict`, one of them cannot be guarded.
    """
    binding = Binding(guard, identity=identity, approver=approver, strict=strict)
    return [_guard_tool(binding, tool, "") for tool in tools]


def binding_of(agent: object) -> Binding | None:
    """What guards an agent; None if nothing does."""
    found = getattr(type(agent), MARK, None)
    return found if isinstance(found, Binding) else None


def agent_coverage(agent: AgentBase[Any]) -> Coverage:
    """What of a guarded agent is guarded, and what is not."""
    report = Coverage(FRAMEWORK)
    for found in reachable(agent):
        parts = [Covered(found.name, ("agent",))]
        gaps: list[Gap] = []
        parts.extend(
            Covered(f"{found.name}: MCP server {server.name}", ("agent", "tool"))
            for server in found.mcp_servers
        )
        if getattr(found, "prompt", None) is not None:
            gaps.append(Gap(f"{found.name}: prompt", PROMPT))
        if not isinstance(found, Agent):
            gaps.append(Gap(found.name, REALTIME))
        here = tools_coverage(found.tools, prefix=f"{found.name}: ", where=("agent", "tool"))
        report = report.plus(Coverage(FRAMEWORK, tuple(parts), tuple(gaps))).plus(here)
    return report


def tools_coverage(
    tools: Sequence[Any], *, prefix: str = "", where: tuple[str, ...] = ("tool",)
) -> Coverage:
    """What of guarded tools is guarded, and what is not."""
    covered: list[Covered] = []
    gaps: list[Gap] = []
    below = Coverage(FRAMEWORK)
    for tool in tools:
        name = f"{prefix}{_name(tool)}"
        if _is_open(tool):
            gaps.append(Gap(name, HOSTED))
            continue
        covered.append(Covered(name, where))
        if getattr(tool, "_is_codex_tool", False):
            gaps.append(Gap(name, CODEX))
        nested = getattr(tool, "_agent_instance", None)
        if (
            isinstance(nested, AgentBase) and not prefix
        ):  # with one, the agents are gone through anyway
            below = below.plus(agent_coverage(nested))
    return Coverage(FRAMEWORK, tuple(covered), tuple(gaps)).plus(below)


# ---------------------------------------------------------------- agents


def _guard_graph(agent: AgentBase[Any], binding: Binding, seen: set[int]) -> None:
    if id(agent) in seen:
        return
    seen.add(id(agent))
    known = binding_of(agent)
    if known is not None and known.guard is binding.guard:
        binding = known
    else:
        # Past __setattr__: an agent has one of its own, and this is no attribute of it.
        object.__setattr__(agent, "__class__", _guarded_class(type(agent), binding))
    tools = [_guard_tool(binding, tool, agent.name, seen) for tool in agent.tools]
    if any(new is not old for new, old in zip(tools, agent.tools, strict=True)):
        agent.tools = tools
    _guard_neighbours(agent, binding, seen)


def _guard_neighbours(agent: AgentBase[Any], binding: Binding, seen: set[int]) -> None:
    """Agents that can be handed off to."""
    for item in getattr(agent, "handoffs", ()):
        if isinstance(item, AgentBase):
            _guard_graph(item, binding, seen)
        elif isinstance(item, Handoff):
            _guard_handoff(item, binding)
            target = _target(item)
            if target is not None:
                _guard_graph(target, binding, seen)


def _guard_handoff(item: Handoff[Any, Any], binding: Binding) -> None:
    """The agent that it gives is guarded, also if it is made only then."""
    inner = item.on_invoke_handoff
    known = getattr(inner, MARK, None)
    if isinstance(known, Binding) and known.guard is binding.guard:
        return

    async def handed_off(context: RunContextWrapper[Any], text: str) -> Any:
        target = await inner(context, text)
        if isinstance(target, AgentBase):
            _guard_graph(target, binding, set())
        return target

    setattr(handed_off, MARK, binding)
    item.on_invoke_handoff = handed_off


def _guarded_class(kind: type, binding: Binding) -> type:
    """A subclass that lists guarded tools. A mixin would do, but two bases do not have one layout."""
    found = binding.classes.get(kind)
    if found is not None:
        return found

    async def get_mcp_tools(self: Any, run_context: RunContextWrapper[Any]) -> list[Any]:
        listed = await kind.get_mcp_tools(self, run_context)  # type: ignore[attr-defined]  # a kind of agent
        return [_guard_tool(binding, tool, self.name) for tool in listed]

    async def get_all_tools(self: Any, run_context: RunContextWrapper[Any]) -> list[Any]:
        _guard_neighbours(self, binding, {id(self)})
        listed = await kind.get_all_tools(self, run_context)  # type: ignore[attr-defined]  # a kind of agent
        return _listed(self, binding, listed)

    members: dict[str, Any] = {
        "get_all_tools": get_all_tools,
        "get_mcp_tools": get_mcp_tools,
        MARK: binding,
        # The SDK recognizes an agent of a stored run by the name of its class.
        "__module__": kind.__module__,
        "__qualname__": kind.__qualname__,
    }
    if issubclass(kind, Agent):
        members["tool_use_behavior"] = property(_behaviour, _set_behaviour)
    found = binding.classes[kind] = type(kind.__name__, (kind,), members)
    return found


def _listed(agent: Any, binding: Binding, tools: Sequence[Any]) -> list[Any]:
    """Guarded, and the same objects as in the last listing: the SDK compares them within a turn."""
    before: list[tuple[Any, Any]] = agent.__dict__.get("_permit0_listed", [])
    now: list[tuple[Any, Any]] = []
    for tool in tools:
        same = next(
            (done for raw, done in before if raw is tool and _owner(done) == agent.name), None
        )
        now.append((tool, _guard_tool(binding, tool, agent.name) if same is None else same))
    agent.__dict__["_permit0_listed"] = now
    return [done for _, done in now]


def _owner(tool: Any) -> str | None:
    invoker = getattr(tool, "on_invoke_tool", None)
    return invoker.owner if isinstance(invoker, GuardedInvoker) else None


def reachable(agent: AgentBase[Any]) -> Iterator[AgentBase[Any]]:
    """An agent and all that it hands off to or has as tools, each once."""
    waiting, seen = [agent], {id(agent)}
    while waiting:
        current = waiting.pop(0)
        yield current
        near = [
            _target(item) if isinstance(item, Handoff) else item
            for item in getattr(current, "handoffs", ())
        ]
        near += [getattr(tool, "_agent_instance", None) for tool in current.tools]
        for found in near:
            if isinstance(found, AgentBase) and id(found) not in seen:
                seen.add(id(found))
                waiting.append(found)


def _target(item: Handoff[Any, Any]) -> AgentBase[Any] | None:
    reference = getattr(item, "_agent_ref", None)
    target = reference() if callable(reference) else None
    return target if isinstance(target, AgentBase) else None


# ---------------------------------------------------------------- tools


def _guard_tool(binding: Binding, tool: Any, owner: str, seen: set[int] | None = None) -> Any:
    if isinstance(tool, FunctionTool):
        nested = getattr(tool, "_agent_instance", None)
        if isinstance(nested, AgentBase):
            _guard_graph(nested, binding, set() if seen is None else seen)
        return guard_function_tool(binding, tool, owner)
    guarded = guard_native_tool(binding, tool, owner)
    if guarded is not None:
        return guarded
    if binding.strict and _is_open(tool):
        raise _open(f"{_name(tool)}: {HOSTED}")
    return tool


def _is_open(tool: Any) -> bool:
    if isinstance(tool, FunctionTool):
        return not isinstance(tool.on_invoke_tool, GuardedInvoker)
    return getattr(tool, "_permit0_native", None) is None and _name(tool) not in HARMLESS


def _name(tool: Any) -> str:
    label = getattr(tool, "tool_config", None)
    if isinstance(label, dict) and "server_label" in label:
        return f"{tool.name} ({label['server_label']})"
    return str(getattr(tool, "qualified_name", None) or getattr(tool, "name", type(tool).__name__))


def _open(what: str) -> InvalidInput:
    return InvalidInput(f"it cannot be guarded completely: {what}", reason_code="protect_open")


# ---------------------------------------------------------------- final outputs


CHOSEN = "_permit0_chosen"
Results = list[FunctionToolResult]


def _final_output(chosen: Any) -> Any:
    """The agent's own tool_use_behavior, asked only about what ran."""

    def decide(context: RunContextWrapper[Any], results: Results) -> Any:
        ran = [result for result in results if not _is_refused(context, result)]
        if not ran or (chosen == "stop_on_first_tool" and ran[0] is not results[0]):
            return ToolsToFinalOutputResult(is_final_output=False)
        if chosen == "stop_on_first_tool":
            return ToolsToFinalOutputResult(is_final_output=True, final_output=ran[0].output)
        if not isinstance(chosen, dict):
            return chosen(context, ran)
        names = chosen.get("stop_at_tool_names", [])
        for result in ran:
            if result.tool.name in names or result.tool.qualified_name in names:
                return ToolsToFinalOutputResult(is_final_output=True, final_output=result.output)
        return ToolsToFinalOutputResult(is_final_output=False)

    async def decide_async(context: RunContextWrapper[Any], results: Results) -> Any:
        said = decide(context, results)
        return await said if inspect.isawaitable(said) else said

    # Older releases await nothing but a coroutine function.
    asked = decide_async if inspect.iscoroutinefunction(chosen) else decide
    setattr(asked, CHOSEN, chosen)
    return asked


def _behaviour(agent: Any) -> Any:
    chosen = agent.__dict__.get("tool_use_behavior", "run_llm_again")
    return chosen if chosen == "run_llm_again" else _final_output(chosen)


def _set_behaviour(agent: Any, chosen: Any) -> None:
    agent.__dict__["tool_use_behavior"] = getattr(chosen, CHOSEN, chosen)


def _is_refused(context: RunContextWrapper[Any], result: FunctionToolResult) -> bool:
    """Whether this stands for a call that did not run, because of us or of a person."""
    if isinstance(result.output, Refusal):
        return True
    raw = getattr(result.run_item, "raw_item", None)
    call_id = raw.get("call_id") if isinstance(raw, dict) else getattr(raw, "call_id", None)
    if not isinstance(call_id, str):
        return False
    names = {result.tool.name, result.tool.qualified_name}
    return any(context.is_tool_approved(name, call_id) is False for name in names)
