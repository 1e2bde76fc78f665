"""Amplifier ceilings, weights and roles in the formula. Fitted once; see docs/adr/0001.

Each amplifier belongs to exactly one category (the mean in step 3 of the scorer) and either
multiplies or adds (steps 4 and 5). The weights sum to exactly 1, which is why they are counted in
hundredths.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from permit0.model.vocabulary import Amplifier, Category

__all__ = ["AMPLIFIER_CATEGORY", "AMPLIFIER_HUNDREDTHS", "CEILING", "MULTIPLYING"]

CEILING: Mapping[Amplifier, int] = MappingProxyType(
    {
        Amplifier.DESTINATION: 40,
        Amplifier.SENSITIVITY: 35,
        Amplifier.SCOPE: 35,
        Amplifier.AMOUNT: 30,
        Amplifier.SESSION: 30,
        Amplifier.VOLUME: 25,
        Amplifier.IRREVERSIBILITY: 20,
        Amplifier.BOUNDARY: 20,
        Amplifier.ACTOR: 20,
        Amplifier.ENVIRONMENT: 15,
    }
)

AMPLIFIER_HUNDREDTHS: Mapping[Amplifier, int] = MappingProxyType(
    {
        Amplifier.DESTINATION: 13,
        Amplifier.SENSITIVITY: 22,
        Amplifier.SCOPE: 8,
        Amplifier.AMOUNT: 3,
        Amplifier.SESSION: 15,
        Amplifier.VOLUME: 6,
        Amplifier.IRREVERSIBILITY: 4,
        Amplifier.BOUNDARY: 12,
        Amplifier.ACTOR: 10,
        Amplifier.ENVIRONMENT: 7,
    }
)

MULTIPLYING = frozenset({Amplifier.DESTINATION, Amplifier.BOUNDARY, Amplifier.IRREVERSIBILITY})

AMPLIFIER_CATEGORY: Mapping[Amplifier, Category] = MappingProxyType(
    {
        Amplifier.SENSITIVITY: Category.DATA,
        Amplifier.SCOPE: Category.DATA,
        Amplifier.VOLUME: Category.DATA,
        Amplifier.DESTINATION: Category.DATA,
        Amplifier.AMOUNT: Category.POWER,
        Amplifier.IRREVERSIBILITY: Category.POWER,
        Amplifier.BOUNDARY: Category.POWER,
        Amplifier.ACTOR: Category.CONTROL,
        Amplifier.SESSION: Category.CONTROL,
        Amplifier.ENVIRONMENT: Category.CONTROL,
    }
)
