"""People: a call that waits, the answer, and the next kickoff; or an approver that the hook waits for."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from crewai import Crew
from crewai.hooks import clear_before_tool_call_hooks
from crewai.hooks.dispatch import InterceptionPoint, get_global_hook_list
from tests.crewai.kit import LARGE, Canaries, Scripted, approve, ask, build, crew_of, react, team

import permit0
from permit0.model.approval import ApprovalRequest
from permit0.testing.clock import FrozenClock
from permit0_crewai import answer, guard_agent, guard_crew, guard_tool, install, uninstall

CHARGE = ("charge", LARGE)
OTHER = ("charge", {"amount": 6000})
LOOK = ("look", {"path": "a.txt"})
FINAL = "Thought: I know\nFinal Answer: done"


@pytest.fixture
def canaries() -> Canaries:
    return Canaries()


@pytest.fixture
def clock() -> FrozenClock:
    return FrozenClock()


@pytest.fixture
def guard(tmp_path: Path, clock: FrozenClock) -> Iterator[permit0.Guard]:
    made = build(tmp_path, clock=clock)
    yield made
    uninstall(made)


def again(crew: Crew, *calls: Any, native: bool = True) -> Scripted:
    """Kick off once more, with a model that makes these calls."""
    llm = ask(*calls, native=native)
    for agent in crew.agents:
        agent.llm = llm
    crew.kickoff()
    return llm


@pytest.mark.parametrize("layer", ["crew", "install"])
@pytest.mark.parametrize("native", [True, False])
def test_an_approved_call_runs_in_the_next_kickoff_and_once(
    guard: permit0.Guard, canaries: Canaries, native: bool, layer: str
) -> None:
    llm = ask(CHARGE, native=native)
    crew = crew_of(team(llm, canaries.all()))
    if layer == "crew":
        guard_crew(crew, guard)
    else:
        install(guard)
    crew.kickoff()
    assert canaries.ran == []
    request = approve(guard)
    assert request in llm.seen[-1]
    again(crew, CHARGE, native=native)
    assert canaries.ran == [("charge", 5000)]
    again(crew, CHARGE, native=native)
    assert canaries.ran == [("charge", 5000)]


def test_a_call_that_waits_waits_and_nobody_is_asked_twice(
    guard: permit0.Guard, canaries: Canaries
) -> None:
    crew = guard_crew(crew_of(team(ask(CHARGE), canaries.all())), guard)
    crew.kickoff()
    llm = again(crew, CHARGE)
    assert "a person was asked and has not answered yet" in llm.seen[-1]
    assert guard.desk is not None
    assert len(guard.desk.pending()) == 1
    assert canaries.ran == []


def test_a_rejected_call_stays_rejected(guard: permit0.Guard, canaries: Canaries) -> None:
    crew = guard_crew(crew_of(team(ask(CHARGE), canaries.all())), guard)
    crew.kickoff()
    approve(guard, approved=False)
    for _ in range(2):
        llm = again(crew, CHARGE)
        assert "a person was asked and said no" in llm.seen[-1]
    assert canaries.ran == []


def test_a_call_that_nobody_answered_in_time_stays_refused(
    guard: permit0.Guard, canaries: Canaries, clock: FrozenClock
) -> None:
    crew = guard_crew(crew_of(team(ask(CHARGE), canaries.all())), guard)
    crew.kickoff()
    assert guard.desk is not None
    request = guard.desk.pending()[0].request.id
    clock.advance(301)
    with pytest.raises(permit0.InvalidInput) as refused:
        answer(guard, request, approved=True, by="alice")
    assert refused.value.reason_code == "approval_expired"
    llm = again(crew, CHARGE)
    assert "did not answer in time" in llm.seen[-1]
    assert canaries.ran == []


@pytest.mark.parametrize(
    "call",
    [OTHER, ("charge", {"amount": 5000, "customer": "cus_2"}), ("relay", {"arguments": LARGE})],
)
def test_an_approval_is_for_no_other_call(
    guard: permit0.Guard, canaries: Canaries, call: tuple[str, dict[str, object]]
) -> None:
    inner = guard_tool(canaries.charge(), guard)
    crew = crew_of(team(ask(CHARGE), [canaries.charge(), canaries.relay(inner)]))
    guard_crew(crew, guard)
    crew.kickoff()
    approve(guard)
    # What a tool calls inside is another place in the same task: it is the same call only for its arguments.
    expected = [("relay", None), ("charge", 5000)] if call[0] == "relay" else []
    again(crew, call)
    assert canaries.ran == expected


def test_of_two_calls_at_once_each_waits_for_its_own_answer(
    guard: permit0.Guard, canaries: Canaries
) -> None:
    crew = guard_crew(crew_of(team(ask(CHARGE, OTHER), canaries.all())), guard)
    crew.kickoff()
    assert guard.desk is not None
    waiting = {state.request.id: state.request for state in guard.desk.pending()}
    assert len(waiting) == 2
    chosen = next(request for request in waiting.values() if "6000" in request.view)
    answer(guard, chosen.id, approved=True, by="alice")
    again(crew, CHARGE, OTHER)
    assert canaries.ran == [("charge", 6000)]


def test_of_two_equal_calls_at_once_one_runs_for_one_answer(
    guard: permit0.Guard, canaries: Canaries
) -> None:
    crew = guard_crew(crew_of(team(ask(CHARGE, CHARGE), canaries.all())), guard)
    crew.kickoff()
    assert guard.desk is not None
    waiting = guard.desk.pending()
    for state in waiting[:1]:
        answer(guard, state.request.id, approved=True, by="alice")
    again(crew, CHARGE, CHARGE)
    assert len(canaries.ran) <= 1


def test_an_agent_does_not_approve_its_own_call(guard: permit0.Guard, canaries: Canaries) -> None:
    crew = guard_crew(crew_of(team(ask(CHARGE), canaries.all(), role="buyer")), guard)
    crew.kickoff()
    with pytest.raises(permit0.InvalidInput) as refused:
        approve(guard, by="Buyer")
    assert refused.value.reason_code == "approval_self"
    again(crew, CHARGE)
    assert canaries.ran == []


def test_a_copy_of_the_crew_is_another_session(guard: permit0.Guard, canaries: Canaries) -> None:
    crew = guard_crew(crew_of(team(ask(CHARGE), canaries.all())), guard)
    crew.kickoff()
    approve(guard)
    again(crew.copy(), CHARGE)
    assert canaries.ran == []


def test_the_answer_is_found_in_another_process(tmp_path: Path, canaries: Canaries) -> None:
    """A session of its own, and the state in a file: everything else is made anew."""
    for amount_of_runs in (0, 1, 1):
        guard = build(tmp_path, more="state: {path: state.db}\n")
        crew = guard_crew(crew_of(team(ask(CHARGE), canaries.all())), guard)
        try:
            with permit0.session("order-17"):
                crew.kickoff()
        finally:
            uninstall(guard)
        assert len(canaries.ran) == amount_of_runs
        if not canaries.ran:
            approve(guard)


def test_an_agent_without_a_crew_waits_and_goes_on(
    guard: permit0.Guard, canaries: Canaries
) -> None:
    agent = guard_agent(team(ask(CHARGE), canaries.all()), guard)
    agent.kickoff("go")
    approve(guard)
    agent.llm = ask(CHARGE)
    agent.kickoff("go")
    assert canaries.ran == [("charge", 5000)]


def test_a_tool_called_directly_waits_and_goes_on_in_its_session(
    guard: permit0.Guard, canaries: Canaries
) -> None:
    charge = guard_tool(canaries.charge(), guard)
    with permit0.session("flow-1"):
        charge.run(amount=5000)
        approve(guard)
        charge.run(amount=5000)
    assert canaries.ran == [("charge", 5000)]


# ---------------------------------------------------------------- an approver


@pytest.mark.parametrize("native", [True, False])
def test_a_rejected_call_is_not_asked_about_again(
    tmp_path: Path, canaries: Canaries, native: bool
) -> None:
    asked: list[str] = []

    def refuse(request: ApprovalRequest) -> bool:
        asked.append(request.id)
        return False

    guard = build(tmp_path, approve=refuse)
    llm = Scripted([CHARGE], [CHARGE], "done")
    if not native:
        llm = Scripted(react(*CHARGE), react(*LOOK), react(*CHARGE), FINAL, native=False)
    try:
        guard_crew(crew_of(team(llm, canaries.all())), guard).kickoff()
    finally:
        uninstall(guard)
    assert len(asked) == 1
    assert ("charge", 5000) not in canaries.ran


def test_others_go_on_while_a_person_is_asked(tmp_path: Path, canaries: Canaries) -> None:
    """Two crews on one event loop; the person answers only after the other crew has ended."""
    other_ended = threading.Event()
    guard = build(tmp_path, approve=lambda request: other_ended.wait(20), timeout_s=30)
    first = guard_crew(crew_of(team(ask(CHARGE), canaries.all(), role="a")), guard)
    second = guard_crew(crew_of(team(ask(LOOK), canaries.all(), role="b")), guard)

    async def both() -> None:
        waiting = asyncio.create_task(first.akickoff())
        await asyncio.sleep(0)
        await second.akickoff()
        other_ended.set()
        await waiting

    try:
        asyncio.run(both())
    finally:
        other_ended.set()
        uninstall(guard)
    assert canaries.ran == [("look", "a.txt"), ("charge", 5000)]


def test_a_sibling_goes_on_while_a_person_is_asked(tmp_path: Path, canaries: Canaries) -> None:
    def after_the_sibling(request: ApprovalRequest) -> bool:
        ends = time.monotonic() + 20
        while ("look", "a.txt") not in canaries.ran and time.monotonic() < ends:
            time.sleep(0.01)
        return True

    guard = build(tmp_path, approve=after_the_sibling, timeout_s=30)
    try:
        guard_crew(crew_of(team(ask(CHARGE, LOOK), canaries.all())), guard).kickoff()
    finally:
        uninstall(guard)
    assert canaries.ran == [("look", "a.txt"), ("charge", 5000)]


@pytest.mark.parametrize("said", ["yes", 1, None, [], "raise"])
def test_an_approver_that_says_anything_but_true_says_no(
    tmp_path: Path, canaries: Canaries, said: object
) -> None:
    def approver(request: ApprovalRequest) -> Any:
        if said == "raise":
            raise EOFError("stdin is closed")
        return said

    guard = build(tmp_path, approve=approver)
    try:
        guard_crew(crew_of(team(ask(CHARGE), canaries.all())), guard).kickoff()
    finally:
        uninstall(guard)
    assert canaries.ran == []


def test_what_is_changed_while_a_person_reads_does_not_run(
    tmp_path: Path, canaries: Canaries
) -> None:
    """The arguments are CrewAI's own object, and somebody keeps a hand on it."""
    held: list[dict[str, Any]] = []

    def change(request: ApprovalRequest) -> bool:
        held[0]["amount"] = 9000
        return True

    guard = build(tmp_path, approve=change)
    llm = ask(CHARGE)
    crew = guard_crew(crew_of(team(llm, canaries.all())), guard)
    hooks: list[Any] = get_global_hook_list(InterceptionPoint.PRE_TOOL_CALL)
    hooks.insert(0, lambda context: held.append(context.tool_input))
    try:
        crew.kickoff()
    finally:
        uninstall(guard)
        clear_before_tool_call_hooks()
    assert held == [{"amount": 9000}]
    assert canaries.ran == []
    assert "its arguments were changed" in llm.seen[-1]
