"""Payment cards and international bank account numbers, by their check digits.

Guarantees: linear in the text: candidates begin at the start of a run and have bounded length.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from permit0.normalize.identifiers.checks import luhn

__all__ = ["payment_numbers"]

_CARD_GROUPS = re.compile(r"(?<![0-9])[0-9]{4,19}(?:[ -][0-9]{3,7}){0,5}(?![0-9])")
# Begins with the digits, which are rarer than letters; what stands before them is looked at then.
_IBAN_START = re.compile(
    r"[0-9]{2}(?<=[A-Za-z]{2}[0-9]{2})(?<![A-Za-z0-9].{4})(?=[ -]?[A-Za-z0-9]{4})", re.DOTALL
)
_ALNUM = re.compile("[A-Z0-9]+")
# Ways in which cards are printed: undivided, fours, and American Express and Diners Club.
_PRINTED = frozenset({(4, 4, 4, 4), (4, 6, 5), (4, 6, 4), (4, 4, 4, 4, 3), (4, 4, 5), (4, 5, 6)})
# Leading digits and lengths of the networks (ISO/IEC 7812 issuers in use).
_ISSUER = re.compile(
    r"4(?:[0-9]{12}|[0-9]{15}|[0-9]{18})"
    r"|5[1-5][0-9]{14}|2(?:2[2-9]|[3-6][0-9]|7[01])[0-9]{13}|2720[0-9]{12}"
    r"|3[47][0-9]{13}|3(?:0[0-5]|[689][0-9])[0-9]{11,13}"
    r"|6(?:011|5[0-9]{2}|4[4-9][0-9])[0-9]{12}|35[2-8][0-9]{13}"
    r"|62[0-9]{14,17}|(?:5[06-9]|6[37])[0-9]{10,17}"
)
# Length of an IBAN by country (SWIFT's IBAN registry, ISO 13616).
_IBAN_LENGTHS: Mapping[str, int] = {
    country: length
    for length, countries in (
        (15, "NO"), (16, "BE"), (18, "DK FI FO GL NL SD"), (19, "MK SI"),
        (20, "AT BA EE KZ LT LU MN XK"), (21, "CH HR LI LV"),
        (22, "BG BH CR DE GB GE IE ME RS VA"), (23, "AE GI IL IQ OM SO TL"),
        (24, "AD CZ ES MD PK RO SA SE SK TN VG"), (25, "LY PT ST"), (26, "IS TR"),
        (27, "BI DJ FR GR IT MC MR SM"), (28, "AL AZ BY CY DO GT HU LB NI PL SV"),
        (29, "BR EG PS QA UA"), (30, "JO KW MU YE"), (31, "MT SC"), (32, "LC"), (33, "RU"),
    )
    for country in countries.split()
}  # fmt: skip
_IBAN_DIGITS = str.maketrans({chr(ord("A") + i): str(10 + i) for i in range(26)})
_IBAN_TEXT_CHARS = 48  # The longest IBAN in groups of four, with room for hyphens.


def payment_numbers(text: str) -> Iterator[tuple[str, str]]:
    """Every card and account of a text, which is visible already: its kind, and the number as it is written."""
    for match in _CARD_GROUPS.finditer(text):
        for card in _cards(match.group()):
            yield "payment_card", card
    for at in _iban_starts(text):
        written = text[at : at + _IBAN_TEXT_CHARS]
        if _is_iban(written):
            yield "iban", written


def _iban_starts(text: str) -> Iterator[int]:
    return (match.start() - 2 for match in _IBAN_START.finditer(text))


def _cards(run: str) -> Iterator[str]:
    groups = re.split("[ -]", run)
    for first in range(len(groups)):
        if _is_card(groups[first]):
            yield groups[first]
        for last in range(first + 2, len(groups) + 1):
            part = groups[first:last]
            if tuple(map(len, part)) in _PRINTED and _is_card("".join(part)):
                yield " ".join(part)


def _is_card(digits: str) -> bool:
    return _ISSUER.fullmatch(digits) is not None and luhn(digits)


def _is_iban(text: str) -> bool:
    """Check whether a text begins with an IBAN (ISO 7064 mod 97-10)."""
    length = _IBAN_LENGTHS.get(text[:2].upper())
    if length is None:
        return False
    compact = text.replace(" ", "").replace("-", "").upper()[:length]
    if len(compact) < length or _ALNUM.fullmatch(compact) is None:
        return False
    return int((compact[4:] + compact[:4]).translate(_IBAN_DIGITS)) % 97 == 1
