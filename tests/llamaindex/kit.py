"""What the tests of this folder share: a guard for each test, tools that leave a trace, a scripted model.

tool      arguments              decision
note      any                    ALLOW
pay       amount 50              ALLOW
pay       amount 5000            HUMAN
danger    any                    DENY (on the deny list)
outer, ask, handoff              ALLOW: what they lead to is decided by itself
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

from llama_index.core.agent.workflow.workflow_events import ToolCallResult
from llama_index.core.base.llms.types import (
    ChatMessage,
    ChatResponse,
    CompletionResponse,
    LLMMetadata,
    MessageRole,
)
from llama_index.core.llms.function_calling import FunctionCallingLLM
from llama_index.core.llms.llm import ToolSelection
from llama_index.core.tools import FunctionTool
from llama_index.core.workflow import HumanResponseEvent, InputRequiredEvent

import permit0
from permit0 import Guard
from permit0.audit.reader import open_log
from permit0.token.keys import SigningKey

Ran = list[tuple[Any, ...]]
"""What the bodies of the tools wrote down: the only witness."""

Call = tuple[str, dict[str, Any], str]
Turn = str | list[Call] | Callable[[], "str | list[Call]"]
Person = Callable[[InputRequiredEvent], HumanResponseEvent | None]

T = TypeVar("T")

LIMIT_S = 20.0  # a run that takes longer hangs

YAML = """
lists: {deny: [{tool: danger, reason: nobody may}, {tool: permit0_canary_danger, reason: nobody may}]}
packs: [pack.yaml]
state: {path: state.db}
audit: {path: audit.db, key: audit.key}
"""
PACK = """
pack: test.llamaindex
version: 1
about: Tools of the tests.
mappings:
  - {tools: [pay], action: payments.charge, arguments: {amount: amount}, source: test}
  - tools: [note, outer, ask, handoff, query_engine_tool, permit0_canary_read]
    action: process.compute
    source: test
