"""Amounts of money are read exactly or refused."""

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from permit0.errors import BadConfig, InvalidInput
from permit0.model.values import Money
from permit0.normalize.money import CurrencyTable, parse_money

RATES = CurrencyTable("USD", {"USD": 1.0, "GBP": Decimal("1.25"), "EUR": 1.08, "AED": 0.2723})


def read(
    value: object, currency: object = None, *, minor: bool = False, rates: CurrencyTable = RATES
) -> Money:
    return parse_money(value, currency=currency, minor_units=minor, rates=rates, where="amount")


def code_of(
    value: object, currency: object = None, *, minor: bool = False, rates: CurrencyTable = RATES
) -> str:
    with pytest.raises(InvalidInput) as refused:
        read(value, currency, minor=minor, rates=rates)
    assert refused.value.where == "amount"
    return refused.value.reason_code


@pytest.mark.parametrize(
    ("value", "currency", "amount", "code"),
    [
        (5, None, "5", "USD"),
        (0, None, "0", "USD"),
        (-0.0, None, "0", "USD"),
        (0.1, "USD", "0.1", "USD"),
        (12.5, "usd", "12.5", "USD"),
        (Decimal("12.50"), " eur ", "12.5", "EUR"),
        (Decimal("5E+3"), None, "5000", "USD"),
        (1e25, None, "10000000000000000000000000", "USD"),
        ("5000", None, "5000", "USD"),
        (" 5000 ", None, "5000", "USD"),
        ("0.50", None, "0.5", "USD"),
        (".5", None, "0.5", "USD"),
        ("0.500", None, "0.5", "USD"),
        ("5.0000000000", None, "5", "USD"),
        ("5e3", None, "5000", "USD"),
        ("5E+3", None, "5000", "USD"),
        ("5e-1", None, "0.5", "USD"),
        ("1,234,567", None, "1234567", "USD"),
        ("1,234.56", None, "1234.56", "USD"),
        ("5.000,00", None, "5000", "USD"),
        ("1.234.567,89", None, "1234567.89", "USD"),
        ("1 234,56", None, "1234.56", "USD"),
        ("1\u00a0234,56", None, "1234.56", "USD"),
        ("1\u202f234\u202f567", None, "1234567", "USD"),
        ("1'234.50", None, "1234.5", "USD"),
        ("12,34,567.89", None, "1234567.89", "USD"),
        ("12,50", None, "12.5", "USD"),
        ("1500.000", None, "1500", "USD"),
        ("$5,000.00", None, "5000", "USD"),
        ("$5,000.00", "USD", "5000", "USD"),
        ("$5", "CAD", "5", "CAD"),
        ("US$ 5", None, "5", "USD"),
        ("$5 USD", None, "5", "USD"),
        ("USD 5000", None, "5000", "USD"),
        ("5000 EUR", "eur", "5000", "EUR"),
        ("5000eur", None, "5000", "EUR"),
        ("\u20ac12", None, "12", "EUR"),
        ("12 \u20ac", None, "12", "EUR"),
        ("\u00a512", "JPY", "12", "JPY"),
        ("5.000", "KWD", "5", "KWD"),
        ("5.000 KWD", None, "5", "KWD"),
        ("9" * 30, None, "9" * 30, "USD"),
    ],
)
def test_amount_with_one_reading_is_understood(
    value: object, currency: object, amount: str, code: str
) -> None:
    money = read(value, currency)
    assert money.amount == Decimal(amount)
    assert money.currency == code
    assert "E" not in str(money.amount)


