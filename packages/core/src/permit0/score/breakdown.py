"""The scorer's formula with everything in between kept, for people.

Guarantees: `moved` and `break_down` are steps 2 and 3 to 6 of scorer.py; the value is the scorer's
own, and tests hold both against it. Slow; the decision path never comes here.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import msgspec

from permit0.model.rule import ActionTemplate, Change
from permit0.model.vocabulary import Amplifier, Category, Flag, Role
from permit0.score.amplifiers import AMPLIFIER_CATEGORY, CEILING, MULTIPLYING
from permit0.score.flags import CATEGORY_OF
from permit0.score.scorer import Scorer

__all__ = [
    "AmplifierTerm",
    "Breakdown",
    "CategoryTerm",
    "FlagTerm",
    "break_down",
    "clamped",
    "moved",
]

_AMPLIFIERS = tuple(Amplifier)
_SESSION = _AMPLIFIERS.index(Amplifier.SESSION)
_VOLUME = _AMPLIFIERS.index(Amplifier.VOLUME)


class FlagTerm(msgspec.Struct, frozen=True):
    """A flag that fired. weight: what it counts, after the role's fraction."""

    flag: Flag
    role: Role
    weight: float


class CategoryTerm(msgspec.Struct, frozen=True):
    """Step 3 for one category: `value` is `weight * strength * (1 + mean) / 2`."""

    category: Category
    weight: float
    flags: tuple[FlagTerm, ...]
    strength: float
    mean: float
    value: float


class AmplifierTerm(msgspec.Struct, frozen=True):
    """Steps 4 and 5 for one amplifier: points of its ceiling, and `w*x`."""

    amplifier: Amplifier
    points: int
    ceiling: int
    value: float


class Breakdown(msgspec.Struct, frozen=True):
    """Steps 3 to 6.

    base: sum of the categories. factors: multiply as `1 + value`, giving `product`.
    additions: add up to `extra`, which begins at 1. value: tanh(sharpness * product * extra),
    exactly Scorer.value of the same points and roles.
    """

    categories: tuple[CategoryTerm, ...]
    base: float
    factors: tuple[AmplifierTerm, ...]
    product: float
    additions: tuple[AmplifierTerm, ...]
    extra: float
    sharpness: float
    value: float


def moved(
    template: ActionTemplate,
    changes: Sequence[Change],
    *,
    session_points: int,
    volume_points: int,
) -> tuple[list[int], list[Role]]:
    """Step 2 before the ceilings: raw points by Amplifier and roles by Flag order."""
    raw, roles = list(template.base), list(template.roles)
    raw[_SESSION] += min(session_points, CEILING[Amplifier.SESSION])
    raw[_VOLUME] += min(volume_points, CEILING[Amplifier.VOLUME])
    for change in changes:
        for index, points in change.add:
            raw[index] += points
        for index in change.demote:
            roles[index] = min(roles[index], Role.SECONDARY)
    for change in changes:
        for index, points in change.at_least:
            raw[index] = max(raw[index], points)
        for index, role in change.raise_to:
            roles[index] = max(roles[index], role)
    return raw, roles


def clamped(raw: Sequence[int]) -> tuple[int, ...]:
    """Raw points within 0 and their ceilings."""
    return tuple(
        min(max(points, 0), CEILING[amp]) for amp, points in zip(Amplifier, raw, strict=True)
    )


def break_down(scorer: Scorer, points: Sequence[int], roles: Sequence[Role]) -> Breakdown:
    """Steps 3 to 6 for points within their ceilings."""
    terms = [
        AmplifierTerm(amp, p, CEILING[amp], w * p / CEILING[amp])
        for amp, p, w in zip(Amplifier, points, scorer.amplifier_weight, strict=True)
    ]
    categories = tuple(_category(scorer, category, terms, roles) for category in Category)
    base = sum(category.value for category in categories)
    factors = tuple(term for term in terms if term.amplifier in MULTIPLYING)
    additions = tuple(term for term in terms if term.amplifier not in MULTIPLYING)
    return Breakdown(
        categories=categories,
        base=base,
        factors=factors,
        product=base * math.prod(1 + term.value for term in factors),
        additions=additions,
        extra=1 + sum(term.value for term in additions),
        sharpness=scorer.constants.sharpness,
        value=scorer.value(points, roles),
    )


def _category(
    scorer: Scorer, category: Category, terms: Sequence[AmplifierTerm], roles: Sequence[Role]
) -> CategoryTerm:
    fraction = {Role.PRIMARY: 1.0, Role.SECONDARY: scorer.constants.secondary}
    flags = tuple(
        FlagTerm(flag, role, weight * fraction[role])
        for flag, role, weight in zip(Flag, roles, scorer.flag_weight, strict=True)
        if role and CATEGORY_OF[flag] is category
    )
    weights = scorer.amplifier_weight
    own = [i for i, amp in enumerate(Amplifier) if AMPLIFIER_CATEGORY[amp] is category]
    mean = sum(terms[i].value for i in own) / sum(weights[i] for i in own)
    weight, strength = scorer.constants.categories[category], sum(flag.weight for flag in flags)
    return CategoryTerm(category, weight, flags, strength, mean, weight * strength * (1 + mean) / 2)
