"""Flag weights and categories. Fitted once by benchmarks/calibrate.py; see docs/adr/0001."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from permit0.model.vocabulary import Category, Flag

__all__ = ["CATEGORY_OF", "CATEGORY_WEIGHT", "FLAG_WEIGHT", "SECONDARY_FRACTION"]

CATEGORY_OF: Mapping[Flag, Category] = MappingProxyType(
    {
        Flag.OUTBOUND: Category.DATA,
        Flag.EXPOSURE: Category.DATA,
        Flag.MUTATION: Category.DATA,
        Flag.DESTRUCTION: Category.POWER,
        Flag.PRIVILEGE: Category.POWER,
        Flag.FINANCIAL: Category.POWER,
        Flag.EXECUTION: Category.CONTROL,
        Flag.PHYSICAL: Category.CONTROL,
        Flag.GOVERNANCE: Category.CONTROL,
    }
)

FLAG_WEIGHT: Mapping[Flag, float] = MappingProxyType(
    {
        Flag.OUTBOUND: 0.06,
        Flag.EXPOSURE: 0.21,
        Flag.MUTATION: 0.19,
        Flag.DESTRUCTION: 0.32,
        Flag.PRIVILEGE: 0.24,
        Flag.FINANCIAL: 0.20,
        Flag.EXECUTION: 0.18,
        Flag.PHYSICAL: 0.26,
        Flag.GOVERNANCE: 0.19,
    }
)

CATEGORY_WEIGHT: Mapping[Category, float] = MappingProxyType(
    {Category.DATA: 0.42, Category.POWER: 0.29, Category.CONTROL: 0.31}
)

SECONDARY_FRACTION = 0.44