@pytest.mark.parametrize(
    ("value", "code"),
    [
        (None, "amount_missing"),
        ("", "amount_missing"),
        ("   ", "amount_missing"),
        (True, "amount_malformed"),
        (False, "amount_malformed"),
        ([5], "amount_malformed"),
        ({"value": 5}, "amount_malformed"),
        (float("nan"), "amount_not_finite"),
        (float("inf"), "amount_not_finite"),
        (Decimal("NaN"), "amount_not_finite"),
        (Decimal("sNaN"), "amount_not_finite"),
        (Decimal("-Infinity"), "amount_not_finite"),
        ("NaN", "amount_not_finite"),
        ("-inf", "amount_not_finite"),
        ("Infinity", "amount_not_finite"),
        (-1, "amount_negative"),
        (-0.01, "amount_negative"),
        (Decimal(-5), "amount_negative"),
        ("-5", "amount_negative"),
        ("\u22125", "amount_negative"),
        ("5-", "amount_negative"),
        ("(5)", "amount_negative"),
        ("$-5", "amount_negative"),
        ("-$5", "amount_negative"),
        ("($5.00)", "amount_negative"),
        (10**30, "amount_out_of_range"),
        (10**400, "amount_out_of_range"),
        (1e30, "amount_out_of_range"),
        (Decimal("1E+999999"), "amount_out_of_range"),
        ("9" * 31, "amount_out_of_range"),
        ("9" * 100_000, "amount_out_of_range"),
        ("5" + " " * 70 + "000", "amount_malformed"),
        ("5" + "," * 70, "amount_malformed"),
        ("1e30", "amount_out_of_range"),
        ("1e999999999999", "amount_out_of_range"),
        (0.1 + 0.2, "amount_too_precise"),
        (1e-7, "amount_too_precise"),
        (Decimal("1E-999999"), "amount_too_precise"),
        ("1e-999999999999", "amount_too_precise"),
        ("0.0000001", "amount_too_precise"),
        ("5,000", "amount_ambiguous"),
        ("5.000", "amount_ambiguous"),
        ("$5,000", "amount_ambiguous"),
        ("999.999", "amount_ambiguous"),
        ("\uff15", "amount_malformed"),
        ("\u0665", "amount_malformed"),
        ("0x10", "amount_malformed"),
        ("1_000", "amount_malformed"),
        ("5.", "amount_malformed"),
        ("+5", "amount_malformed"),
        ("007", "amount_malformed"),
        ("5 5", "amount_malformed"),
        ("1,2,3", "amount_malformed"),
        ("1,23,45", "amount_malformed"),
        ("1.234,567.89", "amount_malformed"),
        ("5k", "amount_malformed"),
        ("5%", "amount_malformed"),
        ("5\n", "amount_malformed"),
        ("USD", "amount_malformed"),
        ("five", "amount_malformed"),
        ("5 BTC", "unknown_currency"),
        ("\u20ac5 USD", "currency_conflict"),
        ("\u00a55", "currency_ambiguous"),
    ],
)
def test_amount_without_exactly_one_reading_is_refused(value: object, code: str) -> None:
    assert code_of(value) == code


@pytest.mark.parametrize("currency", ["BTC", "ETH", "US", "", "XAU", "XXX", "USDT", 5, True, []])
def test_currency_without_minor_units_in_the_standard_is_unknown(currency: object) -> None:
    assert code_of(5, currency) == "unknown_currency"
    assert read(5, "CHF").currency == "CHF"


@pytest.mark.parametrize(
    ("value", "currency"), [("$5", "EUR"), ("\u20ac5", "USD"), ("5 EUR", "USD"), ("USD 5", "CAD")]
)
def test_text_and_argument_must_name_the_same_currency(value: str, currency: str) -> None:
    assert code_of(value, currency) == "currency_conflict"


def test_shared_sign_means_the_default_only_if_it_is_one_of_its_currencies() -> None:
    assert read("$5", rates=CurrencyTable("CAD")).currency == "CAD"
    assert read("\u00a55", rates=CurrencyTable("CNY")).currency == "CNY"
    assert code_of("$5", rates=CurrencyTable("EUR")) == "currency_ambiguous"


@pytest.mark.parametrize(
    ("value", "currency", "amount"),
    [
        (5000, "USD", "50"),
        (5000, "JPY", "5000"),
        (5000, "KWD", "5"),
        (5000.0, "USD", "50"),
        ("5000", "USD", "50"),
        (Decimal(1), None, "0.01"),
    ],
)
def test_minor_units_follow_the_exponent_of_the_currency(
    value: object, currency: str, amount: str
) -> None:
    assert read(value, currency, minor=True).amount == Decimal(amount)


