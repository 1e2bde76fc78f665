"""How far configuration may turn the policy. A violation refuses to start and says which line.

* Weights: factors of 0.5 to 2, profile and permit0.yaml together.
* Tier bounds: moved by at most 0.10, still rising.
* Limits of the immutable session rules: only stricter than the profile's.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from importlib import resources
from typing import TypeVar

import msgspec

from permit0.config import LoadedConfig
from permit0.errors import BadConfig
from permit0.model.limits import DIRECTION, SessionLimits
from permit0.model.vocabulary import Amplifier, Flag
from permit0.words import nearest

__all__ = ["Tuning", "tune"]

FACTOR_RANGE = (0.5, 2.0)
BOUND_MOVE = 0.10
BOUND_NAMES = ("low", "medium", "high", "critical")
LARGEST = 10**15  # more than any count, minute or sum of money; false for NaN and infinities
ROUNDING = 1e-9  # 0.45 - 0.35 is a little more than 0.10 in binary

At = Callable[..., str]
Name = TypeVar("Name", Flag, Amplifier)


class Tuning(msgspec.Struct, frozen=True):
    """The policy's numbers after profile and configuration."""

    flags: Mapping[Flag, float]
    amplifiers: Mapping[Amplifier, float]
    tier_bounds: tuple[float, float, float, float]
    limits: SessionLimits


def tune(loaded: LoadedConfig, published_bounds: tuple[float, float, float, float]) -> Tuning:
    """Apply the profile and the configuration to the published numbers.

    Raises:
        BadConfig: A name is not known or a guardrail is violated; the message says which line.
    """
    config = loaded.config
    profile = _profile(config.profile)
    weights = profile.weights
    at = loaded.at
    flags = _factors(weights.flags, config.weights.flags, Flag, at, "flags")
    amplifiers = _factors(
        weights.amplifiers, config.weights.amplifiers, Amplifier, at, "amplifiers"
    )
    bounds = _bounds(published_bounds, dict(config.weights.tier_bounds.items()), at)
    limits = _limits(SessionLimits(), profile.limits, lambda *_: "profile")
    limits = _limits(limits, config.limits, lambda name: at("limits", name))
    return Tuning(flags, amplifiers, bounds, limits)


class _ProfileWeights(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    flags: dict[str, float] = {}
    amplifiers: dict[str, float] = {}


class _Profile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    weights: _ProfileWeights = _ProfileWeights()
    limits: dict[str, int | float] = {}


def _profile(name: str) -> _Profile:
    if name == "general":  # the published numbers as they are; profiles.yaml says nothing of it
        return _Profile()
    import yaml

    text = resources.files("permit0.policy").joinpath("profiles.yaml").read_text(encoding="utf-8")
    return msgspec.convert(yaml.safe_load(text), dict[str, _Profile])[name]


def _factors(
    profile: Mapping[str, float],
    given: Mapping[str, float],
    kind: type[Name],
    at: At,
    section: str,
) -> dict[Name, float]:
    low, high = FACTOR_RANGE
    words = [member.value for member in kind]
    factors: dict[Name, float] = {kind(name): float(value) for name, value in profile.items()}
    for name, factor in given.items():
        where = at("weights", section, name)
        if name not in words:
            raise BadConfig(f"{where}: there is no {name!r}{nearest(name, words)}")
        total = factors.get(kind(name), 1.0) * factor
        if not low <= factor <= high or not low <= total <= high:
            raise BadConfig(
                f"{where}: factor {factor} makes {total:g} with the profile, "
                f"it must stay within {low} and {high}"
            )
        factors[kind(name)] = total
    return factors


def _bounds(
    published: tuple[float, float, float, float], given: Mapping[str, float], at: At
) -> tuple[float, float, float, float]:
    bounds = list(published)
    for i, name in enumerate(BOUND_NAMES):
        if name not in given:
            continue
        where = at("weights", "tier_bounds", name)
        if not abs(given[name] - published[i]) <= BOUND_MOVE + ROUNDING:
            raise BadConfig(
                f"{where}: {given[name]} is more than {BOUND_MOVE:.2f} away from {published[i]}"
            )
        bounds[i] = given[name]
    if sorted(set(bounds)) != bounds:
        raise BadConfig(f"{at('weights', 'tier_bounds')}: the bounds must rise, got {bounds!r}")
    low, medium, high, critical = bounds
    return low, medium, high, critical


def _limits(
    base: SessionLimits, given: Mapping[str, int | float], at: Callable[[str], str]
) -> SessionLimits:
    values = msgspec.structs.asdict(base)
    for name, value in given.items():
        where = at(name)
        if name not in values:
            raise BadConfig(f"{where}: there is no limit {name!r}{nearest(name, sorted(values))}")
        old = values[name]
        new = Decimal(str(value)) if isinstance(old, Decimal) else value
        if not isinstance(new, type(old)) or isinstance(value, bool) or not 0 < value <= LARGEST:
            raise BadConfig(f"{where}: {value!r} must be a positive {type(old).__name__.lower()}")
        if (new - old) * DIRECTION[name] < 0:
            way = "more" if DIRECTION[name] > 0 else "less"
            raise BadConfig(
                f"{where}: {value} loosens an immutable rule, it must be {old} or {way}"
            )
        values[name] = new
    return SessionLimits(**values)
