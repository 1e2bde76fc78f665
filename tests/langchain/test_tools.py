"""Tools that are guarded themselves: no way of calling them goes around, and they stay what they were."""

from __future__ import annotations

import asyncio
import copy
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import pytest
from langchain_core.runnables import RunnableConfig
from langchain_core.tools import (
    BaseTool,
    InjectedToolArg,
    StructuredTool,
    Tool,
    ToolException,
    tool,
)
from langgraph.prebuilt import InjectedState, ToolNode, ToolRuntime
from permit0 import Guard, Identity, session
from permit0_langchain import ToolRefused, guard_tool, guard_tools
from pydantic import BaseModel

from tests.langchain.kit import Ran, decided, make_guard, reported, tool_call, tools_of


@pytest.fixture
def guard(tmp_path: Path) -> Guard:
    return make_guard(tmp_path)


class Danger(BaseTool):
    """A tool as a class, with both bodies."""

    name: str = "danger"
    description: str = "Something that nobody may."
    write: Any  # a function, which a deep copy shares

    def _run(self, text: str = "", run_manager: Any = None) -> str:
        self.write(("danger", text, run_manager is not None))
        return "done"

    async def _arun(self, text: str = "") -> str:
        return self._run(text)


WAYS: dict[str, Callable[[Any, dict[str, Any]], Any]] = {
    "invoke": lambda t, a: t.invoke(a),
    "invoke with a call": lambda t, a: t.invoke(tool_call(t.name, a, "c1")),
    "ainvoke": lambda t, a: asyncio.run(t.ainvoke(a)),
    "batch": lambda t, a: t.batch([a, a]),
    "abatch": lambda t, a: asyncio.run(t.abatch([a, a])),
    "stream": lambda t, a: list(t.stream(a)),
    "run": lambda t, a: t.run(a),
    "arun": lambda t, a: asyncio.run(t.arun(a)),
    "with_retry": lambda t, a: t.with_retry(stop_after_attempt=2).invoke(a),
    "with_config": lambda t, a: t.with_config(tags=["x"]).invoke(a),
    "no callbacks": lambda t, a: t.invoke(a, {"callbacks": []}),
    "a copy": lambda t, a: t.model_copy().invoke(a),
    "a deep copy": lambda t, a: copy.deepcopy(t).invoke(a),
    "a renamed copy": lambda t, a: t.model_copy(update={"description": "x"}).invoke(a),
    "a bare thread": lambda t, a: _in_thread(lambda: t.invoke(a)),
}
BODIES: dict[str, Callable[[Any, dict[str, Any]], Any]] = {
    "func": lambda t, a: t.func(**a),
    "_run": lambda t, a: t._run(**a, config={}),
    "_arun": lambda t, a: asyncio.run(t._arun(**a, config={})),
}


def _in_thread(call: Callable[[], Any]) -> Any:
    came: list[Any] = []
    thread = threading.Thread(target=lambda: came.append(call()))
    thread.start()
    thread.join()
    return came[0]


@pytest.mark.parametrize("way", WAYS)
def test_no_way_of_calling_runs_a_refused_function(way: str, guard: Guard) -> None:
    ran: Ran = []
    note, _, danger = guard_tools(tools_of(ran), guard)
    WAYS[way](danger, {"text": "x"})
    assert ran == []
    WAYS[way](note, {"text": "x"})
    assert set(ran) == {("note", "x")}


@pytest.mark.parametrize("way", WAYS)
def test_no_way_of_calling_runs_a_refused_class(way: str, guard: Guard) -> None:
    ran: Ran = []
    WAYS[way](guard_tool(Danger(write=lambda item: ran.append(item)), guard), {"text": "x"})
    assert ran == []
    allowed = guard_tool(Danger(write=lambda item: ran.append(item), name="note"), guard)
    WAYS[way](allowed, {"text": "x"})
    assert {item[:2] for item in ran} == {("danger", "x")}


@pytest.mark.parametrize("way", BODIES)
def test_a_body_called_directly_raises_and_does_not_run(way: str, guard: Guard) -> None:
    ran: Ran = []
    note, _, danger = guard_tools(tools_of(ran), guard)
    with pytest.raises(ToolRefused) as refusal:
        BODIES[way](danger, {"text": "x"})
    assert refusal.value.reason_code == "denied_by_list"
    assert isinstance(refusal.value, ToolException)
    assert not isinstance(refusal.value, NotImplementedError)
    assert ran == []
    BODIES[way](note, {"text": "x"})
    assert ran == [("note", "x")]


def test_the_wrapper_does_not_lead_back_to_the_function(guard: Guard) -> None:
    danger = guard_tools(tools_of([]), guard)[2]
    assert not hasattr(danger.func, "__wrapped__")


def test_both_bodies_of_a_class_are_one_decision(guard: Guard, tmp_path: Path) -> None:
    ran: Ran = []
    allowed = guard_tool(Danger(write=lambda item: ran.append(item), name="note"), guard)
    asyncio.run(allowed.ainvoke({"text": "x"}))
    assert len(ran) == 1
    assert decided(tmp_path) == ["note"]


def test_a_class_without_a_guard_refuses(guard: Guard) -> None:
    ran: Ran = []
    bare = type(guard_tool(Danger(write=print), guard))(
        write=lambda item: ran.append(item), name="note"
    )
    bare.invoke({"text": "x"})
    assert ran == []


