"""Every way to start a crew, every shape of a call, every outcome: no refused body runs.

| dimension | cells | left out |
| --- | --- | --- |
| start | kickoff, kickoff_async, akickoff, streaming, kickoff_for_each | - |
| calls | one, two in parallel | text (ReAct) has one call in a turn, by construction |
| shape | native, text, again (retry), nested tool, coworker (sub-agent) | - |
| handoff | the manager of a hierarchical crew | CrewAI hands over by delegation only |
| outcome | allowed, approved, rejected, denied, the guard fails, the guard hangs | - |

Agent.kickoff, Flow methods and the rest have tests of their own.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from crewai import Crew, Process
from tests.crewai.kit import LARGE, SMALL, Canaries, Scripted, ask, build, crew_of, team

import permit0
from permit0_crewai import guard_crew, guard_tool, uninstall

STARTS = ("kickoff", "kickoff_async", "akickoff", "streaming", "for_each")
SHAPES = ("native", "parallel", "text", "again", "nested", "coworker", "manager")
OUTCOMES = ("allowed", "approved", "rejected", "denied", "fails", "hangs")
Call = tuple[str, dict[str, object]]
LOOK: Call = ("look", {"path": "a.txt"})
DELEGATE = "delegate_work_to_coworker"
FINAL = "Thought: I know\nFinal Answer: done"


def start(crew: Crew, how: str) -> str:
    """The answer of a crew."""
    match how:
        case "kickoff":
            return str(crew.kickoff())
        case "kickoff_async":
            return str(asyncio.run(crew.kickoff_async()))
        case "akickoff":
            return str(asyncio.run(crew.akickoff()))
        case "for_each":
            return str(crew.kickoff_for_each([{}])[0])
        case _:
            crew.stream = True
            output: Any = crew.kickoff()
            for _ in output:
                pass
            return str(output.result)


def shaped(
    shape: str, call: Call, canaries: Canaries, guard: permit0.Guard
) -> tuple[Crew, list[Scripted]]:
    """A crew that makes the call, and the models that see what came of it."""
    tools = canaries.all()
    match shape:
        case "native":
            models = [ask(call)]
            crew = crew_of(team(models[0], tools))
        case "parallel":
            models = [ask(LOOK, call)]
            crew = crew_of(team(models[0], tools))
        case "text":
            models = [ask(call, native=False)]
            crew = crew_of(team(models[0], tools))
        case "again":
            models = [Scripted([call], [call], "done")]
            crew = crew_of(team(models[0], tools))
        case "nested":
            inner = next(tool for tool in tools if tool.name == call[0])
            models = [ask(("relay", {"arguments": call[1]}))]
            crew = crew_of(team(models[0], [canaries.relay(guard_tool(inner, guard))]))
        case _:
            return delegating(shape, call, tools)
    return guard_crew(crew, guard), models


def delegating(shape: str, call: Call, tools: list[Any]) -> tuple[Crew, list[Scripted]]:
    """The same by way of another agent."""
    task = {"task": "t", "context": "c", "coworker": "worker"}
    boss, worker = ask((DELEGATE, task)), ask(call)
    if shape == "coworker":
        chief = team(boss, [], role="boss", allow_delegation=True)
        crew = crew_of(chief, team(worker, tools))
    else:
        agent = team(worker, tools)
        crew = crew_of(agent, task={"agent": None}, process=Process.hierarchical, manager_llm=boss)
    return crew, [worker, boss]


def lose_state(folder: Path) -> None:
    """Somebody puts another file in the place of the state."""
    for file in folder.glob("state.db*"):
        file.unlink()
    (folder / "state.db").write_bytes(b"no database")


def approver(outcome: str, ended: threading.Event) -> Callable[[Any], bool | None]:
    def approve(request: object) -> bool | None:
        if outcome == "hangs":
            ended.wait(20)
        return outcome == "approved"

    return approve


@pytest.mark.parametrize("outcome", OUTCOMES)
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("how", STARTS)
def test_no_refused_body_runs(tmp_path: Path, how: str, shape: str, outcome: str) -> None:
    canaries, ended = Canaries(), threading.Event()
    guard = build(
        tmp_path,
        approve=approver(outcome, ended),
        timeout_s=1,
        more="state: {path: state.db}\n" if outcome == "fails" else "",
    )
    call: Call = ("charge", SMALL)
    if outcome == "denied":
        call = ("danger", {"path": "x"})
    elif outcome not in {"allowed", "fails"}:
        call = ("charge", LARGE)
    crew, models = shaped(shape, call, canaries, guard)
    guard_crew(crew, guard)
    try:
        if outcome == "fails":
            lose_state(tmp_path)
        answer = start(crew, how)
    finally:
        ended.set()
        uninstall(guard)

    times = 2 if shape == "again" else 1
    body = (call[0], next(iter(call[1].values())))
    runs = outcome in {"allowed", "approved"}
    assert canaries.ran.count(body) == (times if runs else 0)
    assert {name for name, _ in canaries.ran} <= {call[0], "look", "relay"}
    # The others went on, the model was told, and the refusal is not the answer.
    assert (("look", "a.txt") in canaries.ran) == (shape == "parallel" and outcome != "fails")
    assert answer == "done"
    read = " ".join(text for model in models for text in model.seen)
    assert ("permit0 did not" in read) == (not runs)
