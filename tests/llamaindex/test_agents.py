"""Agents and workflows: what is guarded in them, who calls, and that a refusal stays a refusal."""

from __future__ import annotations

import asyncio
import threading
from pathlib import Path
from typing import Any

import pytest
from llama_index.core.agent.workflow import AgentWorkflow, CodeActAgent, FunctionAgent, ReActAgent
from llama_index.core.agent.workflow.workflow_events import ToolCall, ToolCallResult
from llama_index.core.base.base_retriever import BaseRetriever
from llama_index.core.base.llms.types import MessageRole
from llama_index.core.instrumentation.event_handlers import BaseEventHandler
from llama_index.core.objects import ObjectRetriever, SimpleToolNodeMapping
from llama_index.core.schema import NodeWithScore, QueryBundle
from llama_index.core.workflow import Context, step
from llama_index_instrumentation import get_dispatcher
from tests.llamaindex.kit import (
    Call,
    Ran,
    decided,
    in_time,
    make_guard,
    no,
    react,
    records,
    run,
    script,
    tools_of,
    yes,
)

import permit0
from permit0 import Guard, InvalidInput
from permit0.approval.approvers import CallbackApprover
from permit0_llamaindex import ToolRefused, guard_agent, guard_retriever

DANGER: list[Call] = [("danger", {"text": "x"}, "c1")]
NOTE: list[Call] = [("note", {"text": "x"}, "c1")]


@pytest.fixture
def guard(tmp_path: Path) -> Guard:
    return make_guard(tmp_path)


@pytest.fixture
def ran() -> Ran:
    return []


# ---------------------------------------------------------------- a refusal is no answer


def test_a_refusal_of_return_direct_is_not_the_final_answer(guard: Guard, ran: Ran) -> None:
    llm = script([*DANGER, ("note", {"text": "x"}, "n1")], "done")
    tools = [*tools_of(ran)[:1], *tools_of(ran, direct=True)[2:]]
    came = run(guard_agent(FunctionAgent(tools=list(tools), llm=llm), guard))
    assert came.final == "done"
    assert came.results["c1"].return_direct is False
    # The model hears of both calls, and says nothing itself that it did not say.
    assert [text[:23] for text in llm.told] == ["permit0 did not run dan", "noted x"]
    said = [m.content for m in llm.seen[-1] if m.role == MessageRole.ASSISTANT]
    assert not any("permit0" in str(text) for text in said)
    assert ran == [("note", "x")]


def test_a_result_of_return_direct_is_the_final_answer(guard: Guard, ran: Ran) -> None:
    llm = script(NOTE, "not reached")
    tools: Any = tools_of(ran, direct=True)
    came = run(guard_agent(FunctionAgent(tools=tools, llm=llm), guard))
    assert came.final == "noted x"


@pytest.mark.parametrize(("name", "final"), [("danger", "done"), ("note", "noted x")])
def test_the_same_holds_for_react(guard: Guard, ran: Ran, name: str, final: str) -> None:
    llm = script(react(name, {"text": "x"}), "Thought: x\nAnswer: done", calls=False)
    tools: Any = tools_of(ran, direct=True)
    came = run(guard_agent(ReActAgent(tools=tools, llm=llm), guard))
    assert came.final == final


def test_a_call_that_waits_for_a_person_holds_up_no_sibling(tmp_path: Path, ran: Ran) -> None:
    noted = threading.Event()

    def answer(request: permit0.ApprovalRequest) -> bool:
        return noted.wait(10)

    guard = make_guard(tmp_path, approver=CallbackApprover(answer, by="alice"))

    def note(text: str) -> str:
        """Say that it ran."""
        noted.set()
        return "noted"

    calls: list[Call] = [("pay", {"amount": 5000}, "c1"), ("note", {"text": "x"}, "c2")]
    tools: Any = [note, tools_of(ran)[1]]
    run(guard_agent(FunctionAgent(tools=tools, llm=script(calls)), guard))
    assert ran == [("pay", 5000)]


# ---------------------------------------------------------------- what is guarded


