"""What the tests of CrewAI share: a scripted model, canary tools, a guard, crews of several shapes.

A list of what ran is the only witness of every test.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from crewai import Agent, Crew, Task
from crewai.llms.base_llm import BaseLLM
from crewai.tools import BaseTool, tool
from crewai.tools.base_tool import Tool

import permit0
from permit0.approval.approvers import CallbackApprover
from permit0.model.approval import ApprovalRequest
from permit0_crewai import answer

__all__ = [
    "PACK",
    "Canaries",
    "Scripted",
    "approve",
    "ask",
    "build",
    "counted",
    "crew_of",
    "react",
    "team",
]

PACK = """\
pack: canaries.tools
version: 1
about: The tools of these tests.
mappings:
  - {tools: [charge], action: payments.charge, arguments: {amount: amount, customer: customer}}
  - {tools: [look], action: files.read, arguments: {path: path}}
  - {tools: [relay, Delegate work to coworker, Ask question to coworker], action: process.compute}
  - {tools: [permit0_canary_read], action: process.compute}
cases:
  - {name: a charge, call: {tool: charge, args: {amount: 50, customer: c}}, decision: allow}
  - {name: a look, call: {tool: look, args: {path: a.txt}}, decision: allow}
  - {name: a relay, call: {tool: relay, args: {}}, decision: allow}
  - {name: a canary, call: {tool: permit0_canary_read, args: {}}, decision: allow}
"""
DENY = (
    "lists: {deny: [{tool: danger, reason: test}, {tool: permit0_canary_danger, reason: test}]}\n"
)
SMALL: dict[str, object] = {"amount": 50}
LARGE: dict[str, object] = {"amount": 5000}

Calls = Sequence[tuple[str, Mapping[str, object]]]
Step = str | Calls | Callable[[], str | Calls]


def build(
    folder: Path,
    *,
    approve: Callable[[ApprovalRequest], bool | None] | None = None,
    timeout_s: int = 300,
    more: str = "",
    **given: Any,
) -> permit0.Guard:
    """A guard. approve: answers as alice; without it requests wait."""
    (folder / "pack.yaml").write_text(PACK)
    config = folder / "permit0.yaml"
    config.write_text(f"packs: [pack.yaml]\n{DENY}approval: {{timeout_s: {timeout_s}}}\n{more}")
    approver = None if approve is None else CallbackApprover(approve, by="alice")
    return permit0.build_guard(config, approver=approver, **given)


def counted(guard: permit0.Guard, *, session: str, agent: str) -> int:
    """How many reads are in the history of a session."""
    asked = guard.engine.check("look", {"path": "x.txt"}, session=session, agent=agent)
    return asked.actions[0].volume_points // 4


def approve(guard: permit0.Guard, *, approved: bool = True, by: str = "alice") -> str:
    """A person answers the one request that waits; its id."""
    assert guard.desk is not None
    (waiting,) = guard.desk.pending()
    answer(guard, waiting.request.id, approved=approved, by=by)
    return waiting.request.id


class Canaries:
    """ran: names and arguments of the bodies that ran."""

    def __init__(self) -> None:
        self.ran: list[tuple[str, object]] = []

    def charge(self, **options: Any) -> Tool[..., str]:
        """A tool made by `@tool`, with an argument that has a default."""

        def body(amount: int, customer: str = "cus_1") -> str:
            """Take money from a customer."""
            self.ran.append(("charge", amount))
            return f"charged {customer} {amount}"

        made: Tool[..., str] = tool("charge", **options)(body)
        return made

    def look(self, **options: Any) -> Tool[..., str]:
        """A tool that is always allowed."""

        def body(path: str) -> str:
            """Read a file."""
            self.ran.append(("look", path))
            return f"text of {path}"

        made: Tool[..., str] = tool("look", **options)(body)
        return made

    def danger(self, **options: Any) -> BaseTool:
        """A tool that is a class, and is always refused."""
        canaries = self

        class Danger(BaseTool):
            name: str = "danger"
            description: str = "Do what must not be done."

            def _run(self, path: str) -> str:
                canaries.ran.append(("danger", path))
                return "harm done"

            async def _arun(self, path: str) -> str:
                canaries.ran.append(("danger", path))
                return "harm done"

        return Danger(**options)

    def relay(self, inner: Any) -> Tool[..., str]:
        """A tool whose body calls another one."""

        def body(arguments: dict[str, Any]) -> str:
            """Pass something on."""
            self.ran.append(("relay", None))
            return str(inner.run(**arguments))

        made: Tool[..., str] = tool("relay")(body)
        return made

    def all(self) -> list[Any]:
        """Fresh ones."""
        return [self.charge(), self.look(), self.danger()]


class Scripted(BaseLLM):
    """A model that says what it is told to say.

    Each step is a text, calls of tools, or a function that does something first and returns such a step.
    seen: the messages of each request, as JSON.
    """

    def __init__(self, *steps: Step, native: bool = True) -> None:
        super().__init__(model="scripted")
        # Pydantic takes attributes of this kind only.
        object.__setattr__(self, "_script", (list(steps), [], native))

    @property
    def steps(self) -> list[Step]:
        """What it will say."""
        script: list[Step] = object.__getattribute__(self, "_script")[0]
        return script

    @property
    def seen(self) -> list[str]:
        """What it was told."""
        seen: list[str] = object.__getattribute__(self, "_script")[1]
        return seen

    def call(self, messages: Any, *args: Any, **kwargs: Any) -> Any:
        self.seen.append(json.dumps(messages, default=str))
        step = self.steps.pop(0)
        if callable(step):
            step = step()
        if isinstance(step, str):
            return step
        return [
            {
                "id": f"call_{len(self.seen)}_{number}",
                "type": "function",
                "function": {"name": name, "arguments": json.dumps(arguments)},
            }
            for number, (name, arguments) in enumerate(step)
        ]

    async def acall(self, messages: Any, *args: Any, **kwargs: Any) -> Any:
        return self.call(messages)

    def supports_function_calling(self) -> bool:
        native: bool = object.__getattribute__(self, "_script")[2]
        return native

    def supports_stop_words(self) -> bool:
        return True

    def get_context_window_size(self) -> int:
        return 100_000


def react(name: str, arguments: Mapping[str, object]) -> str:
    """A call of a tool as text."""
    return f"Thought: go\nAction: {name}\nAction Input: {json.dumps(arguments)}"


def ask(*calls: tuple[str, Mapping[str, object]], native: bool = True) -> Scripted:
    """A model that makes these calls, all at once or one after the other as text, and is then done."""
    if native:
        return Scripted(list(calls), "done")
    return Scripted(
        *(react(*call) for call in calls), "Thought: I know\nFinal Answer: done", native=False
    )


def team(llm: BaseLLM, tools: Sequence[Any], *, role: str = "worker", **options: Any) -> Agent:
    """An agent."""
    return Agent(role=role, goal="g", backstory="b", llm=llm, tools=list(tools), **options)


def crew_of(*agents: Agent, task: Mapping[str, Any] | None = None, **options: Any) -> Crew:
    """A crew whose one task belongs to the first agent."""
    work = {"description": "go", "expected_output": "x", "agent": agents[0], **(task or {})}
    return Crew(agents=list(agents), tasks=[Task(**work)], **options)
