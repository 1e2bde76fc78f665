"""Where requests wait for people: in the memory of one process, or in the state file of one machine.

Guarantees, of both:
  1. Each verb is atomic: of all that answer a request one wins, of all that use an approval one wins.
  2. The rules are those of approval_rules.py, and no others.
Of SqliteApprovals:
  3. What a verb returned is kept, over the end of the process by any signal and over a loss of power
     (synchronous FULL: an approval must not be used twice because its use was lost, and people are slower
     than disks). What waits is answered from any process, and used in any other one.
  4. What is read back is compared with its columns and with its own digest; a row that is not what these
     rules wrote is state_corrupt, never skipped.
Does not: delete requests, or tell anybody that one waits. An id is no secret and no proof: `use` takes the
digest of the arguments that are about to run. Another tool may take the same arguments: whoever uses an
approval compares tool, action, agent, session and principal with the request that `use` returns.
"""

from __future__ import annotations

import os
import sqlite3
import threading
import weakref
from collections.abc import Callable
from pathlib import Path

import msgspec

from permit0.errors import InvalidInput
from permit0.model.approval import ApprovalAnswer, ApprovalRequest, ApprovalState, ApprovalStatus
from permit0.state.approval_rules import (
    answered,
    at_time,
    checked_answer,
    checked_request,
    is_consistent,
    is_over,
    unknown,
    used,
)
from permit0.state.file import StateFile, corrupt

__all__ = ["MemoryApprovals", "SqliteApprovals"]

_Row = tuple[str, bytes, str, str, str, str, float, float, bytes | None]

_COLUMNS = "id, request, digest, call_id, view_digest, status, created, expires, answer"
_FIND = f"SELECT {_COLUMNS} FROM approvals WHERE id = ?"  # noqa: S608  # a constant
_FIND_CALL = (
    f"SELECT {_COLUMNS} FROM approvals WHERE digest = ? AND call_id = ? "  # noqa: S608  # a constant
    "AND call_id != '' ORDER BY created DESC, id DESC"
)
_PENDING = (
    f"SELECT {_COLUMNS} FROM approvals WHERE status = 'pending' "  # noqa: S608  # a constant
    "ORDER BY created, id"
)
_OPEN = (
    f"INSERT INTO approvals ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, 'pending', ?, ?, NULL) "  # noqa: S608
    "ON CONFLICT (id) DO NOTHING"
)
_EXPIRE = "UPDATE approvals SET status = 'expired' WHERE status = 'pending' AND expires <= ?"
_MOVE = "UPDATE approvals SET status = ?, answer = ? WHERE id = ?"

_encode = msgspec.json.Encoder().encode
_decode_request = msgspec.json.Decoder(ApprovalRequest).decode
_decode_answer = msgspec.json.Decoder(ApprovalAnswer).decode


class MemoryApprovals:
    """An ApprovalStore for one process. A child that is forked off begins with an empty one."""

    def __init__(self) -> None:
        self._forget()
        _forget_after_forks(self)

    def open(self, request: ApprovalRequest) -> None:
        """Keep a new request; see ports.ApprovalStore."""
        request, _ = checked_request(request)
        with self._lock:
            if request.id in self._states:
                raise _exists()
            for known, state in self._states.items():
                if state.status is ApprovalStatus.PENDING and is_over(state, request.created):
                    self._states[known] = at_time(state, request.created)
            self._states[request.id] = ApprovalState(request, ApprovalStatus.PENDING, None)

    def find(self, request: str, at: float) -> ApprovalState | None:
        """A request by its id; see ports.ApprovalStore."""
        with self._lock:
            state = self._states.get(request)
        return None if state is None else at_time(state, at)

    def find_call(
        self, *, session: str, agent: str, call_id: str, digest: str, at: float
    ) -> ApprovalState | None:
        """The latest request of this very call; see ports.ApprovalStore."""
        with self._lock:
            states = list(self._states.values())
        asked = (session, agent, call_id, digest)
        found = [state for state in states if call_id and _call_of(state) == asked]
        if not found:
            return None
        return at_time(max(found, key=lambda s: (s.request.created, s.request.id)), at)

    def pending(self, at: float) -> tuple[ApprovalState, ...]:
        """Requests that wait; see ports.ApprovalStore."""
        with self._lock:
            states = list(self._states.values())
        waiting = [s for s in states if at_time(s, at).status is ApprovalStatus.PENDING]
        return tuple(sorted(waiting, key=lambda s: (s.request.created, s.request.id)))

    def answer(self, answer: ApprovalAnswer) -> ApprovalState:
        """Take the one answer; see ports.ApprovalStore."""
        answer, _ = checked_answer(answer)
        with self._lock:
            return self._move(*answered(self._known(answer.request), answer))

    def use(self, request: str, *, digest: str, at: float) -> ApprovalState:
        """Use an approval once; see ports.ApprovalStore."""
        with self._lock:
            return self._move(*used(self._known(request), digest, at))

    def _known(self, request: str) -> ApprovalState:
        state = self._states.get(request)
        if state is None:
            raise unknown()
        return state

    def _move(self, state: ApprovalState, refusal: InvalidInput | None) -> ApprovalState:
        self._states[state.request.id] = state
        if refusal is not None:
            raise refusal
        return state

    def _forget(self) -> None:
        self._lock = threading.Lock()
        self._states: dict[str, ApprovalState] = {}


