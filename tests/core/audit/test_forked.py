"""A process with an open log forks: both sides go on writing one chain, and neither takes it from the other."""

from __future__ import annotations

import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from permit0.testing.deployment import DeploymentLab

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")

PARENT = """
import os, sys
from permit0.build import build_guard
guard = build_guard(sys.argv[1])

@guard("files.read")
def read(path):
    return "x"

if sys.argv[2] == "used":
    read("/app/README.md")
children = []
for n in range(3):
    pid = os.fork()
    if pid == 0:
        sys.stdin.readline()  # the end of the input is the end of the parent
        try:
            for i in range(50):
                read(f"/app/{n}/{i}")
        except Exception as error:
            os.write(1, f"{getattr(error, 'reason_code', error)}\\n".encode())
        os.write(1, b"done\\n")  # in one piece: three of them write to one pipe
        os._exit(0)
    children.append(pid)
read("/app/LICENSE")
guard.engine.close()
"""


@pytest.mark.parametrize("before", ["used", "unused"])
def test_children_of_a_prepared_parent_go_on_after_its_end(tmp_path: Path, before: str) -> None:
    lab = DeploymentLab(tmp_path)
    parent = subprocess.Popen(
        [sys.executable, "-c", PARENT, str(lab.config), before],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert parent.stdin is not None
    assert parent.wait(60) == 0
    parent.stdin.close()
    assert parent.stdout is not None
    with parent.stdout:
        assert parent.stdout.read().split() == ["done"] * 3
    kinds = Counter(record.kind for record in lab.records())
    expected = 151 + (before == "used")
    assert kinds == {"decision": expected, "outcome": expected}
