"""What tools an object has, as `permit0 scan` asks: name, description and schema, without running any.

Guarantees: the tools come from the integrations that know the object; a module gives those of its public
names, a list those of its items; a tool that is found twice is given once, in the order of finding. An
integration that fails is named, with the type of the error and its message.
Does not: guard anything, start a server, or ask a network: what only a running MCP server lists is not found.
"""

from __future__ import annotations

import inspect
import types
import typing
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Protocol, runtime_checkable

from permit0.canonical import Json
from permit0.classify import ToolDescription
from permit0.errors import InvalidInput
from permit0.integration.protecting import integrations

__all__ = ["DescribesTools", "ToolDescription", "describe_function", "describe_tools"]

MAX_TOOLS = 10_000  # of one object; more is no agent
_TYPES: Mapping[object, str] = types.MappingProxyType(
    {str: "string", int: "integer", float: "number", bool: "boolean", list: "array", dict: "object"}
)


@runtime_checkable
class DescribesTools(Protocol):
    """An Integration that can also list tools. Importing it must not import the framework."""

    name: str

    def tools(self, obj: object) -> Sequence[ToolDescription] | None:
        """The tools of an object; None if it is not of this framework or the framework is not loaded."""


def describe_tools(obj: object) -> tuple[ToolDescription, ...]:
    """The tools of an agent, a crew, a graph, a tool, a list of them, a function, or a module.

    Raises:
        InvalidInput: scan_no_tools: nothing there is a tool that any installed integration knows;
            scan_failed: an integration could not read the object.
    """
    known = [item for item in integrations() if isinstance(item, DescribesTools)]
    found: dict[tuple[str, str], ToolDescription] = {}
    for tool in _tools(obj, known, set()):
        found.setdefault((tool.name, tool.description), tool)
        if len(found) > MAX_TOOLS:
            raise InvalidInput(f"it has more than {MAX_TOOLS} tools", reason_code="scan_failed")
    if not found:
        what = "this module" if isinstance(obj, types.ModuleType) else f"a {type(obj).__name__!r}"
        raise InvalidInput(
            f"nothing in {what} looks like a tool to the integrations that are installed "
            f"({', '.join(sorted(item.name for item in known)) or 'none'})",
            reason_code="scan_no_tools",
        )
    return tuple(found.values())


def describe_function(function: Callable[..., object]) -> ToolDescription:
    """A plain function as a tool: its name, docstring and parameters."""
    try:
        parameters = inspect.signature(function).parameters.values()
        hints = typing.get_type_hints(function)
    except (TypeError, ValueError, NameError):  # built in, or annotated with what is not there
        parameters, hints = {}.values(), {}
    members: dict[str, Json] = {}
    required: list[Json] = []
    for parameter in parameters:
        if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD):
            continue
        hint = hints.get(parameter.name)
        kind = _TYPES.get(typing.get_origin(hint) or hint)
        members[parameter.name] = {} if kind is None else {"type": kind}
        if parameter.default is parameter.empty:
            required.append(parameter.name)
    schema: dict[str, Json] = {"type": "object", "properties": members, "required": required}
    name = str(getattr(function, "__name__", type(function).__name__))
    return ToolDescription(name, inspect.getdoc(function) or "", schema)


def _tools(
    obj: object, known: Sequence[DescribesTools], seen: set[int], *, functions: bool = True
) -> Iterator[ToolDescription]:
    if id(obj) in seen:
        return
    seen.add(id(obj))
    described = False
    for integration in known:
        answer = _asked(integration, obj)
        if answer is not None:
            described = True
            yield from answer
    if described:
        return
    if isinstance(obj, types.ModuleType):
        for name, value in list(vars(obj).items()):
            if not name.startswith("_") and not isinstance(value, types.ModuleType | type):
                # Functions are no tools of a module: most of them are something else.
                yield from _tools(value, known, seen, functions=False)
    elif isinstance(obj, list | tuple | set | frozenset):
        for item in obj:
            yield from _tools(item, known, seen, functions=functions)
    elif isinstance(obj, dict):
        for item in list(obj.values()):
            yield from _tools(item, known, seen, functions=functions)
    elif functions and inspect.isroutine(obj) and callable(obj):
        yield describe_function(obj)


def _asked(integration: DescribesTools, obj: object) -> Sequence[ToolDescription] | None:
    try:
        return integration.tools(obj)
    except Exception as error:  # boundary: the framework's and the user's classes run here
        raise InvalidInput(
            f"the tools of a {type(obj).__name__!r} cannot be read by {integration.name}: "
            f"{type(error).__name__}: {error}",
            reason_code="scan_failed",
        ) from error
