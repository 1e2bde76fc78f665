"""People are asked by LlamaIndex's events, and what they say counts once, for the call that they were shown."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from llama_index.core.agent.workflow import AgentWorkflow, FunctionAgent
from llama_index.core.agent.workflow.workflow_events import ToolCallResult
from llama_index.core.tools import FunctionTool
from llama_index.core.workflow import Context, HumanResponseEvent, InputRequiredEvent
from tests.llamaindex.kit import (
    Came,
    Person,
    Ran,
    attend,
    decided,
    in_time,
    make_guard,
    no,
    records,
    run,
    script,
    tools_of,
    yes,
)

import permit0
from permit0 import Guard
from permit0_llamaindex import guard_agent, guard_tools
from permit0_llamaindex.approval import MAX_ANSWERS

LARGE: list[Any] = [("pay", {"amount": 5000}, "c1")]
TWO: list[Any] = [("pay", {"amount": 5000}, "c1"), ("pay", {"amount": 6000}, "c2")]
ROOT = Path(__file__).parents[2]


@pytest.fixture
def guard(tmp_path: Path) -> Guard:
    return make_guard(tmp_path)


@pytest.fixture
def ran() -> Ran:
    return []


def agent_of(ran: Ran, guard: Guard, *turns: Any, **options: Any) -> Any:
    made = FunctionAgent(tools=tools_of(ran), llm=script(*turns))
    return guard_agent(made, guard, **options)


def say(**said: Any) -> Person:
    """Answer a request in some way."""
    return lambda event: HumanResponseEvent(request_id=event.request_id, **said)


def in_turn(*people: Person) -> Person:
    """A first answer, then another one."""
    left = list(people)

    def answer(event: InputRequiredEvent) -> HumanResponseEvent | None:
        person = left.pop(0) if len(left) > 1 else left[0]
        return person(event)

    return answer


def test_a_person_sees_the_call_and_says_yes(guard: Guard, ran: Ran) -> None:
    came = run(agent_of(ran, guard, LARGE), yes)
    (asked,) = came.asked
    assert "amount = 5000" in asked.prefix
    assert (asked.tool_name, asked.tool_id) == ("pay", "c1")
    assert ran == [("pay", 5000)]
    assert came.refused == set()


def test_a_person_says_no(guard: Guard, ran: Ran) -> None:
    agent = agent_of(ran, guard, LARGE)
    came = run(agent, no)
    assert ran == []
    assert came.refused == {"c1"}
    assert "a person was asked and said no" in agent.llm.told[0]


@pytest.mark.parametrize(
    "first",
    [
        say(approved=True),  # by nobody
        say(approved=True, by="Agent"),  # by the agent
        say(approved=True, by="agent "),
        say(approved="yes", by="alice"),
        say(approved=1, by="alice"),
        say(approved=True, by=5),
        say(approved=True, by="alice", reason=None),
    ],
)
def test_what_is_no_answer_is_asked_again(guard: Guard, ran: Ran, first: Person) -> None:
    came = run(agent_of(ran, guard, LARGE), in_turn(first, no))
    assert len(came.asked) == 2
    assert "did not count" in came.asked[1].prefix
    assert ran == []


def test_a_good_answer_after_a_bad_one_counts_once(guard: Guard, ran: Ran) -> None:
    came = run(agent_of(ran, guard, LARGE), in_turn(say(approved=True), yes))
    assert ran == [("pay", 5000)]
    assert came.final == "done"


def test_nobody_is_asked_for_ever(guard: Guard, ran: Ran) -> None:
    came = run(agent_of(ran, guard, LARGE), say(approved=True))
    assert len(came.asked) == MAX_ANSWERS
    assert ran == []
    assert "does not count" in came.results["c1"].tool_output.content


def test_an_answer_without_a_name_is_the_approvers(guard: Guard, ran: Ran) -> None:
    run(agent_of(ran, guard, LARGE, approver="bob"), say(approved=True))
    assert ran == [("pay", 5000)]


def test_an_answer_given_elsewhere_counts(tmp_path: Path, guard: Guard, ran: Ran) -> None:
    """The event only says that the request was answered; what was said is in the store."""

    def elsewhere(event: InputRequiredEvent) -> HumanResponseEvent:
        other = make_guard(tmp_path)
        assert other.desk is not None
        request = other.desk.find(event.request_id).request
        other.desk.answer(
            permit0.ApprovalAnswer(
                request=request.id,
                approved=True,
                by="carol",
                reason="ok",
                view_digest=request.view_digest,
                at=0.0,
            )
        )
        return HumanResponseEvent(request_id=event.request_id)

    run(agent_of(ran, guard, LARGE), elsewhere)
    assert ran == [("pay", 5000)]


def test_no_answer_in_time_is_a_refusal(tmp_path: Path, ran: Ran) -> None:
    guard = make_guard(tmp_path, timeout_s=1)
    agent = agent_of(ran, guard, LARGE)
    came = run(agent)
    assert len(came.asked) == 1
    assert ran == []
    assert "did not answer in time" in agent.llm.told[0]


def test_an_answer_for_one_call_never_runs_another(guard: Guard, ran: Ran) -> None:
    """Two calls wait; the yes to the first is sent twice, and the second stays where it is."""

    async def main() -> Came:
        came = Came()
        handler = agent_of(ran, guard, TWO).run(user_msg="go")
        async for event in handler.stream_events():
            if isinstance(event, InputRequiredEvent):
                came.asked.append(event)
                if len(came.asked) == 2:
                    first = min(came.asked, key=lambda item: item.tool_id)
                    handler.ctx.send_event(yes(first))
                    handler.ctx.send_event(yes(first))
            elif isinstance(event, ToolCallResult):
                second = max(came.asked, key=lambda item: item.tool_id)
                if event.tool_id == "c1":
                    await asyncio.sleep(0.2)
                    assert ran == [("pay", 5000)]
                    handler.ctx.send_event(no(second))
        came.final = str(await handler)
        return came

    assert in_time(main()).final == "done"
    assert ran == [("pay", 5000)]


def test_a_bare_yes_runs_nothing(guard: Guard, ran: Ran) -> None:
    """An event that names no request belongs to none."""

    def bare(event: InputRequiredEvent) -> HumanResponseEvent:
        return HumanResponseEvent(response="yes", approved=True, by="alice")

    async def main() -> None:
        handler = agent_of(ran, guard, LARGE).run(user_msg="go")
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(attend(handler, bare), 1)
        await handler.cancel_run()

    in_time(main())
    assert ran == []


def test_two_calls_with_one_id_are_asked_one_by_one(guard: Guard, ran: Ran) -> None:
    """Some models give every call the same id. One yes is for one of them."""
    same: list[Any] = [("pay", {"amount": 5000}, "c1"), ("pay", {"amount": 5000}, "c1")]

    async def main() -> int:
        handler = agent_of(ran, guard, same).run(user_msg="go")
        asked: set[str] = set()
        async for event in handler.stream_events():
            if isinstance(event, InputRequiredEvent):
                asked.add(event.request_id)
                handler.ctx.send_event(yes(event))
        await handler
        return len(asked)

    assert in_time(main()) == 2
    assert ran == [("pay", 5000)] * 2


def test_the_same_id_in_a_later_turn_is_another_call(guard: Guard, ran: Ran) -> None:
    agent = agent_of(ran, guard, LARGE, LARGE)
    asked: list[str] = []

    def person(event: InputRequiredEvent) -> HumanResponseEvent:
        asked.append(event.request_id)
        return yes(event)

    async def main() -> None:
        handler = agent.run(user_msg="go")
        async for event in handler.stream_events():
            if isinstance(event, InputRequiredEvent):
                handler.ctx.send_event(person(event))
        await handler

    in_time(main())
    assert len(set(asked)) == 2
    assert ran == [("pay", 5000)] * 2


def test_a_call_without_an_id_is_refused_and_waits_for_nobody(guard: Guard, ran: Ran) -> None:
    came = run(agent_of(ran, guard, [("pay", {"amount": 5000}, "")]), yes)
    assert came.asked == []
    assert ran == []


def test_one_call_is_one_decision_however_often_its_step_runs(
    tmp_path: Path, guard: Guard, ran: Ran
) -> None:
    run(agent_of(ran, guard, LARGE), in_turn(say(approved=True), say(approved=True), yes))
    assert decided(tmp_path) == ["pay"]
    events = [item["event"] for item in records(tmp_path, "approval")]
    assert events.count("requested") == events.count("used") == 1


class Pin(HumanResponseEvent):
    """What a tool of the tests waits for."""


def test_a_body_that_waits_itself_needs_a_yes_for_each_start(guard: Guard) -> None:
    """LlamaIndex starts such a body again from its beginning: that is another execution."""
    ran: Ran = []
    asked: list[str] = []

    async def pay(ctx, amount):  # type: ignore[no-untyped-def]  # see below
        """Charge a card."""
        ran.append(("begun", amount))
        said = await ctx.wait_for_event(
            Pin, waiter_event=InputRequiredEvent(prefix="pin?"), waiter_id="pin"
        )
        ran.append(("pay", said.get("pin")))
        return "paid"

    pay.__annotations__ = {"ctx": Context, "amount": int, "return": str}
    llm = script(LARGE)
    agent = guard_agent(FunctionAgent(tools=[pay], llm=llm), guard)

    async def main() -> None:
        handler = agent.run(user_msg="go")
        async for event in handler.stream_events():
            if isinstance(event, InputRequiredEvent):
                is_ours = "request_id" in event
                asked.append("approval" if is_ours else "pin")
                handler.ctx.send_event(yes(event) if is_ours else Pin(pin=7))
        await handler

    in_time(main())
    assert ran == [("begun", 5000), ("begun", 5000), ("pay", 7)]
    assert asked.count("approval") == 2


def test_a_workflow_asks_and_goes_on(guard: Guard, ran: Ran) -> None:
    """The step of the workflow runs, not that of its agents."""
    a = FunctionAgent(
        name="a",
        description="a",
        tools=guard_tools(tools_of(ran), guard),
        llm=script(LARGE),
        streaming=False,
    )
    b = FunctionAgent(name="b", description="b", llm=script())
    came = run(guard_agent(AgentWorkflow(agents=[a, b], root_agent="a"), guard), yes)
    assert len(came.asked) == 1
    assert ran == [("pay", 5000)]


def test_a_request_of_a_nested_call_does_not_start_its_outer_tool_again(guard: Guard) -> None:
    ran: Ran = []
    inner: Any = guard_tools(tools_of(ran), guard)[1]

    async def outer() -> str:
        """Call another tool."""
        ran.append(("outer",))
        return str(await inner.async_fn(amount=5000))

    tool = FunctionTool.from_defaults(async_fn=outer, name="outer", description="x")
    agent = guard_agent(FunctionAgent(tools=[tool], llm=script([("outer", {}, "c1")])), guard)
    came = run(agent, yes)
    assert ran == [("outer",)]
    assert came.asked == []
    assert "a person has to approve it first" in came.results["c1"].tool_output.content


def test_a_guarded_tool_in_an_agent_that_is_not_guarded_says_that_it_waits(
    guard: Guard, ran: Ran
) -> None:
    tools: Any = guard_tools(tools_of(ran), guard)
    came = run(FunctionAgent(tools=tools, llm=script(LARGE)), yes)
    assert ran == []
    assert came.asked == []
    assert "(request " in came.results["c1"].tool_output.content
