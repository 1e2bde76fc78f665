"""A copy that holds what its bytes say and nothing else, and that nobody else holds.

Guarantees:
  1. Everything in it is of an exact type that `freeze` reads without running foreign code, so that it is
     what was digested, now and later.
  2. No object that can change is shared with the original: not a list, a buffer, a default of a class or a
     private attribute. Shared are only constants: exact immutable values, and members of enumerations.
  3. What has no form has a Refused in its place, so that `freeze` says why. Never raises.
  4. The copy is a tree: an object that occurs twice is two, as in the bytes.
What is not of such a type becomes one: a mapping a dict (an OrderedDict stays one), a subclass of list, tuple,
str, int or float the plain value. Classes of named tuples, dataclasses, structs and models stay.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Mapping
from enum import Enum
from typing import Any

from permit0.canonical.enums import check_plain_enum, read_enum
from permit0.canonical.forms import (
    MAX_BYTES,
    MAX_DEPTH,
    Refused,
    Unfit,
    too_deep,
    too_long,
    unsupported,
)
from permit0.canonical.leaves import read_leaf
from permit0.canonical.records import read_record

__all__ = ["snapshot"]

_SHARED = frozenset({str, int, float, bool, type(None)})


def snapshot(value: object) -> Any:  # Any: the same type as the value, as far as it is kept
    """A deep copy to digest and then to work with, while the original may change.

    Args:
        value: One argument, or all of them.

    Returns:
        The copy. Freeze it before it is used: what cannot be digested is not in it.
    """
    return _Copier().copy(value, 0)


class _Copier:
    """Copies one value; `_room` bounds how many values the copy may hold."""

    __slots__ = ("_room",)

    def __init__(self) -> None:
        self._room = MAX_BYTES

    def copy(self, value: object, depth: int) -> Any:
        kind = type(value)
        if kind in _SHARED:
            return value
        try:
            if depth > MAX_DEPTH:
                raise too_deep()
            return self._copied(value, kind, depth + 1)
        except Unfit as unfit:
            return Refused(unfit)
        # A foreign mapping, or a hash of a member of a set, runs its own code; whatever it raises is a refusal.
        except Exception as error:  # noqa: BLE001
            return Refused(Unfit(f"cannot be read: {type(error).__name__}"))

    def _copied(self, value: Any, kind: type, depth: int) -> object:
        if kind is dict:
            self._take(len(value))
            return self._mapping(list(value.items()), depth)
        if kind is list or kind is tuple:
            self._take(len(value))
            items = [
                item if type(item) in _SHARED else self.copy(item, depth) for item in tuple(value)
            ]
            return items if kind is list else tuple(items)
        if isinstance(value, Enum):
            return _enum(value)
        if isinstance(value, str | int | float):
            return _exact(value)
        leaf = read_leaf(value)
        if leaf is not None:
            return leaf[2]
        if kind is set or kind is frozenset:
            return self._set(value, kind, depth)
        if isinstance(value, Mapping):
            members = self._mapping(self._counted(value.items()), depth)
            return OrderedDict(members) if kind is OrderedDict else members
        record = read_record(value)
        if record is not None:
            parts = (record.fields, *record.more.values())
            self._take(sum(map(len, parts)))
            return record.build(
                self._mapping(record.fields.items(), depth),
                {name: self._mapping(part.items(), depth) for name, part in record.more.items()},
            )
        if isinstance(value, list):
            return [self.copy(item, depth) for item in self._counted(list.__iter__(value))]
        if isinstance(value, tuple):
            return tuple([self.copy(item, depth) for item in self._counted(tuple.__iter__(value))])
        raise unsupported(kind) if kind is not Refused else value.why

    def _mapping(self, items: Iterable[tuple[Any, object]], depth: int) -> dict[str, object]:
        result: dict[str, object] = {}
        for name, item in items:
            if not isinstance(name, str):
                raise Unfit(f"has a member name that is no text: {type(name).__name__!r}")
            name = str.__str__(name)
            if name in result:
                raise Unfit("has two members of one name", "argument_conflict")
            result[name] = item if type(item) in _SHARED else self.copy(item, depth)
        return result

    def _set(self, value: Any, kind: type, depth: int) -> object:
        self._take(len(value))
        result: Any = kind([self.copy(item, depth) for item in tuple(value)])
        if len(result) != len(value):
            raise Unfit("has members that are equal only now and then")
        return result

    def _counted(self, items: Iterable[Any]) -> Iterable[Any]:
        for item in items:
            self._take(1)
            yield item

    def _take(self, count: int) -> None:
        self._room -= count
        if self._room < 0:
            raise too_long(MAX_BYTES)


def _enum(value: Enum) -> object:
    """The member itself: a constant of the program."""
    if isinstance(value, str | int | float):
        check_plain_enum(value, _exact(value))
    else:
        read_enum(value)
    return value


def _exact(value: float | str) -> float | str:
    if isinstance(value, str):
        return str.__str__(value)
    return int.__int__(value) if isinstance(value, int) else float.__float__(value)
