"""What these tests run on, and what an installed integration does not do by itself."""

from collections.abc import Callable
from importlib import metadata

import permit0_openai_agents
from permit0.plugins.manager import Plugins

FRAMEWORK = {"agents", "openai"}


def test_framework_has_what_the_integration_builds_on() -> None:
    from agents import Agent, Runner, RunState, ToolGuardrailFunctionOutput
    from openai import AsyncOpenAI

    assert hasattr(Agent, "get_all_tools")
    assert hasattr(Runner, "run_streamed")
    assert hasattr(RunState, "approve")
    assert hasattr(ToolGuardrailFunctionOutput, "reject_content")
    assert isinstance(AsyncOpenAI, type)


def test_permit0_finds_the_integration_without_being_told() -> None:
    plugins = Plugins()
    plugins.load(None)
    found = {plugin.name: (plugin.distribution, plugin.version) for plugin in plugins.loaded}
    assert found["openai_agents"] == ("permit0-openai-agents", permit0_openai_agents.__version__)
    assert metadata.version("permit0-openai-agents") == permit0_openai_agents.__version__


def test_an_engine_with_the_plugin_loads_no_framework(
    modules_after: Callable[[str], set[str]],
) -> None:
    loaded = modules_after("import permit0; permit0.build_engine()")
    assert "permit0_openai_agents" in loaded
    assert not loaded & FRAMEWORK


def test_importing_the_integration_loads_no_framework(
    modules_after: Callable[[str], set[str]],
) -> None:
    assert not modules_after("import permit0_openai_agents") & FRAMEWORK
    assert modules_after("import agents") >= FRAMEWORK
