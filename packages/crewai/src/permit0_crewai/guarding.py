"""Guard tools, an agent or a crew, and say what is covered.

Guarantees:
  1. What a crew has and will have is guarded: the tools of its agents and of its tasks, its manager, the tools
     that CrewAI makes when a task starts (delegation, memory, MCP, platform, skills), and its copies
     (kickoff_for_each).
  2. Tools are guarded as copies, the same copy wherever the crew had the same tool; agents and crews are
     guarded themselves, so that whoever has one has a guarded one.
  3. What cannot be covered is a Gap.
Does not: decide.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypeVar

from crewai import Agent, Crew
from crewai.agents.agent_builder.base_agent import BaseAgent
from crewai.flow.flow import Flow
from crewai.lite_agent import LiteAgent
from crewai.tools import BaseTool
from crewai.tools.structured_tool import CrewStructuredTool

from permit0 import Guard, Identity, InvalidInput
from permit0.integration import Coverage, Covered, Gap, Guarded
from permit0_crewai.hook import attach
from permit0_crewai.layer import Layer
from permit0_crewai.tools import (
    LAYERS,
    guard_in_place,
    guarded_copy,
    layer_of,
    mark,
    subclass_of,
)

__all__ = [
    "TOOLS",
    "agents_of",
    "guard_agent",
    "guard_crew",
    "guard_tool",
    "guard_tools",
    "protect",
]

T = TypeVar("T", bound=BaseTool | CrewStructuredTool)
A = TypeVar("A", bound=BaseAgent | LiteAgent)

FRAMEWORK = "crewai"
TOOLS = (BaseTool, CrewStructuredTool)
BOTH = ("agent", "tool")


def guard_tool(tool: T, guard: Guard, *, identity: Identity | None = None) -> T:
    """A guarded copy of a tool; the tool itself stays open.

    Args:
        tool: A BaseTool, what `@tool` makes, or a CrewStructuredTool.
        guard: Decides.
        identity: Who calls, if not what permit0.session or CrewAI says.

    Raises:
        InvalidInput: tool_not_known: it is no tool of CrewAI.
    """
    return guard_tools([tool], guard, identity=identity)[0]


def guard_tools(tools: Iterable[T], guard: Guard, *, identity: Identity | None = None) -> list[T]:
    """Guarded copies of tools. Arguments and errors as for `guard_tool`."""
    layer = Layer(guard, identity=identity)
    copies = [guarded_copy(tool, layer) for tool in tools]
    attach(layer)
    return copies


def guard_agent(agent: A, guard: Guard, *, identity: Identity | None = None) -> A:
    """Guard an agent, with or without a crew, and all that it will be given.

    Args:
        agent: It is changed, and returned.
        guard, identity: As for `guard_tool`.

    Raises:
        InvalidInput: agent_not_known: it is no agent of CrewAI.
    """
    if not isinstance(agent, BaseAgent | LiteAgent):
        raise InvalidInput(
            f"{type(agent).__name__!r} is no agent of CrewAI", reason_code="agent_not_known"
        )
    layer = Layer(guard, identity=identity)
    _guard_agent(agent, layer, {})
    attach(layer)
    return agent


def guard_crew(crew: Crew, guard: Guard, *, identity: Identity | None = None) -> Crew:
    """Guard a crew with everything in it, and its copies.

    Args:
        crew: It is changed, and returned.
        guard, identity: As for `guard_tool`.

    Raises:
        InvalidInput: crew_not_known: it is no crew of CrewAI.
    """
    if not isinstance(crew, Crew):
        raise InvalidInput(
            f"{type(crew).__name__!r} is no crew of CrewAI", reason_code="crew_not_known"
        )
    layer = Layer(guard, identity=identity)
    _guard_crew(crew, layer)
    attach(layer)
    return crew


def protect(obj: object, guard: Guard) -> Guarded[object] | None:
    """What permit0.protect asks: the object guarded, or None if it is none of CrewAI's."""
    if isinstance(obj, Crew):
        return Guarded(guard_crew(obj, guard), _crew_coverage(obj))
    if isinstance(obj, BaseAgent | LiteAgent):
        return Guarded(guard_agent(obj, guard), _agent_coverage(obj))
    if isinstance(obj, BaseTool | CrewStructuredTool):
        return Guarded(guard_tool(obj, guard), _tool_coverage([obj]))
    if isinstance(obj, list | tuple) and obj and all(isinstance(item, TOOLS) for item in obj):
        copies = guard_tools(obj, guard)
        return Guarded(type(obj)(copies), _tool_coverage(copies))
    if isinstance(obj, Flow):
        return Guarded(obj, Coverage(FRAMEWORK, gaps=(_flow_gap(obj),)))
    return None


# ---------------------------------------------------------------- agents

Copies = dict[int, tuple[Any, Any]]
"""By the id of a tool: the tool, and its guarded copy."""


def _copies(tools: Iterable[Any], layer: Layer, made: Copies) -> list[Any]:
    guarded = []
    for tool in tools:
        if id(tool) not in made:
            made[id(tool)] = (tool, guarded_copy(tool, layer))
        guarded.append(made[id(tool)][1])
    return guarded


