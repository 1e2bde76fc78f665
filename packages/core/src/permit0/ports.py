"""Every interface between rooms, and between permit0 and strangers, in one file."""

from __future__ import annotations

from collections.abc import Sequence
from types import TracebackType
from typing import Protocol, Self, runtime_checkable

from permit0.model.action import NormAction
from permit0.model.claims import Jti
from permit0.model.finding import Finding
from permit0.model.history import Feature, HistoryEntry, HistoryView, Scope
from permit0.model.record import AuditReceipt

__all__ = [
    "Clock",
    "HistoryTransaction",
    "KillEpochs",
    "ReplayStore",
    "SessionRule",
    "StateStore",
]
__all__ = ["AuditSink", "Clock", "HistoryTransaction", "SessionRule", "Signer", "StateStore"]


class Clock(Protocol):
    """Tells the time."""

    def now(self) -> float:
        """Seconds since the epoch, UTC."""


class ReplayStore(Protocol):
    """Remembers which tokens were used. One atomic verb, shared by every process of a deployment."""

    def claim(self, jti: Jti, expires_at: float, *, uses: int = 1) -> bool:
        """Use a token once.

        Args:
            jti: Token id.
            expires_at: When the mark may be forgotten, in unix seconds. A claim that comes after a
                mark of that age may have been forgotten is refused, even if the clock went back.
            uses: How many claims succeed in all.

        Returns:
            False if it was claimed `uses` times before, or if that cannot be known any more.

        Raises:
            StateUnavailable: The store did not answer. The caller denies.
        """


class KillEpochs(Protocol):
    """The kill switch, as far as a token needs it. Kills are numbered upwards and never forgotten."""

    def required(self, *, agent: str, session: str, action: str) -> int:
        """The number of the latest kill that covers these; 0 if there was none.

        A decision that knew of fewer kills than this no longer counts.

        Raises:
            StateUnavailable: The store did not answer. The caller denies.
        """


class HistoryTransaction(Protocol):
    """Read, decide and append as one step: nobody else's call of the same scope comes between."""

    @property
    def now(self) -> float:
        """The time of this step: the clock's, or the latest time in the scope if that is later."""

    @property
    def view(self) -> HistoryView:
        """Answers about everything before this step."""

    def append(self, entry: HistoryEntry) -> None:
        """Remember this step. Without it, leaving the transaction remembers nothing."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None: ...


class StateStore(Protocol):
    """Where sessions are remembered. Verbs of our domain, each atomic; never get and set."""

    def transaction(self, scope: Scope, at: float) -> HistoryTransaction:
        """Open the history of a scope for one decision.

        Args:
            scope: Whose history.
            at: Unix seconds by the caller's clock.

        Raises:
            StateUnavailable: The store did not answer. The caller denies.
        """

    def settle(self, scope: Scope, at: float, entry: HistoryEntry) -> None:
        """Add what an execution revealed (an output that held secrets) to the latest step.

        It counts as part of the step before it, not as a call of its own.
        """


@runtime_checkable
class SessionRule(Protocol):
    """A rule over the session. It can warn or block; it cannot allow.

    actions: the actions that it judges; None for all. features: the questions that it asks to
        history. Both are fixed at construction.
    """

    name: str
    actions: frozenset[str] | None
    features: Sequence[Feature]

    def check(
        self, view: HistoryView, action: NormAction, siblings: Sequence[NormAction]
    ) -> Finding | None:
        """Judge one action.

        Args:
            view: History of the scope, without the call that is being decided.
            action: The action to judge.
            siblings: All actions of the same call, `action` included.

        Returns:
            A finding with effect BLOCK or UPGRADE (a warning), or None.
        """


class Signer(Protocol):
    """Signs with one Ed25519 key."""

    @property
    def kid(self) -> str:
        """Id of the key, `k4.pid.…`."""

    @property
    def public(self) -> str:
        """The public key, `k4.public.…`, kept beside what it signed."""

    def sign(self, message: bytes) -> bytes:
        """The signature, 64 bytes."""


class AuditSink(Protocol):
    """Where records are kept, as one chain, whoever writes."""

    def append(self, kind: str, at: float, body: bytes) -> AuditReceipt:
        """Give a record its place, sign it and keep it.

        Args:
            kind: "decision", "outcome", or another word of a room that records.
            at: Unix seconds.
            body: Canonical JSON, already redacted.

        Returns:
            When the record is as durable as the sink promises, never before.

        Raises:
            AuditUnavailable: It may not be kept. The caller denies.
        """

    def close(self) -> None:
        """Give back what the sink holds; a later append raises AuditUnavailable."""
