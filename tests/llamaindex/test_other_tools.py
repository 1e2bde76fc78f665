"""Tools that are no FunctionTool, and functions of every kind in one."""

import functools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from llama_index.core.agent.workflow import CodeActAgent, FunctionAgent
from llama_index.core.base.base_query_engine import BaseQueryEngine
from llama_index.core.base.response.schema import Response
from llama_index.core.callbacks import CallbackManager
from llama_index.core.schema import QueryBundle
from llama_index.core.tools import (
    AsyncBaseTool,
    BaseTool,
    FunctionTool,
    QueryEngineTool,
    ToolMetadata,
    ToolOutput,
)
from llama_index.core.tools.calling import acall_tool, call_tool
from llama_index.core.tools.types import adapt_to_async_tool
from tests.llamaindex.kit import Ran, decided, in_time, make_guard, records, run, script, tools_of
from tests.llamaindex.test_tools import WAYS, Text, attempt

from permit0 import Guard, InvalidInput
from permit0_llamaindex import guard_agent, guard_tool, guard_tools


@pytest.fixture
def guard(tmp_path: Path) -> Guard:
    return make_guard(tmp_path)


@pytest.fixture
def ran() -> Ran:
    return []


class Engine(BaseQueryEngine):
    """Answers with what it was asked."""

    def __init__(self, ran: Ran) -> None:
        super().__init__(CallbackManager())
        self.ran = ran

    def _query(self, query_bundle: QueryBundle) -> Response:
        self.ran.append(("query", query_bundle.query_str))
        return Response(response="found")

    async def _aquery(self, query_bundle: QueryBundle) -> Response:
        return self._query(query_bundle)

    def _get_prompt_modules(self) -> Any:
        return {}


ENGINE_WAYS: dict[str, Callable[[Any], Any]] = {
    "call": lambda tool: tool.call(input="x"),
    "by position": lambda tool: tool.call("x"),
    "()": lambda tool: tool(input="x"),
    "acall": lambda tool: tool.acall(input="x"),
    "acall by position": lambda tool: tool.acall("x"),
    "call_tool": lambda tool: call_tool(tool, {"input": "x"}),
    "acall_tool": lambda tool: acall_tool(tool, {"input": "x"}),
}


@pytest.mark.parametrize("way", ENGINE_WAYS)
@pytest.mark.parametrize("name", ["query_engine_tool", "danger"])
def test_a_query_engine_tool_is_decided_once(
    tmp_path: Path, guard: Guard, ran: Ran, way: str, name: str
) -> None:
    made = QueryEngineTool.from_defaults(Engine(ran), name=name, return_direct=True)
    tool = guard_tool(made, guard)
    assert isinstance(tool, QueryEngineTool)
    attempt(ENGINE_WAYS[way], tool)
    assert ran == ([("query", "x")] if name == "query_engine_tool" else [])
    assert decided(tmp_path) == [name]
    assert records(tmp_path, "decision")[0]["what"]["arguments"] == {"input": "x"}


def test_a_refused_query_engine_is_no_final_answer(guard: Guard, ran: Ran) -> None:
    made = QueryEngineTool.from_defaults(Engine(ran), name="danger", return_direct=True)
    llm = script([("danger", {"input": "x"}, "c1")], "done")
    came = run(guard_agent(FunctionAgent(tools=[made], llm=llm), guard))
    assert came.final == "done"
    assert came.refused == {"c1"}
    assert ran == []


class OneArgument(AsyncBaseTool):
    """What `call_tool` calls by position, and by keyword after any exception."""

    def __init__(self, ran: Ran, name: str) -> None:
        self._ran, self._name = ran, name

    @property
    def metadata(self) -> ToolMetadata:
        return ToolMetadata(name=self._name, description="d", fn_schema=Text)

    def call(self, text: str) -> ToolOutput:
        self._ran.append((self._name, text))
        return ToolOutput(content="done", tool_name=self._name, raw_input={}, raw_output="done")

    async def acall(self, text: str) -> ToolOutput:
        return self.call(text)


@pytest.mark.parametrize("way", [way for way in WAYS if "fn" not in way])
@pytest.mark.parametrize("name", ["note", "danger"])
def test_a_tool_of_ones_own_is_decided_once(
    tmp_path: Path, guard: Guard, ran: Ran, way: str, name: str
) -> None:
    """Also where its `acall` calls its `call`, and where LlamaIndex would call a second time."""
    attempt(WAYS[way], guard_tool(OneArgument(ran, name), guard))
    assert ran == ([("note", "x")] if name == "note" else [])
    assert decided(tmp_path) == [name]


