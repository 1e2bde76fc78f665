"""What is remembered of an output that held secrets or personal data, so that a part of it is known again.

Nothing here is a clear text: a piece is a keyed digest of 8 bytes (normalize/pieces.py).
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum

import msgspec

__all__ = [
    "BLOCK",
    "CALL_STRIDE",
    "Carried",
    "CarriedBlocks",
    "ExposedOutput",
    "PieceGroup",
    "PieceKind",
    "Wanted",
]

# A call is looked at in every fourth place, an output in every one (or every odd `stride`-th one): whatever
# the two are shifted against each other, one place in 4 * stride is looked at in both. What matched is
# counted in blocks of as many pieces, so that another shift of the same part does not count as more.
CALL_STRIDE = 4
BLOCK = CALL_STRIDE


class PieceKind(StrEnum):
    """How the pieces of a group were made.

    TEXT: runs of a text. SECRET: runs of one long secret. NUMBER: whole numbers of a person (a card).
    WORD: whole short secrets (a password).
    """

    TEXT = "text"
    SECRET = "secret"  # noqa: S105  # the name of a sort
    NUMBER = "number"
    WORD = "word"


class PieceGroup(msgspec.Struct, frozen=True, gc=False):
    """Pieces of one text, of one secret, or of all numbers or words of one kind.

    what: "text", or the kind of secret or personal number. stride: every how manieth place was kept, odd.
    lengths: of NUMBER groups, how many digits the numbers have.
    digests: 8 bytes each, in the order of the text.
    """

    what: str
    kind: PieceKind
    digests: bytes
    stride: int = 1
    lengths: tuple[int, ...] = ()

    @property
    def pieces(self) -> int:
        """How many there are."""
        return len(self.digests) // 8

    @property
    def parts(self) -> int:
        """How many parts a call that carries all of it is seen to carry."""
        if self.kind in (PieceKind.NUMBER, PieceKind.WORD):
            return self.pieces
        return -(-self.pieces // BLOCK)


class ExposedOutput(msgspec.Struct, frozen=True, gc=False):
    """One output. tool: the name of the tool that gave it back."""

    tool: str
    groups: tuple[PieceGroup, ...]

    @property
    def pieces(self) -> int:
        """How many pieces are kept of it."""
        return sum(group.pieces for group in self.groups)


class Wanted(msgspec.Struct, frozen=True):
    """What must be made of a call so that it can be compared: with which key, and what besides runs of text.

    words: whole words as well. lengths: whole numbers of so many digits as well.
    """

    key: bytes
    words: bool
    lengths: tuple[int, ...]


class CarriedBlocks(msgspec.Struct, frozen=True, gc=False):
    """What one call carried of one output: (group, block) pairs. output: the store's id of it."""

    output: int
    blocks: tuple[tuple[int, int], ...]


class Carried(msgspec.Struct, frozen=True, gc=False):
    """What a call, together with the calls before it, has carried of one output.

    tool: which gave the output. steps_at: when, in unix seconds.
    groups: for each group of which something was carried: the group, how many of its parts were carried by
        now, and how many of them by this call.
    blocks: to be remembered with the step.
    """

    tool: str
    at: float
    groups: tuple[tuple[PieceGroup, int, int], ...]
    blocks: CarriedBlocks


def pieces_of(outputs: Sequence[ExposedOutput]) -> int:
    """How many pieces they have together."""
    return sum(output.pieces for output in outputs)
