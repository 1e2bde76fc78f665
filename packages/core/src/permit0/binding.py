"""What a wrapped function is called with: which of it is judged, and how judged values are put in its place.

Guarantees: defaults count as arguments; a caller's keyword cannot take the name of another argument;
what is put back are exactly the values that the caller of `replace` gives, for everything that is judged.
Does not: judge (guard, gateway).
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Collection, Mapping
from typing import Any, TypeVar

from permit0.canonical import snapshot
from permit0.errors import InvalidInput

__all__ = ["Binder", "Bound", "copied", "is_async", "is_generator", "name_of", "named"]

F = TypeVar("F", bound=Callable[..., Any])

_BOUND_FIRST = frozenset({"self", "cls"})  # the object of a method is no argument of the agent's


class Bound:
    """The arguments of one call.

    judged: by name, the caller's own objects; `*args` is a list, `**kwargs` are members of their own.
    """

    __slots__ = ("_bound", "_judged_parameters", "_rest", "judged")

    def __init__(
        self, bound: inspect.BoundArguments, parameters: tuple[inspect.Parameter, ...]
    ) -> None:
        self._bound = bound
        self._judged_parameters = parameters
        self._rest: list[str] = []  # names of **kwargs
        self.judged: dict[str, object] = {}
        for parameter in parameters:
            value = bound.arguments[parameter.name]
            if parameter.kind is inspect.Parameter.VAR_KEYWORD:
                for key, item in value.items():
                    name = str.__str__(key)  # a subclass could be equal to another name
                    if name in self.judged:
                        raise InvalidInput(
                            f"argument {name!r} is there twice", reason_code="argument_conflict"
                        )
                    self.judged[name] = item
                    self._rest.append(name)
            elif parameter.kind is inspect.Parameter.VAR_POSITIONAL:
                self.judged[parameter.name] = list(value)
            else:
                self.judged[parameter.name] = value

    def replace(self, values: Mapping[str, Any]) -> None:
        """Put values in the place of everything that is judged; they have the names of `judged`."""
        arguments = self._bound.arguments
        for parameter in self._judged_parameters:
            name = parameter.name
            if parameter.kind is inspect.Parameter.VAR_KEYWORD:
                arguments[name] = {key: values[key] for key in self._rest}
            elif parameter.kind is inspect.Parameter.VAR_POSITIONAL:
                arguments[name] = tuple(values[name])
            else:
                arguments[name] = values[name]

    @property
    def args(self) -> tuple[Any, ...]:
        """What to call the function with."""
        return self._bound.args

    @property
    def kwargs(self) -> dict[str, Any]:
        """What to call the function with."""
        return self._bound.kwargs


class Binder:
    """Binds calls of one function.

    Args:
        function: The function.
        context: Parameters that the program and not the agent provides; they are not judged.

    Raises:
        InvalidInput: tool_signature_unknown: the function does not say what it takes.
    """

    def __init__(self, function: Callable[..., object], context: Collection[str]) -> None:
        try:
            self.signature = inspect.signature(function)
        except (ValueError, TypeError) as error:
            raise InvalidInput(
                f"{name_of(function)!r} does not say what it takes, wrap it in a function that does",
                reason_code="tool_signature_unknown",
            ) from error
        parameters = list(self.signature.parameters.values())
        if parameters and parameters[0].name in _BOUND_FIRST and _is_in_class(function):
            del parameters[0]
        self._judged = tuple(item for item in parameters if item.name not in context)

    def bind(self, args: tuple[object, ...], kwargs: Mapping[str, object]) -> Bound:
        """Bind one call, defaults included.

        Raises:
            InvalidInput: arguments_do_not_fit, argument_conflict.
        """
        try:
            bound = self.signature.bind(*args, **kwargs)
        except TypeError as error:
            raise InvalidInput(
                f"the arguments do not fit the function: {error}",
                where="arguments",
                reason_code="arguments_do_not_fit",
            ) from error
        bound.apply_defaults()
        return Bound(bound, self._judged)

    def with_keyword(self, name: str, kind: type) -> inspect.Signature:
        """The signature with one more keyword-only parameter.

        Raises:
            InvalidInput: tool_parameter_taken: the function has one of this name.
        """
        parameters = list(self.signature.parameters.values())
        if any(item.name == name for item in parameters):
            raise InvalidInput(
                f"the function has a parameter {name!r} of its own, rename it",
                reason_code="tool_parameter_taken",
            )
        more = inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, annotation=kind)
        has_rest = bool(parameters) and parameters[-1].kind is inspect.Parameter.VAR_KEYWORD
        parameters.insert(len(parameters) - has_rest, more)
        return self.signature.replace(parameters=parameters)


def copied(arguments: Mapping[str, object]) -> dict[str, object]:
    """Arguments as a snapshot: what is digested is what the body gets, and nobody else holds it.

    What has no canonical form has a mark in its place, and `freeze` says why.
    """
    return {name: snapshot(value) for name, value in arguments.items()}


def is_async(function: Callable[..., object]) -> bool:
    """Also true for an object whose __call__ is a coroutine function."""
    return any(inspect.iscoroutinefunction(item) for item in _bodies(function))


def is_generator(function: Callable[..., object]) -> bool:
    """Whether the body runs only when somebody iterates over what the call gave back."""
    return any(
        inspect.isgeneratorfunction(item) or inspect.isasyncgenfunction(item)
        for item in _bodies(function)
    )


def name_of(function: Callable[..., object]) -> str:
    """What people call the function."""
    inner = function.func if isinstance(function, functools.partial) else function
    name: str = getattr(inner, "__name__", type(inner).__name__)
    return name


def named(wrapper: F, function: Callable[..., object], signature: inspect.Signature) -> F:
    """Make a wrapper look like the function to frameworks, without a way from it to the function."""
    for name in ("__module__", "__name__", "__qualname__", "__doc__", "__annotations__"):
        if hasattr(function, name):
            setattr(wrapper, name, getattr(function, name))
    wrapper.__signature__ = signature  # type: ignore[attr-defined]  # what inspect looks for
    return wrapper


def _bodies(function: Callable[..., object]) -> tuple[Any, ...]:
    inner = inspect.unwrap(function)
    if inspect.isroutine(inner):
        return function, inner
    return function, inner, getattr(type(inner), "__call__", None)  # noqa: B004  # the method itself is wanted


def _is_in_class(function: Callable[..., object]) -> bool:
    """Whether a function was written inside a class; a bound one no longer has its first parameter.

    A plain function may call its first parameter `cls`, and then it is the agent's.
    """
    if inspect.ismethod(function) or isinstance(function, staticmethod):
        return False
    before = getattr(function, "__qualname__", "").rpartition(".")[0]
    return bool(before) and not before.endswith("<locals>")
