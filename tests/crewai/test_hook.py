"""The hook of the whole process: what others in CrewAI's lists do to it, and tools that nobody guarded."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from crewai import Agent
from crewai.hooks import (
    HookAborted,
    clear_all_tool_call_hooks,
    get_before_tool_call_hooks,
    register_after_tool_call_hook,
    register_before_tool_call_hook,
)
from crewai.hooks.dispatch import (
    InterceptionPoint,
    get_global_hook_list,
    register_scoped,
    scoped_hooks,
)
from tests.crewai.kit import LARGE, SMALL, Canaries, Scripted, ask, build, crew_of, react, team

import permit0
from permit0_crewai import guard_crew, install, uninstall

Call = tuple[str, dict[str, object]]
LOOK: Call = ("look", {"path": "a.txt"})
DANGER: Call = ("danger", {"path": "x"})
FINAL = "Thought: I know\nFinal Answer: done"


@pytest.fixture
def canaries() -> Canaries:
    return Canaries()


@pytest.fixture
def guard(tmp_path: Path) -> Iterator[permit0.Guard]:
    made = build(tmp_path)
    yield made
    uninstall(made)
    clear_all_tool_call_hooks()


@pytest.mark.parametrize("native", [True, False])
def test_install_covers_crews_that_nobody_guarded(
    guard: permit0.Guard, canaries: Canaries, native: bool
) -> None:
    install(guard)
    llm = ask(LOOK, DANGER, native=native)
    assert str(crew_of(team(llm, canaries.all())).kickoff()) == "done"
    assert canaries.ran == [("look", "a.txt")]
    assert "permit0 did not run danger: the operator does not allow it" in llm.seen[-1]


def test_after_uninstall_it_covers_them_no_more(guard: permit0.Guard, canaries: Canaries) -> None:
    install(guard)
    uninstall(guard)
    crew_of(team(ask(DANGER), canaries.all())).kickoff()
    assert canaries.ran == [("danger", "x")]


def test_installing_twice_installs_once(guard: permit0.Guard) -> None:
    before = len(get_before_tool_call_hooks())
    install(guard)
    install(guard)
    assert len(get_before_tool_call_hooks()) == before + 2


def test_a_guarded_crew_leaves_others_alone(guard: permit0.Guard, canaries: Canaries) -> None:
    guard_crew(crew_of(team(ask("done"), [])), guard)  # type: ignore[arg-type]
    crew_of(team(ask(DANGER), canaries.all())).kickoff()
    assert canaries.ran == [("danger", "x")]


def failing(context: Any) -> None:
    raise KeyError("somebody else's hook is broken")


def aborting(context: Any) -> None:
    raise HookAborted("somebody else's hook says no")


@pytest.mark.parametrize("other", [failing, aborting, lambda context: None, lambda context: True])
def test_other_hooks_before_and_after_change_nothing_of_a_refusal(
    guard: permit0.Guard, canaries: Canaries, other: Callable[[Any], Any]
) -> None:
    register_before_tool_call_hook(other)
    install(guard)
    register_before_tool_call_hook(other)
    crew_of(team(ask(DANGER), canaries.all())).kickoff()
    assert canaries.ran == []


def mutating(context: Any) -> None:
    if context.tool_name == "charge":
        context.tool_input["amount"] = 5000


@pytest.mark.parametrize("native", [True, False])
def test_arguments_that_a_later_hook_changes_do_not_run(
    guard: permit0.Guard, canaries: Canaries, native: bool
) -> None:
    register_before_tool_call_hook(mutating)
    install(guard)
    register_before_tool_call_hook(mutating)
    llm = ask(("charge", SMALL), native=native)
    # The first of the two is before ours: what it makes of the arguments is what is decided.
    crew_of(team(llm, [canaries.charge()])).kickoff()
    assert canaries.ran == []


@pytest.mark.parametrize("native", [True, False])
def test_the_model_is_told_that_arguments_were_changed(
    guard: permit0.Guard, canaries: Canaries, native: bool
) -> None:
    install(guard)
    register_before_tool_call_hook(mutating)
    calls: list[Call] = [
        LOOK,
        ("charge", SMALL),
    ]  # with the first one, ours take their places again
    llm = Scripted(*([call] for call in calls), "done") if native else ask(*calls, native=False)
    crew_of(team(llm, canaries.all())).kickoff()
    assert canaries.ran == [("look", "a.txt")]
    assert "its arguments were changed after they had been checked" in llm.seen[-1]


def test_a_scoped_hook_that_runs_after_all_others_changes_nothing(
    guard: permit0.Guard, canaries: Canaries
) -> None:
    """CrewAI calls scoped hooks after the list in which ours is last: the tool decides anew."""
    install(guard)
    llm = ask(("charge", SMALL))
    with scoped_hooks():
        register_scoped(InterceptionPoint.PRE_TOOL_CALL, mutating)
        crew_of(team(llm, [canaries.charge()])).kickoff()
    assert canaries.ran == []
    assert "a person has to approve it first" in llm.seen[-1]


def test_a_hook_that_puts_itself_first_does_not_stay_there(
    guard: permit0.Guard, canaries: Canaries
) -> None:
    install(guard)
    hooks: list[Any] = get_global_hook_list(InterceptionPoint.PRE_TOOL_CALL)
    hooks.insert(0, mutating)
    crew_of(team(ask(("look", {"path": "a.txt"})), [canaries.look()])).kickoff()
    assert hooks[0] is not mutating
    assert mutating in hooks


def emptying(context: Any) -> None:
    clear_all_tool_call_hooks()


@pytest.mark.parametrize("guarded", [True, False])
def test_emptying_the_lists_does_not_open_tools_that_were_seen(
    guard: permit0.Guard, canaries: Canaries, guarded: bool
) -> None:
    danger = canaries.danger()
    llm = Scripted([DANGER], [DANGER], "done")
    crew = crew_of(team(llm, [danger]))
    if guarded:
        guard_crew(crew, guard)
    else:
        install(guard)
    register_after_tool_call_hook(emptying)
    crew.kickoff()
    assert canaries.ran == []
    assert "permit0 did not run danger" in llm.seen[-1]


def test_a_guarded_crew_holds_without_any_hook(guard: permit0.Guard, canaries: Canaries) -> None:
    crew = guard_crew(crew_of(team(ask(LOOK, DANGER), canaries.all())), guard)
    uninstall(guard)
    clear_all_tool_call_hooks()
    crew.kickoff()
    assert canaries.ran == [("look", "a.txt")]


def test_delegation_in_a_guarded_crew_holds_without_any_hook(
    guard: permit0.Guard, canaries: Canaries
) -> None:
    """The tools that CrewAI makes for delegation are guarded when it makes them."""
    task = {"task": "t", "context": "c", "coworker": "worker"}
    boss = team(ask(("delegate_work_to_coworker", task)), [], role="boss", allow_delegation=True)
    crew = guard_crew(crew_of(boss, team(ask(LOOK, DANGER), canaries.all())), guard)
    uninstall(guard)
    clear_all_tool_call_hooks()
    crew.kickoff()
    assert canaries.ran == [("look", "a.txt")]


def test_two_guards_judge_their_own_crews(tmp_path: Path, canaries: Canaries) -> None:
    folders = [tmp_path / name for name in ("strict", "calm")]
    for folder in folders:
        folder.mkdir()
    strict, calm = (build(folder) for folder in folders)
    (folders[1] / "permit0.yaml").write_text("packs: [pack.yaml]\n")
    calm = permit0.build_guard(folders[1] / "permit0.yaml")
    try:
        first = guard_crew(crew_of(team(ask(LOOK), canaries.all(), role="a")), strict)
        second = guard_crew(crew_of(team(ask(LOOK), canaries.all(), role="b")), calm)
        first.kickoff()
        second.kickoff()
    finally:
        uninstall(strict)
        uninstall(calm)
    assert canaries.ran == [LOOK_RAN, LOOK_RAN]


LOOK_RAN = ("look", "a.txt")


def test_two_guards_that_are_both_installed_both_have_a_say(
    guard: permit0.Guard, tmp_path: Path, canaries: Canaries
) -> None:
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "permit0.yaml").write_text(
        "lists: {deny: [{tool: look, reason: the other one says no}]}\n"
    )
    other = permit0.build_guard(tmp_path / "other" / "permit0.yaml")
    install(guard)
    install(other)
    try:
        crew_of(team(ask(LOOK, DANGER), canaries.all())).kickoff()
    finally:
        uninstall(other)
    assert canaries.ran == []


def test_duplicate_names_are_judged_by_the_tools_own_name(
    guard: permit0.Guard, canaries: Canaries
) -> None:
    """CrewAI calls the second one danger_2 for the model; no list of anybody knows that name."""
    install(guard)
    llm = ask(("danger_2", {"path": "x"}), ("look_2", {"path": "b.txt"}))
    tools = [*canaries.all(), *canaries.all()]
    crew_of(team(llm, tools)).kickoff()
    assert canaries.ran == [("look", "b.txt")]
    assert "permit0 did not run danger:" in llm.seen[-1]


def test_observe_mode_lets_calls_run(tmp_path: Path, canaries: Canaries) -> None:
    guard = build(tmp_path, more="mode: observe\n")
    guard_crew(crew := crew_of(team(ask(DANGER), canaries.all())), guard)
    try:
        crew.kickoff()
    finally:
        uninstall(guard)
    assert canaries.ran == [("danger", "x")]


def test_a_default_of_the_tool_is_judged_by_the_hook(guard: permit0.Guard) -> None:
    """The model leaves the amount out; the function would take 5000."""
    from crewai.tools import tool

    ran: list[int] = []

    @tool("charge")
    def charge(customer: str, amount: int = 5000) -> str:
        """Take money."""
        ran.append(amount)
        return "charged"

    install(guard)
    llm = ask(("charge", {"customer": "cus_1"}))
    crew_of(team(llm, [charge])).kickoff()
    assert ran == []
    assert "a person has to approve it first" in llm.seen[-1]


def test_arguments_that_do_not_fit_are_refused_without_their_values(
    guard: permit0.Guard, canaries: Canaries
) -> None:
    install(guard)
    llm = ask(("charge", {"amount": "sk_live_secret"}))
    crew_of(team(llm, [canaries.charge()])).kickoff()
    assert canaries.ran == []
    told = llm.seen[-1].rpartition("permit0 did not")[2]
    assert "amount" in told
    assert "sk_live_secret" not in told


@pytest.mark.parametrize("native", [True, False])
def test_an_agent_without_a_crew_is_covered(
    guard: permit0.Guard, canaries: Canaries, native: bool
) -> None:
    install(guard)
    llm = ask(LOOK, DANGER, native=native)
    agent: Agent = team(llm, canaries.all())
    agent.kickoff("go")
    assert canaries.ran == [("look", "a.txt")]


def test_a_lite_agent_is_covered(guard: permit0.Guard, canaries: Canaries) -> None:
    from crewai.lite_agent import LiteAgent

    from permit0_crewai import guard_agent

    llm = Scripted(react(*LOOK), react(*DANGER), FINAL, native=False)
    agent = guard_agent(
        LiteAgent(role="w", goal="g", backstory="b", llm=llm, tools=canaries.all()), guard
    )
    uninstall(guard)
    agent.kickoff("go")
    assert canaries.ran == [("look", "a.txt")]


def test_a_large_charge_is_not_a_small_one(guard: permit0.Guard, canaries: Canaries) -> None:
    """The twin of the tests above: what they refuse is refused for its amount."""
    install(guard)
    crew_of(team(ask(("charge", SMALL), ("charge", LARGE)), [canaries.charge()])).kickoff()
    assert canaries.ran == [("charge", 50)]
