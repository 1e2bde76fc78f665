"""Every path of LlamaIndex to a tool's body, driven for real with two canary tools, for `permit0 prove-seams`.

Guarantees: the framework is driven, not its parts; what ran is what the canaries' bodies noted.
Does not: judge. The guard that is given allows ALLOWED and refuses REFUSED.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from llama_index.core.agent.workflow import AgentWorkflow, CodeActAgent, FunctionAgent, ReActAgent
from llama_index.core.base.llms.types import (
    ChatMessage,
    ChatResponse,
    CompletionResponse,
    LLMMetadata,
)
from llama_index.core.llms.function_calling import FunctionCallingLLM
from llama_index.core.llms.llm import ToolSelection
from llama_index.core.tools import FunctionTool
from llama_index.core.tools.calling import acall_tool, call_tool

from permit0 import Guard, Permit0Error
from permit0.integration import Seam, SeamResult
from permit0_llamaindex.agents import guard_agent
from permit0_llamaindex.hook import FRAMEWORK
from permit0_llamaindex.tools import guard_tool

__all__ = ["seams"]

ALLOWED = "permit0_canary_read"
REFUSED = "permit0_canary_danger"
TIMEOUT_S = 30.0  # a guard that asks a person about a canary must not hang the proof
Turn = str | list[tuple[str, dict[str, Any]]]
Ran = list[str]


class Script(FunctionCallingLLM):
    """A model that says what it was told to."""

    turns: list[Any]
    calls: bool = True

    @property
    def metadata(self) -> LLMMetadata:
        return LLMMetadata(is_chat_model=True, is_function_calling_model=self.calls)

    def _next(self) -> ChatResponse:
        turn: Turn = self.turns.pop(0) if self.turns else "done"
        text, calls = (turn, []) if isinstance(turn, str) else ("", turn)
        message = ChatMessage(role="assistant", content=text, additional_kwargs={"calls": calls})
        return ChatResponse(message=message, delta=text)

    def chat(self, messages: Any, **kwargs: Any) -> ChatResponse:
        return self._next()

    async def achat(self, messages: Any, **kwargs: Any) -> ChatResponse:
        return self._next()

    def stream_chat(self, messages: Any, **kwargs: Any) -> Any:
        return iter([self._next()])

    async def astream_chat(self, messages: Any, **kwargs: Any) -> Any:
        async def one() -> Any:
            yield self._next()

        return one()

    def complete(self, prompt: str, formatted: bool = False, **kwargs: Any) -> CompletionResponse:
        return CompletionResponse(text="done")

    async def acomplete(self, prompt: str, formatted: bool = False, **kwargs: Any) -> Any:
        return CompletionResponse(text="done")

    def stream_complete(self, prompt: str, formatted: bool = False, **kwargs: Any) -> Any:
        return iter([CompletionResponse(text="done")])

    async def astream_complete(self, prompt: str, formatted: bool = False, **kwargs: Any) -> Any:
        raise NotImplementedError

    def _prepare_chat_with_tools(
        self, tools: Any, user_msg: Any = None, chat_history: Any = None, *args: Any, **kwargs: Any
    ) -> dict[str, Any]:
        return {"messages": []}

    def get_tool_calls_from_response(
        self, response: Any, error_on_no_tool_call: bool = True, **kwargs: Any
    ) -> list[ToolSelection]:
        calls = response.message.additional_kwargs.get("calls", [])
        return [
            ToolSelection(tool_id=f"{name}-{number}", tool_name=name, tool_kwargs=arguments)
            for number, (name, arguments) in enumerate(calls)
        ]


BOTH: Turn = [(ALLOWED, {"path": "a"}), (REFUSED, {"path": "b"})]


def seams(guard: Guard) -> Sequence[Seam]:
    """Each path once."""

    def seam(path: str, drive: Callable[[Ran], Awaitable[object] | object]) -> Seam:
        def run() -> SeamResult:
            ran: Ran = []
            note = ""
            try:
                done = drive(ran)
                if isinstance(done, Awaitable):
                    asyncio.run(_awaited(done))
            except Permit0Error as error:  # a function of a tool raises its refusal
                note = error.reason_code
            except TimeoutError:
                note = "no answer in time"
            return SeamResult(ALLOWED in ran, REFUSED in ran, note)

        return Seam(FRAMEWORK, path, run)

    def tools(ran: Ran) -> list[Any]:
        return [guard_tool(tool, guard) for tool in _canaries(ran)]

    def each(ran: Ran, way: Callable[[Any], object]) -> None:
        for tool in tools(ran):
            way(tool)

    async def each_async(ran: Ran, way: Callable[[Any], Awaitable[object]]) -> None:
        for tool in tools(ran):
            await way(tool)

    def agent(ran: Ran, *, streaming: bool = True) -> Any:
        script = Script(turns=[BOTH])
        return guard_agent(
            FunctionAgent(tools=_canaries(ran), llm=script, streaming=streaming), guard
        )

    return (
        seam("FunctionAgent, streaming", lambda ran: _run(lambda: agent(ran))),
        seam("FunctionAgent", lambda ran: _run(lambda: agent(ran, streaming=False))),
        seam("ReActAgent", lambda ran: _run(lambda: guard_agent(_react(ran), guard))),
        seam("AgentWorkflow", lambda ran: _run(lambda: guard_agent(_workflow(ran), guard))),
        seam("CodeActAgent, functions of tools", lambda ran: _run(lambda: _code(ran, guard))),
        seam("tool.call", lambda ran: each(ran, lambda tool: tool.call(path="x"))),
        seam("tool.acall", lambda ran: each_async(ran, lambda tool: tool.acall(path="x"))),
        seam("tool(...)", lambda ran: each(ran, lambda tool: tool("x"))),
        seam("tool.fn", lambda ran: each(ran, lambda tool: tool.fn("x"))),
        seam("tool.async_fn", lambda ran: each_async(ran, lambda tool: tool.async_fn("x"))),
        seam("tool.real_fn", lambda ran: each(ran, lambda tool: tool.real_fn("x"))),
        seam("call_tool", lambda ran: each(ran, lambda tool: call_tool(tool, {"path": "x"}))),
        seam(
            "acall_tool", lambda ran: each_async(ran, lambda tool: acall_tool(tool, {"path": "x"}))
        ),
        seam(
            "predict_and_call",
            lambda ran: Script(turns=[BOTH]).predict_and_call(
                tools(ran), user_msg="go", allow_parallel_tool_calls=True
            ),
        ),
    )


def _canaries(ran: Ran) -> list[Any]:
    def read(path: str) -> str:
        ran.append(ALLOWED)
        return "read"

    def danger(path: str) -> str:
        ran.append(REFUSED)
        return "done"

    return [
        FunctionTool.from_defaults(function, name=name, description="A canary.")
        for function, name in ((read, ALLOWED), (danger, REFUSED))
    ]


def _react(ran: Ran) -> Any:
    turns = [
        f'Thought: x\nAction: {name}\nAction Input: {{"path": "x"}}' for name in (ALLOWED, REFUSED)
    ]
    script = Script(turns=[*turns, "Thought: x\nAnswer: done"], calls=False)
    return ReActAgent(tools=_canaries(ran), llm=script)


def _workflow(ran: Ran) -> Any:
    return AgentWorkflow(agents=[FunctionAgent(tools=_canaries(ran), llm=Script(turns=[BOTH]))])


def _code(ran: Ran, guard: Guard) -> Any:
    """The executor is the program's own: it has the functions of guarded tools, as it should."""
    tools: list[Any] = [guard_tool(tool, guard) for tool in _canaries(ran)]
    functions = {tool.metadata.name: tool.real_fn for tool in tools}

    def execute(code: str) -> str:
        functions[ALLOWED]("x")
        functions[REFUSED]("x")
        return "done"

    script = Script(turns=["<execute>both()</execute>", "done"], calls=False)
    # Not guarded itself: whether code runs at all is another question than what it reaches.
    return CodeActAgent(code_execute_fn=execute, llm=script)


async def _run(make: Callable[[], Any]) -> None:
    await asyncio.wait_for(make().run(user_msg="go"), TIMEOUT_S)


async def _awaited(done: Awaitable[object]) -> None:
    await done
