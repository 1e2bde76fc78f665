"""What a fact would have to be for a condition not to hold any more; for explanations.

Guarantees: values are taken from the condition itself, on both sides of its thresholds; a value is
a candidate only: whether the condition then holds, and what else does, is for the caller to try.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal

import msgspec

from permit0.model.action import Fact
from permit0.normalize.pack_schema import ConditionSpec, TestSpec

__all__ = ["Otherwise", "otherwise"]

CENT = Decimal("0.01")


class Otherwise(msgspec.Struct, frozen=True):
    """A fact with another value.

    fact: its name. value: the value to try; None: absent. test, bound: how the value relates to the
    condition's: "at most", "below", "at least", "above", "is", "is not" or "without" something.
    """

    fact: str
    value: Fact | None
    test: str
    bound: str


def otherwise(
    spec: ConditionSpec, facts: Mapping[str, Fact], *, numbers_only: bool = False
) -> Iterator[Otherwise]:
    """Candidates, one fact each.

    Args:
        spec: The condition.
        facts: What holds now.
        numbers_only: Only the thresholds of numbers, for a condition that does not hold now.
    """
    for name, test in (spec.__pydantic_extra__ or {}).items():
        value = facts.get(name)
        if isinstance(test, TestSpec):
            if isinstance(value, int | Decimal) and not isinstance(value, bool):
                yield from _numbers(name, test, value)
            if not numbers_only:
                yield from _others(name, test, facts)
        elif numbers_only:
            continue
        elif isinstance(test, bool):
            yield Otherwise(name, not test, "is", str(not test).lower())
        elif isinstance(test, str):
            yield Otherwise(name, "", "is not", test)
        elif isinstance(test, list):
            yield Otherwise(name, "", "is not", " or ".join(test))
    for choice in spec.any_of or ():
        yield from otherwise(choice, facts, numbers_only=numbers_only)
    if spec.none_of is not None and not numbers_only:
        for name, test in (spec.none_of.__pydantic_extra__ or {}).items():
            if isinstance(test, bool | str):
                bound = str(test).lower() if isinstance(test, bool) else test
                yield Otherwise(name, test, "is", bound)


def _numbers(name: str, test: TestSpec, value: int | Decimal) -> Iterator[Otherwise]:
    """Both sides of each threshold, as far as they differ from the value."""
    step: int | Decimal = CENT if isinstance(value, Decimal) else 1
    for bound in (test.above, test.at_least, test.below, test.at_most):
        if bound is None:
            continue
        at: int | Decimal = Decimal(str(bound)) if isinstance(value, Decimal) else int(bound)
        shown = f"{bound:,}"
        if value > at:
            yield Otherwise(name, at, "at most", shown)
        if value >= at >= step:
            yield Otherwise(name, at - step, "below", shown)
        if value < at:
            yield Otherwise(name, at, "at least", shown)
        if value <= at:
            yield Otherwise(name, at + step, "above", shown)


def _others(name: str, test: TestSpec, facts: Mapping[str, Fact]) -> Iterator[Otherwise]:
    value = facts.get(name)
    if test.has and isinstance(value, frozenset):
        bound = " or ".join(sorted(value & set(test.has)) or test.has)
        yield Otherwise(name, value - set(test.has), "without", bound)
    kinds = facts.get(f"{name}.kinds")  # the pattern sets that a path matches
    if test.matches and isinstance(kinds, frozenset):
        bound = " or ".join(sorted(kinds & set(test.matches)) or test.matches)
        yield Otherwise(f"{name}.kinds", kinds - set(test.matches), "without", bound)
    elif test.matches and isinstance(value, str):
        yield Otherwise(name, "", "is not", " or ".join(test.matches))
    if test.present:
        yield Otherwise(name, None, "without", name)
