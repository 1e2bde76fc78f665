"""Ask the guard before the body of a LlamaIndex tool runs.

Enforces: `_fn`, `_async_fn` and `_real_fn` of a FunctionTool, so that it holds for an agent's step, `call`,
`acall`, `predict_and_call`, `fn`, `async_fn`, `real_fn` and the LangChain bridge alike; `call`, `acall` and
`__call__` of every other tool. Observes nothing: the instrumentation dispatcher and the CallbackManager of
LlamaIndex swallow what a handler raises, SystemExit included, so they can stop nothing.

Guarantees:
  1. The body runs with the copy of the arguments that was judged, or not at all, whatever fails.
  2. `call` and `acall` give a refusal back as a ToolOutput with `is_error`, so that no agent takes it for an
     answer (`return_direct`) and nothing calls again with keywords what was refused by position. The
     functions themselves raise ToolRefused.
  3. A tool is guarded once by one guard; the original is left as it was.
Does not: see what is called around the tool: the original object, a query engine taken out of its tool
(`tool.query_engine`), what a tool's body does without tools.
Tested with llama-index-core 0.14.8 and 0.14.25.
"""

from __future__ import annotations

import asyncio
import contextvars
import copy
import functools
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from typing import Any, TypeVar

from llama_index.core.async_utils import asyncio_run
from llama_index.core.tools import AsyncBaseTool, BaseTool, FunctionTool, ToolOutput
from llama_index.core.tools.function_tool import async_to_sync, sync_to_async
from llama_index.core.tools.types import BaseToolAsyncAdapter

from permit0 import Guard, OutcomeUnrecorded, build_guard
from permit0.integration import named
from permit0_llamaindex.hook import Extend, ToolGate, guarded_by, open_frame, swap
from permit0_llamaindex.translate import (
    FunctionArguments,
    MethodArguments,
    ToolRefused,
    error_output,
)

__all__ = ["guard_tool", "guard_tools"]

_GATE = "_permit0_gate"
T = TypeVar("T")


def guard_tools(
    tools: Iterable[BaseTool | Callable[..., object]], guard: Guard | None = None
) -> list[BaseTool]:
    """`guard_tool` for each, with one guard."""
    guard = build_guard() if guard is None else guard
    return [guard_tool(tool, guard) for tool in tools]


def guard_tool(
    tool: BaseTool | Callable[..., object], guard: Guard | None = None, *, name: str | None = None
) -> BaseTool:
    """A guarded copy of a tool; a function becomes a FunctionTool first.

    Args:
        tool: The tool.
        guard: Decides; by default one that is built from permit0.yaml, each time.
        name: What packs know it by, if not by the name that the model sees.

    Raises:
        InvalidInput: protect_other_guard: it is guarded by another one; protect_unknown: its class
            cannot be extended.
    """
    guard = build_guard() if guard is None else guard
    if not isinstance(tool, BaseTool):
        tool = FunctionTool.from_defaults(tool)
    if guarded_by(tool, guard):
        return tool
    if isinstance(tool, BaseToolAsyncAdapter):
        inside = guard_tool(tool.base_tool, guard, name=name)
        return tool if inside is tool.base_tool else BaseToolAsyncAdapter(inside)
    gate = ToolGate(tool, guard, name)
    copied = copy.copy(tool)
    if isinstance(tool, FunctionTool) and isinstance(copied, FunctionTool):
        _guard_functions(copied, tool, gate)
    object.__setattr__(copied, _GATE, gate)
    return swap(copied, _methods_for(tool), guard)


# ---------------------------------------------------------------- FunctionTool


def _guard_functions(copied: FunctionTool, tool: FunctionTool, gate: ToolGate) -> None:
    """Replace the three ways to a FunctionTool's function."""
    real = tool.real_fn
    sync_fn, async_fn = tool.fn, tool.async_fn
    # What the framework makes of the one function takes whatever that one takes, in its own context.
    made_async = _code(async_fn) is _code(sync_to_async(len))
    made_sync = _code(sync_fn) is _code(async_to_sync(_nothing))
    run = _in_thread(sync_fn) if made_async else async_fn
    guarded_async = _guarded_async(gate, run, real if made_async else async_fn, tool)
    wait = _in_loop(async_fn) if made_sync else sync_fn
    guarded_sync = _guarded_sync(gate, wait, async_fn if made_sync else sync_fn, tool)
    copied._fn = guarded_sync
    copied._async_fn = guarded_async
    copied._real_fn = guarded_async if real is async_fn else guarded_sync


def _guarded_sync(
    gate: ToolGate, body: Callable[..., object], own: Callable[..., object], tool: FunctionTool
) -> Callable[..., object]:
    arguments = FunctionArguments(own, tool)

    def guarded(*args: object, **kwargs: object) -> object:
        with gate.refusing():
            bound = arguments.bind(args, kwargs)
            entry = gate.enter(bound.judged)
            bound.replace(entry.arguments)
        with open_frame(None), entry:
            result = body(*bound.args, **bound.kwargs)
        gate.report(entry, result)
        return result

    return named(guarded, own, arguments.signature)


