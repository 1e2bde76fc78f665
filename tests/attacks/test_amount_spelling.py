"""A large amount, spelled so that it passes for a small one."""

from __future__ import annotations

import math

import pytest

from permit0.engine import Engine
from permit0.model.vocabulary import Outcome

CHARGE = "payments.charge"


def charge(engine: Engine, arguments: dict[str, object]) -> tuple[Outcome, str]:
    decision = engine.check(CHARGE, {"customer": "cus_1", **arguments})
    return decision.outcome, decision.error


@pytest.mark.parametrize(
    "amount",
    [
        50,
        50.5,
        "50",
        "50.00",
        "$50",
        "50 USD",
        "USD 50",
        "5e1",
        " 50 ",
        0.5,
        "0.5",
        "49,99",
        "50.000000",
    ],
)
def test_a_small_amount_is_allowed_in_every_clear_spelling(engine: Engine, amount: object) -> None:
    assert charge(engine, {"amount": amount}) == (Outcome.ALLOW, "")


@pytest.mark.parametrize(
    "amount",
    [
        5000, 5000.0, "5000", "5e3", "5E3", "5.0e3", "5,000.00", "5.000,00", "5 000,00", "5'000.00",
        "$5,000.00", "USD 5000", "5000 usd", "5000.00", 10**15, "  5000 ", "1,00,000.00",
        "5\N{NARROW NO-BREAK SPACE}000,00", "5\N{NO-BREAK SPACE}000.00", "4630 EUR", "\N{EURO SIGN}4630",
    ],
)  # fmt: skip
def test_a_large_amount_is_understood_in_every_spelling(engine: Engine, amount: object) -> None:
    decision = engine.check(CHARGE, {"amount": amount, "customer": "cus_1"})
    assert decision.outcome is Outcome.HUMAN
    assert "payments.charge/amount_over_1000" in decision.rules


@pytest.mark.parametrize(
    ("amount", "code"),
    [
        ("5,000", "amount_ambiguous"),
        ("5.000", "amount_ambiguous"),
        ("\uff15\uff10\uff10\uff10", "amount_malformed"),  # full-width
        ("\u0665\u0660\u0660\u0660", "amount_malformed"),  # Arabic-Indic
        ("５0", "amount_malformed"),
        ("5_000", "amount_malformed"),
        ("0x1388", "amount_malformed"),
        ("five thousand", "amount_malformed"),
        ("5k", "amount_malformed"),
        ("50\x005000", "amount_malformed"),
        ("50\n5000", "amount_malformed"),
        ("50;5000", "amount_malformed"),
        ("50 5000", "amount_malformed"),
        ("050", "amount_malformed"),
        ("50%", "amount_malformed"),
        ("NaN", "amount_not_finite"),
        ("Infinity", "amount_not_finite"),
        ("-Infinity", "amount_not_finite"),
        ("-5000", "amount_negative"),
        ("(5000)", "amount_negative"),
        ("\u22125000", "amount_negative"),
        (-5000, "amount_negative"),
        (-0.01, "amount_negative"),
        (math.nan, "number_not_finite"),
        (math.inf, "number_not_finite"),
        (-math.inf, "number_not_finite"),
        ("", "amount_missing"),
        ("   ", "amount_missing"),
        (None, "amount_missing"),
        ([5000], "amount_malformed"),
        ([50], "amount_malformed"),
        ([], "amount_malformed"),
        ({"v": 5000}, "amount_malformed"),
        ({}, "amount_malformed"),
        (True, "amount_malformed"),
        (False, "amount_malformed"),
        (10**40, "amount_out_of_range"),
        (10**400, "amount_out_of_range"),
        ("1e400", "amount_out_of_range"),
        ("9" * 2000, "amount_out_of_range"),
        (1e300, "amount_out_of_range"),
        (1e-300, "amount_too_precise"),
        ("50.0000001", "amount_too_precise"),
    ],
)  # fmt: skip
def test_an_amount_without_one_reading_is_refused(
    engine: Engine, amount: object, code: str
) -> None:
    assert charge(engine, {"amount": amount}) == (Outcome.DENY, code)


