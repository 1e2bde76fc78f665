"""The lattice: the most restrictive source wins, and what lowers, lowers only the tier."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from permit0.model.action import NormAction
from permit0.model.finding import Finding
from permit0.model.rule import Change, Rule, SessionAdjustment, floor_of
from permit0.model.score import RiskScore
from permit0.model.vocabulary import Effect, Flag, Role, Tier, Verdict
from permit0.policy.combine import combine
from permit0.policy.lists import AllowListed, ListEntry, Lists

VALUE = {
    Tier.MINIMAL: 0.1,
    Tier.LOW: 0.2,
    Tier.MEDIUM: 0.4,
    Tier.HIGH: 0.6,
    Tier.CRITICAL: 0.8,
}
DENIED = ListEntry("", "", None, "no")
ALLOWED = AllowListed("", "", None, "yes", "ann", 100.0)


def score(tier: Tier, *, blocked: bool = False, block_rule: str = "") -> RiskScore:
    absent = (Role.ABSENT,) * len(Flag)
    return RiskScore(VALUE[tier], tier, (0,) * 10, absent, blocked, block_rule)


def line(effect: Effect, name: str = "a.b/line") -> Rule:
    return Rule(name, effect, Change(), None, "why", floor_of(effect, name, "why"))


def adjustment(effect: Effect, name: str = "a.b/session") -> SessionAdjustment:
    floor = floor_of(effect, name, "why")
    return SessionAdjustment(
        id=name,
        effect=effect,
        change=Change(),
        test=lambda view, keys: True,
        when=None,
        why="why",
        floor=floor,
    )


def finding(effect: Effect, name: str = "rule") -> Finding:
    return Finding(name, effect, "message", immutable=True)


@pytest.mark.parametrize(
    ("tier", "verdict"),
    [
        (Tier.MINIMAL, Verdict.ALLOW),
        (Tier.LOW, Verdict.ALLOW),
        (Tier.MEDIUM, Verdict.REVIEW),
        (Tier.HIGH, Verdict.HUMAN),
        (Tier.CRITICAL, Verdict.DENY),
    ],
)
def test_without_rules_the_tier_decides(tier: Tier, verdict: Verdict) -> None:
    found, reasons = combine(score(tier), (), (), ())
    assert found is verdict
    assert [reason.code for reason in reasons] == [f"tier_{tier.value}"]


FLOORS = [
    (Effect.ALLOW, Verdict.ALLOW, None),
    (Effect.ALLOW_LOG, Verdict.ALLOW, None),
    (Effect.DOWNGRADE, Verdict.ALLOW, None),
    (Effect.UPGRADE, Verdict.ALLOW, None),
    (Effect.MEDIUM, Verdict.REVIEW, "floor_medium"),
    (Effect.HIGH, Verdict.HUMAN, "floor_high"),
    (Effect.APPROVAL, Verdict.HUMAN, "floor_approval"),
    (Effect.GATE, Verdict.HUMAN, "gate"),
    (Effect.BLOCK, Verdict.DENY, "block"),
]


@pytest.mark.parametrize(("effect", "verdict", "code"), FLOORS)
def test_an_effect_is_a_floor_on_a_mild_tier(
    effect: Effect, verdict: Verdict, code: str | None
) -> None:
    for fired, adjusted in (((line(effect),), ()), ((), (adjustment(effect),))):
        found, reasons = combine(score(Tier.LOW), fired, adjusted, ())
        assert found is verdict
        assert reasons[0].code == (code or "tier_low")


def test_every_effect_is_in_the_table() -> None:
    assert {effect for effect, _, _ in FLOORS} == set(Effect)


# From the most restrictive source to the mildest; each wins over all that follow.
LATTICE = ["denied_by_list", "session_block", "block", "gate", "floor_high", "floor_medium"]


def sources(codes: tuple[str, ...]) -> tuple[list[Rule], list[Finding], ListEntry | None]:
    effect = {
        "block": Effect.BLOCK,
        "gate": Effect.GATE,
        "floor_high": Effect.HIGH,
        "floor_medium": Effect.MEDIUM,
    }
    fired = [line(effect[code], f"a.b/{code}") for code in codes if code in effect]
    findings = [finding(Effect.BLOCK)] if "session_block" in codes else []
    return fired, findings, DENIED if "denied_by_list" in codes else None


@pytest.mark.parametrize(
    "codes", [c for n in range(1, len(LATTICE) + 1) for c in itertools.combinations(LATTICE, n)]
)
@pytest.mark.parametrize("allowed", [None, ALLOWED])
def test_the_most_restrictive_source_is_the_decisive_reason(
    codes: tuple[str, ...], allowed: AllowListed | None
) -> None:
    fired, findings, denied = sources(codes)
    blocked = "block" in codes or "session_block" in codes
    tier = Tier.CRITICAL if blocked else Tier.LOW
    found, reasons = combine(
        score(tier, blocked=blocked), fired, (), findings, denied=denied, allowed=allowed
    )
    assert reasons[0].code == codes[0]
    assert found is (
        Verdict.DENY
        if codes[0] in LATTICE[:3]
        else Verdict.REVIEW
        if codes == ("floor_medium",)
        else Verdict.HUMAN
    )
    assert set(codes) <= {reason.code for reason in reasons}


@pytest.mark.parametrize("effect", [Effect.ALLOW, Effect.ALLOW_LOG])
@pytest.mark.parametrize(
    ("tier", "verdict"),
    [
        (Tier.LOW, Verdict.ALLOW),
        (Tier.MEDIUM, Verdict.ALLOW),
        (Tier.HIGH, Verdict.HUMAN),
        (Tier.CRITICAL, Verdict.DENY),
    ],
)
def test_an_allow_line_lifts_a_medium_tier_and_no_other(
    effect: Effect, tier: Tier, verdict: Verdict
) -> None:
    assert combine(score(tier), (line(effect),), (), ())[0] is verdict


@pytest.mark.parametrize("effect", [Effect.ALLOW, Effect.ALLOW_LOG])
@pytest.mark.parametrize("session", [effect for effect in Effect if effect is not Effect.BLOCK])
def test_an_allow_line_is_lost_as_soon_as_the_session_says_anything(
    effect: Effect, session: Effect
) -> None:
    allowing = (line(effect),)
    assert combine(score(Tier.MEDIUM), allowing, (), ())[0] is Verdict.ALLOW
    assert combine(score(Tier.MEDIUM), allowing, (adjustment(session),), ())[0] >= Verdict.REVIEW
    assert combine(score(Tier.MEDIUM), allowing, (), (finding(session),))[0] >= Verdict.REVIEW


@pytest.mark.parametrize("tier", list(Tier))
def test_the_allow_list_lifts_every_tier(tier: Tier) -> None:
    found, reasons = combine(score(tier), (), (), (), allowed=ALLOWED)
    assert found is Verdict.ALLOW
    lifted = tier not in {Tier.MINIMAL, Tier.LOW}
    assert reasons[0].code == ("allowed_by_list" if lifted else f"tier_{tier.value}")


@pytest.mark.parametrize(
    "effect", [Effect.MEDIUM, Effect.HIGH, Effect.APPROVAL, Effect.GATE, Effect.BLOCK]
)
@pytest.mark.parametrize("tier", list(Tier))
def test_the_allow_list_lifts_no_floor_gate_or_block(effect: Effect, tier: Tier) -> None:
    fired = (line(effect),)
    without = combine(score(tier), fired, (), ())[0]
    with_it = combine(score(tier), fired, (), (), allowed=ALLOWED)[0]
    floor = {e: v for e, v, _ in FLOORS}[effect]
    assert with_it >= floor
    assert with_it <= without


@pytest.mark.parametrize("session", list(Effect))
def test_the_allow_list_lifts_nothing_once_the_session_says_anything(session: Effect) -> None:
    for tier in Tier:
        without = combine(score(tier), (), (), (finding(session),))[0]
        assert combine(score(tier), (), (), (finding(session),), allowed=ALLOWED)[0] is without
        adjusted = (adjustment(session),)
        without = combine(score(tier), (), adjusted, ())[0]
        assert combine(score(tier), (), adjusted, (), allowed=ALLOWED)[0] is without


def test_the_allow_list_does_not_lift_a_block_of_the_scorer() -> None:
    blocked = score(Tier.CRITICAL, blocked=True, block_rule="sensitive_outflow")
    found, reasons = combine(blocked, (), (), (), allowed=ALLOWED)
    assert found is Verdict.DENY
    assert (reasons[0].code, reasons[0].rule) == ("block", "sensitive_outflow")


def test_the_deny_list_refuses_whatever_else_holds() -> None:
    for tier, effect in itertools.product(Tier, Effect):
        found, reasons = combine(
            score(tier), (line(effect),), (), (), denied=DENIED, allowed=ALLOWED
        )
        assert found is Verdict.DENY
        assert reasons[0].code == "denied_by_list"


@pytest.mark.parametrize(
    ("now", "active"), [(0.0, True), (99.9, True), (100.0, False), (1e12, False)]
)
def test_an_entry_of_the_allow_list_expires(now: float, active: bool) -> None:
    action = NormAction(action="a.b", facts={})
    assert (Lists(allow=(ALLOWED,)).allowed(action, "tool", now) is ALLOWED) is active


@pytest.mark.parametrize(
    ("entry", "covers"),
    [
        (("", "", None), True),
        (("payments.transfer", "", None), True),
        (("payments.*", "", None), True),
        (("payments.charge", "", None), False),
        (("pay.*", "", None), False),
        (("payments.transfer", "tool", None), True),
        (("payments.transfer", "other", None), False),
        (("", "tool", None), True),
        (("payments.*", "", lambda facts: "recipient" in facts), True),
        (("payments.*", "", lambda facts: "nobody" in facts), False),
    ],
)
def test_an_entry_covers_what_all_of_its_tests_name(
    entry: tuple[str, str, object], covers: bool
) -> None:
    action = NormAction(action="payments.transfer", facts={"recipient": "v"})
    made = ListEntry(entry[0], entry[1], entry[2], "r")  # type: ignore[arg-type]  # a predicate
    assert made.covers(action, "tool") is covers
    assert (Lists(deny=(made,)).denied(action, "tool") is made) is covers


effects = st.sampled_from(Effect)


@given(
    st.sampled_from(Tier),
    st.lists(effects, max_size=4),
    st.lists(effects, max_size=3),
    st.lists(effects, max_size=3),
    st.booleans(),
    st.booleans(),
    st.randoms(use_true_random=False),
)
def test_order_does_not_matter(
    tier: Tier,
    fired: list[Effect],
    adjusted: list[Effect],
    found: list[Effect],
    denied: bool,
    allowed: bool,
    random: object,
) -> None:
    lines = [line(effect, f"a.b/l{i}") for i, effect in enumerate(fired)]
    sessions = [adjustment(effect, f"a.b/s{i}") for i, effect in enumerate(adjusted)]
    findings = [finding(effect, f"f{i}") for i, effect in enumerate(found)]
    lists = {"denied": DENIED if denied else None, "allowed": ALLOWED if allowed else None}
    verdict, reasons = combine(score(tier), lines, sessions, findings, **lists)  # type: ignore[arg-type]
    for items in (lines, sessions, findings):
        random.shuffle(items)  # type: ignore[attr-defined]  # hypothesis gives a Random
    again, shuffled = combine(score(tier), lines, sessions, findings, **lists)  # type: ignore[arg-type]
    assert again is verdict
    assert shuffled[0].code == reasons[0].code
    assert {(r.code, r.rule) for r in shuffled if r.code != "allowed_by_rule"} == {
        (r.code, r.rule) for r in reasons if r.code != "allowed_by_rule"
    }


@given(st.sampled_from(Tier), st.lists(effects, max_size=4), effects, st.booleans())
def test_one_more_restriction_never_makes_it_milder(
    tier: Tier, fired: list[Effect], more: Effect, allowed: bool
) -> None:
    if more in {Effect.ALLOW, Effect.ALLOW_LOG}:
        return
    lines = [line(effect) for effect in fired]
    entry = ALLOWED if allowed else None
    before = combine(score(tier), lines, (), (), allowed=entry)[0]
    assert combine(score(tier), [*lines, line(more)], (), (), allowed=entry)[0] >= before
    for session in ((adjustment(more),), ()):
        findings = () if session else (finding(more),)
        assert combine(score(tier), lines, session, findings, allowed=entry)[0] >= before