class SqliteApprovals:
    """An ApprovalStore for all processes of one machine.

    The file is opened when it is first needed, so that a store that cannot be opened refuses calls
    instead of keeping the program from starting, and recovers when the cause is gone.

    Args:
        path: The state file; it is made if it is missing, its folder is not.
        timeout_s: How long to wait for another thread, and then for another process.
        max_bytes: How large the file may grow; None for as large as the disk allows.
        after: Called with each of state.file.STEPS when it is done; for tests that interrupt it there.
    """

    def __init__(
        self,
        path: str | Path,
        *,
        timeout_s: float = 5.0,
        max_bytes: int | None = None,
        after: Callable[[str], None] | None = None,
    ) -> None:
        self._file = StateFile(
            path, timeout_s=timeout_s, durability="power", max_bytes=max_bytes, after=after
        )

    @property
    def path(self) -> Path:
        """The file, absolute, symbolic links resolved."""
        return self._file.path

    def open(self, request: ApprovalRequest) -> None:
        """Keep a new request; see ports.ApprovalStore."""
        request, data = checked_request(request)
        row = (
            request.id,
            data,
            request.digest,
            request.call_id,
            request.view_digest,
            request.created,
            request.expires,
        )
        with self._file.write() as connection:
            # So that those who never got an answer do not make `pending` slow.
            connection.execute(_EXPIRE, (request.created,))
            if connection.execute(_OPEN, row).rowcount != 1:
                raise _exists()

    def find(self, request: str, at: float) -> ApprovalState | None:
        """A request by its id; see ports.ApprovalStore."""
        with self._file.read() as connection:
            state = self._find(connection, request)
        return None if state is None else at_time(state, at)

    def find_call(
        self, *, session: str, agent: str, call_id: str, digest: str, at: float
    ) -> ApprovalState | None:
        """The latest request of this very call; see ports.ApprovalStore."""
        with self._file.read() as connection:
            states = [self._state(row) for row in connection.execute(_FIND_CALL, (digest, call_id))]
        asked = (session, agent, call_id, digest)
        latest = next((state for state in states if _call_of(state) == asked), None)
        return None if latest is None else at_time(latest, at)

    def pending(self, at: float) -> tuple[ApprovalState, ...]:
        """Requests that wait; see ports.ApprovalStore."""
        with self._file.read() as connection:
            states = [self._state(row) for row in connection.execute(_PENDING)]
        return tuple(s for s in states if at_time(s, at).status is ApprovalStatus.PENDING)

    def answer(self, answer: ApprovalAnswer) -> ApprovalState:
        """Take the one answer; see ports.ApprovalStore."""
        answer, _ = checked_answer(answer)
        with self._file.write() as connection:
            known = self._known(connection, answer.request)
            state, refusal = answered(known, answer)
            self._move(connection, known, state)
        return _unless(refusal, state)

    def use(self, request: str, *, digest: str, at: float) -> ApprovalState:
        """Use an approval once; see ports.ApprovalStore."""
        with self._file.write() as connection:
            known = self._known(connection, request)
            state, refusal = used(known, digest, at)
            self._move(connection, known, state)
        return _unless(refusal, state)

    def close(self) -> None:
        """Let go of the file. Later calls raise StateUnavailable; closing again does nothing.

        Raises:
            StateUnavailable: A verb was in progress for longer than the time limit.
        """
        self._file.close()

    def _find(self, connection: sqlite3.Connection, request: str) -> ApprovalState | None:
        try:
            row = connection.execute(_FIND, (request,)).fetchone()
        except UnicodeEncodeError:  # half a surrogate pair: no request has such an id
            return None
        return None if row is None else self._state(row)

    def _known(self, connection: sqlite3.Connection, request: str) -> ApprovalState:
        state = self._find(connection, request)
        if state is None:
            raise unknown()
        return state

    def _state(self, row: _Row) -> ApprovalState:
        key, request, digest, call_id, view_digest, status, created, expires, answer = row
        try:
            state = ApprovalState(
                _decode_request(request),
                ApprovalStatus(status),
                None if answer is None else _decode_answer(answer),
            )
        except (msgspec.MsgspecError, TypeError, ValueError) as error:
            raise corrupt(self.path) from error
        kept = state.request
        columns = (
            kept.id,
            kept.digest,
            kept.call_id,
            kept.view_digest,
            kept.created,
            kept.expires,
        )
        if columns != (key, digest, call_id, view_digest, created, expires) or not is_consistent(
            state
        ):
            raise corrupt(self.path)
        return state

    def _move(
        self, connection: sqlite3.Connection, known: ApprovalState, state: ApprovalState
    ) -> None:
        if state is not known:
            answer = None if state.answer is None else _encode(state.answer)
            connection.execute(_MOVE, (state.status.value, answer, state.request.id))


def _call_of(state: ApprovalState) -> tuple[str, str, str, str]:
    request = state.request
    return request.session, request.agent, request.call_id, request.digest


def _unless(refusal: InvalidInput | None, state: ApprovalState) -> ApprovalState:
    """The state; or the refusal, raised after the transaction so that what it found is kept."""
    if refusal is not None:
        raise refusal
    return state


def _exists() -> InvalidInput:
    return InvalidInput(
        "a request for approval of this id is known, give each its own",
        reason_code="approval_exists",
    )


def _forget_after_forks(store: MemoryApprovals) -> None:
    """An approval is used once, not once on either side; and nobody would release a lock."""
    if not hasattr(os, "register_at_fork"):
        return
    known = weakref.ref(store)

    def forget() -> None:
        found = known()
        if found is not None:
            found._forget()

    os.register_at_fork(after_in_child=forget)
