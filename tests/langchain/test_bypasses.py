"""Ways around a guard that were found in LangChain and LangGraph: each holds now, or is reported as open."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from langchain.agents import create_agent
from langchain.agents.middleware import (
    AgentMiddleware,
    HumanInTheLoopMiddleware,
    ToolRetryMiddleware,
    hook_config,
)
from langchain_core.messages import AIMessage, ToolMessage
from langchain_core.tools import BaseTool, tool
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.prebuilt import create_react_agent
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
    Permit0Middleware,
    guard_graph,
)

pytestmark = pytest.mark.filterwarnings("ignore:create_react_agent has been moved")


@pytest.fixture
def guard(tmp_path: Path) -> Guard:
    return make_guard(tmp_path)


class Around(AgentMiddleware[Any, Any, Any]):
    """Other middleware: does something to the request, or with it."""

    def __init__(self, change: Callable[[Any], Any]) -> None:
        super().__init__()
        self.change = change

    def wrap_tool_call(self, request: Any, handler: Any) -> Any:
        made = self.change(request)
        return made if isinstance(made, ToolMessage) else handler(made)

    async def awrap_tool_call(self, request: Any, handler: Any) -> Any:
        made = self.change(request)
        return made if isinstance(made, ToolMessage) else await handler(made)


def rewrites(request: Any) -> Any:
    call = {**request.tool_call, "args": {"amount": 5000}}
    return request.override(tool_call=call)


def swaps(ran: Ran) -> Callable[[Any], Any]:
    """Another tool under the call: the agent's own never sees it."""
    danger = tools_of(ran)[2]

    def change(request: Any) -> Any:
        call = {**request.tool_call, "name": "danger", "args": {}}
        return request.override(tool=danger, tool_call=call)

    return change


def runs_it(request: Any) -> Any:
    """Runs the tool without the handler."""
    output = request.tool.invoke({"amount": 5000})
    return ToolMessage(str(output), tool_call_id=request.tool_call["id"])


PAY = ("pay", {"amount": 50})


@pytest.mark.parametrize("way", ["invoke", "ainvoke"])
@pytest.mark.parametrize("order", ["before", "after"])
@pytest.mark.parametrize("kind", ["rewrites", "swaps"])
def test_middleware_that_changes_the_call_does_not_get_around(
    kind: str, order: str, way: str, guard: Guard
) -> None:
    ran: Ran = []
    other = Around(rewrites if kind == "rewrites" else swaps(ran))
    ours = Permit0Middleware(guard)
    middleware = [other, ours] if order == "before" else [ours, other]
    agent = create_agent(Scripted(turns=[say(PAY)]), tools_of(ran), middleware=middleware)
    state = RUNS[way](agent, start(), CONFIG)
    assert ran == []
    assert "permit0 did not run" in str(refusals(state)[0].content)
    assert state["messages"][-1].content == "done"


@pytest.mark.parametrize("way", ["invoke", "ainvoke"])
@pytest.mark.parametrize("kind", ["rewrites", "swaps", "runs it"])
def test_middleware_does_not_get_around_a_protected_agent(
    kind: str, way: str, guard: Guard
) -> None:
    ran: Ran = []
    change = {"rewrites": rewrites, "swaps": swaps(ran), "runs it": runs_it}[kind]
    agent = create_agent(Scripted(turns=[say(PAY)]), tools_of(ran), middleware=[Around(change)])
    RUNS[way](guard_graph(agent, guard), start(), CONFIG)
    assert ran == []


@pytest.mark.parametrize("kind", ["rewrites", "swaps", "runs it"])
def test_the_same_middleware_may_do_what_is_allowed(kind: str, guard: Guard) -> None:
    """The twin of the tests above: it is the guard that stops them."""
    ran: Ran = []
    change = {"rewrites": rewrites, "swaps": swaps(ran), "runs it": runs_it}[kind]
    agent = create_agent(Scripted(turns=[say(PAY)]), tools_of(ran), middleware=[Around(change)])
    agent.invoke(start(), CONFIG)
    assert ran


