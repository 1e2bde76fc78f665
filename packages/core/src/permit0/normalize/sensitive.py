"""Find credentials and personal data in a text that is about to leave, or that was just read.

Guarantees:
  * Time is linear in the text. A text without any of the triggers costs a few substring searches.
  * The same text in full-width letters, with invisible characters in it, or with other scripts'
    digits gives the same answer; so does what is written in it in another encoding (encodings.py:
    two levels, 64 KiB), if there is a long run of letters and digits at all.
  * The answer of `find_*` is a set of kinds, never the values. `sensitive_values` gives the values, to be
    digested and dropped (pieces.py): nobody else asks.

Does not: judge whether a credential is live, or recognise every secret. A secret in plain words
cannot be told from words. Absence proves nothing; rules use what is found to be stricter, never what
is not found to be laxer.

Kinds of credentials: those of token_forms.py, and private_key, url_credentials, connection_string, password,
api_key. Kinds of personal data: payment_card, iban, those of identifiers/forms.py, and in bulk, from so many
different ones on: email_list, phone_list, birth_list.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator

from permit0.normalize.credentials import (
    LONG_RUN,
    credentials,
    may_have_credentials,
    names_credential,
)
from permit0.normalize.encodings import has_encoding, readings
from permit0.normalize.identifiers import national_numbers
from permit0.normalize.payment_numbers import payment_numbers

__all__ = [
    "BULK",
    "BULK_READ",
    "find_confidential",
    "find_personal",
    "find_secrets",
    "find_sensitive",
    "sensitive_values",
    "visible",
]

# What is not seen on a screen: soft hyphen, zero-width, bidirectional, variation and tag signs.
_INVISIBLE = re.compile(
    "[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180e\u200b-\u200f\u202a-\u202e"
    "\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0\U000e0000-\U000e01ef]"
)
# Ligatures of whole phrases: NFKC writes up to 18 letters for one of them, none of them ASCII.
_PHRASE = re.compile("[\u3300-\u3357\ufdf0-\ufdfb]")
_OTHER_DIGIT = re.compile(r"[^\D0-9]")

# Every kind has five digits, spaces or hyphens in a row; a year or a day has not. (An account
# number of letters only is possible in an IBAN by the standard, and given by no bank.)
_LONG_NUMBER = re.compile(r"[0-9][0-9A-Z ./-]{4}")
_ADDRESS = re.compile(r"[A-Za-z0-9._%+-]{1,64}@[A-Za-z0-9-]{1,63}\.[A-Za-z0-9.-]{2,190}")
_PHONE = re.compile(
    r"(?<![0-9A-Za-z])\+[0-9]{1,3}[ ()./-]{0,2}[0-9](?:[ ()./-]{0,2}[0-9]){6,12}|"
    r"(?<![0-9])\([0-9]{3}\) ?[0-9]{3}-[0-9]{4}"
)
_BIRTH = re.compile(
    r"(?:dob|birth[ _-]?da(?:te|y)|date[ _-]?of[ _-]?birth|born|geburtsdatum|geb\.)[\"']?[ :=]{1,4}[\"']?"
    r"([0-9]{1,4}[./-][0-9]{1,2}[./-][0-9]{1,4})",
    re.IGNORECASE,
)
_NO_DIGIT = re.compile(r"[^0-9]")
BULK = 10
"""So many different addresses, telephone numbers or days of birth are personal data in bulk.

