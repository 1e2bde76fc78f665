"""Every way to a tool's body that LlamaIndex and Python offer, with a tool that may run and one that may not.

No annotations from __future__ here: LlamaIndex does not see a Context that is written as text.
"""

import asyncio
import secrets
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from llama_index.core.agent.workflow import FunctionAgent
from llama_index.core.bridge.pydantic import BaseModel, Field
from llama_index.core.llms.llm import ToolSelection
from llama_index.core.tools import (
    FunctionTool,
    ToolOutput,
)
from llama_index.core.tools.calling import (
    acall_tool,
    acall_tool_with_selection,
    call_tool,
    call_tool_with_selection,
)
from llama_index.core.workflow import Context
from tests.llamaindex.kit import (
    Ran,
    break_state,
    decided,
    in_time,
    make_guard,
    records,
    run,
    script,
    tools_of,
)

import permit0
from permit0 import Guard, InvalidInput, OutcomeUnrecorded
from permit0_llamaindex import ToolRefused, guard_agent, guard_tool, guard_tools

REFUSED = "permit0 did not run danger: the operator does not allow it."


@pytest.fixture
def guard(tmp_path: Path) -> Guard:
    return make_guard(tmp_path)


@pytest.fixture
def ran() -> Ran:
    return []


def attempt(way: Callable[[Any], Any], tool: Any) -> str:
    """What a way to a tool says, also if it raises."""
    try:
        said = way(tool)
        if asyncio.iscoroutine(said):
            said = in_time(said)
    except ToolRefused as refusal:
        return str(refusal)
    return str(said)


WAYS: dict[str, Callable[[Any], Any]] = {
    "call": lambda tool: tool.call(text="x"),
    "call by position": lambda tool: tool.call("x"),
    "()": lambda tool: tool(text="x"),
    "() by position": lambda tool: tool("x"),
    "acall": lambda tool: tool.acall(text="x"),
    "acall by position": lambda tool: tool.acall("x"),
    "fn": lambda tool: tool.fn(text="x"),
    "fn by position": lambda tool: tool.fn("x"),
    "async_fn": lambda tool: tool.async_fn(text="x"),
    "real_fn": lambda tool: tool.real_fn(text="x"),
    "call_tool": lambda tool: call_tool(tool, {"text": "x"}),
    "acall_tool": lambda tool: acall_tool(tool, {"text": "x"}),
    "call_tool_with_selection": lambda tool: call_tool_with_selection(_select(tool), [tool]),
    "acall_tool_with_selection": lambda tool: acall_tool_with_selection(_select(tool), [tool]),
}


def _select(tool: Any) -> ToolSelection:
    return ToolSelection(tool_id="c1", tool_name=tool.metadata.name, tool_kwargs={"text": "x"})


def _predict(tool: Any) -> Any:
    return script([(tool.metadata.name, {"text": "x"}, "c1")]).predict_and_call(
        [tool], user_msg="x"
    )


WAYS["predict_and_call"] = _predict


class Text(BaseModel):
    """The schema of a tool."""

    text: str


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("name", ["note", "danger"])
def test_every_way_to_a_function_tool_is_decided_once(
    tmp_path: Path, guard: Guard, ran: Ran, way: str, name: str
) -> None:
    tool = next(t for t in guard_tools(tools_of(ran), guard) if t.metadata.name == name)
    said = attempt(WAYS[way], tool)
    assert ran == ([("note", "x")] if name == "note" else [])
    assert (REFUSED in said) == (name == "danger")
    assert decided(tmp_path) == [name]


@pytest.mark.parametrize("name", ["note", "danger"])
def test_no_way_leads_from_a_wrapper_to_the_function(guard: Guard, ran: Ran, name: str) -> None:
    tool: Any = next(t for t in guard_tools(tools_of(ran), guard) if t.metadata.name == name)
    for function in (tool.fn, tool.async_fn, tool.real_fn):
        assert not hasattr(function, "__wrapped__")
        assert function.__name__ == name


def test_the_original_is_left_as_it_was(guard: Guard, ran: Ran) -> None:
    original = tools_of(ran)[0]
    guarded = guard_tool(original, guard)
    assert guarded is not original
    assert original.call(text="x").content == "noted x"
    assert type(guarded).__name__ == "FunctionTool"
    assert isinstance(guarded, FunctionTool)
    assert guarded.metadata.get_parameters_dict() == original.metadata.get_parameters_dict()


def test_guarding_twice_guards_once(tmp_path: Path, guard: Guard, ran: Ran) -> None:
    once = guard_tool(tools_of(ran)[0], guard)
    assert guard_tool(once, guard) is once
    once(text="x")  # type: ignore[call-arg]  # of a FunctionTool
    assert decided(tmp_path) == ["note"]


