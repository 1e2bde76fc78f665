"""A task that runs several calls is never interrupted: it would run all of them again."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.graph import END, START, MessagesState, StateGraph
from langgraph.prebuilt import ToolNode
from langgraph.types import Send
from tests.langchain.kit import (
    CONFIG,
    RUNS,
    Ran,
    Scripted,
    approve,
    make_guard,
    pending,
    refusals,
    say,
    start,
    tools_of,
)

from permit0 import Guard
from permit0_langchain import guard_tool_node

BIG = ("pay", {"amount": 5000})
BIGGER = ("pay", {"amount": 7000})


@pytest.fixture
def guard(tmp_path: Path) -> Guard:
    return make_guard(tmp_path)


@pytest.fixture
def ran() -> Ran:
    return []


def in_one_task(guard: Guard, ran: Ran, *turns: Any) -> Any:
    """A graph of one's own: all calls of a message run in one task, and would all run again."""
    model = Scripted(turns=list(turns))
    graph = StateGraph(MessagesState)
    graph.add_node("model", lambda state: {"messages": [model.invoke(state["messages"])]})
    graph.add_node("tools", guard_tool_node(ToolNode(tools_of(ran)), guard))
    graph.add_edge(START, "model")
    graph.add_conditional_edges(
        "model", lambda s: "tools" if s["messages"][-1].tool_calls else END, ["tools", END]
    )
    graph.add_edge("tools", "model")
    return graph.compile(checkpointer=InMemorySaver())


@pytest.mark.parametrize("way", RUNS)
def test_a_task_with_several_calls_is_not_interrupted(way: str, guard: Guard, ran: Ran) -> None:
    """The model asks again for this one alone, and then a person can be asked."""
    together = say(("note", {"text": "a"}), BIG)
    alone = say(BIG, first=3)
    graph = in_one_task(guard, ran, together, alone)
    state = RUNS[way](graph, start(), CONFIG)
    assert ran == [("note", "a")]
    (one,) = pending(state)
    assert one.value["call_id"] == "c3"
    state = RUNS[way](graph, approve([one]), CONFIG)
    assert ran == [("note", "a"), ("pay", 5000)]


@pytest.mark.parametrize("way", RUNS)
def test_answers_are_not_misrouted_within_one_task(way: str, guard: Guard, ran: Ran) -> None:
    """Two questions of one task share the order of their answers; here there is never more than one."""
    graph = in_one_task(guard, ran, say(BIG, BIGGER))
    state = RUNS[way](graph, start(), CONFIG)
    assert not pending(state)
    assert ran == []
    assert len(refusals(state)) == 2


@pytest.mark.parametrize("way", RUNS)
def test_a_task_that_several_calls_are_sent_to_is_not_interrupted(
    way: str, guard: Guard, ran: Ran
) -> None:
    graph = StateGraph(MessagesState)
    graph.add_node("model", lambda state: {})
    graph.add_node("tools", guard_tool_node(ToolNode(tools_of(ran)), guard))
    graph.add_edge(START, "model")
    graph.add_conditional_edges(
        "model", lambda s: [Send("tools", s["messages"][-1].tool_calls)], ["tools"]
    )
    whole = graph.compile(checkpointer=InMemorySaver())
    state = RUNS[way](whole, {"messages": [say(("note", {"text": "a"}), BIG)]}, CONFIG)
    assert not pending(state)
    assert ran == [("note", "a")]
    (one,) = pending(RUNS[way](whole, {"messages": [say(BIG, first=3)]}, CONFIG))
    RUNS[way](whole, approve([one]), CONFIG)
    assert ran == [("note", "a"), ("pay", 5000)]
