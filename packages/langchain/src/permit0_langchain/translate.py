"""From objects of LangChain to what permit0 judges, and from a refusal to LangChain's own form.

Guarantees:
  1. What is judged are the arguments that the body gets, by name, after validation and with defaults.
  2. Left out is only what the framework itself puts in: configuration, callbacks, runtime, state, store, the
     id of the call. Another injected argument is judged if a model could have written it.
  3. The body gets copies that nobody else holds, also of objects such as pydantic models.
Does not: decide, or call anything.
"""

from __future__ import annotations

import copy
import dataclasses
import inspect
import json
import typing
from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum
from pathlib import PurePath
from typing import Annotated, Any
from uuid import UUID

from langchain_core.messages import ToolMessage
from langchain_core.runnables import RunnableConfig
from langchain_core.tools import BaseTool, InjectedToolArg, InjectedToolCallId
from pydantic import BaseModel

from permit0 import Identity, InvalidInput
from permit0.integration import Binder, current_identity

__all__ = [
    "Arguments",
    "Judged",
    "Who",
    "identity_of",
    "refusal_message",
    "resolved_signature",
    "schema_of",
    "was_refused",
]

MAX_DEPTH = 64  # as permit0.canonical; deeper is refused there

Who = Identity | Callable[[RunnableConfig], Identity] | None
"""Who calls: always the same, or worked out from the configuration of the run; None for the framework's ids."""

_PROVIDED = frozenset({"run_manager", "callbacks"})  # what BaseTool.run fills in by name


class Judged:
    """The arguments of one call. values: what is judged, JSON only."""

    __slots__ = ("_bound", "_copies", "values")

    def __init__(self, bound: Any, values: dict[str, object], copies: dict[str, object] | None):
        self._bound = bound
        self._copies = copies
        self.values = values

    def bind(self, judged: Mapping[str, object]) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """What to call the body with: `judged` in the place of what was judged, the rest as it came."""
        copies = judged if self._copies is None else self._copies
        self._bound.replace({**self._bound.judged, **copies})
        return self._bound.args, self._bound.kwargs


class Arguments:
    """Which arguments of a function are judged; worked out once per tool."""

    def __init__(self, function: Callable[..., Any], schema: object) -> None:
        hints = _hints(function)
        provided: set[str] = set()
        injected = set(_PROVIDED)
        for name, annotation in [*hints.items(), *_fields(schema)]:
            given_by = _provider(annotation)
            if given_by == "framework":
                provided.add(name)
            elif given_by == "program":
                injected.add(name)
        self._binder = Binder(function, provided)
        self._injected = frozenset(injected - provided)

    def bind(self, args: Sequence[object], kwargs: Mapping[str, object]) -> Judged:
        """One call.

        Raises:
            InvalidInput: It does not fit the function, or something in it cannot be copied.
        """
        bound = self._binder.bind(tuple(args), kwargs)
        values = {
            name: value
            for name, value in bound.judged.items()
            if name not in self._injected or (value is not None and _is_json(value))
        }
        if all(_is_json(value) for value in values.values()):
            return Judged(bound, values, None)  # the gate copies them
        try:
            copies = copy.deepcopy(values)
        except Exception as error:  # foreign __deepcopy__: whatever it raises is a refusal
            raise InvalidInput(
                "an argument of this tool cannot be copied, mark it with InjectedToolArg if the program "
                "provides it",
                reason_code="argument_not_copyable",
            ) from error
        return Judged(bound, {name: _plain(value) for name, value in copies.items()}, copies)


def identity_of(config: RunnableConfig, who: Who) -> Identity:
    """Who calls: what was given, else `permit0.session`, else the thread and the name of the agent.

    Raises:
        InvalidInput: session_not_carried: a bare thread without a thread_id, while sessions are open elsewhere.
    """
    if who is not None:
        return who if isinstance(who, Identity) else who(config)
    settings = config.get("configurable") or {}
    thread = settings.get("thread_id")
    try:
        opened = current_identity()
    except InvalidInput:
        if thread is None:
            raise
        opened = Identity()
    if opened != Identity():
        return opened
    name = (config.get("metadata") or {}).get("lc_agent_name")
    # Set by a LangGraph server that has authenticated the user.
    user = settings.get("langgraph_auth_user_id")
    return Identity(
        session="default" if thread is None else str(thread),
        agent="default" if name is None else str(name),
        principal=None if user is None else str(user),
    )


def refusal_message(text: str, *, code: str, tool: str, call_id: str | None) -> ToolMessage | str:
    """A refusal as the result of a tool: the model reads it and goes on.

    The artifact is for programs and is not sent to the model.
    """
    if call_id is None:
        return text
    return ToolMessage(
        content=text,
        name=tool,
        tool_call_id=call_id,
        status="error",
        artifact={"permit0": {"refused": code}},
    )


