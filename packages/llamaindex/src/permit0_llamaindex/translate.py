"""Translate for permit0: what a tool of LlamaIndex is called with, who calls it, and refusals back.

Guarantees: what is judged is what the body gets, by name, defaults included; an object that the framework
or the program injects (a Context, a client among `partial_params`) is passed as it is, and a value that a
model sends in its place is refused; a refusal says to the model what `refusal_text` says and no more.
Does not: decide, or call anything.
"""

from __future__ import annotations

import inspect
import json
from collections.abc import Callable, Mapping, Sequence

from llama_index.core.bridge.pydantic import FieldInfo
from llama_index.core.tools import BaseTool, FunctionTool, ToolOutput
from llama_index.core.workflow import Context

from permit0 import (
    ApprovalRequest,
    ApprovalRequired,
    Denied,
    Identity,
    InvalidInput,
    OutcomeUnrecorded,
    Permit0Error,
)
from permit0.integration import Binder, Bound, current_identity, refusal_text

__all__ = [
    "FunctionArguments",
    "MethodArguments",
    "ToolRefused",
    "error_output",
    "identity_of",
    "not_counted",
    "ran_unrecorded",
    "refused",
    "schema_of",
]

# What a model can write. Anything else among `partial_params` is an object of the program.
_PLAIN = (str, int, float, bool, list, tuple, dict, type(None))
_POSITIONAL = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
_DEFAULT = Identity()


class ToolRefused(Denied):
    """A tool was not run. Its text is for the model; `__cause__` says the rest.

    `request` is the ApprovalRequest that waits for a person, None if none does.
    """

    def __init__(
        self,
        message: str,
        *,
        decision: object,
        reason_code: str,
        request: ApprovalRequest | None = None,
    ) -> None:
        super().__init__(message, decision=decision, reason_code=reason_code)
        self.request = request


def refused(error: Exception) -> ToolRefused:
    """The refusal for whatever kept a call from being let in."""
    request = error.request if isinstance(error, ApprovalRequired) else None
    return ToolRefused(
        refusal_text(error),
        decision=error.decision if isinstance(error, Denied) else None,
        reason_code=error.reason_code if isinstance(error, Permit0Error) else "internal_error",
        request=request if isinstance(request, ApprovalRequest) else None,
    )


def not_counted(refusal: ToolRefused, problem: Permit0Error) -> ToolRefused:
    """The refusal of a call whose approval came in a form that does not count."""
    return ToolRefused(
        f"{refusal} The answer that came does not count: {problem}.",
        decision=refusal.decision,
        reason_code=problem.reason_code,
        request=refusal.request,
    )


def ran_unrecorded(tool: str, error: OutcomeUnrecorded) -> OutcomeUnrecorded:
    """The same for the model: it must not take it for a refusal and try again."""
    return OutcomeUnrecorded(
        f"{tool} ran, but what came of it could not be recorded, so its result is withheld. "
        "Do not run it again; tell the user.",
        result=error.result,
    )


def error_output(tool: str, error: Permit0Error, raw_input: Mapping[str, object]) -> ToolOutput:
    """What a tool gives back instead of a result; agents never take it for the final answer."""
    return ToolOutput(
        content=str(error),
        tool_name=tool,
        raw_input=dict(raw_input),
        raw_output=str(error),
        is_error=True,
        exception=error,
    )


def schema_of(tool: BaseTool) -> tuple[str, tuple[str, ...]]:
    """The schema of a tool's arguments as text, and their names in order; nothing if it has none."""
    try:
        schema = tool.metadata.get_parameters_dict()
    except Exception:  # noqa: BLE001  # boundary: pydantic, over types of the user's; the framework says it
        return "", ()
    return json.dumps(schema, default=str), tuple(schema.get("properties", ()))


