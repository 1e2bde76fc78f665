"""The example and the README of the package do what they say."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
from tests.crewai.kit import Canaries, ask, build, crew_of, team

import permit0
from permit0_crewai import uninstall

ROOT = Path(__file__).parents[2]
README = ROOT / "packages" / "crewai" / "README.md"


def test_the_example_refuses_one_call_and_waits_for_a_person(tmp_path: Path) -> None:
    command = [sys.executable, str(ROOT / "examples" / "crewai_agent.py")]
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, check=False)
    assert done.returncode == 0, done.stderr
    assert "the model is told: the text of README.md" in done.stdout
    assert "permit0 did not run process_shell: the policy does not allow it" in done.stdout
    assert "permit0 did not run payments_charge: a person has to approve it first" in done.stdout
    assert "finally: RAN: charged cus_1 500" in done.stdout
    assert "RAN rm -rf /" not in done.stdout


def test_the_quick_start_guards(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (code,) = re.findall(r"```python\n(.*?)```", README.read_text(encoding="utf-8"), re.DOTALL)
    build(tmp_path)
    monkeypatch.chdir(tmp_path)
    canaries = Canaries()
    crew = crew_of(
        team(ask(("look", {"path": "a.txt"}), ("danger", {"path": "x"})), canaries.all())
    )
    exec(compile(code, str(README), "exec"), {"permit0": permit0, "crew": crew})  # noqa: S102
    from permit0_crewai.hook import _installed

    for guard in list(_installed.by_guard):
        uninstall(guard)
    assert canaries.ran == [("look", "a.txt")]


def test_the_readme_names_what_is_tested() -> None:
    from permit0_crewai.plugin import CrewAI

    text = README.read_text(encoding="utf-8")
    support = CrewAI().support()
    assert str(support["versions"]).removeprefix("crewai ") in text
    assert str(support["requires"]) in text