def schema_of(tool: BaseTool) -> str:
    """The JSON Schema of the arguments that a model gives a tool, as text; "" if it has none."""
    try:
        schema: Any = tool.tool_call_schema
        if not isinstance(schema, dict):  # a model of pydantic 2, or of its older interface
            described = getattr(schema, "model_json_schema", None) or schema.schema
            schema = described()
        return json.dumps(schema, sort_keys=True)
    except Exception:  # noqa: BLE001  # boundary: pydantic, over types of the user's; the guard does without
        return ""


def was_refused(message: object) -> bool:
    """Whether a message is one of `refusal_message`."""
    return (
        isinstance(message, ToolMessage)
        and message.status == "error"
        and isinstance(message.artifact, dict)
        and "permit0" in message.artifact
    )


def resolved_signature(function: Callable[..., Any]) -> inspect.Signature:
    """The signature with annotations that need no namespace, for a wrapper that lives elsewhere."""
    hints = _hints(function)
    signature = inspect.signature(function)
    return signature.replace(
        parameters=[
            item.replace(annotation=hints.get(item.name, item.annotation))
            for item in signature.parameters.values()
        ],
        return_annotation=hints.get("return", signature.return_annotation),
    )


def _hints(function: Callable[..., Any]) -> dict[str, Any]:
    inner = function
    while hasattr(inner, "func"):  # functools.partial
        inner = inner.func
    if not inspect.isroutine(inner):
        inner = type(inner).__call__
    try:
        return typing.get_type_hints(inner, include_extras=True)
    except Exception:  # noqa: BLE001  # names that do not resolve; LangChain then cannot see them, either
        return dict(getattr(inner, "__annotations__", {}))


def _fields(schema: object) -> list[tuple[str, Any]]:
    if not (isinstance(schema, type) and issubclass(schema, BaseModel)):
        return []
    return [
        (
            name,
            Annotated[(field.annotation, *field.metadata)] if field.metadata else field.annotation,
        )
        for name, field in schema.model_fields.items()
    ]


def _provider(annotation: Any) -> str:
    """Who gives a parameter its value: the "model", the "framework", or the "program" (InjectedToolArg)."""
    if annotation is RunnableConfig or RunnableConfig in typing.get_args(annotation):
        return "framework"
    marks = list(getattr(annotation, "__metadata__", ()))
    bare = annotation.__origin__ if marks else annotation
    kind = typing.get_origin(bare) or bare
    # ToolRuntime and its kind; the base class has no public name.
    if any(item.__name__ == "_DirectlyInjectedToolArg" for item in getattr(kind, "__mro__", ())):
        return "framework"
    for mark in marks:
        of = mark if isinstance(mark, type) else type(mark)
        if issubclass(of, InjectedToolArg):
            by_framework = issubclass(of, InjectedToolCallId) or of.__module__.startswith(
                "langgraph."
            )
            return "framework" if by_framework else "program"
    return "model"


def _is_json(value: object, depth: int = 0) -> bool:
    kind = type(value)
    if value is None or kind in {bool, int, float, str}:
        return True
    if depth > MAX_DEPTH:
        return False
    if kind is list:
        return all(_is_json(item, depth + 1) for item in typing.cast("list[object]", value))
    if kind is dict:
        members = typing.cast("dict[object, object]", value)
        return all(type(k) is str and _is_json(v, depth + 1) for k, v in members.items())
    return False


def _plain(value: Any, depth: int = 0) -> object:
    """A validated argument as JSON; what has no such form stays, and is refused by the gate."""
    if depth > MAX_DEPTH:
        return value

    def inside(item: Any) -> object:
        return _plain(item, depth + 1)

    match value:
        case Enum():
            return inside(value.value)
        case None | bool() | int() | float() | str():
            return value
        case BaseModel():
            members = {name: getattr(value, name) for name in type(value).model_fields}
            return {k: inside(v) for k, v in {**members, **(value.model_extra or {})}.items()}
        case dict():
            return {key: inside(item) for key, item in value.items()}
        case list() | tuple():
            return [inside(item) for item in value]
        case set() | frozenset():
            return sorted((inside(item) for item in value), key=_order)
        case datetime() | date() | time():
            return value.isoformat()
        case timedelta():
            return value.total_seconds()
        case Decimal() | UUID() | PurePath():
            return str(value)
        case bytes():
            return value.decode(errors="surrogateescape")  # the gate refuses a lone surrogate
        case _:
            return _plain_object(value, inside)


def _plain_object(value: Any, inside: Callable[[Any], object]) -> object:
    if dataclasses.is_dataclass(value):
        return {
            field.name: inside(getattr(value, field.name)) for field in dataclasses.fields(value)
        }
    if hasattr(value, "get_secret_value"):
        return inside(value.get_secret_value())
    of = type(value).__module__
    if of.startswith("pydantic.v1") and hasattr(value, "__fields__"):
        return {name: inside(item) for name, item in vars(value).items()}
    return str(value) if of.startswith(("pydantic.networks", "pydantic_core")) else value


def _order(value: object) -> str:
    return json.dumps(value, sort_keys=True, default=repr)
