"""What `permit0.protect` recognises, and what it says is still open."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from langchain.agents import create_agent
from langchain_core.runnables import Runnable, RunnableLambda, RunnablePassthrough
from langchain_core.tools import BaseTool, StructuredTool
from langgraph.graph import START, MessagesState, StateGraph
from langgraph.prebuilt import ToolNode, create_react_agent
from langgraph.types import CachePolicy
from tests.langchain.kit import CONFIG, Ran, Scripted, make_guard, say, start, tools_of

import permit0
from permit0 import Guard, InvalidInput
from permit0.integration import Coverage, CoverageWarning


@pytest.fixture
def guard(tmp_path: Path) -> Guard:
    return make_guard(tmp_path)


def open_(obj: object, guard: Guard) -> list[str]:
    """The names of what stays open; strict refuses for the same reason."""
    with pytest.warns(CoverageWarning):
        guarded = permit0.protect(obj, guard=guard)
    with pytest.raises(InvalidInput) as error:
        permit0.protect(obj, guard=guard, strict=True)
    assert error.value.reason_code == "protect_open"
    return [gap.name for gap in permit0.coverage(guarded).gaps]


def covered(obj: object) -> dict[str, tuple[str, ...]]:
    report: Coverage = permit0.coverage(obj)
    return {item.name: item.where for item in report.covered}


def test_a_tool_and_a_list_of_tools_are_covered(guard: Guard) -> None:
    ran: Ran = []
    tools = tools_of(ran)
    one = permit0.protect(tools[2], guard=guard, strict=True)
    one.invoke({})
    several = permit0.protect(tools, guard=guard, strict=True)
    several[2].invoke({})
    assert ran == []
    assert covered(one) == {"danger": ("tool",)}
    assert set(covered(several)) == {"note", "pay", "danger"}
    tools[2].invoke({})
    assert ran == [("danger", "")]  # the original is still the original


def test_an_agent_is_covered_at_its_node_and_its_tools(guard: Guard) -> None:
    ran: Ran = []
    agent = create_agent(Scripted(turns=[say(("danger", {}))]), tools_of(ran))
    same = permit0.protect(agent, guard=guard, strict=True)
    assert same is agent
    agent.invoke(start(), CONFIG)
    assert ran == []
    assert covered(same)["danger"] == ("node", "tool")


def test_a_tool_node_is_covered(guard: Guard) -> None:
    node = permit0.protect(ToolNode(tools_of([])), guard=guard, strict=True)
    assert set(covered(node)) == {"note", "pay", "danger"}


def test_an_agent_that_was_configured_is_covered(guard: Guard) -> None:
    ran: Ran = []
    agent = create_agent(Scripted(turns=[say(("danger", {}))]), tools_of(ran)).with_config(
        tags=["x"]
    )
    permit0.protect(agent, guard=guard, strict=True).invoke(start(), CONFIG)
    tool = tools_of(ran)[2].with_retry(stop_after_attempt=2)
    permit0.protect(tool, guard=guard, strict=True).invoke({})
    assert ran == []


def test_tools_of_the_provider_are_open(guard: Guard) -> None:
    search = {"type": "web_search"}
    assert open_([*tools_of([]), search], guard) == ["web_search"]
    assert open_(create_agent(Scripted(turns=[]), [*tools_of([]), search]), guard) == ["web_search"]


def test_a_model_with_tools_is_open(guard: Guard) -> None:
    model = Scripted(turns=[]).bind(tools=[{"type": "web_search"}])
    assert open_(model, guard) == ["Scripted"]


def test_a_chain_is_open(guard: Guard) -> None:
    assert open_(RunnableLambda(lambda x: x), guard) == ["RunnableLambda"]


def test_a_hand_written_node_is_open(guard: Guard) -> None:
    graph = StateGraph(MessagesState)
    graph.add_node("work", lambda state: {})
    graph.add_node("tools", ToolNode(tools_of([])))
    graph.add_edge(START, "work")
    graph.add_edge("work", "tools")
    assert open_(graph.compile(), guard) == ["work"]


def test_a_hand_written_node_of_a_sub_graph_is_open(guard: Guard) -> None:
    inner = StateGraph(MessagesState)
    inner.add_node("work", lambda state: {})
    inner.add_edge(START, "work")
    outer = StateGraph(MessagesState)
    outer.add_node("inner", inner.compile())
    outer.add_edge(START, "inner")
    assert open_(outer.compile(), guard) == ["inner/work"]


def test_a_node_with_cached_results_is_open(guard: Guard) -> None:
    graph = StateGraph(MessagesState)
    graph.add_node("tools", ToolNode(tools_of([])), cache_policy=CachePolicy())
    graph.add_edge(START, "tools")
    assert open_(graph.compile(), guard) == ["tools"]


def test_what_a_node_is_made_of_is_looked_into(guard: Guard) -> None:
    ran: Ran = []
    graph = StateGraph(MessagesState)
    graph.add_node("tools", RunnablePassthrough() | ToolNode(tools_of(ran)).with_fallbacks([]))
    graph.add_edge(START, "tools")
    whole = permit0.protect(graph.compile(), guard=guard, strict=True)
    whole.invoke({"messages": [say(("danger", {}), ("note", {"text": "a"}))]}, CONFIG)
    assert ran == [("note", "a")]


class Elsewhere(Runnable[Any, Any]):
    """Such as a remote graph."""

    def invoke(self, input: Any, config: Any = None, **kwargs: Any) -> Any:  # noqa: A002  # as in Runnable
        """Somewhere."""
        return {}


def test_a_node_that_runs_elsewhere_is_open(guard: Guard) -> None:
    graph = StateGraph(MessagesState)
    graph.add_node("away", Elsewhere())
    graph.add_node("tools", ToolNode(tools_of([])))
    graph.add_edge(START, "away")
    graph.add_edge("away", "tools")
    assert open_(graph.compile(), guard) == ["away"]


@pytest.mark.filterwarnings("ignore:create_react_agent has been moved")
def test_tools_of_the_provider_are_open_in_the_older_agent(guard: Guard) -> None:
    class Binding(Scripted):
        def bind_tools(self, tools: Any, **kwargs: Any) -> Any:
            return self.bind(tools=tools)

    agent = create_react_agent(Binding(turns=[]), [*tools_of([]), {"type": "web_search"}])
    assert open_(agent, guard) == ["web_search"]


class Odd(BaseTool):
    """A tool that does its work before it comes to its body."""

    name: str = "odd"
    description: str = "d"

    def invoke(self, input: Any, config: Any = None, **kwargs: Any) -> Any:  # noqa: A002  # its name in BaseTool
        """Without _run."""
        return "done"

    def _run(self) -> str:
        return "done"


def test_a_class_with_a_way_of_its_own_is_open(guard: Guard) -> None:
    assert open_(Odd(), guard) == ["odd"]
    assert open_([Odd()], guard) == ["odd"]
    assert open_(create_agent(Scripted(turns=[]), [Odd()]), guard) == ["odd"]


def test_return_direct_in_a_node_alone_is_open(guard: Guard) -> None:
    """Nothing is known of the graph that it will be in."""
    direct = tools_of([])[0].model_copy(update={"return_direct": True})
    assert open_(ToolNode([direct]), guard) == ["note"]


def test_what_is_of_another_framework_is_left_to_it(guard: Guard) -> None:
    def plain() -> str:
        return "ran"

    for other in (object(), [object()], []):
        with pytest.raises(InvalidInput) as error:
            permit0.protect(other, guard=guard)
        assert error.value.reason_code == "protect_unknown"
    assert isinstance(permit0.protect(plain, guard=guard), Callable)  # type: ignore[arg-type]


def test_an_old_executor_is_covered(guard: Guard) -> None:
    """langchain-classic is not installed here: an object of the same shape stands in for it."""
    from langchain_core.runnables import RunnableSerializable

    class AgentExecutor(RunnableSerializable[Any, Any]):
        tools: list[Any]

        def invoke(self, input: Any, config: Any = None, **kwargs: Any) -> Any:  # noqa: A002  # as in Runnable
            return self.tools[0].run(input)

    AgentExecutor.__module__ = "langchain_classic.agents.agent"
    ran: Ran = []
    executor = permit0.protect(AgentExecutor(tools=tools_of(ran)[2:]), guard=guard, strict=True)
    assert "permit0 did not run danger" in executor.invoke({})
    assert ran == []


def test_a_guarded_tool_is_still_a_tool_of_its_kind(guard: Guard) -> None:
    assert isinstance(permit0.protect(tools_of([])[0], guard=guard), StructuredTool)