def test_the_agent_is_guarded_in_place_and_stays_what_it_was(guard: Guard, ran: Ran) -> None:
    agent = FunctionAgent(name="buyer", tools=tools_of(ran), llm=script(DANGER))
    before = agent.workflow_name
    assert guard_agent(agent, guard) is agent
    assert guard_agent(agent, guard) is agent
    assert isinstance(agent, FunctionAgent)
    assert agent.workflow_name == before
    tools: Any = agent.tools
    with pytest.raises(ToolRefused):
        in_time(tools[2].async_fn(text="x"))
    assert ran == []


def test_another_guard_for_the_same_agent_is_an_error(tmp_path: Path, guard: Guard) -> None:
    agent = guard_agent(FunctionAgent(tools=[], llm=script()), guard)
    (tmp_path / "other").mkdir()
    with pytest.raises(InvalidInput) as caught:
        guard_agent(agent, make_guard(tmp_path / "other"))
    assert caught.value.reason_code == "protect_other_guard"


def test_a_tool_that_is_added_later_is_guarded(guard: Guard, ran: Ran) -> None:
    agent: Any = guard_agent(FunctionAgent(tools=[], llm=script(DANGER, "done", NOTE)), guard)
    agent.tools = tools_of(ran)
    assert run(agent).refused == {"c1"}
    assert ran == []
    assert run(agent).refused == set()
    assert ran == [("note", "x")]


class Shelf(BaseRetriever):
    """Finds everything."""

    def __init__(self, nodes: list[Any]) -> None:
        super().__init__()
        self._nodes = nodes

    def _retrieve(self, query_bundle: QueryBundle) -> list[NodeWithScore]:
        return [NodeWithScore(node=node, score=1.0) for node in self._nodes]


def shelf_of(ran: Ran) -> ObjectRetriever[Any]:
    mapping = SimpleToolNodeMapping.from_objects(tools_of(ran))
    return ObjectRetriever(Shelf(list(mapping.to_nodes(tools_of(ran)))), mapping)


@pytest.mark.parametrize("calls", [DANGER, NOTE])
def test_what_a_retriever_finds_is_guarded(guard: Guard, ran: Ran, calls: list[Call]) -> None:
    agent = FunctionAgent(tool_retriever=shelf_of(ran), llm=script(calls))
    came = run(guard_agent(agent, guard))
    assert ran == ([("note", "x")] if calls is NOTE else [])
    assert bool(came.refused) == (calls is DANGER)


def test_a_guarded_retriever_guards_for_any_agent(guard: Guard, ran: Ran) -> None:
    shelf = guard_retriever(shelf_of(ran), guard)
    assert guard_retriever(shelf, guard) is shelf
    for tool in (*shelf.retrieve("x"), *in_time(shelf.aretrieve("x"))):
        if tool.metadata.name == "danger":
            assert tool.call(text="x").is_error
    run(FunctionAgent(tool_retriever=shelf, llm=script(DANGER)))
    assert ran == []


def test_a_retriever_of_ones_own_that_finds_a_tool_of_the_same_name(guard: Guard, ran: Ran) -> None:
    class Finds:
        async def aretrieve(self, query: str) -> list[Any]:
            return tools_of(ran)

    agent = guard_agent(FunctionAgent(tools=list(tools_of(ran)), llm=script(DANGER)), guard)
    object.__setattr__(agent, "tool_retriever", Finds())
    assert run(agent).refused == {"c1"}
    assert ran == []


# ---------------------------------------------------------------- code


def code_agent(ran: Ran, guard: Guard) -> Any:
    def execute(code: str) -> str:
        ran.append(("code", code))
        return "42"

    llm = script("<execute>print(6 * 7)</execute>", "done", calls=False)
    return guard_agent(CodeActAgent(code_execute_fn=execute, llm=llm), guard)


@pytest.mark.parametrize("answer", [yes, no])
def test_code_is_decided_as_code(tmp_path: Path, guard: Guard, ran: Ran, answer: Any) -> None:
    came = run(code_agent(ran, guard), answer)
    assert "print(6 * 7)" in came.asked[0].prefix
    assert decided(tmp_path) == ["process.run_script"]
    assert ran == ([("code", "print(6 * 7)")] if answer is yes else [])
    assert came.final == "done"


def test_the_executor_itself_is_guarded(guard: Guard, ran: Ran) -> None:
    with pytest.raises(ToolRefused) as caught:
        code_agent(ran, guard).code_execute_fn("print(1)")
    assert caught.value.request is not None
    assert ran == []