def test_guarding_twice_guards_once(guard: Guard, tmp_path: Path) -> None:
    ran: Ran = []
    once = guard_tools(tools_of(ran), guard)
    twice = guard_tools(once, guard)
    assert [a is b for a, b in zip(once, twice, strict=True)] == [True] * 3
    twice[0].invoke({"text": "x"})
    assert decided(tmp_path) == ["note"]


def test_two_guards_must_both_allow(guard: Guard, tmp_path: Path) -> None:
    ran: Ran = []
    (tmp_path / "other").mkdir()
    strict = make_guard(
        tmp_path / "other", "rules: {files.list: [{id: no, effect: block, why: no}]}\n"
    )
    for order in [(guard, strict), (strict, guard)]:
        note = guard_tool(guard_tool(tools_of(ran)[0], order[0]), order[1])
        note.invoke({"text": "x"})
        assert ran == []


def test_a_tool_stays_what_it_was(guard: Guard) -> None:
    @tool(return_direct=True, response_format="content_and_artifact")
    def note(text: str, n: int = 3) -> tuple[str, list[int]]:
        """Write a note."""
        return text, [n]

    guarded = guard_tool(note, guard)
    assert isinstance(guarded, StructuredTool)
    assert guarded.return_direct
    assert guarded.args_schema is note.args_schema
    assert guarded.args == note.args
    message = guarded.invoke(tool_call("note", {"text": "a"}, "c1"))
    assert (message.content, message.artifact, message.status) == ("a", [3], "success")


def test_a_refusal_fits_the_response_format(guard: Guard) -> None:
    @tool(response_format="content_and_artifact")
    def danger(text: str) -> tuple[str, list[int]]:
        """Nobody may."""
        return text, []

    message = guard_tool(danger, guard).invoke(tool_call("danger", {"text": "a"}, "c1"))
    assert message.status == "error"
    assert message.tool_call_id == "c1"
    assert message.artifact["permit0"]["refused"] == "denied_by_list"


@pytest.mark.parametrize("handler", [True, "something else", lambda error: "something else"])
def test_the_tools_own_error_handler_does_not_hide_a_refusal(handler: Any, guard: Guard) -> None:
    ran: Ran = []
    danger = tools_of(ran)[2].model_copy(update={"handle_tool_error": handler})
    text = guard_tool(danger, guard).invoke({"text": "x"})
    assert "permit0 did not run danger" in text
    assert ran == []


@pytest.mark.parametrize("handler", [True, False])
def test_the_tools_own_errors_stay_its_own(handler: bool, guard: Guard, tmp_path: Path) -> None:
    @tool
    def note(text: str) -> str:
        """Fail."""
        raise ToolException("out of ink")

    guarded = guard_tool(note.model_copy(update={"handle_tool_error": handler}), guard)
    if handler:
        assert guarded.invoke({"text": "x"}) == "out of ink"
    else:
        with pytest.raises(ToolException, match="out of ink"):
            guarded.invoke({"text": "x"})
    assert [item["error"] for item in reported(tmp_path)] == ["ToolException"]


def test_output_is_reported(guard: Guard, tmp_path: Path) -> None:
    guard_tools(tools_of([]), guard)[0].invoke({"text": "x"})
    assert [item["output_chars"] for item in reported(tmp_path)] == [len("noted x")]


# ---------------------------------------------------------------- arguments


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

    from langchain.agents import create_agent
    from permit0_langchain import Permit0Middleware

    from tests.langchain.kit import CONFIG, Scripted, say, start

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


# ---------------------------------------------------------------- who calls


def test_a_session_of_permit0_comes_before_the_thread(guard: Guard, tmp_path: Path) -> None:
    note = guard_tools(tools_of([]), guard)[0]
    config: Any = {"configurable": {"thread_id": "thread"}}
    note.invoke({"text": "x"}, config)
    with session("mine", agent="me"):
        note.invoke({"text": "x"}, config)
    given = guard_tools(tools_of([]), guard, identity=Identity(session="given"))[0]
    with session("mine", agent="me"):
        given.invoke({"text": "x"}, config)
    made = guard_tools(
        tools_of([]), guard, identity=lambda c: Identity(session=c["configurable"]["user"])
    )[0]
    made.invoke({"text": "x"}, {"configurable": {"user": "bob"}})
    who = [item["who"]["session"] for item in reported(tmp_path)]
    assert who == ["thread", "mine", "given", "bob"]


def test_a_failing_identity_refuses(guard: Guard) -> None:
    ran: Ran = []

    def who(config: RunnableConfig) -> Identity:
        raise KeyError("nobody")

    guard_tools(tools_of(ran), guard, identity=who)[0].invoke({"text": "x"})
    assert ran == []


def test_observe_mode_lets_calls_run(tmp_path: Path) -> None:
    ran: Ran = []
    danger = guard_tools(tools_of(ran), make_guard(tmp_path, "mode: observe\n"))[2]
    danger.invoke({"text": "x"})
    assert ran == [("danger", "x")]


def test_a_tool_node_of_guarded_tools_refuses(guard: Guard) -> None:
    """Without any wrapper of a node."""
    ran: Ran = []
    node = ToolNode(guard_tools(tools_of(ran), guard))
    assert set(node.tools_by_name) == {"note", "pay", "danger"}
    assert ran == []
