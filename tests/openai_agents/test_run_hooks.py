"""The backstop: a run in which something is not guarded ends before it does anything."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from agents import Agent, FunctionTool, Runner, ShellTool, function_tool
from tests.openai_agents.scripted import DONE, Scripted, call
from tests.openai_agents.test_native import shell_call

from permit0 import Guard, InvalidInput
from permit0_openai_agents import Permit0RunHooks, guard_agent

Ran = list[object]
go = asyncio.run


@pytest.fixture
def look(ran: Ran) -> FunctionTool:
    @function_tool
    def look() -> str:
        """Look."""
        ran.append("look")
        return "seen"

    return look


@pytest.mark.parametrize("guarded", [True, False])
def test_the_hooks_end_a_run_in_which_something_is_not_guarded(
    guarded: bool, guard: Guard, look: FunctionTool, ran: Ran
) -> None:
    agent: Agent[Any] = Agent(name="a", model=Scripted(call("look", "{}", "c1")), tools=[look])
    if guarded:
        guard_agent(agent, guard)
        assert go(Runner.run(agent, "go", hooks=Permit0RunHooks(guard))).final_output == DONE
        assert ran == ["look"]
    else:
        with pytest.raises(Exception, match="nobody decided this call"):
            go(Runner.run(agent, "go", hooks=Permit0RunHooks(guard)))
        assert ran == []


def test_the_hooks_stop_a_handoff_to_an_unguarded_agent(
    guard: Guard, look: FunctionTool, ran: Ran
) -> None:
    target: Agent[Any] = Agent(name="b", model=Scripted(call("look", "{}", "c1")), tools=[look])
    agent: Agent[Any] = Agent(
        name="a", model=Scripted(call("transfer_to_b", "{}", "h")), handoffs=[target]
    )
    with pytest.raises(InvalidInput) as refused:
        go(Runner.run(agent, "go", hooks=Permit0RunHooks(guard)))
    assert refused.value.reason_code == "agent_unguarded"
    guard_agent(agent, guard)
    agent.model = Scripted(call("transfer_to_b", "{}", "h"))
    go(Runner.run(agent, "go", hooks=Permit0RunHooks(guard)))
    assert ran == ["look"]


def test_the_hooks_know_a_shell_that_is_not_guarded(guard: Guard, ran: Ran) -> None:
    def execute(request: Any) -> str:
        ran.append("ran")
        return "out"

    agent: Agent[Any] = Agent(
        name="a", model=Scripted(shell_call("git status")), tools=[ShellTool(executor=execute)]
    )
    with pytest.raises(InvalidInput) as refused:
        go(Runner.run(agent, "go", hooks=Permit0RunHooks(guard)))
    assert refused.value.reason_code == "call_undecided"
    assert ran == []