# ---------------------------------------------------------------- workflows


def pair(ran: Ran, *turns: Any, first: Any = None) -> AgentWorkflow:
    """An agent that hands over to another one, which says the turns."""
    over = [("handoff", {"to_agent": "b", "reason": "x"}, "h1")] if first is None else first
    a = FunctionAgent(
        name="a", description="a", tools=list(tools_of(ran)), llm=script(over, "done")
    )
    b = FunctionAgent(name="b", description="b", tools=list(tools_of(ran)), llm=script(*turns))
    return AgentWorkflow(agents=[a, b], root_agent="a")


def test_a_refused_handoff_does_not_hand_over(tmp_path: Path, ran: Ran) -> None:
    guard = make_guard(tmp_path)
    deny = (tmp_path / "permit0.yaml").read_text()
    (tmp_path / "permit0.yaml").write_text(deny.replace("tool: danger", "tool: handoff"))
    refusing = permit0.build_guard(tmp_path / "permit0.yaml")
    came = run(guard_agent(pair(ran, NOTE), refusing))
    assert came.refused == {"h1"}
    assert ran == []
    assert came.final == "done"
    assert run(guard_agent(pair(ran, NOTE), guard)).refused == set()
    assert ran == [("note", "x")]


def test_agents_of_a_guarded_workflow_are_guarded_without_it(guard: Guard, ran: Ran) -> None:
    workflow = guard_agent(pair(ran, DANGER), guard)
    assert run(workflow.agents["b"]).refused == {"c1"}
    assert ran == []


def test_a_guarded_agent_in_a_plain_workflow_keeps_its_guard(guard: Guard, ran: Ran) -> None:
    agent = guard_agent(
        FunctionAgent(name="b", tools=list(tools_of(ran)), llm=script(DANGER)), guard
    )
    assert run(AgentWorkflow(agents=[agent])).refused == {"c1"}
    assert ran == []


class Twice(FunctionAgent):
    """Has a step of its own, which calls every tool twice."""

    @step
    async def call_tool(self, ctx: Context, ev: ToolCall) -> ToolCallResult:
        await super().call_tool(ctx, ev)
        result: ToolCallResult = await super().call_tool(ctx, ev)
        return result


@pytest.mark.parametrize(("calls", "expected"), [(DANGER, []), (NOTE, [("note", "x")] * 2)])
def test_a_step_of_the_agents_own_stays_and_is_guarded(
    tmp_path: Path, guard: Guard, ran: Ran, calls: list[Call], expected: Ran
) -> None:
    agent = guard_agent(Twice(tools=list(tools_of(ran)), llm=script(calls)), guard)

    async def main() -> None:
        await agent.run(user_msg="go")

    in_time(main())
    assert ran == expected
    assert len(decided(tmp_path)) == 2


# ---------------------------------------------------------------- what others believe to stop calls


def test_handlers_that_raise_stop_nothing_and_change_no_decision(guard: Guard, ran: Ran) -> None:
    class Raising(BaseEventHandler):
        def handle(self, event: Any, **kwargs: Any) -> Any:
            raise SystemExit

    dispatcher = get_dispatcher()
    handler = Raising()
    dispatcher.add_event_handler(handler)
    try:
        calls = [*DANGER, ("note", {"text": "x"}, "c2")]
        came = run(guard_agent(FunctionAgent(tools=list(tools_of(ran)), llm=script(calls)), guard))
    finally:
        dispatcher.event_handlers.remove(handler)
    assert came.refused == {"c1"}
    assert ran == [("note", "x")]


def test_a_base_exception_of_a_body_ends_the_run_and_is_on_record(
    tmp_path: Path, guard: Guard
) -> None:
    class Stop(BaseException):
        pass

    def note(text: str) -> str:
        """End it all."""
        raise Stop

    agent = guard_agent(FunctionAgent(tools=[note], llm=script(NOTE)), guard)

    async def main() -> None:
        await agent.run(user_msg="go")

    with pytest.raises((Stop, asyncio.CancelledError)):
        in_time(main())
    assert [item["error"] for item in records(tmp_path, "outcome")] == ["Stop"]
