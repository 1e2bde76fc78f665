"""Tools themselves, whoever calls them."""

from __future__ import annotations

import asyncio
import inspect
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, cast

import pytest
from crewai.flow.flow import Flow, start
from crewai.tools import BaseTool, tool
from crewai.tools.structured_tool import CrewStructuredTool
from crewai.tools.tool_failure import ToolFailure
from tests.crewai.kit import LARGE, SMALL, Canaries, Scripted, build, counted

import permit0
from permit0_crewai import Refusal, guard_tool, guard_tools, uninstall
from permit0_crewai.translate import schema_of

Use = Callable[[Any, dict[str, Any]], object]


@pytest.fixture
def canaries() -> Canaries:
    return Canaries()


@pytest.fixture
def guard(tmp_path: Path) -> Iterator[permit0.Guard]:
    made = build(tmp_path)
    yield made
    uninstall(made)


def structured(one: Any) -> Any:
    return one if isinstance(one, CrewStructuredTool) else one.to_structured_tool()


def by_model(one: Any, values: dict[str, Any]) -> object:
    return Scripted()._handle_tool_execution(one.name, values, {one.name: one.run})


WAYS: dict[str, Use] = {
    "run": lambda one, values: one.run(**values),
    "run positionally": lambda one, values: one.run(*values.values()),
    "_run": lambda one, values: one._run(**values),
    "structured.invoke": lambda one, values: structured(one).invoke(values),
    "structured.ainvoke": lambda one, values: asyncio.run(structured(one).ainvoke(values)),
    "structured._run": lambda one, values: structured(one)._run(**values),
    "LLM.call": by_model,
    "a copy": lambda one, values: one.model_copy().run(**values),
}


@pytest.mark.parametrize("way", WAYS)
def test_a_tool_made_from_a_function_is_guarded(
    guard: permit0.Guard, canaries: Canaries, way: str
) -> None:
    one = guard_tool(canaries.charge(), guard)
    answers = [WAYS[way](one, values) for values in (SMALL, LARGE)]
    assert canaries.ran == [("charge", 50)]
    assert "a person has to approve it first" in str(answers[1])


def test_the_function_itself_is_guarded(guard: permit0.Guard, canaries: Canaries) -> None:
    one = guard_tool(canaries.charge(), guard)
    one.func(50)
    assert isinstance(one.func(5000), Refusal)
    assert canaries.ran == [("charge", 50)]


@pytest.mark.parametrize("way", [*WAYS, "arun", "_arun"])
def test_a_tool_that_is_a_class_is_guarded(
    guard: permit0.Guard, canaries: Canaries, way: str
) -> None:
    ways: dict[str, Use] = {
        **WAYS,
        "arun": lambda one, values: asyncio.run(one.arun(**values)),
        "_arun": lambda one, values: asyncio.run(one._arun(**values)),
    }
    one = guard_tool(canaries.danger(), guard)
    told = str(ways[way](one, {"path": "x"}))
    assert canaries.ran == []
    assert told.startswith("permit0 did not run danger: the operator does not allow it")


def test_the_same_class_is_not_guarded_elsewhere(guard: permit0.Guard, canaries: Canaries) -> None:
    danger = canaries.danger()
    guard_tool(danger, guard)
    danger.run(path="x")
    assert canaries.ran == [("danger", "x")]


@pytest.mark.parametrize("amount", [50, 5000])
def test_an_async_function_is_guarded(guard: permit0.Guard, amount: int) -> None:
    ran: list[int] = []

    @tool("charge")
    async def charge(amount: int, customer: str = "cus_1") -> str:
        """Take money."""
        ran.append(amount)
        return "charged"

    one = guard_tool(charge, guard)
    assert inspect.iscoroutinefunction(one.func)
    assert isinstance(one.run(amount=amount), ToolFailure) == (amount == 5000)
    assert isinstance(asyncio.run(one.arun(amount=amount)), ToolFailure) == (amount == 5000)
    assert ran == ([50, 50] if amount == 50 else [])


def test_a_function_that_returns_a_coroutine_is_guarded(guard: permit0.Guard) -> None:
    ran: list[str] = []

    async def later(path: str) -> str:
        ran.append(path)
        return "text"

    def read(path: str) -> Any:
        """Read a file."""
        return later(path)

    one = guard_tool(tool("look")(read), guard)
    assert one.run(path="a.txt") == "text"
    assert ran == ["a.txt"]


@pytest.mark.parametrize("amount", [50, 5000])
def test_a_structured_tool_is_guarded(guard: permit0.Guard, amount: int) -> None:
    ran: list[int] = []

    def charge(amount: int, customer: str = "cus_1") -> str:
        """Take money."""
        ran.append(amount)
        return "charged"

    one = guard_tool(CrewStructuredTool.from_function(charge, name="charge"), guard)
    one.invoke({"amount": amount})
    asyncio.run(one.ainvoke({"amount": amount}))
    assert ran == ([50, 50] if amount == 50 else [])


def test_a_tool_with_its_own_run_is_guarded(guard: permit0.Guard) -> None:
    ran: list[str] = []

    class Odd(BaseTool):
        name: str = "danger"
        description: str = "d"

        def run(self, *args: Any, **kwargs: Any) -> str:
            ran.append("run")
            return "harm done"

        def _run(self, *args: Any, **kwargs: Any) -> str:
            ran.append("_run")
            return "harm done"

    one = guard_tool(Odd(), guard)
    assert isinstance(one.run(path="x"), Refusal)
    assert isinstance(one._run(path="x"), Refusal)
    assert ran == []


