"""History without one call that is in it already.

When a person has answered, a call is judged again, and by then its own attempt is part of the history. Sums,
counts and sets must not have it twice.
Guarantees: sums and counts are those without the call's own traces, as long as these are inside the
window that is asked for; never below zero. A set has each value once anyway. If the call is itself the
latest match of something, there is none: what was before it was judged when the call was decided. As soon
as anything else matched at the same time or later, that is what counts.
Does not: change how many steps ago something else was (the attempt is a step, so one more), or pressure.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Context, Decimal

from permit0.model.history import Feature, HistoryView, Trace
from permit0.model.vocabulary import Tier
from permit0.state.ledger import SUM_DIGITS

__all__ = ["WithoutItself"]

_EXACT = Context(prec=SUM_DIGITS)


class WithoutItself:
    """A HistoryView.

    Args:
        view: The history with the call in it.
        traces: What history keeps of the call.
        at: When the call was appended, in unix seconds, exactly. now: the time of the view.
    """

    def __init__(
        self, view: HistoryView, traces: Sequence[Trace], *, at: float, now: float
    ) -> None:
        self._view = view
        self._traces = traces
        self._at = at
        self._now = now

    def count(self, feature: Feature) -> int:
        """Number of matching actions."""
        return max(0, self._view.count(feature) - len(self._own(feature)))

    def total(self, feature: Feature) -> Decimal:
        """Sum of matching amounts in the default currency."""
        total = self._view.total(feature)
        for trace in self._own(feature):
            if trace.amount is not None:
                total = _EXACT.subtract(total, trace.amount)
        return max(Decimal(0), total)

    def distinct(self, feature: Feature, value: str | None, *, enough: int) -> int:
        """Number of different values, `value` included; may stop counting at `enough`."""
        return self._view.distinct(feature, value, enough=enough)

    def steps_since(self, feature: Feature) -> int | None:
        """How many calls ago the latest match was."""
        return None if self._is_latest(feature) else self._view.steps_since(feature)

    def seconds_since(self, feature: Feature) -> float | None:
        """How long ago the latest match was."""
        return None if self._is_latest(feature) else self._view.seconds_since(feature)

    def latest(self, feature: Feature) -> tuple[float, int] | None:
        """When the latest match was, and how many have that time."""
        return None if self._is_latest(feature) else self._view.latest(feature)

    def rate(self, action: str) -> int:
        """No pressure: the score was given when the call was decided."""
        del action
        return 0

    def tiers(self) -> Mapping[Tier, int]:
        """No pressure, either."""
        return {}

    def flags(self) -> int:
        """No pressure, either."""
        return 0

    def _is_latest(self, feature: Feature) -> bool:
        own = len(self._matching(feature))
        return own > 0 and self._view.latest(feature) == (self._at, own)

    def _own(self, feature: Feature) -> list[Trace]:
        # As the ledger forgets: taking away what it has forgotten would hide somebody else's.
        if feature.window_s is not None and not self._at >= self._now - feature.window_s:
            return []
        return self._matching(feature)

    def _matching(self, feature: Feature) -> list[Trace]:
        return [
            trace
            for trace in self._traces
            if (not feature.actions or trace.action in feature.actions)
            and (feature.mark is None or feature.mark in trace.marks)
            and (
                feature.below is None or (trace.amount is not None and trace.amount < feature.below)
            )
        ]
