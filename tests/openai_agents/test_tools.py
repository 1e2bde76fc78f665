"""Function tools: every way around the layers that is known, and what the body and the model get."""

from __future__ import annotations

import asyncio
import copy
import dataclasses
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import pytest
from agents import (
    Agent,
    FunctionTool,
    RunConfig,
    RunContextWrapper,
    Runner,
    Tool,
    ToolExecutionConfig,
    ToolGuardrailFunctionOutput,
    Usage,
    function_tool,
    tool_input_guardrail,
)
from agents.tool_context import ToolContext
from tests.openai_agents.scripted import DONE, LARGE, SMALL, Scripted, build, call, recorded

from permit0 import Guard
from permit0_openai_agents import approve, guard_agent, guard_tools, guardrails

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


def context_of(name: str, arguments: str, call_id: str = "z") -> ToolContext[Any]:
    return ToolContext(
        context=None, usage=Usage(), tool_name=name, tool_call_id=call_id, tool_arguments=arguments
    )


def test_a_refusal_reaches_the_model_with_its_reason(
    guard: Guard, tools: dict[str, FunctionTool], ran: Ran
) -> None:
    agent = guard_agent(agent_of(tools, call("danger", {"x": "secret-7"}, "c1")), guard)
    result = go(Runner.run(agent, "go"))
    assert result.final_output == DONE
    assert "the operator does not allow it" in told(agent)["c1"]
    assert "secret-7" not in told(agent)["c1"]
    assert ran == []


@pytest.mark.parametrize("text", ["{}", "", "  ", '{"note": "x"}', '{"amount": "5000"}'])
def test_what_the_sdk_stops_by_itself_still_needs_a_person(
    text: str, guard: Guard, tools: dict[str, FunctionTool], ran: Ran
) -> None:
    """Newer releases force an approval for omitted defaults, "3" for an int and empty arguments."""
    agent = guard_agent(agent_of(tools, call("charge", text, "c1")), guard)
    result = go(Runner.run(agent, "go"))
    assert len(result.interruptions) == 1
    bare = result.to_state()
    bare.approve(bare.get_interruptions()[0])
    go(Runner.run(agent, bare))
    assert ran == []


@pytest.mark.parametrize("text", ["{}", "", '{"note": "n"}', '{"amount": "5000"}'])
def test_it_runs_once_a_person_said_yes(
    text: str, guard: Guard, tools: dict[str, FunctionTool], ran: Ran
) -> None:
    agent = guard_agent(agent_of(tools, call("charge", text, "c1")), guard)
    state = go(Runner.run(agent, "go")).to_state()
    approve(state, state.get_interruptions()[0], by="alice")
    assert go(Runner.run(agent, state)).final_output == DONE
    assert ran == [("int", LARGE, "n")]


def test_an_allowed_call_in_odd_words_runs_with_what_was_judged(
    guard: Guard, tools: dict[str, FunctionTool], ran: Ran
) -> None:
    agent = guard_agent(agent_of(tools, call("charge", '{"amount": "50"}', "c1")), guard)
    assert go(Runner.run(agent, "go")).final_output == DONE
    assert ran == [("int", SMALL, "n")]


def test_empty_arguments_of_an_allowed_tool_run_after_the_stop_of_the_sdk(
    guard: Guard, tools: dict[str, FunctionTool], ran: Ran
) -> None:
    agent = guard_agent(agent_of(tools, call("look", "", "c1")), guard)
    result = go(Runner.run(agent, "go"))
    if result.interruptions:  # since 0.22 the SDK asks for a person where it cannot read arguments
        state = result.to_state()
        state.approve(state.get_interruptions()[0])
        result = go(Runner.run(agent, state))
    assert result.final_output == DONE
    assert ran == ["look"]


@pytest.mark.parametrize(
    "text",
    ['{"amount": 50, "amount": 5000}', '{"amount": NaN}', "[50]", '{"amount": 50', "nonsense"],
)
def test_arguments_that_can_be_read_in_two_ways_are_refused(
    text: str, guard: Guard, tools: dict[str, FunctionTool], ran: Ran
) -> None:
    agent = guard_agent(agent_of(tools, call("charge", text, "c1")), guard)
    result = go(Runner.run(agent, "go"))
    while result.interruptions:
        state = result.to_state()
        approve(state, state.get_interruptions()[0], by="alice")
        result = go(Runner.run(agent, state))
    assert result.final_output == DONE
    assert ran == []


