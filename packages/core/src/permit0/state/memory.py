"""Sessions in the memory of this process.

Guarantees: a transaction is alone: reading, deciding and appending are one step for every scope,
so that the decisions of parallel calls are those of some serial order.
Memory is bounded: beyond MAX_SCOPES sessions the half that was used least recently is forgotten.
Does not: survive the process, or be seen by another one.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from types import TracebackType
from typing import Self

from permit0.errors import StateUnavailable
from permit0.model.history import Feature, HistoryEntry, HistoryView, Scope
from permit0.state.ledger import FeatureIndex, Ledger, MergedHistory

__all__ = ["MAX_SCOPES", "MemoryStore"]

MAX_SCOPES = (
    100_000  # some 2 kB each; by use and not by time, since callers may bring their own clock
)


class MemoryStore:
    """A StateStore for one process.

    One lock for all scopes: scopes overlap (a session belongs to several agents, an agent to
    several sessions), the critical section is some ten microseconds of Python, and the interpreter
    would serialise it anyway. A waiter gives up after `timeout_s` seconds.
    """

    def __init__(self, features: Sequence[Feature], *, timeout_s: float = 5.0) -> None:
        self._index = FeatureIndex(features)
        self._lock = threading.Lock()
        self._timeout_s = timeout_s
        self._uses = 0
        self._sessions: dict[str, Ledger] = {}
        self._shared: dict[tuple[str, str], Ledger] = {}
        self._both: dict[tuple[str, str, str], Ledger] = {}

    def transaction(self, scope: Scope, at: float) -> _Transaction:
        """Open a scope for one decision; see StateStore."""
        return _Transaction(self, scope, at)

    def settle(self, scope: Scope, at: float, entry: HistoryEntry) -> None:
        """Add what an execution revealed to the latest step; see StateStore."""
        with self.transaction(scope, at) as transaction:
            transaction.settle(entry)

    def acquire(self) -> None:
        """Enter the critical section.

        Raises:
            StateUnavailable: Another decision held it for longer than the time limit.
        """
        if self._lock.acquire(blocking=False):  # nearly always, and quicker than with a time limit
            return
        if not self._lock.acquire(timeout=self._timeout_s):
            raise StateUnavailable("the session store is locked by another decision, try again")

    def use(self) -> int:
        """The number of this transaction, counted in the critical section."""
        self._uses += 1
        return self._uses

    def release(self) -> None:
        """Leave the critical section."""
        self._lock.release()

    def ledgers(self, scope: Scope) -> tuple[Ledger, Ledger | None, Ledger | None]:
        """The ledgers of a scope: session, shared, both."""
        self._tidy()
        session = self._sessions.get(scope.session)
        if session is None:
            session = self._sessions[scope.session] = Ledger(self._index, shared=False)
        if scope.principal is None:
            return session, None, None
        pair = (scope.agent, scope.principal)
        shared = self._shared.get(pair)
        if shared is None:
            shared = self._shared[pair] = Ledger(self._index, shared=True)
        triple = (scope.session, *pair)
        both = self._both.get(triple)
        if both is None:
            both = self._both[triple] = Ledger(self._index, shared=True)
        return session, shared, both

    def _tidy(self) -> None:
        """Forget what was used least recently, if there is too much.

        One limit for all three: `both` is never used later than its session and its pair, so that
        nothing is subtracted for a scope that was forgotten.
        """
        if max(len(self._sessions), len(self._shared), len(self._both)) < MAX_SCOPES:
            return
        ledgers = (*self._sessions.values(), *self._shared.values(), *self._both.values())
        used = sorted(ledger.used for ledger in ledgers)
        middle = used[len(used) // 2]
        self._sessions = {k: v for k, v in self._sessions.items() if v.used >= middle}
        self._shared = {k: v for k, v in self._shared.items() if v.used >= middle}
        self._both = {k: v for k, v in self._both.items() if v.used >= middle}

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
            session, shared, both = self._ledgers = self._store.ledgers(self._scope)
        except BaseException:  # the lock is never left behind: without it nobody could decide
            self._store.release()
            raise
        session.used = self._store.use()
        if shared is not None and both is not None:
            shared.used = both.used = session.used
        # A clock that jumps back must not reopen a window: a step is never before the last one.
        now = max(self._at, session.last_at)
        if shared is not None:
            now = max(now, shared.last_at)
        # Looking is enough: what has left a window by now has been forgotten and cannot come back.
        for ledger in self._ledgers:
            if ledger is not None:
                ledger.last_at = now
        self.now = now
        self.view = MergedHistory(self._store.index, now, session, shared, both)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._store.release()

    def append(self, entry: HistoryEntry) -> None:
        for ledger in self._ledgers:
            if ledger is not None:
                ledger.apply(entry)

    def settle(self, entry: HistoryEntry) -> None:
        for ledger in self._ledgers:
            if ledger is not None:
                for trace in entry.traces:
                    ledger.add_trace(trace, max(entry.at, self.now))
