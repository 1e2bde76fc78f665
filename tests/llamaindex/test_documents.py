"""What README and example show, happens."""

import ast
import asyncio
import inspect
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from tests.llamaindex.kit import script

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "examples" / "llamaindex_agent.py"
README = ROOT / "packages" / "llamaindex" / "README.md"


def test_the_example_runs_asks_and_refuses(tmp_path: Path) -> None:
    command = [sys.executable, "-W", "ignore", str(EXAMPLE)]
    environment = {key: value for key, value in os.environ.items() if not key.startswith("PERMIT0")}
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, cwd=tmp_path, env=environment
    )
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert lines[:2] == ["ran: charged 50", "ran: charged 5000"]
    assert lines[2].startswith("refused: permit0 did not run bash:")
    assert lines[3] == "I charged what I could."


def test_the_example_is_short() -> None:
    assert len(EXAMPLE.read_text().splitlines()) < 60


@pytest.mark.parametrize(("amount", "ran"), [(50, [50]), (5000, [])])
def test_the_quick_start_guards(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, amount: int, ran: list[int]
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "permit0.yaml").write_text("packs: [p.yaml]\napproval: {timeout_s: 1}\n")
    (tmp_path / "p.yaml").write_text(
        "pack: ours\nversion: 1\nmappings:\n  - {tools: [charge], action: payments.charge, "
        "arguments: {amount: amount}, source: ours}\n"
    )
    charged: list[int] = []

    def charge(amount: int) -> str:
        """Charge a card."""
        charged.append(amount)
        return "charged"

    text = re.search(r"^```python\n(.*?)^```", README.read_text(), re.DOTALL | re.MULTILINE)
    assert text is not None
    assert len([line for line in text[1].splitlines() if line]) <= 5
    names: dict[str, Any] = {
        "charge": charge,
        "llm": script([("charge", {"amount": amount}, "c1")], "done"),
    }

    async def main() -> None:
        flags = ast.PyCF_ALLOW_TOP_LEVEL_AWAIT
        code = compile(text[1], str(README), "exec", flags=flags, dont_inherit=True)
        result = eval(code, names)  # noqa: S307  # our own text
        if inspect.isawaitable(result):
            await result

    asyncio.run(main())
    assert charged == ran
