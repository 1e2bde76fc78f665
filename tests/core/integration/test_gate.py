"""Every call is decided once, at whichever layer, and a person's answer is for one call."""

from __future__ import annotations

import asyncio
import contextvars
import threading
from collections.abc import Callable, Mapping

import pytest

import permit0
from permit0.integration import Gate
from permit0.testing.clock import FrozenClock

Answer = Callable[[object, bool], None]

SMALL = {"amount": 50, "customer": "cus_1"}
LARGE = {"amount": 5000, "customer": "cus_1"}
CHARGE = "payments.charge"
READ = {"path": "/srv/app/notes.txt"}


def is_inner(gate: Gate, tool: str, arguments: Mapping[str, object]) -> bool:
    """Whether a layer lets the call pass; one that asks a person has decided."""
    try:
        return gate.enter(tool, arguments).inner
    except permit0.ApprovalRequired:
        return False


def test_an_inner_layer_lets_the_very_call_pass_without_deciding_again(gate: Gate) -> None:
    with gate.enter(CHARGE, SMALL) as outer:
        inner = gate.enter(CHARGE, dict(outer.arguments))
    assert inner.inner
    assert not outer.inner


def test_the_pass_is_good_once(gate: Gate) -> None:
    with gate.enter(CHARGE, SMALL):
        gate.enter(CHARGE, SMALL)
        assert not gate.enter(CHARGE, SMALL).inner


def test_the_pass_ends_with_the_outer_layer(gate: Gate) -> None:
    with gate.enter(CHARGE, SMALL):
        pass
    assert not gate.enter(CHARGE, SMALL).inner


def test_a_pass_that_a_task_kept_is_worth_nothing_after_the_outer_layer_ended(gate: Gate) -> None:
    with gate.enter(CHARGE, SMALL):
        kept = contextvars.copy_context()
    assert not kept.run(gate.enter, CHARGE, SMALL).inner


@pytest.mark.parametrize(
    ("tool", "arguments"),
    [("payments.refund", SMALL), (CHARGE, {**SMALL, "amount": 51}), (CHARGE, LARGE)],
)
def test_other_calls_inside_are_decided(
    gate: Gate, tool: str, arguments: dict[str, object]
) -> None:
    """Arguments that changed between the layers are another call."""
    with gate.enter(CHARGE, SMALL):
        assert not is_inner(gate, tool, arguments)


def test_another_guard_does_not_take_the_pass(gate: Gate) -> None:
    other = Gate(permit0.build_guard(), framework="test")
    with gate.enter(CHARGE, SMALL):
        assert not other.enter(CHARGE, SMALL).inner


