"""Rows of the state file about exposed outputs: the key, the outputs, and what calls carried of them.

Guarantees: written in the transaction of the step that they belong to; a row that cannot be read is an error,
never skipped. Rows of outputs that are over by more than FORGET_AFTER_S are deleted, a few with each new one,
and so are those that their scope has no room for: the file does not grow with the age of a deployment.
The key is in the same file. It keeps the digests of two deployments apart and makes them useless without the
file; it does not protect them from whoever has the whole file, which is why its mode is 0600.
"""

from __future__ import annotations

import secrets
import sqlite3
from collections.abc import Iterable
from pathlib import Path

import msgspec

from permit0.errors import StateUnavailable
from permit0.model.exposure import CarriedBlocks, ExposedOutput, PieceGroup
from permit0.model.history import Scope
from permit0.state.scopes import ScopeLedgers
from permit0.state.shelf import KEPT_S, KeptOutput

__all__ = [
    "FORGET_AFTER_S",
    "catch_up_outputs",
    "insert_carried",
    "insert_output",
    "make_key",
]

KEY_BYTES = 32
# Twice what counts: a scope whose time is behind must not lose what still counts there.
FORGET_AFTER_S = 2 * KEPT_S
FORGET_BATCH = 8  # each new output brings one

_COLUMNS = "SELECT id, at, session, agent, principal, tool, groups FROM exposed_outputs "
_OF_SESSION = _COLUMNS + "WHERE session = ? AND id > ? ORDER BY id"
_OF_PAIR = _COLUMNS + "WHERE agent = ? AND principal = ? AND id > ? ORDER BY id"
_CARRIED = "SELECT id, blocks FROM carried_blocks WHERE output = ? AND id > ? ORDER BY id"
_INSERT = (
    "INSERT INTO exposed_outputs (session, agent, principal, at, tool, groups) "
    "VALUES (?, ?, ?, ?, ?, ?)"
)
_OLD = "SELECT id FROM exposed_outputs WHERE at < ? ORDER BY at LIMIT ?"
_COPY = (
    "INSERT INTO carried_blocks (output, blocks) "
    "SELECT ?, blocks FROM carried_blocks WHERE output = ? ORDER BY id"
)
_encode = msgspec.msgpack.Encoder().encode
_decode_groups = msgspec.msgpack.Decoder(tuple[PieceGroup, ...]).decode
_decode_blocks = msgspec.msgpack.Decoder(tuple[tuple[int, int], ...]).decode


def make_key(connection: sqlite3.Connection, path: Path) -> bytes:
    """The key of the file, made if there is none; inside of a write transaction.

    Raises:
        StateUnavailable: It cannot be one.
    """
    found = connection.execute("SELECT key FROM piece_key WHERE id = 1").fetchone()
    if found is None:
        key = secrets.token_bytes(KEY_BYTES)
        connection.execute("INSERT INTO piece_key (id, key) VALUES (1, ?)", (key,))
        return key
    key = found[0]
    if not isinstance(key, bytes) or len(key) != KEY_BYTES:
        raise _unreadable(path)
    return key


def insert_output(
    connection: sqlite3.Connection,
    scope: Scope,
    at: float,
    output: ExposedOutput,
    leaving: Iterable[KeptOutput],
) -> int:
    """Write an output, and delete what is over or makes room for it.

    Args:
        connection: In a write transaction.
        scope: Who read it. at: when, in unix seconds.
        output: Its pieces.
        leaving: Outputs that leave a shelf for it.

    Returns:
        Its id.
    """
    row = connection.execute(
        _INSERT,
        (scope.session, scope.agent, scope.principal, at, output.tool, _encode(output.groups)),
    ).lastrowid
    assert row is not None  # it is one after an INSERT
    gone = [number for (number,) in connection.execute(_OLD, (at - FORGET_AFTER_S, FORGET_BATCH))]
    for kept in leaving:
        if kept.output.groups == output.groups:
            connection.execute(_COPY, (row, kept.id))
        # What another session has read may still be on that session's shelf.
        if kept.owner == scope:
            gone.append(kept.id)
    for number in gone:
        connection.execute("DELETE FROM exposed_outputs WHERE id = ?", (number,))
        connection.execute("DELETE FROM carried_blocks WHERE output = ?", (number,))
    return row


def insert_carried(connection: sqlite3.Connection, carried: CarriedBlocks) -> None:
    """Write what a call carried; inside of a write transaction."""
    connection.execute(
        "INSERT INTO carried_blocks (output, blocks) VALUES (?, ?)",
        (carried.output, _encode(carried.blocks)),
    )


def catch_up_outputs(
    connection: sqlite3.Connection, scope: Scope, ledgers: ScopeLedgers, path: Path
) -> bool:
    """Put every output on the shelves of a scope that is not there yet, with what was carried of it.

    Returns:
        Whether there are any.

    Raises:
        StateUnavailable: A row cannot be read.
    """
    pair = (scope.agent, scope.principal)
    try:
        for ledger, statement, whose in (
            (ledgers.session, _OF_SESSION, (scope.session,)),
            (ledgers.shared, _OF_PAIR, pair),
        ):
            if ledger is None:
                continue
            shelf = ledger.shelf
            since = 0 if shelf is None else shelf.last_output
            for row, at, session, agent, principal, tool, groups in connection.execute(
                statement, (*whose, since)
            ).fetchall():
                owner = Scope(session, agent, principal)
                output = ExposedOutput(tool, _decode_groups(groups))
                shelf = ledger.shelf_made()
                shelf.add(KeptOutput(row, float(at), owner, output))
                shelf.last_output = row
            if shelf is None:
                continue
            last = shelf.last_carried
            for kept in shelf.kept.values():
                # A new output may have blocks that were copied before others were written.
                seen = 0 if kept.id > since else last
                for row, blocks in connection.execute(_CARRIED, (kept.id, seen)):
                    kept.carried.update(_decode_blocks(blocks))
                    shelf.last_carried = max(shelf.last_carried, row)
    except (ValueError, TypeError, msgspec.MsgspecError) as error:
        raise _unreadable(path) from error
    return ledgers.session.shelf is not None or (
        ledgers.shared is not None and ledgers.shared.shelf is not None
    )


def _unreadable(path: Path) -> StateUnavailable:
    return StateUnavailable(
        f"a row of the state file {str(path)!r} cannot be read, restore it from a backup",
        reason_code="state_corrupt",
    )
