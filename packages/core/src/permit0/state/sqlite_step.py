"""One step on a state file: what a SqliteStore gives for a transaction.

Guarantees: whatever cannot be written whole is not written at all; what is in memory follows the file
(sqlite.py).
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Self

from permit0.model.exposure import Carried, CarriedBlocks, ExposedOutput, Wanted
from permit0.model.history import HistoryEntry, HistoryView, Scope
from permit0.model.vocabulary import Tier
from permit0.state.rows import RowKind
from permit0.state.scopes import not_before
from permit0.state.shelf import KeptOutput

if TYPE_CHECKING:
    from permit0.state.sqlite import SqliteStore

__all__ = ["SqliteStep"]


class SqliteStep:
    """One step; see HistoryTransaction."""

    __slots__ = (
        "_at",
        "_carried",
        "_failed",
        "_ledgers",
        "_moved",
        "_outputs",
        "_rows",
        "_scope",
        "_store",
        "now",
        "view",
    )

    now: float
    view: HistoryView

    def __init__(self, store: SqliteStore, scope: Scope, at: float) -> None:
        self._store = store
        self._scope = scope
        self._at = at
        self._failed = False
        self._rows: list[tuple[int, RowKind, HistoryEntry]] = []
        self._outputs: Sequence[KeptOutput] = ()
        self._carried: Sequence[CarriedBlocks] = ()

    def __enter__(self) -> Self:
        ledgers = self._ledgers = self._store.begin(self._scope)
        try:
            before = min(ledger.last_at for ledger in ledgers.all)
            self.now = ledgers.begin(self._at)
            self._moved = self.now > before
            self.view = ledgers.view(self._store.index, self.now)
        except BaseException:  # the lock is never left behind: without it nobody could decide
            self._store.abandon()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._failed or (error is not None and not self._rows):
            self._store.abandon(error)
            return
        if not self._rows and self._moved:
            # Another process must not go back behind a time at which this one has looked.
            try:
                self._insert(RowKind.LOOKED, HistoryEntry(self.now, Tier.MINIMAL, ()))
            except BaseException as failed:
                self._store.abandon(failed)
                raise
        self._store.commit(self._scope, self._ledgers, self._rows, self._outputs, self._carried)

    def wanted(self) -> Wanted | None:
        return self._store.wanted_now(self._ledgers, self.now)

    def carried(self, pieces: Collection[int]) -> tuple[Carried, ...]:
        return self._ledgers.carried(pieces, self.now)

    def append(self, entry: HistoryEntry, carried: Sequence[CarriedBlocks] = ()) -> None:
        self._insert(RowKind.REFUSED if entry.refused else RowKind.STEP, entry)
        try:
            for blocks in carried:
                self._store.insert_carried(blocks)
        except BaseException:
            self._failed = True
            raise
        self._carried = carried

    def settle(self, entry: HistoryEntry, output: ExposedOutput | None = None) -> None:
        self._insert(RowKind.SETTLED, entry)
        if output is not None:
            kept = KeptOutput(0, self.now, self._scope, output)
            try:
                self._store.insert_output(self._scope, self._ledgers, kept)
            except BaseException:
                self._failed = True
                raise
            self._outputs = (kept,)

    def _insert(self, kind: RowKind, entry: HistoryEntry) -> None:
        entry = not_before(entry, self.now)
        try:
            self._rows.append((self._store.insert(self._scope, kind, entry), kind, entry))
        except BaseException:
            self._failed = True
            raise
