"""Guard tools themselves, whoever calls them: the layer under the hook.

What is wrapped: the function of a `@tool` and of a CrewStructuredTool; `_run`, `_arun` and, where a class has
its own, `run` and `arun` of a BaseTool subclass, by a subclass of that class. So it holds for tool.run,
arun, func, _run, CrewStructuredTool.invoke and ainvoke, native function calling, ReAct, LLM.call with
available_functions, the adapters of other frameworks, and code that a tool runs.

Guarantees:
  1. A refused body does not start; the caller gets a Refusal back, not an exception, for CrewAI would try
     again up to six times.
  2. A Refusal is a ToolFailure, which CrewAI never stores in its cache; and a tool with result_as_answer is
     none while its last call was refused.
  3. Guarding twice with one guard guards once.
Does not: stop who holds the original of a copy, or calls a method of the original class with the tool as self.
"""

from __future__ import annotations

import contextvars
import inspect
import threading
from collections.abc import Callable
from types import MethodType
from typing import Any, TypeVar, cast

from crewai.tools import BaseTool
from crewai.tools.base_tool import Tool
from crewai.tools.structured_tool import CrewStructuredTool

from permit0 import Guard, InvalidInput
from permit0_crewai.layer import Layer, was_refused
from permit0_crewai.translate import look_like

__all__ = [
    "guard_in_place",
    "guarded_copy",
    "layer_of",
    "mark",
    "subclass_of",
]

T = TypeVar("T", bound=BaseTool | CrewStructuredTool)

LAYERS = "_permit0_layers"
BODIES = ("_run", "_arun", "run", "arun")
_lock = threading.RLock()


def guarded_copy(tool: T, layer: Layer) -> T:
    """A guarded copy; the tool itself, if this guard guards it already."""
    if not isinstance(tool, BaseTool | CrewStructuredTool):
        raise InvalidInput(
            f"{type(tool).__name__!r} is no tool of CrewAI, give a BaseTool or what @tool makes",
            reason_code="tool_not_known",
        )
    if layer_of(tool, layer.guard) is not None:
        return tool
    copy = cast(T, tool.model_copy())
    guard_in_place(copy, layer)
    return copy


def guard_in_place(tool: BaseTool | CrewStructuredTool, layer: Layer) -> None:
    """Guard the object itself: for tools that CrewAI made, and that nobody else has."""
    with _lock:  # parallel calls of one tool meet here
        if isinstance(tool, CrewStructuredTool):
            _guard_structured(tool, layer)
        elif layer_of(tool, layer.guard) is None:
            _guard_base(tool, layer)


def layer_of(one: object, guard: Guard) -> Layer | None:
    """The layer by which a guard guards a tool, an agent or a crew; None if it does not."""
    layers: tuple[Layer, ...] = getattr(one, LAYERS, ())
    return next((layer for layer in layers if layer.guard is guard), None)


# ---------------------------------------------------------------- BaseTool


def _guard_base(tool: BaseTool, layer: Layer) -> None:
    original = type(tool)
    if isinstance(tool, Tool):
        # Not by setattr: that would validate, and only the object changes.
        tool.__dict__["func"] = _wrapped(tool.func, layer, tool)
    methods = {
        name: _method(name, getattr(original, name), layer)
        for name in BODIES
        if getattr(original, name) not in (getattr(BaseTool, name), getattr(Tool, name))
    }
    methods["to_structured_tool"] = _conversion(original.to_structured_tool, layer)
    guarded = subclass_of(original, methods)
    guarded.result_as_answer = _ResultAsAnswer()
    mark(guarded, (*getattr(original, LAYERS, ()), layer))
    object.__setattr__(tool, "__class__", guarded)


def _conversion(original: Callable[..., Any], layer: Layer) -> Callable[..., Any]:
    def to_structured_tool(self: BaseTool) -> CrewStructuredTool:
        made: CrewStructuredTool = original(self)
        guard_in_place(made, layer)
        return made

    return to_structured_tool


class _ResultAsAnswer:
    """The field of the tool, but False right after a refusal: executors ask for it, then end the run."""

    def __get__(self, tool: BaseTool | None, owner: type) -> object:
        if tool is None:
            return self
        return tool.__dict__["result_as_answer"] and not was_refused(tool)

    def __set__(self, tool: BaseTool, value: object) -> None:
        tool.__dict__["result_as_answer"] = value


