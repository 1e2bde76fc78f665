"""`permit0.protect` and the report of what is covered."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from llama_index.core.agent.workflow import AgentWorkflow, CodeActAgent, FunctionAgent
from llama_index.core.tools import FunctionTool
from tests.llamaindex.kit import Ran, Scripted, make_guard, run, script, tools_of
from tests.llamaindex.test_agents import DANGER, shelf_of

import permit0
from permit0 import Guard, InvalidInput
from permit0.integration import CoverageWarning, Gap
from permit0_llamaindex.plugin import LlamaIndex


@pytest.fixture
def guard(tmp_path: Path) -> Guard:
    return make_guard(tmp_path)


@pytest.fixture
def ran() -> Ran:
    return []


def covered(obj: object) -> dict[str, tuple[str, ...]]:
    return {item.name: item.where for item in permit0.coverage(obj).covered}


def test_a_tool_and_lists_of_tools(guard: Guard, ran: Ran) -> None:
    tool: Any = permit0.protect(tools_of(ran)[2], guard=guard, strict=True)
    assert tool.call(text="x").is_error
    assert covered(tool) == {"danger": ("tool",)}
    some: Any = permit0.protect(tools_of(ran), guard=guard, strict=True)
    assert some[2].call(text="x").is_error
    assert set(covered(some)) == {"note", "pay", "danger"}

    def danger(text: str) -> str:
        """A function among tools."""
        ran.append(("danger", text))
        return "done"

    mixed: Any = permit0.protect((tools_of(ran)[0], danger), guard=guard)
    assert isinstance(mixed, tuple)
    assert mixed[1].call(text="x").is_error
    assert ran == []


def test_a_function_alone_is_nobodys_and_so_pythons(guard: Guard, ran: Ran) -> None:
    def danger(text: str) -> None:
        ran.append((text,))

    guarded = permit0.protect(danger, guard=guard)
    with pytest.raises(permit0.Denied):
        guarded("x")
    assert permit0.coverage(guarded).framework == "python"


def test_an_agent(guard: Guard, ran: Ran) -> None:
    agent = FunctionAgent(
        tools=list(tools_of(ran)), llm=script(DANGER), tool_retriever=shelf_of(ran)
    )
    assert permit0.protect(agent, guard=guard, strict=True) is agent
    assert covered(agent)["danger"] == ("agent", "tool")
    assert covered(agent)["tool_retriever"] == ("retriever", "tool")
    assert run(agent).refused == {"c1"}
    assert permit0.protect(agent, guard=guard) is agent


def test_a_workflow_with_all_its_agents_and_the_handoff(guard: Guard, ran: Ran) -> None:
    a = FunctionAgent(name="a", description="a", llm=script(DANGER), tools=list(tools_of(ran))[2:])
    b = FunctionAgent(name="b", description="b", llm=script(), tools=list(tools_of(ran))[:1])
    workflow = permit0.protect(
        AgentWorkflow(agents=[a, b], root_agent="a"), guard=guard, strict=True
    )
    assert set(covered(workflow)) == {"danger", "note", "handoff"}
    assert run(workflow).refused == {"c1"}


def test_a_list_of_agents_and_a_retriever(guard: Guard, ran: Ran) -> None:
    made = [FunctionAgent(tools=list(tools_of(ran)), llm=script(DANGER)) for _ in range(2)]
    for agent in permit0.protect(made, guard=guard):
        assert run(agent).refused == {"c1"}
    shelf = permit0.protect(shelf_of(ran), guard=guard)
    assert all(
        t.call(text="x").is_error for t in shelf.retrieve("x") if t.metadata.name == "danger"
    )
    assert ran == []


def test_code_is_open_and_strict_refuses_it(guard: Guard) -> None:
    def agent() -> CodeActAgent:
        return CodeActAgent(code_execute_fn=lambda code: "42", llm=script(calls=False))

    made = agent()
    with pytest.warns(CoverageWarning, match="code_execute_fn"):
        permit0.protect(made, guard=guard)
    assert "execute (process.run_script)" in covered(made)
    with pytest.raises(InvalidInput) as caught:
        permit0.protect(agent(), guard=guard, strict=True)
    assert caught.value.reason_code == "protect_open"


class Hosted(Scripted):
    """A client whose provider runs tools itself."""

    built_in_tools: list[Any]


def test_tools_of_the_provider_are_open(guard: Guard, ran: Ran) -> None:
    agent = FunctionAgent(
        tools=list(tools_of(ran)),
        llm=Hosted(turns=[], seen=[], built_in_tools=[{"type": "web_search_preview"}]),
    )
    with pytest.warns(CoverageWarning, match="built_in_tools"):
        permit0.protect(agent, guard=guard)
    assert [gap.name for gap in permit0.coverage(agent).gaps] == ["llm.built_in_tools"]


def test_an_agent_without_tools_is_not_complete(guard: Guard) -> None:
    with pytest.raises(InvalidInput) as caught:
        permit0.protect(FunctionAgent(tools=[], llm=script()), guard=guard, strict=True)
    assert caught.value.reason_code == "protect_open"


@pytest.mark.parametrize(
    "stranger", [[], [object()], [1, "a"], object(), [FunctionAgent, FunctionTool]]
)
def test_what_is_not_of_this_framework_is_left_to_others(guard: Guard, stranger: object) -> None:
    assert LlamaIndex().protect(stranger, guard) is None


def test_what_it_supports_is_said_in_plain_values() -> None:
    support = LlamaIndex().support()
    assert set(support) == {"framework", "package", "versions", "hooks", "approval", "gaps"}
    assert all(isinstance(gap, Gap) for gap in LlamaIndex().gaps())
