"""The published attacks with other names, currencies, amounts and gaps: the same rules, no special case."""

from __future__ import annotations

from collections.abc import Sequence

import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from permit0.build import assemble
from permit0.config import parse_config
from permit0.engine import Engine
from permit0.model.decision import Decision
from permit0.model.vocabulary import Outcome, Tier
from permit0.testing.clock import FrozenClock

RATES = {"GBP": 1.25, "EUR": 1.08, "CHF": 1.12, "SGD": 0.74, "JPY": 0.0067}
CONFIG = parse_config(
    yaml.safe_dump({"org": {"domains": ["acme-corp.com"], "fx_to_default": RATES}}), "org"
)
DEPLOYMENT = assemble(CONFIG)
TIERS = tuple(Tier)
names = st.text(alphabet="abcdefghijklmnopqrstuvwxyz ", min_size=3, max_size=20).map(str.strip)
vendors = st.lists(names.filter(lambda n: len(n) > 2), min_size=6, max_size=9, unique=True)
currencies = st.sampled_from(["USD", *RATES])


def fresh() -> tuple[Engine, FrozenClock]:
    clock = FrozenClock(1_700_000_000.0)
    return DEPLOYMENT.fresh_engine(clock), clock


def wires(
    recipients: Sequence[str], amounts: Sequence[int], currency: Sequence[str], gap_s: float
) -> list[Decision]:
    engine, clock = fresh()
    decisions = []
    for name, amount, code in zip(recipients, amounts, currency, strict=True):
        call = {"amount": amount, "currency": code, "recipient": name}
        decisions.append(engine.check("payments.transfer", call))
        clock.advance(gap_s)
    return decisions


@settings(max_examples=60)
@given(st.data(), vendors, st.floats(0, 11 * 60))
def test_sixth_recipient_within_the_hour_is_refused_whoever_it_is(
    data: st.DataObject, recipients: list[str], gap_s: float
) -> None:
    count = len(recipients)
    amounts = data.draw(st.lists(st.integers(10, 9000), min_size=count, max_size=count))
    codes = data.draw(st.lists(currencies, min_size=count, max_size=count))
    decisions = wires(recipients, amounts, codes, gap_s)
    assert all("scatter_transfer" in decision.rules for decision in decisions[5:])
    assert all(decision.outcome is Outcome.DENY for decision in decisions[5:])
    assert all(decision.outcome is Outcome.HUMAN for decision in decisions[:5])


@settings(max_examples=30)
@given(vendors, st.floats(13 * 60, 60 * 60))
def test_recipients_spread_over_hours_are_not_scattered(
    recipients: list[str], gap_s: float
) -> None:
    count = len(recipients)
    decisions = wires(recipients, [500] * count, ["USD"] * count, gap_s)
    assert all(decision.outcome is not Outcome.DENY for decision in decisions)


@settings(max_examples=30)
@given(st.integers(2, 12), st.integers(100, 5000))
def test_many_wires_to_one_recipient_are_not_scattered(count: int, amount: int) -> None:
    decisions = wires(["Alpha Ltd"] * count, [amount] * count, ["USD"] * count, 120)
    blocked = [d for d in decisions if any(r.code == "session_block" for r in d.reasons)]
    assert not blocked


@settings(max_examples=60)
@given(st.sampled_from(["payments.transfer", "payments.charge"]), st.data())
def test_a_larger_amount_is_never_milder(action: str, data: st.DataObject) -> None:
    small = data.draw(st.decimals(min_value=1, max_value=300_000, places=2))
    large = data.draw(st.decimals(min_value=small, max_value=400_000, places=2))
    code = data.draw(currencies)
    who = "recipient" if action == "payments.transfer" else "customer"
    if code == "JPY":
        small, large = small.to_integral_value(), large.to_integral_value()
    engine, _ = fresh()
    low = engine.check(action, {"amount": str(small), "currency": code, who: "X"}, session="a")
    high = engine.check(action, {"amount": str(large), "currency": code, who: "X"}, session="b")
    order = [Outcome.ALLOW, Outcome.HUMAN, Outcome.DENY]
    assert not low.error
    assert not high.error
    assert high.score >= low.score
    assert order.index(high.outcome) >= order.index(low.outcome)


@settings(max_examples=40)
@given(st.integers(1, 60), st.integers(0, 60), st.booleans())
def test_more_recipients_are_never_milder(few: int, more: int, external: bool) -> None:
    host = "elsewhere.example" if external else "acme-corp.com"
    people = [f"p{i}@{host}" for i in range(few + more)]
    engine, _ = fresh()
    mail = {"subject": "Hello", "body": "See you at ten."}
    small = engine.check("email.send", {**mail, "to": people[:few]}, session="a")
    large = engine.check("email.send", {**mail, "to": people}, session="b")
    assert large.score >= small.score
    assert TIERS.index(large.tier) >= TIERS.index(small.tier)


@settings(max_examples=40)
@given(st.integers(0, 40), st.integers(0, 40), st.sampled_from(["files.read", "email.send"]))
def test_a_higher_rate_is_never_milder(few: int, more: int, action: str) -> None:
    calls = {
        "files.read": {"path": "/app/main.py"},
        "email.send": {"to": "ann@acme-corp.com", "subject": "Hello", "body": "At ten."},
    }
    engine, clock = fresh()
    scores = []
    for session, before in (("slow", few), ("fast", few + more)):
        for _ in range(before):
            engine.check(action, calls[action], session=session)
            clock.advance(0.5)
        scores.append(engine.check(action, calls[action], session=session).score)
    assert scores[1] >= scores[0]


@settings(max_examples=30)
@given(st.lists(names.filter(bool), min_size=5, max_size=8, unique=True), st.integers(1, 149))
def test_micro_charges_to_any_five_customers_are_card_testing(
    customers: list[str], gap_s: int
) -> None:
    engine, clock = fresh()
    decisions = []
    for customer in customers:
        call = {"amount": "1.50", "currency": "USD", "customer": customer}
        decisions.append(engine.check("payments.charge", call))
        clock.advance(gap_s)
    assert all("card_testing" in decision.rules for decision in decisions[4:])
    assert all(decision.outcome is Outcome.DENY for decision in decisions[4:])
