"""People: an interruption of the SDK, answered by somebody with a name, once, for exactly one call."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from agents import Agent, FunctionTool, Runner, RunState, function_tool
from tests.openai_agents.scripted import (
    DONE,
    LARGE,
    Scripted,
    build,
    call,
    delegation,
    recorded,
    streamed,
)

from permit0 import ApprovalAnswer, Guard, Identity, InvalidInput
from permit0_openai_agents import approve, guard_agent, guard_tools, question, reject, settle

Ran = list[object]
go = asyncio.run


@pytest.fixture
def charge(ran: Ran) -> FunctionTool:
    @function_tool
    def charge(amount: int) -> str:
        """Charge."""
        ran.append(amount)
        return "charged"

    return charge


def agent_of(tool: FunctionTool, *steps: Any, name: str = "a") -> Agent[Any]:
    model = Scripted(*(steps or (call("charge", {"amount": LARGE}, "c1"),)))
    return Agent(name=name, model=model, tools=[tool])


def stopped(agent: Agent[Any]) -> RunState[Any]:
    """The state of a run that waits for a person, as it comes out of JSON."""
    result = go(Runner.run(agent, "go"))
    assert result.interruptions
    return again(agent, result.to_state())


def again(agent: Agent[Any], state: RunState[Any]) -> RunState[Any]:
    restored: RunState[Any] = go(RunState.from_string(agent, state.to_string()))
    return restored


def only(state: RunState[Any]) -> Any:
    (item,) = state.get_interruptions()
    return item


def test_the_question_shows_what_is_asked(guard: Guard, charge: FunctionTool) -> None:
    agent = guard_agent(agent_of(charge), guard)
    asked = question(only(stopped(agent)))
    assert asked is not None
    assert "5000" in asked.view
    assert (asked.tool, asked.agent, asked.call_id) == ("charge", "a", "c1")


def test_a_bare_approval_runs_nothing_and_says_what_to_do(
    guard: Guard, charge: FunctionTool, ran: Ran, caplog: pytest.LogCaptureFixture
) -> None:
    agent = guard_agent(agent_of(charge), guard)
    state = stopped(agent)
    state.approve(only(state))
    assert go(Runner.run(agent, state)).final_output == DONE
    assert ran == []
    assert isinstance(agent.model, Scripted)
    assert "has not answered yet" in agent.model.told["c1"]
    assert "approve(state, item, by=...)" in caplog.text


@pytest.mark.parametrize("message", [None, "not this month"])
def test_the_model_is_told_of_a_no(
    message: str | None, guard: Guard, charge: FunctionTool, ran: Ran
) -> None:
    agent = guard_agent(agent_of(charge), guard)
    state = stopped(agent)
    reject(state, only(state), by="alice", reason="too much", message=message)
    go(Runner.run(agent, again(agent, state)))
    assert ran == []
    assert isinstance(agent.model, Scripted)
    assert agent.model.told["c1"].startswith(message or "permit0 did not run charge: a person")


def test_a_state_that_is_resumed_twice_runs_its_call_once(
    guard: Guard, charge: FunctionTool, ran: Ran
) -> None:
    agent = guard_agent(agent_of(charge), guard)
    state = stopped(agent)
    approve(state, only(state), by="alice")
    text = state.to_string()

    async def twice() -> None:
        states = [await RunState.from_string(agent, text) for _ in range(2)]
        await asyncio.gather(*(Runner.run(agent, state) for state in states))

    go(twice())
    go(Runner.run(agent, go(RunState.from_string(agent, text))))
    assert ran == [LARGE]


def test_a_no_stays_a_no(guard: Guard, charge: FunctionTool, ran: Ran) -> None:
    """Also if the SDK is told otherwise afterwards."""
    agent = guard_agent(agent_of(charge), guard)
    state = stopped(agent)
    text, asked = state.to_string(), question(only(state))
    assert asked is not None
    reject(state, only(state), by="alice")
    other = go(RunState.from_string(agent, text))
    with pytest.raises(InvalidInput) as refused:
        approve(other, only(other), by="bob", request=asked.id)
    assert refused.value.reason_code == "approval_answered"
    other.approve(only(other))
    go(Runner.run(agent, other))
    assert ran == []


def test_an_edited_argument_is_another_call(guard: Guard, charge: FunctionTool, ran: Ran) -> None:
    """The person saw 5000; the stored state is changed to 6000 before it goes on."""
    agent = guard_agent(agent_of(charge), guard)
    state = stopped(agent)
    approve(state, only(state), by="alice")
    text = state.to_string().replace("5000", "6000")
    result = go(resumed(agent, text))
    assert ran == []
    assert result is None or result.final_output == DONE or result.interruptions


async def resumed(agent: Agent[Any], text: str) -> Any:
    try:
        return await Runner.run(agent, await RunState.from_string(agent, text))
    except Exception as error:  # noqa: BLE001  # newer releases see it themselves
        assert "different invocation" in str(error)  # noqa: PT017
        return None


def test_an_approval_for_one_call_never_runs_another(
    guard: Guard, charge: FunctionTool, ran: Ran
) -> None:
    turn = [call("charge", {"amount": amount}, f"c{amount}") for amount in (5000, 6000)]
    agent = guard_agent(agent_of(charge, turn), guard)
    state = stopped(agent)
    first, second = state.get_interruptions()
    asked = question(second)
    assert asked is not None
    with pytest.raises(InvalidInput) as refused:
        approve(state, first, by="alice", request=asked.id)
    assert refused.value.reason_code == "approval_other_call"
    approve(state, second, by="alice")
    state.approve(first)
    go(Runner.run(agent, state))
    assert ran == [6000]


@pytest.mark.parametrize("name", ["a", "A", "carol", " "])
def test_neither_the_agent_nor_its_principal_nor_nobody_approves(
    name: str, guard: Guard, charge: FunctionTool, ran: Ran
) -> None:
    agent = guard_agent(agent_of(charge), guard, identity=Identity("s", principal="carol"))
    state = stopped(agent)
    with pytest.raises(InvalidInput) as refused:
        approve(state, only(state), by=name)
    assert refused.value.reason_code in {"approval_self", "approval_bad_answer"}
    assert go(Runner.run(agent, state)).interruptions  # the SDK was told of no yes
    assert ran == []


def test_an_answer_after_its_time_runs_nothing(
    tmp_path: Path, charge: FunctionTool, ran: Ran
) -> None:
    import time

    guard = build(tmp_path, timeout_s=1)
    agent = guard_agent(agent_of(charge), guard)
    state = stopped(agent)
    asked = question(only(state))
    assert asked is not None
    time.sleep(1.1)
    with pytest.raises(InvalidInput) as refused:
        approve(state, only(state), by="alice", request=asked.id)
    assert refused.value.reason_code == "approval_expired"
    assert settle(state, only(state), request=asked.id) == "expired"
    go(Runner.run(agent, state))
    assert ran == []


def test_answers_from_elsewhere_are_taken_over(
    guard: Guard, charge: FunctionTool, ran: Ran
) -> None:
    turn = [call("charge", {"amount": amount}, f"c{amount}") for amount in (5000, 6000, 7000)]
    agent = guard_agent(agent_of(charge, turn), guard)
    state = stopped(agent)
    items = state.get_interruptions()
    asked = [question(item) for item in items]
    desk = guard.desk
    assert desk is not None
    for request, yes in zip(asked, (True, False), strict=False):
        assert request is not None
        desk.answer(
            ApprovalAnswer(
                request=request.id,
                approved=yes,
                by="alice",
                reason="",
                view_digest=request.view_digest,
                at=0.0,
            )
        )
    assert all(request is not None for request in asked)
    said = [settle(state, item, request=r.id) for item, r in zip(items, asked, strict=True) if r]
    assert said == ["approved", "rejected", "pending"]
    result = go(Runner.run(agent, state))
    assert ran == [5000]
    assert [item.call_id for item in map(raw, result.interruptions)] == ["c7000"]


def raw(item: Any) -> Any:
    return item.raw_item


def test_settling_with_the_question_of_another_call_is_refused(
    guard: Guard, charge: FunctionTool, ran: Ran
) -> None:
    turn = [call("charge", {"amount": amount}, f"c{amount}") for amount in (5000, 6000)]
    agent = guard_agent(agent_of(charge, turn), guard)
    state = stopped(agent)
    first, second = state.get_interruptions()
    asked = question(second)
    assert asked is not None
    with pytest.raises(InvalidInput) as refused:
        settle(state, first, request=asked.id)
    assert refused.value.reason_code == "approval_other_call"


def test_the_same_call_id_in_two_sessions_is_told_apart(
    guard: Guard, charge: FunctionTool, ran: Ran
) -> None:
    first = guard_agent(agent_of(charge, name="a"), guard, identity=Identity("s1"))
    second = guard_agent(agent_of(charge, name="b"), guard, identity=Identity("s2"))
    state, other = stopped(first), stopped(second)
    approve(state, only(state), by="alice")
    other.approve(only(other))
    go(Runner.run(second, other))
    assert ran == []
    go(Runner.run(first, state))
    assert ran == [LARGE]


def test_two_questions_that_cannot_be_told_apart_are_not_guessed(
    guard: Guard, charge: FunctionTool, ran: Ran
) -> None:
    identities = [Identity("s1"), Identity("s2")]
    agents = [guard_agent(agent_of(charge), guard, identity=who) for who in identities]
    states = [stopped(agent) for agent in agents]
    with pytest.raises(InvalidInput) as refused:
        approve(states[0], only(states[0]), by="alice")
    assert refused.value.reason_code == "approval_ambiguous"


def test_a_stop_inside_of_an_agent_as_a_tool_is_answered_outside(
    tmp_path: Path, charge: FunctionTool, ran: Ran
) -> None:
    guard = build(tmp_path, audit=True)
    sub = agent_of(charge, name="sub")
    model = Scripted(delegation())
    agent = guard_agent(Agent(name="a", model=model, tools=[sub.as_tool("delegate", "d")]), guard)
    state = stopped(agent)
    approve(state, only(state), by="alice")
    assert go(Runner.run(agent, again(agent, state))).final_output == DONE
    assert ran == [LARGE]
    tools = [record["what"]["tool"] for record in recorded(tmp_path, "decision")]
    assert tools == ["delegate", "charge"]  # going on after the pause is no second delegation


def test_a_refusal_beside_a_stop_survives_json(
    guard: Guard, charge: FunctionTool, ran: Ran
) -> None:
    @function_tool
    def danger() -> str:
        """Break."""
        ran.append("danger")
        return "broken"

    turn = [call("danger", "{}", "c1"), call("charge", {"amount": LARGE}, "c2")]
    agent: Agent[Any] = Agent(name="a", model=Scripted(turn), tools=[charge, danger])
    state = stopped(guard_agent(agent, guard))
    approve(state, only(state), by="alice")
    assert go(Runner.run(agent, again(agent, state))).final_output == DONE
    assert ran == [LARGE]
    assert isinstance(agent.model, Scripted)
    assert "the operator does not allow it" in agent.model.told["c1"]


def test_streaming_stops_and_goes_on_as_well(guard: Guard, charge: FunctionTool, ran: Ran) -> None:
    agent = guard_agent(agent_of(charge), guard)
    result = go(streamed(agent, "go"))
    state = result.to_state()
    assert ran == []
    approve(state, only(state), by="alice")
    assert go(streamed(agent, state)).final_output == DONE
    assert ran == [LARGE]


def test_tools_without_a_guarded_agent_can_be_answered_too(
    guard: Guard, charge: FunctionTool, ran: Ran
) -> None:
    (tool,) = guard_tools([charge], guard)
    agent = agent_of(tool)
    state = stopped(agent)
    approve(state, only(state), by="alice")
    go(Runner.run(agent, state))
    assert ran == [LARGE]


def test_an_unguarded_agent_has_nobody_to_answer_to(charge: FunctionTool, guard: Guard) -> None:
    charge.needs_approval = True
    agent = agent_of(charge)
    state = stopped(agent)
    with pytest.raises(InvalidInput) as refused:
        question(only(state))
    assert refused.value.reason_code == "approval_unguarded"
    assert question(only(state), guard=guard) is None
