"""Every interface between rooms, and between permit0 and strangers, in one file."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from types import TracebackType
from typing import Protocol, Self, runtime_checkable

from permit0.model.action import NormAction
from permit0.model.approval import ApprovalAnswer, ApprovalRequest, ApprovalState
from permit0.model.claims import Jti
from permit0.model.exposure import Carried, CarriedBlocks, ExposedOutput, Wanted
from permit0.model.finding import Finding
from permit0.model.history import Feature, HistoryEntry, HistoryView, Scope
from permit0.model.kill import KillOrder, KillScope, KillState, KillVerb, Seen
from permit0.model.record import AuditReceipt
from permit0.model.review import Review, ReviewRequest

__all__ = [
    "ApprovalStore",
    "Approver",
    "AuditSink",
    "Clock",
    "HistoryTransaction",
    "KillEpochs",
    "KillSwitch",
    "ReplayStore",
    "Reviewer",
    "SessionRule",
    "Signer",
    "StateStore",
    "TrustedKeys",
]


class Clock(Protocol):
    """Tells the time."""

    def now(self) -> float:
        """Seconds since the epoch, UTC."""


class TrustedKeys(Protocol):
    """The public keys whose tokens are good, as they are now."""

    def check(self, footer: bytes, signature: bytes, message: bytes) -> bool:
        """Whether the key that a footer names signed these bytes.

        Raises:
            BadFooter, UnknownKey: The footer names no key, or none of these.
            RetiredKey: The signature is good, but the key is retired.
            StateUnavailable: The keys cannot be read. The caller denies.
        """


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


class KillSwitch(KillEpochs, Protocol):
    """The kill switch of a deployment: orders of people, read before every decision and execution.

    No answer is cached beyond the moment: an order that was given in any process counts in every
    other one from its next question on.
    """

    def state(self) -> KillState:
        """Every order up to now.

        Raises:
            StateUnavailable: The store did not answer. The caller denies.
        """

    def order(
        self, verb: KillVerb, scope: KillScope, target: str, *, by: str, reason: str, at: float
    ) -> KillOrder:
        """Give an order. It is durable (also over a loss of power) when this returns.

        Args:
            verb: Stop, or go on. scope: what; target: which one, "" for the fleet.
            by: The person. reason: for the record; neither may be blank.
            at: Unix seconds.

        Raises:
            InvalidInput: kill_target, kill_by, kill_reason; kill_not_active: there is nothing to resume.
            StateUnavailable: It could not be kept.
        """

    def orders(self) -> tuple[KillOrder, ...]:
        """Every order ever given, oldest first."""

    def seen(self) -> tuple[Seen, ...]:
        """Which enforcement points have read how far."""


class ApprovalStore(Protocol):
    """Where requests wait for people. Each verb is atomic, shared by every process of a deployment."""

    def open(self, request: ApprovalRequest) -> None:
        """Keep a new request.

        Raises:
            StateUnavailable: It could not be kept. The caller denies.
        """

    def find(self, request: str, at: float) -> ApprovalState | None:
        """A request by its id; one whose time is over by `at` has the status EXPIRED."""

    def find_call(
        self, *, session: str, agent: str, call_id: str, digest: str, at: float
    ) -> ApprovalState | None:
        """The latest request of this very call; None if nobody was asked about it."""

    def pending(self, at: float) -> tuple[ApprovalState, ...]:
        """Requests that wait for an answer, oldest first."""

    def answer(self, answer: ApprovalAnswer) -> ApprovalState:
        """Take the one answer to a pending request.

        Raises:
            InvalidInput: approval_unknown, approval_expired, approval_answered (somebody was
                first), approval_view_changed: the answer is about something else than was shown.
            StateUnavailable: It could not be kept.
        """

    def use(self, request: str, *, digest: str, at: float) -> ApprovalState:
        """Use an approval once, for exactly the arguments that it was given for.

        Returns:
            The request, now USED. Of all callers in all processes one gets this.

        Raises:
            InvalidInput: approval_unknown, approval_pending, approval_rejected, approval_expired,
                approval_used, approval_other_call.
            StateUnavailable: It could not be kept. The caller denies.
        """


@runtime_checkable
class Approver(Protocol):
    """Asks a person, and waits. It may take its time; whoever calls it limits that."""

    def ask(self, request: ApprovalRequest) -> ApprovalAnswer | None:
        """Show `request.view` to a person.

        Returns:
            What the person said, None if nobody did. An exception counts as a refusal.
        """


@runtime_checkable
class Reviewer(Protocol):
    """A second reader of REVIEW decisions, in practice a model. It can refuse, or ask a person."""

    def review(self, request: ReviewRequest) -> Review:
        """Read one call. An exception, another type or silence counts as HUMAN."""


class HistoryTransaction(Protocol):
    """Read, decide and append as one step: nobody else's call of the same scope comes between."""

    @property
    def now(self) -> float:
        """The time of this step: the clock's, or the latest time in the scope if that is later."""

    @property
    def view(self) -> HistoryView:
        """Answers about everything before this step."""

    def wanted(self) -> Wanted | None:
        """What to make of the call so that it can be compared; None, nearly always: nothing to compare with."""

    def carried(self, pieces: Collection[int]) -> tuple[Carried, ...]:
        """What a call with these pieces carries, together with the calls before it, of each exposed output."""

    def append(self, entry: HistoryEntry, carried: Sequence[CarriedBlocks] = ()) -> None:
        """Remember this step, and what it carried. Without it, leaving the transaction remembers nothing."""

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

    def settle(
        self, scope: Scope, at: float, entry: HistoryEntry, output: ExposedOutput | None = None
    ) -> None:
        """Add what an execution revealed (an output that held secrets) to the latest step.

        It counts as part of the step before it, not as a call of its own. With `output`, its pieces are
        remembered for 24 hours, in the same step, for this scope: at most 65,536, the oldest go first.
        """

    @property
    def piece_key(self) -> bytes:
        """The key of the digests of this store: 32 random bytes, the same for all who share it.

        Raises:
            StateUnavailable: The store did not answer.
        """

    def wanted(self, scope: Scope, at: float) -> Wanted | None:
        """A quick guess at what HistoryTransaction.wanted will say, so that it can be made before the step.

        It waits for nobody and may be wrong.
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