def _guarded_async(
    gate: ToolGate,
    body: Callable[..., Awaitable[object]],
    own: Callable[..., object],
    tool: FunctionTool,
) -> Callable[..., Awaitable[object]]:
    arguments = FunctionArguments(own, tool)

    async def guarded(*args: object, **kwargs: object) -> object:
        with gate.refusing():
            bound = arguments.bind(args, kwargs)
            entry = await gate.enter_async(bound.judged)
            bound.replace(entry.arguments)
        with open_frame(None), entry:
            result = await body(*bound.args, **bound.kwargs)
        gate.report(entry, result)
        return result

    return named(guarded, own, arguments.signature)


def _in_thread(function: Callable[..., T]) -> Callable[..., Awaitable[T]]:
    """As the framework's sync_to_async, with the context, which core 0.14.8 loses."""

    async def run(*args: object, **kwargs: object) -> T:
        return await asyncio.to_thread(function, *args, **kwargs)

    return run


def _in_loop(function: Callable[..., Awaitable[T]]) -> Callable[..., T]:
    """As the framework's async_to_sync, with the context."""

    def run(*args: object, **kwargs: object) -> T:
        context = contextvars.copy_context()

        async def within() -> T:
            loop = asyncio.get_running_loop()
            return await loop.create_task(_awaited(function(*args, **kwargs)), context=context)

        result: T = asyncio_run(within())
        return result

    return run


async def _awaited(result: Awaitable[T]) -> T:
    return await result


async def _nothing() -> None: ...


def _code(function: object) -> object:
    return getattr(function, "__code__", None)


def _function_calls(own: type[FunctionTool]) -> dict[str, object]:
    """What a guarded FunctionTool does with the refusal of its function."""

    def call(self: FunctionTool, *args: Any, **kwargs: Any) -> ToolOutput:
        try:
            return own.call(self, *args, **kwargs)
        except (ToolRefused, OutcomeUnrecorded) as error:
            return _told(self, error, args, kwargs)

    async def acall(self: FunctionTool, *args: Any, **kwargs: Any) -> ToolOutput:
        try:
            return await own.acall(self, *args, **kwargs)
        except (ToolRefused, OutcomeUnrecorded) as error:
            return _told(self, error, args, kwargs)

    return {"call": call, "acall": acall}


# ---------------------------------------------------------------- other tools


def _called_only(own: type[BaseTool]) -> dict[str, object]:
    """`__call__` of any tool."""

    def __call__(self: BaseTool, *args: Any, **kwargs: Any) -> ToolOutput:  # noqa: N807  # its name
        return _called(self, functools.partial(own.__call__, self), args, kwargs)

    return {"__call__": __call__}


def _calls(own: type[AsyncBaseTool]) -> dict[str, object]:
    """`call` and `acall` as well."""

    def call(self: AsyncBaseTool, *args: Any, **kwargs: Any) -> ToolOutput:
        return _called(self, functools.partial(own.call, self), args, kwargs)

    async def acall(self: AsyncBaseTool, *args: Any, **kwargs: Any) -> ToolOutput:
        method = functools.partial(own.acall, self)
        gate = _gate_of(self)
        try:
            with gate.refusing():
                reader = MethodArguments(method, gate.names)
                entry = await gate.enter_async(reader.named(args, kwargs))
                by_position, by_name = reader.again(entry.arguments, args, kwargs)
            with open_frame(None), entry:
                output = await method(*by_position, **by_name)
            gate.report(entry, _reported(output))
        except (ToolRefused, OutcomeUnrecorded) as error:
            return _told(self, error, args, kwargs)
        return output

    return {**_called_only(own), "call": call, "acall": acall}


def _called(
    tool: BaseTool,
    method: Callable[..., ToolOutput],
    args: tuple[object, ...],
    kwargs: dict[str, object],
) -> ToolOutput:
    gate = _gate_of(tool)
    try:
        with gate.refusing():
            reader = MethodArguments(method, gate.names)
            entry = gate.enter(reader.named(args, kwargs))
            by_position, by_name = reader.again(entry.arguments, args, kwargs)
        with open_frame(None), entry:
            output = method(*by_position, **by_name)
        gate.report(entry, _reported(output))
    except (ToolRefused, OutcomeUnrecorded) as error:
        return _told(tool, error, args, kwargs)
    return output


def _gate_of(tool: BaseTool) -> ToolGate:
    gate: ToolGate = vars(tool)[_GATE]
    return gate


def _reported(output: object) -> object:
    return output.content if isinstance(output, ToolOutput) else output


def _told(
    tool: BaseTool,
    error: ToolRefused | OutcomeUnrecorded,
    args: Sequence[object],
    kwargs: Mapping[str, object],
) -> ToolOutput:
    context = getattr(tool, "ctx_param_name", None)  # it cannot be serialised
    given = {name: value for name, value in kwargs.items() if name != context}
    return error_output(_gate_of(tool).name, error, {"args": args, "kwargs": given})


_OF_FUNCTION = (FunctionTool.call, FunctionTool.acall, FunctionTool.__call__)


def _methods_for(tool: BaseTool) -> Extend:
    if isinstance(tool, FunctionTool):
        kind = type(tool)
        if (kind.call, kind.acall, kind.__call__) == _OF_FUNCTION:
            return _function_calls
        return _calls  # its methods may do more than call the function
    return _calls if isinstance(tool, AsyncBaseTool) else _called_only