def test_approving_for_always_approves_nothing(
    guard: Guard, tools: dict[str, FunctionTool], ran: Ran
) -> None:
    """The SDK then skips needs_approval for every later call of the tool."""
    first, second = call("charge", {"amount": 5000}, "c1"), call("charge", {"amount": 6000}, "c2")
    agent = guard_agent(agent_of(tools, first, second), guard, approver="alice")
    state = go(Runner.run(agent, "go")).to_state()
    state.approve(state.get_interruptions()[0], always_approve=True)
    result = go(Runner.run(agent, state))
    assert result.final_output == DONE
    assert ran == [("int", 5000, "n")]
    assert "a person" in told(agent)["c2"]


def test_the_configured_approver_stands_for_a_bare_approval(
    guard: Guard, tools: dict[str, FunctionTool], ran: Ran
) -> None:
    agent = guard_agent(agent_of(tools, call("charge", {}, "c1")), guard, approver="alice")
    state = go(Runner.run(agent, "go")).to_state()
    state.approve(state.get_interruptions()[0])
    go(Runner.run(agent, state))
    assert ran == [("int", LARGE, "n")]


@pytest.mark.parametrize("name", ["danger", "charge", "look"])
@pytest.mark.parametrize("made", ["as it is", "copied", "replaced", "without outer layers"])
def test_a_body_is_not_reached_by_calling_the_guarded_tool(
    made: str, name: str, guard: Guard, tools: dict[str, FunctionTool], ran: Ran
) -> None:
    guarded = {tool.name: tool for tool in guard_tools(list(tools.values()), guard)}[name]
    if made == "copied":
        guarded = copy.copy(guarded)
    elif made == "replaced":
        guarded = dataclasses.replace(guarded, description="other")
    elif made == "without outer layers":
        guarded.needs_approval, guarded.tool_input_guardrails = False, None
    output = go(guarded.on_invoke_tool(context_of(name, "{}"), "{}"))
    assert ran == (["look"] if name == "look" else [])
    assert name == "look" or output.startswith("permit0 did not run")
    assert not hasattr(guarded, "__wrapped__")


def test_layers_that_were_taken_off_are_put_on_again_when_the_agent_lists_them(
    guard: Guard, tools: dict[str, FunctionTool], ran: Ran
) -> None:
    agent = guard_agent(agent_of(tools, call("charge", {}, "c1")), guard)
    for tool in agent.tools:
        assert isinstance(tool, FunctionTool)
        tool.needs_approval, tool.tool_input_guardrails = False, None
    assert len(go(Runner.run(agent, "go")).interruptions) == 1
    assert ran == []


def test_a_user_guardrail_before_ours_still_refuses(
    guard: Guard, tools: dict[str, FunctionTool], ran: Ran
) -> None:
    @tool_input_guardrail
    def theirs(data: object) -> ToolGuardrailFunctionOutput:
        return ToolGuardrailFunctionOutput.reject_content("theirs")

    tools["look"].tool_input_guardrails = [theirs]
    agent = guard_agent(agent_of(tools, call("look", "{}", "c1")), guard)
    go(Runner.run(agent, "go"))
    assert told(agent)["c1"] == "theirs"
    assert ran == []


@pytest.mark.parametrize("name", ["danger", "charge", "look"])
def test_guardrails_before_the_stop_change_nothing(
    name: str, guard: Guard, tools: dict[str, FunctionTool], ran: Ran
) -> None:
    agent = guard_agent(agent_of(tools, call(name, "{}", "c1")), guard)
    early = RunConfig(tool_execution=ToolExecutionConfig(pre_approval_tool_input_guardrails=True))
    result = go(Runner.run(agent, "go", run_config=early))
    assert len(result.interruptions) == (1 if name == "charge" else 0)
    assert ran == (["look"] if name == "look" else [])


