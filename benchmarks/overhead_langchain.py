"""What a guarded tool call costs in LangChain: guarded minus unguarded, p50 and p99, in microseconds.

Run it where LangChain is: .venv-langchain-new/bin/python benchmarks/overhead_langchain.py
"""

from __future__ import annotations

import itertools
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from langchain_core.messages import AIMessage
from langchain_core.tools import tool
from langgraph.graph import START, MessagesState, StateGraph
from langgraph.prebuilt import ToolNode

import permit0
from permit0_langchain import Permit0CallbackHandler, guard_tool, guard_tool_node
from permit0_langchain.agents import Permit0Middleware

ROUNDS, WARM_UP = 400, 40
CALL = {"name": "read_file", "args": {"path": "README.md"}, "id": "c1", "type": "tool_call"}


@tool
def read_file(path: str) -> str:
    """Read a file."""
    return path


def measured(call: Callable[[int], object]) -> list[float]:
    """Microseconds of each round, sorted."""
    times = []
    for number in range(ROUNDS + WARM_UP):
        begin = time.perf_counter_ns()
        call(number)
        times.append((time.perf_counter_ns() - begin) / 1000)
    return sorted(times[WARM_UP:])


def graph_of(node: ToolNode) -> Any:
    """A graph that is one tool node."""
    graph = StateGraph(MessagesState)
    graph.add_node("tools", node)
    graph.add_edge(START, "tools")
    return graph.compile()


def main() -> None:
    """Print a line for each layer."""
    (folder := Path(tempfile.mkdtemp())).joinpath("permit0.yaml").write_text("{}\n")
    guard = permit0.build_guard(folder / "permit0.yaml")
    threads = itertools.count()
    guarded = guard_tool(read_file, guard)
    ours = Permit0Middleware(guard)
    handler = Permit0CallbackHandler(guard)
    plain, held = (
        graph_of(ToolNode([read_file])),
        graph_of(guard_tool_node(ToolNode([read_file]), guard)),
    )
    middle = graph_of(
        ToolNode(
            [read_file], wrap_tool_call=ours.wrap_tool_call, awrap_tool_call=ours.awrap_tool_call
        )
    )

    def config(**more: Any) -> Any:
        # A session of its own each time, so that the history does not grow.
        return {"configurable": {"thread_id": str(next(threads))}, **more}

    def said() -> Any:
        return {"messages": [AIMessage("", tool_calls=[CALL])]}

    layers: dict[str, tuple[Callable[[int], object], Callable[[int], object]]] = {
        "tool.invoke, guard_tools": (
            lambda _: read_file.invoke(CALL, config()),
            lambda _: guarded.invoke(CALL, config()),
        ),
        "tool.invoke, callback": (
            lambda _: read_file.invoke(CALL, config()),
            lambda _: read_file.invoke(CALL, config(callbacks=[handler])),
        ),
        "graph with a ToolNode, guarded": (
            lambda _: plain.invoke(said(), config()),
            lambda _: held.invoke(said(), config()),
        ),
        "graph with a ToolNode, middleware": (
            lambda _: plain.invoke(said(), config()),
            lambda _: middle.invoke(said(), config()),
        ),
    }
    print(f"{'microseconds for one call':36}{'plain p50':>11}{'p50 more':>11}{'p99 more':>11}")
    for name, (without, with_) in layers.items():
        before, after = measured(without), measured(with_)
        last = int(ROUNDS * 0.99)
        p50 = statistics.median(after) - statistics.median(before)
        p99 = after[last] - before[last]
        print(f"{name:36}{statistics.median(before):11.0f}{p50:11.0f}{p99:11.0f}")


if __name__ == "__main__":
    main()
