"""Block rules on the result itself: flags and normalised amplifiers, whatever pack they came from.

They are the floor below every pack: a combination that no policy table should let a score decide.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from permit0.model.vocabulary import Amplifier, Flag, Role
from permit0.score.amplifiers import CEILING

__all__ = ["BLOCK_RULES", "BlockRule", "find_block"]

_FLAGS = tuple(Flag)
_AMPLIFIERS = tuple(Amplifier)


class BlockRule(msgspec.Struct, frozen=True):
    """primary: flags that must be primary. full: amplifiers that must stand at their ceiling."""

    name: str
    primary: tuple[Flag, ...]
    full: tuple[Amplifier, ...]
    why: str

    def holds(self, points: Sequence[int], roles: Sequence[Role]) -> bool:
        """Whether the rule fires on a result."""
        return all(points[_AMPLIFIERS.index(amp)] >= CEILING[amp] for amp in self.full) and all(
            roles[_FLAGS.index(flag)] is Role.PRIMARY for flag in self.primary
        )


BLOCK_RULES = (
    BlockRule(
        "unrecoverable_destruction",
        (Flag.DESTRUCTION,),
        (Amplifier.IRREVERSIBILITY, Amplifier.SCOPE),
        "destroys everything in its scope and cannot be undone",
    ),
    BlockRule(
        "sensitive_outflow",
        (Flag.EXPOSURE, Flag.OUTBOUND),
        (Amplifier.SENSITIVITY, Amplifier.DESTINATION, Amplifier.BOUNDARY),
        "sends the most sensitive kind of data to the least known kind of destination",
    ),
)

_SCOPE = _AMPLIFIERS.index(Amplifier.SCOPE)
_SENSITIVITY = _AMPLIFIERS.index(Amplifier.SENSITIVITY)
_FULL_SCOPE = CEILING[Amplifier.SCOPE]
_FULL_SENSITIVITY = CEILING[Amplifier.SENSITIVITY]


def find_block(points: Sequence[int], roles: Sequence[Role]) -> BlockRule | None:
    """The block rule that fires on a result, if any."""
    # Every rule needs one of these two at its ceiling; most results end here.
    if points[_SCOPE] < _FULL_SCOPE and points[_SENSITIVITY] < _FULL_SENSITIVITY:
        return None
    for rule in BLOCK_RULES:
        if rule.holds(points, roles):
            return rule
    return None
