"""Read an amount of money exactly, or refuse it.

Guarantees:
  * The result is an exact, finite, non-negative decimal in units of an ISO 4217 currency. A float
    means the decimal that it prints as (`Decimal(repr(x))`), which is what its sender wrote.
  * A text is read in every common notation that has one meaning ("1,234.56", "1.234,56",
    "1 234,56", "5e3", "USD 5", "5 EUR") and refused where it has two: "5,000" is five in Berlin
    and five thousand in Boston. Only ASCII digits are digits.
  * A currency inside the text and the `currency` argument agree, or the amount is refused.
  * Conversion into the default currency is exact multiplication; without a rate it is None.

Does not: fetch rates, round, or judge the size of an amount (policy does).

Reason codes: amount_missing, amount_malformed, amount_not_finite, amount_negative,
amount_out_of_range, amount_too_precise, amount_ambiguous, amount_not_integer, unknown_currency,
currency_conflict, currency_ambiguous.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from decimal import Context, Decimal, InvalidOperation
from functools import lru_cache

import msgspec

from permit0.errors import BadConfig, InvalidInput
from permit0.model.values import Money

__all__ = ["CurrencyTable", "parse_money"]

# More than any sum of money in any currency (world GDP in rials has 19 digits), and few enough
# that a product with a rate stays exact in EXACT_DIGITS.
MAX_AMOUNT_DIGITS = 30
# Unit prices and exchange quotes go four places beyond the minor unit (ISO 20022 allows five
# decimals for an amount). Longer fractions are products of binary floats.
EXTRA_DECIMALS = 4
# Rates have at most 30 significant digits and lie within 10**±12: enough for rial to bitcoin-like
# spreads, so that amount * rate has at most 30 + 8 + 30 digits and is exact.
MAX_RATE_DIGITS = 30
MAX_RATE_MAGNITUDE = 12
EXACT_DIGITS = 80
# "USD 123 456 789 012 345 678 901 234 567 890.1234" has 49 characters.
MAX_TEXT_CHARS = 64

_LIMIT = 10**MAX_AMOUNT_DIGITS
_FLOAT_LIMIT = float(_LIMIT)
_ONE = Decimal(1)

_DOLLAR_CODES = (
    "USD CAD AUD NZD SGD HKD TWD MXN ARS CLP COP UYU BSD BBD BMD BZD BND KYD XCD FJD GYD JMD LRD "
    "NAD SBD SRD TTD"
)
_DOLLARS = frozenset(_DOLLAR_CODES.split())
_YENS = frozenset({"JPY", "CNY"})
# Signs that several currencies share list all of them; the argument or the default decides.
_SIGNS: Mapping[str, frozenset[str]] = {"$": _DOLLARS, "\u00a5": _YENS, "\uffe5": _YENS} | {
    sign: frozenset({code})
    for sign, code in (
        ("US$", "USD"), ("CA$", "CAD"), ("C$", "CAD"), ("AU$", "AUD"), ("A$", "AUD"),
        ("NZ$", "NZD"), ("HK$", "HKD"), ("S$", "SGD"), ("R$", "BRL"), ("\u20ac", "EUR"),
        ("\u00a3", "GBP"), ("\u20b9", "INR"), ("\u20a9", "KRW"), ("\u20bd", "RUB"),
        ("\u20ba", "TRY"), ("\u20b4", "UAH"), ("\u20ab", "VND"), ("\u20aa", "ILS"),
        ("\u20a6", "NGN"), ("\u20b1", "PHP"),
    )
}  # fmt: skip
_UNIT = r"[A-Za-z]{3}|[A-Z]{0,2}\$|[\u00a3\u00a5\uffe5\u20a6\u20a9-\u20ac\u20b1\u20b4\u20b9-\u20bd]"
_PARTS = re.compile(rf"({_UNIT})? ?([0-9.][0-9., 'eE+-]*?) ?({_UNIT})?")
# Spaces and apostrophes that number formats of real locales group with.
_GROUP_SIGNS = str.maketrans({"\u00a0": " ", "\u202f": " ", "\u2009": " ", "\u2019": "'"})

_PLAIN = re.compile(r"(?:0|[1-9][0-9]*)?(?:\.[0-9]+)?")
_COMMA_DECIMAL = re.compile(r"(?:0|[1-9][0-9]*),[0-9]+")
_SCIENTIFIC = re.compile(r"((?:0|[1-9][0-9]*)(?:\.[0-9]+)?)[eE]([+-]?)([0-9]+)")
# One separator before exactly three digits: a group in one half of the world, decimals in the
# other. A leading zero is never the start of a group.
_AMBIGUOUS = re.compile(r"[1-9][0-9]{0,2}[.,][0-9]{3}")
_HEAD = r"[1-9][0-9]{0,2}"
_GROUPED = re.compile(
    rf"({_HEAD}(?:,[0-9]{{3}})+)(?:\.([0-9]+))?"
    rf"|({_HEAD}(?:\.[0-9]{{3}})+)(?:,([0-9]+))?"
    rf"|({_HEAD}(?:[ '][0-9]{{3}})+)(?:[.,]([0-9]+))?"
    r"|([1-9][0-9]?(?:,[0-9]{2})+,[0-9]{3})(?:\.([0-9]+))?"  # Indian: 12,34,567.89
)
_NOT_FINITE = re.compile(r"[+-]?(?:nan|snan|inf|infinity)", re.IGNORECASE)
_NEGATIVE = re.compile(r"[-\u2212].*|\(.*\)|.*[0-9]-|[^0-9]{1,4}-.*", re.DOTALL)


class _Currency(msgspec.Struct, frozen=True):
    """One currency as the table knows it; rate is None if it cannot be converted."""

    code: str
    digits: int
    rate: Decimal | None
    # True for the default currency: the amount needs no multiplication.
    same: bool


@lru_cache(maxsize=1)
def _minor_digits() -> Mapping[str, int]:
    """Return the exponent of every currency that has one, from ISO 4217 table A.1.

    Metals, funds units without an exponent, test codes and "no currency" are left out.
    """
    # Imported here: iso4217 parses its XML at import, about 25 ms.
    from iso4217 import Currency

    return {
        str(currency.code): int(currency.exponent)
        for currency in Currency
        if currency.exponent is not None
    }


class CurrencyTable:
    """Every ISO 4217 currency, with the organisation's rates into its default currency."""

    def __init__(
        self, default_currency: str, rates: Mapping[str, Decimal | int | float] | None = None
    ) -> None:
        """Check the rates once, so that reading an amount is a look-up.

        Args:
            default_currency: ISO 4217 code.
            rates: Units of the default currency for one unit of each currency. A float means the
                decimal that it prints as. The default's own rate may be given and must be 1.

        Raises:
            BadConfig: A code is unknown, or a rate is not a positive finite number.
        """
        digits = _minor_digits()
        default = self._code(default_currency, digits, "org.default_currency")
        known: dict[str, Decimal] = {default: _ONE}
        for name, rate in (rates or {}).items():
            code = self._code(name, digits, "org.fx_to_default")
            value = self._rate(name, rate)
            if code == default and value != _ONE:
                raise BadConfig(
                    f"org.fx_to_default.{code} is the default currency's rate, it must be 1"
                )
            if code != default and code in known:
                raise BadConfig(f"org.fx_to_default names {code!r} twice, keep one")
            known[code] = value
        self.default_currency = default
        # Not shared: a decimal context records flags.
        self._context = Context(prec=EXACT_DIGITS)
        entries = {
            code: _Currency(code, places, known.get(code), code == default)
            for code, places in digits.items()
        }
        self._default = entries[default]
        self._entries = entries | {code.lower(): entry for code, entry in entries.items()}

    def find(self, currency: object, *, where: str) -> _Currency:
        """Look a currency up, in any case; None is the default.

        Raises:
            InvalidInput: unknown_currency.
        """
        if currency is None:
            return self._default
        if isinstance(currency, str) and len(currency) <= MAX_TEXT_CHARS and currency.isascii():
            entry = self._entries.get(currency.strip(" ").upper())
            if entry is not None:
                return entry
        raise _refuse("unknown_currency", where)

    def find_among(self, codes: frozenset[str], given: _Currency | None, where: str) -> _Currency:
        """Resolve a currency sign that stands for `codes` and must agree with `given`."""
        if given is not None:
            if given.code not in codes:
                raise _refuse("currency_conflict", where)
            return given
        if len(codes) == 1:
            return self.find(next(iter(codes)), where=where)
        if self._default.code in codes:
            return self._default
        raise _refuse("currency_ambiguous", where)

    def convert(self, amount: Decimal, entry: _Currency) -> Decimal | None:
        """Return the amount in the default currency, exactly; None without a rate."""
        if entry.same:
            return amount
        return None if entry.rate is None else self._context.multiply(amount, entry.rate)

    def scale(self, units: Decimal, entry: _Currency) -> Decimal:
        """Return a count of minor units in units of the currency, exactly."""
        return self._context.scaleb(units, -entry.digits)

    @staticmethod
    def _code(name: object, digits: Mapping[str, int], where: str) -> str:
        code = name.upper() if isinstance(name, str) and name.isascii() else ""
        if code not in digits:
            raise BadConfig(f"{where} has {name!r}, use an ISO 4217 code such as 'USD'")
        return code

    @staticmethod
    def _rate(name: str, rate: object) -> Decimal:
        wrong = BadConfig(
            f"org.fx_to_default.{name} must be a positive number with at most "
            f"{MAX_RATE_DIGITS} digits, within 10 to the power of plus or minus "
            f"{MAX_RATE_MAGNITUDE}"
        )
        if isinstance(rate, bool) or not isinstance(rate, Decimal | int | float):
            raise wrong
        try:
            value = Decimal(repr(rate)) if isinstance(rate, float) else Decimal(rate)
        except InvalidOperation as error:  # pragma: no cover - repr of a float is a decimal
            raise wrong from error
        if not value.is_finite() or value <= 0 or abs(value.adjusted()) > MAX_RATE_MAGNITUDE:
            raise wrong
        if len(value.as_tuple().digits) > MAX_RATE_DIGITS:
            raise wrong
        return value


