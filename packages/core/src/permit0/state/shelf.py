"""Pieces of what exposed outputs gave back, for one scope, and how much of them later calls carried.

Guarantees:
  * At most MAX_PIECES pieces for a session, and as many for an agent's sessions for one principal: the oldest
    outputs leave first. An output is forgotten KEPT_S after it was read.
  * The same output read again replaces the earlier one, and keeps what was carried of it.
  * A scope without outputs costs one look at an empty mapping.
Does not: make pieces (normalize), judge (sessions), or make anything last (the stores).
"""

from __future__ import annotations

import sys
from array import array
from bisect import bisect_left
from collections.abc import Collection, Sequence
from math import inf

from permit0.model.exposure import (
    BLOCK,
    Carried,
    CarriedBlocks,
    ExposedOutput,
    PieceGroup,
    PieceKind,
)
from permit0.model.history import Scope

__all__ = ["KEPT_S", "MAX_PIECES", "KeptOutput", "Shelf", "carried_by"]

KEPT_S = 24 * 3600.0
MAX_PIECES = 65_536  # 512 KiB
MANY_HITS = 64  # for fewer, to look for each is quicker than to look at every piece


class KeptOutput:
    """One output on the shelves. owner: who read it. carried: (group, block) pairs that calls carried."""

    __slots__ = ("at", "carried", "id", "output", "owner", "pieces")

    def __init__(self, number: int, at: float, owner: Scope, output: ExposedOutput) -> None:
        self.id = number
        self.at = at
        self.owner = owner
        self.output = output
        self.pieces = output.pieces
        self.carried: set[tuple[int, int]] = set()


class Shelf:
    """The outputs of one scope, oldest first."""

    __slots__ = (
        "_index",
        "kept",
        "last_carried",
        "last_output",
        "lengths",
        "newest_at",
        "words",
    )

    def __init__(self) -> None:
        self.kept: dict[int, KeptOutput] = {}
        self._index: array[int] | None = None
        # These three are read without the lock. What they ask for may be too much, never too little.
        self.newest_at = -inf
        self.words = False
        self.lengths: frozenset[int] = frozenset()
        self.last_output = 0  # up to which row of the store it was read
        self.last_carried = 0

    def leaving(self, output: ExposedOutput, now: float) -> list[KeptOutput]:
        """Who leaves when this output comes: the expired, the same one, and the oldest beyond the limit."""
        gone = [
            kept
            for kept in self.kept.values()
            if kept.at < now - KEPT_S or kept.output.groups == output.groups
        ]
        left = sum(kept.pieces for kept in self.kept.values()) + output.pieces
        left -= sum(kept.pieces for kept in gone)
        for kept in self.kept.values():
            if left <= MAX_PIECES:
                break
            if kept not in gone:
                gone.append(kept)
                left -= kept.pieces
        return gone

    def add(self, kept: KeptOutput) -> None:
        """Put an output on the shelf."""
        for old in self.leaving(kept.output, kept.at):
            del self.kept[old.id]
            if old.output.groups == kept.output.groups:
                kept.carried |= old.carried
        self.kept[kept.id] = kept
        self._index = None
        groups = kept.output.groups
        self.words = self.words or any(group.kind is PieceKind.WORD for group in groups)
        self.lengths = self.lengths.union(*(group.lengths for group in groups))
        self.newest_at = max(self.newest_at, kept.at)

    def hits(self, pieces: Collection[int]) -> list[int]:
        """Which of these pieces are on the shelf; quick if none is."""
        index = self._index
        if index is None:
            together = array("Q")
            for kept in self.kept.values():
                for group in kept.output.groups:
                    together.frombytes(group.digests)
            index = self._index = array("Q", sorted(together))
        size = len(index)
        if len(pieces) > size // 4:  # reading all of it is quicker than to look for each
            return list(set(pieces).intersection(index))
        found = []
        for piece in pieces:
            at = bisect_left(index, piece)
            if at < size and index[at] == piece:
                found.append(piece)
        return found


def carried_by(
    shelves: Sequence[Shelf], pieces: Collection[int], now: float
) -> tuple[Carried, ...]:
    """What a call carries of every output on the shelves of a scope, each output once."""
    outputs: dict[int, KeptOutput] = {}
    hits: set[int] = set()
    for shelf in shelves:
        found = shelf.hits(pieces)
        if found:
            hits.update(found)
            outputs.update(shelf.kept)
    return tuple(
        carried
        for kept in outputs.values()
        if kept.at >= now - KEPT_S and (carried := _carried(kept, hits)) is not None
    )


def _carried(kept: KeptOutput, hits: Collection[int]) -> Carried | None:
    new: list[tuple[int, int]] = []
    groups: list[tuple[PieceGroup, int, int]] = []
    for number, group in enumerate(kept.output.groups):
        blocks = _blocks(group, hits)
        if blocks:
            before = {block for of, block in kept.carried if of == number}
            groups.append((group, len(blocks | before), len(blocks)))
            new += [(number, block) for block in sorted(blocks - before)]
    if not groups:
        return None
    return Carried(kept.output.tool, kept.at, tuple(groups), CarriedBlocks(kept.id, tuple(new)))


def _blocks(group: PieceGroup, hits: Collection[int]) -> set[int]:
    digests = group.digests
    size = 1 if group.kind in (PieceKind.NUMBER, PieceKind.WORD) else BLOCK
    if len(hits) > MANY_HITS:
        view = memoryview(digests).cast("Q")
        return {at // size for at, digest in enumerate(view) if digest in hits}
    found: set[int] = set()
    for hit in hits:
        wanted = hit.to_bytes(8, sys.byteorder)
        at = digests.find(wanted)
        while at >= 0:
            if at % 8 == 0:
                found.add(at // 8 // size)
            at = digests.find(wanted, at + 1)
    return found
