"""What of an agent is guarded, where, and what cannot be.

Guarantees: nothing that is open is left out by the integration that says so; `complete` only if nothing is.
"""

from __future__ import annotations

from typing import Generic, TypeVar

import msgspec

__all__ = ["Coverage", "CoverageWarning", "Covered", "Gap", "Guarded"]

T = TypeVar("T")


class CoverageWarning(UserWarning):
    """Something of what was protected is still open. `protect(..., strict=True)` refuses instead."""


class Covered(msgspec.Struct, frozen=True):
    """One thing that is guarded. where: the layers that enforce, outermost first ("agent", "tool")."""

    name: str
    where: tuple[str, ...]


class Gap(msgspec.Struct, frozen=True):
    """One thing that is not. why: in one clause, with what to do instead."""

    name: str
    why: str


class Coverage(msgspec.Struct, frozen=True):
    """The report of one object."""

    framework: str
    covered: tuple[Covered, ...] = ()
    gaps: tuple[Gap, ...] = ()

    @property
    def complete(self) -> bool:
        """Whether something is guarded and nothing is open."""
        return bool(self.covered) and not self.gaps

    def plus(self, other: Coverage) -> Coverage:
        """Both together, each thing once."""
        return Coverage(
            self.framework,
            tuple(dict.fromkeys((*self.covered, *other.covered))),
            tuple(dict.fromkeys((*self.gaps, *other.gaps))),
        )

    def __str__(self) -> str:
        lines = [f"{self.framework}: {len(self.covered)} guarded, {len(self.gaps)} open"]
        lines += [f"  guarded  {item.name}  at {' and '.join(item.where)}" for item in self.covered]
        lines += [f"  OPEN     {gap.name}  {gap.why}" for gap in self.gaps]
        return "\n".join(lines)


class Guarded(msgspec.Struct, Generic[T], frozen=True):
    """What an integration made of an object. value: what to use from now on."""

    value: T
    coverage: Coverage
