"""Who calls, in which session: the same at every layer, and after a pause."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import agents
import pytest
from agents import Agent, RunConfig, RunContextWrapper, Runner, RunState, function_tool
from tests.openai_agents.scripted import LARGE, SMALL, Scripted, build, call, delegation, recorded

import permit0
from permit0 import Identity
from permit0_openai_agents import approve, guard_agent

Ran = list[object]
go = asyncio.run


@pytest.fixture
def traced(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Traces are on, as in production, and go nowhere."""
    monkeypatch.delenv("OPENAI_AGENTS_DISABLE_TRACING", raising=False)
    agents.set_tracing_disabled(False)
    agents.set_trace_processors([])
    yield
    agents.set_tracing_disabled(True)


def agent_of(ran: Ran, amount: int, name: str = "billing") -> Agent[Any]:
    @function_tool
    def charge(amount: int) -> str:
        """Charge."""
        ran.append(amount)
        return "charged"

    model = Scripted(call("charge", {"amount": amount}, "c1"))
    return Agent(name=name, model=model, tools=[charge])


def who(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = recorded(folder, "decision")[-1]["who"]
    return found


def run(folder: Path, ran: Ran, identity: Any = None, **options: Any) -> dict[str, Any]:
    agent = guard_agent(agent_of(ran, SMALL), build(folder, audit=True), identity=identity)
    go(Runner.run(agent, "go", **options))
    return who(folder)


def test_without_anything_the_agent_has_its_name(tmp_path: Path, ran: Ran) -> None:
    found = run(tmp_path, ran)
    assert found == {
        "agent": "billing",
        "framework": "openai-agents",
        "principal": None,
        "session": "default",
    }


def test_an_open_session_counts(tmp_path: Path, ran: Ran) -> None:
    with permit0.session("task-1", principal="carol"):
        found = run(tmp_path, ran)
    assert (found["session"], found["agent"], found["principal"]) == ("task-1", "billing", "carol")


@pytest.mark.parametrize(
    "context", [{"session_id": "chat-1"}, SimpleNamespace(session_id="chat-1")]
)
def test_the_context_object_may_name_the_session(context: Any, tmp_path: Path, ran: Ran) -> None:
    assert run(tmp_path, ran, context=context)["session"] == "chat-1"


def test_what_the_application_says_goes_first(tmp_path: Path, ran: Ran) -> None:
    with permit0.session("task-1"):
        found = run(tmp_path, ran, Identity("mine", agent="other"), context={"session_id": "x"})
    assert (found["session"], found["agent"]) == ("mine", "other")


def test_it_may_say_so_by_run(tmp_path: Path, ran: Ran) -> None:
    def by_run(context: RunContextWrapper[Any]) -> Identity:
        return Identity(context.context["chat"], principal=context.context["user"])

    found = run(tmp_path, ran, by_run, context={"chat": "c7", "user": "carol"})
    assert (found["session"], found["agent"], found["principal"]) == ("c7", "billing", "carol")


def test_a_function_that_fails_refuses(tmp_path: Path, ran: Ran) -> None:
    agent = guard_agent(agent_of(ran, SMALL), build(tmp_path), identity=lambda context: 1 / 0)  # type: ignore[arg-type, return-value]
    go(Runner.run(agent, "go"))
    assert ran == []


def test_a_trace_names_the_session_by_its_group(tmp_path: Path, ran: Ran, traced: None) -> None:
    assert run(tmp_path, ran, run_config=RunConfig(group_id="G1"))["session"] == "G1"


def test_without_a_group_each_run_is_a_session_also_after_a_pause(
    tmp_path: Path, ran: Ran, traced: None
) -> None:
    guard = build(tmp_path, audit=True)
    agent = guard_agent(agent_of(ran, LARGE), guard)
    state = go(Runner.run(agent, "go")).to_state()
    session = who(tmp_path)["session"]
    assert session.startswith("trace_")
    state = go(RunState.from_string(agent, state.to_string()))
    approve(state, state.get_interruptions()[0], by="alice")
    go(Runner.run(agent, state))
    assert ran == [LARGE]
    agent.model = Scripted(call("charge", {"amount": SMALL}, "c2"))
    go(Runner.run(agent, "go"))
    assert who(tmp_path)["session"] not in {session, "default"}


def test_agents_of_one_run_share_its_session(tmp_path: Path, ran: Ran) -> None:
    """So that an attack does not get around a session's rules by delegating."""
    guard = build(tmp_path, audit=True)
    sub = agent_of(ran, SMALL, "sub")
    other = agent_of(ran, SMALL, "other")
    model = Scripted(delegation(), call("transfer_to_other", {}, "h1"))
    agent = Agent(name="a", model=model, tools=[sub.as_tool("delegate", "d")], handoffs=[other])
    guard_agent(agent, guard)
    go(Runner.run(agent, "go", context={"session_id": "chat-1"}))
    found = [record["who"] for record in recorded(tmp_path, "decision")]
    assert [one["session"] for one in found] == ["chat-1"] * 3
    assert [one["agent"] for one in found] == ["a", "sub", "other"]
    assert ran == [SMALL] * 2


def test_a_clone_with_another_name_calls_under_it(tmp_path: Path, ran: Ran) -> None:
    guard = build(tmp_path, audit=True)
    agent = guard_agent(agent_of(ran, SMALL), guard)
    go(Runner.run(agent.clone(name="twin"), "go"))
    assert who(tmp_path)["agent"] == "twin"
