"""The laws of the scorer, over arbitrary actions, rules and weights."""

from __future__ import annotations

import itertools
import math
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from permit0.errors import BadConfig
from permit0.model.rule import ActionTemplate, Change
from permit0.model.score import RiskScore
from permit0.model.vocabulary import Amplifier, Flag, Role, Tier
from permit0.score.amplifiers import AMPLIFIER_CATEGORY, AMPLIFIER_HUNDREDTHS, CEILING
from permit0.score.flags import CATEGORY_OF, CATEGORY_WEIGHT, FLAG_WEIGHT
from permit0.score.scorer import TIER_BOUNDS, Scorer, Weights

AMPS = tuple(Amplifier)
FLAGS = tuple(Flag)
TIERS = tuple(Tier)

roles = st.tuples(*[st.sampled_from(Role)] * len(FLAGS))
within = st.tuples(*[st.integers(0, CEILING[amp]) for amp in AMPS])
points = st.tuples(*[st.integers(-60, 120)] * len(AMPS))
some_amp = st.integers(0, len(AMPS) - 1)
some_flag = st.integers(0, len(FLAGS) - 1)
raising = st.builds(
    Change,
    add=st.lists(st.tuples(some_amp, st.integers(0, 40)), max_size=3).map(tuple),
    at_least=st.lists(st.tuples(some_amp, st.integers(0, 40)), max_size=2).map(tuple),
    raise_to=st.lists(st.tuples(some_flag, st.sampled_from(Role)), max_size=3).map(tuple),
)
changes = st.builds(
    Change,
    add=st.lists(st.tuples(some_amp, st.integers(-40, 40)), max_size=3).map(tuple),
    at_least=st.lists(st.tuples(some_amp, st.integers(0, 40)), max_size=2).map(tuple),
    raise_to=st.lists(st.tuples(some_flag, st.sampled_from(Role)), max_size=3).map(tuple),
    demote=st.lists(some_flag, max_size=2).map(tuple),
)
templates = st.builds(
    lambda base, given_roles: ActionTemplate("a.b", "low", base, given_roles, (), (), "p"),
    points,
    roles,
)
# Both ends of the guardrails, and every mixture of them.
ends = st.sampled_from([0.5, 1.0, 2.0])
bounds = st.sampled_from(
    [TIER_BOUNDS, (0.05, 0.25, 0.45, 0.65), (0.25, 0.45, 0.65, 0.85), (0.05, 0.45, 0.46, 0.85)]
)
scorers = st.builds(
    lambda flags, amplifiers, tier_bounds: Scorer(Weights(flags, amplifiers, tier_bounds)),
    st.fixed_dictionaries(dict.fromkeys(FLAGS, ends)),
    st.fixed_dictionaries(dict.fromkeys(AMPS, ends)),
    bounds,
)
history = st.integers(0, 200)


def scored(
    scorer: Scorer,
    template: ActionTemplate,
    moved: list[Change],
    session: int = 0,
    volume: int = 0,
    *,
    blocked: bool = False,
) -> RiskScore:
    return scorer.score(
        template, moved, session_points=session, volume_points=volume, blocked=blocked
    )


@given(scorers, within, roles, some_flag)
def test_adding_or_promoting_a_flag_never_lowers_the_score(
    scorer: Scorer, at: tuple[int, ...], given_roles: tuple[Role, ...], flag: int
) -> None:
    values = []
    for role in Role:
        changed = list(given_roles)
        changed[flag] = role
        values.append(scorer.value(at, changed))
    assert values == sorted(values)


@given(scorers, within, roles, some_amp, st.integers(0, 40))
def test_raising_an_amplifier_never_lowers_the_score(
    scorer: Scorer, at: tuple[int, ...], given_roles: tuple[Role, ...], amp: int, more: int
) -> None:
    raised = list(at)
    raised[amp] = min(CEILING[AMPS[amp]], raised[amp] + more)
    assert scorer.value(raised, given_roles) >= scorer.value(at, given_roles)


@given(scorers, templates, st.lists(changes, max_size=4), raising, history, history)
def test_a_rule_that_raises_never_lowers_the_score_or_tier(
    scorer: Scorer, template: ActionTemplate, moved: list[Change], more: Change, s: int, v: int
) -> None:
    before = scored(scorer, template, moved, s, v)
    after = scored(scorer, template, [*moved, more], s, v)
    assert after.value >= before.value
    assert TIERS.index(after.tier) >= TIERS.index(before.tier)
    assert after.blocked >= before.blocked


@given(scorers, templates, st.lists(changes, max_size=4), history, history, history, history)
def test_more_history_never_lowers_the_score(
    scorer: Scorer, template: ActionTemplate, moved: list[Change], s: int, v: int, ds: int, dv: int
) -> None:
    before = scored(scorer, template, moved, s, v)
    after = scored(scorer, template, moved, s + ds, v + dv)
    assert after.value >= before.value


@given(scorers, templates, st.lists(changes, max_size=6), history, history, st.booleans())
def test_the_score_stays_in_its_range(
    scorer: Scorer, template: ActionTemplate, moved: list[Change], s: int, v: int, blocked: bool
) -> None:
    score = scored(scorer, template, moved, s, v, blocked=blocked)
    assert 0.0 <= score.value < 1.0
    assert not math.isnan(score.value)
    assert all(0 <= p <= CEILING[amp] for p, amp in zip(score.amplifiers, AMPS, strict=True))
    assert score.tier is scorer.tier(score.value)


