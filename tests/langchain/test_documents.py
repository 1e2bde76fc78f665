"""The example, the README and the paths of `permit0 prove-seams` work as they are written."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from tests.langchain.kit import make_guard

from permit0.integration.protecting import integrations

ROOT = Path(__file__).resolve().parents[2]
README = ROOT / "packages/langchain/README.md"
EXAMPLE = ROOT / "examples/langchain_agent.py"


def run(script: str, folder: Path) -> str:
    quiet = {**os.environ, "LANGSMITH_TRACING": "false"}
    answer = subprocess.run(
        [sys.executable, "-c", script],
        cwd=folder,
        env=quiet,
        capture_output=True,
        text=True,
        check=False,
    )
    assert answer.returncode == 0, answer.stderr
    return answer.stdout


def test_the_example_refuses_and_asks(tmp_path: Path) -> None:
    assert len(EXAMPLE.read_text().splitlines()) < 60
    said = run(EXAMPLE.read_text(), tmp_path)
    assert "did not run delete_user" in said
    assert "a person is asked" in said
    assert "ran: [('charge', 20), ('charge', 500)]" in said


def test_the_quick_start_of_the_readme_runs(tmp_path: Path) -> None:
    before = (
        "from permit0_langchain.prove import Scripted\n"
        "from langchain_core.tools import tool\n"
        "@tool\n"
        "def search(text: str) -> str:\n"
        "    'Search.'\n"
        "    return text\n"
        "model, tools = Scripted(turns=[]), [search]\n"
    )
    blocks = re.findall(r"```python\n(.*?)```", README.read_text(), re.DOTALL)
    assert len(blocks[0].splitlines()) <= 6
    run(before + blocks[0], tmp_path)


SEAMS = [
    (number, seam.path)
    for integration in integrations()
    if integration.name == "langchain"
    for number, seam in enumerate(integration.seams(None))  # type: ignore[arg-type]  # named, not driven
]


@pytest.mark.parametrize(("number", "path"), SEAMS, ids=[path for _, path in SEAMS])
def test_a_seam_holds(number: int, path: str, tmp_path: Path) -> None:
    (ours,) = (item for item in integrations() if item.name == "langchain")
    seam = ours.seams(make_guard(tmp_path))[number]
    assert (seam.framework, seam.path) == ("langchain", path)
    result = seam.drive()
    assert result.allowed_ran
    assert not result.refused_ran


def test_the_supported_versions_are_those_of_the_constraints() -> None:
    (ours,) = (item for item in integrations() if item.name == "langchain")
    versions = ours.support()["versions"]
    assert isinstance(versions, dict)
    for name, span in versions.items():
        ends = []
        for age in ("old", "new"):
            pins = (ROOT / f".ci/constraints/langchain-{age}.txt").read_text()
            found = re.search(rf"^{name}==(\S+)", pins, re.MULTILINE)
            assert found is not None
            ends.append(found[1])
        assert span == " to ".join(ends)
