"""The deny list and the allow list of permit0.yaml, compiled.

Guarantees: an allow entry has an owner, a reason and an expiry, and lifts a score only: never a session
rule, a gate, a block or a floor. A deny entry refuses whatever else holds, and it finds a tool behind any
server or framework label (`mcp__files__delete_file`); an allow entry holds for exactly the name it has.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from permit0.model.action import NormAction
from permit0.model.rule import FactPredicate

__all__ = ["AllowListed", "ListEntry", "Lists"]


class ListEntry(msgspec.Struct, frozen=True):
    """One line of a list. action: exact, or ending in `.*`; "" for any. tool: folded; "" for any."""

    action: str
    tool: str
    when: FactPredicate | None
    reason: str

    def covers(self, action: NormAction, tool: str) -> bool:
        """Whether the entry speaks of this action of this tool."""
        if self.tool and self.tool != tool:
            return False
        if self.action and self.action != action.action:
            domain = self.action.removesuffix("*")
            if domain == self.action or not action.action.startswith(domain):
                return False
        return self.when is None or self.when(action.facts)


class AllowListed(ListEntry, frozen=True):
    """An entry of the allow list. expires_at: unix seconds."""

    owner: str
    expires_at: float


class Lists(msgspec.Struct, frozen=True):
    """Both lists."""

    deny: Sequence[ListEntry] = ()
    allow: Sequence[AllowListed] = ()

    def denied(self, action: NormAction, *tools: str) -> ListEntry | None:
        """The deny entry that covers an action under one of the tool's names, if any."""
        for entry in self.deny:
            for tool in tools:
                if entry.covers(action, tool):
                    return entry
        return None

    def allowed(self, action: NormAction, tool: str, now: float) -> AllowListed | None:
        """The allow entry that covers an action and has not expired, if any."""
        for entry in self.allow:
            if now < entry.expires_at and entry.covers(action, tool):
                return entry
        return None
