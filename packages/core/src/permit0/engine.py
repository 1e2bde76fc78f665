"""The policy decision point: the numbered path from a call to a decision, and nothing else.

  0. kill        which orders are in force; their number goes into the token
  1. normalize   the call becomes one or more actions with typed parameters
  2. rules       lines of each action's policy table that fire on the call itself
  -- from here to 6 is one atomic step per scope: nobody else's call comes between --
  3. session     findings of the session rules, and of what the call carries of exposed outputs (carrying);
                 session lines; pressure of history and rate
  4. score       flags and amplifiers to a number and a tier
  5. combine     lists, blocks, gates, floors and tier to a verdict; the most restrictive action decides
  6. append      the attempt is remembered, whatever the verdict
  7. review      a second reader may refuse what is in between; without one, REVIEW is HUMAN
  8. record      with an audit log, the decision is on record before anybody hears of it
`conclude` is what follows an approval: 0 to 5 once more with the history and the policy of that moment, for
what a person could not know; what would be DENY by now (a kill, a block, the deny list, a critical tier)
still refuses. Only the pressure of history and rate does not count again. Then the approval is used, once.
Guarantees: `decide` and `conclude` never raise an Exception: whatever goes wrong is a DENY with a
reason code. A decision that cannot be recorded, and a kill, are DENY in observe mode, too.
Does not: enforce (the caller must not run the tool unless the outcome is ALLOW), or ask people.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping, Sequence

import msgspec

from permit0.approval.desk import ApprovalDesk, is_asked_for, other_call
from permit0.audit.recorder import Recorder
from permit0.canonical import digest, freeze
from permit0.carrying import Carrying, exposure
from permit0.errors import Killed, Permit0Error
from permit0.judging import ActionJudge, Draft, trace_of, worst_tier
from permit0.model.action import NormAction
from permit0.model.approval import ApprovalStatus
from permit0.model.call import ToolCall
from permit0.model.decision import ActionDecision, Decision
from permit0.model.history import HistoryEntry, Scope
from permit0.model.kill import KillState
from permit0.model.reason import Reason
from permit0.model.review import Review, ReviewVerdict
from permit0.model.vocabulary import Mode, Outcome, Verdict
from permit0.normalize.catalog import Catalog
from permit0.normalize.normalizer import Normalizer
from permit0.normalize.sensitive import BULK_READ, find_sensitive
from permit0.policy.lists import Lists
from permit0.ports import Clock, KillSwitch, SessionRule, StateStore
from permit0.refusals import Refuser
from permit0.score.scorer import Scorer
from permit0.sessions.counted import WithoutItself
from permit0.sessions.pressure import session_points

__all__ = ["AskReviewer", "Engine"]

_OUTCOME = {
    Verdict.ALLOW: Outcome.ALLOW,
    Verdict.REVIEW: Outcome.HUMAN,
    Verdict.HUMAN: Outcome.HUMAN,
    Verdict.DENY: Outcome.DENY,
}
MAX_OUTPUT_CHARS = 1 << 20  # what is looked at of a tool's output for secrets
_NO_ORDERS = KillState()

AskReviewer = Callable[[ToolCall, Decision], Review | None]
"""Reads a REVIEW decision; None if this one is not for it. Never raises, never waits for long."""


class Engine:
    """Decides calls. Safe for threads; keeps nothing but what its stores keep."""

    def __init__(
        self,
        *,
        catalog: Catalog,
        normalizer: Normalizer,
        scorer: Scorer,
        rules: Sequence[SessionRule],
        store: StateStore,
        clock: Clock,
        lists: Lists,
        mode: Mode = Mode.ENFORCE,
        audit: Recorder | None = None,
        kills: KillSwitch | None = None,
        desk: ApprovalDesk | None = None,
        review: AskReviewer | None = None,
    ) -> None:
        self._catalog = catalog
        self._normalizer = normalizer
        self._scorer = scorer
        self._judge = ActionJudge(catalog=catalog, scorer=scorer, rules=rules, lists=lists)
        self._store = store
        self._carrying = Carrying(store)
        self._clock = clock
        self._listed = bool(lists.deny or lists.allow)
        self._mode = mode
        self._refuser = Refuser(
            catalog=catalog, clock=clock, mode=mode, critical=scorer.tier_bounds[3]
        )
        self._audit = audit
        self._kills = kills
        self._desk = desk
        self._review = review

    @property
    def catalog(self) -> Catalog:
        """The compiled packs that this engine decides with."""
        return self._catalog

    @property
    def scorer(self) -> Scorer:
        """The scorer with its weights and tier bounds."""
        return self._scorer

    @property
    def mode(self) -> Mode:
        """Whether decisions bind."""
        return self._mode

    def check(
        self,
        tool: str,
        arguments: Mapping[str, object],
        *,
        session: str = "default",
        agent: str = "default",
        principal: str | None = None,
        description: str = "",
        schema: str = "",
    ) -> Decision:
        """Decide a call given as plain values.

        Args:
            tool: Name of the tool.
            arguments: Its arguments by name.
            session: The task or conversation.
            agent: Who calls. principal: on whose behalf.
            description, schema: what the tool says of itself, the JSON Schema of its arguments as text.

        Returns:
            The decision; arguments that have no canonical form are a DENY. Never raises.
        """
        try:
            call = ToolCall(
                tool=tool,
                arguments=freeze(arguments),
                session=session,
                agent=agent,
                principal=principal,
                description=description,
                schema=schema,
            )
        except Exception as error:  # noqa: BLE001  # boundary of the decision path: DENY
            refused = self._refuser.of(tool, b"", error)
            unread = ToolCall(
                tool=tool, arguments=b"", session=session, agent=agent, principal=principal
            )
            return self._recorded(unread, refused)
        return self.decide(call)

    def decide(self, call: ToolCall) -> Decision:
        """Decide a call. Never raises: whatever goes wrong is a DENY with a reason code."""
        try:
            decision = self._decide(call)
        except Exception as error:  # noqa: BLE001  # boundary of the decision path: DENY
            decision = self._refuser.of(call.tool, call.arguments, error)
        return self._recorded(call, decision)

    def conclude(self, call: ToolCall, request: str) -> Decision:
        """Decide a call that a person was asked about.

        Args:
            call: The call, with the very arguments that the person was shown.
            request: Id of the approval request.

        Returns:
            ALLOW with `approval` set, once, if a person approved exactly this; HUMAN if nobody has
            answered yet; else DENY with the reason. Never raises.
        """
        try:
            return self._conclude(call, request)
        except Exception as error:  # noqa: BLE001  # boundary of the decision path: DENY
            return self._recorded(call, self._refuser.of(call.tool, call.arguments, error))

    def report(
        self, call: ToolCall, output: str, *, decision: Decision | None = None, error: str = ""
    ) -> None:
        """Tell what the tool of an allowed call gave back, so that the session sees it.

        An output that holds secrets or personal data marks the session as exposed, and so does any of a call
        whose rules said that it reads such; pieces of it are kept, so that it is known when it is sent.

        Args:
            call: The call that ran.
            output: What it gave back, as text.
            decision: What let it run; it ties the record of the outcome to that of the decision.
            error: Name of the exception that the tool raised, "" if it returned.

        Raises:
            StateUnavailable: The session store did not answer.
            AuditUnavailable: The outcome could not be recorded; the session knows it all the same.
        """
        text = output[:MAX_OUTPUT_CHARS]
        kinds = frozenset().union(*find_sensitive(text, bulk=BULK_READ))
        exposed = bool(kinds) or _is_exposing(decision)
        if not exposed and self._audit is None:
            return
        at = self._clock.now()
        try:
            if exposed:
                scope = Scope(call.session, call.agent, call.principal)
                pieces = self._carrying.of_output(call, text)
                self._store.settle(scope, at, exposure(at), pieces)
        finally:
            if self._audit is not None:
                self._audit.outcome(
                    call,
                    output,
                    at=at,
                    digest=digest(call.arguments),
                    exposed=kinds,
                    decision="" if decision is None else decision.id,
                    error=error,
                )

    def close(self) -> None:
        """Close the audit log; every later decision is a DENY. Without a log, nothing happens."""
        if self._audit is not None:
            self._audit.close()

    def _decide(self, call: ToolCall) -> Decision:
        # 0. kill: the number is read first, so that an order that comes later counts
        orders = _NO_ORDERS if self._kills is None else self._kills.state()
        # 1. normalize, 2. rules
        drafts, siblings, tools = self._drafts(call, orders)
        scope = Scope(call.session, call.agent, call.principal)
        judge = self._judge.judge
        at = self._clock.now()
        held = self._carrying.of_call(call, scope, at)
        with self._store.transaction(scope, at) as step:
            now = step.now
            view = step.view
            pressure = session_points(view)
            carried = self._carrying.compare(call, held, step)
            judged = [
                judge(  # 3, 4, 5
                    draft, siblings, view, pressure=pressure, now=now, tools=tools, carried=carried
                )
                for draft in drafts
            ]
            # 6. append
            tier = judged[0].score.tier if len(judged) == 1 else worst_tier(judged)
            refused = self._mode is Mode.ENFORCE and any(j.verdict is Verdict.DENY for j in judged)
            traces = tuple(
                trace_of(j.action, j.score.roles, carrying=bool(carried)) for j in judged
            )
            entry = HistoryEntry(now, tier, traces, refused)
            if carried is None:
                step.append(entry)
            else:
                step.append(entry, carried.blocks)
        head = _most_restrictive_first(judged)
        decided = _OUTCOME[head.verdict]
        decision = Decision(
            id=secrets.token_hex(16),
            tool=call.tool,
            digest=digest(call.arguments),
            outcome=decided if self._mode is Mode.ENFORCE else Outcome.ALLOW,
            decided=decided,
            mode=self._mode,
            tier=tier,
            score=max(item.score.value for item in judged),
            reasons=head.reasons,
            actions=tuple(judged),
            at=now,
            epoch=orders.number,
        )
        # 7. review
        if head.verdict is Verdict.REVIEW and self._review is not None:
            return self._reviewed(decision, self._review(call, decision))
        return decision

    def _drafts(
        self, call: ToolCall, orders: KillState
    ) -> tuple[list[Draft], list[NormAction], Sequence[str]]:
        """Steps 1 and 2, unless a kill order covers any of the actions.

        Raises:
            Killed: One does.
        """
        drafts = [self._judge.draft(action) for action in self._normalizer.normalize(call)]
        siblings = [draft.action for draft in drafts]
        order = orders.stopped(
            agent=call.agent, session=call.session, actions=[action.action for action in siblings]
        )
        if order is not None:
            target = f" {order.target!r}" if order.target else ""
            raise Killed(
                f"the kill switch is set for {order.scope.value}{target} (order {order.number}), "
                "nothing runs until somebody resumes it"
            )
        return drafts, siblings, self._catalog.names(call.tool) if self._listed else ()

    def _reviewed(self, decision: Decision, review: Review | None) -> Decision:
        """7. review: it can refuse, and nothing else."""
        if review is None:
            return decision
        if review.verdict is not ReviewVerdict.DENY:
            return msgspec.structs.replace(decision, review=review)
        return msgspec.structs.replace(
            decision,
            review=review,
            decided=Outcome.DENY,
            outcome=Outcome.DENY if self._mode is Mode.ENFORCE else Outcome.ALLOW,
            reasons=(
                Reason("review_denied", f"the reviewer refuses: {review.reason}"),
                *decision.reasons,
            ),
        )

    def _conclude(self, call: ToolCall, request: str) -> Decision:
        desk = self._desk
        if desk is None:
            raise Permit0Error("nobody can be asked here", reason_code="approval_unknown")
        orders = _NO_ORDERS if self._kills is None else self._kills.state()
        state = desk.find(request)
        asked = state.request
        if not is_asked_for(asked, call):
            raise other_call()
        drafts, siblings, tools = self._drafts(call, orders)
        scope = Scope(call.session, call.agent, call.principal)
        at = self._clock.now()
        held = self._carrying.of_call(call, scope, at)
        with self._store.transaction(scope, at) as step:
            now = step.now
            carried = self._carrying.compare(call, held, step)
            own = [trace_of(action, carrying=bool(carried)) for action in siblings]
            view = WithoutItself(step.view, own, at=asked.decided, now=now)
            judge = self._judge.judge
            judged = [
                judge(d, siblings, view, pressure=0, now=now, tools=tools, carried=carried)
                for d in drafts
            ]
        head = _most_restrictive_first(judged)
        decision = Decision(
            id=secrets.token_hex(16),
            tool=call.tool,
            digest=digest(call.arguments),
            outcome=Outcome.DENY,
            decided=Outcome.DENY,
            mode=self._mode,
            tier=worst_tier(judged),
            score=max(item.score.value for item in judged),
            reasons=head.reasons,
            actions=tuple(judged),
            at=now,
            epoch=orders.number,
        )
        if head.verdict is Verdict.DENY:
            return self._recorded(call, decision)
        if state.status is ApprovalStatus.PENDING:
            waiting = Reason("approval_pending", "nobody has answered the request yet")
            return msgspec.structs.replace(
                decision, outcome=Outcome.HUMAN, decided=Outcome.HUMAN, reasons=(waiting,)
            )
        claim = desk.use(request, call)  # on record before it returns
        return msgspec.structs.replace(
            decision,
            id=asked.decision,
            outcome=Outcome.ALLOW,
            decided=Outcome.HUMAN,
            tier=asked.tier,
            score=asked.score,
            reasons=(Reason("approved", "a person approved exactly this call"),),
            approval=claim,
        )

    def _recorded(self, call: ToolCall, decision: Decision) -> Decision:
        """8. record: the decision once it is kept, else a refusal."""
        if self._audit is None:
            return decision
        try:
            self._audit.decision(call, decision)
        except Exception as error:  # noqa: BLE001  # boundary of the decision path: DENY
            return self._refuser.unrecorded(decision, error)
        return decision


def _is_exposing(decision: Decision | None) -> bool:
    return decision is not None and any(item.action.exposed for item in decision.actions)


def _most_restrictive_first(judged: list[ActionDecision]) -> ActionDecision:
    if len(judged) > 1:
        judged.sort(key=lambda item: (-item.verdict, -item.score.value))
    return judged[0]
