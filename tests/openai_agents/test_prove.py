"""The seams of `permit0 prove-seams` hold, and would show it if they did not."""

from __future__ import annotations

from pathlib import Path

import pytest

import permit0
from permit0 import Guard
from permit0.integration import Integration, Seam
from permit0_openai_agents.plugin import OpenAIAgents

CANARIES = """
pack: test.canaries
version: 1
about: Canaries.
mappings:
  - {tools: [permit0_canary_read], vendor: tests, source: tests, action: process.compute}
cases:
  - {name: a canary, call: {tool: permit0_canary_read, args: {}}, decision: allow}
"""
PATHS = 15


def guard_of(folder: Path, *, refuses: str, mode: str = "enforce") -> Guard:
    (folder / "canaries.yaml").write_text(CANARIES)
    denied = "permit0_canary_danger" if refuses == "deny" else "something_else"
    (folder / "permit0.yaml").write_text(
        f"packs: [canaries.yaml]\nmode: {mode}\nlists: {{deny: [{{tool: {denied}, reason: test}}]}}\n"
    )
    return permit0.build_guard(folder / "permit0.yaml")


def seam(guard: Guard, place: int) -> Seam:
    found = OpenAIAgents().seams(guard)
    assert len(found) == PATHS
    return found[place]


@pytest.mark.parametrize("refuses", ["deny", "human"])
@pytest.mark.parametrize("place", range(PATHS))
def test_every_seam_holds(place: int, refuses: str, tmp_path: Path) -> None:
    one = seam(guard_of(tmp_path, refuses=refuses), place)
    result = one.drive()
    assert (result.allowed_ran, result.refused_ran) == (True, False), one.path


@pytest.mark.parametrize("place", range(PATHS))
def test_a_seam_shows_a_body_that_ran(place: int, tmp_path: Path) -> None:
    one = seam(guard_of(tmp_path, refuses="deny", mode="observe"), place)
    result = one.drive()
    assert (result.allowed_ran, result.refused_ran) == (True, True), one.path


def test_it_says_what_it_supports() -> None:
    integration = OpenAIAgents()
    assert isinstance(integration, Integration)
    assert integration.support()["versions"] == "openai-agents 0.18.3 to 0.24.0"
