"""Kill and resume, as acts of people: checked, carried out and recorded.

A kill:    1. the order is complete; its target exists, as far as that can be known
           2. the order is in force, durably
           3. the order is recorded; if that fails the kill stands, and the error says so
A resume:  1. the order is complete; there is something to resume
           2. "resume_asked" is recorded; if that fails nothing is resumed
           3. the order is in force, durably
           4. "resume" is recorded with its number
An order that the switch did not take is recorded as "kill_failed" or "resume_failed", if that is possible.
Guarantees: whatever breaks in between, what was killed stays killed: after 2 of a kill it is in force
without a record in the audit log (the order itself says who, when and why), before 3 of a resume
nothing is resumed. Nothing is ever resumed without a record of who asked for it.
Does not: authenticate the person, or stop anything itself: every decision and verification asks the
switch (engine, guard, token.verifier).
"""

from __future__ import annotations

import msgspec

from permit0.audit.events import EventBody, EventLog
from permit0.errors import InvalidInput, KillUnrecorded, Permit0Error
from permit0.model.kill import KillOrder, KillScope, KillState, KillVerb, Seen
from permit0.ports import Clock, KillSwitch
from permit0.state.kill_checks import check_order
from permit0.taxonomy import load_taxonomy
from permit0.words import nearest

__all__ = ["RECORD_KIND", "KillControl", "KillStatus"]

RECORD_KIND = "kill"


class KillStatus(msgspec.Struct, frozen=True):
    """What is stopped, and who knows.

    at: unix seconds of the question. number: of the latest order. active: kills in force, oldest first.
    orders: how many were ever given. seen: enforcement points; one with a lower number than
        `number` has not asked since, and asks before its next decision.
    """

    at: float
    number: int
    active: tuple[KillOrder, ...]
    orders: int
    seen: tuple[Seen, ...]


class KillControl:
    """The kill switch in the hands of people.

    Args:
        switch: Where orders are kept.
        clock: Tells the time.
        events: Where orders are recorded; None if the deployment keeps no audit log.
    """

    def __init__(self, switch: KillSwitch, *, clock: Clock, events: EventLog | None) -> None:
        self._switch = switch
        self._clock = clock
        self._events = events

    def kill(self, scope: KillScope, target: str, *, by: str, reason: str) -> KillOrder:
        """Stop what the scope covers, now, in every process that uses the switch.

        Killing what is killed already is a new order: tokens issued since the last one die too.

        Args:
            scope: What. target: which one, "" for the fleet.
            by: The person. reason: in the person's words.

        Raises:
            InvalidInput: kill_target, kill_by, kill_reason. Nothing was stopped.
            StateUnavailable: It could not be kept; look at `status` before relying on either.
            KillUnrecorded: It is in force, and not in the audit log.
        """
        at = self._clock.now()
        check_order(scope, target, by, reason, at)  # 1
        _check_known(scope, target)
        order = self._give(KillOrder(0, KillVerb.KILL, scope, target, by, reason, at))  # 2
        self._confirm(order)  # 3
        return order

    def resume(self, scope: KillScope, target: str, *, by: str, reason: str) -> KillOrder:
        """Take back a kill of exactly this scope and target; other kills stay in force.

        Tokens that were issued before the kill stay refused.

        Args:
            scope: What. target: which one, "" for the fleet.
            by: The person. reason: in the person's words.

        Raises:
            InvalidInput: kill_not_active, kill_target, kill_by, kill_reason. Nothing was resumed.
            AuditUnavailable: It could not be recorded, and so was not resumed.
            StateUnavailable: It could not be kept; look at `status` before relying on either.
            KillUnrecorded: It is resumed; the audit log holds that it was asked for, not that it was done.
        """
        at = self._clock.now()
        check_order(scope, target, by, reason, at)  # 1
        self._check_active(scope, target)
        asked = KillOrder(0, KillVerb.RESUME, scope, target, by, reason, at)
        if self._events is not None:  # 2
            self._events.keep(RECORD_KIND, at, _body("resume_asked", asked))
        order = self._give(asked)  # 3
        self._confirm(order)  # 4
        return order

    def status(self) -> KillStatus:
        """What is stopped, and who has read how far. Asking acknowledges nothing.

        Raises:
            StateUnavailable: The switch did not answer.
        """
        orders = self._switch.orders()
        state = KillState.of(orders)
        return KillStatus(
            at=self._clock.now(),
            number=state.number,
            active=state.active,
            orders=len(orders),
            seen=self._switch.seen(),
        )

    def _give(self, asked: KillOrder) -> KillOrder:
        try:
            return self._switch.order(
                asked.verb,
                asked.scope,
                asked.target,
                by=asked.by,
                reason=asked.reason,
                at=asked.at,
            )
        except Permit0Error as error:
            self._record_failure(asked, error)
            raise

    def _check_active(self, scope: KillScope, target: str) -> None:
        """Before anything is recorded; the switch looks again when the order is given."""
        active = KillState.of(self._switch.orders()).active
        targets = [kill.target for kill in active if kill.scope is scope]
        if target in targets:
            return
        raise InvalidInput(
            f"no kill of {_words(scope, target)} is in force{nearest(target, targets)}",
            where="target",
            reason_code="kill_not_active",
        )

    def _confirm(self, order: KillOrder) -> None:
        if self._events is None:
            return
        try:
            self._events.keep(RECORD_KIND, order.at, _body(order.verb.value, order))
        except Exception as error:  # the order stands, and whoever gave it must hear that
            code = f" ({error.reason_code})" if isinstance(error, Permit0Error) else ""
            raise KillUnrecorded(
                f"the {order.verb.value} of {_words(order.scope, order.target)} is in force as order "
                f"{order.number} but not in the audit log{code}, repair the log and note it there",
                order=order,
            ) from error

    def _record_failure(self, asked: KillOrder, error: Permit0Error) -> None:
        if self._events is None:
            return
        body = _body(f"{asked.verb.value}_failed", asked, code=error.reason_code)
        try:
            self._events.keep(RECORD_KIND, asked.at, body)
        except Permit0Error:
            return  # the caller gets the reason, and nothing is in force that should be on record


def _check_known(scope: KillScope, target: str) -> None:
    """Refuse a name that is in no taxonomy: a slip of the keyboard would stop nothing."""
    if scope is not KillScope.DOMAIN and scope is not KillScope.ACTION:
        return  # agents and sessions are named by callers
    taxonomy = load_taxonomy()
    known = tuple(taxonomy.domains) if scope is KillScope.DOMAIN else taxonomy.actions
    if target not in known:
        raise InvalidInput(
            f"there is no {scope.value} {target[:80]!r}{nearest(target[:80], known)}",
            where="target",
            reason_code="kill_target",
        )


def _body(event: str, order: KillOrder, *, code: str = "") -> EventBody:
    refs = {"scope": order.scope.value, "target": order.target}
    if order.number:
        refs["order"] = str(order.number)
    return EventBody(
        event=event,
        code=code,
        by=order.by,
        reason=order.reason,
        # Where a reader of the log looks for what happened to an agent, session or action.
        agent=order.target if order.scope is KillScope.AGENT else "",
        session=order.target if order.scope is KillScope.SESSION else "",
        action=order.target if order.scope is KillScope.ACTION else "",
        refs=refs,
    )


def _words(scope: KillScope, target: str) -> str:
    return "the fleet" if scope is KillScope.FLEET else f"{scope.value} {target[:80]!r}"