def test_a_charge_without_an_amount_is_refused(engine: Engine) -> None:
    assert charge(engine, {}) == (Outcome.DENY, "amount_missing")


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        ({"amount": 50, "Amount": 5000}, "argument_conflict"),
        ({"amount": 50, "AMOUNT": "5000"}, "argument_conflict"),
        ({"amount": 50, "a_m-o.u n t": 5000}, "argument_conflict"),
        ({"amount": 50, "value": 5000}, "argument_conflict"),
        ({"amount": 50, "sum": [5000]}, "argument_conflict"),
        ({"amount": 50, "amount ": 5000}, "argument_conflict"),
        ({"amount": 50, "amount\u200b": 5000}, "argument_conflict"),
        ({"amount": 50, "currency": "USD", "ccy": "EUR"}, "argument_conflict"),
        ({"amount": "50 USD", "currency": "EUR"}, "currency_conflict"),
        ({"amount": 50, "currency": "DOLLARS"}, "unknown_currency"),
        ({"amount": 50, "currency": ["USD"]}, "unknown_currency"),
        ({"amount": 50, "currency": "\uff35\uff33\uff24"}, "unknown_currency"),
    ],
)
def test_two_amounts_or_currencies_that_disagree_are_refused(
    engine: Engine, arguments: dict[str, object], code: str
) -> None:
    assert charge(engine, arguments) == (Outcome.DENY, code)


@pytest.mark.parametrize(
    "arguments",
    [
        {"amount": 50, "Amount": 50},
        {"amount": 50, "value": 50.0},
        {"Amount": 50},
        {"amount": 50, "currency": "usd"},
        {"amount": 50, "currency": "USD", "ccy": "USD"},
    ],
)
def test_two_amounts_that_agree_are_one(engine: Engine, arguments: dict[str, object]) -> None:
    assert charge(engine, arguments) == (Outcome.ALLOW, "")


@pytest.mark.parametrize(
    "extra",
    [
        {"amount_override": 5000},
        {"amountOverride": "5000"},
        {"override_amount": None, "final": 5000},
        {"new_amount": [5000]},
        {"amount_2": {"v": "5000"}},
        {"real_amount": "five thousand"},
        {"total": "5000 USD"},
        {"total": "USD 5000"},
        {"charge_total": "\N{EURO SIGN}5000"},
        {"amount_text": "5k"},
        {"amount_in_thousands": True},
        {"price": "see invoice"},
        {"multiplier": "x100"},
        {"quantity": 100},
        {"times": "100"},
        {"items": [{"price": 5000}]},
        {"order": {"lines": [{"n": [[5000]]}]}},
        {"\uff41\uff4d\uff4f\uff55\uff4e\uff54": 5000},
        {"\u0430mount": 5000},  # a Cyrillic letter
        {"\u786e\u8ba4reason": "5000"},  # not the inert `reason`
        {"customer_override": "cus_2"},
        {"currency_override": "KWD"},
    ],
)
def test_an_argument_that_may_change_the_amount_asks_a_person(
    engine: Engine, extra: dict[str, object]
) -> None:
    decision = engine.check(CHARGE, {"amount": 50, "customer": "cus_1", **extra})
    assert decision.outcome is Outcome.HUMAN
    assert "payments.charge/argument_unread" in decision.rules


@pytest.mark.parametrize(
    "extra",
    [{"memo": "order 5000"}, {"idempotency_key": "5000"}, {"channel": "web"}, {"live": True}],
)
def test_an_argument_that_says_no_amount_does_not(engine: Engine, extra: dict[str, object]) -> None:
    assert charge(engine, {"amount": 50, **extra}) == (Outcome.ALLOW, "")


def test_a_currency_without_a_rate_asks_a_person_whatever_the_amount(engine: Engine) -> None:
    decision = engine.check(CHARGE, {"amount": 50, "currency": "KWD", "customer": "cus_1"})
    assert decision.outcome is Outcome.HUMAN
    assert decision.reasons[0].code == "gate"
    assert "payments.charge/amount_unconverted" in decision.rules


def test_a_currency_with_a_rate_is_converted_before_it_is_judged(engine: Engine) -> None:
    assert charge(engine, {"amount": 5000, "currency": "JPY"}) == (Outcome.ALLOW, "")
    assert charge(engine, {"amount": 99, "currency": "EUR"}) == (Outcome.HUMAN, "")
