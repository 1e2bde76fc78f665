"""What history alone adds to a score: the session and the volume amplifier, in raw points.

Guarantees: adding history never lowers either number; both depend only on the last hour (session)
and the last minute (volume), so that a long calm session stays calm.
Source of the constants: fitted with the rest of the scorer by benchmarks/calibrate.py.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from permit0.model.history import HistoryView
from permit0.model.vocabulary import Tier

__all__ = ["session_points", "volume_points"]

POINTS_PER_TIER: Mapping[Tier, int] = MappingProxyType(
    {Tier.MEDIUM: 2, Tier.HIGH: 7, Tier.CRITICAL: 7}
)
_TIER_POINTS = tuple(POINTS_PER_TIER.items())
POINTS_PER_LOW_CALL = 2
LOW_CALLS_COUNTED = 2  # a long calm session stays calm
POINTS_PER_FLAG = 4
POINTS_PER_CALL_A_MINUTE = 4


def session_points(view: HistoryView) -> int:
    """Raw points of the session amplifier: tiers and different flags of the last hour."""
    points = POINTS_PER_FLAG * view.flags()
    tiers = view.tiers()
    if not tiers:
        return points
    points += POINTS_PER_LOW_CALL * min(tiers.get(Tier.LOW, 0), LOW_CALLS_COUNTED)
    for tier, points_per_call in _TIER_POINTS:
        points += points_per_call * tiers.get(tier, 0)
    return points


def volume_points(view: HistoryView, action: str) -> int:
    """Raw points of the volume amplifier: calls of the same action in the last minute."""
    return POINTS_PER_CALL_A_MINUTE * view.rate(action)
