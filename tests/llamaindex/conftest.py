"""No key of the developer's is used, and every warning is an error but those named here."""

import os

import pytest

os.environ.pop("OPENAI_API_KEY", None)

FILTERS = (
    # ReActAgent asks its own workflow whether it is running.
    "ignore:is_running called from within a step:DeprecationWarning:llama_index",
)


def pytest_configure(config: pytest.Config) -> None:
    for line in FILTERS:
        config.addinivalue_line("filterwarnings", line)


@pytest.fixture(autouse=True, scope="session")
def nothing_leaves_the_machine(offline: None) -> None:
    """For every test here."""
