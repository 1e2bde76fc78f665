"""How long until the same call gets a milder outcome, found by deciding it again later."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from permit0.model.vocabulary import Outcome

__all__ = ["find_wait"]


def find_wait(
    decide: Callable[[float], Outcome], outcome: Outcome, *, horizons_s: Sequence[float]
) -> tuple[float, Outcome] | None:
    """The shortest wait, to a second, after which the same call gets a milder outcome.

    Args:
        decide: The outcome of the call so many seconds later.
        outcome: What it gets now.
        horizons_s: Waits to try, rising; between the last refusal and the first success the
            moment is narrowed down.
    """
    refused = 0.0
    for horizon in horizons_s:
        found = decide(horizon)
        if not _milder(found, outcome):
            refused = horizon
            continue
        waited = horizon
        while waited - refused > 1:
            middle = (refused + waited) // 2
            tried = decide(middle)
            if _milder(tried, outcome):
                waited, found = middle, tried
            else:
                refused = middle
        return waited, found
    return None


def _milder(one: Outcome, other: Outcome) -> bool:
    order = (Outcome.ALLOW, Outcome.HUMAN, Outcome.DENY)
    return order.index(one) < order.index(other)