"""


def make_guard(folder: Path, extra: str = "", *, timeout_s: int = 60, **options: Any) -> Guard:
    """A guard whose state and log are in a folder; another one in the same folder shares them."""
    config = YAML + f"approval: {{timeout_s: {timeout_s}}}\n" + extra
    (folder / "permit0.yaml").write_text(config)
    (folder / "pack.yaml").write_text(PACK)
    key = folder / "audit.key"
    if not key.exists():
        key.touch(mode=0o600)
        key.write_text(SigningKey.generate().reveal())
    return permit0.build_guard(folder / "permit0.yaml", **options)


def break_state(folder: Path) -> None:
    """From now on, nothing can be checked."""
    for file in folder.glob("state.db*"):
        file.unlink()
    (folder / "state.db").write_bytes(b"this is no database" * 400)


def decided(folder: Path) -> list[str]:
    """The tools of all decisions on record, in order; what follows from an answer is no new decision."""
    return [
        body["what"]["tool"]
        for body in records(folder, "decision")
        if not body["error"].startswith("approval_")
    ]


def records(folder: Path, kind: str) -> list[dict[str, Any]]:
    """Bodies of the records of a kind."""
    log = open_log(folder / "audit.db")
    try:
        found = [json.loads(record.data) for record in log.records()]
    finally:
        log.close()
    return [item["body"] for item in found if item["kind"] == kind]


def tools_of(ran: Ran, *, direct: bool = False) -> list[FunctionTool]:
    """note and pay, synchronous, and danger, asynchronous. direct: with return_direct."""

    def note(text: str = "") -> str:
        """Write a note."""
        ran.append(("note", text))
        return f"noted {text}"

    def pay(amount: int) -> str:
        """Charge a card."""
        ran.append(("pay", amount))
        return f"paid {amount}"

    async def danger(text: str = "") -> str:
        """Something that nobody may."""
        ran.append(("danger", text))
        return "done"

    return [
        FunctionTool.from_defaults(function, return_direct=direct)
        for function in (note, pay, danger)
    ]


class Scripted(FunctionCallingLLM):
    """A model that says what it was told to, and keeps what it was told. A turn may be a function."""

    turns: list[Any]
    seen: list[Any]
    calls: bool = True

    @property
    def metadata(self) -> LLMMetadata:
        return LLMMetadata(is_chat_model=True, is_function_calling_model=self.calls)

    @property
    def told(self) -> list[str]:
        """What the tools said to the model, in order."""
        return [
            str(message.content) for message in self.seen[-1] if message.role == MessageRole.TOOL
        ]

    def _next(self, messages: Sequence[ChatMessage]) -> ChatResponse:
        self.seen.append(list(messages))
        turn: Any = self.turns.pop(0) if self.turns else "done"
        if callable(turn):
            turn = turn()
        text, calls = (turn, []) if isinstance(turn, str) else ("", turn)
        message = ChatMessage(role="assistant", content=text, additional_kwargs={"calls": calls})
        return ChatResponse(message=message, delta=text)

    def chat(self, messages: Sequence[ChatMessage], **kwargs: Any) -> ChatResponse:
        return self._next(messages)

    async def achat(self, messages: Sequence[ChatMessage], **kwargs: Any) -> ChatResponse:
        return self._next(messages)

    def stream_chat(self, messages: Sequence[ChatMessage], **kwargs: Any) -> Any:
        return iter([self._next(messages)])

    async def astream_chat(self, messages: Sequence[ChatMessage], **kwargs: Any) -> Any:
        async def one() -> Any:
            yield self._next(messages)

        return one()

    def complete(self, prompt: str, formatted: bool = False, **kwargs: Any) -> CompletionResponse:
        raise NotImplementedError

    async def acomplete(self, prompt: str, formatted: bool = False, **kwargs: Any) -> Any:
        raise NotImplementedError

    def stream_complete(self, prompt: str, formatted: bool = False, **kwargs: Any) -> Any:
        raise NotImplementedError

    async def astream_complete(self, prompt: str, formatted: bool = False, **kwargs: Any) -> Any:
        raise NotImplementedError

    def _prepare_chat_with_tools(
        self, tools: Any, user_msg: Any = None, chat_history: Any = None, *args: Any, **kwargs: Any
    ) -> dict[str, Any]:
        return {"messages": list(chat_history or [])}

    def get_tool_calls_from_response(
        self, response: Any, error_on_no_tool_call: bool = True, **kwargs: Any
    ) -> list[ToolSelection]:
        calls = response.message.additional_kwargs.get("calls", [])
        return [ToolSelection(tool_id=i, tool_name=n, tool_kwargs=dict(a)) for n, a, i in calls]


def script(*turns: Turn, calls: bool = True) -> Scripted:
    return Scripted(turns=list(turns), seen=[], calls=calls)


def react(name: str, arguments: dict[str, Any]) -> str:
    """A turn of a model that knows no function calls."""
    return f"Thought: x\nAction: {name}\nAction Input: {json.dumps(arguments)}"


def yes(event: InputRequiredEvent) -> HumanResponseEvent:
    return HumanResponseEvent(request_id=event.request_id, approved=True, by="alice", reason="ok")


def no(event: InputRequiredEvent) -> HumanResponseEvent:
    return HumanResponseEvent(request_id=event.request_id, approved=False, by="alice", reason="no")


def silent(event: InputRequiredEvent) -> None:
    """Nobody is there."""


class Came:
    """What came of a run."""

    def __init__(self) -> None:
        self.final = ""
        self.asked: list[InputRequiredEvent] = []
        self.results: dict[str, ToolCallResult] = {}

    @property
    def refused(self) -> set[str]:
        """Ids of the calls that the stream shows as errors."""
        return {call_id for call_id, item in self.results.items() if item.tool_output.is_error}


async def attend(handler: Any, person: Person, came: Came | None = None) -> Came:
    """Read a run's stream and answer what it asks, to its end."""
    came = Came() if came is None else came
    async for event in handler.stream_events():
        if isinstance(event, InputRequiredEvent):
            came.asked.append(event)
            answer = person(event)
            if answer is not None:
                handler.ctx.send_event(answer)
        elif isinstance(event, ToolCallResult):
            assert event.tool_id not in came.results, "a call has two results"
            came.results[event.tool_id] = event
    came.final = str(await handler)
    return came


def run(agent: Any, person: Person = silent, **options: Any) -> Came:
    """Run an agent from synchronous code, to its end."""

    async def main() -> Came:
        return await attend(agent.run(user_msg="go", **options), person)

    return in_time(main())


def in_time(work: Awaitable[T]) -> T:
    """asyncio.run with an end."""

    async def main() -> T:
        return await asyncio.wait_for(work, LIMIT_S)

    return asyncio.run(main())
