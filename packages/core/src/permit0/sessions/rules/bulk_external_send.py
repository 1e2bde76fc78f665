"""bulk_external_send: too many external mails a minute."""

from __future__ import annotations

from collections.abc import Sequence

from permit0.model.action import NormAction
from permit0.model.finding import Finding
from permit0.model.history import Feature, FeatureKind, HistoryView
from permit0.model.limits import SessionLimits
from permit0.model.vocabulary import Effect
from permit0.sessions.vocabulary import MAIL

__all__ = ["BulkExternalSend"]


class BulkExternalSend:
    """Blocks an external mail when more than `bulk_mails_per_minute` mails go out a minute."""

    name = "bulk_external_send"
    actions: frozenset[str] | None = MAIL

    def __init__(self, limits: SessionLimits) -> None:
        self._limit = limits.bulk_mails_per_minute
        self._sent = Feature(
            kind=FeatureKind.COUNT, actions=MAIL, window_s=60.0, shared_window_s=60.0
        )
        self.features: Sequence[Feature] = (self._sent,)

    def check(
        self, view: HistoryView, action: NormAction, siblings: Sequence[NormAction]
    ) -> Finding | None:
        """See SessionRule."""
        if not action.outward:
            return None
        count = view.count(self._sent) + 1
        if count > self._limit:
            return Finding(
                self.name,
                Effect.BLOCK,
                f"{count} mails within a minute, the limit for external mail is {self._limit}",
                immutable=True,
            )
        if 2 * count > self._limit:
            return Finding(self.name, Effect.UPGRADE, f"{count} of {self._limit} mails in a minute")
        return None