_MESSAGES: Mapping[str, str] = {
    "amount_missing": "amount is missing, give a number",
    "amount_malformed": "amount is not a number that has one reading, give a plain decimal number",
    "amount_not_finite": "amount is not finite, give a plain decimal number",
    "amount_negative": "amount is negative, give a positive number",
    "amount_out_of_range": f"amount has more than {MAX_AMOUNT_DIGITS} digits, give a smaller one",
    "amount_too_precise": "amount has more decimals than its currency can have, round it",
    "amount_ambiguous": "amount could mean a thousand times more or less, give a plain number",
    "amount_not_integer": "amount counts minor units, give a whole number without a currency",
    "unknown_currency": "currency is not an ISO 4217 code with minor units, use one such as 'USD'",
    "currency_conflict": "amount and currency name different currencies, make them agree",
    "currency_ambiguous": "currency sign belongs to several currencies, give an ISO 4217 code",
}


def _refuse(code: str, where: str) -> InvalidInput:
    return InvalidInput(_MESSAGES[code], where=where, reason_code=code)


def parse_money(
    value: object,
    *,
    currency: object | None,
    minor_units: bool,
    rates: CurrencyTable,
    where: str,
) -> Money:
    """Read an amount.

    Args:
        value: int, float, Decimal or text; see the module's rules.
        currency: ISO 4217 code in any case; None for the one in the text or else the default.
        minor_units: The amount counts cents (or whatever the currency has), as a whole number.
        rates: The organisation's currencies.
        where: Path of the argument, for the error.

    Raises:
        InvalidInput: With one of the module's reason codes.
    """
    entry = rates.find(currency, where=where)
    # bool is an int and must not be one here, so that the type is compared, not its ancestry.
    kind = type(value)
    if kind is int:
        amount = _from_int(value, where)  # type: ignore[arg-type] # kind is int
    elif kind is float:
        amount = _from_float(value, where)  # type: ignore[arg-type] # kind is float
    elif kind is str:
        text: str = value  # type: ignore[assignment] # kind is str
        amount, entry = _from_text(
            text, None if currency is None else entry, rates, where=where, minor_units=minor_units
        )
    elif isinstance(value, Decimal):
        amount = _from_decimal(value, where)
    else:
        raise _refuse("amount_missing" if value is None else "amount_malformed", where)
    if minor_units:
        if amount != amount.to_integral_value():
            raise _refuse("amount_not_integer", where)
        amount = rates.scale(amount, entry)
    elif kind is not int and -int(amount.as_tuple().exponent) > entry.digits + EXTRA_DECIMALS:
        amount = _without_zeros(amount, entry.digits + EXTRA_DECIMALS, where)
    return Money(amount, entry.code, rates.convert(amount, entry))


