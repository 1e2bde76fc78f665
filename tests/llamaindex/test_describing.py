"""`permit0 scan` sees the tools of LlamaIndex's objects, without running any."""

from __future__ import annotations

from llama_index.core.agent.workflow import AgentWorkflow, FunctionAgent
from llama_index.core.tools import FunctionTool
from tests.llamaindex.kit import Scripted

from permit0.integration import describe_tools


def send_email(to: str, body: str) -> str:
    """Send a mail."""
    raise AssertionError("it ran")


def lookup(code: int) -> str:
    """Look something up."""
    raise AssertionError("it ran")


def names(obj: object) -> list[str]:
    return [item.name for item in describe_tools(obj)]


def test_tool_is_described_as_the_model_sees_it() -> None:
    """Name, text and arguments."""
    [item] = describe_tools(FunctionTool.from_defaults(send_email))
    assert item.name == "send_email"
    assert "Send a mail." in item.description
    properties = item.schema["properties"]
    assert isinstance(properties, dict)
    assert sorted(properties) == ["body", "to"]


def test_agents_workflows_and_lists_give_their_tools() -> None:
    """Functions among tools are tools."""
    llm = Scripted(turns=[], seen=[])
    first = FunctionAgent(name="a", description="a", tools=[send_email], llm=llm)
    second = FunctionAgent(name="b", description="b", tools=[lookup], llm=llm)
    assert names(first) == ["send_email"]
    workflow = AgentWorkflow(agents=[first, second], root_agent="a")
    assert names(workflow) == ["send_email", "lookup"]
    assert names([FunctionTool.from_defaults(send_email), lookup]) == ["send_email", "lookup"]
