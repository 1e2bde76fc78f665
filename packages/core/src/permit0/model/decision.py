"""Decision: the answer to a ToolCall, explained."""

from __future__ import annotations

import msgspec

from permit0.model.action import NormAction
from permit0.model.claims import ApprovalClaim
from permit0.model.finding import Finding
from permit0.model.reason import Reason
from permit0.model.review import Review
from permit0.model.rule import Rule, SessionAdjustment
from permit0.model.score import RiskScore
from permit0.model.vocabulary import Flag, Mode, Outcome, Tier, Verdict

__all__ = ["ActionDecision", "Decision"]


class ActionDecision(msgspec.Struct, frozen=True, gc=False):
    """The verdict on one action of the call.

    fired: the rules of the policy table that fired; adjusted: the session lines that fired.
    denied_by: reason of the deny list entry that covers the action. allowed_by: owner and reason of the
        allow list entry.
    """

    action: NormAction
    score: RiskScore
    verdict: Verdict
    reasons: tuple[Reason, ...]
    findings: tuple[Finding, ...]
    fired: tuple[Rule, ...]
    adjusted: tuple[SessionAdjustment, ...]
    session_points: int
    volume_points: int
    denied_by: str | None = None
    allowed_by: tuple[str, str] | None = None


class Decision(msgspec.Struct, frozen=True, gc=False):
    """What the caller gets.

    id: 128 random bits, hex. outcome: binding in enforce mode; `decided` is what was decided.
    In observe mode the two differ: outcome is ALLOW. actions: one per action of the call, the
    most restrictive first. error: reason code if the call was refused because it could not be read or
    decided, else "". mapped: then, the action that the tool is mapped to.
    digest: SHA-256 of the canonical arguments, hex.
    epoch: number of the latest kill order that the decision knew of; for its token.
    review: what a second reader said. approval: by which approval the outcome became ALLOW.
    """

    id: str
    tool: str
    digest: str
    outcome: Outcome
    decided: Outcome
    mode: Mode
    tier: Tier
    score: float
    reasons: tuple[Reason, ...]
    actions: tuple[ActionDecision, ...]
    at: float
    error: str = ""
    mapped: str = "unknown.unclassified"
    epoch: int = 0
    review: Review | None = None
    approval: ApprovalClaim | None = None

    @property
    def action(self) -> str:
        """The canonical name of the most restrictive action; of the tool's mapping if unread."""
        return self.actions[0].action.action if self.actions else self.mapped

    @property
    def flags(self) -> tuple[Flag, ...]:
        """Every flag that fired on any action, in the order of the vocabulary."""
        roles = [entry.score.roles for entry in self.actions]
        return tuple(flag for i, flag in enumerate(Flag) if any(r[i] for r in roles))

    @property
    def rules(self) -> tuple[str, ...]:
        """Names of the rules that fired on any action: session blocks first, then table lines."""
        names: dict[str, None] = {}
        for entry in self.actions:
            for finding in entry.findings:
                names[finding.rule] = None
            if entry.score.block_rule:
                names[entry.score.block_rule] = None
        for entry in self.actions:
            for line in entry.adjusted:
                names[line.id] = None
            for rule in entry.fired:
                names[rule.id] = None
        return tuple(names)

    def __str__(self) -> str:
        """`deny payments.transfer 0.75 critical: scatter_transfer: ...`."""
        return f"{self.outcome} {self.action} {self.score:.2f} {self.tier}: {self.reason}"

    @property
    def reason(self) -> str:
        """The decisive reason, as one sentence."""
        return self.reasons[0].message if self.reasons else ""
