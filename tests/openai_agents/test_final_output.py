"""Final outputs: what stands for a call that did not run never ends a run."""

from __future__ import annotations

import asyncio
from typing import Any, cast

import pytest
from agents import Agent, FunctionTool, Runner, Tool, ToolsToFinalOutputResult, function_tool
from tests.openai_agents.scripted import DONE, LARGE, Scripted, call

from permit0 import Guard
from permit0_openai_agents import guard_agent

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


STOPS: list[Any] = [
    "stop_on_first_tool",
    {"stop_at_tool_names": ["danger", "charge", "look"]},
    "function",
]


@pytest.mark.parametrize("name", ["danger", "look"])
@pytest.mark.parametrize("stop", STOPS, ids=str)
def test_a_refusal_is_no_final_answer(
    stop: Any, name: str, guard: Guard, tools: dict[str, FunctionTool], ran: Ran
) -> None:
    def first(context: object, results: list[Any]) -> ToolsToFinalOutputResult:
        return ToolsToFinalOutputResult(is_final_output=True, final_output=results[0].output)

    behaviour = first if stop == "function" else stop
    agent = agent_of(tools, call(name, "{}", "c1"), tool_use_behavior=behaviour)
    guard_agent(agent, guard)
    result = go(Runner.run(agent, "go"))
    assert result.final_output == ("seen" if name == "look" else DONE)
    clone = agent.clone(model=Scripted(call(name, "{}", "c2")))
    assert go(Runner.run(clone, "go")).final_output == ("seen" if name == "look" else DONE)


@pytest.mark.parametrize("stop", STOPS[:2], ids=str)
def test_a_persons_no_is_no_final_answer(
    stop: Any, guard: Guard, tools: dict[str, FunctionTool], ran: Ran
) -> None:
    agent = agent_of(tools, call("charge", "{}", "c1"), tool_use_behavior=stop)
    guard_agent(agent, guard)
    state = go(Runner.run(agent, "go")).to_state()
    state.reject(state.get_interruptions()[0])
    assert go(Runner.run(agent, state)).final_output == DONE
    assert ran == []


def test_a_stop_beside_a_refusal_stays_a_stop(
    guard: Guard, tools: dict[str, FunctionTool], ran: Ran
) -> None:
    turn = [call("look", "{}", "c1"), call("danger", "{}", "c2")]
    agent = agent_of(tools, turn, tool_use_behavior="stop_on_first_tool")
    assert go(Runner.run(guard_agent(agent, guard), "go")).final_output == "seen"
    agent = agent_of(tools, turn[::-1], tool_use_behavior="stop_on_first_tool")
    assert go(Runner.run(guard_agent(agent, guard), "go")).final_output == DONE


def test_the_behaviour_of_an_agent_can_still_be_changed(
    guard: Guard, tools: dict[str, FunctionTool]
) -> None:
    agent = guard_agent(agent_of(tools, call("look", "{}", "c1")), guard)
    assert agent.tool_use_behavior == "run_llm_again"
    agent.tool_use_behavior = "stop_on_first_tool"
    assert go(Runner.run(agent, "go")).final_output == "seen"
