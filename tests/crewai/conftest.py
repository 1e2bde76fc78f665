"""No telemetry, no files in the developer's home, and every warning an error but those named here.

All of it before CrewAI is imported: the import alone starts telemetry and writes a key to the home.
"""

import atexit
import os
import tempfile

import pytest

home = tempfile.TemporaryDirectory(prefix="permit0-crewai-")
atexit.register(home.cleanup)
os.environ["HOME"] = home.name
os.environ["CREWAI_STORAGE_DIR"] = home.name + "/storage"
os.environ["CREWAI_DISABLE_TELEMETRY"] = "true"
os.environ["CREWAI_DISABLE_TRACKING"] = "true"
os.environ["CREWAI_DISABLE_VERSION_CHECK"] = "true"
os.environ["CREWAI_TRACING_ENABLED"] = "false"
os.environ["CREWAI_TESTING"] = "true"
os.environ["OTEL_SDK_DISABLED"] = "true"
for name in ("OPENAI_API_KEY", "CREWAI_USER_PAT", "XDG_CONFIG_HOME", "XDG_DATA_HOME"):
    os.environ.pop(name, None)

FILTERS = (
    # CrewAI reads its own old fields when an agent is made.
    r"ignore::DeprecationWarning:(crewai|pydantic)(\..*)?",
    # crewai.rag hands out its submodules lazily, and the import system cannot attach them.
    "ignore:Cannot set an attribute on 'crewai:ImportWarning",
    # The async client of CrewAI's LLM closes no connection.
    "ignore:unclosed (<socket|transport):ResourceWarning",
    # Old ways that are still there, and so have to hold.
    "ignore:CrewAgentExecutor is deprecated:DeprecationWarning",
    "ignore:LiteAgent is deprecated:FutureWarning",
    # CrewAI 1.15.10 brings an OpenTelemetry that reads entry points the old way.
    "ignore:SelectableGroups dict interface is deprecated:DeprecationWarning:opentelemetry",
)


def pytest_configure(config: pytest.Config) -> None:
    for line in FILTERS:
        config.addinivalue_line("filterwarnings", line)


@pytest.fixture(autouse=True, scope="session")
def nothing_leaves_the_machine(offline: None) -> None:
    """For every test here."""
