"""What both layers, the hook of the agent and the body of the tool, do with one call.

The hook decides before CrewAI looks for a cached result or the tool; the tool underneath lets that very call
pass once, and decides by itself whatever comes another way, or with other arguments.
Guarantees:
  1. Nothing runs unless the gate let it in; whatever fails on the way is a refusal.
  2. The body gets the copy of the arguments that was judged, never the object that CrewAI holds.
  3. What came of a call is reported once, by the layer that saw the body, else by the hook.
  4. A result that could not be recorded is a ToolFailure that says so: an exception would make
     CrewAI run the tool again.
Does not: know where hooks and tools are (hook, tools), or remember calls: what is open is in the context.
"""

from __future__ import annotations

import inspect
import json
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from crewai.hooks import ToolCallHookContext

from permit0 import Guard, Identity, InvalidInput, OutcomeUnrecorded
from permit0.integration import Entry, Gate, refusal_text
from permit0_crewai.translate import (
    Arguments,
    call_id,
    effective,
    identity_of,
    refusal,
    schema_of,
    tool_of,
    unrecorded,
)

__all__ = ["Call", "Layer", "was_refused"]

Body = Callable[..., Any]


class Call:
    """A call that is being made; `outer` is the one that it is made inside of.

    given: the object that the hook was shown, None in a direct call. seen: what was in it.
    refusal: what the model is told, if it may not run.
    """

    __slots__ = (
        "entry",
        "given",
        "guard",
        "identity",
        "is_open",
        "outer",
        "refusal",
        "seen",
        "task",
        "tool",
    )

    def __init__(
        self, guard: Guard, tool: str, identity: Identity, *, task: object, outer: Call | None
    ) -> None:
        self.guard = guard
        self.tool = tool
        self.identity = identity
        self.task = task
        self.outer = outer
        self.entry: Entry | None = None
        self.is_open = False
        self.given: object = None
        self.seen = ""
        self.refusal: str | None = None

    def open(self, entry: Entry) -> None:
        """What comes underneath may use the pass of this call."""
        entry.__enter__()
        self.entry = entry
        self.is_open = True

    def close(self) -> None:
        """And now no more."""
        if self.entry is not None and self.is_open:
            self.is_open = False
            self.entry.__exit__(None, None, None)


_call: ContextVar[Call | None] = ContextVar("permit0_crewai_call", default=None)
# The tool that was refused last: an executor that takes results for answers asks right after the call.
_refused: ContextVar[object] = ContextVar("permit0_crewai_refused", default=None)


def was_refused(tool: object) -> bool:
    """Whether the last call in this context was one of this tool, and it was refused."""
    return _refused.get() is tool