def _method(name: str, original: Callable[..., Any], layer: Layer) -> Callable[..., Any]:
    if inspect.iscoroutinefunction(original):

        async def guarded_async(self: BaseTool, *args: Any, **kwargs: Any) -> Any:
            body = MethodType(original, self)
            return await layer.run_async(self, self.name, body, args, kwargs)

        look_like(guarded_async, original)
        return guarded_async

    def guarded(self: BaseTool, *args: Any, **kwargs: Any) -> Any:
        return layer.run(self, self.name, MethodType(original, self), args, kwargs)

    look_like(guarded, original)
    return guarded


def _wrapped(function: Callable[..., Any], layer: Layer, tool: Any) -> Callable[..., Any]:
    """The function of a tool, guarded under the tool's name."""
    if inspect.iscoroutinefunction(function):

        async def guarded_async(*args: Any, **kwargs: Any) -> Any:
            return await layer.run_async(tool, tool.name, function, args, kwargs)

        look_like(guarded_async, function)
        return guarded_async

    def guarded(*args: Any, **kwargs: Any) -> Any:
        return layer.run(tool, tool.name, function, args, kwargs)

    look_like(guarded, function)
    return guarded


# ---------------------------------------------------------------- CrewStructuredTool


class _Carried:
    """The context in which a tool was called, on its way into a thread."""

    def __init__(self) -> None:
        self.context = contextvars.copy_context()


_CARRIED = "permit0_carried"


class _Structured(CrewStructuredTool):
    """ainvoke runs a function in a thread that inherits nothing; this one takes the context along."""

    async def ainvoke(
        self,
        input: str | dict[str, Any],  # noqa: A002  # CrewAI's name for it
        config: dict[str, Any] | None = None,
        **kwargs: Any,
    ) -> Any:
        if inspect.iscoroutinefunction(self.func):
            return await super().ainvoke(input, config, **kwargs)
        return await super().ainvoke(input, config, **{**kwargs, _CARRIED: _Carried()})


def _guard_structured(tool: CrewStructuredTool, layer: Layer) -> None:
    if layer_of(tool, layer.guard) is not None:
        return
    original = tool._original_tool
    body: Callable[..., Any]
    if not isinstance(original, BaseTool):
        body = _wrapped(tool.func, layer, tool)
    else:
        guard_in_place(original, layer)
        # A bound method may be that of the class before; take the guarded one.
        is_bound = getattr(tool.func, "__self__", None) is original
        body = original._run if is_bound else cast(Callable[..., Any], tool.func)
    tool.__dict__["func"] = _in_context(body)
    tool.__dict__[LAYERS] = (*getattr(tool, LAYERS, ()), layer)
    if type(tool) is CrewStructuredTool:
        object.__setattr__(tool, "__class__", _Structured)


def _in_context(body: Callable[..., Any]) -> Callable[..., Any]:
    if inspect.iscoroutinefunction(body):
        return body

    def carried(*args: Any, **kwargs: Any) -> Any:
        # A model can name an argument like this, but it cannot make such an object.
        if type(kwargs.get(_CARRIED)) is not _Carried:
            return body(*args, **kwargs)
        return kwargs.pop(_CARRIED).context.run(body, *args, **kwargs)

    look_like(carried, body)
    return carried


# ---------------------------------------------------------------- classes


def subclass_of(cls: type[Any], methods: dict[str, Callable[..., Any]]) -> Any:
    """A subclass that shows itself as the class, for names in events and checkpoints."""
    # A name of its own while it is made: CrewAI finds classes of tools again by their names.
    make: Any = type(cls)
    made: Any = make(
        cls.__name__,
        (cls,),
        {
            **methods,
            "__module__": __name__,
            "__qualname__": f"guarded.{cls.__qualname__}",
            # It has the fields of its parent; whoever makes one from data builds the schema then.
            "model_config": {"defer_build": True},
        },
    )
    made.__module__, made.__qualname__ = cls.__module__, cls.__qualname__
    made.__doc__ = cls.__doc__
    return made


def mark(one: Any, layers: tuple[Layer, ...]) -> None:
    """Remember on a class by which layers its objects are guarded."""
    setattr(one, LAYERS, layers)