def identity_of(
    agent: str, *, session: str | None, around: Identity | None, framework_session: str | None
) -> Identity:
    """Who calls: what was said explicitly, then `permit0.session`, then what is around, then the framework.

    Args:
        agent: Name of the agent.
        session: Given when the agent was guarded, if it was.
        around: Who calls the tool whose body runs this agent, if one does.
        framework_session: What the framework would call the session.

    Raises:
        InvalidInput: session_not_carried; session_unknown: none of them says anything.
    """
    open_ = current_identity()
    said = [
        session,
        None if open_.session == _DEFAULT.session else open_.session,
        None if around is None else around.session,
        framework_session,
    ]
    first = next((name for name in said if name), None)
    if first is None:
        raise InvalidInput(
            "the session of this call is not known, open one with permit0.session or give guard_agent one",
            reason_code="session_unknown",
        )
    above = None if around is None else around.principal
    return Identity(
        session=first,
        agent=agent if open_.agent == _DEFAULT.agent else open_.agent,
        principal=above if open_.principal is None else open_.principal,
        task=open_.task,
    )


class FunctionArguments:
    """The arguments of a FunctionTool's function.

    Args:
        function: Whose signature counts.
        tool: Says which of them the framework and the program inject.
    """

    def __init__(self, function: Callable[..., object], tool: FunctionTool) -> None:
        self._context = tool.ctx_param_name if tool.requires_context else None
        self._objects = {
            name: value
            for name, value in tool.partial_params.items()
            if not isinstance(value, _PLAIN)
        }
        injected = {*self._objects, *([] if self._context is None else [self._context])}
        self._binder = Binder(function, injected)

    @property
    def signature(self) -> inspect.Signature:
        """Of the function."""
        return self._binder.signature

    def bind(self, args: Sequence[object], kwargs: Mapping[str, object]) -> Bound:
        """Bind one call.

        Raises:
            InvalidInput: It does not fit, or claims what only the framework or the program provides.
        """
        for name, value in kwargs.items():
            is_context = name == self._context and not isinstance(value, Context)
            is_object = name in self._objects and value is not self._objects[name]
            if is_context or is_object:
                raise InvalidInput(
                    f"{name!r} is not the agent's to give, leave it out",
                    where=f"arguments.{name}",
                    reason_code="argument_injected",
                )
        bound = self._binder.bind(tuple(args), kwargs)
        for name, value in bound.judged.items():
            if isinstance(value, FieldInfo):  # `= Field(default=...)`, which Python takes literally
                bound.judged[name] = _default_of(name, value)
        return bound


class MethodArguments:
    """The arguments of the `call`, `acall` or `__call__` of a tool that is no FunctionTool.

    Their form stays: some tools read a positional argument otherwise than a keyword.

    Args:
        method: The bound method. schema: names of the tool's arguments, in order.
    """

    def __init__(self, method: Callable[..., object], schema: Sequence[str]) -> None:
        parameters = inspect.signature(method).parameters.values()
        own = [item.name for item in parameters if item.kind in _POSITIONAL]
        takes_more = any(item.kind is inspect.Parameter.VAR_POSITIONAL for item in parameters)
        self._positional = [*own, *(name for name in schema if takes_more and name not in own)]
        self._defaults = {
            item.name: item.default
            for item in parameters
            if item.default is not inspect.Parameter.empty
        }

    def named(self, args: Sequence[object], kwargs: Mapping[str, object]) -> dict[str, object]:
        """The arguments by name.

        Raises:
            InvalidInput: argument_unexpected, argument_conflict.
        """
        if len(args) > len(self._positional):
            raise InvalidInput(
                f"the tool takes {len(self._positional)} arguments by position and got {len(args)}",
                reason_code="argument_unexpected",
            )
        named = dict(zip(self._positional, args, strict=False))
        for name, value in kwargs.items():
            if name in named:
                raise InvalidInput(
                    f"argument {name!r} is there twice", reason_code="argument_conflict"
                )
            named[name] = value
        return {**self._defaults, **named}

    def again(
        self, arguments: Mapping[str, object], args: Sequence[object], kwargs: Mapping[str, object]
    ) -> tuple[list[object], dict[str, object]]:
        """Judged values in the form of the call that they come from."""
        by_position = [arguments[name] for name in self._positional[: len(args)]]
        return by_position, {name: arguments[name] for name in kwargs}


def _default_of(name: str, field: FieldInfo) -> object:
    if field.is_required():
        raise InvalidInput(
            f"argument {name!r} is missing",
            where=f"arguments.{name}",
            reason_code="argument_missing",
        )
    value: object = field.get_default(call_default_factory=True)
    return value