@given(templates, st.lists(changes, max_size=5), st.randoms(use_true_random=False), history)
def test_the_order_of_rules_does_not_matter(
    template: ActionTemplate, moved: list[Change], random: object, s: int
) -> None:
    shuffled = list(moved)
    random.shuffle(shuffled)  # type: ignore[attr-defined]  # hypothesis gives a Random
    assert scored(Scorer(), template, moved, s) == scored(Scorer(), template, shuffled, s)


@given(templates, st.lists(changes, max_size=5), history, history)
def test_the_same_input_gives_the_same_bits(
    template: ActionTemplate, moved: list[Change], s: int, v: int
) -> None:
    scorer = Scorer()
    first = scored(scorer, template, moved, s, v)
    again = scored(scorer, template, moved, s, v)
    fresh = scored(Scorer(), template, list(moved), s, v)
    assert {struct.pack(">d", score.value) for score in (first, again, fresh)} == {
        struct.pack(">d", first.value)
    }
    assert first == again == fresh


@given(scorers, templates, st.lists(changes, max_size=4), history)
def test_a_block_is_always_critical(
    scorer: Scorer, template: ActionTemplate, moved: list[Change], s: int
) -> None:
    free = scored(scorer, template, moved, s)
    blocked = scored(scorer, template, moved, s, blocked=True)
    assert blocked.tier is Tier.CRITICAL
    assert blocked.blocked
    assert blocked.value >= max(free.value, scorer.tier_bounds[3])
    if free.block_rule:
        assert free.tier is Tier.CRITICAL


def test_what_a_scorer_remembers_does_not_mix_actions_up() -> None:
    """Results are remembered by identity, so that values made and dropped must not be confused."""
    scorer = Scorer()
    for i in range(20_000):
        points_of = tuple([i % 30] * len(AMPS))
        template = ActionTemplate("a.b", "low", points_of, (Role.PRIMARY,) * 9, (), (), "p")
        change = Change(add=((0, i % 7),))
        got = scored(scorer, template, [change])
        expected = [min(p, CEILING[amp]) for p, amp in zip(points_of, AMPS, strict=True)]
        expected[0] = min(CEILING[AMPS[0]], i % 30 + i % 7)
        assert got.amplifiers == tuple(expected)


def test_the_weights_of_the_amplifiers_sum_to_exactly_one() -> None:
    assert set(AMPLIFIER_HUNDREDTHS) == set(Amplifier) == set(CEILING) == set(AMPLIFIER_CATEGORY)
    assert all(type(weight) is int for weight in AMPLIFIER_HUNDREDTHS.values())
    assert sum(AMPLIFIER_HUNDREDTHS.values()) == 100


def test_every_flag_has_a_weight_and_a_category() -> None:
    assert set(FLAG_WEIGHT) == set(CATEGORY_OF) == set(Flag)
    assert set(CATEGORY_OF.values()) == set(CATEGORY_WEIGHT)
    assert all(weight > 0 for weight in FLAG_WEIGHT.values())


@pytest.mark.parametrize(
    ("value", "tier"),
    [(0.0, Tier.MINIMAL), (0.149999, Tier.MINIMAL), (0.15, Tier.LOW), (0.349999, Tier.LOW),
     (0.35, Tier.MEDIUM), (0.549999, Tier.MEDIUM), (0.55, Tier.HIGH), (0.749999, Tier.HIGH),
     (0.75, Tier.CRITICAL), (0.999999, Tier.CRITICAL)],
)  # fmt: skip
def test_a_tier_begins_at_its_bound(value: float, tier: Tier) -> None:
    assert Scorer().tier(value) is tier


@pytest.mark.parametrize(
    "wrong",
    [
        (0.0, 0.3, 0.5, 0.7),
        (0.2, 0.2, 0.5, 0.7),
        (0.3, 0.2, 0.5, 0.7),
        (0.1, 0.2, 0.5, 1.0),
        (0.1, 0.2, 0.5, math.nan),
    ],
)
def test_bounds_that_do_not_rise_are_refused(wrong: tuple[float, float, float, float]) -> None:
    with pytest.raises(BadConfig):
        Scorer(Weights(tier_bounds=wrong))


def test_every_flag_and_amplifier_matters() -> None:
    scorer = Scorer()
    nothing = (0,) * len(AMPS)
    absent = (Role.ABSENT,) * len(FLAGS)
    assert scorer.value(nothing, absent) == 0.0
    for flag, role in itertools.product(range(len(FLAGS)), (Role.SECONDARY, Role.PRIMARY)):
        one = [Role.ABSENT] * len(FLAGS)
        one[flag] = role
        assert scorer.value(nothing, one) > 0.0
    every = (Role.PRIMARY,) * len(FLAGS)
    middle = [CEILING[amp] // 4 for amp in AMPS]
    for i in range(len(AMPS)):
        fewer = list(middle)
        fewer[i] = 0
        weak = [Role.SECONDARY] + [Role.ABSENT] * 8
        assert scorer.value(fewer, weak) <= scorer.value(middle, weak)
        assert scorer.value(fewer, every) <= scorer.value(middle, every)
