"""NormAction: a call in the words of the taxonomy, with parameters that have a type."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

import msgspec

__all__ = ["Fact", "NormAction"]

Fact = bool | int | str | Decimal | frozenset[str]
"""One thing that is known about an action; rules look at nothing else."""


class NormAction(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """One canonical action.

    action: `domain.verb` of the taxonomy.
    facts: what rules see, by name ("amount", "recipients.external", "path"). A fact that is
        absent was not there to be known; no rule may take absence for harmless.
    keys: identities that the session counts, by kind ("counterparty", "customer").
    amount: money that moves, in the organisation's default currency; None if none does or if
        no conversion rate is known.
    outward: data leaves the organisation with this action.
    reads: the action hands data to the agent.
    exposed: it reads, and its rules found secrets, credentials or personal data in what it reads.
    origin: how the action was found: "mapping:<pack>", "canonical", "shell", "route", "compiled", "unknown".
    doubt: why a person is asked whatever the rules say, "" if nobody need be: the tool was compiled and is not
        certainly harmless.
    """

    action: str
    facts: Mapping[str, Fact]
    keys: Mapping[str, str] = {}
    amount: Decimal | None = None
    outward: bool = False
    reads: bool = False
    exposed: bool = False
    origin: str = "canonical"
    doubt: str = ""
