"""What these tests run on, and what an installed integration does not do by itself."""

from collections.abc import Callable
from importlib import metadata

import permit0_llamaindex
from permit0.plugins.manager import Plugins

FRAMEWORK = {"llama_index"}


def test_framework_has_what_the_integration_builds_on() -> None:
    from llama_index.core.agent.workflow import AgentWorkflow, FunctionAgent, ReActAgent
    from llama_index.core.tools import FunctionTool
    from llama_index.llms.openai_like import OpenAILike

    for agent in (AgentWorkflow, FunctionAgent, ReActAgent):
        assert hasattr(agent, "call_tool")
    assert hasattr(FunctionTool, "acall")
    assert isinstance(OpenAILike, type)


def test_permit0_finds_the_integration_without_being_told() -> None:
    plugins = Plugins()
    plugins.load(None)
    found = {plugin.name: (plugin.distribution, plugin.version) for plugin in plugins.loaded}
    assert found["llamaindex"] == ("permit0-llamaindex", permit0_llamaindex.__version__)
    assert metadata.version("permit0-llamaindex") == permit0_llamaindex.__version__


def test_an_engine_with_the_plugin_loads_no_framework(
    modules_after: Callable[[str], set[str]],
) -> None:
    loaded = modules_after("import permit0; permit0.build_engine()")
    assert "permit0_llamaindex" in loaded
    assert not loaded & FRAMEWORK


def test_importing_the_integration_loads_no_framework(
    modules_after: Callable[[str], set[str]],
) -> None:
    assert not modules_after("import permit0_llamaindex") & FRAMEWORK
    assert modules_after("import llama_index.core") >= FRAMEWORK
