"""Drive the real framework with a tool that is allowed and one that is refused, over every path that it offers.

Guarantees: offline (the model is a script); what ran is told by the tools' own bodies, and by nothing else.
Does not: judge the result (`permit0 prove-seams` does).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from langchain_core.callbacks import CallbackManagerForLLMRun
from langchain_core.language_models.chat_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage
from langchain_core.outputs import ChatGeneration, ChatResult
from langchain_core.tools import BaseTool, tool
from pydantic import Field

from permit0 import Guard
from permit0.integration import Seam, SeamResult

__all__ = ["Scripted", "seams", "tool_call"]

READ, DANGER = "permit0_canary_read", "permit0_canary_danger"
Run = Callable[[Any, dict[str, Any]], None]


class Scripted(BaseChatModel):
    """A model that says what it was told to say, and after that "done". seen: what it was asked with."""

    turns: list[AIMessage]
    seen: list[list[BaseMessage]] = Field(default_factory=list)

    @property
    def _llm_type(self) -> str:
        return "scripted"

    def bind_tools(self, tools: Any, **kwargs: Any) -> Any:
        """The script knows its tools."""
        return self

    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        self.seen.append(messages)
        said = self.turns.pop(0) if self.turns else AIMessage("done")
        return ChatResult(generations=[ChatGeneration(message=said)])


def tool_call(name: str, arguments: dict[str, Any], call_id: str) -> Any:
    """One call in a turn of the script."""
    return {"name": name, "args": arguments, "id": call_id, "type": "tool_call"}


def seams(guard: Guard) -> Sequence[Seam]:
    """Every path. The guard allows `permit0_canary_read` and refuses `permit0_canary_danger`."""
    paths = [
        (f"{layer}, {way}", partial(_drive, guard, build, run))
        for layer, build in _LAYERS.items()
        for way, run in _WAYS.items()
    ]
    paths += [
        (f"guard_tools, {way}", partial(_drive_tools, guard, call)) for way, call in _CALLS.items()
    ]
    return tuple(Seam("langchain", path, drive) for path, drive in paths)


def _drive(guard: Guard, build: Callable[..., Any], run: Run) -> SeamResult:
    ran: list[str] = []
    calls = [tool_call(READ, {}, "call-1"), tool_call(DANGER, {}, "call-2")]
    model = Scripted(turns=[AIMessage("", tool_calls=calls)])
    graph, config = build(model, _canaries(ran), guard)
    run(graph, config)
    return SeamResult(READ in ran, DANGER in ran)


def _drive_tools(guard: Guard, call: Callable[[Any], object]) -> SeamResult:
    from permit0_langchain.hook import ToolRefused
    from permit0_langchain.tools import guard_tools

    ran: list[str] = []
    for item in guard_tools(_canaries(ran), guard):
        try:
            call(item)
        except ToolRefused:
            continue
    return SeamResult(READ in ran, DANGER in ran)


def _canaries(ran: list[str]) -> list[BaseTool]:
    @tool(READ)
    def read() -> str:
        """Something harmless."""
        ran.append(READ)
        return "read"

    @tool(DANGER)
    def danger() -> str:
        """Something that must not run."""
        ran.append(DANGER)
        return "done"

    return [read, danger]


def _with_middleware(model: Any, tools: Any, guard: Guard) -> tuple[Any, dict[str, Any]]:
    from langchain.agents import create_agent

    from permit0_langchain.agents import Permit0Middleware

    return create_agent(model, tools, middleware=[Permit0Middleware(guard)]), {}


def _with_protect(model: Any, tools: Any, guard: Guard) -> tuple[Any, dict[str, Any]]:
    from langchain.agents import create_agent

    from permit0_langchain.graphs import guard_graph

    return guard_graph(create_agent(model, tools), guard), {}


def _with_callbacks(model: Any, tools: Any, guard: Guard) -> tuple[Any, dict[str, Any]]:
    from langchain.agents import create_agent

    from permit0_langchain.callbacks import Permit0CallbackHandler

    return create_agent(model, tools), {"callbacks": [Permit0CallbackHandler(guard)]}


def _node(model: Any, tools: Any, guard: Guard) -> tuple[Any, dict[str, Any]]:
    from langgraph.graph import END, START, MessagesState, StateGraph
    from langgraph.prebuilt import ToolNode

    from permit0_langchain.graphs import guard_tool_node

    graph = StateGraph(MessagesState)
    graph.add_node("model", lambda state: {"messages": [model.invoke(state["messages"])]})
    graph.add_node("tools", guard_tool_node(ToolNode(tools), guard))
    graph.add_edge(START, "model")
    graph.add_edge("model", "tools")
    graph.add_edge("tools", END)
    return graph.compile(), {}


def _sub_graph(model: Any, tools: Any, guard: Guard) -> tuple[Any, dict[str, Any]]:
    from langchain.agents import create_agent
    from langgraph.graph import END, START, MessagesState, StateGraph

    from permit0_langchain.graphs import guard_graph

    graph = StateGraph(MessagesState)
    graph.add_node("agent", create_agent(model, tools))
    graph.add_edge(START, "agent")
    graph.add_edge("agent", END)
    return guard_graph(graph.compile(), guard), {}


def _invoke(graph: Any, config: dict[str, Any]) -> None:
    graph.invoke(_start(), config)


def _ainvoke(graph: Any, config: dict[str, Any]) -> None:
    asyncio.run(graph.ainvoke(_start(), config))


def _stream(graph: Any, config: dict[str, Any]) -> None:
    for _ in graph.stream(_start(), config):
        continue


def _astream(graph: Any, config: dict[str, Any]) -> None:
    async def run() -> None:
        async for _ in graph.astream(_start(), config):
            continue

    asyncio.run(run())


def _start() -> Any:
    return {"messages": [HumanMessage("go")]}


_LAYERS = {
    "create_agent with Permit0Middleware": _with_middleware,
    "create_agent, protected": _with_protect,
    "create_agent with Permit0CallbackHandler": _with_callbacks,
    "ToolNode in a graph": _node,
    "agent as a sub-graph": _sub_graph,
}
_WAYS: dict[str, Run] = {
    "invoke": _invoke,
    "ainvoke": _ainvoke,
    "stream": _stream,
    "astream": _astream,
}
_CALLS: dict[str, Callable[[Any], object]] = {
    "invoke": lambda tool: tool.invoke({}),
    "ainvoke": lambda tool: asyncio.run(tool.ainvoke({})),
    "batch": lambda tool: tool.batch([{}]),
    "run": lambda tool: tool.run({}),
    "func": lambda tool: tool.func(),
}