class Layer:
    """One guard in CrewAI.

    Args:
        guard: Decides.
        identity: Who calls, where that was said; members that are the default were not.
    """

    def __init__(self, guard: Guard, *, identity: Identity | None = None) -> None:
        self.guard = guard
        self.on_call: Callable[[], None] = _nothing
        self._said = identity
        self._gate = Gate(guard, framework="crewai")

    # ---------------------------------------------------------------- the hook

    def start(self, context: ToolCallHookContext) -> None:
        """Decide a call before CrewAI goes on with it.

        Raises:
            Exception: It may not run; tell `refuse`.
        """
        _refused.set(None)
        tool = tool_of(context.tool)
        outer = _call.get()
        identity = identity_of(
            context.agent,
            context.crew,
            said=self._said,
            around=None if outer is None else outer.identity,
        )
        call = self._push(context, tool.name, identity)
        entry = self._gate.enter(
            tool.name,
            effective(tool, context.tool_input),
            call_id=call_id(context.task, tool.name, identity.session),
            identity=identity,
            description=tool.description,
            schema=schema_of(tool),
        )
        call.open(entry)  # until `finish`

    def refuse(self, context: ToolCallHookContext, error: BaseException) -> None:
        """Remember what the model shall be told."""
        call = self._of(context) or self._push(context, context.tool_name, Identity())
        call.close()
        call.refusal = refusal_text(error)
        _refused.set(getattr(context.tool, "_original_tool", None) or context.tool)

    def check_unchanged(self, context: ToolCallHookContext) -> None:
        """Compare what CrewAI is about to use with what was decided.

        Raises:
            InvalidInput: arguments_changed.
        """
        call = self._open()
        if call is not None and call.refusal is None and call.seen != _seen(context.tool_input):
            raise InvalidInput(
                "its arguments were changed after they had been checked",
                reason_code="arguments_changed",
            )

    def finish(self, context: ToolCallHookContext) -> str | None:
        """What the model shall read instead of the result; None: the result."""
        call = self._of(context)
        if call is None:
            return None
        _call.set(call.outer)
        call.close()
        if call.refusal is not None or call.entry is None:
            return call.refusal
        try:
            # A cached result, or a tool that cannot be wrapped; else the body has been reported.
            call.entry.report(context.raw_tool_result)
        except OutcomeUnrecorded:
            return str(unrecorded(call.tool))
        return None

    def _push(self, context: ToolCallHookContext, tool: str, identity: Identity) -> Call:
        call = Call(self.guard, tool, identity, task=context.task, outer=_call.get())
        call.given = context.tool_input
        call.seen = _seen(context.tool_input)
        _call.set(call)
        return call

    def _open(self) -> Call | None:
        """The innermost call that a hook of this guard has opened."""
        call = _call.get()
        while call is not None and (call.guard is not self.guard or call.given is None):
            call = call.outer
        return call

    def _of(self, context: ToolCallHookContext) -> Call | None:
        """That call, if it is the one that the hook is told about."""
        call = self._open()
        if call is None:
            return None
        # Some executors make a new empty object for each hook.
        same = call.given is context.tool_input or call.seen == _seen(context.tool_input)
        return call if same else None

    # ---------------------------------------------------------------- the tool

    def run(
        self,
        owner: object,
        tool: str,
        body: Body,
        args: tuple[object, ...],
        kwargs: Mapping[str, object],
    ) -> Any:
        """Call the body of a tool, or give back a Refusal."""
        try:
            arguments, call = self._begin(tool, body, args, kwargs)
            entry = self._let_in(
                call, self._gate.enter(tool, arguments.judged, **_asking(call, owner))
            )
            values = arguments.put(entry.arguments)
        except Exception as error:  # noqa: BLE001  # boundary: whatever it is, the body does not run
            _refused.set(owner)
            return refusal(error)
        with _inside(call), entry:
            result = body(*values[0], **values[1])
        if inspect.isawaitable(result):
            return _finished(call, entry, result)
        return _reported(call, entry, result)

    async def run_async(
        self,
        owner: object,
        tool: str,
        body: Body,
        args: tuple[object, ...],
        kwargs: Mapping[str, object],
    ) -> Any:
        """As `run`; other tasks go on while a person is asked."""
        try:
            arguments, call = self._begin(tool, body, args, kwargs)
            asked = self._gate.enter_async(tool, arguments.judged, **_asking(call, owner))
            entry = self._let_in(call, await asked)
            values = arguments.put(entry.arguments)
        except Exception as error:  # noqa: BLE001  # boundary: whatever it is, the body does not run
            _refused.set(owner)
            return refusal(error)
        with _inside(call):
            return await _finished(call, entry, body(*values[0], **values[1]))

    def _begin(
        self, tool: str, body: Body, args: tuple[object, ...], kwargs: Mapping[str, object]
    ) -> tuple[Arguments, Call]:
        self.on_call()
        _refused.set(None)
        outer = _call.get()
        around, task = (None, None) if outer is None else (outer.identity, outer.task)
        identity = identity_of(None, None, said=self._said, around=around)
        call = Call(self.guard, tool, identity, task=task, outer=outer)
        return Arguments(body, args, kwargs), call

    def _let_in(self, call: Call, entry: Entry) -> Entry:
        """The hook's own entry, if it is what let this call in: that one reports, and has the copy."""
        opened = self._open()
        if not entry.inner or opened is None or opened.entry is None or opened.tool != call.tool:
            return entry
        return opened.entry


def _nothing() -> None:
    """No hooks to look after."""


def _asking(call: Call, owner: object) -> dict[str, Any]:
    return {
        "call_id": call_id(call.task, call.tool, call.identity.session),
        "identity": call.identity,
        "description": str(getattr(owner, "description", "")),
        "schema": schema_of(owner),
    }


@contextmanager
def _inside(call: Call) -> Iterator[None]:
    """What is called in here is called inside of this call."""
    token = _call.set(call)
    try:
        yield
    finally:
        _call.reset(token)


async def _finished(call: Call, entry: Entry, pending: Awaitable[Any]) -> Any:
    with _inside(call), entry:
        result = await pending
    return _reported(call, entry, result)


def _reported(call: Call, entry: Entry, result: Any) -> Any:
    try:
        entry.report(result)
    except OutcomeUnrecorded:
        return unrecorded(call.tool)
    return result


def _seen(given: object) -> str:
    """A text that differs if anything in it differs."""
    try:
        return json.dumps(given, sort_keys=True, default=repr)
    except (TypeError, ValueError, RecursionError):
        return repr(given)