def _from_int(value: int, where: str) -> Decimal:
    if value < 0:
        raise _refuse("amount_negative", where)
    if value >= _LIMIT:
        raise _refuse("amount_out_of_range", where)
    return Decimal(value)


def _from_float(value: float, where: str) -> Decimal:
    if 0.0 <= value < _FLOAT_LIMIT:
        amount = Decimal(repr(value + 0.0))  # -0.0 + 0.0 is 0.0
        # repr writes large floats with an exponent; as an integer they have all their digits.
        return amount if value < 1e16 else Decimal(int(amount))  # repr's own limit
    if not math.isfinite(value):
        raise _refuse("amount_not_finite", where)
    raise _refuse("amount_negative" if value < 0 else "amount_out_of_range", where)


def _from_decimal(value: Decimal, where: str) -> Decimal:
    if not value.is_finite():
        raise _refuse("amount_not_finite", where)
    if value < 0:
        raise _refuse("amount_negative", where)
    return _bounded(value.copy_abs(), where)


def _bounded(value: Decimal, where: str) -> Decimal:
    """Check the size of a decimal before anything is computed with it; write it plainly."""
    if value.is_zero():
        return Decimal(0)
    if value.adjusted() >= MAX_AMOUNT_DIGITS:
        raise _refuse("amount_out_of_range", where)
    parts = value.as_tuple()
    exponent = int(parts.exponent)
    if exponent > 0:
        return Decimal(int(value))
    if -exponent > MAX_AMOUNT_DIGITS or len(parts.digits) > MAX_AMOUNT_DIGITS:
        return _without_zeros(value, MAX_AMOUNT_DIGITS, where)
    return value


