"""Put together what was read about one action."""

from __future__ import annotations

from permit0.model.action import NormAction
from permit0.normalize.catalog import ActionEntry
from permit0.normalize.parameters import Reading

__all__ = ["norm_action"]


def norm_action(entry: ActionEntry, reading: Reading, origin: str) -> NormAction:
    """One NormAction from the facts, identities and money of a reading."""
    facts = reading.facts
    keys: dict[str, str] = {}
    if entry.counterparty and reading.identities:
        parts = [reading.identities.get(name, "") for name in entry.counterparty]
        if any(parts):
            keys["counterparty"] = "|".join(parts)
    return NormAction(
        action=entry.template.action,
        facts=facts,
        keys=keys,
        amount=reading.amount,
        outward=entry.outward is not None and entry.outward(facts),
        reads=entry.reads,
        origin=origin,
    )
