"""Traces stay here, and no key of the developer's is used."""

import os

import pytest

os.environ["LANGSMITH_TRACING"] = "false"
for name in ("LANGSMITH_API_KEY", "LANGCHAIN_API_KEY", "LANGCHAIN_TRACING_V2", "OPENAI_API_KEY"):
    os.environ.pop(name, None)


@pytest.fixture(autouse=True, scope="session")
def nothing_leaves_the_machine(offline: None) -> None:
    """For every test here."""