@pytest.mark.parametrize("way", RUNS)
def test_a_dynamic_tool_that_the_agent_never_knew_is_asked_about(way: str, guard: Guard) -> None:
    ran: Ran = []
    danger = tools_of(ran)[2]
    brings = Around(lambda request: request.override(tool=danger))
    for middleware in ([brings, Permit0Middleware(guard)], [Permit0Middleware(guard), brings]):
        agent = create_agent(
            Scripted(turns=[say(("danger", {}))]), tools_of(ran)[:2], middleware=middleware
        )
        RUNS[way](agent, start(), CONFIG)
    agent = create_agent(
        Scripted(turns=[say(("danger", {}))]), tools_of(ran)[:2], middleware=[brings]
    )
    RUNS[way](guard_graph(agent, guard), start(), CONFIG)
    assert ran == []


def test_a_jump_to_the_tools_does_not_run_a_refused_call(guard: Guard) -> None:
    """HumanInTheLoopMiddleware is passed by this (langchain 40492)."""
    ran: Ran = []

    class Jump(AgentMiddleware[Any, Any, Any]):
        @hook_config(can_jump_to=["tools"])
        def after_model(self, state: Any, runtime: Any) -> dict[str, Any] | None:
            last = state["messages"][-1]
            return {"jump_to": "tools"} if getattr(last, "tool_calls", None) else None

    agent = create_agent(
        Scripted(turns=[say(("danger", {}))]),
        tools_of(ran),
        middleware=[Jump(), HumanInTheLoopMiddleware({}), Permit0Middleware(guard)],
        checkpointer=InMemorySaver(),
    )
    agent.invoke(start(), CONFIG)
    assert ran == []


@pytest.mark.parametrize("way", RUNS)
def test_a_retry_asks_again_and_counts_again(way: str, guard: Guard, tmp_path: Path) -> None:
    tries: list[int] = []

    @tool
    def note(text: str) -> str:
        """Fail the first time."""
        tries.append(1)
        if len(tries) == 1:
            raise RuntimeError("busy")
        return "noted"

    retry = ToolRetryMiddleware(max_retries=2, initial_delay=0.0, jitter=False)
    agent = create_agent(
        Scripted(turns=[say(("note", {"text": "a"}))]),
        [note],
        middleware=[retry, Permit0Middleware(guard)],
    )
    RUNS[way](agent, start(), CONFIG)
    assert len(tries) == 2
    assert decided(tmp_path) == ["note", "note"]


@pytest.mark.parametrize("way", RUNS)
def test_a_refusal_is_not_retried_as_if_it_were_a_failure(
    way: str, guard: Guard, tmp_path: Path
) -> None:
    retry = ToolRetryMiddleware(max_retries=2, initial_delay=0.0, jitter=False)
    for middleware in ([retry, Permit0Middleware(guard)], [Permit0Middleware(guard), retry]):
        agent = create_agent(
            Scripted(turns=[say(("danger", {}))]), tools_of([]), middleware=middleware
        )
        RUNS[way](agent, start(), CONFIG)
    assert decided(tmp_path) == ["danger", "danger"]


# ---------------------------------------------------------------- a refusal is no answer


def direct(ran: Ran) -> list[BaseTool]:
    return [item.model_copy(update={"return_direct": True}) for item in tools_of(ran)]


@pytest.mark.parametrize("way", RUNS)
@pytest.mark.parametrize("layer", ["middleware", "protect", "both", "react v1", "react v2"])
def test_a_refusal_of_a_tool_with_return_direct_goes_to_the_model(
    layer: str, way: str, guard: Guard
) -> None:
    ran: Ran = []

    def build(*calls: Any) -> tuple[Any, Scripted]:
        model = Scripted(turns=[say(*calls)])
        if layer.startswith("react"):
            version: Any = layer[-2:]
            graph: Any = create_react_agent(model, direct(ran), version=version)
        else:
            ours = [] if layer == "protect" else [Permit0Middleware(guard)]
            graph = create_agent(model, direct(ran), middleware=ours)
        return (graph if layer == "middleware" else guard_graph(graph, guard)), model

    graph, model = build(("danger", {}))
    state = RUNS[way](graph, start(), CONFIG)
    assert ran == []
    assert isinstance(state["messages"][-1], AIMessage)
    assert len(model.seen) == 2
    assert any("permit0 did not run danger" in str(m.content) for m in model.seen[-1])
    graph, model = build(("note", {"text": "a"}))
    state = RUNS[way](graph, start(), CONFIG)
    assert state["messages"][-1].content == "noted a"
    assert len(model.seen) == 1
