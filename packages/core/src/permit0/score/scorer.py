"""NormAction + what fired -> RiskScore. Pure: no state, no time, no network, no randomness.

The formula, in the order of the code:
  1. A block that fired lifts the result to critical; a gate does not move it.
  2. Base points and roles of the action, moved by every rule that fired; points are whole numbers,
     so the order of rules cannot matter; roles take the maximum; amplifiers are clamped to their
     ceilings only at the end. The block rules of
     block_rules.py look at the outcome of this step.
  3. base = sum over categories of w_cat * sum(flag weights) * (1 + mean of its amplifiers) / 2,
     where a secondary flag counts SECONDARY_FRACTION and the mean is weighted.
  4. times (1 + w*x) for destination, boundary, irreversibility.
  5. times (1 + sum of w*x) over the other seven.
  6. tanh(SHARPNESS * that), rounded to SCORE_DIGITS.
Laws (tests/core/score): adding or promoting a flag, raising an amplifier, or adding history never
lowers the result; equal input gives equal bits; the result stays in [0, 1) and is never NaN.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from itertools import pairwise
from operator import mul

import msgspec

from permit0.errors import BadConfig
from permit0.model.rule import ActionTemplate, Change
from permit0.model.score import RiskScore
from permit0.model.vocabulary import Amplifier, Category, Flag, Role, Tier
from permit0.score.amplifiers import (
    AMPLIFIER_CATEGORY,
    AMPLIFIER_HUNDREDTHS,
    CEILING,
    MULTIPLYING,
)
from permit0.score.block_rules import find_block
from permit0.score.flags import CATEGORY_OF, CATEGORY_WEIGHT, FLAG_WEIGHT, SECONDARY_FRACTION

__all__ = ["SCORE_DIGITS", "SHARPNESS", "TIER_BOUNDS", "Constants", "Scorer", "Weights"]

SHARPNESS = 3.35
SCORE_DIGITS = (
    6  # hides the last bits of tanh, which differ between C libraries; sums are exact (fsum)
)
ALMOST_ONE: float = 1 - 10**-SCORE_DIGITS  # tanh rounds to 1.0 far out; a score stays below
MAX_KNOWN = 20_000  # remembered scores, some 10 MB; far more than the situations of a deployment
TIER_BOUNDS: tuple[float, float, float, float] = (0.15, 0.35, 0.55, 0.75)

_TIERS = tuple(Tier)
_SESSION = list(Amplifier).index(Amplifier.SESSION)
_VOLUME = list(Amplifier).index(Amplifier.VOLUME)
_MOST_SESSION = CEILING[Amplifier.SESSION]
_MOST_VOLUME = CEILING[Amplifier.VOLUME]


class Constants(msgspec.Struct, frozen=True):
    """Every constant of the formula. The defaults are the product's; benchmarks/calibrate.py tries
    others against the published scores.

    amplifiers: hundredths, summing to 100. secondary: what a secondary flag counts of its weight.
    """

    flags: Mapping[Flag, float] = FLAG_WEIGHT
    categories: Mapping[Category, float] = CATEGORY_WEIGHT
    amplifiers: Mapping[Amplifier, float] = AMPLIFIER_HUNDREDTHS
    secondary: float = SECONDARY_FRACTION
    sharpness: float = SHARPNESS


class Weights(msgspec.Struct, frozen=True):
    """What a profile or permit0.yaml may turn: factors of 0.5 to 2, tier bounds by 0.10.

    flags, amplifiers: factor per name, 1 if absent. tier_bounds: low, medium, high, critical.
    """

    flags: Mapping[Flag, float] = {}
    amplifiers: Mapping[Amplifier, float] = {}
    tier_bounds: tuple[float, float, float, float] = TIER_BOUNDS


class Scorer:
    """The formula with its constants laid out for speed. Pure: what it remembers are its results."""

    def __init__(self, weights: Weights | None = None, constants: Constants | None = None) -> None:
        weights = Weights() if weights is None else weights
        constants = Constants() if constants is None else constants
        self.constants = constants
        self._known: dict[tuple[int, ...], tuple[RiskScore, ActionTemplate, object]] = {}
        self._secondary = constants.secondary
        self._sharpness = constants.sharpness
        bounds = weights.tier_bounds
        if not all(low < high for low, high in pairwise((0.0, *bounds, 1.0))):
            raise BadConfig(f"tier bounds {bounds!r} must rise between 0 and 1")
        self.tier_bounds = bounds
        self._flag: tuple[float, ...] = tuple(
            constants.flags[flag] * weights.flags.get(flag, 1.0) for flag in Flag
        )
        self.flag_weight = self._flag
        scaled = [constants.amplifiers[amp] * weights.amplifiers.get(amp, 1.0) for amp in Amplifier]
        total = sum(scaled)
        weight = [value / total for value in scaled]
        self.amplifier_weight = tuple(weight)
        self._ceiling = tuple(CEILING[amp] for amp in Amplifier)
        # Per raw point, so that the hot path needs no division.
        point = [w / c for w, c in zip(weight, self._ceiling, strict=True)]
        amps = tuple(Amplifier)
        self._multiply = tuple((i, point[i]) for i, amp in enumerate(amps) if amp in MULTIPLYING)
        # Rows over all ten amplifiers, zero where one does not count: a sum of products is quick.
        self._add = tuple(0.0 if amp in MULTIPLYING else point[i] for i, amp in enumerate(amps))
        self._category = tuple(self._category_row(c, weight, point) for c in Category)

    def _category_row(
        self, category: Category, weight: Sequence[float], point: Sequence[float]
    ) -> tuple[float, tuple[tuple[int, tuple[float, ...]], ...], tuple[float, ...]]:
        """Weight of a category; its flags (index, weight by role); its amplifiers per raw point."""
        own = [AMPLIFIER_CATEGORY[amp] is category for amp in Amplifier]
        total = sum(w for w, is_own in zip(weight, own, strict=True) if is_own)
        flags = tuple(
            (i, (0.0, self._flag[i] * self._secondary, self._flag[i]))
            for i, flag in enumerate(Flag)
            if CATEGORY_OF[flag] is category
        )
        per_point = tuple(
            p / total if is_own else 0.0 for p, is_own in zip(point, own, strict=True)
        )
        return self.constants.categories[category], flags, per_point

    def score(
        self,
        template: ActionTemplate,
        changes: Sequence[Change],
        *,
        session_points: int,
        volume_points: int,
        blocked: bool,
    ) -> RiskScore:
        """Score one action.

        Args:
            template: Base points and roles of the action.
            changes: What the rules that fired move, in any order.
            session_points: Raw points of the session amplifier, from history.
            volume_points: Raw points of the volume amplifier, from the rate.
            blocked: A block rule fired.
        """
        session_points = min(session_points, _MOST_SESSION)
        volume_points = min(volume_points, _MOST_VOLUME)
        # The same lines with the same history give the same score. They are known by identity: the
        # entry keeps them alive, so that no identity is ever reused while it is remembered.
        key = (id(template), blocked, session_points, volume_points, *map(id, changes))
        known = self._known.get(key)
        if known is not None:
            return known[0]
        # 2. base, moved by every rule
        raw = list(template.base)
        roles = list(template.roles)
        raw[_SESSION] += session_points
        raw[_VOLUME] += volume_points
        for change in changes:
            for index, points in change.add:
                raw[index] += points
            for index in change.demote:
                if roles[index] is Role.PRIMARY:
                    roles[index] = Role.SECONDARY
        for change in changes:
            for index, points in change.at_least:
                raw[index] = max(raw[index], points)
            for index, role in change.raise_to:
                if role > roles[index]:
                    roles[index] = role
        ceiling = self._ceiling
        points_of = tuple([max(0, min(p, c)) for p, c in zip(raw, ceiling, strict=True)])
        value = self.value(points_of, roles)
        # 1. a block, by a rule or by the result itself, lifts the result to critical
        block = find_block(points_of, roles)
        blocked = blocked or block is not None
        critical = self.tier_bounds[3]
        if blocked and value < critical:
            value = critical
        block_rule = "" if block is None else block.name
        score = RiskScore(value, self.tier(value), points_of, tuple(roles), blocked, block_rule)
        if len(self._known) >= MAX_KNOWN:
            self._known.clear()
        self._known[key] = (score, template, tuple(changes))
        return score

    def value(self, points: Sequence[int], roles: Sequence[Role]) -> float:
        """Steps 3 to 6: points within their ceilings and roles to a score."""
        base = 0.0
        for weight, flags, per_point in self._category:
            strength = 0.0
            for index, by_role in flags:
                strength += by_role[roles[index]]
            if strength:
                mean = math.fsum(map(mul, per_point, points))
                base += weight * strength * (1.0 + mean) * 0.5
        for index, one_point in self._multiply:
            base *= 1.0 + one_point * points[index]
        extra = 1.0 + math.fsum(map(mul, self._add, points))
        return min(round(math.tanh(self._sharpness * base * extra), SCORE_DIGITS), ALMOST_ONE)

    def tier(self, value: float) -> Tier:
        """The band of a score."""
        low, medium, high, critical = self.tier_bounds
        if value < low:
            return Tier.MINIMAL
        if value < medium:
            return Tier.LOW
        if value < high:
            return Tier.MEDIUM
        return Tier.HIGH if value < critical else Tier.CRITICAL
