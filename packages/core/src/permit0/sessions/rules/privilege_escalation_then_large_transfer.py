"""privilege_escalation_then_large_transfer: a role was assigned, and now a lot of money moves."""

from __future__ import annotations

from collections.abc import Sequence

from permit0.model.action import NormAction
from permit0.model.finding import Finding
from permit0.model.history import Feature, FeatureKind, HistoryView
from permit0.model.limits import SessionLimits
from permit0.model.vocabulary import Effect
from permit0.sessions.vocabulary import ESCALATIONS, TRANSFERS

__all__ = ["PrivilegeEscalationThenLargeTransfer"]


class PrivilegeEscalationThenLargeTransfer:
    """Blocks a transfer of more than `escalation_large_amount` while an escalation is recent.

    An amount without a conversion rate counts as large.
    """

    name = "privilege_escalation_then_large_transfer"
    actions: frozenset[str] | None = TRANSFERS

    def __init__(self, limits: SessionLimits) -> None:
        self._minutes = limits.escalation_window_minutes
        self._actions = limits.escalation_window_actions
        self._large = limits.escalation_large_amount
        self._escalation = Feature(kind=FeatureKind.LATEST, actions=ESCALATIONS)
        self.features: Sequence[Feature] = (self._escalation,)

    def check(
        self, view: HistoryView, action: NormAction, siblings: Sequence[NormAction]
    ) -> Finding | None:
        """See SessionRule."""
        if action.amount is not None and action.amount <= self._large:
            return None
        steps = view.steps_since(self._escalation)
        seconds = view.seconds_since(self._escalation)
        if steps is None or seconds is None:
            return None
        if seconds > self._minutes * 60 and steps > self._actions:
            return None
        return Finding(
            self.name,
            Effect.BLOCK,
            f"a role was assigned {steps} action{'' if steps == 1 else 's'} ago and this transfer "
            f"is over {self._large:,}",
            immutable=True,
        )
