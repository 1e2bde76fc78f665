"""`permit0 scan` sees the tools of the SDK's objects, without running any."""

from __future__ import annotations

from agents import Agent, CodeInterpreterTool, LocalShellTool, WebSearchTool, function_tool

from permit0.integration import describe_tools


@function_tool
def send_email(to: str, body: str) -> str:
    """Send a mail."""
    raise AssertionError("it ran")


@function_tool
def lookup(code: int) -> str:
    """Look something up."""
    raise AssertionError("it ran")


def names(obj: object) -> list[str]:
    return [item.name for item in describe_tools(obj)]


def test_tool_is_described_as_the_model_sees_it() -> None:
    """Name, text and arguments."""
    [item] = describe_tools(send_email)
    assert (item.name, item.description) == ("send_email", "Send a mail.")
    properties = item.schema["properties"]
    assert isinstance(properties, dict)
    assert sorted(properties) == ["body", "to"]


def test_agent_gives_its_tools_and_those_of_agents_behind_it() -> None:
    """Handoffs and agents as tools, each agent once."""
    behind = Agent(name="behind", tools=[lookup])
    helper = Agent(name="helper", tools=[send_email])
    agent = Agent(
        name="front",
        tools=[helper.as_tool("ask_helper", "Ask"), WebSearchTool()],
        handoffs=[behind],
    )
    behind.handoffs = [agent]
    assert sorted(names(agent)) == ["ask_helper", "lookup", "send_email", "web_search"]


def test_list_of_local_and_hosted_tools() -> None:
    """By the names that calls have."""
    shell = LocalShellTool(executor=lambda request: "")
    hosted = CodeInterpreterTool(tool_config={"type": "code_interpreter", "container": "c"})
    assert names([shell, hosted]) == ["local_shell", "code_interpreter"]
