"""scatter_transfer: many different recipients in a short time, the shape of APP fraud."""

from __future__ import annotations

from collections.abc import Sequence

from permit0.model.action import NormAction
from permit0.model.finding import Finding
from permit0.model.history import Feature, FeatureKind, HistoryView
from permit0.model.limits import SessionLimits
from permit0.model.vocabulary import Effect
from permit0.sessions.vocabulary import TRANSFERS

__all__ = ["ScatterTransfer"]


class ScatterTransfer:
    """Blocks the transfer that makes it `scatter_recipients` recipients within the window.

    A recipient is a name together with an account, so that neither many names for one account
    nor many accounts for one name count as one. Without a recipient, every transfer is a new one.
    """

    name = "scatter_transfer"
    actions: frozenset[str] | None = TRANSFERS

    def __init__(self, limits: SessionLimits) -> None:
        self._limit = limits.scatter_recipients
        self._minutes = limits.scatter_window_minutes
        window_s = self._minutes * 60.0
        self._recipients = Feature(
            kind=FeatureKind.DISTINCT,
            actions=TRANSFERS,
            key="counterparty",
            window_s=window_s,
            shared_window_s=window_s,
        )
        self.features: Sequence[Feature] = (self._recipients,)

    def check(
        self, view: HistoryView, action: NormAction, siblings: Sequence[NormAction]
    ) -> Finding | None:
        """See SessionRule."""
        counterparty = action.keys.get("counterparty")
        count = view.distinct(self._recipients, counterparty, enough=self._limit)
        if counterparty is None:
            count += 1
        if count >= self._limit:
            return Finding(
                self.name,
                Effect.BLOCK,
                f"{count} distinct recipients within {self._minutes} minutes, the limit is "
                f"{self._limit}",
                immutable=True,
            )
        if 2 * count >= self._limit:
            return Finding(
                self.name,
                Effect.UPGRADE,
                f"{count} of {self._limit} recipients in {self._minutes} minutes",
            )
        return None
