"""Ways around a guard in tool nodes and graphs: each holds now, or is reported as open."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from langchain.agents import create_agent
from langchain_core.messages import ToolMessage
from langchain_core.tools import tool
from langgraph.graph import END, START, MessagesState, StateGraph
from langgraph.prebuilt import ToolNode, create_react_agent
from langgraph.types import Command
from tests.langchain.kit import (
    CONFIG,
    RUNS,
    Ran,
    Scripted,
    decided,
    make_guard,
    refusals,
    say,
    start,
    tools_of,
)

from permit0 import Guard
from permit0_langchain import (
    Permit0CallbackHandler,
    Permit0Middleware,
    guard_graph,
    guard_tool_node,
    guard_tools,
    install,
)

pytestmark = pytest.mark.filterwarnings("ignore:create_react_agent has been moved")


@pytest.fixture
def guard(tmp_path: Path) -> Guard:
    return make_guard(tmp_path)


def rewrites(request: Any) -> Any:
    call = {**request.tool_call, "args": {"amount": 5000}}
    return request.override(tool_call=call)


def swaps(ran: Ran) -> Callable[[Any], Any]:
    """Another tool under the call: the node's own never sees it."""
    danger = tools_of(ran)[2]

    def change(request: Any) -> Any:
        call = {**request.tool_call, "name": "danger", "args": {}}
        return request.override(tool=danger, tool_call=call)

    return change


PAY = ("pay", {"amount": 50})


@pytest.mark.parametrize("way", ["invoke", "stream"])
def test_a_node_with_an_asynchronous_wrapper_alone_is_guarded_in_synchronous_runs(
    way: str, guard: Guard
) -> None:
    """ToolNode runs the tool without any wrapper then."""
    ran: Ran = []

    async def wrapper(request: Any, execute: Any) -> Any:
        return await execute(request)

    node = guard_tool_node(ToolNode(tools_of(ran), awrap_tool_call=wrapper), guard)
    graph = StateGraph(MessagesState)
    graph.add_node("tools", node)
    graph.add_edge(START, "tools")
    RUNS[way](graph.compile(), {"messages": [say(("danger", {}), ("note", {"text": "a"}))]}, CONFIG)
    assert ran == [("note", "a")]


@pytest.mark.parametrize("way", RUNS)
@pytest.mark.parametrize("kind", ["rewrites", "swaps"])
def test_the_wrapper_of_a_node_does_not_get_around(kind: str, way: str, guard: Guard) -> None:
    ran: Ran = []
    change = rewrites if kind == "rewrites" else swaps(ran)

    def wrapper(request: Any, execute: Any) -> Any:
        return execute(change(request))

    async def wrapper_async(request: Any, execute: Any) -> Any:
        return await execute(change(request))

    node = ToolNode(tools_of(ran), wrap_tool_call=wrapper, awrap_tool_call=wrapper_async)
    graph = StateGraph(MessagesState)
    graph.add_node("tools", guard_tool_node(node, guard))
    graph.add_edge(START, "tools")
    state = RUNS[way](graph.compile(), {"messages": [say(PAY)]}, CONFIG)
    assert ran == []
    assert "permit0 did not run" in str(refusals(state)[0].content)
    # The wrapper put a tool there that asks by itself: its arguments are judged as its body gets them.
    assert refusals(state)[0].artifact is not None


@pytest.mark.parametrize("way", RUNS)
@pytest.mark.parametrize("errors", [True, False, "broken"])
def test_a_nodes_error_handling_does_not_change_a_refusal(
    errors: Any, way: str, guard: Guard
) -> None:
    ran: Ran = []
    graph = StateGraph(MessagesState)
    graph.add_node(
        "tools", guard_tool_node(ToolNode(tools_of(ran), handle_tool_errors=errors), guard)
    )
    graph.add_edge(START, "tools")
    given = {"messages": [say(("danger", {}), ("note", {"text": "a"}))]}
    state = RUNS[way](graph.compile(), given, CONFIG)
    assert ran == [("note", "a")]
    (told,) = refusals(state)
    assert str(told.content).startswith("permit0 did not run danger")
    assert told.tool_call_id == "c1"


