"""Positional arguments by the names of the parameters, since some frameworks call tools positionally."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Collection, Mapping, Sequence

from permit0.errors import InvalidInput

__all__ = ["by_name"]


def by_name(
    function: Callable[..., object],
    args: Sequence[object],
    kwargs: Mapping[str, object],
    *,
    ignore: Collection[str] = (),
) -> dict[str, object]:
    """The arguments of a call by name, defaults included.

    Args:
        function: The tool's function, bound if it is a method.
        args, kwargs: As it was called.
        ignore: Parameters that the framework and not the model provides (a context, a callback manager).

    Raises:
        InvalidInput: argument_conflict, argument_unexpected: it cannot be called like this.
    """
    try:
        bound = inspect.signature(function).bind(*args, **kwargs)
    except TypeError as error:
        raise InvalidInput(
            f"the arguments do not fit the tool: {error}", reason_code="argument_unexpected"
        ) from error
    bound.apply_defaults()
    named: dict[str, object] = {}
    for name, value in bound.arguments.items():
        if name in ignore:
            continue
        kind = bound.signature.parameters[name].kind
        if kind is inspect.Parameter.VAR_KEYWORD:
            for key, item in value.items():
                if key in ignore:
                    continue
                if key in named:
                    raise InvalidInput(
                        f"argument {key!r} is there twice", reason_code="argument_conflict"
                    )
                named[key] = item
        elif kind is inspect.Parameter.VAR_POSITIONAL:
            named[name] = list(value)
        else:
            named[name] = value
    return named
