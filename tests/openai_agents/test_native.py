"""The SDK's own local tools: no executor is called with what may not run."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from agents import (
    Agent,
    ApplyPatchTool,
    CustomTool,
    LocalShellTool,
    Runner,
    RunState,
    ShellTool,
)
from agents.editor import ApplyPatchResult
from openai.types.responses import (
    ResponseApplyPatchToolCall,
    ResponseCustomToolCall,
    ResponseFunctionShellToolCall,
)
from openai.types.responses.response_output_item import LocalShellCall
from tests.openai_agents.scripted import DONE, Scripted, build

from permit0 import Guard
from permit0.approval.approvers import CallbackApprover
from permit0_openai_agents import approve, guard_agent, reject

Ran = list[object]
go = asyncio.run
SAFE, ASK, NEVER = "git status", "sudo rm -rf build", "rm -rf /"


def shell_call(line: str, call_id: str = "s1") -> Any:
    return ResponseFunctionShellToolCall.model_validate(
        {
            "id": call_id,
            "call_id": call_id,
            "type": "shell_call",
            "status": "completed",
            "action": {"commands": [line]},
        }
    )


def local_call(line: str) -> Any:
    return LocalShellCall.model_validate(
        {
            "id": "l1",
            "call_id": "l1",
            "type": "local_shell_call",
            "status": "completed",
            "action": {"type": "exec", "command": ["bash", "-c", line], "env": {}},
        }
    )


def patch_call(path: str, call_id: str = "p1") -> Any:
    return ResponseApplyPatchToolCall.model_validate(
        {
            "id": call_id,
            "call_id": call_id,
            "type": "apply_patch_call",
            "status": "completed",
            "operation": {"type": "create_file", "path": path, "diff": "+a"},
        }
    )


def custom_call(name: str) -> Any:
    return ResponseCustomToolCall(
        type="custom_tool_call", name=name, call_id="u1", id="u1", input="text"
    )


class Editor:
    def __init__(self, ran: Ran) -> None:
        self.ran = ran
        self.root = "here"

    def create_file(self, operation: Any) -> ApplyPatchResult:
        self.ran.append((operation.type, operation.path, operation.diff))
        return ApplyPatchResult(status="completed", output="made")

    async def update_file(self, operation: Any) -> ApplyPatchResult:
        return self.create_file(operation)

    delete_file = create_file


def agent_of(tool: Any, *steps: Any) -> Agent[Any]:
    return Agent(name="a", model=Scripted(*steps), tools=[tool])


def told(agent: Agent[Any]) -> str:
    assert isinstance(agent.model, Scripted)
    return str(agent.model.told)


def run(agent: Agent[Any], answer: Any = None) -> Any:
    """To the end; `answer` is given to each stop, after JSON."""
    result: Any = go(Runner.run(agent, "go"))
    while result.interruptions:
        state: Any = go(RunState.from_string(agent, result.to_state().to_string()))
        for item in state.get_interruptions():
            if answer is None:
                state.approve(item)
            else:
                answer(state, item, by="alice")
        result = go(Runner.run(agent, state))
    return result


# ---------------------------------------------------------------- shells


@pytest.fixture
def shell(ran: Ran) -> ShellTool:
    async def execute(request: Any) -> str:
        ran.append(request.data.action.commands)
        return "out"

    return ShellTool(executor=execute)


@pytest.mark.parametrize(
    ("line", "answer", "runs"),
    [
        (SAFE, None, True),
        (ASK, approve, True),
        (ASK, reject, False),
        (ASK, None, False),
        (NEVER, approve, False),
    ],
)
def test_a_shell_runs_what_it_may(
    line: str, answer: Any, runs: bool, guard: Guard, shell: ShellTool, ran: Ran
) -> None:
    agent = guard_agent(agent_of(shell, shell_call(line)), guard)
    assert run(agent, answer).final_output == DONE
    assert ran == ([[line]] if runs else [])
    assert runs or "permit0 did not run shell" in told(agent)


def test_an_automatic_yes_of_the_tool_is_no_persons(
    guard: Guard, shell: ShellTool, ran: Ran
) -> None:
    async def yes(context: object, item: object) -> Any:
        return {"approve": True}

    shell.on_approval = yes
    agent = guard_agent(agent_of(shell, shell_call(ASK)), guard)
    assert run(agent).final_output == DONE
    assert ran == []


def test_a_line_that_was_edited_after_the_yes_does_not_run(
    guard: Guard, shell: ShellTool, ran: Ran
) -> None:
    agent = guard_agent(agent_of(shell, shell_call(ASK)), guard)
    state = go(Runner.run(agent, "go")).to_state()
    approve(state, state.get_interruptions()[0], by="alice")
    text = state.to_string().replace("-rf build", "-rf other")

    async def resume() -> None:
        try:
            await Runner.run(agent, await RunState.from_string(agent, text))
        except Exception as error:  # noqa: BLE001  # newer releases see it themselves
            assert "different invocation" in str(error)  # noqa: PT017

    go(resume())
    assert ran == []


@pytest.mark.parametrize(("line", "runs"), [(SAFE, True), (ASK, False), (NEVER, False)])
def test_a_local_shell_runs_what_it_may(line: str, runs: bool, guard: Guard, ran: Ran) -> None:
    def execute(request: Any) -> str:
        ran.append(list(request.data.action.command))
        return "out"

    agent = guard_agent(agent_of(LocalShellTool(executor=execute), local_call(line)), guard)
    assert run(agent).final_output == DONE
    assert ran == ([["bash", "-c", line]] if runs else [])
    assert runs or "permit0 did not run local_shell" in told(agent)


@pytest.mark.parametrize("yes", [True, False])
def test_an_approver_answers_for_a_local_shell(yes: bool, tmp_path: Path, ran: Ran) -> None:
    guard = build(tmp_path, approver=CallbackApprover(lambda _: yes, by="alice"))

    def execute(request: Any) -> str:
        ran.append(list(request.data.action.command))
        return "out"

    agent = guard_agent(agent_of(LocalShellTool(executor=execute), local_call(ASK)), guard)
    run(agent)
    assert len(ran) == int(yes)


# ---------------------------------------------------------------- patches


SECRET = "/etc/passwd"


def first_verdict(guard: Guard, path: str) -> str:
    operation = {"type": "create_file", "path": path, "diff": "+a"}
    return guard.engine.check("apply_patch", {"operation": operation}, session="x").outcome.value


@pytest.mark.parametrize(("answer", "runs"), [(approve, True), (reject, False), (None, False)])
def test_a_patch_that_needs_a_person(answer: Any, runs: bool, guard: Guard, ran: Ran) -> None:
    assert first_verdict(guard, SECRET) == "human"
    agent = guard_agent(agent_of(ApplyPatchTool(editor=Editor(ran)), patch_call(SECRET)), guard)
    assert run(agent, answer).final_output == DONE
    assert ran == ([("create_file", SECRET, "+a")] if runs else [])
    assert runs or "permit0 did not run apply_patch" in told(agent)


def test_a_patch_that_is_allowed(guard: Guard, ran: Ran) -> None:
    tool = ApplyPatchTool(editor=Editor(ran))
    agent = guard_agent(agent_of(tool, patch_call("src/a.py")), guard)
    assert run(agent).final_output == DONE
    assert ran == [("create_file", "src/a.py", "+a")]
    (guarded,) = agent.tools
    assert isinstance(guarded, ApplyPatchTool)
    assert guarded.editor.root == "here"  # type: ignore[attr-defined]  # the editor's own


def test_an_approved_patch_does_not_open_the_door_for_another(guard: Guard, ran: Ran) -> None:
    turn = [patch_call(SECRET, "p1"), patch_call("/etc/shadow", "p2")]
    agent = guard_agent(agent_of(ApplyPatchTool(editor=Editor(ran)), turn), guard)
    state: Any = go(Runner.run(agent, "go")).to_state()
    first, second = state.get_interruptions()
    approve(state, first, by="alice")
    state.approve(second)
    go(Runner.run(agent, state))
    assert ran == [("create_file", SECRET, "+a")]


# ---------------------------------------------------------------- custom tools


@pytest.mark.parametrize(
    ("name", "answer", "runs"),
    [
        ("look", None, True),
        ("odd", approve, True),
        ("odd", None, False),
        ("danger", approve, False),
    ],
)
def test_a_custom_tool_runs_what_it_may(
    name: str, answer: Any, runs: bool, guard: Guard, ran: Ran
) -> None:
    def invoke(context: object, text: str) -> str:
        ran.append(text)
        return "out"

    tool = CustomTool(name=name, description="d", on_invoke_tool=invoke)
    agent = guard_agent(agent_of(tool, custom_call(name)), guard)
    assert run(agent, answer).final_output == DONE
    assert ran == (["text"] if runs else [])
