"""What a guard adds to one tool call of LlamaIndex: guarded minus unguarded, p50 and p99.

    .venv-llamaindex-new/bin/python benchmarks/overhead_llamaindex.py [CALLS]

In one process, without state file and log. The unguarded tool is the same FunctionTool; `agent` is a whole turn
of a FunctionAgent with a scripted model, in which one tool is called.
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
import time
import warnings
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from llama_index.core.agent.workflow import FunctionAgent
from llama_index.core.tools import FunctionTool

import permit0
from permit0_llamaindex import guard_agent, guard_tool
from permit0_llamaindex.prove import Script

CALLS = 2000
TURNS = 200


def read(path: str) -> str:
    """Read a file."""
    return "text"


def tool_of(guard: permit0.Guard | None) -> Any:
    made = FunctionTool.from_defaults(read, name="files.read")
    return made if guard is None else guard_tool(made, guard)


def sync_times(tool: Any, count: int) -> list[float]:
    times = []
    for number in range(count):
        start = time.perf_counter()
        tool.call(path=f"/app/src/module_{number}.py")
        times.append(time.perf_counter() - start)
    return times


async def async_times(call: Callable[[int], Awaitable[object]], count: int) -> list[float]:
    times = []
    for number in range(count):
        start = time.perf_counter()
        await call(number)
        times.append(time.perf_counter() - start)
    return times


def agent_of(guard: permit0.Guard | None, count: int) -> Any:
    turns: list[Any] = []
    for number in range(count):
        turns += [[("files.read", {"path": f"/app/src/module_{number}.py"})], "done"]
    agent = FunctionAgent(tools=[tool_of(None)], llm=Script(turns=turns), streaming=False)
    return agent if guard is None else guard_agent(agent, guard)


def quantile(times: list[float], share: float) -> float:
    return sorted(times)[min(len(times) - 1, int(len(times) * share))] * 1e6


def main() -> None:
    warnings.simplefilter("ignore")
    count = int(sys.argv[1]) if len(sys.argv) > 1 else CALLS
    turns = max(10, count * TURNS // CALLS)
    with tempfile.TemporaryDirectory() as folder:
        config = Path(folder, "permit0.yaml")
        config.write_text("mode: enforce\n")
        guard = permit0.build_guard(config)
        print(
            f"{'microseconds':<14}{'unguarded p50':>15}{'guarded p50':>13}{'adds p50':>10}{'adds p99':>10}"
        )
        for name in ("call", "acall", "agent"):
            runs: dict[bool, list[float]] = {}
            for guarded in (False, True):
                with permit0.session(f"{name}-{guarded}"):
                    runs[guarded] = measure(name, guard if guarded else None, count, turns)
            p50 = {key: quantile(times, 0.5) for key, times in runs.items()}
            p99 = {key: quantile(times, 0.99) for key, times in runs.items()}
            print(
                f"{name:<14}{p50[False]:>15.0f}{p50[True]:>13.0f}"
                f"{p50[True] - p50[False]:>10.0f}{p99[True] - p99[False]:>10.0f}"
            )


def measure(name: str, guard: permit0.Guard | None, count: int, turns: int) -> list[float]:
    if name == "call":
        return sync_times(tool_of(guard), count)
    if name == "acall":
        tool = tool_of(guard)
        return asyncio.run(async_times(lambda n: tool.acall(path=f"/app/m_{n}.py"), count))

    async def whole() -> list[float]:
        agent = agent_of(guard, turns)
        return await async_times(lambda n: agent.run(user_msg="go"), turns)

    return asyncio.run(whole())


if __name__ == "__main__":
    main()