def _guard_agent(agent: BaseAgent | LiteAgent, layer: Layer, made: Copies) -> None:
    # Also a second time: it may have been given tools since.
    agent.__dict__["tools"] = _copies(agent.tools or (), layer, made)
    if isinstance(agent, LiteAgent):
        for structured in agent._parsed_tools:
            guard_in_place(structured, layer)
    if layer_of(agent, layer.guard) is None:
        _become(agent, _agent_class(type(agent), layer), layer)


def _agent_class(cls: type[Any], layer: Layer) -> Any:
    """Its agents guard every tool that they are about to work with. Their copies do the same."""
    complete = getattr(cls, "_add_skill_loader_tool", None)
    if complete is None:
        return subclass_of(cls, {})

    def _add_skill_loader_tool(self: Any, *args: Any, **kwargs: Any) -> list[Any]:
        # The last step in which CrewAI puts together the tools of a task or of a kickoff.
        return _copies(complete(self, *args, **kwargs), layer_of(self, layer.guard) or layer, {})

    return subclass_of(cls, {"_add_skill_loader_tool": _add_skill_loader_tool})


def _become(one: Any, cls: Any, layer: Layer) -> None:
    mark(cls, (*getattr(type(one), LAYERS, ()), layer))
    object.__setattr__(one, "__class__", cls)


# ---------------------------------------------------------------- crews


def _guard_crew(crew: Crew, layer: Layer) -> None:
    made: Copies = {}
    for agent in agents_of(crew):
        _guard_agent(agent, layer, made)
    for task in crew.tasks:
        task.__dict__["tools"] = _copies(task.tools or (), layer, made)
    if layer_of(crew, layer.guard) is None:
        _become(crew, _crew_class(type(crew), layer), layer)


def agents_of(crew: Crew) -> list[BaseAgent]:
    """Every agent of a crew, once."""
    found = [*crew.agents, *(task.agent for task in crew.tasks), crew.manager_agent]
    return list({id(agent): agent for agent in found if agent is not None}.values())


def _crew_class(cls: type[Any], layer: Layer) -> Any:
    def copy(self: Any) -> Crew:
        copied: Crew = cls.copy(self)
        _guard_crew(copied, layer)
        return copied

    def _create_manager_agent(self: Any) -> None:
        cls._create_manager_agent(self)
        if self.manager_agent is not None:
            _guard_agent(self.manager_agent, layer, {})

    def _prepare_tools(self: Any, *args: Any, **kwargs: Any) -> list[Any]:
        # Also for agents of other frameworks, which take these tools and convert them.
        return _copies(cls._prepare_tools(self, *args, **kwargs), layer, {})

    methods: dict[str, Any] = {"copy": copy}
    for method in (_create_manager_agent, _prepare_tools):
        if hasattr(cls, method.__name__):
            methods[method.__name__] = method
    return subclass_of(cls, methods)


# ---------------------------------------------------------------- coverage


def _tool_coverage(tools: Iterable[Any]) -> Coverage:
    return Coverage(FRAMEWORK, tuple(Covered(tool.name, BOTH) for tool in tools))


def _agent_coverage(agent: BaseAgent | LiteAgent) -> Coverage:
    name = " ".join(agent.role.split())
    own = isinstance(agent, Agent | LiteAgent)
    later = Covered(
        f"{name}: tools that CrewAI adds when a task starts", BOTH if own else ("tool",)
    )
    named = tuple(Covered(tool.name, BOTH if own else ("tool",)) for tool in agent.tools or ())
    return Coverage(FRAMEWORK, (*named, later), tuple(_agent_gaps(agent, name)))


def _agent_gaps(agent: BaseAgent | LiteAgent, name: str) -> Iterable[Gap]:
    for tool in _provider_tools(getattr(agent, "llm", None)):
        yield Gap(
            f"{name}: {tool}", "it runs at the model's provider, take it out of the LLM's settings"
        )
    if getattr(agent, "a2a", None):
        yield Gap(f"{name}: a2a", "what a remote agent does is not seen here, guard it there")
    if not isinstance(agent, Agent | LiteAgent):
        yield Gap(
            f"{name}: tools of {type(agent).__name__} itself",
            "it runs in another framework, protect its tools there",
        )


def _provider_tools(llm: object) -> list[str]:
    tools = list(getattr(llm, "builtin_tools", None) or ())
    params = getattr(llm, "additional_params", None)
    given = params.get("tools") if isinstance(params, Mapping) else None
    if isinstance(given, Sequence) and not isinstance(given, str):
        tools += [
            str(tool.get("type", "tool")) if isinstance(tool, Mapping) else str(tool)
            for tool in given
        ]
    return [str(tool) for tool in tools]


def _crew_coverage(crew: Crew) -> Coverage:
    report = Coverage(FRAMEWORK)
    for agent in agents_of(crew):
        report = report.plus(_agent_coverage(agent))
    for task in crew.tasks:
        report = report.plus(_tool_coverage(task.tools or ()))
    if crew.process.value == "hierarchical" and crew.manager_agent is None:
        report = report.plus(Coverage(FRAMEWORK, (Covered("manager: delegation", BOTH),)))
    return report


def _flow_gap(flow: Flow[Any]) -> Gap:
    return Gap(
        type(flow).__name__,
        "the methods of a flow are Python, guard the tools and crews that they use, or the functions",
    )
