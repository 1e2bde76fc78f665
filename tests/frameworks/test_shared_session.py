"""What needs all four frameworks in one environment: examples/shared_session.py does what it says."""

import os
import subprocess
import sys
from pathlib import Path

EXAMPLE = Path(__file__).parents[2] / "examples" / "shared_session.py"


def test_an_attack_that_is_spread_over_frameworks_is_stopped(tmp_path: Path) -> None:
    # CrewAI writes into the home folder.
    there = {**os.environ, "HOME": str(tmp_path), "CREWAI_DISABLE_TELEMETRY": "true"}
    done = subprocess.run(
        [sys.executable, str(EXAMPLE)],
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
        env=there,
    )
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert lines[-1] == "charged: ['card_0', 'card_1']"
    assert "earlier in this session" in lines[-2]
