"""No key of the developer's is used, and every warning is an error but those named here."""

import asyncio
import os
from collections.abc import Iterator

import pytest

os.environ.pop("OPENAI_API_KEY", None)

FILTERS = (
    # ReActAgent asks its own workflow whether it is running.
    "ignore:is_running called from within a step:DeprecationWarning:llama_index",
    # Workflow looks at every attribute of an agent for its steps, also at those that pydantic gives up.
    "ignore::pydantic.warnings.PydanticDeprecatedSince20",
    "ignore::pydantic.warnings.PydanticDeprecatedSince211",
    # A Context says so whenever it is serialised: the memory has to be put back by hand.
    "ignore:Skipping serialization of known unserializable key",
)


def pytest_configure(config: pytest.Config) -> None:
    for line in FILTERS:
        config.addinivalue_line("filterwarnings", line)


@pytest.fixture(autouse=True, scope="session")
def nothing_leaves_the_machine(offline: None) -> None:
    """For every test here."""


@pytest.fixture(autouse=True)
def loop() -> Iterator[None]:
    """LlamaIndex takes the thread's loop for synchronous calls of asynchronous tools, and leaves it open."""
    made = asyncio.new_event_loop()
    asyncio.set_event_loop(made)
    yield
    made.close()
    asyncio.set_event_loop(None)