def test_a_second_guard_is_an_error(tmp_path: Path, guard: Guard, ran: Ran) -> None:
    (tmp_path / "other").mkdir()
    with pytest.raises(InvalidInput) as caught:
        guard_tool(guard_tool(tools_of(ran)[0], guard), make_guard(tmp_path / "other"))
    assert caught.value.reason_code == "protect_other_guard"


def test_a_refusal_says_why_to_the_program_and_only_that_to_the_model(
    guard: Guard, ran: Ran
) -> None:
    output = guard_tools(tools_of(ran), guard)[2].call(text="x")  # type: ignore[attr-defined]  # of a FunctionTool
    assert output.is_error
    assert isinstance(output.exception, permit0.Denied)
    assert output.exception.reason_code == "denied_by_list"
    assert "nobody may" in str(output.exception.__cause__)
    assert "nobody may" not in output.content


# ---------------------------------------------------------------- arguments


def test_the_body_gets_a_copy_that_nobody_else_holds(guard: Guard) -> None:
    got: list[Any] = []

    def note(text: list[str]) -> str:
        """Keep it."""
        got.append(text)
        return "kept"

    mine = ["a"]
    tool: Any = guard_tool(note, guard)
    tool.call(text=mine)
    assert got == [["a"]]
    assert got[0] is not mine


def test_defaults_and_partial_parameters_are_judged(guard: Guard) -> None:
    ran: Ran = []

    def pay(amount: int = 5000) -> str:
        """Charge a card."""
        ran.append(("pay", amount))
        return "paid"

    def is_refused(tool: Any, **arguments: Any) -> bool:
        with permit0.session(
            secrets.token_hex(4)
        ):  # the third charge of a session is another matter
            output: ToolOutput = guard_tool(tool, guard).call(**arguments)  # type: ignore[attr-defined]
        return output.is_error

    assert is_refused(pay)
    assert is_refused(FunctionTool.from_defaults(pay, partial_params={"amount": 5000}))
    small = FunctionTool.from_defaults(pay, partial_params={"amount": 50})
    assert not is_refused(small)
    # The model may override them; what counts is what the body would get.
    assert is_refused(small, amount=5000)
    assert ran == [("pay", 50)]


def test_a_default_in_a_field_is_a_default(guard: Guard) -> None:
    ran: Ran = []

    def note(text: str = Field(default="from the field", description="x")) -> str:
        """Keep it."""
        ran.append(("note", text))
        return "kept"

    def must(text: str = Field(description="x")) -> str:
        """Keep it."""
        ran.append(("must", text))
        return "kept"

    tool: Any = guard_tool(note, guard)
    assert not tool.call().is_error
    assert tool.fn() == "kept"
    assert ran == [("note", "from the field")] * 2
    required: Any = guard_tool(must, guard, name="note")
    with pytest.raises(ToolRefused) as caught:
        required.fn()
    assert caught.value.reason_code == "argument_missing"


def test_an_object_of_the_program_is_passed_on_and_cannot_be_replaced(guard: Guard) -> None:
    got: list[Any] = []
    client = threading.Lock()

    def note(text: str, client: Any) -> str:
        """Keep it."""
        got.append(client)
        return "kept"

    partial = FunctionTool.from_defaults(note, partial_params={"client": client})
    tool: Any = guard_tool(partial, guard)
    assert not tool.call(text="x").is_error
    assert got == [client]
    output = tool.call(text="x", client="forged")
    assert output.exception.reason_code == "argument_injected"
    assert got == [client]


def test_a_context_is_passed_on_and_cannot_be_forged(guard: Guard) -> None:
    got: list[Any] = []

    async def note(ctx: Context, text: str) -> str:
        """Keep it."""
        got.append(ctx)
        return "kept"

    tool = FunctionTool.from_defaults(async_fn=note)
    llm = script([("note", {"text": "x", "ctx": "forged"}, "c1")])
    run(guard_agent(FunctionAgent(tools=[tool], llm=llm), guard))
    assert [type(item) for item in got] == [Context]
    output = call_tool(guard_tool(tool, guard), {"text": "x", "ctx": "forged"})
    assert output.exception is not None
    assert "is not the agent's to give" in output.content
    assert len(got) == 1


@pytest.mark.parametrize("arguments", [{}, {"text": "x", "more": 1}, {"txet": "x"}])
def test_arguments_that_do_not_fit_are_refused(guard: Guard, arguments: dict[str, Any]) -> None:
    ran: Ran = []

    def note(text: str) -> str:
        """Keep it."""
        ran.append(("note", text))
        return "kept"

    tool: Any = guard_tool(note, guard)
    assert tool.call(**arguments).exception.reason_code == "arguments_do_not_fit"
    assert ran == []
    assert not tool.call(text="x").is_error


