"""Which facts there are: those of every action, and those that each parameter type gives.

A pack that names another fact is refused when it is compiled.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from permit0.normalize.pack_schema import ParameterType

__all__ = ["COMMON_FACTS", "FACTS_OF"]

COMMON_FACTS = (
    "environment",
    "content.secrets",
    "content.personal",
    "extra.unread",
    "extra.external",
)
"""Facts of every action."""

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
            "{p}.marks",
        ),
        ParameterType.SHELL: (
            "command.programs",
            "command.features",
            "command.marks",
            "command.external",
        ),
        ParameterType.TEXT: ("{p}.length", "{p}.secrets", "{p}.personal"),
        ParameterType.FILES: ("{p}.length", "{p}.secrets", "{p}.personal", "{p}.names"),
        ParameterType.LABEL: ("{p}", "{p}.several"),
        ParameterType.COUNT: ("{p}",),
        ParameterType.SWITCH: ("{p}",),
        ParameterType.ANY: ("{p}.given",),
    }
)