def _without_zeros(value: Decimal, decimals: int, where: str) -> Decimal:
    """Drop trailing zeros of the fraction down to `decimals` places, or refuse."""
    _, digits, exponent = value.as_tuple()
    surplus = -int(exponent) - decimals
    tail = digits[-surplus:] if surplus < len(digits) else digits
    if surplus <= 0 or any(tail):
        code = "amount_too_precise" if surplus > 0 else "amount_out_of_range"
        raise _refuse(code, where)
    return Decimal((0, digits[:-surplus] or (0,), -decimals))


def _from_text(
    text: str, given: _Currency | None, rates: CurrencyTable, *, where: str, minor_units: bool
) -> tuple[Decimal, _Currency]:
    # A longer text is refused in any case, also if it is long by spaces; its beginning says why.
    too_long = len(text) > MAX_TEXT_CHARS
    text = text[: MAX_TEXT_CHARS + 1].translate(_GROUP_SIGNS).strip(" ")
    if not text:
        raise _refuse("amount_missing", where)
    if _NOT_FINITE.fullmatch(text):
        raise _refuse("amount_not_finite", where)
    if _NEGATIVE.fullmatch(text):
        raise _refuse("amount_negative", where)
    if too_long:
        digits_only = text.isascii() and text.isdigit() and len(text) > MAX_AMOUNT_DIGITS
        raise _refuse("amount_out_of_range" if digits_only else "amount_malformed", where)
    parts = _PARTS.fullmatch(text)
    if parts is None:
        raise _refuse("amount_malformed", where)
    before, number, after = parts.groups()
    if minor_units and (before or after or not number.isdigit()):
        # "$50" with an argument in cents: one of the two is a hundred times wrong.
        raise _refuse("amount_not_integer", where)
    for unit in (before, after):
        if unit is not None:
            given = _agreed(unit, given, rates, where)
    entry = rates.find(None, where=where) if given is None else given
    return _from_number(number, entry, where), entry


def _agreed(unit: str, given: _Currency | None, rates: CurrencyTable, where: str) -> _Currency:
    codes = _SIGNS.get(unit)
    if codes is None:
        codes = frozenset({rates.find(unit, where=where).code})
    return rates.find_among(codes, given, where)


def _from_number(number: str, entry: _Currency, where: str) -> Decimal:
    if _AMBIGUOUS.fullmatch(number):
        # A currency of thousandths writes its minor units exactly so: "5.000" dinars are five.
        if "." in number and entry.digits == 3:  # digits of the group
            return Decimal(number)
        raise _refuse("amount_ambiguous", where)
    if _PLAIN.fullmatch(number):
        return _bounded(Decimal(number), where)
    if _COMMA_DECIMAL.fullmatch(number):
        return _bounded(Decimal(number.replace(",", ".")), where)
    scientific = _SCIENTIFIC.fullmatch(number)
    if scientific is not None:
        mantissa, sign, exponent = scientific.groups()
        # No amount needs three digits of exponent; bounded before Decimal expands anything.
        if len(exponent.lstrip("0")) > 2:  # explained above
            code = "amount_too_precise" if sign == "-" else "amount_out_of_range"
            raise _refuse(code, where)
        return _bounded(Decimal(f"{mantissa}e{sign}{exponent}"), where)
    grouped = _GROUPED.fullmatch(number)
    if grouped is None:
        raise _refuse("amount_malformed", where)
    whole, *fraction = (part for part in grouped.groups() if part is not None)
    digits = re.sub("[^0-9]", "", whole)
    return _bounded(Decimal(".".join([digits, *fraction])), where)
