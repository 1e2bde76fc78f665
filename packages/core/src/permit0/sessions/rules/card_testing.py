"""card_testing: micro-charges to different customers, the shape of probing stolen cards."""

from __future__ import annotations

from collections.abc import Sequence

from permit0.model.action import NormAction
from permit0.model.finding import Finding
from permit0.model.history import Feature, FeatureKind, HistoryView
from permit0.model.limits import SessionLimits
from permit0.model.vocabulary import Effect
from permit0.sessions.vocabulary import CHARGES

__all__ = ["CardTesting"]


class CardTesting:
    """Blocks the charge that makes it `card_testing_charges` different customers."""

    name = "card_testing"
    actions: frozenset[str] | None = CHARGES

    def __init__(self, limits: SessionLimits) -> None:
        self._limit = limits.card_testing_charges
        self._below = limits.card_testing_below
        self._minutes = limits.card_testing_window_minutes
        window_s = self._minutes * 60.0
        self._customers = Feature(
            kind=FeatureKind.DISTINCT,
            actions=CHARGES,
            key="counterparty",
            below=self._below,
            window_s=window_s,
            shared_window_s=window_s,
        )
        self.features: Sequence[Feature] = (self._customers,)

    def check(
        self, view: HistoryView, action: NormAction, siblings: Sequence[NormAction]
    ) -> Finding | None:
        """See SessionRule."""
        if action.amount is None or action.amount >= self._below:
            return None
        customer = action.keys.get("counterparty")
        count = view.distinct(self._customers, customer, enough=self._limit)
        if customer is None:
            count += 1
        if count >= self._limit:
            return Finding(
                self.name,
                Effect.BLOCK,
                f"{count} charges under {self._below} to distinct customers within "
                f"{self._minutes} minutes, the limit is {self._limit}",
                immutable=True,
            )
        if 2 * count >= self._limit:
            return Finding(
                self.name,
                Effect.UPGRADE,
                f"{count} of {self._limit} customers with charges under {self._below} in "
                f"{self._minutes} minutes",
            )
        return None