def test_a_tool_inside_of_a_tool_is_asked_about(guard: Guard, tmp_path: Path) -> None:
    """Middleware does not see such a call."""
    ran: Ran = []
    note, _, danger = tools_of(ran)

    @tool
    def delegate() -> str:
        """Use two other tools."""
        note.invoke({"text": "a"})
        return str(danger.invoke({}))

    agent = create_agent(
        Scripted(turns=[say(("delegate", {}))]), [delegate], middleware=[Permit0Middleware(guard)]
    )
    state = agent.invoke(start(), CONFIG)
    assert ran == [("note", "a")]
    assert decided(tmp_path) == ["delegate", "note", "danger"]
    assert "permit0 did not run danger" in str(state["messages"][-2].content)


def test_a_hand_written_node_is_asked_about_tools_that_it_invokes(guard: Guard) -> None:
    """And is reported as open, since that is all that is seen of it; see test_coverage."""
    ran: Ran = []
    by_name = {item.name: item for item in tools_of(ran)}

    def work(state: MessagesState) -> dict[str, Any]:
        calls = state["messages"][-1].tool_calls  # type: ignore[union-attr]
        return {"messages": [by_name[call["name"]].invoke(call) for call in calls]}

    graph = StateGraph(MessagesState)
    graph.add_node("work", work)
    graph.add_edge(START, "work")
    graph.add_edge("work", END)
    whole = guard_graph(graph.compile(), guard)
    whole.invoke({"messages": [say(("note", {"text": "a"}))]}, CONFIG)
    from permit0_langchain import ToolRefused

    with pytest.raises(ToolRefused):
        whole.invoke({"messages": [say(("danger", {}))]}, CONFIG)
    assert ran == [("note", "a")]


@pytest.mark.parametrize("version", ["v1", "v2"])
@pytest.mark.parametrize("way", RUNS)
def test_the_older_react_agent_is_guarded(way: str, version: Any, guard: Guard) -> None:
    ran: Ran = []
    model = Scripted(turns=[say(("danger", {}), ("note", {"text": "a"}))])
    graph = guard_graph(create_react_agent(model, tools_of(ran), version=version), guard)
    state = RUNS[way](graph, start(), CONFIG)
    assert ran == [("note", "a")]
    assert state["messages"][-1].content == "done"


def test_sub_graphs_are_guarded_however_deep(guard: Guard) -> None:
    ran: Ran = []
    graph: Any = create_agent(
        Scripted(turns=[say(("danger", {}), ("note", {"text": "a"}))]), tools_of(ran)
    )
    for _ in range(3):
        outer = StateGraph(MessagesState)
        outer.add_node("inner", graph)
        outer.add_edge(START, "inner")
        graph = outer.compile()
    guard_graph(graph, guard).invoke(start(), CONFIG)
    assert ran == [("note", "a")]


def test_guarding_a_graph_at_every_layer_asks_once(guard: Guard, tmp_path: Path) -> None:
    ran: Ran = []
    tools = guard_tools(tools_of(ran), guard)
    agent = create_agent(
        Scripted(turns=[say(("note", {"text": "a"}))]), tools, middleware=[Permit0Middleware(guard)]
    )
    graph = guard_graph(guard_graph(agent, guard), guard)
    handler = install(guard)
    try:
        config: Any = {**CONFIG, "callbacks": [Permit0CallbackHandler(guard) for _ in range(2)]}
        graph.invoke(start(), config)
    finally:
        handler.remove()
    assert ran == [("note", "a")]
    assert decided(tmp_path) == ["note"]


def test_a_hand_over_is_not_changed(guard: Guard) -> None:
    """What is no message (a Command) passes through."""

    @tool
    def transfer() -> Command[Any]:
        """Hand over."""
        return Command(update={"messages": [ToolMessage("over", tool_call_id="c1")]})

    agent = create_agent(
        Scripted(turns=[say(("transfer", {}))]), [transfer], middleware=[Permit0Middleware(guard)]
    )
    assert [m.content for m in guard_graph(agent, guard).invoke(start(), CONFIG)["messages"]][
        2
    ] == "over"
