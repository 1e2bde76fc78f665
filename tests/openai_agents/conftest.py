"""Traces stay here, and no key of the developer's is used."""

import asyncio
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.openai_agents.scripted import build

from permit0 import Guard

os.environ["OPENAI_AGENTS_DISABLE_TRACING"] = "1"
os.environ.pop("OPENAI_API_KEY", None)


@pytest.fixture(autouse=True, scope="session")
def nothing_leaves_the_machine(offline: None) -> None:
    """For every test here."""


@pytest.fixture
def guard(tmp_path: Path) -> Guard:
    """Nobody waits: a call that needs a person is an interruption."""
    return build(tmp_path)


@pytest.fixture
def ran() -> list[object]:
    """What ran; the only witness."""
    return []


@pytest.fixture
def loop() -> Iterator[asyncio.AbstractEventLoop]:
    """One for a whole test: Runner.run_sync takes the thread's, and leaves it open."""
    made = asyncio.new_event_loop()
    asyncio.set_event_loop(made)
    yield made
    made.close()
    asyncio.set_event_loop(None)
