"""Tools that are guarded themselves: no way of calling them goes around, and they stay what they were."""

from __future__ import annotations

import asyncio
import copy
import json
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from langchain_core.runnables import RunnableConfig
from langchain_core.tools import (
    BaseTool,
    StructuredTool,
    ToolException,
    tool,
)
from langgraph.prebuilt import ToolNode
from tests.langchain.kit import Ran, asked, decided, make_guard, reported, tool_call, tools_of

from permit0 import Guard, Identity, session
from permit0_langchain import ToolRefused, guard_tool, guard_tools


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


def _into(ran: Ran) -> Callable[[Any], None]:
    def write(item: Any) -> None:
        ran.append(item)

    return write


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
    WAYS[way](guard_tool(Danger(write=_into(ran)), guard), {"text": "x"})
    assert ran == []
    allowed = guard_tool(Danger(write=_into(ran), name="note"), guard)
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
    allowed = guard_tool(Danger(write=_into(ran), name="note"), guard)
    asyncio.run(allowed.ainvoke({"text": "x"}))
    assert len(ran) == 1
    assert decided(tmp_path) == ["note"]


def test_a_tool_that_calls_itself_is_asked_each_time(guard: Guard, tmp_path: Path) -> None:
    ran: Ran = []
    tools: list[Any] = []

    @tool
    def note(text: str) -> str:
        """Write twice."""
        ran.append((text,))
        return str(tools[0].invoke({"text": text})) if len(ran) < 2 else "noted"

    class Note(Danger):
        name: str = "note"

        def _run(self, text: str = "", run_manager: Any = None) -> str:
            return str(note.func(text))  # type: ignore[attr-defined]

    for made in (guard_tool(note, guard), guard_tool(Note(write=print), guard)):
        ran.clear()
        tools[:] = [made]
        made.invoke({"text": "x"})
        assert len(ran) == 2
    assert decided(tmp_path) == ["note"] * 4


def test_a_class_without_a_guard_refuses(guard: Guard) -> None:
    ran: Ran = []
    bare = type(guard_tool(Danger(write=print), guard))(write=_into(ran), name="note")
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


# ---------------------------------------------------------------- who calls


def test_description_and_schema_are_handed_over(guard: Guard, tmp_path: Path) -> None:
    """Without them, a tool that no pack knows is judged by its name alone."""

    def listing(path: str, limit: int = 3) -> str:
        """List the files of a folder."""
        return path

    made = StructuredTool.from_function(listing, name="list_folder_files_by_name")
    assert guard_tool(made, guard).invoke({"path": "docs"}) == "docs"
    [what] = asked(tmp_path)
    assert what["description"] == "List the files of a folder."
    assert set(json.loads(what["schema"])["properties"]) == {"path", "limit"}


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
