"""Shell lines through the whole engine: ordinary work goes on, danger in any disguise does not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from permit0.build import assemble
from permit0.config import parse_config
from permit0.model.decision import Decision
from permit0.model.vocabulary import Outcome
from permit0.normalize.shell import parse_shell
from permit0.testing.clock import FrozenClock

TABLE: dict[str, Any] = yaml.safe_load(
    (Path(__file__).parent / "shell_lines.yaml").read_text(encoding="utf-8")
)
DEPLOYMENT = assemble(parse_config(yaml.safe_dump({"org": {"domains": ["acme-corp.com"]}}), "org"))

# A line with one of these is never waved through, whatever else it does.
GRAVE = frozenset(
    {"catastrophic", "history_tamper", "iam_change", "persistence", "privilege", "remote_shell"}
)


def decide(line: str) -> Decision:
    engine = DEPLOYMENT.fresh_engine(FrozenClock(1_700_000_000.0))
    return engine.check("process.shell", {"command": line})


@pytest.mark.parametrize("line", TABLE["allowed"])
def test_ordinary_command_is_allowed(line: str) -> None:
    """Nobody keeps a guard that stops `git status`."""
    decision = decide(line)
    assert decision.outcome is Outcome.ALLOW, decision.rules


@pytest.mark.parametrize("line", TABLE["refused"])
def test_dangerous_command_is_not_allowed(line: str) -> None:
    assert decide(line).outcome is not Outcome.ALLOW


@pytest.mark.parametrize("row", TABLE["dangerous"], ids=lambda row: row["line"][:60])
def test_grave_feature_is_not_allowed(row: dict[str, Any]) -> None:
    found = {name for command in parse_shell(row["line"]).commands for name in command.features}
    if found & GRAVE:
        assert decide(row["line"]).outcome is not Outcome.ALLOW


@pytest.mark.parametrize("line", TABLE["refused"][::7])
def test_danger_stays_refused_among_ordinary_commands(line: str) -> None:
    for form in ("git status\n{}", "{}\nls -la", "cd src && npm test\n{}\necho done"):
        assert decide(form.format(line)).outcome is not Outcome.ALLOW


def test_tables_are_large_and_apart() -> None:
    assert len(TABLE["allowed"]) >= 80
    assert len(TABLE["refused"]) >= 80
    assert not set(TABLE["allowed"]) & set(TABLE["refused"])
