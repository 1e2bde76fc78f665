"""An agent of the OpenAI Agents SDK behind permit0, offline: a script stands in for the model."""

import asyncio
import json
from typing import Any

from agents import Agent, Model, ModelResponse, RunConfig, Runner, Usage, function_tool
from openai.types.responses import ResponseFunctionToolCall, ResponseOutputMessage

import permit0
from permit0_openai_agents import approve, guard_agent, question


class Script(Model):
    """Runs three lines, then repeats what it was told."""

    def __init__(self) -> None:
        self.lines = ["git status", "sudo rm -rf build", "rm -rf /"]

    async def get_response(self, *_: Any, input: Any, **__: Any) -> ModelResponse:  # noqa: A002
        if self.lines:
            call = {"name": "bash", "arguments": json.dumps({"command": self.lines[0]})}
            call |= {"type": "function_call", "call_id": self.lines.pop(0)}
            return self.says(ResponseFunctionToolCall.model_validate(call))
        told = "\n".join(f"  {item['output']}" for item in input if "output" in item)
        text = {"type": "output_text", "text": told, "annotations": []}
        message = {"id": "m", "type": "message", "role": "assistant", "status": "completed"}
        return self.says(ResponseOutputMessage.model_validate({**message, "content": [text]}))

    @staticmethod
    def says(item: Any) -> ModelResponse:
        return ModelResponse(output=[item], usage=Usage(), response_id=None)

    async def stream_response(self, *_: Any, **__: Any) -> Any: ...


@function_tool
def bash(command: str) -> str:
    """Run a line (here: only say so)."""
    return f"ran {command!r}"


async def main() -> None:
    agent = guard_agent(Agent(name="builder", model=Script(), tools=[bash]), permit0.build_guard())
    quiet = RunConfig(tracing_disabled=True)
    result = await Runner.run(agent, "clean up", run_config=quiet)
    while result.interruptions:
        state = result.to_state()  # may wait in a file: state.to_string()
        for item in state.get_interruptions():
            asked = question(item)
            print(asked.view if asked else item.arguments, "\n\nalice says yes\n")
            approve(state, item, by="alice")
        result = await Runner.run(agent, state, run_config=quiet)
    print("the model was told:", result.final_output, sep="\n")


if __name__ == "__main__":
    asyncio.run(main())
