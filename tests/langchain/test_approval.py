"""A person is asked with LangGraph's own interrupt, and the answer is good for one call only."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from langchain.agents import create_agent
from langchain_core.tools import tool
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.types import Command
from tests.langchain.kit import (
    CONFIG,
    RUNS,
    Ran,
    Scripted,
    approve,
    decided,
    make_guard,
    pending,
    refusals,
    reject,
    say,
    start,
    tools_of,
)

from permit0 import ApprovalAnswer, ApprovalRequest, Guard, InvalidInput
from permit0_langchain import Permit0Middleware, answer, guard_tools


@pytest.fixture
def guard(tmp_path: Path) -> Guard:
    return make_guard(tmp_path)


@pytest.fixture
def ran() -> Ran:
    return []


class Yes:
    """An approver that says yes."""

    def ask(self, request: ApprovalRequest) -> ApprovalAnswer:
        """Approve."""
        return ApprovalAnswer(
            request=request.id,
            approved=True,
            by="alice",
            reason="",
            view_digest=request.view_digest,
            at=0.0,
        )


def agent(guard: Guard, ran: Ran, *calls: Any, saver: Any = None, **options: Any) -> Any:
    return create_agent(
        Scripted(turns=[say(*calls)]),
        tools_of(ran),
        middleware=[Permit0Middleware(guard, **options)],
        checkpointer=InMemorySaver() if saver is None else saver,
    )


BIG = ("pay", {"amount": 5000})
BIG_RAN = ("pay", 5000)
BIGGER = ("pay", {"amount": 7000})


def test_the_question_says_what_is_asked(guard: Guard, ran: Ran) -> None:
    (one,) = pending(agent(guard, ran, BIG).invoke(start(), CONFIG))
    assert one.value["type"] == "permit0_approval"
    assert one.value["tool"] == "pay"
    assert one.value["call_id"] == "c1"
    assert "5000" in one.value["view"]
    assert guard.desk is not None
    assert guard.desk.find(one.value["request"]).request.view == one.value["view"]


def test_parallel_questions_are_answered_one_by_one_or_together(guard: Guard, ran: Ran) -> None:
    graph = agent(guard, ran, BIG, BIGGER)
    first, second = pending(graph.invoke(start(), CONFIG))
    state = graph.invoke(
        Command(resume={second.id: answer(second, approved=True, by="alice")}), CONFIG
    )
    assert ran == [("pay", 7000)]
    (left,) = pending(state)
    assert left.value["request"] == first.value["request"]
    state = graph.invoke(reject([left]), CONFIG)
    assert ran == [("pay", 7000)]
    assert [m.tool_call_id for m in refusals(state)] == ["c1"]


def test_an_answer_for_one_call_does_not_run_another(guard: Guard, ran: Ran) -> None:
    graph = agent(guard, ran, BIG, BIGGER)
    first, second = pending(graph.invoke(start(), CONFIG))
    crossed = {
        first.id: answer(second, approved=False, by="alice"),
        second.id: answer(second, approved=False, by="alice"),
    }
    state = graph.invoke(Command(resume=crossed), CONFIG)
    assert ran == []
    (left,) = pending(state)
    assert left.value["request"] == first.value["request"]


def test_an_answer_that_was_handed_to_the_wrong_call_still_counts_for_its_own(
    guard: Guard, ran: Ran
) -> None:
    graph = agent(guard, ran, BIG, BIGGER)
    first, second = pending(graph.invoke(start(), CONFIG))
    yes = answer(second, approved=True, by="alice")
    state = graph.invoke(Command(resume={first.id: yes}), CONFIG)
    for _ in range(2):  # the call that it is for may have been tried before it was kept
        state = graph.invoke(Command(resume={i.id: "go on" for i in pending(state)}), CONFIG)
    assert ran == [("pay", 7000)]
    (left,) = pending(state)
    assert left.value["request"] == first.value["request"]


BAD: dict[str, Any] = {
    "a bare yes": True,
    "a word": "approve",
    "decisions of another middleware": {"decisions": [{"type": "approve"}]},
    "no request": {"approved": True, "by": "alice"},
    "no person": {"request": "*", "approved": True},
    "a number": {"request": "*", "approved": 1, "by": "alice"},
    "another view": {"request": "*", "approved": True, "by": "alice", "view_digest": "0" * 64},
    "the agent itself": {"request": "*", "approved": True, "by": "default"},
    "an unknown request": {"request": "f" * 32, "approved": True, "by": "alice"},
}


@pytest.mark.parametrize("kind", BAD)
def test_an_answer_that_does_not_count_asks_again(kind: str, guard: Guard, ran: Ran) -> None:
    graph = agent(guard, ran, BIG)
    (one,) = pending(graph.invoke(start(), CONFIG))
    bad = BAD[kind]
    if isinstance(bad, dict) and bad.get("request") == "*":
        bad = {**bad, "request": one.value["request"]}
    (again,) = pending(graph.invoke(Command(resume=bad), CONFIG))
    assert ran == []
    assert again.value["request"] == one.value["request"]
    assert again.value["problem"]
    graph.invoke(approve([again]), CONFIG)
    assert ran == [("pay", 5000)]


def test_one_approval_runs_one_of_two_equal_calls(guard: Guard, ran: Ran) -> None:
    """Even if the model gave both the same id."""
    twins = say(BIG).tool_calls * 2
    graph = create_agent(
        Scripted(turns=[say(BIG).model_copy(update={"tool_calls": twins})]),
        tools_of(ran),
        middleware=[Permit0Middleware(guard)],
        checkpointer=InMemorySaver(),
    )
    waiting = pending(graph.invoke(start(), CONFIG))
    yes = answer(waiting[0], approved=True, by="alice")
    state = graph.invoke(Command(resume={item.id: yes for item in waiting}), CONFIG)
    # None, if both opened a request at once and this one is not the later of the two.
    assert ran in ([], [BIG_RAN])
    before = list(ran)
    graph.invoke(reject(pending(state)), CONFIG)
    assert ran == before


def test_a_default_approver_may_be_configured(guard: Guard, ran: Ran) -> None:
    graph = agent(guard, ran, BIG, approver="on-call desk")
    (one,) = pending(graph.invoke(start(), CONFIG))
    graph.invoke(Command(resume={"request": one.value["request"], "approved": True}), CONFIG)
    assert ran == [("pay", 5000)]


def test_a_call_that_was_rejected_stays_rejected(guard: Guard, ran: Ran) -> None:
    graph = agent(guard, ran, BIG)
    (one,) = pending(graph.invoke(start(), CONFIG))
    before = graph.get_state(CONFIG).config
    graph.invoke(reject([one]), CONFIG)
    # Back to where the question was asked, with a yes this time: the checkpoint is the same, the request, too.
    state = graph.invoke(approve([one]), before)
    assert ran == []
    assert "said no" in str(refusals(state)[0].content)


def test_an_approval_is_used_once(guard: Guard, ran: Ran) -> None:
    graph = agent(guard, ran, BIG)
    (one,) = pending(graph.invoke(start(), CONFIG))
    before = graph.get_state(CONFIG).config
    graph.invoke(approve([one]), CONFIG)
    assert ran == [("pay", 5000)]
    (new,) = pending(graph.invoke(approve([one]), before))
    assert ran == [("pay", 5000)]
    assert new.value["request"] != one.value["request"]


def test_an_answer_from_elsewhere_counts(guard: Guard, ran: Ran) -> None:
    graph = agent(guard, ran, BIG)
    (one,) = pending(graph.invoke(start(), CONFIG))
    assert guard.desk is not None
    guard.desk.answer(ApprovalAnswer(**answer(one, approved=True, by="bob"), at=0.0))  # type: ignore[arg-type]
    graph.invoke(Command(resume="see the desk"), CONFIG)
    assert ran == [("pay", 5000)]


def test_an_answer_that_comes_too_late_is_refused(tmp_path: Path, ran: Ran) -> None:
    graph = agent(make_guard(tmp_path, timeout_s=1), ran, BIG)
    (one,) = pending(graph.invoke(start(), CONFIG))
    time.sleep(1.2)
    state = graph.invoke(approve([one]), CONFIG)
    assert ran == []
    assert "did not answer in time" in str(refusals(state)[0].content)


def test_an_approval_survives_a_new_process(tmp_path: Path, ran: Ran) -> None:
    """The checkpoint and the state file are what is left."""
    saver = InMemorySaver()
    (one,) = pending(agent(make_guard(tmp_path), ran, BIG, saver=saver).invoke(start(), CONFIG))
    later = agent(make_guard(tmp_path), ran, BIG, saver=saver)
    later.invoke(approve([one]), CONFIG)
    assert ran == [("pay", 5000)]


def test_edited_arguments_are_a_new_request(guard: Guard, ran: Ran) -> None:
    graph = agent(guard, ran, BIG)
    (one,) = pending(graph.invoke(start(), CONFIG))
    last = graph.get_state(CONFIG).values["messages"][-1]
    edited = last.model_copy(update={"tool_calls": say(BIGGER).tool_calls})
    graph.update_state(CONFIG, {"messages": [edited]}, as_node="model")
    (new,) = pending(graph.invoke(None, CONFIG))
    assert new.value["request"] != one.value["request"]
    (still,) = pending(graph.invoke(Command(resume=answer(one, approved=True, by="alice")), CONFIG))
    assert still.value["request"] == new.value["request"]
    assert ran == []


def test_siblings_of_a_question_run_once(guard: Guard, ran: Ran, tmp_path: Path) -> None:
    graph = agent(guard, ran, ("note", {"text": "a"}), BIG, ("danger", {}))
    waiting = pending(graph.invoke(start(), CONFIG))
    state = graph.invoke(approve(waiting), CONFIG)
    assert ran == [("note", "a"), ("pay", 5000)]
    assert [m.tool_call_id for m in refusals(state)] == ["c3"]
    assert sorted(decided(tmp_path)) == ["danger", "note", "pay"]


@pytest.mark.parametrize("way", RUNS)
def test_without_a_checkpointer_the_model_is_told_that_a_person_was_asked(
    way: str, guard: Guard, ran: Ran
) -> None:
    graph = create_agent(
        Scripted(turns=[say(BIG)]), tools_of(ran), middleware=[Permit0Middleware(guard)]
    )
    state = RUNS[way](graph, start(), CONFIG)
    (told,) = refusals(state)
    assert ran == []
    assert guard.desk is not None
    (waiting,) = guard.desk.pending()
    assert waiting.request.id in str(told.content)


def test_an_approver_that_waits_needs_no_interrupt(tmp_path: Path, ran: Ran) -> None:
    guard = make_guard(tmp_path, approver=Yes())
    pay = guard_tools(tools_of(ran), guard)[1]

    @tool
    def delegate() -> str:
        """Use another tool."""
        return str(pay.invoke({"amount": 5000}))

    graph = create_agent(
        Scripted(turns=[say(("delegate", {}))]), [delegate], middleware=[Permit0Middleware(guard)]
    )
    graph.invoke(start(), CONFIG)
    assert ran == [("pay", 5000)]


def test_a_call_inside_of_another_tool_does_not_start_that_one_again(
    guard: Guard, ran: Ran
) -> None:
    """To be resumed, the outer body would have to run a second time."""
    pay = guard_tools(tools_of(ran), guard)[1]

    @tool
    def delegate() -> str:
        """Use another tool."""
        ran.append(("delegate",))
        return str(pay.invoke({"amount": 5000}))

    graph = create_agent(
        Scripted(turns=[say(("delegate", {}))]),
        [delegate],
        middleware=[Permit0Middleware(guard)],
        checkpointer=InMemorySaver(),
    )
    state = graph.invoke(start(), CONFIG)
    assert not pending(state)
    assert ran == [("delegate",)]
    assert "a person has to approve it" in str(state["messages"][-2].content)


def test_an_answer_for_another_session_is_not_kept(guard: Guard, ran: Ran) -> None:
    """Whoever may answer in this thread may not have a say in that one."""
    other: Any = {"configurable": {"thread_id": "thread-2"}}
    graph = agent(guard, ran, BIG)
    (theirs,) = pending(agent(guard, ran, BIGGER).invoke(start(), other))
    pending(graph.invoke(start(), CONFIG))
    graph.invoke(Command(resume=answer(theirs, approved=True, by="alice")), CONFIG)
    assert guard.desk is not None
    assert guard.desk.find(theirs.value["request"]).status.value == "pending"
    assert ran == []


def test_a_question_can_be_written_down_by_any_checkpointer(guard: Guard, ran: Ran) -> None:
    (one,) = pending(agent(guard, ran, BIG).invoke(start(), CONFIG))
    assert json.loads(json.dumps(one.value)) == one.value


def test_a_kill_after_the_question_is_stronger_than_a_yes(
    guard: Guard, ran: Ran, tmp_path: Path
) -> None:
    graph = agent(guard, ran, BIG)
    (one,) = pending(graph.invoke(start(), CONFIG))
    order = [
        "kill",
        "--fleet",
        "--by",
        "bob",
        "--reason",
        "drill",
        "--config",
        str(tmp_path / "permit0.yaml"),
    ]
    subprocess.run([sys.executable, "-m", "permit0", *order], check=True, capture_output=True)
    state = graph.invoke(approve([one]), CONFIG)
    assert ran == []
    assert "the operator has stopped it" in str(refusals(state)[0].content)


def test_only_interrupts_of_permit0_are_answered_here() -> None:
    for other in (True, {"type": "other"}, object()):
        with pytest.raises(InvalidInput) as error:
            answer(other, approved=True, by="alice")
        assert error.value.reason_code == "approval_unknown"
