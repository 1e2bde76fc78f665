"""`permit0 scan` sees the tools of CrewAI's objects, without running any."""

from __future__ import annotations

from crewai import Agent, Crew, Task
from crewai.tools import BaseTool, tool

from permit0.integration import describe_tools


class Lookup(BaseTool):
    name: str = "lookup"
    description: str = "Look something up."

    def _run(self, code: int) -> str:
        raise AssertionError("it ran")


@tool("send_email")
def send_email(to: str, body: str) -> str:
    """Send a mail."""
    raise AssertionError("it ran")


def names(obj: object) -> list[str]:
    return [item.name for item in describe_tools(obj)]


def test_tools_have_name_text_and_arguments() -> None:
    """A class and a decorated function alike."""
    found = describe_tools([Lookup(), send_email])
    assert [item.name for item in found] == ["lookup", "send_email"]
    assert "Send a mail" in found[1].description
    shown = [item.schema["properties"] for item in found]
    assert [sorted(item) for item in shown if isinstance(item, dict)] == [["code"], ["body", "to"]]


def test_crew_gives_the_tools_of_agents_and_tasks() -> None:
    """Each once."""
    agent = Agent(role="r", goal="g", backstory="b", tools=[send_email], llm="gpt-4o-mini")
    task = Task(description="d", expected_output="e", agent=agent, tools=[Lookup(), send_email])
    assert names(agent) == ["send_email"]
    assert sorted(names(Crew(agents=[agent], tasks=[task]))) == ["lookup", "send_email"]
