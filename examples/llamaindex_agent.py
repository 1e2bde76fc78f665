"""A guarded LlamaIndex agent, offline: one call runs, one waits for a person, one is refused.

python examples/llamaindex_agent.py
"""

import asyncio
from typing import Any

from llama_index.core.agent.workflow import ReActAgent
from llama_index.core.agent.workflow.workflow_events import ToolCallResult
from llama_index.core.llms import CompletionResponse, MockLLM
from llama_index.core.tools import FunctionTool
from llama_index.core.workflow import HumanResponseEvent, InputRequiredEvent

import permit0

SCRIPT = [
    'Thought: a\nAction: payments.charge\nAction Input: {"amount": 50, "customer": "cus_1"}',
    'Thought: b\nAction: payments.charge\nAction Input: {"amount": 5000, "customer": "cus_1"}',
    'Thought: c\nAction: bash\nAction Input: {"command": "rm -rf /"}',
    "Thought: d\nAnswer: I charged what I could.",
]


class Scripted(MockLLM):
    """Stands in for a model."""

    def complete(self, prompt: str, formatted: bool = False, **kwargs: Any) -> CompletionResponse:
        return CompletionResponse(text=SCRIPT.pop(0))

    def stream_complete(self, prompt: str, formatted: bool = False, **kwargs: Any) -> Any:
        return iter([self.complete(prompt)])


def charge(amount: int, customer: str) -> str:
    return f"charged {amount}"


def bash(command: str) -> str:
    raise SystemExit("this never runs")


async def main() -> None:
    tools = [FunctionTool.from_defaults(charge, name="payments.charge"), bash]
    agent = permit0.protect(ReActAgent(tools=tools, llm=Scripted()), strict=True)
    handler = agent.run(user_msg="Charge cus_1, then clean up.")
    async for event in handler.stream_events():
        if isinstance(event, InputRequiredEvent):  # show event.prefix to a person
            answer = HumanResponseEvent(request_id=event.request_id, approved=True, by="alice")
            handler.ctx.send_event(answer)
        elif isinstance(event, ToolCallResult):
            print("refused:" if event.tool_output.is_error else "ran:", event.tool_output.content)
    print(await handler)


if __name__ == "__main__":
    asyncio.run(main())
