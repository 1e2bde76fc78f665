"""Rows of the state file, and what they do to the ledgers.

Guarantees: what is read back equals what was written, bit for bit (times, amounts, names).
A row that cannot be read is an error, never skipped: a gap in history would allow too much.
"""

from __future__ import annotations

import sqlite3
from enum import IntEnum
from pathlib import Path

import msgspec

from permit0.errors import StateUnavailable
from permit0.model.history import HistoryEntry, Scope, Trace
from permit0.model.vocabulary import Tier
from permit0.state.ledger import Ledger
from permit0.state.scopes import ScopeLedgers

__all__ = ["RowKind", "catch_up", "insert"]


class RowKind(IntEnum):
    """What a row says.

    LOOKED: the scope was looked at and nothing was appended; only its time moved on.
    """

    STEP = 0
    REFUSED = 1
    SETTLED = 2
    LOOKED = 3


_INSERT = (
    "INSERT INTO history (session, agent, principal, kind, at, tier, traces) "
    "VALUES (?, ?, ?, ?, ?, ?, ?)"
)
_SESSION = (
    "SELECT id, kind, at, tier, traces, agent, principal FROM history "
    "WHERE session = ? AND id > ? ORDER BY id"
)
_SHARED = (
    "SELECT id, kind, at, tier, traces FROM history "
    "WHERE agent = ? AND principal = ? AND id > ? ORDER BY id"
)
_TIERS = {tier.value: tier for tier in Tier}
_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(tuple[Trace, ...]).decode


def insert(connection: sqlite3.Connection, scope: Scope, kind: RowKind, entry: HistoryEntry) -> int:
    """Write one row.

    Returns:
        Its id.
    """
    cursor = connection.execute(
        _INSERT,
        (
            scope.session,
            scope.agent,
            scope.principal,
            int(kind),
            entry.at,
            entry.tier.value,
            _encode(entry.traces).decode(),
        ),
    )
    row = cursor.lastrowid
    assert row is not None  # it is one after an INSERT
    return row


def catch_up(
    connection: sqlite3.Connection, scope: Scope, ledgers: ScopeLedgers, path: Path
) -> None:
    """Apply every row of a scope that its ledgers do not hold yet, in order.

    A ledger that this leaves in the middle of a row, by an exception, must not be used again.

    Raises:
        StateUnavailable: A row cannot be read.
    """
    session, shared, both = ledgers.session, ledgers.shared, ledgers.both
    pair = (scope.agent, scope.principal)
    since = session.row if both is None else min(session.row, both.row)
    try:
        for row, kind, at, tier, traces, *who in connection.execute(
            _SESSION, (scope.session, since)
        ):
            theirs = both is not None and row > both.row and tuple(who) == pair
            if row > session.row or theirs:
                entry = _entry(kind, at, tier, traces)
                if row > session.row:
                    _apply(session, kind, entry)
                    session.row = row
                if theirs and both is not None:
                    _apply(both, kind, entry)
        if both is not None:
            both.row = session.row
        if shared is not None:
            for row, kind, at, tier, traces in connection.execute(_SHARED, (*pair, shared.row)):
                _apply(shared, kind, _entry(kind, at, tier, traces))
                shared.row = row
    except (KeyError, ValueError, TypeError, msgspec.MsgspecError) as error:
        raise StateUnavailable(
            f"a row of the state file {str(path)!r} cannot be read, restore it from a backup",
            reason_code="state_corrupt",
        ) from error


def _entry(kind: int, at: float, tier: str, traces: str) -> HistoryEntry:
    return HistoryEntry(at, _TIERS[tier], _decode(traces), kind == RowKind.REFUSED)


def _apply(ledger: Ledger, kind: int, entry: HistoryEntry) -> None:
    if kind in (RowKind.STEP, RowKind.REFUSED):
        ledger.apply(entry)
    elif kind == RowKind.SETTLED or kind == RowKind.LOOKED:
        ledger.settle(entry)
    else:
        raise ValueError(kind)
