"""The computer: an action that may not happen ends the run, for there is no text to answer with."""

from __future__ import annotations

import asyncio
import base64
from pathlib import Path
from typing import Any

import pytest
from agents import Agent, AsyncComputer, Computer, ComputerProvider, ComputerTool, Runner
from openai.types.responses import ResponseComputerToolCall
from tests.openai_agents.scripted import DONE, Scripted, build

import permit0
from permit0 import Denied, Guard
from permit0.approval.approvers import CallbackApprover
from permit0_openai_agents import guard_agent, guard_tools

Ran = list[object]
PICTURE = base64.b64encode(b"png").decode()


def click() -> Any:
    return ResponseComputerToolCall.model_validate(
        {
            "id": "k1",
            "call_id": "k1",
            "type": "computer_call",
            "status": "completed",
            "pending_safety_checks": [],
            "action": {"type": "click", "x": 1, "y": 2, "button": "left"},
        }
    )


def agent_of(tool: Any, *steps: Any) -> Agent[Any]:
    return Agent(name="a", model=Scripted(*steps), tools=[tool])


class Screen(Computer):
    def __init__(self, ran: Ran) -> None:
        self.ran = ran

    environment = "mac"
    dimensions = (1, 1)

    def screenshot(self) -> str:
        return PICTURE

    def click(self, x: int, y: int, button: Any) -> None:
        self.ran.append((x, y, button))

    def double_click(self, x: int, y: int) -> None: ...
    def scroll(self, x: int, y: int, scroll_x: int, scroll_y: int) -> None: ...
    def type(self, text: str) -> None: ...
    def wait(self) -> None: ...
    def move(self, x: int, y: int) -> None: ...
    def keypress(self, keys: list[str]) -> None: ...
    def drag(self, path: list[tuple[int, int]]) -> None:
        self.ran.append(path)


class AsyncScreen(AsyncComputer):
    def __init__(self, ran: Ran) -> None:
        self.ran = ran

    environment = "mac"
    dimensions = (1, 1)

    async def screenshot(self) -> str:
        return PICTURE

    async def click(self, x: int, y: int, button: Any) -> None:
        self.ran.append((x, y, button))

    async def double_click(self, x: int, y: int) -> None: ...
    async def scroll(self, x: int, y: int, scroll_x: int, scroll_y: int) -> None: ...
    async def type(self, text: str) -> None: ...
    async def wait(self) -> None: ...
    async def move(self, x: int, y: int) -> None: ...
    async def keypress(self, keys: list[str]) -> None: ...
    async def drag(self, path: list[tuple[int, int]]) -> None: ...


COMPUTER = """
pack: test.computer
version: 1
about: The computer of these tests.
mappings:
  - {tools: [computer_screenshot, computer_drag], vendor: tests, source: tests, action: process.compute}
  - {tools: [computer_click], vendor: tests, source: tests, action: process.compute}
cases:
  - {name: a click, call: {tool: computer_click, args: {x: 1}}, decision: allow}
"""


def computer_guard(folder: Path, *, denied: bool) -> Guard:
    build(folder)
    (folder / "computer.yaml").write_text(COMPUTER)
    text = (folder / "permit0.yaml").read_text().replace("[tools.yaml]", "[computer.yaml]")
    deny = "tool: computer_click" if denied else "tool: danger"
    (folder / "permit0.yaml").write_text(text.replace("tool: danger", deny))
    return permit0.build_guard(folder / "permit0.yaml")


def made(how: str, ran: Ran) -> Any:
    screen = AsyncScreen(ran) if how == "async" else Screen(ran)
    match how:
        case "factory":
            return lambda *, run_context: screen
        case "provider":
            return ComputerProvider(create=lambda *, run_context: screen)
        case _:
            return screen


@pytest.mark.parametrize("denied", [True, False])
@pytest.mark.parametrize("how", ["sync", "async", "factory", "provider"])
def test_a_computer_acts_only_as_it_may(how: str, denied: bool, tmp_path: Path, ran: Ran) -> None:
    guard = computer_guard(tmp_path, denied=denied)
    agent = guard_agent(agent_of(ComputerTool(computer=made(how, ran)), click()), guard)
    if denied:
        with pytest.raises(Denied):
            asyncio.run(Runner.run(agent, "go"))
        assert ran == []
    else:
        assert asyncio.run(Runner.run(agent, "go")).final_output == DONE
        assert ran == [(1, 2, "left")]


def test_an_action_of_the_computer_that_nobody_maps_needs_an_approver(
    tmp_path: Path, ran: Ran
) -> None:
    guard = build(tmp_path, approver=CallbackApprover(lambda _: True, by="alice"))
    agent = guard_agent(agent_of(ComputerTool(computer=Screen(ran)), click()), guard)
    assert asyncio.run(Runner.run(agent, "go")).final_output == DONE
    assert ran == [(1, 2, "left")]


def test_a_guarded_computer_is_still_that_computer(tmp_path: Path, ran: Ran) -> None:
    screen = Screen(ran)
    guard = computer_guard(tmp_path, denied=False)
    (tool,) = guard_tools([ComputerTool(computer=screen)], guard)
    (same,) = guard_tools([tool], guard)
    assert same is tool
    assert isinstance(tool.computer, Screen)
    assert tool.computer.dimensions == (1, 1)
    tool.computer.drag([(1, 2), (3, 4)])
    assert ran == [[(1, 2), (3, 4)]]
