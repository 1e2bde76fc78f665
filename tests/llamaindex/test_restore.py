"""A run that waits for a person is kept as JSON and goes on elsewhere, where the same request is met."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from llama_index.core.memory import ChatMemoryBuffer
from llama_index.core.workflow import Context, InputRequiredEvent
from tests.llamaindex.kit import Came, Person, Ran, attend, decided, in_time, make_guard, no, yes
from tests.llamaindex.test_approval import LARGE, TWO, agent_of

from permit0 import Guard

ROOT = Path(__file__).parents[2]


@pytest.fixture
def guard(tmp_path: Path) -> Guard:
    return make_guard(tmp_path)


@pytest.fixture
def ran() -> Ran:
    return []


async def suspended(agent: Any, waiting: int) -> tuple[dict[str, Any], dict[str, Any]]:
    """The Context of a run in which so many calls wait, as JSON would keep it, and their requests by id."""
    handler = agent.run(user_msg="go")
    asked: dict[str, Any] = {}
    async for event in handler.stream_events():
        if isinstance(event, InputRequiredEvent):
            asked[event.tool_id] = event
            if len(asked) == waiting:
                break
    kept = json.loads(json.dumps(handler.ctx.to_dict()))
    await handler.cancel_run()
    with pytest.raises(BaseException, match=r".*"):
        await handler
    return kept, asked


async def resumed(agent: Any, kept: dict[str, Any]) -> Any:
    """The run, going on."""
    ctx: Context[Any] = Context.from_dict(agent, kept)
    await ctx.store.set("memory", ChatMemoryBuffer.from_defaults(token_limit=3000))
    return agent.run(ctx=ctx)


@pytest.mark.parametrize("answer", [yes, no])
def test_a_restored_run_meets_the_same_request(
    tmp_path: Path, guard: Guard, ran: Ran, answer: Person
) -> None:
    async def main() -> Came:
        kept, asked = await suspended(agent_of([], guard, LARGE), 1)
        other = agent_of(ran, make_guard(tmp_path))
        handler = await resumed(other, kept)
        handler.ctx.send_event(answer(asked["c1"]))
        return await attend(handler, answer)

    came = in_time(main())
    assert came.asked == []
    assert ran == ([("pay", 5000)] if answer is yes else [])
    assert decided(tmp_path) == ["pay"]


def test_a_run_restored_twice_runs_the_call_once(tmp_path: Path, guard: Guard, ran: Ran) -> None:
    async def main() -> list[InputRequiredEvent]:
        kept, asked = await suspended(agent_of([], guard, LARGE), 1)
        handler = await resumed(agent_of(ran, guard), kept)
        handler.ctx.send_event(yes(asked["c1"]))
        await attend(handler, yes)
        assert ran == [("pay", 5000)]
        again = await resumed(agent_of(ran, make_guard(tmp_path)), kept)
        again.ctx.send_event(yes(asked["c1"]))
        # The old yes is used; whoever wants the call to run again is asked again, and says no.
        return (await attend(again, no)).asked

    assert len(in_time(main())) == 1
    assert ran == [("pay", 5000)]


def test_arguments_edited_while_a_call_waits_are_another_call(guard: Guard, ran: Ran) -> None:
    async def main() -> list[InputRequiredEvent]:
        kept, asked = await suspended(agent_of([], guard, LARGE), 1)
        text = json.dumps(kept)
        assert text.count("5000") >= 1
        edited = json.loads(text.replace("5000", "9000"))
        handler = await resumed(agent_of(ran, guard), edited)
        handler.ctx.send_event(yes(asked["c1"]))
        return (await attend(handler, no)).asked

    asked = in_time(main())
    assert ran == []
    assert "amount = 9000" in asked[-1].prefix


@pytest.mark.parametrize("order", [("c1", "c2"), ("c2", "c1")])
@pytest.mark.parametrize("pause_s", [0, 0.2])
@pytest.mark.parametrize("answer", [yes, no])
def test_answers_right_after_a_restore_reach_their_calls_once(
    guard: Guard, ran: Ran, order: tuple[str, str], pause_s: float, answer: Person
) -> None:
    """LlamaIndex forgets what waiters wait for, and gives the first answer to both."""

    async def main() -> Came:
        kept, asked = await suspended(agent_of([], guard, TWO), 2)
        handler = await resumed(agent_of(ran, guard), kept)
        await asyncio.sleep(pause_s)
        handler.ctx.send_event(yes(asked[order[0]]))
        await asyncio.sleep(pause_s)
        handler.ctx.send_event(answer(asked[order[1]]))
        return await attend(handler, lambda event: None)

    came = in_time(main())
    assert came.final == "done"
    amounts = {"c1": 5000, "c2": 6000}
    expected = {amounts[order[0]]} | ({amounts[order[1]]} if answer is yes else set())
    assert sorted(ran) == sorted(("pay", amount) for amount in expected)


@pytest.mark.parametrize("order", ["012345", "543210", "304152"])
def test_a_burst_of_answers_after_a_restore_loses_none(guard: Guard, ran: Ran, order: str) -> None:
    """More calls than LlamaIndex has workers, all answered before the first of them asks again."""
    calls: list[Any] = [("pay", {"amount": 5000 + n}, f"c{n}") for n in range(6)]

    async def main() -> Came:
        kept, asked = await suspended(agent_of([], guard, calls), 6)
        handler = await resumed(agent_of(ran, guard), kept)
        for number in order:
            handler.ctx.send_event((no if number == "3" else yes)(asked[f"c{number}"]))
        return await attend(handler, lambda event: None)

    came = in_time(main())
    assert came.refused == {"c3"}
    assert sorted(ran) == [("pay", 5000 + n) for n in (0, 1, 2, 4, 5)]


OTHER = """
import asyncio, json, sys
from pathlib import Path
from llama_index.core.workflow import HumanResponseEvent
from tests.llamaindex.kit import attend, in_time, make_guard, yes
from tests.llamaindex.test_approval import agent_of
from tests.llamaindex.test_restore import resumed

folder, request, approved = Path(sys.argv[1]), sys.argv[2], sys.argv[3] == "yes"
ran = []

async def main():
    handler = await resumed(agent_of(ran, make_guard(folder)), json.loads((folder / "run.json").read_text()))
    handler.ctx.send_event(HumanResponseEvent(request_id=request, approved=approved, by="alice"))
    return await attend(handler, lambda event: None)

came = in_time(main())
print(json.dumps([ran, came.final, sorted(came.refused), len(came.asked)]))
"""


@pytest.mark.parametrize("said", ["yes", "no"])
def test_another_process_goes_on_where_this_one_waited(
    tmp_path: Path, guard: Guard, ran: Ran, said: str
) -> None:
    kept, asked = in_time(suspended(agent_of(ran, guard, LARGE), 1))
    (tmp_path / "run.json").write_text(json.dumps(kept))
    command = [sys.executable, "-c", OTHER, str(tmp_path), asked["c1"].request_id, said]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT)
    assert done.returncode == 0, done.stderr
    body, final, refused, asked_again = json.loads(done.stdout.splitlines()[-1])
    assert body == ([["pay", 5000]] if said == "yes" else [])
    assert (final, refused, asked_again) == ("done", [] if said == "yes" else ["c1"], 0)
    assert ran == []
    assert decided(tmp_path) == ["pay"]
