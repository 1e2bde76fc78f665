"""Guard tools where their bodies start, so that no way of calling them goes around.

    tools = guard_tools([transfer, search], guard)

The path of one call:
  1. run      the tool notes the id and the configuration of the call
  2. body     the function, coroutine, `_run` or `_arun` is about to start, with validated arguments: ask
  3. refusal  comes back as the tool's result, a ToolMessage with status "error" where the call had an id
Guarantees: invoke, ainvoke, batch, stream, run, arun, `func`, `coroutine`, `_run` and `_arun` all come by 2;
the schema, the injected arguments, return_direct and the response format stay as they are; a tool is guarded
once per guard; a copy of a guarded tool is guarded.
Does not: see the original object, which whoever holds it can still call. A refusal of `func`, `_run` and the
like, called directly, is raised (ToolRefused), since no form fits every return type.
"""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable, Iterable, Mapping
from functools import lru_cache
from types import MethodType
from typing import Any, ClassVar, TypeVar

from langchain_core.tools import BaseTool, StructuredTool, Tool
from langchain_core.tools import tool as make_tool

from permit0 import Guard
from permit0_langchain.bodies import Body, looks_like
from permit0_langchain.hook import Enforcer, Running, ToolRefused, refused, running
from permit0_langchain.translate import Arguments, Who, refusal_message, schema_of

__all__ = ["enforced", "guard_tool", "guard_tools", "is_guarded", "open_about"]

T = TypeVar("T", bound=BaseTool)

STOCK = (BaseTool, StructuredTool, Tool)
CALLS = ("invoke", "ainvoke", "run", "arun", "batch", "abatch", "stream", "astream")
HELD = "_permit0_held"


class _Held:
    """What a guarded tool carries."""

    __slots__ = ("arguments", "enforcers", "keys", "schema")

    def __init__(self, enforcers: tuple[Enforcer, ...], keys: frozenset[object]) -> None:
        self.enforcers = enforcers
        self.keys = keys
        self.arguments: dict[str, Arguments] = {}  # of `_run` and `_arun`
        self.schema: str | None = None  # as text, once it was asked for

    def __deepcopy__(self, memo: object) -> _Held:
        return self  # a deep copy of a guarded tool asks the same guards


def guard_tools(
    tools: Iterable[BaseTool | Callable[..., Any] | dict[str, Any]],
    guard: Guard,
    *,
    identity: Who = None,
    approver: str = "",
) -> list[Any]:
    """Guarded copies of tools; functions become tools.

    Args:
        tools: As for `create_agent`. A dictionary describes a tool of the provider: it runs there, out of
            reach, and stays as it is (`permit0.coverage` reports it).
        guard: With what.
        identity: Who calls; by default what `permit0.session` says, else thread_id and the agent's name.
        approver: Name of the person who answers interrupts, where the resume value names none.
    """
    return [enforced(item, Enforcer(guard, identity=identity, approver=approver)) for item in tools]


def guard_tool(tool: T, guard: Guard, *, identity: Who = None, approver: str = "") -> T:
    """A guarded copy of one tool; see `guard_tools`."""
    return _enforced(tool, Enforcer(guard, identity=identity, approver=approver))


def enforced(item: object, enforcer: Enforcer) -> Any:
    """A guarded copy of a tool or function; anything else as it is."""
    if isinstance(item, BaseTool):
        return _enforced(item, enforcer)
    return (
        item
        if isinstance(item, Mapping) or not callable(item)
        else _enforced(make_tool(item), enforcer)
    )


def is_guarded(tool: object, guard: Guard) -> bool:
    """Whether a tool asks this guard."""
    held = _held(tool)
    return held is not None and any(item.guard is guard for item in held.enforcers)


def open_about(tool: BaseTool) -> list[str]:
    """What of a guarded tool stays open: methods of its class between a call and its body."""
    kind = type(tool)
    home = next(item for item in kind.__mro__ if item in STOCK)
    own = [item for item in kind.__mro__ if not item.__dict__.get("permit0_guarded")]
    replaced = [
        name
        for name in CALLS
        if next(item for item in own if name in item.__dict__) not in home.__mro__
    ]
    if not replaced:
        return []
    return [f"its class has {' and '.join(replaced)} of its own, which may go around _run"]


def _enforced(tool: T, enforcer: Enforcer) -> T:
    if is_guarded(tool, enforcer.guard):
        return tool
    held, key = _held(tool), object()
    before = ((), frozenset()) if held is None else (held.enforcers, held.keys)
    update: dict[str, Any] = {}
    for name, wrap in (("func", _function), ("coroutine", _coroutine)):
        body = getattr(tool, name, None)
        if body is not None and name in type(tool).model_fields:
            update[name] = wrap(body, tool, enforcer, key)
    copy = tool.model_copy(update=update)
    private = {
        **(copy.__pydantic_private__ or {}),
        HELD: _Held((*before[0], enforcer), frozenset({*before[1], key})),
    }
    if held is None:
        object.__setattr__(copy, "__class__", _guarded_class(type(tool)))
    object.__setattr__(copy, "__pydantic_private__", private)
    return copy


def _held(tool: object) -> _Held | None:
    if not isinstance(tool, BaseTool):
        return None
    found = (tool.__pydantic_private__ or {}).get(HELD)
    return found if isinstance(found, _Held) else None


