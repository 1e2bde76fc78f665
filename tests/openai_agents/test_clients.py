"""The SDK's real clients, against a server on the loopback: both APIs, streaming and not."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from agents import Agent, OpenAIChatCompletionsModel, OpenAIResponsesModel, Runner, function_tool
from openai import AsyncOpenAI
from tests.openai_agents.scripted import LARGE, SMALL, streamed
from tests.openai_agents.stub import Stub

from permit0 import Guard
from permit0_openai_agents import approve, guard_agent, reject

Ran = list[object]
CALLS: list[Any] = [
    ("charge", {"amount": SMALL}, "c1"),
    ("charge", {"amount": LARGE}, "c2"),
    ("danger", {"x": "1"}, "c3"),
    ("look", "{}", "c4"),
]


def outputs(body: dict[str, Any]) -> dict[str, str]:
    """What the model was told, by call id, in either API."""
    found = {}
    for item in body.get("messages", body.get("input", [])):
        if item.get("role") == "tool":
            found[item["tool_call_id"]] = item["content"]
        elif item.get("type") == "function_call_output":
            found[item["call_id"]] = item["output"]
    return found


@pytest.mark.parametrize("yes", [True, False])
@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize("model", [OpenAIChatCompletionsModel, OpenAIResponsesModel])
def test_a_real_client_drives_a_guarded_agent(
    model: Any, stream: bool, yes: bool, guard: Guard, ran: Ran, tmp_path: Path
) -> None:
    @function_tool
    def charge(amount: int) -> str:
        """Charge."""
        ran.append(("charge", amount))
        return "charged"

    @function_tool
    async def danger(x: str) -> str:
        """Break."""
        ran.append("danger")
        return "broken"

    @function_tool
    def look() -> str:
        """Look."""
        ran.append("look")
        return "seen"

    async def run(stub: Stub) -> Any:
        async with AsyncOpenAI(base_url=stub.base_url, api_key="none") as client:
            agent = Agent(
                name="a",
                model=model(model="stub", openai_client=client),
                tools=[charge, danger, look],
            )
            guard_agent(agent, guard)
            result: Any = await (streamed(agent, "go") if stream else Runner.run(agent, "go"))
            state = result.to_state()
            (item,) = state.get_interruptions()
            (approve if yes else reject)(state, item, by="alice")
            return await (streamed(agent, state) if stream else Runner.run(agent, state))

    with Stub([CALLS, "all done"]) as stub:
        result = asyncio.run(run(stub))
        told = outputs(stub.requests[-1][1])
    assert result.final_output == "all done"
    expected = [("charge", SMALL), "look"] + ([("charge", LARGE)] if yes else [])
    assert sorted(map(str, ran)) == sorted(map(str, expected))
    assert (told["c1"], told["c4"]) == ("charged", "seen")
    assert told["c2"] == "charged" if yes else "said no" in told["c2"]
    assert "the operator does not allow it" in told["c3"]
