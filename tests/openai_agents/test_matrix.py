"""No refused body runs: every way to run an agent, every shape of a call, every verdict.

    ways      Runner.run_sync, Runner.run, Runner.run_streamed
    at once   one call; two calls in one turn, the second an allowed one of another tool
    shapes    plain; retry (the model calls again); nested (a tool's body invokes a guarded tool); sub-agent
              (as_tool); handoff
    verdicts  allow; human, approved; human, rejected; deny; the check fails (a broken state file); the
              check hangs (an approver that does not come back)

A nested call cannot stop the run, since its outer tool has begun: there the guard has an approver who says
yes or no. Everywhere else a person answers the SDK's interruption, through JSON.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from agents import Agent, FunctionTool, Runner, RunState, Tool, function_tool
from agents.tool_context import ToolContext
from tests.openai_agents.scripted import (
    DONE,
    LARGE,
    SMALL,
    Scripted,
    build,
    call,
    delegation,
    streamed,
)

from permit0 import Guard
from permit0.approval.approvers import CallbackApprover
from permit0_openai_agents import approve, guard_agent, guard_tools, reject

WAYS = ("sync", "async", "streamed")
SHAPES = ("plain", "retry", "nested", "sub-agent", "handoff")
VERDICTS = ("allow", "approved", "rejected", "deny", "raises", "hangs")
Ran = list[object]


def tools_for(ran: Ran) -> dict[str, FunctionTool]:
    @function_tool
    def charge(amount: int) -> str:
        """Charge."""
        ran.append(("charge", amount))
        return f"charged {amount}"

    @function_tool
    async def danger(x: str) -> str:
        """Break."""
        ran.append(("danger", x))
        return "broken"

    @function_tool
    async def look(at: str) -> str:
        """Look."""
        ran.append(("look", at))
        return "seen"

    return {tool.name: tool for tool in (charge, danger, look)}


def guard_for(verdict: str, shape: str, folder: Path, stop: threading.Event) -> Guard:
    if verdict == "hangs":
        hanging = CallbackApprover(lambda request: stop.wait(60) and None, by="nobody there")
        return build(folder, timeout_s=1, approver=hanging)
    if shape == "nested" and verdict in {"approved", "rejected"}:
        return build(folder, approver=CallbackApprover(lambda _: verdict == "approved", by="alice"))
    return build(folder)


def break_state(folder: Path) -> None:
    for path in folder.glob("state.db*"):
        path.unlink()
    (folder / "state.db").write_bytes(b"no database" * 1000)


def agent_for(shape: str, verdict: str, at_once: bool, guard: Guard, ran: Ran) -> Agent[Any]:
    tools = tools_for(ran)
    name, arguments = ("danger", {"x": "1"}) if verdict == "deny" else ("charge", {"amount": LARGE})
    if verdict in {"allow", "raises"}:
        arguments = {"amount": SMALL}

    def turn(number: int) -> list[Any]:
        calls = [call(name, arguments, f"t{number}")]
        sibling = call("look", {"at": f"s{number}"}, f"s{number}")
        return [*calls, sibling] if at_once else calls

    every: list[Tool] = list(tools.values())
    match shape:
        case "plain":
            return Agent(name="a", model=Scripted(turn(1)), tools=every)
        case "retry":
            return Agent(name="a", model=Scripted(turn(1), turn(2)), tools=every)
        case "nested":
            inner = {tool.name: tool for tool in guard_tools(every, guard)}

            @function_tool
            async def outer(context: ToolContext[Any]) -> str:
                """Invoke another tool, as a body may."""
                told = [
                    inner[item.name].on_invoke_tool(context, item.arguments) for item in turn(1)
                ]
                return str(await asyncio.gather(*told))

            return Agent(name="a", model=Scripted(call("outer", {}, "o")), tools=[outer])
        case "sub-agent":
            sub = Agent(name="sub", model=Scripted(turn(1)), tools=every)
            model = Scripted(delegation())
            return Agent(name="a", model=model, tools=[sub.as_tool("delegate", "sub")])
        case _:
            target = Agent(name="b", model=Scripted(turn(1)), tools=every)
            model = Scripted(call("transfer_to_b", {}, "h"))
            return Agent(name="a", model=model, handoffs=[target])


async def run(way: str, agent: Agent[Any], given: Any) -> Any:
    if way == "streamed":
        return await streamed(agent, given)
    return await Runner.run(agent, given)


def finish(
    way: str, agent: Agent[Any], verdict: str, loop: asyncio.AbstractEventLoop
) -> tuple[Any, int]:
    """Run to the end, through JSON at each stop. Returns the result, and how often a person was asked."""
    answer: Callable[..., None] = approve if verdict == "approved" else reject
    stops = 0
    given: Any = "go"
    while True:
        if way == "sync":
            result: Any = Runner.run_sync(agent, given)
        else:
            result = loop.run_until_complete(run(way, agent, given))
        if not result.interruptions:
            return result, stops
        given = loop.run_until_complete(RunState.from_string(agent, result.to_state().to_string()))
        for item in given.get_interruptions():
            answer(given, item, by="alice")
            stops += 1


@pytest.mark.parametrize("verdict", VERDICTS)
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("at_once", [False, True], ids=["one call", "two at once"])
@pytest.mark.parametrize("way", WAYS)
def test_only_what_may_runs_and_the_agent_goes_on(
    way: str,
    at_once: bool,
    shape: str,
    verdict: str,
    tmp_path: Path,
    ran: Ran,
    loop: asyncio.AbstractEventLoop,
) -> None:
    stop = threading.Event()
    guard = guard_for(verdict, shape, tmp_path, stop)
    agent = guard_agent(agent_for(shape, verdict, at_once, guard, ran), guard)
    if verdict == "raises":
        break_state(tmp_path)
    result, stops = finish(way, agent, verdict, loop)
    stop.set()
    rounds = 2 if shape == "retry" else 1
    body = ("charge", SMALL if verdict == "allow" else LARGE)
    expected: Ran = [body] * rounds if verdict in {"allow", "approved"} else []
    if at_once and verdict != "raises":
        expected += [("look", f"s{number + 1}") for number in range(rounds)]
    assert sorted(map(str, ran)) == sorted(map(str, expected))
    assert result.final_output == DONE
    asked = verdict in {"approved", "rejected"} and shape != "nested"
    assert stops == (rounds if asked else 0)
