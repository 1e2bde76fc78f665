"""A model that says what a script says, for the SDK's real loop, and the permit0.yaml of these tests."""

from __future__ import annotations

import json
import secrets
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

from agents import Agent, ModelResponse, Runner, Usage
from agents.models.interface import Model
from openai.types.responses import (
    Response,
    ResponseCompletedEvent,
    ResponseFunctionToolCall,
    ResponseOutputMessage,
    ResponseOutputText,
)

import permit0
from permit0 import Guard
from permit0.audit.reader import open_log
from permit0.clock import SystemClock
from permit0.token.key_folder import KeyFolder

CONFIG = """
packs: [tools.yaml]
state: {{path: state.db}}
approval: {{timeout_s: {timeout_s}}}
mode: {mode}
{audit}
lists:
  deny:
    - {{tool: danger, reason: test}}
"""
TOOLS = """
pack: test.tools
version: 1
about: Tools of these tests.
mappings:
  - tools: [charge]
    vendor: tests
    source: tests
    action: payments.charge
    arguments: {amount: amount}
    inert: [note]
  - {tools: [look, delegate, outer, wait], vendor: tests, source: tests, action: process.compute}
cases:
  - {name: a small charge, call: {tool: charge, args: {amount: 50}}, decision: allow}
  - {name: a large charge, call: {tool: charge, args: {amount: 5000}}, decision: human}
  - {name: a look, call: {tool: look, args: {at: x}}, decision: allow}
"""
SMALL, LARGE = 50, 5000
DONE = "done"


def config(
    folder: Path, *, timeout_s: int = 300, mode: str = "enforce", audit: bool = False
) -> Path:
    """A permit0.yaml: charge(50) is allowed, charge(5000) needs a person, danger is denied."""
    (folder / "tools.yaml").write_text(TOOLS)
    path = folder / "permit0.yaml"
    if audit and not (folder / "keys").exists():
        KeyFolder(folder / "keys", clock=SystemClock()).generate()
    lines = "keys: {path: keys}\naudit: {path: audit.db}" if audit else ""
    path.write_text(CONFIG.format(timeout_s=timeout_s, mode=mode, audit=lines))
    return path


def build(folder: Path, **options: Any) -> Guard:
    """A guard of that configuration."""
    names = {"timeout_s", "mode", "audit"} & options.keys()
    path = config(folder, **{name: options.pop(name) for name in names})
    return permit0.build_guard(path, **options)


def recorded(folder: Path, kind: str) -> list[dict[str, Any]]:
    """The records of a kind: "decision", "outcome", "approval"."""
    log = open_log(folder / "audit.db")
    found = [json.loads(stored.data) for stored in log.records()]
    log.close()
    return [record["body"] for record in found if record["kind"] == kind]


def call(name: str, arguments: dict[str, Any] | str, call_id: str) -> ResponseFunctionToolCall:
    """The model calls a tool."""
    text = arguments if isinstance(arguments, str) else json.dumps(arguments)
    return ResponseFunctionToolCall(
        type="function_call", name=name, call_id=call_id, id=call_id, arguments=text
    )


def delegation(name: str = "delegate") -> ResponseFunctionToolCall:
    """The model calls an agent as a tool, with an id of its own.

    Older releases find a paused sub-run by the looks of the call, also one of another test.
    """
    return call(name, {"input": "go"}, f"d{secrets.token_hex(8)}")


def says(text: str) -> ResponseOutputMessage:
    """The model speaks."""
    content = ResponseOutputText(type="output_text", text=text, annotations=[])
    return ResponseOutputMessage(
        id="m", type="message", role="assistant", status="completed", content=[content]
    )


class Scripted(Model):
    """One step for each turn; after the last one it says DONE. `inputs`: what it was given."""

    def __init__(self, *steps: Any) -> None:
        self.steps = list(steps)
        self.inputs: list[Any] = []

    def _next(self, given: Any) -> list[Any]:
        self.inputs.append(given)
        step = self.steps.pop(0) if self.steps else says(DONE)
        return list(step) if isinstance(step, Sequence) else [step]

    async def get_response(
        self,
        system_instructions: Any,
        input: Any,  # noqa: A002  # the SDK's name
        *args: Any,
        **kwargs: Any,
    ) -> ModelResponse:
        return ModelResponse(output=self._next(input), usage=Usage(), response_id=None)

    async def stream_response(
        self,
        system_instructions: Any,
        input: Any,  # noqa: A002  # the SDK's name
        *args: Any,
        **kwargs: Any,
    ) -> AsyncIterator[Any]:
        response = Response(
            id="r",
            created_at=0,
            model="m",
            object="response",
            output=self._next(input),
            parallel_tool_calls=True,
            tool_choice="auto",
            tools=[],
        )
        yield ResponseCompletedEvent(
            type="response.completed", response=response, sequence_number=0
        )

    @property
    def told(self) -> dict[str, Any]:
        """What the model was told about each call, by call id."""
        last = self.inputs[-1]
        outputs = [item for item in last if isinstance(item, dict) and "output" in item]
        return {item["call_id"]: item["output"] for item in outputs}


async def streamed(agent: Agent[Any], given: Any, **options: Any) -> Any:
    """As Runner.run, by streaming."""
    result = Runner.run_streamed(agent, given, **options)
    async for _ in result.stream_events():
        pass
    return result
