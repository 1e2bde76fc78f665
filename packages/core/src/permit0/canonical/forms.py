"""Words that every module of canonical shares: limits, the reserved prefix, and what has no form."""

from __future__ import annotations

from typing import TypeAlias

from permit0.errors import InvalidInput

__all__ = [
    "MAX_BYTES",
    "MAX_DEPTH",
    "MAX_SAFE_INT",
    "TAG",
    "Json",
    "Refused",
    "Unfit",
    "Unordered",
    "too_deep",
    "too_long",
    "unsupported",
]

Json: TypeAlias = "bool | int | float | str | list[Json] | dict[str, Json] | None"

MAX_BYTES = 1 << 20  # DESIGN 5: an over-long argument is refused; the default is 1 MiB
MAX_DEPTH = 64  # deeper than any real tool schema, far below the interpreter's recursion limit
MAX_SAFE_INT = (1 << 53) - 1  # RFC 8785 3.2.2.3 / RFC 7493 2.2: exact in an IEEE double
TAG = "$permit0:"


class Unordered(list[Json]):
    """The members of a set, sorted by their bytes: an order that means nothing.

    Whoever reads a meaning into an order (the words of a command) must refuse it.
    """

    __slots__ = ()


class Unfit(Exception):
    """A value has no form. words: what is wrong with it, to follow its path in a sentence."""

    def __init__(self, words: str, reason_code: str = "argument_type_unsupported") -> None:
        super().__init__(words)
        self.words = words
        self.reason_code = reason_code

    def at(self, where: str) -> InvalidInput:
        """The error that names the path; a length is that of all arguments together."""
        if self.reason_code == "arguments_too_long":
            where = "arguments"
        return InvalidInput(f"{where} {self.words}", where=where, reason_code=self.reason_code)


class Refused:
    """Stands in a snapshot for what has no form; whoever freezes the snapshot is told why."""

    __slots__ = ("why",)

    def __init__(self, why: Unfit) -> None:
        self.why = why


def unsupported(kind: type) -> Unfit:
    """A type that has no form."""
    return Unfit(
        f"is a {kind.__name__!r}, which has no canonical form, pass text, numbers, lists and objects "
        "(what the program and not the agent provides is the guard's `context`)"
    )


def too_deep() -> Unfit:
    """More than MAX_DEPTH levels."""
    return Unfit(f"is nested deeper than {MAX_DEPTH} levels", "arguments_too_deep")


def too_long(max_bytes: int) -> Unfit:
    """More than `max_bytes`. It speaks of the arguments as a whole."""
    return Unfit(
        f"are longer than {max_bytes} bytes, send a reference instead", "arguments_too_long"
    )
