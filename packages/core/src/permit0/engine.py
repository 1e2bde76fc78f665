"""The policy decision point: the numbered path from a call to a decision, and nothing else.

  1. normalize   the call becomes one or more actions with typed parameters
  2. rules       lines of each action's policy table that fire on the call itself
  -- from here to 6 is one atomic step per scope: nobody else's call comes between --
  3. session     findings of the session rules; session lines; pressure of history and rate
  4. score       flags and amplifiers to a number and a tier
  5. combine     lists, blocks, gates, floors and tier to a verdict; the most restrictive action decides
  6. append      the attempt is remembered, whatever the verdict
  7. conclude    REVIEW without a reviewer is HUMAN; observe mode lets the call run and says so
  8. record      with an audit log, the decision is on record before anybody hears of it
Guarantees: `decide` never raises an Exception: whatever goes wrong is a DENY with a reason code. A
decision that cannot be recorded is a DENY that binds, in observe mode, too.
Does not: enforce (the caller must not run the tool unless the outcome is ALLOW), or ask people.
"""

from __future__ import annotations

import logging
import secrets
from collections.abc import Mapping, Sequence

import msgspec

from permit0.audit.recorder import Recorder
from permit0.canonical import digest, freeze
from permit0.errors import Permit0Error
from permit0.model.action import NormAction
from permit0.model.call import ToolCall
from permit0.model.decision import ActionDecision, Decision
from permit0.model.finding import Finding
from permit0.model.history import HistoryEntry, HistoryView, Scope, Trace
from permit0.model.reason import Reason
from permit0.model.rule import Change, Rule
from permit0.model.vocabulary import Effect, Flag, Mode, Outcome, Tier, Verdict
from permit0.normalize.catalog import ActionEntry, Catalog, fold_name
from permit0.normalize.normalizer import Normalizer
from permit0.normalize.sensitive import find_personal, find_secrets
from permit0.policy.combine import combine
from permit0.policy.lists import Lists
from permit0.ports import Clock, SessionRule, StateStore
from permit0.score.scorer import Scorer
from permit0.session.pressure import session_points, volume_points
from permit0.taxonomy import UNCLASSIFIED

__all__ = ["Engine", "exposure"]

_log = logging.getLogger(__name__)
_EXPOSURE = tuple(Flag).index(Flag.EXPOSURE)
_FLAG_NAMES = tuple(flag.value for flag in Flag)
_NO_MARKS: frozenset[str] = frozenset()
_OUTCOME = {
    Verdict.ALLOW: Outcome.ALLOW,
    Verdict.REVIEW: Outcome.HUMAN,
    Verdict.HUMAN: Outcome.HUMAN,
    Verdict.DENY: Outcome.DENY,
}
UNRECORDED = "audit_unavailable"
MAX_OUTPUT_CHARS = 1 << 20  # what is looked at of a tool's output for secrets


class _Draft(msgspec.Struct, frozen=True, gc=False):
    """An action with what fired on it so far (steps 1 and 2)."""

    action: NormAction
    entry: ActionEntry
    fired: tuple[Rule, ...]


