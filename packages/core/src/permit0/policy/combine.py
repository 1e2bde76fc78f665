"""All findings about one action -> one verdict.

The lattice, most restrictive first: deny list, immutable blocks, gates, floors, allow list, tier.
Each source asks for a verdict, and the largest wins, so that no order can matter. Two things lower,
and only what the tier alone asks for: an `allow` or `allow+log` line of the policy table (up to a
medium tier), and the allow list. Both are lost as soon as a session finding is there.
Routing of tiers: minimal, low -> ALLOW; medium -> REVIEW; high -> HUMAN; critical -> DENY.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from operator import attrgetter
from types import MappingProxyType

from permit0.model.finding import Finding
from permit0.model.reason import Reason
from permit0.model.rule import Floor, Rule, SessionAdjustment, floor_of
from permit0.model.score import RiskScore
from permit0.model.vocabulary import Effect, Tier, Verdict
from permit0.policy.lists import AllowListed, ListEntry

__all__ = ["TIER_VERDICT", "combine"]

TIER_VERDICT: Mapping[Tier, Verdict] = MappingProxyType(
    {
        Tier.MINIMAL: Verdict.ALLOW,
        Tier.LOW: Verdict.ALLOW,
        Tier.MEDIUM: Verdict.REVIEW,
        Tier.HIGH: Verdict.HUMAN,
        Tier.CRITICAL: Verdict.DENY,
    }
)

_ORDER = attrgetter("order")
_CEILINGS = frozenset({Effect.ALLOW, Effect.ALLOW_LOG})


def combine(
    score: RiskScore,
    fired: Sequence[Rule],
    adjusted: Sequence[SessionAdjustment],
    findings: Sequence[Finding],
    *,
    denied: ListEntry | None = None,
    allowed: AllowListed | None = None,
) -> tuple[Verdict, tuple[Reason, ...]]:
    """Combine what is known about one action.

    Args:
        score: The scorer's result.
        fired: Lines of the policy table that fired.
        adjusted: Session lines of the policy table that fired.
        findings: What the session rules found.
        denied: The deny list entry that covers the action.
        allowed: The allow list entry that covers it and has not expired.

    Returns:
        The verdict, and the reasons for it, the decisive one first.
    """
    asks = [_by_tier(score, fired, clean=not adjusted and not findings, allowed=allowed)]
    asks.extend([line.floor for line in fired if line.floor is not None])
    asks.extend([line.floor for line in adjusted if line.floor is not None])
    for finding in findings:
        if finding.effect is Effect.BLOCK:
            message = f"{finding.rule}: {finding.message}"
            asks.append(Floor.of(Verdict.DENY, 1, Reason("session_block", message, finding.rule)))
            continue
        asked = floor_of(finding.effect, finding.rule, finding.message)
        if asked is not None:  # a plugin's rule may ask for a person
            asks.append(asked)
    if score.block_rule:
        message = f"{score.block_rule}: flags and amplifiers that no policy may allow"
        asks.append(Floor.of(Verdict.DENY, 2, Reason("block", message, score.block_rule)))
    if denied is not None:
        asks.append(Floor.of(Verdict.DENY, 0, Reason("denied_by_list", denied.reason)))
    if len(asks) > 1:
        asks.sort(key=_ORDER)
    return asks[0].verdict, tuple([ask.reason for ask in asks])


def _by_tier(
    score: RiskScore, fired: Sequence[Rule], *, clean: bool, allowed: AllowListed | None
) -> Floor:
    """What the tier asks for, after what may lower it."""
    tier = score.tier
    verdict = TIER_VERDICT[tier]
    if verdict is not Verdict.ALLOW and clean and not score.blocked:
        if allowed is not None:
            message = f"allow list of {allowed.owner}: {allowed.reason}"
            return Floor.of(Verdict.ALLOW, 5, Reason("allowed_by_list", message))
        if verdict is Verdict.REVIEW:
            for rule in fired:
                if rule.effect in _CEILINGS:
                    return Floor.of(Verdict.ALLOW, 5, Reason("allowed_by_rule", rule.why, rule.id))
    return Floor.of(verdict, 6, _tier_reason(tier, score.value))


_CODE = {tier: f"tier_{tier.value}" for tier in Tier}


@lru_cache(maxsize=4096)
def _tier_reason(tier: Tier, value: float) -> Reason:
    return Reason(_CODE[tier], f"score {value:.2f} is in the {tier.value} tier")
