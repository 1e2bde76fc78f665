"""permit0.protect: what it knows, and what it says is covered and open."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from crewai import LLM, Process
from crewai.agents.agent_builder.base_agent import BaseAgent
from crewai.flow.flow import Flow, start
from crewai.tools.structured_tool import CrewStructuredTool
from tests.crewai.kit import Canaries, Scripted, ask, build, crew_of, team

import permit0
from permit0.integration import CoverageWarning
from permit0_crewai import guard_agent, guard_crew, uninstall

DANGER = ("danger", {"path": "x"})


@pytest.fixture
def canaries() -> Canaries:
    return Canaries()


@pytest.fixture
def guard(tmp_path: Path) -> Iterator[permit0.Guard]:
    made = build(tmp_path)
    yield made
    uninstall(made)


def names(obj: object) -> set[str]:
    return {item.name for item in permit0.coverage(obj).covered}


def test_a_crew_is_covered_completely(guard: permit0.Guard, canaries: Canaries) -> None:
    crew = crew_of(team(ask(DANGER), canaries.all()))
    crew = permit0.protect(crew, guard=guard, strict=True)
    assert names(crew) == {
        "charge",
        "look",
        "danger",
        "worker: tools that CrewAI adds when a task starts",
    }
    assert all(item.where == ("agent", "tool") for item in permit0.coverage(crew).covered)
    crew.kickoff()
    assert canaries.ran == []


def test_tools_of_tasks_and_the_manager_are_named(guard: permit0.Guard, canaries: Canaries) -> None:
    crew = crew_of(
        team(ask(DANGER), []),
        task={"tools": [canaries.danger()]},
        process=Process.hierarchical,
        manager_llm=Scripted("done"),
    )
    permit0.protect(crew, guard=guard, strict=True)
    assert {"danger", "manager: delegation"} <= names(crew)


def test_a_list_of_tools_comes_back_as_a_list(guard: permit0.Guard, canaries: Canaries) -> None:
    tools = permit0.protect(canaries.all(), guard=guard, strict=True)
    assert [tool.name for tool in tools] == ["charge", "look", "danger"]
    tools[2].run(path="x")
    assert canaries.ran == []
    assert names(tools) == {"charge", "look", "danger"}


def test_a_tool_and_a_structured_tool(guard: permit0.Guard, canaries: Canaries) -> None:
    one = permit0.protect(canaries.danger(), guard=guard, strict=True)
    one.run(path="x")
    other: CrewStructuredTool = permit0.protect(canaries.danger().to_structured_tool(), guard=guard)
    other.invoke({"path": "x"})
    assert canaries.ran == []


def test_an_agent_is_covered(guard: permit0.Guard, canaries: Canaries) -> None:
    agent = permit0.protect(team(ask(DANGER), canaries.all()), guard=guard, strict=True)
    agent.kickoff("go")
    assert canaries.ran == []


def test_tools_that_an_agent_gets_later_are_covered(
    guard: permit0.Guard, canaries: Canaries
) -> None:
    agent = guard_agent(team(ask(DANGER), []), guard)
    uninstall(guard)
    agent.tools = [canaries.danger()]
    crew_of(agent).kickoff()
    assert canaries.ran == []


def test_a_copy_of_an_agent_is_guarded(guard: permit0.Guard, canaries: Canaries) -> None:
    agent = guard_agent(team(ask(DANGER), canaries.all()), guard).copy()
    uninstall(guard)
    agent.kickoff("go")
    assert canaries.ran == []


def test_tools_of_the_provider_are_open(guard: permit0.Guard) -> None:
    llm = LLM(
        model="openai/gpt-4o", api_key="unused", api="responses", builtin_tools=["web_search"]
    )
    agent = team(llm, [])
    with pytest.warns(CoverageWarning, match="web_search"):
        permit0.protect(agent, guard=guard)
    (gap,) = permit0.coverage(agent).gaps
    assert gap.name == "worker: web_search"
    with pytest.raises(permit0.InvalidInput) as refused:
        permit0.protect(agent, guard=guard, strict=True)
    assert refused.value.reason_code == "protect_open"


def test_a_flow_is_open_by_itself(guard: permit0.Guard) -> None:
    class Work(Flow[dict[str, Any]]):
        @start()
        def work(self) -> str:
            return "done"

    with pytest.warns(CoverageWarning, match="the methods of a flow are Python"):
        permit0.protect(Work(), guard=guard)


def test_an_agent_of_another_framework_is_open_but_for_its_crews_tools(
    guard: permit0.Guard, canaries: Canaries
) -> None:
    """What a crew hands to an adapter is guarded before it is converted."""
    handed: list[Any] = []

    class Foreign(BaseAgent):
        function_calling_llm: Any = None
        step_callback: Any = None
        last_messages: tuple[Any, ...] = ()

        def execute_task(self, task: Any, context: Any = None, tools: Any = None) -> str:
            handed.extend(tools)
            return str([tool.run(path="x") for tool in tools])

        async def aexecute_task(self, task: Any, context: Any = None, tools: Any = None) -> str:
            return self.execute_task(task, context, tools)

        def create_agent_executor(self, *args: Any, **kwargs: Any) -> None: ...

        def get_delegation_tools(self, *args: Any) -> list[Any]:
            return []

        def get_platform_tools(self, *args: Any) -> list[Any]:
            return []

        def get_mcp_tools(self, *args: Any) -> list[Any]:
            return []

    foreign = Foreign(role="foreign", goal="g", backstory="b", llm=Scripted())
    crew = crew_of(foreign, task={"tools": [canaries.danger()]})  # type: ignore[arg-type]
    with pytest.warns(CoverageWarning, match="another framework"):
        permit0.protect(crew, guard=guard)
    assert "permit0 did not run danger" in str(crew.kickoff())
    assert len(handed) == 1
    assert canaries.ran == []


def test_what_is_not_of_crewai_is_left_to_others(guard: permit0.Guard) -> None:
    with pytest.raises(permit0.InvalidInput) as refused:
        permit0.protect(object(), guard=guard)
    assert refused.value.reason_code == "protect_unknown"


@pytest.mark.parametrize(
    ("guarding", "code"), [(guard_agent, "agent_not_known"), (guard_crew, "crew_not_known")]
)
def test_what_is_no_agent_or_crew_is_an_error(
    guard: permit0.Guard, guarding: Any, code: str
) -> None:
    with pytest.raises(permit0.InvalidInput) as refused:
        guarding(object(), guard)
    assert refused.value.reason_code == code


def test_guarding_a_crew_twice_guards_once(guard: permit0.Guard, canaries: Canaries) -> None:
    crew = crew_of(team(ask(("look", {"path": "a.txt"})), canaries.all()))
    guard_crew(guard_crew(crew, guard), guard)
    kinds = {type(crew), type(crew.agents[0]), *map(type, crew.agents[0].tools or ())}
    assert all(len(kind.__mro__) - len(_plain(kind).__mro__) == 1 for kind in kinds)
    crew.kickoff()
    assert canaries.ran == [("look", "a.txt")]


def _plain(kind: type) -> type:
    return next(base for base in kind.__mro__ if "_permit0_layers" not in vars(base))


def test_a_guarded_crew_can_be_written_down(guard: permit0.Guard, canaries: Canaries) -> None:
    """As checkpoints do: the same data as without a guard."""
    plain = crew_of(team(ask(DANGER), [canaries.danger()]))
    before = plain.agents[0].model_dump(exclude={"id", "llm", "agent_executor"})["tools"]
    guard_crew(plain, guard)
    after = plain.agents[0].model_dump(exclude={"id", "llm", "agent_executor"})["tools"]
    assert [tool["tool_type"] for tool in after] == [tool["tool_type"] for tool in before]