# ---------------------------------------------------------------- 1 and 3: the run of a tool


@lru_cache(maxsize=512)
def _guarded_class(kind: type[BaseTool]) -> Any:
    """A subclass of a tool's class whose objects have `_Held`; the same for all guards."""

    def run(self: Any, tool_input: Any, *args: Any, **kwargs: Any) -> Any:
        now, token = _started(self, kwargs)
        try:
            result = kind.run(self, tool_input, *args, **kwargs)
        except ToolRefused as refusal:
            return _told(self, now.refusal or refusal, now)
        finally:
            running.reset(token)
        # A tool may turn exceptions into results of its own (handle_tool_error); this one is ours.
        return result if now.refusal is None else _told(self, now.refusal, now)

    async def arun(self: Any, tool_input: Any, *args: Any, **kwargs: Any) -> Any:
        now, token = _started(self, kwargs)
        try:
            result = await kind.arun(self, tool_input, *args, **kwargs)
        except ToolRefused as refusal:
            return _told(self, now.refusal or refusal, now)
        finally:
            running.reset(token)
        return result if now.refusal is None else _told(self, now.refusal, now)

    run.__signature__ = inspect.signature(kind.run)  # type: ignore[attr-defined]  # what inspect looks for
    arun.__signature__ = inspect.signature(kind.arun)  # type: ignore[attr-defined]
    members: dict[str, Any] = {
        "__module__": kind.__module__,
        "__qualname__": kind.__qualname__,
        "__doc__": kind.__doc__,
        "__annotations__": {"permit0_guarded": ClassVar[bool]},
        "permit0_guarded": True,
        "run": run,
        "arun": arun,
    }
    if kind._run not in (StructuredTool._run, Tool._run):
        members["_run"] = _method(kind, "_run")
    if kind._arun not in (BaseTool._arun, StructuredTool._arun, Tool._arun):
        members["_arun"] = _method_async(kind, "_arun")
    make: Any = type(kind)
    return make(kind.__name__, (kind,), members)


def _started(tool: BaseTool, kwargs: Mapping[str, Any]) -> tuple[Running, Any]:
    held = _held(tool)
    now = Running(
        name=tool.name,
        keys=frozenset() if held is None else held.keys,
        guards=() if held is None else tuple(item.guard for item in held.enforcers),
        call_id=kwargs.get("tool_call_id"),
        config=kwargs.get("config"),
    )
    return now, running.set(now)


def _told(tool: BaseTool, refusal: ToolRefused, now: Running) -> Any:
    return refusal_message(
        refusal.message, code=refusal.reason_code, tool=tool.name, call_id=now.call_id
    )


# ---------------------------------------------------------------- 2: the body


def _function(
    body: Callable[..., Any], tool: BaseTool, enforcer: Enforcer, key: object
) -> Callable[..., Any]:
    around = _body_of(tool, body, enforcer, key)

    def guarded(*args: Any, **kwargs: Any) -> Any:
        return around.call(body, args, kwargs)

    return looks_like(guarded, body)


def _coroutine(
    body: Callable[..., Awaitable[Any]], tool: BaseTool, enforcer: Enforcer, key: object
) -> Callable[..., Awaitable[Any]]:
    around = _body_of(tool, body, enforcer, key)

    async def guarded(*args: Any, **kwargs: Any) -> Any:
        return await around.call_async(body, args, kwargs)

    return looks_like(guarded, body)


def _body_of(tool: BaseTool, body: Callable[..., Any], enforcer: Enforcer, key: object) -> Body:
    return Body(
        Arguments(body, tool.args_schema),
        (enforcer,),
        keys=frozenset({key}),
        name=tool.name,
        description=tool.description,
        schema=schema_of(tool),
        lets_in=False,
    )


def _method(kind: type[BaseTool], name: str) -> Callable[..., Any]:
    original = getattr(kind, name)

    def guarded(self: BaseTool, *args: Any, **kwargs: Any) -> Any:
        body = MethodType(original, self)
        return _body_of_method(self, body, name).call(body, args, kwargs)

    return looks_like(guarded, original)


def _method_async(kind: type[BaseTool], name: str) -> Callable[..., Any]:
    original = getattr(kind, name)

    async def guarded(self: BaseTool, *args: Any, **kwargs: Any) -> Any:
        body = MethodType(original, self)
        return await _body_of_method(self, body, name).call_async(body, args, kwargs)

    return looks_like(guarded, original)


def _body_of_method(tool: BaseTool, body: Callable[..., Any], name: str) -> Body:
    held = _held(tool)
    if held is None:
        # Built from its class instead of copied from a guarded tool: nobody is there to ask.
        raise refused(tool.name, RuntimeError("a guarded class without a guard"))
    arguments = held.arguments.get(name)
    if arguments is None:
        arguments = held.arguments[name] = Arguments(body, tool.args_schema)
    if held.schema is None:
        held.schema = schema_of(tool)
    # `_arun` often calls `_run`, and both may call a function of the tool, which is guarded as well. Nothing
    # else is let in, or a tool that calls itself would have one call for free.
    return Body(
        arguments,
        held.enforcers,
        keys=held.keys,
        name=tool.name,
        description=tool.description,
        schema=held.schema,
        lets_in=name == "_arun" or "func" in type(tool).model_fields,
    )
