"""Translate the tool calls of the OpenAI Agents SDK for permit0, and refusals back.

Guarantees:
  1. What is judged is what the body gets: for a decorated function the arguments after validation, defaults
     included; for every other tool the JSON object that is handed on.
  2. JSON that can be read in two ways (a name twice, NaN, no object) is refused, not guessed.
  3. A refusal is text that the SDK takes for the tool's output, and can be told from one.
Does not: decide, or keep anything.

Who calls: what `guard_agent(identity=...)` says, then `permit0.session`, then the SDK: the session is
`session_id` of the context object, else the group or the id of the current trace; the agent is the agent's
name. Without any of these the session is "default", shared by all runs: open a `permit0.session`.
"""

from __future__ import annotations

import inspect
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, NoReturn

from agents import RunContextWrapper
from agents.function_schema import FuncSchema
from agents.tracing import get_current_trace

from permit0 import Identity, InvalidInput
from permit0.integration import current_identity

__all__ = [
    "Asked",
    "IdentityOption",
    "Refusal",
    "effective",
    "identity_of",
    "parse_arguments",
    "schema_of",
]

IdentityOption = Identity | Callable[[RunContextWrapper[Any]], Identity | None] | None
_NOBODY = Identity()
NO_TRACE = "no-op"  # what the SDK calls a trace that is switched off


class Refusal(str):
    """What the model reads in place of the output of a call that did not run."""

    __slots__ = ()


@dataclass(frozen=True, kw_only=True)
class Asked:
    """One call, as every layer puts it.

    tool: name by which packs know it. name: the SDK's own, without a namespace. arguments: what is judged.
    """

    tool: str
    name: str
    call_id: str
    arguments: Mapping[str, object]
    identity: Identity
    description: str = ""
    schema: str = ""

    @property
    def key(self) -> tuple[object, ...] | None:
        """What makes two attempts the same call; None if the arguments have no JSON form."""
        try:
            text = json.dumps(self.arguments, sort_keys=True, allow_nan=False)
        except (TypeError, ValueError, RecursionError):
            return None
        return self.tool, self.call_id, text, self.identity


def parse_arguments(text: str | None) -> dict[str, object]:
    """The arguments of a call as the model wrote them; nothing at all is no arguments.

    Raises:
        InvalidInput: arguments_malformed, argument_conflict.
    """
    if text is None or not text.strip():
        return {}
    try:
        parsed = json.loads(text, object_pairs_hook=_object, parse_constant=_constant)
    except (ValueError, RecursionError) as error:
        raise _malformed("the arguments are no JSON") from error
    if not isinstance(parsed, dict):
        raise _malformed("the arguments are no JSON object")
    return parsed


def effective(schema: FuncSchema | None, arguments: Mapping[str, object]) -> Mapping[str, object]:
    """The arguments as the body will see them.

    What cannot be validated is judged as it was sent: the SDK validates it again and does not run the body.

    Raises:
        InvalidInput: argument_conflict.
    """
    if schema is None:
        return arguments
    try:
        parsed = schema.params_pydantic_model(**arguments)
        dumped = parsed.model_dump(mode="json")
    except Exception:  # noqa: BLE001  # validators and serializers are anybody's code; judged as sent
        return arguments
    named: dict[str, object] = {}
    for name, value in dumped.items():
        parameter = schema.signature.parameters.get(name)
        if parameter is None or parameter.kind is not inspect.Parameter.VAR_KEYWORD:
            named[name] = value
    for name, value in dumped.items():
        parameter = schema.signature.parameters.get(name)
        if parameter is None or parameter.kind is not inspect.Parameter.VAR_KEYWORD:
            continue
        for key, item in value.items():
            if key in named:
                raise _conflict(key)
            named[key] = item
    return named


def schema_of(invoker: object) -> FuncSchema | None:
    """How a decorated function reads its arguments; None for every other tool.

    The SDK keeps it in a closure and nowhere else. If it moves, arguments are judged as they were sent.
    """
    inner = getattr(invoker, "_invoke_tool_impl", None)
    for cell in getattr(inner, "__closure__", None) or ():
        try:
            value = cell.cell_contents
        except ValueError:  # not bound yet
            continue
        if isinstance(value, FuncSchema):
            return value
    return None


def identity_of(
    option: IdentityOption, context: RunContextWrapper[Any] | None, owner: str
) -> Identity:
    """Who calls; see above.

    Args:
        option: What the application said when it guarded the agent.
        context: The SDK's context, the same at every layer of a call.
        owner: Name of the agent that has the tool, "" if it is not known.
    """
    said = option
    if callable(said):
        said = None if context is None else said(context)
    if said is None:
        said = current_identity()
        if said == _NOBODY:
            said = Identity(session=_session_of(context) or _NOBODY.session)
    if said.agent != _NOBODY.agent or not owner:
        return said
    return Identity(said.session, owner, said.principal, said.task)


def _session_of(context: RunContextWrapper[Any] | None) -> str | None:
    held = None if context is None else context.context
    named = (
        held.get("session_id") if isinstance(held, Mapping) else getattr(held, "session_id", None)
    )
    if isinstance(named, str) and named:
        return named
    trace = get_current_trace()
    if trace is None:
        return None
    group = getattr(trace, "group_id", None)
    if isinstance(group, str) and group:
        return group
    return None if trace.trace_id == NO_TRACE else trace.trace_id


def _object(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found: dict[str, object] = {}
    for name, value in pairs:
        if name in found:
            raise _conflict(name)
        found[name] = value
    return found


def _constant(name: str) -> NoReturn:
    raise ValueError(name)


def _malformed(what: str) -> InvalidInput:
    return InvalidInput(
        f"{what}, send one object with a value for each argument", reason_code="arguments_malformed"
    )


def _conflict(name: str) -> InvalidInput:
    return InvalidInput(f"argument {name[:80]!r} is there twice", reason_code="argument_conflict")
