"""No refused body runs: every way to run an agent, every shape of a call, every verdict.

    ways      sync: predict_and_call in a thread of its own; async and streaming: a FunctionAgent (in a handoff
              two, in an AgentWorkflow), without and with streaming; react: a ReActAgent
    at once   one call; two in one turn, the second an allowed one of another tool
    shapes    plain; retry (the model calls again); nested (a tool's body calls a guarded tool); sub-agent (a
              tool's body runs a guarded agent and passes its questions on); handoff
    verdicts  allow; approved and rejected by a person; deny; raises (the state file is destroyed);
              hangs (an approver that does not come back)

Cells that do not exist:
    sync      retry (the model is asked once), handoff (there is no synchronous workflow). Nobody can be
              asked by events, so the guard has an approver that says yes or no
    nested    events: the outer tool has begun, and LlamaIndex would start it again. As sync
    react     two at once (it makes one call a turn), handoff (as FunctionAgent: the workflow's own step)
    hangs     two at once, but for plain calls
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from llama_index.core.agent.workflow import AgentWorkflow, FunctionAgent, ReActAgent
from llama_index.core.tools import FunctionTool
from tests.llamaindex.kit import (
    Call,
    Came,
    Person,
    Ran,
    attend,
    break_state,
    decided,
    in_time,
    make_guard,
    no,
    react,
    run,
    script,
    silent,
    tools_of,
    yes,
)

from permit0.approval.approvers import CallbackApprover
from permit0_llamaindex import guard_agent, guard_tools

VERDICTS = ("allow", "approved", "rejected", "deny", "raises", "hangs")
CALLS: dict[str, tuple[str, dict[str, Any]]] = {
    "allow": ("pay", {"amount": 50}),
    "approved": ("pay", {"amount": 5000}),
    "rejected": ("pay", {"amount": 5000}),
    "deny": ("danger", {"text": "x"}),
    "raises": ("pay", {"amount": 50}),
    "hangs": ("pay", {"amount": 5000}),
}
RUNS = {"allow": ("pay", 50), "approved": ("pay", 5000)}
SHAPES = {
    "sync": ("plain", "nested", "sub-agent"),
    "async": ("plain", "retry", "nested", "sub-agent", "handoff"),
    "streaming": ("plain", "retry", "nested", "sub-agent", "handoff"),
    "react": ("plain", "retry", "nested", "sub-agent"),
}


def cells() -> Iterator[tuple[str, str, str, int]]:
    for way, shapes in SHAPES.items():
        for shape in shapes:
            for verdict in VERDICTS:
                # What hangs is the approver, whatever is beside it; each such cell takes its second.
                once = way == "react" or (verdict == "hangs" and shape != "plain")
                for at_once in (1,) if once else (1, 2):
                    yield way, shape, verdict, at_once


@pytest.mark.parametrize(("way", "shape", "verdict", "at_once"), list(cells()))
def test_no_refused_body_runs(
    tmp_path: Path, way: str, shape: str, verdict: str, at_once: int
) -> None:
    cell = Cell(tmp_path, way, shape, verdict, at_once)
    try:
        cell.drive()
    finally:
        cell.free.set()
    cell.check()


class Cell:
    """One cell: what is called, who answers, what must have run."""

    def __init__(self, folder: Path, way: str, shape: str, verdict: str, at_once: int) -> None:
        self.folder, self.way, self.shape = folder, way, shape
        self.verdict, self.at_once = verdict, at_once
        self.ran: Ran = []
        self.free = threading.Event()
        self.came: Came | None = None
        self.person: Person = {"approved": yes, "rejected": no}.get(verdict, silent)
        by_events = way != "sync" and shape != "nested"
        says: dict[str, Callable[[Any], Any]] = {
            "approved": lambda request: True,
            "rejected": lambda request: False,
        }
        approver = None
        if verdict == "hangs":
            approver = CallbackApprover(lambda request: self.free.wait(60), by="alice")
        elif verdict in says and not by_events:
            approver = CallbackApprover(says[verdict], by="alice")
        timeout_s = 1 if verdict == "hangs" else 60
        self.guard = make_guard(folder, approver=approver, timeout_s=timeout_s)
        self.tools = guard_tools(tools_of(self.ran), self.guard)

    # ---------------------------------------------------------------- shapes

    def drive(self) -> None:
        name, arguments = CALLS[self.verdict]
        calls: list[Call] = [(name, arguments, "c1")]
        if self.shape == "nested":
            calls = [("outer", {}, "c0")]
            self.tools.extend(guard_tools([self._outer(name, arguments)], self.guard))
        elif self.shape == "sub-agent":
            calls = [("ask", {}, "c0")]
            self.tools.extend(guard_tools([self._ask(name, arguments)], self.guard))
        if self.at_once == 2:
            calls.append(("note", {"text": "beside"}, "n1"))
        if self.shape in {"plain", "retry"} and self.verdict == "raises":
            break_state(self.folder)
        if self.way == "sync":
            llm = script(calls)
            llm.predict_and_call(self.tools, user_msg="go", allow_parallel_tool_calls=True)
        elif self.shape == "handoff":
            self.came = run(self._workflow(calls), self.person)
        else:
            again: list[Any] = [[(name, arguments, "c2")]] if self.shape == "retry" else []
            self.came = run(self._agent([calls, *again]), self.person)

    def _agent(self, turns: list[Any]) -> Any:
        if self.way == "react":
            said = [react(*turn[0][:2]) for turn in turns]
            llm = script(*said, "Thought: x\nAnswer: done", calls=False)
            return guard_agent(ReActAgent(tools=list(self.tools), llm=llm), self.guard)
        streaming = self.way == "streaming"
        llm = script(*turns)
        agent = FunctionAgent(tools=list(self.tools), llm=llm, streaming=streaming)
        return guard_agent(agent, self.guard)

    def _workflow(self, calls: list[Call]) -> Any:
        def then() -> list[Call]:
            self._break_inside()
            return calls

        first = script([("handoff", {"to_agent": "b", "reason": "x"}, "h1")])
        options = {"streaming": self.way == "streaming"}
        a = FunctionAgent(name="a", description="a", llm=first, **options)
        b = FunctionAgent(
            name="b", description="b", tools=list(self.tools), llm=script(then), **options
        )
        return guard_agent(AgentWorkflow(agents=[a, b], root_agent="a"), self.guard)

    def _outer(self, name: str, arguments: dict[str, Any]) -> FunctionTool:
        inner: Any = next(tool for tool in self.tools if tool.metadata.name == name)

        def outer() -> str:
            """Call another tool."""
            self._break_inside()
            return str(inner.call(**arguments).content)

        async def outer_async() -> str:
            self._break_inside()
            return str((await inner.acall(**arguments)).content)

        if self.way == "async":
            return FunctionTool.from_defaults(async_fn=outer_async, name="outer", description="x")
        return FunctionTool.from_defaults(outer)

    def _ask(self, name: str, arguments: dict[str, Any]) -> FunctionTool:
        sub = FunctionAgent(
            name="sub", tools=tools_of(self.ran), llm=script([(name, arguments, "s1")])
        )
        guard_agent(sub, self.guard)

        async def ask() -> str:
            """Ask another agent, and pass its questions on."""
            self._break_inside()
            came = await attend(sub.run(user_msg="go"), self.person)
            return came.final

        return FunctionTool.from_defaults(async_fn=ask, name="ask", description="x")

    def _break_inside(self) -> None:
        if self.verdict == "raises":
            break_state(self.folder)

    # ---------------------------------------------------------------- what must be true

    def check(self) -> None:
        times = 2 if self.shape == "retry" else 1
        expected: Ran = [RUNS[self.verdict]] * times if self.verdict in RUNS else []
        assert [item for item in self.ran if item[0] != "note"] == expected
        sibling = [item for item in self.ran if item[0] == "note"]
        if self.verdict != "raises":
            assert len(sibling) == self.at_once - 1
        if self.came is not None:
            assert self.came.final == "done"
            self._check_stream(self.came)
        if self.verdict != "raises":
            self._check_history(times)

    def _check_stream(self, came: Came) -> None:
        if self.shape in {"plain", "retry", "handoff"} and self.way != "react":
            refused = {"c1", "c2"} & set(came.results) if self.verdict not in RUNS else set()
            assert {call for call in came.refused if call.startswith("c")} == refused
        if self.person is not silent and self.shape in {"plain", "retry", "handoff"}:
            assert len(came.asked) == (2 if self.shape == "retry" else 1)

    def _check_history(self, times: int) -> None:
        """One call is one decision, whatever layers it passes and how often a step is run again."""
        assert decided(self.folder).count(CALLS[self.verdict][0]) == times


def test_the_two_ways_of_asyncio_are_really_different() -> None:
    """Twin of `sync`: the thread of predict_and_call runs no loop, that of an agent does."""
    with pytest.raises(RuntimeError):
        asyncio.get_running_loop()
    assert in_time(_loop_of()) is not None


async def _loop_of() -> asyncio.AbstractEventLoop:
    return asyncio.get_running_loop()
