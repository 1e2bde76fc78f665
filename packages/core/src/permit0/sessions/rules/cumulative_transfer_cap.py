"""cumulative_transfer_cap: the sum of all transfers of a session."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Context

from permit0.model.action import NormAction
from permit0.model.finding import Finding
from permit0.model.history import Feature, FeatureKind, HistoryView
from permit0.model.limits import SessionLimits
from permit0.model.vocabulary import Effect
from permit0.sessions.vocabulary import TRANSFERS
from permit0.state.ledger import SUM_DIGITS

__all__ = ["CumulativeTransferCap"]

SHARED_WINDOW_S = 24 * 3600.0  # other sessions: a day, or an agent could not pay again, ever


class CumulativeTransferCap:
    """Blocks the transfer that takes the sum of the session over `transfer_total`.

    The agent's other sessions for the same principal count for a day. A transfer whose currency has
    no conversion rate cannot be added up; the policy asks a human for each (money.unconverted).
    """

    name = "cumulative_transfer_cap"
    actions: frozenset[str] | None = TRANSFERS

    def __init__(self, limits: SessionLimits) -> None:
        self._limit = limits.transfer_total
        # Not the context of the thread: rounded to four digits, 500,020 is not over 500,000.
        self._exact = Context(prec=SUM_DIGITS)
        self._sum = Feature(
            kind=FeatureKind.TOTAL,
            actions=TRANSFERS,
            window_s=None,
            shared_window_s=SHARED_WINDOW_S,
        )
        self.features: Sequence[Feature] = (self._sum,)

    def check(
        self, view: HistoryView, action: NormAction, siblings: Sequence[NormAction]
    ) -> Finding | None:
        """See SessionRule."""
        if action.amount is None:
            return None
        total = self._exact.add(view.total(self._sum), action.amount)
        if total > self._limit:
            return Finding(
                self.name,
                Effect.BLOCK,
                f"transfers add up to {total:,.2f}, the limit is {self._limit:,}",
                immutable=True,
            )
        if self._exact.add(total, total) > self._limit:
            return Finding(
                self.name, Effect.UPGRADE, f"transfers add up to {total:,.2f} of {self._limit:,}"
            )
        return None
