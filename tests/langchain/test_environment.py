"""What these tests run on, and what an installed integration does not do by itself."""

from collections.abc import Callable
from importlib import metadata

import permit0_langchain
from permit0.plugins.manager import Plugins

FRAMEWORK = {"langchain", "langchain_core", "langgraph"}


def test_framework_has_what_the_integration_builds_on() -> None:
    from langchain.agents import create_agent
    from langchain.agents.middleware import AgentMiddleware
    from langchain_openai import ChatOpenAI
    from langgraph.prebuilt import ToolNode

    assert callable(create_agent)
    assert hasattr(AgentMiddleware, "wrap_tool_call")
    assert hasattr(AgentMiddleware, "awrap_tool_call")
    assert isinstance(ToolNode, type)
    assert isinstance(ChatOpenAI, type)


def test_permit0_finds_the_integration_without_being_told() -> None:
    plugins = Plugins()
    plugins.load(None)
    found = {plugin.name: (plugin.distribution, plugin.version) for plugin in plugins.loaded}
    assert found["langchain"] == ("permit0-langchain", permit0_langchain.__version__)
    assert metadata.version("permit0-langchain") == permit0_langchain.__version__


def test_an_engine_with_the_plugin_loads_no_framework(
    modules_after: Callable[[str], set[str]],
) -> None:
    loaded = modules_after("import permit0; permit0.build_engine()")
    assert "permit0_langchain" in loaded
    assert not loaded & FRAMEWORK


def test_importing_the_integration_loads_no_framework(
    modules_after: Callable[[str], set[str]],
) -> None:
    assert not modules_after("import permit0_langchain") & FRAMEWORK
    assert modules_after("import langchain.agents") >= FRAMEWORK
