"""Translate the tool calls of CrewAI for permit0, and refusals back.

Guarantees:
  1. Arguments are judged by name, with the defaults of the schema and of the function: what the body gets.
  2. A tool has one name at every layer, its own: not the one that CrewAI makes of it for the model
     ("delete_file_2").
  3. Who calls: what was said when guarding, else `permit0.session`, else what CrewAI knows. The session
     is the crew (or the agent without a crew), over all its kickoffs; a crew that runs inside a tool
     belongs to the session of that tool's call. The agent is its role.
  4. A refusal is a ToolFailure, which CrewAI never caches and never takes for an answer, and as text
     it is what the model shall read.
Does not: decide, or keep anything.
"""

from __future__ import annotations

import functools
import inspect
import json
from collections.abc import Callable, Mapping
from typing import Any

from crewai.tools import BaseTool
from crewai.tools.base_tool import Tool
from crewai.tools.structured_tool import CrewStructuredTool
from crewai.tools.tool_failure import ToolFailure
from pydantic import ValidationError

from permit0 import ApprovalRequest, ApprovalRequired, Identity, InvalidInput, Permit0Error
from permit0.integration import current_identity, refusal_text

__all__ = [
    "REFUSED",
    "Arguments",
    "Refusal",
    "call_id",
    "effective",
    "identity_of",
    "refusal",
    "schema_of",
    "tool_of",
    "unrecorded",
]

REFUSED = "permit0_refused"
UNRECORDED = "permit0_unrecorded"
MAX_AGENT_CHARS = 200  # a role may be a page of text
_NOBODY = Identity()


class Refusal(ToolFailure):
    """What a tool gives back instead of running. details: reason_code, and request if a person is asked."""

    def __str__(self) -> str:
        # Some callers (LLM.call, adapters) show the model str(result).
        return self.as_agent_message()


class Arguments:
    """The arguments of one call, by name.

    Args:
        body: What will be called, bound if it is a method.
        args, kwargs: With what.

    Raises:
        InvalidInput: argument_unexpected, argument_conflict: it cannot be called like this.
    """

    __slots__ = ("_bound", "_rest", "judged")

    def __init__(
        self, body: Callable[..., object], args: tuple[object, ...], kwargs: Mapping[str, object]
    ) -> None:
        try:
            self._bound = inspect.signature(body).bind(*args, **kwargs)
        except TypeError as error:
            raise InvalidInput(
                f"the arguments do not fit the tool: {error}", reason_code="argument_unexpected"
            ) from error
        self._bound.apply_defaults()
        self._rest: list[str] = []
        self.judged: dict[str, object] = {}
        for name, value in self._bound.arguments.items():
            match self._kind(name):
                case inspect.Parameter.VAR_KEYWORD:
                    for key, item in value.items():
                        if key in self.judged:
                            raise InvalidInput(
                                f"argument {key!r} is there twice", reason_code="argument_conflict"
                            )
                        self.judged[key] = item
                        self._rest.append(key)
                case inspect.Parameter.VAR_POSITIONAL:
                    # `_run(self, *args, **kwargs)` is common, and nobody passes positions to it.
                    if value:
                        self.judged[name] = list(value)
                case _:
                    self.judged[name] = value

    def put(self, values: Mapping[str, Any]) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """What to call the body with: `values` under the names of `judged`."""
        for name in list(self._bound.arguments):
            match self._kind(name):
                case inspect.Parameter.VAR_KEYWORD:
                    self._bound.arguments[name] = {key: values[key] for key in self._rest}
                case inspect.Parameter.VAR_POSITIONAL:
                    self._bound.arguments[name] = tuple(values.get(name, ()))
                case _:
                    self._bound.arguments[name] = values[name]
        return self._bound.args, self._bound.kwargs

    def _kind(self, name: str) -> object:
        return self._bound.signature.parameters[name].kind


def tool_of(structured: object) -> BaseTool | CrewStructuredTool:
    """The tool that a hook's context is about.

    Raises:
        InvalidInput: tool_missing: CrewAI does not say which; nothing is known of its defaults.
    """
    original = getattr(structured, "_original_tool", None)
    if isinstance(original, BaseTool):
        return original
    if isinstance(structured, CrewStructuredTool | BaseTool):
        return structured
    raise InvalidInput("CrewAI does not say which tool this is", reason_code="tool_missing")


