"""CrewAI's own client, against a server on this machine."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from crewai import LLM
from tests.crewai.kit import SMALL, Canaries, build, crew_of, team
from tests.crewai.stub import Stub

import permit0
from permit0_crewai import guard_crew, guard_tools, uninstall

LOOK = ("look", {"path": "a.txt"})
DANGER = ("danger", {"path": "x"})


@pytest.fixture
def canaries() -> Canaries:
    return Canaries()


@pytest.fixture
def guard(tmp_path: Path) -> Iterator[permit0.Guard]:
    made = build(tmp_path)
    yield made
    uninstall(made)


def client(stub: Stub, *, stream: bool = False) -> LLM:
    return LLM(model="openai/gpt-4o", base_url=stub.url, api_key="unused", stream=stream)


@pytest.mark.parametrize("how", ["kickoff", "akickoff"])
@pytest.mark.parametrize("stream", [False, True])
def test_a_guarded_crew(guard: permit0.Guard, canaries: Canaries, stream: bool, how: str) -> None:
    with Stub([LOOK, DANGER], "done") as stub:
        crew = guard_crew(crew_of(team(client(stub, stream=stream), canaries.all())), guard)
        result = getattr(crew, how)()
        answer = asyncio.run(result) if asyncio.iscoroutine(result) else result
    assert str(answer) == "done"
    assert canaries.ran == [("look", "a.txt")]
    assert bool(stub.requests[0].get("stream")) == stream
    told = [item["content"] for item in stub.requests[1]["messages"] if item["role"] == "tool"]
    assert told[0] == "text of a.txt"
    assert told[1].startswith("permit0 did not run danger: the operator does not allow it.")


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("how", ["call", "acall"])
def test_functions_that_the_model_calls_without_an_agent(
    guard: permit0.Guard, canaries: Canaries, stream: bool, how: str
) -> None:
    """LLM.call(available_functions=...) runs them itself; no hook of CrewAI is asked."""
    tools: dict[str, Any] = {tool.name: tool for tool in guard_tools(canaries.all(), guard)}
    functions = {name: tool.run for name, tool in tools.items()}
    schemas = [
        {"type": "function", "function": {"name": name, "parameters": {"type": "object"}}}
        for name in tools
    ]
    for call, ran in ((("charge", SMALL), True), (DANGER, False)):
        with Stub([call], "done") as stub:
            method = getattr(client(stub, stream=stream), how)
            result = method("go", tools=schemas, available_functions=functions)
            answer = asyncio.run(result) if asyncio.iscoroutine(result) else result
        assert ("permit0 did not run" in str(answer)) == (not ran)
    assert canaries.ran == [("charge", 50)]
