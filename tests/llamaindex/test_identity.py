"""Whose call it is: the session, the agent, the principal."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from llama_index.core.agent.workflow import FunctionAgent
from llama_index.core.tools import FunctionTool
from llama_index.core.workflow import Context
from llama_index_instrumentation.dispatcher import instrument_tags
from tests.llamaindex.kit import (
    Call,
    Ran,
    attend,
    in_time,
    make_guard,
    no,
    records,
    run,
    script,
    tools_of,
)
from tests.llamaindex.test_agents import NOTE, pair

import permit0
from permit0 import Guard
from permit0_llamaindex import guard_agent


@pytest.fixture
def guard(tmp_path: Path) -> Guard:
    return make_guard(tmp_path)


@pytest.fixture
def ran() -> Ran:
    return []


def sessions(folder: Path) -> list[str]:
    return [body["who"]["session"] for body in records(folder, "decision")]


def agents(folder: Path) -> list[str]:
    return [body["who"]["agent"] for body in records(folder, "decision")]


def test_a_run_is_a_session_of_its_own_and_the_agent_has_its_name(
    tmp_path: Path, guard: Guard, ran: Ran
) -> None:
    twice = [*NOTE, ("note", {"text": "y"}, "c2")]
    for _ in range(2):
        made = FunctionAgent(name="buyer", tools=list(tools_of(ran)), llm=script(twice))
        run(guard_agent(made, guard))
    first, second = set(sessions(tmp_path)[:2]), set(sessions(tmp_path)[2:])
    assert len(first) == len(second) == 1
    assert first != second
    assert set(agents(tmp_path)) == {"buyer"}


def test_runs_with_one_context_are_one_session(tmp_path: Path, guard: Guard, ran: Ran) -> None:
    agent = guard_agent(
        FunctionAgent(tools=list(tools_of(ran)), llm=script(NOTE, "done", NOTE)), guard
    )

    async def main() -> None:
        ctx: Context[Any] = Context(agent)
        await agent.run(user_msg="go", ctx=ctx)
        await agent.run(user_msg="go on", ctx=ctx)

    in_time(main())
    assert len(sessions(tmp_path)) == 2
    assert len(set(sessions(tmp_path))) == 1


def test_a_session_is_named_by_whoever_knows_best(tmp_path: Path, guard: Guard, ran: Ran) -> None:
    def agent(**options: Any) -> Any:
        made = FunctionAgent(name="buyer", tools=list(tools_of(ran)), llm=script(NOTE))
        return guard_agent(made, guard, **options)

    with instrument_tags({"session_id": "tagged"}):
        run(agent())
        with permit0.session("open", agent="said", principal="ann"):
            run(agent())
            run(agent(session="given"))
    with permit0.session("open"):
        run(agent())
    assert sessions(tmp_path) == ["tagged", "open", "given", "open"]
    assert agents(tmp_path) == ["buyer", "said", "said", "buyer"]
    principals = [body["who"]["principal"] for body in records(tmp_path, "decision")]
    assert principals == [None, "ann", "ann", None]


def test_who_handed_over_does_not_split_a_session(tmp_path: Path, guard: Guard, ran: Ran) -> None:
    """Two charges pass, the third of a session asks a person, whichever agent makes it."""
    charge: list[Call] = [("pay", {"amount": 50}, "p1")]
    first: list[Any] = [
        ("pay", {"amount": 50}, "p0"),
        ("handoff", {"to_agent": "b", "reason": "x"}, "h"),
    ]
    came = run(
        guard_agent(pair(ran, charge, [("pay", {"amount": 50}, "p2")], first=first), guard), no
    )
    assert ran == [("pay", 50)] * 2
    assert came.refused == {"p2"}
    assert agents(tmp_path).count("b") >= 2
    assert len(set(sessions(tmp_path))) == 1


def test_an_agent_in_a_tool_belongs_to_the_session_of_the_tool(
    tmp_path: Path, guard: Guard, ran: Ran
) -> None:
    turns = [[("pay", {"amount": 50}, f"p{n}")] for n in range(3)]
    sub = guard_agent(
        FunctionAgent(name="sub", tools=list(tools_of(ran)), llm=script(*turns)), guard
    )

    async def ask() -> str:
        """Ask another agent."""
        return (await attend(sub.run(user_msg="go"), no)).final

    tool = FunctionTool.from_defaults(async_fn=ask, name="ask", description="x")
    top = FunctionAgent(
        name="top", tools=[tool], llm=script([("ask", {}, "c1")], [("ask", {}, "c2")])
    )
    run(guard_agent(top, guard))
    assert len(set(sessions(tmp_path))) == 1
    assert agents(tmp_path)[:2] == ["top", "sub"]
    assert ran == [("pay", 50)] * 2


def test_whoever_calls_and_cannot_be_known_may_not(guard: Guard, ran: Ran) -> None:
    class Nameless:
        def __str__(self) -> str:
            raise RuntimeError("no name")

    with instrument_tags({"session_id": Nameless()}):
        came = run(guard_agent(FunctionAgent(tools=list(tools_of(ran)), llm=script(NOTE)), guard))
    assert came.refused == {"c1"}
    assert ran == []
