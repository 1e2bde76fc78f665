"""Every way to run an agent, with every verdict, at every layer that enforces: no refused body ever runs.

The witness is the list that the bodies write to. Shapes of an agent:
  plain      one call                          parallel   beside a call that is allowed
  retry      under ToolRetryMiddleware         nested     inside the body of another tool
  sub-agent  by an agent that a tool runs      handoff    by an agent that another agent hands over to
Cells that do not exist, left out by construction:
  retry      with callbacks alone and tools alone: the same code path as plain
  nested     an interrupt: it would start the outer tool again, so the call waits for an approver instead,
             see test_approval
  hangs      in all shapes but plain and parallel, and streamed: what hangs is the approver, whatever the shape
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import pytest
from langchain.agents import create_agent
from langchain.agents.middleware import ToolRetryMiddleware
from langchain_core.messages import AIMessage, ToolMessage
from langchain_core.tools import BaseTool, InjectedToolCallId, tool
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.graph import START, MessagesState, StateGraph
from langgraph.types import Command
from tests.langchain.kit import (
    CONFIG,
    RUNS,
    Ran,
    Scripted,
    Sleeper,
    approve,
    break_state,
    decided,
    make_guard,
    pending,
    refusals,
    reject,
    say,
    start,
    tools_of,
)

from permit0 import Guard
from permit0_langchain import Permit0CallbackHandler, Permit0Middleware, guard_graph, guard_tools

LAYERS = ("middleware", "protect", "tools", "callbacks")
SHAPES = ("plain", "parallel", "retry", "nested", "sub-agent", "handoff")

CALLS: dict[str, tuple[str, dict[str, Any]]] = {
    "allow": ("pay", {"amount": 50}),
    "approved": ("pay", {"amount": 5000}),
    "rejected": ("pay", {"amount": 5000}),
    "deny": ("danger", {}),
    "raises": ("pay", {"amount": 50}),
    "hangs": ("pay", {"amount": 5000}),
}


class Agents:
    """Builds agents that are guarded at one layer."""

    def __init__(self, layer: str, guard: Guard) -> None:
        self.layer = layer
        self.guard = guard
        handlers = [Permit0CallbackHandler(guard)] if layer == "callbacks" else []
        self.config: Any = {**CONFIG, "callbacks": handlers}

    def agent(
        self,
        turns: Sequence[AIMessage],
        tools: Sequence[BaseTool],
        around: Sequence[Any] = (),
        **more: Any,
    ) -> Any:
        model = Scripted(turns=list(turns))
        middleware = [
            *around,
            *([Permit0Middleware(self.guard)] if self.layer == "middleware" else []),
        ]
        held = guard_tools(tools, self.guard) if self.layer == "tools" else list(tools)
        return self.whole(create_agent(model, held, middleware=middleware, **more))

    def whole(self, graph: Any) -> Any:
        return guard_graph(graph, self.guard) if self.layer == "protect" else graph


def build(shape: str, agents: Agents, call: tuple[str, dict[str, Any]], ran: Ran) -> Any:
    """An agent that makes one call in one shape."""
    tools, saver = tools_of(ran), InMemorySaver()
    match shape:
        case "parallel":
            return agents.agent(
                [say(("note", {"text": "beside"}), call)], tools, checkpointer=saver
            )
        case "retry":
            retry = ToolRetryMiddleware(max_retries=1, initial_delay=0.0, jitter=False)
            return agents.agent([say(call)], tools, [retry], checkpointer=saver)
        case "nested":
            by_name = {item.name: item for item in tools}

            @tool
            def delegate() -> str:
                """Use another tool."""
                return str(by_name[call[0]].invoke(call[1]))

            if agents.layer == "tools":
                by_name = {item.name: item for item in guard_tools(tools, agents.guard)}
            return agents.agent([say(("delegate", {}))], [delegate], checkpointer=saver)
        case "sub-agent":
            inner = agents.agent([say(call, first=7)], tools)

            @tool("delegate")
            async def delegate_async() -> str:
                """Let another agent do it."""
                return str((await inner.ainvoke(start()))["messages"][-1].content)

            @tool("delegate")
            def delegate_sync() -> str:
                """Let another agent do it."""
                return str(inner.invoke(start())["messages"][-1].content)

            delegate_sync.coroutine = delegate_async.coroutine  # type: ignore[attr-defined]
            return agents.agent([say(("delegate", {}))], [delegate_sync], checkpointer=saver)
        case "handoff":

            @tool
            def transfer(call_id: Annotated[str, InjectedToolCallId]) -> Command[Any]:
                """Hand over to the second agent."""
                told = ToolMessage("handed over", tool_call_id=call_id)
                return Command(goto="second", graph=Command.PARENT, update={"messages": [told]})

            parent = StateGraph(MessagesState)
            parent.add_node("first", agents.agent([say(("transfer", {}))], [transfer]))
            parent.add_node("second", agents.agent([say(call, first=7)], tools))
            parent.add_edge(START, "first")
            return agents.whole(parent.compile(checkpointer=saver))
        case _:
            return agents.agent([say(call)], tools, checkpointer=saver)


def run(way: str, graph: Any, agents: Agents, verdict: str) -> Any:
    """Run until nobody is asked any more."""
    state = RUNS[way](graph, start(), agents.config)
    for _ in range(3):
        if not pending(state):
            break
        answer = approve if verdict == "approved" else reject
        state = RUNS[way](graph, answer(pending(state)), agents.config)
    assert not pending(state)
    return state


def exists(layer: str, shape: str, verdict: str) -> bool:
    """Whether a cell of the matrix is there at all; see the top of this file."""
    if shape == "retry":
        return layer in {"middleware", "protect"} and verdict not in {
            "approved",
            "rejected",
            "hangs",
        }
    if shape == "nested":
        return verdict not in {"approved", "rejected", "hangs"}
    return verdict != "hangs" or shape in {"plain", "parallel"}


CELLS = [
    pytest.param(layer, shape, verdict, way, id=f"{layer}-{shape}-{verdict}-{way}")
    for layer in LAYERS
    for shape in SHAPES
    for verdict in CALLS
    for way in RUNS
    if exists(layer, shape, verdict)
    # A second of waiting each; a stream runs the same tasks.
    if not (verdict == "hangs" and "stream" in way)
]


@pytest.mark.parametrize(("layer", "shape", "verdict", "way"), CELLS)
def test_no_refused_body_runs_and_every_allowed_one_runs_once(
    layer: str, shape: str, verdict: str, way: str, tmp_path: Path
) -> None:
    ran: Ran = []
    guard = make_guard(
        tmp_path,
        timeout_s=1 if verdict == "hangs" else 60,
        approver=Sleeper() if verdict == "hangs" else None,
    )
    agents = Agents(layer, guard)
    name, arguments = CALLS[verdict]
    graph = build(shape, agents, (name, arguments), ran)
    if verdict == "raises":
        break_state(tmp_path)
    state = run(way, graph, agents, verdict)
    runs = [item for item in ran if item[0] == name]
    beside = [item for item in ran if item[0] == "note"]
    if verdict in {"allow", "approved"}:
        assert runs == [("pay", arguments["amount"])]
    else:
        assert runs == []
    if shape == "parallel" and verdict != "raises":
        assert beside == [("note", "beside")]
    assert state["messages"][-1].content == "done"
    if shape in {"plain", "parallel", "retry"} and verdict not in {"allow", "approved"}:
        told = refusals(state)
        assert told
        assert all("permit0" in str(message.content) for message in told)


@pytest.mark.parametrize("layer", LAYERS)
@pytest.mark.parametrize("verdict", ["allow", "approved", "rejected", "deny"])
@pytest.mark.parametrize("way", ["invoke", "ainvoke"])
def test_one_call_is_one_decision(layer: str, verdict: str, way: str, tmp_path: Path) -> None:
    ran: Ran = []
    agents = Agents(layer, make_guard(tmp_path))
    graph = build("plain", agents, CALLS[verdict], ran)
    run(way, graph, agents, verdict)
    assert decided(tmp_path)[:1] == [CALLS[verdict][0]]
    made = decided(tmp_path)
    assert len(made) == (2 if verdict == "rejected" else 1), made
