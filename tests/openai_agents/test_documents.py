"""The package's README and the example run as they stand."""

from __future__ import annotations

import asyncio
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from agents import Agent, Runner
from tests.openai_agents.scripted import Scripted, call

import permit0

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "packages" / "openai_agents" / "README.md").read_text()


def test_the_blocks_of_the_readme_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    names: dict[str, Any] = {}
    blocks = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    assert len(blocks) == 2
    for block in blocks:
        exec(block, names)  # noqa: S102  # our own words
    agent: Agent[Any] = names["agent"]
    lines = ["git status", "sudo rm -rf build", "rm -rf /"]
    agent.model = model = Scripted(*(call("bash", {"command": line}, line) for line in lines))

    async def run() -> None:
        result: Any = await Runner.run(agent, "go")
        while result.interruptions:
            result = await Runner.run(agent, await names["answer"](result))

    asyncio.run(run())
    said = model.told
    assert [said[line] for line in lines[:2]] == [f"ran {line}" for line in lines[:2]]
    assert said[lines[2]].startswith("permit0 did not run bash")
    assert permit0.coverage(agent).complete


def test_the_readme_says_what_the_plugin_supports() -> None:
    assert ">=0.18.3,<0.25" in README


def test_the_example_shows_a_refusal_and_an_approval(tmp_path: Path) -> None:
    example = ROOT / "examples" / "openai_agents_agent.py"
    assert len(example.read_text().splitlines()) < 60
    environment = {**os.environ, "OPENAI_AGENTS_DISABLE_TRACING": "1"}
    answer = subprocess.run(
        [sys.executable, str(example)],
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
        env=environment,
    )
    assert answer.returncode == 0, answer.stderr
    assert "alice says yes" in answer.stdout
    told = answer.stdout.split("the model was told:")[1].split("\n")
    assert "ran 'git status'" in told[1]
    assert "ran 'sudo rm -rf build'" in told[2]
    assert "permit0 did not run bash" in told[3]
