"""Traces stay here, and no key of the developer's is used."""

import os

import pytest

os.environ["OPENAI_AGENTS_DISABLE_TRACING"] = "1"
os.environ.pop("OPENAI_API_KEY", None)


@pytest.fixture(autouse=True, scope="session")
def nothing_leaves_the_machine(offline: None) -> None:
    """For every test here."""
