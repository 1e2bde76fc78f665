"""What `permit0 prove-seams` drives: on every path the one canary runs and the other does not."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.crewai.kit import build

from permit0.integration import Integration
from permit0_crewai import uninstall
from permit0_crewai.plugin import CrewAI
from permit0_crewai.prove import seams

PATHS = [seam.path for seam in seams(None)]  # type: ignore[arg-type]  # nothing is driven here


@pytest.mark.parametrize("path", PATHS)
def test_the_refused_canary_does_not_run(tmp_path: Path, path: str) -> None:
    guard = build(tmp_path)
    try:
        seam = next(seam for seam in CrewAI().seams(guard) if seam.path == path)
        result = seam.drive()
    finally:
        uninstall(guard)
    assert (result.allowed_ran, result.refused_ran) == (True, False), result.note


def test_the_integration_is_one() -> None:
    assert isinstance(CrewAI(), Integration)
    assert CrewAI().support()["versions"] == "crewai 1.15.10 to 1.15.30"