def effective(
    tool: BaseTool | CrewStructuredTool, given: Mapping[str, object]
) -> dict[str, object]:
    """What the body would be called with: validated, with defaults.

    Raises:
        InvalidInput: argument_invalid, argument_unexpected, argument_conflict.
    """
    values = dict(given)
    schema = tool.args_schema
    if schema is not None and schema.model_fields:
        try:
            values = schema.model_validate(values).model_dump()
        except ValidationError as error:
            # Only where and what; the values themselves stay out of messages.
            wrong = "; ".join(
                f"{'.'.join(map(str, item['loc'])) or 'arguments'}: {item['msg']}"
                for item in error.errors(include_url=False, include_context=False)
            )
            raise InvalidInput(
                f"the arguments do not fit the tool: {wrong}", reason_code="argument_invalid"
            ) from None
    return Arguments(_body(tool), (), values).judged


def schema_of(tool: object) -> str:
    """The JSON Schema of a tool's arguments as text; "" if it has none. Made once for each schema."""
    schema = getattr(tool, "args_schema", None)
    return _schema_text(schema) if isinstance(schema, type) else ""


@functools.lru_cache(maxsize=512)
def _schema_text(schema: Any) -> str:
    try:
        return json.dumps(schema.model_json_schema(), sort_keys=True)
    except Exception:  # noqa: BLE001  # boundary: pydantic, over types of the user's; the guard does without
        return ""


def _body(tool: BaseTool | CrewStructuredTool) -> Callable[..., object]:
    if isinstance(tool, Tool | CrewStructuredTool):
        body: Callable[..., object] = tool.func
        return body
    return tool._run


def identity_of(
    agent: object, crew: object, *, said: Identity | None, around: Identity | None
) -> Identity:
    """Who calls.

    Args:
        agent, crew: As CrewAI knows them; None in a direct call of a tool.
        said: What was given when guarding; a member that is the default was not said.
        around: Whose call this one is inside of.

    Raises:
        InvalidInput: session_not_carried.
    """
    said = _NOBODY if said is None else said
    around = _NOBODY if around is None else around
    here = _NOBODY if said.session != _NOBODY.session else current_identity()
    return Identity(
        session=_first(said.session, here.session, around.session, _session(agent, crew)),
        agent=_first(said.agent, here.agent, _role(agent), around.agent),
        principal=said.principal or here.principal or around.principal,
        task=said.task or here.task or around.task,
    )


def _first(*names: str) -> str:
    return next((name for name in names if name != "default"), "default")


def _session(agent: object, crew: object) -> str:
    for kind, owner in (("crew", crew), ("agent", agent)):
        id_ = getattr(owner, "id", None)
        if id_ is not None:
            return f"{kind}:{id_}"
    return "default"


def _role(agent: object) -> str:
    role = getattr(agent, "role", None)
    name = " ".join(role.split())[:MAX_AGENT_CHARS] if isinstance(role, str) else ""
    return name or "default"


def call_id(task: object, tool: str, session: str) -> str:
    """What ties a call to the one that was tried before: the task and the tool.

    CrewAI shows hooks no id of the call, and a second kickoff would have others. The request to a person
    is looked up by session, agent and arguments as well; without a session of its own, none is.
    """
    if session == "default":
        return ""
    key = getattr(task, "key", None)
    # The key, not the id: a task that is built again in another process has the same key.
    return f"crewai:{key if isinstance(key, str) else ''}:{tool}"


def refusal(error: BaseException) -> Refusal:
    """What a tool gives back that may not run."""
    details = {"reason_code": error.reason_code if isinstance(error, Permit0Error) else "failed"}
    if isinstance(error, ApprovalRequired) and isinstance(error.request, ApprovalRequest):
        details["request"] = error.request.id
    return Refusal(message=refusal_text(error), code=REFUSED, details=details)


def unrecorded(tool: str) -> Refusal:
    """What a tool gives back that ran, but whose outcome could not be kept."""
    return Refusal(
        message=f"{tool} ran, but permit0 could not record what came of it. Do not run it again; "
        "tell the user.",
        code=UNRECORDED,
        details={"reason_code": "outcome_unrecorded"},
    )


def look_like(wrapper: Callable[..., Any], body: Callable[..., Any]) -> None:
    """Give a wrapper the face of what it wraps, for schemas, but no way to it (no __wrapped__)."""
    for name in ("__module__", "__name__", "__qualname__", "__doc__"):
        if hasattr(body, name):
            setattr(wrapper, name, getattr(body, name))
    plain = body.func if isinstance(body, functools.partial) else body
    try:
        # Names in annotations mean something in the module of the body only.
        wrapper.__annotations__ = dict(inspect.get_annotations(plain, eval_str=True))
    except Exception:  # noqa: BLE001  # a stranger's annotations; they stay as they are written
        wrapper.__annotations__ = dict(getattr(plain, "__annotations__", {}))
    wrapper.__signature__ = inspect.signature(body)  # type: ignore[attr-defined]  # what inspect looks for
