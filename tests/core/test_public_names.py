"""Public names stay what they are, whichever of permit0's rooms were loaded before."""

from __future__ import annotations

import subprocess
import sys

import pytest

import permit0

LOADED_BEFORE = ["", "import permit0.build", "import permit0.session.counted, permit0.cli.demo"]


@pytest.mark.parametrize("before", LOADED_BEFORE)
@pytest.mark.parametrize("again", ["", "import permit0.session.pressure"])
def test_session_is_the_function_and_not_the_room_of_that_name(before: str, again: str) -> None:
    code = f"""
import permit0
{before}
with permit0.session("task-1", agent="buyer") as identity:
    assert identity.session == "task-1"
{again}
assert permit0.session is permit0.Guard.session
from permit0 import session
assert session is permit0.session
from permit0.session.rules import IMMUTABLE_RULES
assert permit0.session is session
"""
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 0, done.stderr


def test_every_public_name_is_there() -> None:
    for name in permit0.__all__:
        value = getattr(permit0, name)
        assert type(value).__name__ != "module", name
