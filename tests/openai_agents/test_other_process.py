"""A run that waits for a person goes on in another process: state in JSON, question in the state file."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from tests.openai_agents.scripted import DONE

PROCESS = """
import asyncio, json, sys
from pathlib import Path
from agents import Agent, Runner, RunState, function_tool
from permit0_openai_agents import approve, guard_agent, reject
from tests.openai_agents.scripted import Scripted, build, call

folder, verb = Path(sys.argv[1]), sys.argv[2]
ran = []

@function_tool
def charge(amount: int) -> str:
    "Charge."
    ran.append(amount)
    return "charged"

steps = [call("charge", {"amount": 5000}, "c1")] if verb == "start" else []
agent = guard_agent(Agent(name="a", model=Scripted(*steps), tools=[charge]), build(folder))

async def main():
    file = folder / "state.json"
    if verb == "start":
        result = await Runner.run(agent, "go")
        file.write_text(result.to_state().to_string())
        return
    state = await RunState.from_string(agent, file.read_text())
    for item in state.get_interruptions():
        if verb == "approve":
            approve(state, item, by="alice")
        elif verb == "reject":
            reject(state, item, by="alice")
        elif verb == "bare":
            state.approve(item)
    result = await Runner.run(agent, state)
    print(json.dumps([ran, result.final_output, len(result.interruptions)]))

asyncio.run(main())
"""


def process(folder: Path, verb: str) -> Any:
    command = [sys.executable, "-c", PROCESS, str(folder), verb]
    answer = subprocess.run(command, capture_output=True, text=True, check=False)
    assert answer.returncode == 0, answer.stderr
    return json.loads(answer.stdout) if answer.stdout else None


@pytest.mark.parametrize(
    ("verb", "expected"),
    [
        ("approve", [[5000], DONE, 0]),
        ("reject", [[], DONE, 0]),
        ("bare", [[], DONE, 0]),
        ("nothing", [[], None, 1]),
    ],
)
def test_a_run_goes_on_in_another_process(
    verb: str, expected: list[object], tmp_path: Path
) -> None:
    process(tmp_path, "start")
    assert process(tmp_path, verb) == expected
    if verb == "approve":  # and not a second time, whoever asks
        assert process(tmp_path, "bare") == [[], DONE, 0]
