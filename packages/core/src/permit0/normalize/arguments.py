"""Which argument is which parameter.

Guarantees:
  * Case and separators of argument names do not matter (`Amount`, `bodyText`, `body_text`).
  * Two arguments that claim one single-valued parameter with different values are refused: which of
    them the tool would use cannot be known.
  * A caller's argument is only ever an argument: names such as `internal` or `parameter` set nothing.
  * Arguments that no mapping names are kept, and looked at for amounts, addresses and secrets.
Does not: read values (parameters).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

import msgspec

from permit0.canonical import Json
from permit0.errors import InvalidInput
from permit0.normalize.catalog import ActionEntry, ToolMapping, fold_name
from permit0.normalize.parameter_types import ParameterType
from permit0.normalize.parameters import Bound

__all__ = ["Unmapped", "bind_arguments", "looks_unread", "names_a_host"]

Unmapped = Sequence[tuple[str, Json]]

_JOINED = frozenset(
    {ParameterType.TEXT, ParameterType.FILES, ParameterType.RECIPIENTS, ParameterType.ANY}
)
"""Types of which a call may have several: they are read together."""

_AFFIXES = frozenset(
    {"override", "overrides", "new", "alt", "alternate", "alternative", "final", "extra", "second"}
    | {
        "secondary",
        "real",
        "actual",
        "other",
        "backup",
        "total",
        "effective",
        "target",
        "to",
        "the",
    }
)
_WORDS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")
_MONEY = frozenset(
    {"amount", "amounts", "total", "totals", "subtotal", "sum", "price", "cost", "currency", "ccy"}
    | {"cents", "pence", "dollars", "euros", "pounds", "quantity", "qty", "multiplier", "units"}
)
"""Words of argument names that say how much."""
_HOSTS = frozenset(
    {"url", "uri", "href", "link", "webhook", "callback", "endpoint", "host", "hostname", "server"}
    | {"domain", "site", "redirect", "proxy", "upstream", "origin"}
)
"""Words of argument names that say where on a network."""
_NUMERIC = re.compile(
    r"[\s+x*×-]*(?:[A-Z]{3}|[$€£¥₹])?[\s+-]*[\d.,_']*\d[\d.,_'eE\s+-]*"
    r"(?:[A-Za-z]{3}|[$€£¥₹%]|[kKmM]|bn|hundred|thousand|million|dollars?|euros?|pounds?)?[\s.]*"
)
"""A number, alone or with a unit or a currency on either side: `5000`, `USD 5,000`, `5k`, `x100`."""


def bind_arguments(
    arguments: Mapping[str, Json], mapping: ToolMapping, entry: ActionEntry
) -> tuple[list[Bound], list[tuple[str, Json]]]:
    """Sort arguments into parameters and the rest.

    Returns:
        The parameters that were filled, and the arguments that no mapping names.

    Raises:
        InvalidInput: Two arguments claim one parameter, or a required one is missing.
    """
    bound: list[Bound] = []
    unmapped: list[tuple[str, Json]] = []
    filled: dict[str, Bound] = {}
    parameters = entry.parameters
    names, nested, inert = mapping.names, mapping.nested, mapping.inert
    for argument, value in arguments.items():
        folded = argument
        parameter = names.get(folded)
        if parameter is None:
            folded = fold_name(argument)
            parameter = names.get(folded)
        if parameter is not None:
            spec = parameters.get(parameter)
            if spec is None:  # a parameter of another action that the mapping can select
                unmapped.append((argument, value))
            elif value is not None:
                where = "arguments." + argument
                _fill(bound, filled, Bound(parameter, spec.kind, where, value, spec.patterns))
        elif folded in nested:
            rest = _take_nested(argument, value, nested[folded], entry, bound, filled)
            unmapped.extend(rest)
        elif folded not in inert:
            unmapped.append((argument, value))
    for parameter, literal in mapping.literals.items():
        spec = parameters.get(parameter)
        if spec is not None and parameter not in filled:
            where = "arguments." + parameter
            _fill(bound, filled, Bound(parameter, spec.kind, where, literal, spec.patterns))
    for parameter in entry.required:
        if parameter not in filled:
            kind = parameters[parameter].kind
            raise InvalidInput(
                f"{entry.template.action} needs {parameter!r}, which the call does not have",
                where=f"arguments.{parameter}",
                reason_code="amount_missing" if kind is ParameterType.MONEY else "argument_missing",
            )
    return bound, unmapped


def _fill(bound: list[Bound], filled: dict[str, Bound], item: Bound) -> None:
    before = filled.get(item.name)
    if before is None or item.kind in _JOINED:
        filled[item.name] = item
        bound.append(item)
        return
    if type(before.value) is not type(item.value) or before.value != item.value:
        raise InvalidInput(
            f"{before.where} and {item.where} both say {item.name!r}, with different values",
            where=item.where,
            reason_code="argument_conflict",
        )


def _take_nested(
    argument: str,
    value: Json,
    paths: Sequence[tuple[tuple[str, ...], str]],
    entry: ActionEntry,
    bound: list[Bound],
    filled: dict[str, Bound],
) -> list[tuple[str, Json]]:
    """Fill parameters from inside an object; what no path names is unmapped.

    An object that is written as JSON text is opened: models write both.
    """
    if isinstance(value, str) and value.lstrip()[:1] == "{":
        try:
            value = msgspec.json.decode(value)
        except msgspec.MsgspecError:
            return [(argument, value)]
    if not isinstance(value, dict):
        return [(argument, value)]
    named: set[tuple[str, ...]] = set()
    for path, parameter in paths:
        found, exact = _reach(value, path)
        spec = entry.parameters.get(parameter)
        if found is not None and spec is not None:
            named.add(exact)
            where = ".".join(("arguments", argument, *exact))
            _fill(bound, filled, Bound(parameter, spec.kind, where, found, spec.patterns))
    return [(argument, _without(value, named, ()))]


def _reach(value: Json, path: Sequence[str]) -> tuple[Json, tuple[str, ...]]:
    exact: list[str] = []
    for part in path:
        if not isinstance(value, dict):
            return None, ()
        folded = fold_name(part)
        matches = [name for name in value if fold_name(name) == folded]
        if len(matches) != 1:
            return None, ()
        exact.append(matches[0])
        value = value[matches[0]]
    return value, tuple(exact)


def _without(value: Json, named: set[tuple[str, ...]], here: tuple[str, ...]) -> Json:
    if not isinstance(value, dict):
        return value
    return {
        name: _without(item, named, (*here, name))
        for name, item in value.items()
        if (*here, name) not in named
    }


def looks_unread(argument: str, value: Json, mapping: ToolMapping) -> bool:
    """Whether an unmapped argument may say an amount or a receiver that nothing has read.

    True for a number, for a text that is one (`5000 USD`, `5k`), for lists and objects that hold
    one, for a name that is a known argument with an affix (`amount_override`, `recipient_2`,
    `newRecipient`), and for a name that speaks of money (`amount_in_thousands`), whatever the value.
    Other switches and texts are not.
    """
    if _holds_number(value):
        return True
    if value is not None and not _MONEY.isdisjoint(map(str.lower, _WORDS.findall(argument))):
        return True
    if value is None or isinstance(value, bool):
        return False
    words = [word.lower() for word in _WORDS.findall(argument)]
    core = [word for word in words if word not in _AFFIXES and not word.isdigit()]
    return len(core) < len(words) and "".join(core) in mapping.names


def names_a_host(argument: str) -> bool:
    """Whether the name of an argument says that its value is an address on a network."""
    return not _HOSTS.isdisjoint(map(str.lower, _WORDS.findall(argument)))


def _holds_number(value: Json) -> bool:
    stack: list[Json] = [value]
    while stack:
        item = stack.pop()
        if isinstance(item, bool) or item is None:
            continue
        if isinstance(item, int | float):
            return True
        if isinstance(item, str):
            if len(item) < 64 and _NUMERIC.fullmatch(item):  # longer is no amount
                return True
        elif isinstance(item, dict):
            stack.extend(item.values())
        else:
            stack.extend(item)
    return False
