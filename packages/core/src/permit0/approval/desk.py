"""Where a call waits for a person: open a request, take the answer, hand the approval out once.

What is written in which order, so that a crash between two steps can only cost a permission:
  request   on record, then in the store: nobody can answer what is not on record
  yes       on record, then in the store: a yes that is not on record does not count. If the store then
            refuses it (somebody was first, the time is over), that goes on record as well
  no        in the store, then on record: a no counts, even if it cannot be recorded
  use       in the store, then on record with who said yes, then handed out: of all callers one gets it,
            and what is not on record runs nowhere; such an approval is spent all the same
Guarantees: what is asked is the call that was decided, and the decision was HUMAN; an answer has the time of
this desk's clock; the agent and its principal cannot approve; whatever an approver does other than say
yes in time, in the right type, to what it was shown, is no yes.
Does not: authenticate people (who hands in answers), keep requests (ApprovalStore), or run anything.

Reason codes, of InvalidInput unless said otherwise:
  request  approval_not_asked (the decision was not HUMAN), approval_other_call (it is about another call),
           and those of the view
  answer   approval_unknown, approval_expired, approval_answered, approval_view_changed, approval_self,
           approval_bad_answer
  use      ApprovalTimeout approval_timeout; approval_unknown, approval_pending, approval_rejected,
           approval_used, approval_other_call (changed arguments: ask anew), approval_inconsistent
  any      StateUnavailable, AuditUnavailable
`ask` raises none for what an approver does. It records: approval_timeout, approver_failed,
approver_overloaded, approval_interrupted, approval_view_changed, approval_self.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from hashlib import sha256
from typing import Literal

import msgspec

from permit0.approval.answers import (
    MACHINE,
    check_form,
    check_yes,
    clean_answer,
    no_by_machine,
)
from permit0.canonical import digest
from permit0.errors import ApprovalTimeout, InvalidInput, Permit0Error
from permit0.model.approval import (
    ApprovalAnswer,
    ApprovalRequest,
    ApprovalState,
    ApprovalStatus,
)
from permit0.model.call import ToolCall
from permit0.model.claims import ApprovalClaim, Digest
from permit0.model.decision import Decision
from permit0.model.vocabulary import Outcome
from permit0.ports import ApprovalStore, Approver, Clock
from permit0.timebox import Crowded, Done, Failed, Late, Timebox

__all__ = [
    "APPROVAL_TIMEOUT_S",
    "ApprovalDesk",
    "ApprovalEvent",
    "Record",
    "Show",
    "is_asked_for",
    "other_call",
]

APPROVAL_TIMEOUT_S = 300.0  # an agent waits this long for a person who is there
MAX_TIMEOUT_S = 7 * 86_400.0  # a week; then the world that the person was shown is another
MAX_STUCK = 16  # approvers that hang after their time
MAX_ASKED = 256  # people asked at the same moment; each is a thread that waits


class ApprovalEvent(msgspec.Struct, frozen=True, kw_only=True):
    """What goes on record.

    event: "requested"; "answered" (code "": yes; else no, and why); "refused" (an answer that does not
        count); "expired"; "used". at: unix seconds.
    code: reason code. by: who answered. reason: in that person's words.
    """

    event: Literal["requested", "answered", "refused", "expired", "used"]
    request: ApprovalRequest
    at: float
    code: str = ""
    by: str = ""
    reason: str = ""


Record = Callable[[ApprovalEvent], None]
"""Keeps an event before it returns, or raises AuditUnavailable."""

Show = Callable[[ToolCall, Decision], str]
"""The text that a person is shown, see approval.view."""


class ApprovalDesk:
    """Safe for threads if the store and the log are.

    Args:
        store: Where requests wait.
        clock: Tells the time.
        show: Writes what a person is shown.
        record: Keeps events.
        timeout_s: How long a request is open.

    Raises:
        InvalidInput: approval_timeout_invalid.
    """

    def __init__(
        self,
        store: ApprovalStore,
        *,
        clock: Clock,
        show: Show,
        record: Record,
        timeout_s: float = APPROVAL_TIMEOUT_S,
    ) -> None:
        if not 0 < timeout_s <= MAX_TIMEOUT_S:  # so that NaN is refused, too
            raise InvalidInput(
                f"approvals cannot wait {timeout_s!r} s, give 1 to {MAX_TIMEOUT_S:.0f}",
                reason_code="approval_timeout_invalid",
            )
        self._store = store
        self._clock = clock
        self._show = show
        self._record = record
        self._timeout_s = timeout_s
        self._box = Timebox("permit0-approver", max_stuck=MAX_STUCK, max_running=MAX_ASKED)

    def request(self, call: ToolCall, decision: Decision) -> ApprovalRequest:
        """Open a request for a call that was decided HUMAN.

        Raises:
            InvalidInput, StateUnavailable, AuditUnavailable: There is none, and nobody will be asked.
        """
        if decision.decided is not Outcome.HUMAN:
            raise InvalidInput(
                f"the decision is {decision.decided.value}, only a HUMAN one waits for a person",
                reason_code="approval_not_asked",
            )
        if decision.digest != digest(call.arguments) or decision.tool != call.tool:
            raise other_call()
        view = self._show(call, decision)
        at = self._clock.now()
        request = ApprovalRequest(
            id=secrets.token_hex(16),
            decision=decision.id,
            tool=call.tool,
            action=decision.action,
            digest=decision.digest,
            session=call.session,
            agent=call.agent,
            principal=call.principal,
            tier=decision.tier,
            score=decision.score,
            reason=decision.reason,
            view=view,
            view_digest=sha256(view.encode()).hexdigest(),
            created=at,
            expires=at + self._timeout_s,
            call_id=call.call_id,
            decided=decision.at,
        )
        self._record(ApprovalEvent(event="requested", request=request, at=at))
        self._store.open(request)
        return request

    def find(self, request_id: str) -> ApprovalState:
        """A request and where it stands now.

        Raises:
            InvalidInput: approval_unknown.
        """
        found = self._store.find(request_id, self._clock.now())
        if found is None:
            raise InvalidInput(
                "there is no such approval request, list them with `permit0 approvals`",
                reason_code="approval_unknown",
            )
        return found

    def asked_before(self, call: ToolCall) -> str | None:
        """The request that a call met when it was tried before under its id; None if it is a new call.

        One whose approval was used has run: what comes under its id again is a new call.
        """
        if not call.call_id:
            return None
        found = self._store.find_call(
            session=call.session,
            agent=call.agent,
            call_id=call.call_id,
            digest=digest(call.arguments),
            at=self._clock.now(),
        )
        if found is None or found.request.tool != call.tool:
            return None
        return None if found.status is ApprovalStatus.USED else found.request.id

    def pending(self) -> tuple[ApprovalState, ...]:
        """Requests that wait for an answer, oldest first."""
        return self._store.pending(self._clock.now())

    def answer(self, answer: ApprovalAnswer) -> ApprovalState:
        """Take a person's answer. Its time is this desk's; whoever calls knows who the person is.

        Raises:
            InvalidInput: It does not count; see above.
            AuditUnavailable: A yes does not count. A no does.
            StateUnavailable: It does not count.
        """
        check_form(answer)
        state = self.find(answer.request)
        request = state.request
        given = clean_answer(answer, at=self._clock.now())
        try:
            if not given.approved:
                state = self._store.answer(given)
                self._keep("answered", request, "approval_rejected", given)
                return state
            check_yes(answer, state)
            self._keep("answered", request, "", given)
            return self._store.answer(given)
        except InvalidInput as error:
            self._keep("refused", request, error.reason_code, given)
            raise

    def ask(self, approver: Approver, request: ApprovalRequest) -> ApprovalState:
        """Ask, and wait no longer than the request is open.

        Returns:
            APPROVED; REJECTED; EXPIRED; or PENDING if the approver asked nobody, so that the answer
            may still come from elsewhere. What another process answered meanwhile counts.

        Raises:
            InvalidInput: approval_unknown; the request is not the one that was opened.
            StateUnavailable, AuditUnavailable: The caller denies.
        """
        state = self.find(request.id)
        if state.request != request:
            raise InvalidInput(
                "the request is not as it was opened, ask with the one that the desk gave",
                reason_code="approval_unknown",
            )
        if state.status is not ApprovalStatus.PENDING:
            return state
        wait = min(self._timeout_s, request.expires - self._clock.now())
        if wait <= 0:
            return self._expire(request)
        try:
            came = self._box.run(lambda: approver.ask(request), timeout_s=wait)
        except KeyboardInterrupt as interrupt:
            try:
                self._turn_down(request, "approval_interrupted", "the program was interrupted")
            except Permit0Error as error:
                # Nothing runs; what the caller must see is the interrupt.
                interrupt.add_note(f"permit0 could not close the approval request: {error}")
            raise
        match came:
            case Done(value=None):
                return self.find(request.id)
            case Done(value=value):
                return self._take(value, request)
            case Failed(error=name):
                return self._turn_down(
                    request, "approver_failed", f"the approver failed with {name}"
                )
            case Crowded():
                why = "too many approvers hang, nobody was asked"
                return self._turn_down(request, "approver_overloaded", why)
            case Late():
                return self._expire(request)

    def use(self, request_id: str, call: ToolCall) -> ApprovalClaim:
        """Use an approval, once, for exactly the call that it was given for.

        Args:
            request_id: Of the request.
            call: What will run.

        Raises:
            ApprovalTimeout, InvalidInput, StateUnavailable, AuditUnavailable: Nothing may run.
        """
        wanted = self.find(request_id).request
        if not is_asked_for(wanted, call):
            raise other_call()
        call_digest = wanted.digest
        try:
            state = self._store.use(request_id, digest=call_digest, at=self._clock.now())
        except InvalidInput as error:
            if error.reason_code == "approval_expired":
                raise ApprovalTimeout("the time of this approval is over, ask anew") from error
            raise
        answer = state.answer
        # A store that mixes things up must not turn into a permission.
        if (
            state.status is not ApprovalStatus.USED
            or state.request != wanted
            or wanted.view_digest != sha256(wanted.view.encode()).hexdigest()
            or answer is None
            or answer.approved is not True
            or answer.request != request_id
            or answer.view_digest != wanted.view_digest
        ):
            raise InvalidInput(
                "the stored approval contradicts itself, ask anew and look at the store",
                reason_code="approval_inconsistent",
            )
        self._keep("used", wanted, "", answer)
        return ApprovalClaim(id=wanted.id, digest=Digest(wanted.view_digest))

    # ---------------------------------------------------------------- answers

    def _take(self, value: object, request: ApprovalRequest) -> ApprovalState:
        """What the approver that was asked gave back; what is no good answer is a no."""
        if type(value) is not ApprovalAnswer or value.request != request.id:
            why = f"the approver gave a {type(value).__name__!r}, no answer to this request"
            return self._turn_down(request, "approver_failed", why)
        try:
            return self.answer(value)
        except InvalidInput as error:
            match error.reason_code:
                case "approval_answered":
                    return self.find(request.id)
                case "approval_expired":
                    return self._expire(request)
                case "approval_bad_answer":
                    return self._turn_down(request, "approver_failed", str(error))
                case code:
                    return self._turn_down(request, code, str(error))

    def _turn_down(self, request: ApprovalRequest, code: str, why: str) -> ApprovalState:
        """A no that no person said, unless a person was faster."""
        answer = no_by_machine(request, why, at=self._clock.now())
        try:
            state = self._store.answer(answer)
        except InvalidInput:
            return self.find(request.id)
        self._keep("answered", request, code, answer)
        return state

    def _expire(self, request: ApprovalRequest) -> ApprovalState:
        """Nobody answered while we waited, unless the store knows better."""
        state = self.find(request.id)
        if state.status is ApprovalStatus.PENDING:
            # The wait is over and the clock says otherwise: it stood still or went back.
            closed = self._turn_down(request, "approval_timeout", "nobody answered in time")
            if closed.answer is None or closed.answer.by != MACHINE:
                return closed
            return ApprovalState(request, ApprovalStatus.EXPIRED, None)
        if state.status is ApprovalStatus.EXPIRED:
            self._keep("expired", request, "approval_timeout")
        return state

    def _keep(
        self,
        event: Literal["answered", "refused", "expired", "used"],
        request: ApprovalRequest,
        code: str,
        answer: ApprovalAnswer | None = None,
    ) -> None:
        by, reason = ("", "") if answer is None else (answer.by, answer.reason)
        at = self._clock.now()
        self._record(
            ApprovalEvent(event=event, request=request, at=at, code=code, by=by, reason=reason)
        )


def is_asked_for(request: ApprovalRequest, call: ToolCall) -> bool:
    """Whether a request is about this call. A digest alone would not do: two tools can have equal arguments."""
    asked = (request.tool, request.session, request.agent, request.principal, request.digest)
    return asked == (call.tool, call.session, call.agent, call.principal, digest(call.arguments))


def other_call() -> InvalidInput:
    """The error for a request, or a decision, that is about another call."""
    return InvalidInput(
        "the decision is about another call, decide this one first",
        reason_code="approval_other_call",
    )
