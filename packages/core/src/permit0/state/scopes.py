"""The ledgers of many scopes in the memory of one process, found by session, by pair and by both.

A scope has up to three: the session, all sessions of the agent for the principal (`shared`), and
what is in the two of them (`both`); see MergedHistory. Every store keeps its index here, so that
all stores answer alike.

Does not: lock (the store), or make anything last (the store).
"""

from __future__ import annotations

from collections.abc import Collection
from math import isfinite

import msgspec

from permit0.errors import InvalidInput
from permit0.model.exposure import Carried, CarriedBlocks, ExposedOutput, Wanted
from permit0.model.history import HistoryEntry, Scope
from permit0.state.ledger import FeatureIndex, Ledger, MergedHistory
from permit0.state.shelf import KEPT_S, KeptOutput, Shelf, carried_by

__all__ = ["ScopeLedgers", "ScopedHistory", "not_before"]


def not_before(entry: HistoryEntry, now: float) -> HistoryEntry:
    """The entry, moved to `now` if it claims to be earlier: windows rely on the order of time."""
    return entry if entry.at >= now else msgspec.structs.replace(entry, at=now)


class ScopeLedgers:
    """What is known of one scope."""

    __slots__ = ("all", "both", "session", "shared")

    def __init__(self, session: Ledger, shared: Ledger | None, both: Ledger | None) -> None:
        self.session = session
        self.shared = shared
        self.both = both
        self.all = (session,) if shared is None or both is None else (session, shared, both)

    def begin(self, at: float) -> float:
        """The time of a step that begins at `at`, in unix seconds.

        A clock that jumps back must not reopen a window: a step is never before the last one.
        Looking is enough: what has left a window by now was forgotten and cannot come back.

        Raises:
            InvalidInput: The time is not a finite number; it would empty every window for ever.
        """
        if not isfinite(at):
            raise InvalidInput(f"the clock says {at!r}, which is no time", reason_code="bad_time")
        now = max(at, self.session.last_at)
        if self.shared is not None:
            now = max(now, self.shared.last_at)
        for ledger in self.all:
            ledger.last_at = now
        return now

    def view(self, index: FeatureIndex, now: float) -> MergedHistory:
        """Answers as of now."""
        return MergedHistory(index, now, self.session, self.shared, self.both)

    def apply(self, entry: HistoryEntry) -> None:
        """Count one call in each."""
        for ledger in self.all:
            ledger.apply(entry)

    def settle(self, entry: HistoryEntry) -> None:
        """Count what an execution revealed in each, as part of the latest step."""
        for ledger in self.all:
            ledger.settle(entry)

    def wanted(self, key: bytes, now: float) -> Wanted | None:
        """What to make of a call so that it can be compared; None if there is nothing to compare with."""
        if self.session.shelf is None and (self.shared is None or self.shared.shelf is None):
            return None
        shelves = [shelf for shelf in self._shelves() if shelf.newest_at >= now - KEPT_S]
        if not shelves:
            return None
        return Wanted(
            key,
            any(shelf.words for shelf in shelves),
            tuple(sorted(frozenset[int]().union(*(shelf.lengths for shelf in shelves)))),
        )

    def carried(self, pieces: Collection[int], now: float) -> tuple[Carried, ...]:
        """What a call carries of the outputs."""
        return carried_by(self._shelves(), pieces, now)

    def keep(self, kept: KeptOutput) -> None:
        """Remember an output."""
        for ledger in (self.session, self.shared):
            if ledger is not None:
                ledger.shelf_made().add(kept)

    def carry(self, blocks: CarriedBlocks) -> None:
        """Remember what a call carried."""
        for shelf in self._shelves():
            kept = shelf.kept.get(blocks.output)
            if kept is not None:
                kept.carried.update(blocks.blocks)

    def leaving(self, output: ExposedOutput, now: float) -> list[KeptOutput]:
        """Which outputs leave a shelf when this one is kept."""
        gone = {kept.id: kept for shelf in self._shelves() for kept in shelf.leaving(output, now)}
        return list(gone.values())

    def _shelves(self) -> list[Shelf]:
        return [
            ledger.shelf
            for ledger in (self.session, self.shared)
            if ledger is not None and ledger.shelf is not None
        ]


class ScopedHistory:
    """Finds and makes the ledgers of a scope, and forgets what was used least recently."""

    def __init__(self, index: FeatureIndex) -> None:
        self.index = index
        self._uses = 0
        self._sessions: dict[str, Ledger] = {}
        self._shared: dict[tuple[str, str], Ledger] = {}
        self._both: dict[tuple[str, str, str], Ledger] = {}
        self.has_outputs = False  # whether any scope of this process ever had one

    def of(self, scope: Scope, limit: int) -> ScopeLedgers:
        """The ledgers of a scope, at most about `limit` of each sort being kept."""
        if max(len(self._sessions), len(self._shared), len(self._both)) >= limit:
            self._tidy()
        self._uses = used = self._uses + 1
        session = self._sessions.get(scope.session)
        if session is None:
            session = self._sessions[scope.session] = Ledger(self.index, shared=False)
        session.used = used
        if scope.principal is None:
            return ScopeLedgers(session, None, None)
        pair = (scope.agent, scope.principal)
        shared = self._shared.get(pair)
        if shared is None:
            shared = self._shared[pair] = Ledger(self.index, shared=True)
        triple = (scope.session, *pair)
        both = self._both.get(triple)
        if both is None:
            both = self._both[triple] = Ledger(self.index, shared=True)
        shared.used = both.used = used
        return ScopeLedgers(session, shared, both)

    def known(self, scope: Scope) -> ScopeLedgers | None:
        """The ledgers of a scope if there may be outputs; to be asked without the lock."""
        if not self.has_outputs:
            return None
        session = self._sessions.get(scope.session)
        shared = both = None
        if scope.principal is not None:
            shared = self._shared.get((scope.agent, scope.principal))
            both = self._both.get((scope.session, scope.agent, scope.principal))
        if session is None:
            if shared is None:
                return None
            return ScopeLedgers(shared, None, None)
        return ScopeLedgers(session, shared, both)

    def forget(self, scope: Scope) -> None:
        """Forget the ledgers of a scope; only where they can be made again."""
        self._sessions.pop(scope.session, None)
        if scope.principal is not None:
            self._shared.pop((scope.agent, scope.principal), None)
            self._both.pop((scope.session, scope.agent, scope.principal), None)

    def _tidy(self) -> None:
        """Forget what was used least recently.

        One limit for all three: `both` is never used later than its session and its pair, so that
        nothing is subtracted for a scope that was forgotten.
        """
        ledgers = (*self._sessions.values(), *self._shared.values(), *self._both.values())
        used = sorted(ledger.used for ledger in ledgers)
        middle = used[len(used) // 2]
        self._sessions = {k: v for k, v in self._sessions.items() if v.used >= middle}
        self._shared = {k: v for k, v in self._shared.items() if v.used >= middle}
        self._both = {k: v for k, v in self._both.items() if v.used >= middle}
