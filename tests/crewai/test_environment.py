"""What these tests run on, and what an installed integration does not do by itself."""

from collections.abc import Callable
from importlib import metadata

import permit0_crewai
from permit0.plugins.manager import Plugins

FRAMEWORK = {"crewai", "openai"}


def test_framework_has_what_the_integration_builds_on() -> None:
    from crewai import LLM, Agent, Crew, Task
    from crewai.hooks import register_before_tool_call_hook
    from crewai.tools import BaseTool

    assert all(isinstance(part, type) for part in (LLM, Agent, Crew, Task))
    assert callable(register_before_tool_call_hook)
    assert hasattr(BaseTool, "run")


def test_permit0_finds_the_integration_without_being_told() -> None:
    plugins = Plugins()
    plugins.load(None)
    found = {plugin.name: (plugin.distribution, plugin.version) for plugin in plugins.loaded}
    assert found["crewai"] == ("permit0-crewai", permit0_crewai.__version__)
    assert metadata.version("permit0-crewai") == permit0_crewai.__version__


def test_an_engine_with_the_plugin_loads_no_framework(
    modules_after: Callable[[str], set[str]],
) -> None:
    loaded = modules_after("import permit0; permit0.build_engine()")
    assert "permit0_crewai" in loaded
    assert not loaded & FRAMEWORK


def test_importing_the_integration_loads_no_framework(
    modules_after: Callable[[str], set[str]],
) -> None:
    assert not modules_after("import permit0_crewai") & FRAMEWORK
    assert modules_after("import crewai") >= FRAMEWORK
