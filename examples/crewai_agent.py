"""A crew under guard: one call is allowed, one refused, one waits for a person. Offline, by a script."""

import json
import os
from typing import Any

os.environ.update(OTEL_SDK_DISABLED="true", CREWAI_TRACING_ENABLED="false")  # it stays offline

from crewai import Agent, Crew, Task
from crewai.llms.base_llm import BaseLLM
from crewai.tools import tool

import permit0
from permit0_crewai import answer


@tool
def files_read(path: str) -> str:
    """Read a file."""
    return f"the text of {path}"


@tool
def process_shell(command: str) -> str:
    """Run a command."""
    return f"RAN {command}"


@tool
def payments_charge(amount: int, customer: str) -> str:
    """Take money from a customer."""
    return f"RAN: charged {customer} {amount}"


CALLS = {"files_read": {"path": "README.md"}, "process_shell": {"command": "rm -rf /"}}
CALLS |= {"payments_charge": {"amount": 500, "customer": "cus_1"}}


class Model(BaseLLM):
    def call(self, messages: Any, *args: Any, **kwargs: Any) -> Any:
        told = [message["content"] for message in messages if message["role"] == "tool"]
        print(*(f"  the model is told: {text}" for text in told), sep="\n")
        functions = [{"name": name, "arguments": json.dumps(CALLS[name])} for name in CALLS]
        return told[-1] if told else [{"id": f["name"], "function": f} for f in functions]

    def supports_function_calling(self) -> bool:
        return True


guard = permit0.build_guard()
tools = [files_read, process_shell, payments_charge]
clerk = Agent(role="clerk", goal="help", backstory="new", llm=Model(model="script"), tools=tools)
task = Task(description="Tidy up.", expected_output="A word.", agent=clerk)
crew = permit0.protect(Crew(agents=[clerk], tasks=[task]), guard=guard, strict=True)
crew.kickoff()
for waiting in guard.desk.pending() if guard.desk else ():
    print("alice approves", waiting.request.tool)
    answer(guard, waiting.request.id, approved=True, by="alice")
print("finally:", crew.kickoff())