class Engine:
    """Decides calls. Safe for threads; keeps nothing but what the state store keeps."""

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
    ) -> None:
        self._catalog = catalog
        self._normalizer = normalizer
        self._scorer = scorer
        self._rules = {
            action: tuple(rule for rule in rules if rule.actions is None or action in rule.actions)
            for action in catalog.actions
        }
        self._store = store
        self._clock = clock
        self._lists = lists
        self._listed = bool(lists.deny or lists.allow)
        self._mode = mode
        self._audit = audit

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
    ) -> Decision:
        """Decide a call given as plain values.

        Args:
            tool: Name of the tool.
            arguments: Its arguments by name.
            session: The task or conversation.
            agent: Who calls. principal: on whose behalf.

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
            )
        except Exception as error:  # noqa: BLE001  # boundary of the decision path: DENY
            refused = self._refused(tool, b"", error)
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
            decision = self._refused(call.tool, call.arguments, error)
        return self._recorded(call, decision)

    def report(
        self, call: ToolCall, output: str, *, decision: Decision | None = None, error: str = ""
    ) -> None:
        """Tell what the tool of an allowed call gave back, so that the session sees it.

        An output that holds secrets or personal data marks the session as exposed.

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
        kinds = find_secrets(text) | find_personal(text)
        if not kinds and self._audit is None:
            return
        at = self._clock.now()
        try:
            if kinds:
                scope = Scope(call.session, call.agent, call.principal)
                self._store.settle(scope, at, exposure(at))
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
        # 1. normalize
        actions = self._normalizer.normalize(call)
        # 2. rules
        drafts = [self._draft(action) for action in actions]
        siblings = [draft.action for draft in drafts]
        tool = fold_name(call.tool) if self._listed else ""
        scope = Scope(call.session, call.agent, call.principal)
        with self._store.transaction(scope, self._clock.now()) as step:
            now = step.now
            view = step.view
            pressure = session_points(view)
            judged = [self._judge(d, siblings, view, pressure, now, tool) for d in drafts]
            # 6. append
            tier = judged[0].score.tier if len(judged) == 1 else _worst_tier(judged)
            refused = self._mode is Mode.ENFORCE and any(j.verdict is Verdict.DENY for j in judged)
            step.append(HistoryEntry(now, tier, tuple(_trace(item) for item in judged), refused))
        # 7. conclude
        if len(judged) > 1:
            judged.sort(key=lambda item: (-item.verdict, -item.score.value))
        head = judged[0]
        decided = _OUTCOME[head.verdict]
        return Decision(
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
        )

    def _draft(self, action: NormAction) -> _Draft:
        entry = self._catalog.actions[action.action]
        facts = action.facts
        template = entry.template
        fired = tuple([rule for rule in template.rules if rule.when is None or rule.when(facts)])
        if entry.reads and (
            template.roles[_EXPOSURE]
            or any(i == _EXPOSURE for rule in fired for i, _ in rule.change.raise_to)
        ):
            action = msgspec.structs.replace(action, exposed=True)
        return _Draft(action, entry, fired)

    def _judge(
        self,
        draft: _Draft,
        siblings: Sequence[NormAction],
        view: HistoryView,
        pressure: int,
        now: float,
        tool: str,
    ) -> ActionDecision:
        action, fired = draft.action, draft.fired
        template = draft.entry.template
        facts, keys = action.facts, action.keys
        # 3. session
        findings: list[Finding] = []
        for session_rule in self._rules[action.action]:
            finding = session_rule.check(view, action, siblings)
            if finding is not None:
                findings.append(finding)
        adjusted = tuple(
            [
                line
                for line in template.session
                if line.test(view, keys) and (line.when is None or line.when(facts))
            ]
        )
        volume = volume_points(view, action.action)
        # 4. score
        blocked = False
        changes: list[Change] = []
        for line in (*fired, *adjusted):
            changes.append(line.change)
            if line.effect is Effect.BLOCK:
                blocked = True
        for finding in findings:
            if finding.effect is Effect.BLOCK:
                blocked = True
        score = self._scorer.score(
            template, changes, session_points=pressure, volume_points=volume, blocked=blocked
        )
        # 5. combine
        denied = allowed = None
        if self._listed:
            denied = self._lists.denied(action, tool)
            allowed = self._lists.allowed(action, tool, now)
        verdict, reasons = combine(score, fired, adjusted, findings, denied=denied, allowed=allowed)
        return ActionDecision(
            action,
            score,
            verdict,
            reasons,
            tuple(findings),
            fired,
            adjusted,
            pressure,
            volume,
            None if denied is None else denied.reason,
            None if allowed is None else (allowed.owner, allowed.reason),
        )

    def _refuse(self, tool: str, arguments: bytes, code: str, message: str) -> Decision:
        """A call that could not be read or decided."""
        mapping = self._catalog.find(str(tool))  # whatever a careless caller calls a name
        return Decision(
            id=secrets.token_hex(16),
            tool=tool,
            digest=digest(arguments),
            outcome=Outcome.DENY if self._mode is Mode.ENFORCE else Outcome.ALLOW,
            decided=Outcome.DENY,
            mode=self._mode,
            tier=Tier.CRITICAL,
            score=self._scorer.tier_bounds[3],
            reasons=(Reason(code, message),),
            actions=(),
            at=self._time(),
            error=code,
            mapped=UNCLASSIFIED if mapping is None else mapping.action,
        )

    def _time(self) -> float:
        """When a refusal happened; 0 if the clock is what is broken."""
        try:
            return self._clock.now()
        except Exception:  # noqa: BLE001  # part of that boundary: a refusal is always given
            return 0.0

    def _refused(self, tool: str, arguments: bytes, error: Exception) -> Decision:
        """What went wrong, as a decision."""
        if isinstance(error, Permit0Error):
            return self._refuse(tool, arguments, error.reason_code, str(error))
        _log.exception("a decision failed and is a DENY", exc_info=error)
        message = f"the decision failed with {type(error).__name__}, so the call is refused"
        return self._refuse(tool, arguments, "internal_error", message)

    def _recorded(self, call: ToolCall, decision: Decision) -> Decision:
        """8. record: the decision once it is kept, else a refusal."""
        if self._audit is None:
            return decision
        try:
            self._audit.decision(call, decision)
        except Exception as error:  # noqa: BLE001  # boundary of the decision path: DENY
            if isinstance(error, Permit0Error):
                why = f"{error} ({error.reason_code})"
            else:
                _log.exception("a decision could not be recorded and is a DENY", exc_info=error)
                why = type(error).__name__
            reason = Reason(UNRECORDED, f"the decision could not be recorded: {why}")
            return Decision(
                id=decision.id,
                tool=decision.tool,
                digest=decision.digest,
                outcome=Outcome.DENY,
                decided=Outcome.DENY,
                mode=decision.mode,
                tier=Tier.CRITICAL,
                score=self._scorer.tier_bounds[3],
                reasons=(reason, *decision.reasons),
                actions=decision.actions,
                at=decision.at,
                error=UNRECORDED,
            )
        return decision


def exposure(at: float) -> HistoryEntry:
    """What history keeps of an output that held secrets or personal data."""
    trace = Trace("output", (Flag.EXPOSURE.value,), frozenset({"exposed"}))
    return HistoryEntry(at, Tier.MINIMAL, (trace,))


def _worst_tier(judged: Sequence[ActionDecision]) -> Tier:
    order = tuple(Tier)
    return max((item.score.tier for item in judged), key=order.index)


def _trace(item: ActionDecision) -> Trace:
    """What history keeps of an action: no argument value."""
    action = item.action
    flags = tuple([name for name, role in zip(_FLAG_NAMES, item.score.roles, strict=True) if role])
    marks = _NO_MARKS
    if action.exposed or action.outward:
        names = (("exposed", action.exposed), ("outward", action.outward))
        marks = frozenset(name for name, holds in names if holds)
    return Trace(action.action, flags, marks, action.keys, action.amount)
