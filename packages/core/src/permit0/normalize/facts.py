"""Which facts there are: those of every action, and those that each parameter type gives.

A pack that names another fact is refused when it is compiled, and so is one of which two parameters would
give one fact: the later one would overwrite what the earlier one has found.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType

from permit0.errors import InvalidInput
from permit0.normalize.pack_policy import ActionPolicy, ParameterPolicy
from permit0.normalize.parameter_types import ParameterType

__all__ = ["COMMON_FACTS", "FACTS_OF", "check_parameters", "facts_of"]

COMMON_FACTS = (
    "environment",
    "content.secrets",
    "content.personal",
    "extra.unread",
    "extra.external",
)
"""Facts of every action."""

_CODE = ("{p}.features", "{p}.external", "{p}.pure", "{p}.commands")

FACTS_OF: Mapping[ParameterType, tuple[str, ...]] = MappingProxyType(
    {
        ParameterType.MONEY: ("{p}", "{p}.foreign", "{p}.unconverted"),
        ParameterType.CURRENCY: (),
        ParameterType.PAYEE: ("{p}", "{p}.approved"),
        ParameterType.ACCOUNT: ("{p}",),
        ParameterType.CUSTOMER: ("{p}", "{p}.unknown"),
        ParameterType.RECIPIENTS: (
            "recipients.count",
            "recipients.external",
            "recipients.internal",
            "recipients.marks",
        ),
        ParameterType.PATH: ("{p}", "{p}.marks", "{p}.kinds"),
        ParameterType.URL: (
            "{p}",
            "{p}.host",
            "{p}.scheme",
            "{p}.scope",
            "{p}.external",
            "{p}.carries_data",
            "{p}.load",
            "{p}.marks",
        ),
        ParameterType.SHELL: (
            "command.programs",
            "command.features",
            "command.marks",
            "command.external",
        ),
        ParameterType.SQL: (
            "{p}.statements",
            "{p}.verbs",
            "{p}.tables",
            "{p}.columns",
            "{p}.functions",
            "{p}.words",
            "{p}.marks",
        ),
        ParameterType.PYTHON: _CODE,
        ParameterType.JAVASCRIPT: _CODE,
        ParameterType.CODE: _CODE,
        ParameterType.TEXT: ("{p}.length", "{p}.secrets", "{p}.personal"),
        ParameterType.FILES: ("{p}.length", "{p}.secrets", "{p}.personal", "{p}.names"),
        ParameterType.LABEL: ("{p}", "{p}.several"),
        ParameterType.COUNT: ("{p}",),
        ParameterType.SWITCH: ("{p}",),
        ParameterType.ANY: ("{p}.given",),
    }
)

_JOINED = frozenset({ParameterType.RECIPIENTS})
"""Types of which all parameters of a call are read together, for facts without their names."""
_ONE_EACH = frozenset({ParameterType.CURRENCY})
"""Types that give no fact, but one value for the whole call."""
_NAME = re.compile(r"[a-z][a-z0-9_]*")


def facts_of(policy: ActionPolicy) -> set[str]:
    """The facts that an action can have, by its parameters."""
    found = set(COMMON_FACTS)
    for name, parameter in policy.parameters.items():
        found.update([fact.replace("{p}", name) for fact in FACTS_OF[parameter.type]])
    return found


def check_parameters(parameters: Mapping[str, ParameterPolicy]) -> None:
    """Every fact comes from one place: from every call, from a type, or from one parameter.

    Raises:
        InvalidInput: A parameter's name is no name, or one of its facts would be another's too.
    """
    common = {fact.partition(".")[0] for fact in COMMON_FACTS}
    reserved = {
        fact.partition(".")[0]: kind
        for kind, facts in FACTS_OF.items()
        for fact in facts
        if "{p}" not in fact
    }
    first: dict[ParameterType, str] = {}
    for name, parameter in parameters.items():
        kind = parameter.type
        if _NAME.fullmatch(name) is None:  # a dot would make it a fact of another parameter
            raise InvalidInput(
                f"parameter {name!r} must be lower-case letters, digits and underscores"
            )
        if name in common:
            raise InvalidInput(
                f"parameter {name!r} is called like a fact of every action, choose another name"
                f" and list {name!r} under its 'names'"
            )
        if name in reserved and reserved[name] is not kind:
            raise InvalidInput(
                f"parameter {name!r} is called like the facts of type {reserved[name].value!r},"
                f" choose another name and list {name!r} under its 'names'"
            )
        other = first.setdefault(kind, name)
        if (
            other != name
            and kind not in _JOINED
            and (kind in _ONE_EACH or kind in reserved.values())
        ):
            raise InvalidInput(
                f"parameters {other!r} and {name!r} are both of type {kind.value!r}, of which an "
                "action has one: each would overwrite what the other says"
            )