def test_guarding_twice_guards_once(guard: permit0.Guard, canaries: Canaries) -> None:
    once = guard_tool(canaries.look(), guard)
    assert guard_tool(once, guard) is once
    with permit0.session("s", agent="a"):
        once.run(path="a.txt")
    assert counted(guard, session="s", agent="a") == 1


def test_two_guards_both_have_a_say(
    guard: permit0.Guard, tmp_path: Path, canaries: Canaries
) -> None:
    (tmp_path / "other").mkdir()
    config = tmp_path / "other" / "permit0.yaml"
    config.write_text("lists: {deny: [{tool: look, reason: the other one says no}]}\n")
    other = permit0.build_guard(config)
    try:
        for first, second in ((guard, other), (other, guard)):
            one = guard_tool(guard_tool(canaries.look(), first), second)
            assert isinstance(one.run(path="a.txt"), Refusal)
    finally:
        uninstall(other)
    assert canaries.ran == []


def test_the_model_sees_the_same_tool(guard: permit0.Guard, canaries: Canaries) -> None:
    for made in canaries.all():
        one = guard_tool(made, guard)
        assert one.args_schema.model_json_schema() == made.args_schema.model_json_schema()
        assert one.formatted_description == made.formatted_description
        assert one.tool_type == made.tool_type
        assert type(one).__name__ == type(made).__name__
        assert isinstance(one, type(made))
        converted = one.to_structured_tool()
        assert converted.args == made.to_structured_tool().args


def test_there_is_no_way_from_the_wrapper_to_the_function(
    guard: permit0.Guard, canaries: Canaries
) -> None:
    one = guard_tool(canaries.charge(), guard)
    assert not hasattr(one.func, "__wrapped__")
    assert inspect.unwrap(one.func) is one.func


def test_the_class_is_found_again_by_its_name(guard: permit0.Guard, canaries: Canaries) -> None:
    """A checkpoint makes tools again from their class's name: that stays the user's class."""
    from crewai.tools.base_tool import _TOOL_TYPE_REGISTRY

    danger = canaries.danger()
    guard_tool(danger, guard)
    assert _TOOL_TYPE_REGISTRY[danger.tool_type] is type(danger)


def test_the_body_gets_what_was_judged_and_nobody_else_holds(guard: permit0.Guard) -> None:
    held: list[Any] = []

    class Look(BaseTool):
        name: str = "look"
        description: str = "d"

        def _run(self, path: str, tags: Any = None) -> str:
            held.append(tags)
            return "text"

    tags = ["a"]
    guard_tool(Look(), guard)._run(path="a.txt", tags=tags)
    assert held == [["a"]]
    assert held[0] is not tags


def test_an_exception_of_the_tool_is_its_own(guard: permit0.Guard) -> None:
    @tool("look")
    def look(path: str) -> str:
        """Read a file."""
        raise FileNotFoundError(path)

    with pytest.raises(FileNotFoundError):
        guard_tool(look, guard).run(path="a.txt")


def test_what_is_no_tool_is_an_error(guard: permit0.Guard) -> None:
    with pytest.raises(permit0.InvalidInput) as refused:
        guard_tools(cast(Any, [print]), guard)
    assert refused.value.reason_code == "tool_not_known"


def test_arguments_that_do_not_fit_are_refused(guard: permit0.Guard, canaries: Canaries) -> None:
    one = guard_tool(canaries.charge(), guard)
    told: object = cast(Any, one)._run(price=5)
    assert isinstance(told, Refusal)
    assert told.details["reason_code"] == "argument_unexpected"
    assert canaries.ran == []


def test_a_tool_inside_a_flow_is_guarded(guard: permit0.Guard, canaries: Canaries) -> None:
    look, danger = guard_tools([canaries.look(), canaries.danger()], guard)

    class Work(Flow[dict[str, Any]]):
        @start()
        def work(self) -> str:
            look.run(path="a.txt")
            return str(danger.run(path="x"))

    assert str(Work().kickoff()).startswith("permit0 did not run danger")
    assert canaries.ran == [("look", "a.txt")]


def test_a_model_cannot_name_what_is_ours(guard: permit0.Guard) -> None:
    """`permit0_carried` is how a context travels into a thread; as a text it is only an argument."""
    got: list[dict[str, Any]] = []

    class Look(BaseTool):
        name: str = "look"
        description: str = "d"

        def _run(self, **kwargs: Any) -> str:
            got.append(kwargs)
            return "text"

    one = guard_tool(Look(), guard)
    values = {"path": "a.txt", "permit0_carried": "x"}
    structured(one).func(**values)
    assert got in ([], [values])
    told = one.run(**values)
    assert got in ([], [values], [values, values])
    assert "x" not in str(told) or got


def test_a_session_is_carried_into_the_thread_of_ainvoke(
    guard: permit0.Guard, canaries: Canaries
) -> None:
    one = guard_tool(canaries.look(), guard).to_structured_tool()

    async def inside() -> object:
        with permit0.session("s-1", agent="reader"):
            return await one.ainvoke({"path": "a.txt"})

    assert asyncio.run(inside()) == "text of a.txt"
    assert counted(guard, session="s-1", agent="reader") == 1


def test_the_schema_of_a_tool_is_handed_over_as_text() -> None:
    @tool("list_folder_files_by_name")
    def listing(path: str, limit: int = 3) -> str:
        """List the files of a folder."""
        return path

    schema = json.loads(schema_of(listing))
    assert set(schema["properties"]) == {"path", "limit"}
    assert schema_of(object()) == ""
