"""Answers that were computed before, up to a number of them.

Guarantees: bounded; safe for threads, which at worst compute an answer twice; no lock, since one could be held
by another thread at the moment of a fork, and the child would wait for ever. When it is full it begins anew.
Does not: know whether an answer still holds; only pure functions are remembered.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, TypeVar

__all__ = ["Remembered"]

T = TypeVar("T")


class Remembered(Generic[T]):
    """Answers by the digest of what was asked. size: at most so many."""

    __slots__ = ("_kept", "_size")

    def __init__(self, size: int) -> None:
        self._size = size
        self._kept: dict[bytes, T] = {}

    def __len__(self) -> int:
        return len(self._kept)

    def answer(self, key: bytes, compute: Callable[[], T]) -> T:
        """What was computed for the key, now or before. What `compute` raises is not remembered."""
        kept = self._kept
        try:
            return kept[key]
        except KeyError:
            found = compute()
        if len(kept) >= self._size:
            self._kept = kept = {}  # a thread that still holds the old one loses what it adds
        kept[key] = found
        return found
