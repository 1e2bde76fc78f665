"""Ways around a guard that were seen in CrewAI, and ways that the rest of CrewAI takes to a tool."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from crewai import Crew, Task
from crewai.agent.planning_config import PlanningConfig
from crewai.events import ToolUsageStartedEvent, crewai_event_bus
from crewai.hooks import register_before_tool_call_hook, unregister_before_tool_call_hook
from crewai.tools import BaseTool, tool
from crewai.tools.base_tool import Tool
from crewai.tools.mcp_native_tool import MCPNativeTool
from crewai.tools.structured_tool import CrewStructuredTool
from pydantic import BaseModel, ConfigDict, Field
from tests.crewai.kit import LARGE, SMALL, Canaries, Scripted, ask, build, crew_of, react, team

import permit0
from permit0_crewai import guard_crew, guard_tool, install, uninstall

LOOK = ("look", {"path": "a.txt"})
DANGER = ("danger", {"path": "x"})
FINAL = "Thought: I know\nFinal Answer: done"


@pytest.fixture
def canaries() -> Canaries:
    return Canaries()


@pytest.fixture
def guard(tmp_path: Path) -> Iterator[permit0.Guard]:
    made = build(tmp_path)
    yield made
    uninstall(made)


@pytest.mark.parametrize("layer", ["crew", "install"])
def test_a_broken_listener_of_events_changes_nothing(
    guard: permit0.Guard, canaries: Canaries, layer: str, capsys: pytest.CaptureFixture[str]
) -> None:
    crew = crew_of(team(ask(LOOK, DANGER), canaries.all()))
    if layer == "crew":
        guard_crew(crew, guard)
    else:
        install(guard)
    with crewai_event_bus.scoped_handlers():

        @crewai_event_bus.on(ToolUsageStartedEvent)
        def broken(source: Any, event: Any) -> None:
            raise SystemError("broken")

        crew.kickoff()
        crewai_event_bus.flush()
    assert canaries.ran == [("look", "a.txt")]


@pytest.mark.parametrize("deny", [True, False])
def test_tools_of_an_mcp_server_are_guarded_when_they_appear(
    guard: permit0.Guard, canaries: Canaries, deny: bool
) -> None:
    class Answer:
        content: tuple[object, ...] = ()
        is_error = False

    class Client:
        async def connect(self) -> None: ...

        async def disconnect(self) -> None: ...

        async def call_tool_result(self, name: str, arguments: Any) -> Answer:
            canaries.ran.append(("mcp", name))
            return Answer()

    name = "danger" if deny else "look"
    schema = {"description": "d"}
    served = MCPNativeTool(
        client_factory=Client, tool_name=name, tool_schema=schema, server_name="s"
    )
    served.name = name
    llm = ask((served.name, {"path": "a.txt"}))
    guard_crew(crew_of(team(llm, [served])), guard).kickoff()
    assert canaries.ran == ([] if deny else [("mcp", "look")])


@pytest.mark.parametrize("layer", ["crew", "install"])
def test_a_plan_is_carried_out_under_guard(
    guard: permit0.Guard, canaries: Canaries, layer: str
) -> None:
    step = {"step_number": 1, "description": "do", "tool_to_use": "danger", "depends_on": []}
    plan = json.dumps({"plan": "1", "steps": [step], "ready": True})
    llm = Scripted(plan, [DANGER, LOOK], "step done", *["final"] * 6)
    agent = team(llm, canaries.all(), planning_config=PlanningConfig(max_attempts=1))
    crew = crew_of(agent)
    if layer == "crew":
        guard_crew(crew, guard)
    else:
        install(guard)
    crew.kickoff()
    assert canaries.ran in ([("look", "a.txt")], [])
    assert any("permit0 did not run danger" in text for text in llm.seen)


def test_a_task_that_runs_in_a_thread_is_guarded(guard: permit0.Guard, canaries: Canaries) -> None:
    agent = team(ask(LOOK, DANGER), canaries.all())
    last = team(Scripted("done"), [], role="last")
    tasks = [
        Task(description="go", expected_output="x", agent=agent, async_execution=True),
        Task(description="end", expected_output="x", agent=last),
    ]
    with permit0.session("threads"):
        guard_crew(Crew(agents=[agent, last], tasks=tasks), guard).kickoff()
    assert canaries.ran == [("look", "a.txt")]


def test_a_task_that_is_tried_again_by_its_guardrail_is_decided_again(
    guard: permit0.Guard, canaries: Canaries
) -> None:
    answers = iter([(False, "again"), (True, "fine")])
    agent = team(Scripted([DANGER], "bad", [DANGER], "good"), canaries.all())
    crew = crew_of(agent, task={"guardrail": lambda output: next(answers)})
    guard_crew(crew, guard).kickoff()
    assert canaries.ran == []


def test_a_tool_converted_before_it_was_guarded_is_guarded_when_it_is_used(
    guard: permit0.Guard, canaries: Canaries
) -> None:
    """The executor holds a bound method of the class as it was."""
    danger = canaries.danger()
    converted = danger.to_structured_tool()
    install(guard)
    crew_of(team(ask(DANGER), [danger])).kickoff()
    danger.run(path="x")
    assert canaries.ran == []
    assert converted.func.__self__ is danger


def test_names_of_the_schema_are_not_what_is_judged(guard: permit0.Guard) -> None:
    """The model says `sum`, the body gets `amount`."""
    ran: list[object] = []

    class Given(BaseModel):
        amount: int = Field(alias="sum")
        customer: str = "cus_1"

    class Charge(BaseTool):
        name: str = "charge"
        description: str = "d"
        args_schema: type[BaseModel] = Given

        def _run(self, amount: int, customer: str) -> str:
            ran.append(amount)
            return "charged"

    llm = ask(("charge", {"sum": 50}), ("charge", {"sum": 5000}))
    guard_crew(crew_of(team(llm, [Charge()])), guard).kickoff()
    assert ran == [50]
    assert "a person has to approve it first" in llm.seen[-1]


@pytest.mark.parametrize("native", [True, False])
def test_arguments_that_no_schema_knows_reach_no_body_unjudged(
    guard: permit0.Guard, native: bool
) -> None:
    ran: list[dict[str, Any]] = []

    class Given(BaseModel):
        model_config = ConfigDict(extra="allow")
        path: str

    class Look(BaseTool):
        name: str = "look"
        description: str = "d"
        args_schema: type[BaseModel] = Given

        def _run(self, **values: Any) -> str:
            ran.append(values)
            return "text"

    class Free(BaseTool):
        name: str = "danger"
        description: str = "d"

        def _run(self, **values: Any) -> str:
            ran.append(values)
            return "harm done"

    calls = (("look", {"path": "a.txt", "more": "b"}), ("danger", {"path": "x", "more": "b"}))
    guard_crew(crew_of(team(ask(*calls, native=native), [Look(), Free()])), guard).kickoff()
    assert all("path" in values for values in ran)
    assert {"path": "x", "more": "b"} not in ran
    assert len(ran) <= 1


@pytest.mark.parametrize("layer", ["crew", "install"])
def test_the_body_of_an_agents_call_gets_a_copy_that_nobody_else_holds(
    guard: permit0.Guard, layer: str
) -> None:
    held: list[Any] = []
    got: list[Any] = []

    class Look(BaseTool):
        name: str = "look"
        description: str = "d"

        def _run(self, **values: Any) -> str:
            got.append(values["tags"])
            return "text"

    def hold(context: Any) -> None:
        held.append(context.tool_input["tags"])

    register_before_tool_call_hook(hold)
    crew = crew_of(team(ask(("look", {"path": "a.txt", "tags": ["a"]})), [Look()]))
    if layer == "crew":
        guard_crew(crew, guard)
    else:
        install(guard)
    try:
        crew.kickoff()
    finally:
        unregister_before_tool_call_hook(hold)
    assert got == held == [["a"]]
    assert got[0] is not held[0]


def test_a_renamed_tool_is_judged_under_a_name_that_is_its_own(
    guard: permit0.Guard, canaries: Canaries
) -> None:
    """A copy with another name: the function still says what it was guarded as."""
    one = guard_tool(canaries.charge(), guard).model_copy(update={"name": "look"})
    crew_of(team(ask(("look", {"amount": 5000})), [one])).kickoff()
    assert canaries.ran == []


def test_a_tool_that_calls_itself_is_decided_each_time(guard: permit0.Guard) -> None:
    ran: list[int] = []
    box: list[Any] = []

    @tool("charge")
    def charge(amount: int, customer: str = "cus_1") -> str:
        """Take money."""
        ran.append(amount)
        return str(box[0].run(amount=amount * 100)) if amount == 50 else "charged"

    box.append(guard_tool(charge, guard))
    guard_crew(crew_of(team(ask(("charge", SMALL)), box)), guard).kickoff()
    assert ran == [50]


def test_of_many_threads_with_one_approved_call_one_runs(
    tmp_path: Path, canaries: Canaries
) -> None:
    guard = build(tmp_path)
    charge = guard_tool(canaries.charge(), guard)

    def call(_: int) -> object:
        with permit0.session("race"):
            return charge.run(amount=5000)

    call(0)
    assert guard.desk is not None
    from permit0_crewai import answer

    answer(guard, guard.desk.pending()[0].request.id, approved=True, by="alice")
    try:
        with ThreadPoolExecutor(8) as pool:
            list(pool.map(call, range(16)))
    finally:
        uninstall(guard)
    assert canaries.ran == [("charge", 5000)]


def test_the_same_tool_first_seen_by_many_threads_is_guarded_once(
    guard: permit0.Guard, canaries: Canaries
) -> None:
    install(guard)
    look = canaries.look()
    llm = ask(*[("look", {"path": f"{number}.txt"}) for number in range(6)])
    crew_of(team(llm, [look])).kickoff()
    assert len(canaries.ran) == 6
    assert sum("_permit0_layers" in vars(kind) for kind in type(look).__mro__) == 1


def test_a_call_with_a_session_elsewhere_is_not_counted_under_another_name(
    guard: permit0.Guard, canaries: Canaries
) -> None:
    """A bare thread while a session is open: whose call it is cannot be known."""
    look = guard_tool(canaries.look(), guard)
    with permit0.session("open"), ThreadPoolExecutor(1) as pool:
        told = pool.submit(look.run, path="a.txt").result()
        carried = pool.submit(permit0.carry(look.run), path="b.txt").result()
    assert told.details["reason_code"] == "session_not_carried"  # type: ignore[attr-defined]
    assert carried == "text of b.txt"


def test_a_hook_that_blocks_first_leaves_nothing_open(
    guard: permit0.Guard, canaries: Canaries
) -> None:
    """Ours allowed, another one said no: what was allowed cannot be used for anything else."""
    inner = guard_tool(canaries.charge(), guard)
    seen: list[object] = []

    def block(context: Any) -> bool | None:
        return False if context.tool_name == "charge" else None

    def after() -> object:
        seen.append(inner.run(amount=50))
        return "done"

    install(guard)
    register_before_tool_call_hook(block)
    try:
        llm = Scripted([("charge", SMALL)], after)  # type: ignore[arg-type]
        crew = crew_of(team(llm, [inner]))
        crew.kickoff()
    finally:
        unregister_before_tool_call_hook(block)
    # The direct call afterwards was decided by itself; the two of them are two steps of history.
    assert canaries.ran == [("charge", 50)]
    assert seen == ["charged cus_1 50"]


@pytest.mark.parametrize("broken", [{"amount": float("nan")}, {"amount": 10**400}, {"amount": {}}])
def test_odd_arguments_are_refusals(guard: permit0.Guard, broken: dict[str, Any]) -> None:
    ran: list[object] = []

    class Charge(BaseTool):
        name: str = "charge"
        description: str = "d"

        def _run(self, amount: Any, customer: str = "cus_1") -> str:
            ran.append(amount)
            return "charged"

    told = guard_tool(Charge(), guard)._run(**broken)
    llm = ask(("charge", broken))
    guard_crew(crew_of(team(llm, [Charge()])), guard).kickoff()
    assert "permit0 did not" in str(told)
    assert ran == []


def test_a_tool_of_langchains_kind_is_guarded(guard: permit0.Guard, canaries: Canaries) -> None:
    """What has a name, a func and a description: CrewAI makes a tool of its function."""

    class Foreign:
        name = "danger"
        description = "d"

        def func(self, path: str) -> str:
            canaries.ran.append(("danger", path))
            return "harm done"

    one = Tool.from_langchain(Foreign())
    guard_crew(crew_of(team(ask(DANGER), [one])), guard).kickoff()
    assert canaries.ran == []


def test_a_tool_given_to_a_guarded_task_as_it_starts(
    guard: permit0.Guard, canaries: Canaries
) -> None:
    crew = guard_crew(crew_of(team(ask(DANGER), [])), guard)
    uninstall(guard)
    crew.tasks[0].tools = [canaries.danger()]
    crew.kickoff()
    assert canaries.ran == []


def test_a_tool_that_is_only_structured(guard: permit0.Guard, canaries: Canaries) -> None:
    def danger(path: str) -> str:
        """Harm."""
        canaries.ran.append(("danger", path))
        return "harm done"

    one = guard_tool(CrewStructuredTool.from_function(danger), guard)
    assert "permit0 did not run danger" in str(asyncio.run(one.ainvoke({"path": "x"})))
    assert canaries.ran == []


def test_text_that_is_no_json_reaches_no_body(guard: permit0.Guard, canaries: Canaries) -> None:
    text = "Thought: go\nAction: danger\nAction Input: {'path': 'x',}"
    llm = Scripted(text, react(*LOOK), FINAL, native=False)
    guard_crew(crew_of(team(llm, canaries.all())), guard).kickoff()
    assert canaries.ran == [("look", "a.txt")]


def test_the_twin_of_all_of_these(guard: permit0.Guard, canaries: Canaries) -> None:
    """With nothing in the way, what is allowed runs and what is not does not."""
    llm = ask(LOOK, ("charge", SMALL), ("charge", LARGE), DANGER)
    guard_crew(crew_of(team(llm, canaries.all())), guard).kickoff()
    assert sorted(canaries.ran, key=str) == [("charge", 50), ("look", "a.txt")]
