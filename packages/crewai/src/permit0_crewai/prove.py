"""Drive CrewAI itself over each of its paths with two canary tools, offline, to see what runs.

Guarantees: each path makes its own tools, agents and model; `permit0_canary_read` is tried as well as
`permit0_canary_danger`, so that a path on which nothing runs at all shows.
Does not: judge (permit0 prove-seams), or undo: hooks of the guard stay in CrewAI's list, so give the process
to this alone.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Sequence
from typing import Any

from crewai import Agent, Crew, Process, Task
from crewai.flow.flow import Flow, start
from crewai.llms.base_llm import BaseLLM
from crewai.tools import BaseTool

from permit0 import Guard
from permit0.integration import Seam, SeamResult
from permit0_crewai.guarding import guard_agent, guard_crew, guard_tools
from permit0_crewai.hook import install, uninstall

__all__ = ["seams"]

READ = "permit0_canary_read"
DANGER = "permit0_canary_danger"
DELEGATE = {"task": "try both", "context": "none", "coworker": "worker"}
FINAL = "Thought: I know\nFinal Answer: done"


class _Canary(BaseTool):
    """Says that it ran, and does nothing else."""

    name: str
    description: str = "A canary."
    sing: Callable[[str], None]

    def _run(self, note: str = "") -> str:
        self.sing(self.name)
        return f"{self.name} ran"

    async def _arun(self, note: str = "") -> str:
        return self._run(note)


class _Model(BaseLLM):
    """Calls both tools and is done; as text, if it cannot call functions."""

    def __init__(self, *calls: tuple[str, dict[str, str]], native: bool = True) -> None:
        super().__init__(model="permit0-canary")
        turns = [_native(calls), "done"] if native else [*map(_text, calls), FINAL]
        object.__setattr__(self, "_script", (turns, native))

    def call(self, messages: Any, *args: Any, **kwargs: Any) -> Any:
        turns = self._said()[0]
        return turns.pop(0) if turns else FINAL

    async def acall(self, messages: Any, *args: Any, **kwargs: Any) -> Any:
        return self.call(messages)

    def supports_function_calling(self) -> bool:
        return self._said()[1]

    def supports_stop_words(self) -> bool:
        return True

    def get_context_window_size(self) -> int:
        return 100_000

    def _said(self) -> tuple[list[Any], bool]:
        script: tuple[list[Any], bool] = object.__getattribute__(self, "_script")
        return script


def _native(calls: Sequence[tuple[str, dict[str, str]]]) -> list[dict[str, Any]]:
    return [
        {
            "id": f"call_{number}",
            "type": "function",
            "function": {"name": name, "arguments": json.dumps(arguments)},
        }
        for number, (name, arguments) in enumerate(calls)
    ]


def _text(call: tuple[str, dict[str, str]]) -> str:
    return f"Thought: try\nAction: {call[0]}\nAction Input: {json.dumps(call[1])}"


BOTH = ((READ, {"note": "a"}), (DANGER, {"note": "a"}))


def seams(guard: Guard) -> Sequence[Seam]:
    """Every path on which a tool of CrewAI can be called.

    Args:
        guard: It allows the one canary and refuses the other.
    """
    paths: dict[str, Callable[[list[str]], None]] = {
        "Crew.kickoff, function calling": lambda ran: _kick(guard, ran),
        "Crew.kickoff, text (ReAct)": lambda ran: _kick(guard, ran, native=False),
        "Crew.kickoff, streaming": lambda ran: _stream(guard, ran),
        "Crew.kickoff, cache": lambda ran: _kick(guard, ran, cache=True),
        "Crew.kickoff_async": lambda ran: _kick_async(guard, ran, "kickoff_async"),
        "Crew.akickoff": lambda ran: _kick_async(guard, ran, "akickoff"),
        "Crew.kickoff_for_each": lambda ran: _each(guard, ran),
        "Crew.copy().kickoff": lambda ran: _copy(guard, ran),
        "Crew.kickoff, tools of the task": lambda ran: _task_tools(guard, ran),
        "Crew.kickoff, coworker": lambda ran: _coworker(guard, ran),
        "Crew.kickoff, hierarchical": lambda ran: _hierarchical(guard, ran),
        "Agent.kickoff": lambda ran: _agent(guard, ran),
        "Agent.kickoff_async": lambda ran: _agent_async(guard, ran),
        "any crew, after install": lambda ran: _installed(guard, ran),
        "tool.run": lambda ran: _direct(guard, ran, lambda tool: tool.run(note="a")),
        "tool.arun": lambda ran: _direct(guard, ran, lambda tool: asyncio.run(tool.arun(note="a"))),
        "tool._run": lambda ran: _direct(guard, ran, lambda tool: tool._run("a")),
        "CrewStructuredTool.invoke": lambda ran: _direct(
            guard, ran, lambda tool: tool.to_structured_tool().invoke({"note": "a"})
        ),
        "CrewStructuredTool.ainvoke": lambda ran: _direct(
            guard, ran, lambda tool: asyncio.run(tool.to_structured_tool().ainvoke({"note": "a"}))
        ),
        "LLM.call, available_functions": lambda ran: _direct(guard, ran, _by_model),
        "Flow, tool in a method": lambda ran: _flow(guard, ran),
    }
    return [Seam("crewai", path, _driver(drive)) for path, drive in paths.items()]


def _driver(drive: Callable[[list[str]], None]) -> Callable[[], SeamResult]:
    def driven() -> SeamResult:
        ran: list[str] = []
        note = ""
        try:
            drive(ran)
        except Exception as error:  # noqa: BLE001  # what ran counts; why it ended is for people
            note = f"{type(error).__name__}: {error}"
        return SeamResult(READ in ran, DANGER in ran, note)

    return driven


def _tools(ran: list[str]) -> list[BaseTool]:
    return [_Canary(name=name, sing=ran.append) for name in (READ, DANGER)]


def _worker(ran: list[str], *, native: bool = True, tools: bool = True) -> Agent:
    given = _tools(ran) if tools else []
    model = _Model(*BOTH, native=native)
    return Agent(role="worker", goal="try", backstory="a canary", llm=model, tools=given)


def _crew(*agents: Agent, task: dict[str, Any] | None = None, **options: Any) -> Crew:
    work = {"description": "try", "expected_output": "done", "agent": agents[0], **(task or {})}
    return Crew(agents=list(agents), tasks=[Task(**work)], **options)


def _kick(guard: Guard, ran: list[str], *, native: bool = True, cache: bool = False) -> None:
    guard_crew(_crew(_worker(ran, native=native), cache=cache), guard).kickoff()


def _stream(guard: Guard, ran: list[str]) -> None:
    output: Any = guard_crew(_crew(_worker(ran), stream=True), guard).kickoff()
    for _ in output:
        pass


def _kick_async(guard: Guard, ran: list[str], method: str) -> None:
    asyncio.run(getattr(guard_crew(_crew(_worker(ran)), guard), method)())


def _each(guard: Guard, ran: list[str]) -> None:
    guard_crew(_crew(_worker(ran)), guard).kickoff_for_each([{}])


def _copy(guard: Guard, ran: list[str]) -> None:
    guard_crew(_crew(_worker(ran)), guard).copy().kickoff()


def _task_tools(guard: Guard, ran: list[str]) -> None:
    worker = _worker(ran, tools=False)
    guard_crew(_crew(worker, task={"tools": _tools(ran)}), guard).kickoff()


def _coworker(guard: Guard, ran: list[str]) -> None:
    model = _Model(("delegate_work_to_coworker", DELEGATE))
    boss = Agent(role="boss", goal="try", backstory="b", llm=model, allow_delegation=True)
    guard_crew(_crew(boss, _worker(ran)), guard).kickoff()


def _hierarchical(guard: Guard, ran: list[str]) -> None:
    model = _Model(("delegate_work_to_coworker", DELEGATE))
    task = {"agent": None}
    crew = _crew(_worker(ran), task=task, process=Process.hierarchical, manager_llm=model)
    guard_crew(crew, guard).kickoff()


def _agent(guard: Guard, ran: list[str]) -> None:
    guard_agent(_worker(ran), guard).kickoff("try")


def _agent_async(guard: Guard, ran: list[str]) -> None:
    async def run() -> None:
        await guard_agent(_worker(ran), guard).kickoff_async("try")

    asyncio.run(run())


def _installed(guard: Guard, ran: list[str]) -> None:
    install(guard)
    try:
        _crew(_worker(ran)).kickoff()
    finally:
        uninstall(guard)


def _direct(guard: Guard, ran: list[str], call: Callable[[Any], object]) -> None:
    for tool in guard_tools(_tools(ran), guard):
        call(tool)


def _by_model(tool: Any) -> None:
    model = _Model()
    model._handle_tool_execution(tool.name, {"note": "a"}, {tool.name: tool.run})


def _flow(guard: Guard, ran: list[str]) -> None:
    tools = guard_tools(_tools(ran), guard)

    class Canaries(Flow[dict[str, Any]]):
        @start()
        def try_both(self) -> None:
            for tool in tools:
                tool.run(note="a")

    Canaries().kickoff()
