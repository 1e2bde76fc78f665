"""From the call of a Python function to the arguments that are judged, and to those that its body gets.

Guarantees: arguments by the signature, defaults included, as one deep copy: what is judged is what the body
gets, and nobody else holds it. A wrapper looks like the function to frameworks without leading back to it.
Does not: decide (guard, gateway).
"""

from __future__ import annotations

import copy
import functools
import inspect
from collections.abc import Callable, Mapping
from typing import Any, ParamSpec, TypeVar

from permit0.errors import InvalidInput

__all__ = ["bind", "copied", "is_async", "is_method", "name_of", "named", "refuse_generators"]

P = ParamSpec("P")
R = TypeVar("R")
_BOUND_FIRST = frozenset({"self", "cls"})  # the object of a method is no argument of the agent's


def bind(
    signature: inspect.Signature,
    args: tuple[object, ...],
    kwargs: Mapping[str, object],
    *,
    context: frozenset[str],
    method: bool = False,
) -> tuple[inspect.BoundArguments, dict[str, object]]:
    """What the body will get, and what of it is judged, as one copy.

    Args:
        signature: Of the function.
        args: As it was called. kwargs: as well.
        context: Parameters that the program provides: passed on as they are, not judged.
        method: Whether the first parameter is the object (see `is_method`).

    Raises:
        TypeError: It cannot be called like this.
        InvalidInput: argument_not_copyable, argument_conflict.
    """
    bound = signature.bind(*args, **kwargs)
    bound.apply_defaults()
    judged: dict[str, object] = {}
    parameters = list(signature.parameters.values())
    for i, parameter in enumerate(parameters):
        name = parameter.name
        if name in context or (i == 0 and method):
            continue
        value = copied(name, bound.arguments[name])
        bound.arguments[name] = value
        if parameter.kind is inspect.Parameter.VAR_KEYWORD:
            for key, item in value.items():
                if key in judged:
                    raise InvalidInput(
                        f"argument {key!r} is there twice", reason_code="argument_conflict"
                    )
                judged[key] = item
        elif parameter.kind is inspect.Parameter.VAR_POSITIONAL:
            judged[name] = list(value)
        else:
            judged[name] = value
    return bound, judged


def copied(name: str, value: object) -> Any:  # Any: what the function takes under this name
    """A deep copy of one argument.

    Raises:
        InvalidInput: argument_not_copyable.
    """
    try:
        return copy.deepcopy(value)
    except Exception as error:  # foreign __deepcopy__: whatever it raises is a refusal
        raise InvalidInput(
            f"argument {name!r} cannot be copied, name it in `context` if the program provides it",
            where=f"arguments.{name}",
            reason_code="argument_not_copyable",
        ) from error


def is_async(function: Callable[..., object]) -> bool:
    """Also true for an object whose __call__ is a coroutine function."""
    if inspect.iscoroutinefunction(function):
        return True
    return not inspect.isroutine(function) and inspect.iscoroutinefunction(
        getattr(type(function), "__call__", None)  # noqa: B004  # the method itself is wanted
    )


def is_method(function: Callable[..., object]) -> bool:
    """Whether the first parameter is the object of a method, and not an argument of the agent's.

    A function in a class body that calls it self or cls; a plain function may call an argument so, too.
    """
    if not inspect.isfunction(function):
        return False
    first = next(iter(inspect.signature(function).parameters), "")
    owner = function.__qualname__.rpartition(".")[0]
    return first in _BOUND_FIRST and bool(owner) and not owner.endswith("<locals>")


def name_of(function: Callable[..., object]) -> str:
    """The name under which packs may know it."""
    inner = function.func if isinstance(function, functools.partial) else function
    name: str = getattr(inner, "__name__", type(inner).__name__)
    return name


def named(
    guarded: Callable[P, R], function: Callable[P, R], signature: inspect.Signature
) -> Callable[P, R]:
    """Looks like the function to frameworks, without leading back to it."""
    for name in ("__module__", "__name__", "__qualname__", "__doc__", "__annotations__"):
        if hasattr(function, name):
            setattr(guarded, name, getattr(function, name))
    guarded.__signature__ = signature  # type: ignore[attr-defined]  # what inspect looks for
    return guarded


def refuse_generators(function: Callable[..., object], tool: str) -> None:
    """Refuse what would run after it was allowed, and what cannot be called.

    Raises:
        InvalidInput: guard_generator, guard_not_callable.
    """
    if not callable(function):
        raise InvalidInput(f"{function!r} is no function", reason_code="guard_not_callable")
    inner = inspect.unwrap(function)
    if inspect.isgeneratorfunction(inner) or inspect.isasyncgenfunction(inner):
        raise InvalidInput(
            f"{tool!r} is a generator, which runs after it was allowed, guard what consumes it",
            reason_code="guard_generator",
        )