@pytest.mark.parametrize("value", [50.5, "50.5", "$50", "50 USD", "5,000", "5e3", Decimal("0.1")])
def test_minor_units_are_whole_numbers_without_currency(value: object) -> None:
    assert code_of(value, "USD", minor=True) == "amount_not_integer"


def test_conversion_is_exact_and_absent_without_a_rate() -> None:
    assert read(12000, "GBP").in_default == Decimal(15000)
    assert read("9" * 30, "AED").in_default == Decimal("272299999999999999999999999999.7277")
    assert read(7).in_default == Decimal(7)
    assert read(7, "CHF").in_default is None


@pytest.mark.parametrize(
    ("default", "rates"),
    [
        ("BTC", {}),
        ("", {}),
        ("USD", {"XBT": 1}),
        ("USD", {"EUR": 0}),
        ("USD", {"EUR": -1}),
        ("USD", {"EUR": float("nan")}),
        ("USD", {"EUR": float("inf")}),
        ("USD", {"EUR": Decimal("Infinity")}),
        ("USD", {"EUR": True}),
        ("USD", {"EUR": "1"}),
        ("USD", {"EUR": Decimal("1E+99")}),
        ("USD", {"EUR": Decimal("1." + "1" * 40)}),
        ("USD", {"USD": 2}),
        ("USD", {"EUR": 1, "eur": 2}),
    ],
)
def test_bad_table_is_refused(default: str, rates: dict[str, Decimal]) -> None:
    with pytest.raises(BadConfig):
        CurrencyTable(default, rates)


def test_good_table_is_accepted_in_any_case() -> None:
    table = CurrencyTable("usd", {"eur": Decimal("1.1"), "USD": 1})
    assert table.default_currency == "USD"
    assert read(10, "EUR", rates=table).in_default == Decimal(11)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.decimals(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=5,
)


@given(JSON, JSON, st.booleans())
@example("$" * 64, None, False)
@example("e" * 64, "\ud800", True)
@example("\ud800", None, False)
def test_any_value_is_read_or_refused(value: object, currency: object, minor: bool) -> None:
    try:
        money = read(value, currency, minor=minor)
    except InvalidInput as refused:
        code = refused.reason_code
        assert code.startswith(("amount_", "currency_", "unknown_currency"))
    else:
        assert money.amount.is_finite()
        assert money.amount >= 0


@given(st.text(alphabet="0123456789.,' eE+-$€USDJPY()", max_size=20))
def test_number_like_text_is_read_or_refused(value: str) -> None:
    try:
        money = read(value)
    except InvalidInput:
        return
    assert money.amount >= 0


@given(st.decimals(min_value=0, max_value=10**20, places=2))
def test_every_common_notation_of_an_amount_gives_the_same_money(amount: Decimal) -> None:
    english = f"{amount:,.2f}"
    german = english.translate(str.maketrans(",.", ".,"))
    french = english.replace(",", "\u202f").replace(".", ",")
    expected = read(amount)
    assert [read(text) for text in (str(amount), english, german, french)] == [expected] * 4


@given(st.integers(0, 10**28), st.sampled_from(["USD", "JPY", "KWD"]))
def test_minor_units_are_exact_fractions(units: int, currency: str) -> None:
    digits = {"USD": 2, "JPY": 0, "KWD": 3}[currency]
    assert Fraction(read(units, currency, minor=True).amount) == Fraction(units, 10**digits)


@given(st.floats(0, 1e15).map(lambda x: round(x, 2)))
def test_float_means_the_decimal_that_it_prints_as(value: float) -> None:
    assert read(value).amount == Decimal(repr(value))


@given(st.integers(0, 10**30 - 1), st.decimals("0.000001", "999999", places=6))
def test_conversion_never_rounds(amount: int, rate: Decimal) -> None:
    money = read(amount, "EUR", rates=CurrencyTable("USD", {"EUR": rate}))
    assert money.in_default is not None
    assert Fraction(money.in_default) == Fraction(amount) * Fraction(rate)
