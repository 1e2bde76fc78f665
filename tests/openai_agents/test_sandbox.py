"""Sandbox agents: the tools that their capabilities bring are guarded like any other."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from agents import RunConfig, Runner
from agents.sandbox import SandboxAgent, SandboxRunConfig
from agents.sandbox.sandboxes.unix_local import UnixLocalSandboxClient
from tests.openai_agents.scripted import DONE, Scripted, call

from permit0 import Guard
from permit0_openai_agents import approve, guard_agent, reject


@pytest.mark.parametrize("answer", [approve, reject, None])
def test_a_command_in_a_sandbox_needs_its_person(answer: Any, guard: Guard, tmp_path: Path) -> None:
    mark = tmp_path / "mark"
    step = call("exec_command", {"cmd": f"touch {mark}"}, "c1")
    agent = guard_agent(SandboxAgent(name="a", model=Scripted(step)), guard)

    async def run() -> Any:
        config = RunConfig(sandbox=SandboxRunConfig(client=UnixLocalSandboxClient()))
        result: Any = await Runner.run(agent, "go", run_config=config)
        assert not mark.exists()
        state = result.to_state()
        (item,) = state.get_interruptions()
        if answer is None:
            state.approve(item)
        else:
            answer(state, item, by="alice")
        return await Runner.run(agent, state, run_config=config)

    assert asyncio.run(run()).final_output == DONE
    assert mark.exists() == (answer is approve)
