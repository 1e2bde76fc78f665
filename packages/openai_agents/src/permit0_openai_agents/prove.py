"""Drive the real SDK over every path to a tool's body, with one canary that may run and one that may not.

For `permit0 prove-seams`: the guard that is given lets `permit0_canary_read` run and refuses
`permit0_canary_danger`. Offline: a model that says what a script says.
Does not: judge what ran, or drive a realtime session or the computer, whose actions have fixed names.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from functools import partial
from typing import Any

from agents import (
    Agent,
    ApplyPatchTool,
    CustomTool,
    FunctionTool,
    Handoff,
    Model,
    ModelResponse,
    RunConfig,
    RunContextWrapper,
    Runner,
    ShellTool,
    Usage,
)
from agents.editor import ApplyPatchResult
from agents.mcp import MCPServer
from agents.tool_context import ToolContext
from mcp.types import CallToolResult, TextContent
from mcp.types import Tool as MCPTool
from openai.types.responses import (
    Response,
    ResponseApplyPatchToolCall,
    ResponseCompletedEvent,
    ResponseCustomToolCall,
    ResponseFunctionShellToolCall,
    ResponseFunctionToolCall,
    ResponseOutputMessage,
)

from permit0 import Guard
from permit0.integration import Seam, SeamResult
from permit0_openai_agents.binding import FRAMEWORK
from permit0_openai_agents.graph import guard_agent, guard_tools

__all__ = ["DANGER", "READ", "seams"]

READ, DANGER = "permit0_canary_read", "permit0_canary_danger"
QUIET = RunConfig(tracing_disabled=True)
NO_ARGUMENTS = {"type": "object", "properties": {}, "additionalProperties": False}
Ran = set[str]


def seams(guard: Guard) -> Sequence[Seam]:
    """Every path; see permit0.integration.Seam."""
    return [Seam(FRAMEWORK, path, partial(_drive, guard, drive)) for path, drive in _PATHS.items()]


def _drive(guard: Guard, drive: Callable[[Guard, Ran], Coroutine[Any, Any, str]]) -> SeamResult:
    ran: Ran = set()
    note = asyncio.run(drive(guard, ran))
    return SeamResult(READ in ran, DANGER in ran, note)


# ---------------------------------------------------------------- paths


async def _plain(guard: Guard, ran: Ran) -> str:
    return await _run(guard_agent(_agent(_tools(ran)), guard))


async def _streamed(guard: Guard, ran: Ran) -> str:
    agent = guard_agent(_agent(_tools(ran)), guard)
    result = Runner.run_streamed(agent, "go", run_config=QUIET)
    async for _ in result.stream_events():
        pass
    return ""


async def _sync(guard: Guard, ran: Ran) -> str:
    def run() -> None:
        loop = asyncio.new_event_loop()
        asyncio.set_event_loop(loop)
        try:
            Runner.run_sync(guard_agent(_agent(_tools(ran)), guard), "go", run_config=QUIET)
        finally:
            loop.close()

    await asyncio.to_thread(run)
    return ""


async def _at_once(guard: Guard, ran: Ran) -> str:
    agent = _agent(_tools(ran), [_call(READ, "c1"), _call(DANGER, "c2")])
    return await _run(guard_agent(agent, guard))


async def _clone(guard: Guard, ran: Ran) -> str:
    return await _run(guard_agent(_agent(_tools(ran)), guard).clone(name="clone"))


async def _added(guard: Guard, ran: Ran) -> str:
    agent = guard_agent(_agent([]), guard)
    agent.tools.extend(_tools(ran))
    return await _run(agent)


async def _as_tool(guard: Guard, ran: Ran) -> str:
    sub = _agent(_tools(ran), name="sub")
    delegate = sub.as_tool(READ, "delegates", run_config=QUIET)
    # Older releases find a paused sub-run by the looks of the call, also one of another run.
    call = _call(READ, secrets.token_hex(8), {"input": "go"})
    return await _run(guard_agent(_agent([delegate], call), guard))


async def _handoff(guard: Guard, ran: Ran) -> str:
    agent = _agent([], _call("transfer_to_b", "h"))
    agent.handoffs = [_agent(_tools(ran), name="b")]
    return await _run(guard_agent(agent, guard))


async def _made_later(guard: Guard, ran: Ran) -> str:
    async def make(context: RunContextWrapper[Any], text: str) -> Agent[Any]:
        return _agent(_tools(ran), name="b")

    agent = _agent([], _call("transfer_to_b", "h"))
    agent.handoffs = [Handoff("transfer_to_b", "b", {}, make, "b")]
    return await _run(guard_agent(agent, guard))


async def _mcp(guard: Guard, ran: Ran) -> str:
    agent = _agent([])
    agent.mcp_servers = [_Server(ran)]
    return await _run(guard_agent(agent, guard))


async def _direct(guard: Guard, ran: Ran) -> str:
    for tool in guard_tools(_tools(ran), guard):
        context = ToolContext[Any](
            None, Usage(), tool_name=tool.name, tool_call_id="c", tool_arguments="{}"
        )
        await tool.on_invoke_tool(context, "{}")
    return "tool.__wrapped__ and the original object are out of reach"


async def _approved(guard: Guard, ran: Ran) -> str:
    agent = guard_agent(_agent(_tools(ran)), guard)
    result: Any = await Runner.run(agent, "go", run_config=QUIET)
    for _ in range(3):
        if not result.interruptions:
            break
        state = result.to_state()
        for item in state.get_interruptions():
            state.approve(item, always_approve=True)
        result = await Runner.run(agent, state, run_config=QUIET)
    return ""


async def _custom(guard: Guard, ran: Ran) -> str:
    steps = []
    tools: list[Any] = []
    for name in (READ, DANGER):
        call = ResponseCustomToolCall(
            type="custom_tool_call", name=name, call_id=name, id=name, input=""
        )
        steps.append(call)
        tools.append(CustomTool(name, "a canary", _noting(ran, name)))
    return await _run(guard_agent(_agent(tools, *steps), guard))


async def _shell(guard: Guard, ran: Ran) -> str:
    for name in (READ, DANGER):
        call = ResponseFunctionShellToolCall.model_validate(
            {
                "id": name,
                "call_id": name,
                "type": "shell_call",
                "status": "completed",
                "action": {"commands": ["true"]},
            }
        )
        tool = ShellTool(executor=_noting(ran, name), name=name)
        await _run(guard_agent(_agent([tool], call), guard))
    return ""


async def _patch(guard: Guard, ran: Ran) -> str:
    for name in (READ, DANGER):
        call = ResponseApplyPatchToolCall.model_validate(
            {
                "id": name,
                "call_id": name,
                "type": "apply_patch_call",
                "status": "completed",
                "operation": {"type": "create_file", "path": "canary.txt", "diff": "+"},
            }
        )
        tool = ApplyPatchTool(editor=_Editor(ran, name), name=name)
        await _run(guard_agent(_agent([tool], call), guard))
    return ""


_PATHS: dict[str, Callable[[Guard, Ran], Coroutine[Any, Any, str]]] = {
    "function tools, Runner.run": _plain,
    "function tools, Runner.run_sync": _sync,
    "function tools, Runner.run_streamed": _streamed,
    "function tools, two at once": _at_once,
    "function tools, clone of the agent": _clone,
    "function tools, added after the agent was guarded": _added,
    "function tools, approved by the SDK without a name": _approved,
    "function tools, on_invoke_tool called directly": _direct,
    "agent as a tool": _as_tool,
    "handoff": _handoff,
    "handoff to an agent that is made then": _made_later,
    "MCP server": _mcp,
    "custom tool": _custom,
    "shell": _shell,
    "apply_patch": _patch,
}


# ---------------------------------------------------------------- parts


class _Scripted(Model):
    """Says one step after another, and then that it is done."""

    def __init__(self, steps: Sequence[Any]) -> None:
        self._steps = list(steps)

    def _next(self) -> list[Any]:
        done = {"id": "m", "type": "message", "role": "assistant", "status": "completed"}
        text = {"type": "output_text", "text": "done", "annotations": []}
        if not self._steps:
            return [ResponseOutputMessage.model_validate({**done, "content": [text]})]
        step = self._steps.pop(0)
        return step if isinstance(step, list) else [step]

    async def get_response(self, *args: Any, **kwargs: Any) -> ModelResponse:
        return ModelResponse(output=self._next(), usage=Usage(), response_id=None)

    async def stream_response(self, *args: Any, **kwargs: Any) -> AsyncIterator[Any]:
        response = Response(
            id="r",
            created_at=0,
            model="scripted",
            object="response",
            output=self._next(),
            parallel_tool_calls=True,
            tool_choice="auto",
            tools=[],
        )
        yield ResponseCompletedEvent(
            type="response.completed", response=response, sequence_number=0
        )


class _Server(MCPServer):
    """An MCP server in this process, with both canaries."""

    def __init__(self, ran: Ran) -> None:
        super().__init__()
        self._ran = ran

    @property
    def name(self) -> str:
        return "canaries"

    async def connect(self) -> None: ...
    async def cleanup(self) -> None: ...

    async def list_tools(self, run_context: Any = None, agent: Any = None) -> list[MCPTool]:
        return [
            MCPTool.model_validate({"name": name, "inputSchema": NO_ARGUMENTS})
            for name in (READ, DANGER)
        ]

    async def call_tool(self, tool_name: str, arguments: Any, meta: Any = None) -> CallToolResult:
        return CallToolResult(content=[TextContent(type="text", text=_ran(self._ran, tool_name))])

    async def list_prompts(self) -> Any: ...
    async def get_prompt(self, name: str, arguments: Any = None) -> Any: ...


class _Editor:
    """Notes that it was called."""

    def __init__(self, ran: Ran, name: str) -> None:
        self._ran = ran
        self._name = name

    def create_file(self, operation: Any) -> ApplyPatchResult:
        return ApplyPatchResult(status="completed", output=_ran(self._ran, self._name))

    update_file = delete_file = create_file


def _tools(ran: Ran) -> list[Any]:
    return [_function(name, ran) for name in (READ, DANGER)]


def _function(name: str, ran: Ran) -> FunctionTool:
    async def invoke(context: ToolContext[Any], text: str) -> str:
        return _ran(ran, name)

    return FunctionTool(name, "a canary", dict(NO_ARGUMENTS), invoke)


def _ran(ran: Ran, name: str) -> str:
    ran.add(name)
    return "ran"


def _noting(ran: Ran, name: str) -> Callable[..., str]:
    return lambda *_: _ran(ran, name)


def _call(name: str, call_id: str, arguments: dict[str, str] | None = None) -> Any:
    text = "{}" if arguments is None else f'{{"input": "{arguments["input"]}"}}'
    return ResponseFunctionToolCall(
        type="function_call", name=name, call_id=call_id, id=call_id, arguments=text
    )


def _agent(tools: list[Any], *steps: Any, name: str = "a") -> Agent[Any]:
    script = steps or (_call(READ, "c1"), _call(DANGER, "c2"))
    return Agent(name=name, model=_Scripted(script), tools=tools)


async def _run(agent: Agent[Any]) -> str:
    await Runner.run(agent, "go", run_config=QUIET)
    return ""
