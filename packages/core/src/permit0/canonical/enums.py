"""Members of enumerations.

Guarantees: only true members, known by the class's own table; their value is read without their methods.
A member of a StrEnum, IntEnum or another mixture with str, int or float is its plain value (writer); of
every other enumeration it is its class, name and, where that is a constant, value.
"""

from __future__ import annotations

import math
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum
from typing import Any

from permit0.canonical.forms import Unfit
from permit0.canonical.leaves import read_leaf

__all__ = ["check_plain_enum", "read_enum"]

_CONSTANT = frozenset({bool, int, str, type(None), bytes, Decimal, datetime, date, time, timedelta})


def read_enum(value: Enum) -> tuple[str, bool, object]:
    """Name of a member, whether its value is a constant that can be written, and the value.

    Raises:
        Unfit: It is no member of its class.
    """
    name, content = _member(value)
    constant = _is_constant(content)
    return name, constant, content if constant else None


def check_plain_enum(value: Enum, plain: float | str) -> None:
    """Refuse a member that says one thing as `value` and another one as what it is.

    Raises:
        Unfit: It does, or is no member of its class.
    """
    _, content = _member(value)
    if type(content) not in (str, int, float, bool) or content != plain:
        raise Unfit("is a member of an enumeration whose value is not what it is as text or number")


def _member(value: Enum) -> tuple[str, object]:
    kind: Any = type(value)
    state: dict[str, object] = object.__getattribute__(value, "__dict__")
    name, content = state.get("_name_"), state.get("_value_")
    try:
        known = kind._member_map_.get(name) is value or (
            kind._value2member_map_.get(content) is value  # several flags together
        )
    except TypeError:  # not hashable, so no flags
        known = False
    if not known or not (name is None or type(name) is str):
        raise Unfit(f"is no member of {kind.__name__!r}")
    return name or "", content


def _is_constant(content: object) -> bool:
    """Whether nobody can change it. Others, a list for instance, are known by the member's name."""
    kind = type(content)
    if kind in _CONSTANT:
        return True
    if kind is float:
        return math.isfinite(content)  # type: ignore[arg-type]  # kind is float
    if isinstance(content, tuple):
        return kind is tuple and all(map(_is_constant, content))
    leaf = kind is not bytearray and read_leaf(content)
    return bool(leaf)
