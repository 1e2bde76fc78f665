"""What a guard adds to one tool call in CrewAI: .venv-crewai-new/bin/python benchmarks/overhead_crewai.py

The same tool, plain and guarded, called directly and by a crew's executor with a scripted model: milliseconds,
p50 and p99, and the difference. The state is in memory and nothing is recorded.
"""

from __future__ import annotations

import json
import logging
import os
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

home = tempfile.mkdtemp(prefix="permit0-bench-")
os.environ.update(
    HOME=home,
    CREWAI_STORAGE_DIR=home,
    CREWAI_DISABLE_TELEMETRY="true",
    CREWAI_TRACING_ENABLED="false",
    OTEL_SDK_DISABLED="true",
)
logging.disable(logging.CRITICAL)

from crewai import Agent, Crew, Task  # noqa: E402  # the settings above come first
from crewai.llms.base_llm import BaseLLM  # noqa: E402
from crewai.tools import tool  # noqa: E402

import permit0  # noqa: E402
from permit0_crewai import guard_crew, guard_tool  # noqa: E402

DIRECT, CALLS, KICKOFFS = 2000, 25, 20
PACK = """\
pack: bench.tools
version: 1
about: One tool.
mappings:
  - {tools: [look], action: process.compute}
cases:
  - {name: a look, call: {tool: look, args: {}}, decision: allow}
"""


class Model(BaseLLM):
    """CALLS calls of one tool, one after the other, each with arguments of its own."""

    def call(self, messages: Any, *args: Any, **kwargs: Any) -> Any:
        done = sum(message["role"] == "tool" for message in messages)
        if done == CALLS:
            return "done"
        function = {"name": "look", "arguments": json.dumps({"path": f"{done}.txt"})}
        return [{"id": f"call_{done}", "type": "function", "function": function}]

    def supports_function_calling(self) -> bool:
        return True


@tool
def look(path: str) -> str:
    """Read a file."""
    return path


def build() -> permit0.Guard:
    folder = Path(tempfile.mkdtemp(prefix="permit0-bench-"))
    (folder / "pack.yaml").write_text(PACK)
    (folder / "permit0.yaml").write_text("packs: [pack.yaml]\n")
    return permit0.build_guard(folder / "permit0.yaml")


def direct(one: Any) -> list[float]:
    def call(number: int) -> None:
        assert one.run(path=f"{number}.txt") == f"{number}.txt"

    return [timed(lambda n=number: call(n)) for number in range(DIRECT)]


def executor(guard: permit0.Guard | None) -> list[float]:
    agent = Agent(
        role="r", goal="g", backstory="b", llm=Model(model="m"), tools=[look], max_iter=99
    )
    crew = Crew(agents=[agent], tasks=[Task(description="d", expected_output="e", agent=agent)])
    if guard is not None:
        guard_crew(crew, guard)
    crew.kickoff()
    return [timed(crew.kickoff) / CALLS for _ in range(KICKOFFS)]


def timed(call: Callable[[], object]) -> float:
    began = time.perf_counter()
    call()
    return (time.perf_counter() - began) * 1000


def show(name: str, plain: list[float], guarded: list[float]) -> None:
    p50, p99 = ([at(times, share) for times in (plain, guarded)] for share in (50, 99))
    print(
        f"{name:34s} p50 {p50[0]:7.3f} -> {p50[1]:7.3f}  +{p50[1] - p50[0]:.3f} ms   "
        f"p99 {p99[0]:7.3f} -> {p99[1]:7.3f}  +{p99[1] - p99[0]:.3f} ms"
    )


def at(times: list[float], share: int) -> float:
    return statistics.quantiles(times, n=100)[share - 1]


if __name__ == "__main__":
    guard = build()
    show("tool.run", direct(look), direct(guard_tool(look, guard)))
    show("crew, per call in a kickoff", executor(None), executor(guard))
