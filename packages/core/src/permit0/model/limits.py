"""The numbers of the immutable session rules. permit0.yaml may tighten them, never loosen them."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from types import MappingProxyType

import msgspec

__all__ = ["DIRECTION", "SessionLimits"]


class SessionLimits(msgspec.Struct, frozen=True, kw_only=True):
    """Published numbers as defaults (reference: the action policy tables).

    Amounts are in the organisation's default currency. Minutes, actions and counts are whole.
    """

    scatter_recipients: int = 6
    scatter_window_minutes: int = 60
    card_testing_charges: int = 5
    card_testing_below: Decimal = Decimal(2)
    card_testing_window_minutes: int = 10
    transfer_total: Decimal = Decimal(500_000)
    bulk_mails_per_minute: int = 20
    exposure_window_minutes: int = 60
    exposure_window_actions: int = 20
    escalation_window_minutes: int = 60
    escalation_window_actions: int = 20
    escalation_exec_actions: int = 5
    escalation_large_amount: Decimal = Decimal(10_000)


DIRECTION: Mapping[str, int] = MappingProxyType(
    {
        "scatter_recipients": -1,
        "scatter_window_minutes": 1,
        "card_testing_charges": -1,
        "card_testing_below": 1,
        "card_testing_window_minutes": 1,
        "transfer_total": -1,
        "bulk_mails_per_minute": -1,
        "exposure_window_minutes": 1,
        "exposure_window_actions": 1,
        "escalation_window_minutes": 1,
        "escalation_window_actions": 1,
        "escalation_exec_actions": 1,
        "escalation_large_amount": -1,
    }
)
"""Which way is stricter: -1 lower, 1 higher."""