class OnlyCallable(BaseTool):
    """A tool of the oldest kind."""

    def __init__(self, ran: Ran, name: str) -> None:
        self._ran, self._name = ran, name

    @property
    def metadata(self) -> ToolMetadata:
        return ToolMetadata(name=self._name, description="d")

    def __call__(self, input: Any) -> ToolOutput:  # noqa: A002  # its name
        self._ran.append((self._name, input))
        return ToolOutput(content="done", tool_name=self._name, raw_input={}, raw_output="done")


@pytest.mark.parametrize("name", ["note", "danger"])
@pytest.mark.parametrize("adapted", [False, True])
def test_a_tool_that_is_only_callable_is_decided_once(
    tmp_path: Path, guard: Guard, ran: Ran, name: str, adapted: bool
) -> None:
    made: BaseTool = OnlyCallable(ran, name)
    tools = [adapt_to_async_tool(made) if adapted else made]
    llm = script([(name, {"input": "x"}, "c1")], "done")
    came = run(guard_agent(FunctionAgent(tools=tools, llm=llm), guard))
    assert ran == ([("note", "x")] if name == "note" else [])
    assert decided(tmp_path) == [name]
    assert came.refused == (set() if name == "note" else {"c1"})


class Eager(FunctionTool):
    """Does its work before it calls its function."""

    ran: Ran

    async def acall(self, *args: Any, **kwargs: Any) -> ToolOutput:
        self.ran.append(("eager", kwargs))
        return await super().acall(*args, **kwargs)


@pytest.mark.parametrize("name", ["note", "danger"])
def test_the_methods_of_a_subclass_are_guarded_as_well(guard: Guard, ran: Ran, name: str) -> None:
    made = Eager.from_defaults(tools_of(ran)[0].fn, name=name)
    made.ran = ran  # type: ignore[attr-defined]  # of Eager
    tool: Any = guard_tool(made, guard)
    output = in_time(tool.acall(text="x"))
    assert output.is_error == (name == "danger")
    assert [item[0] for item in ran] == (["eager", "note"] if name == "note" else [])


def test_a_code_agent_gets_guarded_functions(guard: Guard, ran: Ran) -> None:
    tools: Any = guard_tools(tools_of(ran), guard)

    def execute(code: str) -> str:
        tools[0].real_fn("x")
        tools[1].real_fn(5000)
        return "unreached"

    llm = script("<execute>note(); pay()</execute>", "done", calls=False)
    came = run(CodeActAgent(code_execute_fn=execute, tools=list(tools), llm=llm))
    assert ran == [("note", "x")]
    assert came.final == "done"


class Shop:
    """Has tools as methods."""

    def __init__(self, ran: Ran) -> None:
        self.ran = ran

    def method(self, text: str) -> str:
        """A method."""
        self.ran.append(("method", text))
        return "done"

    @staticmethod
    def static(ran: Ran, text: str) -> str:
        ran.append(("static", text))
        return "done"

    def __call__(self, text: str) -> str:
        self.ran.append(("object", text))
        return "done"


@pytest.mark.parametrize("kind", ["method", "static", "object"])
@pytest.mark.parametrize("name", ["note", "danger"])
def test_functions_of_every_kind_are_guarded(guard: Guard, ran: Ran, kind: str, name: str) -> None:
    shop = Shop(ran)
    functions: dict[str, Callable[..., Any]] = {
        "method": shop.method,
        "static": functools.partial(Shop.static, ran),
        "object": shop,
    }
    made = FunctionTool.from_defaults(functions[kind], name=name, description="d", fn_schema=Text)
    tool: Any = guard_tool(made, guard)
    for output in (tool.call(text="x"), in_time(tool.acall(text="x"))):
        assert output.is_error == (name == "danger")
    assert ran == ([(kind, "x")] * 2 if name == "note" else [])


def test_an_argument_called_self_reaches_no_body(guard: Guard, ran: Ran) -> None:
    llm = script([("note", {"self": "x", "text": "y"}, "c1")])
    assert run(guard_agent(FunctionAgent(tools=list(tools_of(ran)), llm=llm), guard)).refused == {
        "c1"
    }
    assert ran == []


def test_a_tool_without_a_name_cannot_be_guarded(guard: Guard) -> None:
    class Nameless(OnlyCallable):
        @property
        def metadata(self) -> ToolMetadata:
            return ToolMetadata(name=None, description="d")

    with pytest.raises(InvalidInput) as caught:
        guard_tool(Nameless([], ""), guard)
    assert caught.value.reason_code == "tool_unnamed"


def test_a_function_put_among_the_tools_of_an_agent_is_guarded(guard: Guard, ran: Ran) -> None:
    def danger(text: str) -> str:
        """Never."""
        ran.append(("danger", text))
        return "done"

    agent = FunctionAgent(tools=[], llm=script([("danger", {"text": "x"}, "c1")]))
    agent.tools = [danger]
    assert run(guard_agent(agent, guard)).refused == {"c1"}
    assert ran == []
