"""RiskScore: a number, and everything that led to it."""

from __future__ import annotations

import msgspec

from permit0.model.vocabulary import Flag, Role, Tier

__all__ = ["Contribution", "RiskScore"]


class Contribution(msgspec.Struct, frozen=True):
    """One thing that moved the score.

    source: rule id, or "base", "history" (session amplifier), "rate" (volume amplifier).
    kind: "flag" or "amplifier". name: which. points: raw points, or 0 for a flag.
    role: role that a flag was given, else None.
    """

    source: str
    kind: str
    name: str
    points: int = 0
    role: Role | None = None


class RiskScore(msgspec.Struct, frozen=True, gc=False):
    """The result of the scorer for one action.

    value: 0 <= value < 1, rounded to SCORE_DIGITS. tier: its band; a block lifts it to critical.
    amplifiers: raw points by Amplifier order, clamped to the ceilings. roles: by Flag order.
    block_rule: name of the block rule on flags and amplifiers that fired, else "".
    """

    value: float
    tier: Tier
    amplifiers: tuple[int, ...]
    roles: tuple[Role, ...]
    blocked: bool = False
    block_rule: str = ""

    @property
    def flags(self) -> tuple[Flag, ...]:
        """The flags that fired, in the order of the vocabulary."""
        return tuple(flag for flag, role in zip(Flag, self.roles, strict=True) if role)