@pytest.mark.parametrize("theirs", [True, False])
def test_the_tools_own_approval_is_asked_as_well(
    theirs: bool, guard: Guard, tools: dict[str, FunctionTool], ran: Ran
) -> None:
    seen: list[str] = []

    async def asks(
        context: RunContextWrapper[Any], arguments: dict[str, Any], call_id: str
    ) -> bool:
        seen.append(call_id)
        return theirs

    tools["look"].needs_approval = asks
    agent = guard_agent(agent_of(tools, call("look", "{}", "c1")), guard)
    result = go(Runner.run(agent, "go"))
    assert seen == ["c1"]
    assert len(result.interruptions) == int(theirs)
    assert ran == ([] if theirs else ["look"])
    if theirs:
        state = result.to_state()
        state.approve(state.get_interruptions()[0])  # permit0 asks nobody about it
        go(Runner.run(agent, state))
        assert ran == ["look"]


def test_a_custom_function_tool_gets_the_object_that_was_judged(guard: Guard, ran: Ran) -> None:
    async def invoke(context: ToolContext[Any], text: str) -> str:
        ran.append(json.loads(text))
        return "ok"

    schema = {"type": "object", "properties": {"at": {"type": "string"}}, "required": ["at"]}
    tool = FunctionTool("look", "looks", schema, invoke, strict_json_schema=False)
    step = call("look", ' {"at":  "\\u0078", "more": [1, 2.5, null]} ', "c1")
    agent = guard_agent(Agent(name="a", model=Scripted(step), tools=[tool]), guard)
    go(Runner.run(agent, "go"))
    assert ran == [{"at": "x", "more": [1, 2.5, None]}]


@pytest.mark.parametrize("name", ["danger", "charge", "look"])
def test_the_guardrail_alone_refuses_and_reports(
    name: str, tmp_path: Path, tools: dict[str, FunctionTool], ran: Ran
) -> None:
    guard = build(tmp_path, audit=True)
    before, after = guardrails(guard)
    for tool in tools.values():
        tool.tool_input_guardrails, tool.tool_output_guardrails = [before], [after]
    agent = agent_of(tools, call(name, "{}" if name != "charge" else '{"amount": 5000}', "c1"))
    assert go(Runner.run(agent, "go")).final_output == DONE
    assert ran == (["look"] if name == "look" else [])
    assert len(recorded(tmp_path, "decision")) == 1
    assert len(recorded(tmp_path, "outcome")) == len(ran)


def test_in_observe_mode_everything_runs(
    tmp_path: Path, tools: dict[str, FunctionTool], ran: Ran, capsys: pytest.CaptureFixture[str]
) -> None:
    guard = build(tmp_path, mode="observe")
    turn = [call("danger", "{}", "c1"), call("charge", '{"amount": 5000, "note": "n"}', "c2")]
    result = go(Runner.run(guard_agent(agent_of(tools, turn), guard), "go"))
    assert result.interruptions == []
    assert len(ran) == 2
    assert "observe" in capsys.readouterr().err


def test_arguments_that_nobody_can_judge_are_refused(
    guard: Guard, tools: dict[str, FunctionTool], ran: Ran
) -> None:
    step = call("charge", {"amount": SMALL, "note": "x" * (2 << 20)}, "c1")
    agent = guard_agent(agent_of(tools, step), guard)
    assert go(Runner.run(agent, "go")).final_output == DONE
    assert ran == []


def test_a_tool_that_was_switched_off_meanwhile_does_not_run(
    guard: Guard, tools: dict[str, FunctionTool], ran: Ran
) -> None:
    """The SDK compares the objects that are listed with those of the agent: ours must be both."""
    enabled = [True]
    tools["look"].is_enabled = lambda context, agent: enabled[0]

    class Switching(Scripted):
        def _next(self, given: Any) -> list[Any]:
            enabled[0] = False
            return super()._next(given)

    agent = Agent(
        name="a",
        model=Switching(call("look", "{}", "c1")),
        tools=cast("list[Tool]", [tools["look"]]),
    )
    run: Callable[[], Any] = lambda: go(Runner.run(guard_agent(agent, guard), "go"))  # noqa: E731
    with pytest.raises(Exception, match="look"):
        run()
    assert ran == []
