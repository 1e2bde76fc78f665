"""One call is one decision and one outcome, however many layers see it."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any, cast

import pytest
from agents import Agent, FunctionTool, Runner, RunState, Tool, function_tool
from tests.openai_agents.scripted import DONE, LARGE, SMALL, Scripted, build, call, recorded

from permit0_openai_agents import approve, guard_agent

Ran = list[object]
go = asyncio.run


@pytest.fixture
def tools(ran: Ran) -> dict[str, FunctionTool]:
    @function_tool
    def charge(amount: int = LARGE, note: str = "n") -> str:
        """Charge."""
        ran.append((type(amount).__name__, amount, note))
        return "charged"

    @function_tool
    def look() -> str:
        """Look."""
        ran.append("look")
        return "seen"

    @function_tool
    def danger(x: str = "") -> str:
        """Break."""
        ran.append(("danger", x))
        return "broken"

    return {tool.name: tool for tool in (charge, look, danger)}


def agent_of(tools: dict[str, FunctionTool], *steps: Any, **options: Any) -> Agent[Any]:
    return Agent(
        name="a", model=Scripted(*steps), tools=cast("list[Tool]", [*tools.values()]), **options
    )


def told(agent: Agent[Any]) -> dict[str, Any]:
    return cast("Scripted", agent.model).told


def test_a_call_is_decided_once_at_all_layers(
    tmp_path: Path, tools: dict[str, FunctionTool], ran: Ran
) -> None:
    guard = build(tmp_path, audit=True)
    steps = [call("look", "{}", "c1"), [call("look", "{}", "c2"), call("danger", "{}", "c3")]]
    agent = guard_agent(guard_agent(agent_of(tools, *steps), guard), guard)
    go(Runner.run(agent, "go"))
    decisions = [
        (record["what"]["tool"], record["outcome"]) for record in recorded(tmp_path, "decision")
    ]
    assert sorted(decisions) == [("danger", "deny"), ("look", "allow"), ("look", "allow")]
    assert len(recorded(tmp_path, "outcome")) == len(ran) == 2


def test_an_approved_call_is_decided_once_and_concluded_once(
    tmp_path: Path, tools: dict[str, FunctionTool], ran: Ran
) -> None:
    guard = build(tmp_path, audit=True)
    agent = guard_agent(agent_of(tools, call("charge", {"amount": LARGE}, "c1")), guard)
    state = go(Runner.run(agent, "go")).to_state()
    for _ in range(3):  # going on without an answer asks nobody anew
        state = go(Runner.run(agent, go(RunState.from_string(agent, state.to_string())))).to_state()
    approve(state, state.get_interruptions()[0], by="alice")
    go(Runner.run(agent, state))
    assert len(recorded(tmp_path, "decision")) == 1
    events = [record["event"] for record in recorded(tmp_path, "approval")]
    assert events == ["requested", "answered", "used"]
    assert len(ran) == 1


def test_a_tool_that_raises_is_the_sdks_business_and_on_record(tmp_path: Path, ran: Ran) -> None:
    guard = build(tmp_path, audit=True)

    @function_tool
    def look() -> str:
        """Look."""
        raise ValueError("broken")

    @function_tool(failure_error_function=None)
    def wait() -> str:
        """Wait."""
        raise ValueError("broken")

    agent = guard_agent(
        Agent(name="a", model=Scripted(call("look", "{}", "c1")), tools=[look]), guard
    )
    assert go(Runner.run(agent, "go")).final_output == DONE
    assert "error" in told(agent)["c1"].lower()
    agent = guard_agent(
        Agent(name="a", model=Scripted(call("wait", "{}", "c2")), tools=[wait]), guard
    )
    with pytest.raises(Exception, match="broken"):
        go(Runner.run(agent, "go"))
    assert [record["error"] for record in recorded(tmp_path, "outcome")][-1] == "ValueError"


def test_a_result_that_cannot_be_recorded_is_withheld(tmp_path: Path, ran: Ran) -> None:
    """Else a secret that was read could be sent on, since the session would not know of it."""
    guard = build(tmp_path, audit=True)

    @function_tool
    def look() -> str:
        """Look, and meanwhile the log breaks."""
        guard.engine.close()
        ran.append("look")
        return "the secret"

    agent = guard_agent(
        Agent(name="a", model=Scripted(call("look", "{}", "c1")), tools=[look]), guard
    )
    assert go(Runner.run(agent, "go")).final_output == DONE
    assert ran == ["look"]
    assert "the secret" not in told(agent)["c1"]
    assert "Do not run it again" in told(agent)["c1"]


@pytest.mark.parametrize("amount", [SMALL, LARGE])
def test_two_calls_with_one_id_are_two_calls(
    amount: int, tmp_path: Path, tools: dict[str, FunctionTool], ran: Ran
) -> None:
    """A model may repeat an id; a permission and an approval are good for one body each."""
    guard = build(tmp_path, audit=True)
    twice = [call("charge", {"amount": amount}, "c1")] * 2
    agent = guard_agent(agent_of(tools, twice), guard)
    result = go(Runner.run(agent, "go"))
    if result.interruptions:
        state = result.to_state()
        approve(state, state.get_interruptions()[0], by="alice")
        go(Runner.run(agent, state))
    decisions = recorded(tmp_path, "decision")
    assert len(ran) == (1 if amount == LARGE else len(decisions))
    assert len(recorded(tmp_path, "outcome")) == len(ran)