def test_rest_parameters_reach_the_body_as_they_were_given(guard: Guard) -> None:
    got: list[Any] = []

    def note(first: str, /, *rest: str, key: str = "k", **more: str) -> str:
        """Keep it."""
        got.append((first, rest, key, more))
        return "kept"

    tool: Any = guard_tool(FunctionTool.from_defaults(note, fn_schema=Text), guard)
    tool.fn("a", "b", "c", key="d", other="e")
    assert got == [("a", ("b", "c"), "d", {"other": "e"})]


def test_a_sync_and_an_async_function_of_one_tool_are_both_guarded(guard: Guard, ran: Ran) -> None:
    def danger(text: str) -> str:
        """Sync."""
        ran.append(("sync", text))
        return "done"

    async def danger_async(text: str) -> str:
        ran.append(("async", text))
        return "done"

    tool: Any = guard_tool(FunctionTool.from_defaults(danger, async_fn=danger_async), guard)
    for way in WAYS.values():
        attempt(way, tool)
    assert ran == []
    free: Any = guard_tool(
        FunctionTool.from_defaults(danger, async_fn=danger_async), guard, name="note"
    )
    free.call(text="x")
    in_time(free.acall(text="x"))
    assert ran == [("sync", "x"), ("async", "x")]


@pytest.mark.parametrize("is_async", [False, True])
@pytest.mark.parametrize("way", ["call", "acall"])
def test_a_body_has_the_session_of_its_call(
    tmp_path: Path, guard: Guard, way: str, is_async: bool
) -> None:
    """Core 0.14.8 runs a synchronous body without the context; a call in it would belong to nobody."""
    inner: Any = guard_tool(tools_of([])[0], guard)

    def outer() -> str:
        """Call another tool."""
        return str(inner.call(text="x").content)

    async def outer_async() -> str:
        return str((await inner.acall(text="x")).content)

    made = FunctionTool.from_defaults(
        **({"async_fn": outer_async} if is_async else {"fn": outer}), name="outer", description="x"
    )
    tool: Any = guard_tool(made, guard)

    async def main() -> None:
        with permit0.session("mine", agent="buyer"):
            if way == "acall":
                await tool.acall()
            else:
                tool.call()  # in a loop that runs: LlamaIndex takes another thread

    in_time(main())
    who = [body["who"] for body in records(tmp_path, "decision")]
    assert {(item["session"], item["agent"]) for item in who} == {("mine", "buyer")}
    assert decided(tmp_path) == ["outer", "note"]


# ---------------------------------------------------------------- what comes after the body


def test_what_a_body_gives_back_or_raises_is_on_record(tmp_path: Path, guard: Guard) -> None:
    def note(text: str) -> str:
        """Keep it."""
        if text == "bad":
            raise ValueError("the tool's own")
        return f"kept {text}"

    tool: Any = guard_tool(note, guard)
    tool.call(text="x")
    with pytest.raises(ValueError, match="the tool's own"):
        tool.call(text="bad")
    outcomes = records(tmp_path, "outcome")
    assert [item["error"] for item in outcomes] == ["", "ValueError"]


def test_a_call_that_ran_unrecorded_is_no_refusal_and_does_not_run_again(
    tmp_path: Path, guard: Guard, ran: Ran
) -> None:
    def note(text: str) -> str:
        """Break the log."""
        ran.append(("note", text))
        for file in tmp_path.glob("audit.db*"):
            file.unlink()
        (tmp_path / "audit.db").write_bytes(b"this is no database" * 400)
        return "AKIAQ3EGRVZK4YWUPL2X"

    output = call_tool(guard_tool(note, guard), {"text": "x"})
    assert ran == [("note", "x")]
    assert isinstance(output.exception, OutcomeUnrecorded)
    assert output.is_error
    assert "note ran" in output.content
    assert "did not" not in output.content
    assert output.exception.result == "AKIAQ3EGRVZK4YWUPL2X"


def test_observe_mode_lets_calls_run(tmp_path: Path, ran: Ran) -> None:
    guard = make_guard(tmp_path, "mode: observe\n")
    tool: Any = guard_tools(tools_of(ran), guard)[2]
    assert not in_time(tool.acall(text="x")).is_error
    assert ran == [("danger", "x")]


def test_nothing_runs_when_nothing_can_be_checked(tmp_path: Path, guard: Guard, ran: Ran) -> None:
    tool: Any = guard_tools(tools_of(ran), guard)[0]
    break_state(tmp_path)
    for way in WAYS.values():
        attempt(way, tool)
    assert ran == []
