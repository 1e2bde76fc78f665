"""Sessions in the memory of this process.

Guarantees: a transaction is alone: reading, deciding and appending are one step for every scope,
so that the decisions of parallel calls are those of some serial order.
Memory is bounded: beyond MAX_SCOPES sessions the half that was used least recently is forgotten.
Does not: survive the process, or be seen by another one.
"""

from __future__ import annotations

import secrets
import threading
from collections.abc import Collection, Sequence
from types import TracebackType
from typing import Self

from permit0.errors import StateUnavailable
from permit0.model.exposure import Carried, CarriedBlocks, ExposedOutput, Wanted
from permit0.model.history import Feature, HistoryEntry, HistoryView, Scope
from permit0.state.ledger import FeatureIndex
from permit0.state.scopes import ScopedHistory, ScopeLedgers, not_before
from permit0.state.shelf import KeptOutput

__all__ = ["MAX_SCOPES", "MemoryStore"]

MAX_SCOPES = (
    100_000  # some 2 kB each; by use and not by time, since callers may bring their own clock
)


class MemoryStore:
    """A StateStore for one process.

    One lock for all scopes: scopes overlap (a session belongs to several agents, an agent to
    several sessions), the critical section is some ten microseconds of Python, and the interpreter
    would serialise it anyway. A waiter gives up after `timeout_s` seconds. `features` may be the index
    of another store, for whoever needs many empty stores that answer the same questions.
    """

    def __init__(
        self, features: Sequence[Feature] | FeatureIndex, *, timeout_s: float = 5.0
    ) -> None:
        self._index = features if isinstance(features, FeatureIndex) else FeatureIndex(features)
        self._history = ScopedHistory(self._index)
        self._lock = threading.Lock()
        self._timeout_s = timeout_s
        self._key = secrets.token_bytes(32)
        self._outputs = 0

    @property
    def piece_key(self) -> bytes:
        """See StateStore."""
        return self._key

    def wanted(self, scope: Scope, at: float) -> Wanted | None:
        """See StateStore."""
        ledgers = self._history.known(scope)
        return None if ledgers is None else ledgers.wanted(self._key, at)

    def transaction(self, scope: Scope, at: float) -> _Transaction:
        """Open a scope for one decision; see StateStore."""
        return _Transaction(self, scope, at)

    def settle(
        self, scope: Scope, at: float, entry: HistoryEntry, output: ExposedOutput | None = None
    ) -> None:
        """Add what an execution revealed to the latest step; see StateStore."""
        with self.transaction(scope, at) as transaction:
            transaction.settle(entry, output)

    def keep(self, ledgers: ScopeLedgers, kept: KeptOutput) -> None:
        """Give an output its number and remember it; inside of the critical section."""
        self._outputs += 1
        kept.id = self._outputs
        self._history.has_outputs = True
        ledgers.keep(kept)

    def acquire(self) -> None:
        """Enter the critical section.

        Raises:
            StateUnavailable: Another decision held it for longer than the time limit.
        """
        if self._lock.acquire(blocking=False):  # nearly always, and quicker than with a time limit
            return
        if not self._lock.acquire(timeout=self._timeout_s):
            raise StateUnavailable("the session store is locked by another decision, try again")

    def release(self) -> None:
        """Leave the critical section."""
        self._lock.release()

    def ledgers(self, scope: Scope) -> ScopeLedgers:
        """The ledgers of a scope."""
        return self._history.of(scope, MAX_SCOPES)

    @property
    def index(self) -> FeatureIndex:
        """The features that this store answers."""
        return self._index


class _Transaction:
    """One step; see HistoryTransaction."""

    __slots__ = ("_at", "_ledgers", "_scope", "_store", "now", "view")

    now: float
    view: HistoryView

    def __init__(self, store: MemoryStore, scope: Scope, at: float) -> None:
        self._store = store
        self._scope = scope
        self._at = at

    def __enter__(self) -> Self:
        self._store.acquire()
        try:
            self._ledgers = self._store.ledgers(self._scope)
            self.now = self._ledgers.begin(self._at)
            self.view = self._ledgers.view(self._store.index, self.now)
        except BaseException:  # the lock is never left behind: without it nobody could decide
            self._store.release()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._store.release()

    def wanted(self) -> Wanted | None:
        return self._ledgers.wanted(self._store.piece_key, self.now)

    def carried(self, pieces: Collection[int]) -> tuple[Carried, ...]:
        return self._ledgers.carried(pieces, self.now)

    def append(self, entry: HistoryEntry, carried: Sequence[CarriedBlocks] = ()) -> None:
        self._ledgers.apply(not_before(entry, self.now))
        for blocks in carried:
            self._ledgers.carry(blocks)

    def settle(self, entry: HistoryEntry, output: ExposedOutput | None = None) -> None:
        self._ledgers.settle(not_before(entry, self.now))
        if output is not None:
            self._store.keep(self._ledgers, KeptOutput(0, self.now, self._scope, output))
