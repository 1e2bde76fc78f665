"""An agent that exists is guarded by a callback, and a process by `install`; what they cannot see is said."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from langchain.agents import create_agent
from langchain_core.tools import Tool, tool
from langgraph.checkpoint.memory import InMemorySaver
from tests.langchain.kit import (
    CONFIG,
    RUNS,
    Ran,
    Scripted,
    approve,
    decided,
    make_guard,
    pending,
    refusals,
    reported,
    say,
    start,
    tools_of,
)

from permit0 import Guard
from permit0_langchain import Permit0CallbackHandler, ToolRefused, install


@pytest.fixture
def guard(tmp_path: Path) -> Guard:
    return make_guard(tmp_path)


@pytest.mark.parametrize("way", RUNS)
def test_a_refusal_by_a_callback_does_not_end_the_run(way: str, guard: Guard) -> None:
    """ToolNode raises what a callback raises, unless it is of the kind that it hands to the model."""
    ran: Ran = []
    agent = create_agent(
        Scripted(turns=[say(("danger", {}), ("note", {"text": "a"}))]), tools_of(ran)
    )
    config = {**CONFIG, "callbacks": [Permit0CallbackHandler(guard)]}
    state = RUNS[way](agent, start(), config)
    assert ran == [("note", "a")]
    (told,) = refusals(state)
    assert "permit0 did not run danger" in str(told.content)
    assert state["messages"][-1].content == "done"


def test_a_callback_stops_asynchronous_and_synchronous_tools_alike(guard: Guard) -> None:

    ran: Ran = []
    danger = tools_of(ran)[2]

    @tool("danger")
    async def other() -> str:
        """Nobody may."""
        ran.append(("danger",))
        return "done"

    config: Any = {"callbacks": [Permit0CallbackHandler(guard)]}
    for item in (danger, other):
        with pytest.raises(ToolRefused):
            asyncio.run(item.ainvoke({}, config))
    with pytest.raises(ToolRefused):
        danger.invoke({}, config)
    assert ran == []


def test_what_a_callback_does_not_see_is_seen_after_install(guard: Guard) -> None:

    ran: Ran = []
    danger = tools_of(ran)[2]

    @tool
    def delegate() -> str:
        """Use another tool with no callbacks."""
        return str(danger.invoke({}, {"callbacks": []}))

    config: Any = {"callbacks": [Permit0CallbackHandler(guard)]}
    delegate.invoke({}, config)
    assert ran == [("danger", "")]  # as the callback's own page says
    ran.clear()
    handler = install(guard)
    try:
        ways: list[Callable[[], Any]] = [
            lambda: delegate.invoke({}, config),
            lambda: danger.run({}),
            lambda: danger.invoke({}, {"callbacks": []}),
            lambda: asyncio.run(danger.ainvoke({})),
        ]
        for call in ways:
            with pytest.raises(ToolRefused):
                call()
        caught: list[BaseException] = []

        def in_thread() -> None:
            try:
                danger.invoke({})
            except ToolRefused as refusal:
                caught.append(refusal)

        thread = threading.Thread(target=in_thread)
        thread.start()
        thread.join()
        assert caught
        assert ran == []
    finally:
        handler.remove()
    danger.invoke({})
    assert ran == [("danger", "")]


def test_two_callbacks_of_one_guard_ask_once(guard: Guard, tmp_path: Path) -> None:
    note = tools_of([])[0]
    note.invoke({"text": "a"}, {"callbacks": [Permit0CallbackHandler(guard) for _ in range(3)]})
    assert decided(tmp_path) == ["note"]


def test_a_callback_refuses_whatever_fails(guard: Guard) -> None:
    """LangChain swallows NotImplementedError, even from a handler that may raise."""

    ran: Ran = []

    def who(config: Any) -> Any:
        raise NotImplementedError

    for handler in (Permit0CallbackHandler(guard, identity=who),):
        with pytest.raises(ToolRefused):
            tools_of(ran)[0].invoke({"text": "a"}, {"callbacks": [handler]})
    assert ran == []


def test_a_callback_judges_what_has_no_names(guard: Guard) -> None:

    ran: Ran = []
    config: Any = {"callbacks": [Permit0CallbackHandler(guard)]}

    def body(text: str) -> str:
        ran.append((text,))
        return text

    with pytest.raises(ToolRefused):
        Tool(name="danger", func=body, description="d").invoke("x", config)
    Tool(name="note", func=body, description="d").invoke("x", config)
    assert ran == [("x",)]


def test_the_callback_reports_what_came_of_a_call(guard: Guard, tmp_path: Path) -> None:

    @tool
    def note(text: str) -> str:
        """Fail if asked to."""
        if text == "fail":
            raise ValueError(text)
        return "noted"

    config: Any = {"callbacks": [Permit0CallbackHandler(guard)]}
    note.invoke({"text": "a"}, config)
    with pytest.raises(ValueError, match="fail"):
        note.invoke({"text": "fail"}, config)
    outcomes = [(item["output_chars"], item["error"]) for item in reported(tmp_path)]
    assert outcomes == [(5, ""), (0, "ValueError")]


def test_a_person_can_be_asked_by_a_callback(guard: Guard) -> None:

    ran: Ran = []
    agent = create_agent(
        Scripted(turns=[say(("pay", {"amount": 5000}))]),
        tools_of(ran),
        checkpointer=InMemorySaver(),
    )
    config: Any = {**CONFIG, "callbacks": [Permit0CallbackHandler(guard)]}
    state = agent.invoke(start(), config)
    agent.invoke(approve(pending(state)), config)
    assert ran == [("pay", 5000)]
