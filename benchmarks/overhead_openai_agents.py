"""What a guard costs one tool call of the OpenAI Agents SDK, in its environment:

    .venv-openai-agents-new/bin/python benchmarks/overhead_openai_agents.py

Guarded minus unguarded, p50 and p99, in microseconds: for the tool call alone (on_invoke_tool) and for a
whole run of the SDK's loop with one call, the state in memory and in a file.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import os
import statistics
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

os.environ["OPENAI_AGENTS_DISABLE_TRACING"] = "1"

from agents import Agent, Model, ModelResponse, Runner, Usage, function_tool
from agents.tool_context import ToolContext
from openai.types.responses import ResponseFunctionToolCall, ResponseOutputMessage

import permit0
from permit0_openai_agents import guard_agent, guard_tools

CALLS = 1000
ARGUMENTS = json.dumps({"command": "git status"})
NUMBERS = itertools.count()


class Script(Model):
    """One call, then the end."""

    async def get_response(self, *_: Any, input: Any, **__: Any) -> ModelResponse:  # noqa: A002
        item: Any
        if any("output" in one for one in input if isinstance(one, dict)):
            text = {"type": "output_text", "text": "done", "annotations": []}
            said = {"id": "m", "type": "message", "role": "assistant", "status": "completed"}
            item = ResponseOutputMessage.model_validate({**said, "content": [text]})
        else:
            item = ResponseFunctionToolCall(
                type="function_call", name="bash", call_id=f"c{next(NUMBERS)}", arguments=ARGUMENTS
            )
        return ModelResponse(output=[item], usage=Usage(), response_id=None)

    async def stream_response(self, *_: Any, **__: Any) -> Any: ...


@function_tool
async def bash(command: str) -> str:
    """Run a line."""
    return command


async def measure(call: Callable[[], Awaitable[object]]) -> float:
    began = time.perf_counter()
    await call()
    return (time.perf_counter() - began) * 1e6


def invoke(tool: Any) -> Callable[[], Awaitable[object]]:
    def call() -> Awaitable[object]:
        context = ToolContext[Any](
            None,
            Usage(),
            tool_name="bash",
            tool_call_id=f"c{next(NUMBERS)}",
            tool_arguments=ARGUMENTS,
        )
        result: Awaitable[object] = tool.on_invoke_tool(context, ARGUMENTS)
        return result

    return call


def run(agent: Agent[Any]) -> Callable[[], Awaitable[object]]:
    return lambda: Runner.run(agent, "go")


def compare(
    name: str, plain: Callable[[], Awaitable[object]], guarded: Callable[[], Awaitable[object]]
) -> None:
    async def both() -> list[tuple[float, float]]:
        # By turns, so that what else the machine does hits both alike.
        return [(await measure(plain), await measure(guarded)) for _ in range(CALLS)]

    taken = asyncio.run(both())
    before, after = (sorted(times) for times in zip(*taken, strict=True))
    p50 = statistics.median(after) - statistics.median(before)
    p99 = after[int(CALLS * 0.99)] - before[int(CALLS * 0.99)]
    print(f"{name:44s} p50 {p50:8.0f}   p99 {p99:8.0f}")


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        config = Path(folder) / "permit0.yaml"
        for where, text in (("memory", "{}"), ("file", "state: {path: state.db}")):
            config.write_text(text)
            guard = permit0.build_guard(config)
            (tool,) = guard_tools([bash], guard)
            compare(f"tool call, state in {where}", invoke(bash), invoke(tool))
            plain = Agent(name="a", model=Script(), tools=[bash])
            guarded = guard_agent(Agent(name="a", model=Script(), tools=[bash]), guard)
            compare(f"run with one call, state in {where}", run(plain), run(guarded))


if __name__ == "__main__":
    main()
