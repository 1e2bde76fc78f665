"""Finding: what a session rule or adjustment has to say about a call."""

from __future__ import annotations

import msgspec

from permit0.model.vocabulary import Effect

__all__ = ["Finding"]


class Finding(msgspec.Struct, frozen=True, gc=False):
    """A statement that can raise the verdict, never lower it.

    rule: the rule's name. effect: UPGRADE for an adjustment or a warning, BLOCK for a refusal.
    message: one sentence with the distance to a block ("5 of 6 recipients in 36 minutes").
    immutable: no configuration, approval or list lifts it.
    """

    rule: str
    effect: Effect
    message: str
    immutable: bool = False