One is in every mail; a list of customers has more. In what was read, five times as many: an inbox is no list.
"""
BULK_READ = 50


_NOTHING: tuple[frozenset[str], frozenset[str]] = (frozenset(), frozenset())


def find_sensitive(
    text: str, *, label: str = "", bulk: int = BULK
) -> tuple[frozenset[str], frozenset[str]]:
    """Return the kinds of credentials and of personal data that a text contains; never raises for a text.

    Args:
        text: Any text.
        label: The name of the argument that it came in, "" for none: some values are known by their names.
        bulk: How many addresses, telephone numbers or days of birth are many.
    """
    shown = visible(text)
    has_long = LONG_RUN.search(shown) is not None
    secrets: set[str] = set()
    personal: set[str] = set()
    if has_long or may_have_credentials(shown):
        secrets.update(kind for kind, _ in credentials(shown, has_long=has_long))
    if _LONG_NUMBER.search(shown) is not None or shown.count("@") >= bulk:
        personal.update(_personal(shown, label, bulk))
    if label and names_credential(label):
        secrets.update(kind for kind, _ in credentials(f"{label}: {shown[:512]}", has_long=True))
    if has_encoding(text, has_long=has_long):
        for other in readings(text)[0]:
            shown = visible(other)
            secrets.update(kind for kind, _ in credentials(shown, has_long=True))
            personal.update(_personal(shown, label, bulk))
    if not secrets and not personal:
        return _NOTHING  # nearly always
    return frozenset(secrets), frozenset(personal)


def find_secrets(text: str) -> frozenset[str]:
    """Return the kinds of credentials that a text contains; never raises for a text."""
    shown = visible(text)
    has_long = LONG_RUN.search(shown) is not None
    found = {kind for kind, _ in credentials(shown, has_long=has_long)}
    if has_encoding(text, has_long=has_long):
        for other in readings(text)[0]:
            found.update(kind for kind, _ in credentials(visible(other), has_long=True))
    return frozenset(found)


def find_personal(text: str, *, label: str = "") -> frozenset[str]:
    """Return the kinds of personal data that a text contains; never raises for a text."""
    shown = visible(text)
    found = set(_personal(shown, label, BULK))
    if has_encoding(text, has_long=LONG_RUN.search(shown) is not None):
        for other in readings(text)[0]:
            found.update(_personal(visible(other), label, BULK))
    return frozenset(found)


def sensitive_values(text: str) -> Iterator[tuple[str, str]]:
    """The kind and the value of every credential and every number of a person in a text.

    Without accounts: whom a transfer goes to is in the bill that was read, and in the transfer.
    """
    text = visible(text)
    yield from credentials(text, has_long=True)
    if _LONG_NUMBER.search(text) is not None:
        for kind, value in payment_numbers(text):
            if kind != "iban":
                yield kind, value
        yield from national_numbers(text)


def visible(text: str) -> str:
    """Return what a reader sees, in ASCII where there is an equivalent."""
    if text.isascii():
        return text
    text = unicodedata.normalize("NFKC", _PHRASE.sub("\ufffd", _INVISIBLE.sub("", text)))
    return _OTHER_DIGIT.sub(lambda match: str(unicodedata.digit(match.group(), 0)), text)


def _personal(text: str, label: str, bulk: int) -> Iterator[str]:
    if _LONG_NUMBER.search(text) is not None:
        for kind, _ in payment_numbers(text):
            yield kind
        for kind, _ in national_numbers(text, label=label):
            yield kind
        if text.count("+") + text.count("(") >= bulk:
            phones = {_NO_DIGIT.sub("", match.group()) for match in _PHONE.finditer(text)}
            if len(phones) >= bulk:
                yield "phone_list"
        if len(text) >= 12 * bulk and len(set(_BIRTH.findall(text))) >= bulk:
            yield "birth_list"
    if text.count("@") >= bulk:
        addresses = {match.group().casefold() for match in _ADDRESS.finditer(text)}
        if len(addresses) >= bulk:
            yield "email_list"


# What is no business of a log: a card (PCI DSS 3.5.1) or the number of a person. An IBAN is whom a
# transfer went to, which is what a log is for; so are those to whom a mail went.
_FOR_A_LOG = frozenset({"iban", "email_list", "phone_list", "birth_list"})


def find_confidential(text: str) -> frozenset[str]:
    """Return the kinds of what must not be kept in clear: credentials, card and personal numbers."""
    secrets, personal = find_sensitive(text)
    return secrets | (personal - _FOR_A_LOG)