def test_of_many_threads_with_one_context_one_passes(gate: Gate) -> None:
    inner: list[bool] = []
    with gate.enter(CHARGE, SMALL):
        threads = [
            threading.Thread(
                target=contextvars.copy_context().run,
                args=(lambda: inner.append(is_inner(gate, CHARGE, SMALL)),),
            )
            for _ in range(8)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert sorted(inner) == [False] * 7 + [True]


@pytest.mark.parametrize("layers", [1, 2])
def test_each_call_is_one_step_of_history_however_many_layers(gate: Gate, layers: int) -> None:
    for _ in range(2):
        with gate.enter("files.read", READ):
            for _ in range(layers - 1):
                assert gate.enter("files.read", READ).inner
    permit = gate.enter("files.read", READ).permit
    assert permit is not None
    assert permit.decision.actions[0].volume_points == 8  # 4 for each of the two


def test_a_person_is_asked_once_about_a_call_that_is_tried_again(gate: Gate) -> None:
    with pytest.raises(permit0.ApprovalRequired) as first:
        gate.enter(CHARGE, LARGE, call_id="call_1")
    with pytest.raises(permit0.ApprovalRequired) as second:
        gate.enter(CHARGE, LARGE, call_id="call_1")
    assert first.value.request == second.value.request


def test_an_approved_call_runs_once_and_is_then_a_new_one(gate: Gate, answer: Answer) -> None:
    with pytest.raises(permit0.ApprovalRequired) as asked:
        gate.enter(CHARGE, LARGE, call_id="call_1")
    answer(asked.value.request, True)
    entry = gate.enter(CHARGE, LARGE, call_id="call_1")
    assert entry.permit is not None
    assert entry.permit.decision.approval is not None
    with pytest.raises(permit0.ApprovalRequired) as again:
        gate.enter(CHARGE, LARGE, call_id="call_1")
    assert again.value.request != asked.value.request


def test_a_rejected_call_stays_rejected(gate: Gate, answer: Answer) -> None:
    with pytest.raises(permit0.ApprovalRequired) as asked:
        gate.enter(CHARGE, LARGE, call_id="call_1")
    answer(asked.value.request, False)
    for _ in range(2):
        with pytest.raises(permit0.Denied) as refused:
            gate.enter(CHARGE, LARGE, call_id="call_1")
        assert refused.value.reason_code == "approval_rejected"


def test_a_call_that_nobody_answered_in_time_stays_refused(gate: Gate, clock: FrozenClock) -> None:
    with pytest.raises(permit0.ApprovalRequired):
        gate.enter(CHARGE, LARGE, call_id="call_1")
    clock.advance(301)
    with pytest.raises(permit0.Denied) as refused:
        gate.enter(CHARGE, LARGE, call_id="call_1")
    assert refused.value.reason_code == "approval_timeout"


@pytest.mark.parametrize(
    ("tool", "arguments", "call_id"),
    [
        (CHARGE, {**LARGE, "amount": 5001}, "call_1"),
        (CHARGE, LARGE, "call_2"),
        ("payments.refund", LARGE, "call_1"),
    ],
)
def test_an_approval_is_for_no_other_call(
    gate: Gate, answer: Answer, tool: str, arguments: dict[str, object], call_id: str
) -> None:
    with pytest.raises(permit0.ApprovalRequired) as asked:
        gate.enter(CHARGE, LARGE, call_id="call_1")
    answer(asked.value.request, True)
    with pytest.raises(permit0.ApprovalRequired) as other:
        gate.enter(tool, arguments, call_id=call_id)
    assert other.value.request != asked.value.request


def test_an_approval_is_for_no_other_session(gate: Gate, answer: Answer) -> None:
    with permit0.session("one"), pytest.raises(permit0.ApprovalRequired) as asked:
        gate.enter(CHARGE, LARGE, call_id="call_1")
    answer(asked.value.request, True)
    with permit0.session("two"), pytest.raises(permit0.ApprovalRequired):
        gate.enter(CHARGE, LARGE, call_id="call_1")


def test_the_outer_layer_says_who_calls(gate: Gate) -> None:
    who = permit0.Identity(session="run-7", agent="buyer")
    with gate.calling(call_id="call_9", identity=who):
        entry = gate.enter(CHARGE, SMALL)
    assert entry.permit is not None
    call = entry.permit.call
    assert (call.session, call.agent, call.call_id) == ("run-7", "buyer", "call_9")


def test_the_body_gets_what_was_judged_and_nobody_else_holds(gate: Gate) -> None:
    customer = ["ann@acme.example"]
    entry = gate.enter("email.draft", {"to": customer, "subject": "hi", "body": "hello"})
    customer[0] = "eve@evil.example"
    assert entry.arguments["to"] == ["ann@acme.example"]


def test_async_callers_take_the_same_path(gate: Gate, guard: permit0.Guard) -> None:
    async def twice() -> bool:
        entry = await gate.enter_async(CHARGE, SMALL)
        with entry:
            inner = await asyncio.create_task(gate.enter_async(CHARGE, SMALL))
        return inner.inner

    assert asyncio.run(twice())


def test_a_tool_that_is_denied_is_denied_at_every_layer(gate: Gate) -> None:
    for _ in range(2):
        with pytest.raises(permit0.Denied) as refused:
            gate.enter("danger", {"path": "/"})
        assert refused.value.reason_code == "denied_by_list"
