"""What of a call is judged, and what its body gets."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Annotated, Any

import pytest
from langchain.agents import create_agent
from langchain_core.runnables import RunnableConfig
from langchain_core.tools import InjectedToolArg, StructuredTool, Tool, tool
from langgraph.prebuilt import InjectedState, ToolRuntime
from pydantic import BaseModel
from tests.langchain.kit import CONFIG, Ran, Scripted, decided, make_guard, say, start

from permit0 import Guard
from permit0_langchain import Permit0Middleware, guard_tool


@pytest.fixture
def guard(tmp_path: Path) -> Guard:
    return make_guard(tmp_path)


class Item(BaseModel):
    """An argument that is an object."""

    amount: int
    tags: list[str] = []


def test_defaults_are_judged(guard: Guard) -> None:
    ran: Ran = []

    @tool
    def pay(amount: int = 5000) -> str:
        """Charge."""
        ran.append(("pay", amount))
        return "paid"

    guarded = guard_tool(pay, guard)
    assert "a person has to approve it" in guarded.invoke({})
    assert ran == []
    assert guarded.invoke({"amount": 50}) == "paid"


def test_objects_are_judged_by_their_content_and_arrive_as_objects(guard: Guard) -> None:
    ran: Ran = []

    @tool
    def note(text: Item) -> str:
        """Write."""
        ran.append((type(text), text.amount))
        return "noted"

    assert guard_tool(note, guard).invoke({"text": {"amount": 1}}) == "noted"
    assert ran == [(Item, 1)]


def test_the_body_gets_arguments_that_nobody_else_holds(guard: Guard) -> None:
    ran: Ran = []

    @tool
    def note(text: list[str], n: Item) -> str:
        """Write."""
        ran.append((text, n))
        return "noted"

    given, item = ["a"], Item(amount=1)
    guard_tool(note, guard).func(given, item)  # type: ignore[attr-defined]
    text, n = ran[0]
    assert (text, n) == (given, item)
    assert text is not given
    assert n is not item


def test_what_the_framework_injects_arrives_and_is_not_judged(guard: Guard, tmp_path: Path) -> None:
    ran: Ran = []

    @tool
    def note(
        text: str,
        state: Annotated[dict[str, Any], InjectedState],
        runtime: ToolRuntime,
        config: RunnableConfig,
        n: int = 3,
    ) -> str:
        """Write."""
        ran.append(
            (text, n, len(state["messages"]), runtime.tool_call_id, "configurable" in config)
        )
        return "noted"

    agent = create_agent(
        Scripted(turns=[say(("note", {"text": "a"}))]),
        [note],
        middleware=[Permit0Middleware(guard)],
    )
    agent.invoke(start(), CONFIG)
    assert ran == [("a", 3, 2, "c1", True)]
    assert decided(tmp_path) == ["note"]


def test_an_injected_value_that_a_model_wrote_is_judged(guard: Guard) -> None:
    """Outside of a ToolNode nothing strips it."""
    ran: Ran = []

    @tool
    def pay(currency: str, amount: Annotated[int, InjectedToolArg]) -> str:
        """Charge."""
        ran.append(("pay", amount))
        return "paid"

    guarded = guard_tool(pay, guard)
    guarded.invoke({"currency": "USD", "amount": 5000})
    assert ran == []
    guarded.invoke({"currency": "USD", "amount": 50})
    assert ran == [("pay", 50)]


def test_an_injected_object_of_the_program_is_passed_as_it_is(guard: Guard) -> None:
    lock = threading.Lock()
    ran: Ran = []

    class Wanted(BaseModel, arbitrary_types_allowed=True):
        text: str
        lock: Annotated[Any, InjectedToolArg]

    def note(text: str, lock: Any) -> str:
        ran.append((text, lock))
        return "noted"

    made = StructuredTool.from_function(note, description="d", args_schema=Wanted)
    guard_tool(made, guard).invoke({"text": "a", "lock": lock})
    assert ran == [("a", lock)]


def test_arguments_without_an_exact_form_are_refused(guard: Guard) -> None:
    ran: Ran = []

    def note(text: Any) -> str:
        ran.append(text)
        return "noted"

    guarded = guard_tool(StructuredTool.from_function(note, description="d"), guard)
    for value in (float("nan"), object(), b"\xff", {"a": {1: 2}}):
        assert "permit0 did not" in guarded.invoke({"text": value})
    assert ran == []
    guarded.invoke({"text": (1, {2}, b"x")})
    assert len(ran) == 1


def test_a_tool_of_one_text_is_judged_by_name(guard: Guard) -> None:
    ran: Ran = []

    def body(text: str) -> str:
        ran.append((text,))
        return "x"

    guarded = guard_tool(Tool(name="danger", func=body, description="d"), guard)
    assert "permit0 did not run danger" in guarded.invoke("rm")
    assert ran == []
