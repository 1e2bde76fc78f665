"""History without one call that is in it already.

When a person has answered, a call is judged again, and by then its own attempt is part of the history. Sums,
counts and sets must not have it twice.
Guarantees: sums and counts are those without the call's own traces, as long as these are inside the
window that is asked for; never below zero. A set has each value once anyway.
Does not: change how many steps ago something was (the attempt is a step, so one more), or pressure.
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
        age_s: How long ago the call was appended, in seconds.
    """

    def __init__(self, view: HistoryView, traces: Sequence[Trace], *, age_s: float) -> None:
        self._view = view
        self._traces = traces
        self._age_s = age_s

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
        return self._view.steps_since(feature)

    def seconds_since(self, feature: Feature) -> float | None:
        """How long ago the latest match was."""
        return self._view.seconds_since(feature)

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

    def _own(self, feature: Feature) -> list[Trace]:
        if feature.window_s is not None and not self._age_s < feature.window_s:
            return []
        return [
            trace
            for trace in self._traces
            if (not feature.actions or trace.action in feature.actions)
            and (feature.mark is None or feature.mark in trace.marks)
            and (
                feature.below is None or (trace.amount is not None and trace.amount < feature.below)
            )
        ]
