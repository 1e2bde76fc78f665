"""Whatever is killed, whenever: nothing runs unrecorded or twice, the log verifies, and no lock is left."""

from __future__ import annotations

import os
import secrets
import subprocess
import sys
import time
from pathlib import Path

import pytest

RUNS = int(os.environ.get("PERMIT0_CRASH_RUNS", "200"))
SEED = int(os.environ.get("PERMIT0_CRASH_SEED", "0")) or secrets.randbits(32)
LIMIT_S = 600.0  # of a machine that does much else; two idle cores need 40 s


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_runs_of_four_writers_killed_at_random_leave_everything_whole(tmp_path: Path) -> None:
    """PERMIT0_CRASH_SEED repeats where the processes are killed, though not what they do meanwhile."""
    program = Path(__file__).with_name("crash_runs.py")
    began = time.monotonic()
    done = subprocess.run(
        [sys.executable, str(program), str(tmp_path), str(RUNS), str(SEED)],
        capture_output=True,
        text=True,
        timeout=LIMIT_S,
        check=False,
    )
    print(f"seed {SEED}: {RUNS} runs in {time.monotonic() - began:.0f} s: {done.stdout}")  # noqa: T201  # shown if it fails
    assert done.returncode == 0, f"seed {SEED}: {done.stderr[-4000:]}"
