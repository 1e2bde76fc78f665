"""Four frameworks, one guard, one session: an attack that is spread over them is stopped. Offline.

A stolen list of cards is tried out, one small charge at a time, by a tool of each framework in turn. To
each of them the charge looks harmless; the session knows all of them.
"""

import asyncio
import json
import os
from typing import Any

os.environ.update(OTEL_SDK_DISABLED="true", CREWAI_TRACING_ENABLED="false")  # it stays offline

from agents import Agent, Model, ModelResponse, RunConfig, Runner, Usage, function_tool
from crewai.tools import tool as crew_tool
from langchain_core.tools import tool as chain_tool
from llama_index.core.tools import FunctionTool
from openai.types.responses import ResponseFunctionToolCall

import permit0

ran: list[str] = []


def payments_charge(amount: float, customer: str) -> str:
    """Charge a card."""
    ran.append(customer)
    return f"charged {customer}"


class Script(Model):
    """A model that makes one call and then repeats what it was told."""

    def __init__(self, customer: str) -> None:
        self.arguments = json.dumps({"amount": 1.0, "customer": customer})

    async def get_response(self, *_: Any, **__: Any) -> ModelResponse:
        call = {"type": "function_call", "call_id": "c1", "name": "payments_charge"}
        item = ResponseFunctionToolCall.model_validate({**call, "arguments": self.arguments})
        return ModelResponse(output=[item], usage=Usage(), response_id=None)

    async def stream_response(self, *_: Any, **__: Any) -> Any: ...


def by_openai(customer: str) -> object:
    """An agent of the Agents SDK; what its tool gives back ends the run."""
    agent = Agent(
        name="clerk",
        model=Script(customer),
        tools=[function_tool(payments_charge)],
        tool_use_behavior="stop_on_first_tool",
    )
    guarded = permit0.protect(agent, guard=guard)
    quiet = RunConfig(tracing_disabled=True)
    result = asyncio.run(Runner.run(guarded, "go", run_config=quiet, max_turns=2))
    return result.final_output or f"asks a person about {len(result.interruptions)} call"


guard = permit0.build_guard()
chain = permit0.protect(chain_tool(payments_charge), guard=guard)
index = permit0.protect(FunctionTool.from_defaults(payments_charge), guard=guard)
crew = permit0.protect(crew_tool(payments_charge), guard=guard)

with permit0.session("checkout-7"):
    for number, (name, charge) in enumerate(
        (
            ("LangChain", lambda one: chain.invoke({"amount": 1.0, "customer": one})),
            ("LlamaIndex", lambda one: index.call(amount=1.0, customer=one).content),
            ("CrewAI", lambda one: crew.run(amount=1.0, customer=one)),
            ("OpenAI Agents", by_openai),
            ("LangChain", lambda one: chain.invoke({"amount": 1.0, "customer": one})),
        )
    ):
        print(f"{name}: {charge(f'card_{number}')}")
print("charged:", ran)
