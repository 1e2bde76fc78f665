"""Find credentials and personal data in a text that is about to leave.

Guarantees:
  * Time is linear in the text: every pattern starts with a literal or at the start of a run and
    has bounded repetitions. A text without any of the literals costs a few substring searches.
  * The same text in full-width letters, with invisible characters in it, or with other scripts'
    digits gives the same answer.
  * The answer is a set of kinds, never the values: what was found is not written anywhere.

Does not: decode (base64, archives, images), judge whether a credential is live, or recognise
every secret. A secret in plain words cannot be told from words. Absence proves nothing; rules
use what is found to be stricter, never what is not found to be laxer.

Kinds of credentials: private_key, aws_key, gcp_key, azure_key, github_token, gitlab_token,
slack_token, stripe_key, openai_key, anthropic_key, npm_token, pypi_token, jwt, url_credentials,
connection_string, password, api_key. Kinds of personal data: payment_card, iban, us_ssn.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping

__all__ = ["find_confidential", "find_personal", "find_secrets"]

# What is not seen on a screen: soft hyphen, zero-width, bidirectional, variation and tag signs.
_INVISIBLE = re.compile(
    "[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180e\u200b-\u200f\u202a-\u202e"
    "\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0\U000e0000-\U000e01ef]"
)
# Ligatures of whole phrases: NFKC writes up to 18 letters for one of them, none of them ASCII.
_PHRASE = re.compile("[\u3300-\u3357\ufdf0-\ufdfb]")
_OTHER_DIGIT = re.compile(r"[^\D0-9]")

# A token is not a part of a longer word: otherwise each of its letters starts a new search.
_B = r"(?<![A-Za-z0-9_-])"
_E = r"(?![A-Za-z0-9])"


def _sign_of(literal: str) -> str:
    """Return the rarest sign that every match of a literal's pattern contains."""
    if literal in {"gh", "github_pat_"}:
        return "_"
    if literal in {"gl", "xox"}:
        return "-"
    if literal == "eyJ":
        return "."
    return next(sign for sign in "_~/-=.I" if sign in literal)


# Kind, literal that must occur, pattern. Forms as the issuers document them for secret scanning.
_TOKENS: tuple[tuple[str, str, re.Pattern[str]], ...] = tuple(
    (kind, literal, re.compile(pattern))
    for kind, literal, pattern in (
        ("private_key", "-----BEGIN ", r"-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY"),
        ("private_key", "PuTTY-User-Key-File-", r"PuTTY-User-Key-File-[0-9]"),
        ("private_key", "AGE-SECRET-KEY-1", r"AGE-SECRET-KEY-1[0-9A-Z]{50}"),
        ("aws_key", "AKIA", rf"{_B}AKIA[0-9A-Z]{{16}}{_E}"),
        ("aws_key", "ASIA", rf"{_B}ASIA[0-9A-Z]{{16}}{_E}"),
        ("gcp_key", "AIza", rf"{_B}AIza[0-9A-Za-z_-]{{35}}{_E}"),
        ("gcp_key", "ya29.", rf"{_B}ya29\.[0-9A-Za-z_-]{{20}}"),
        ("gcp_key", "GOCSPX-", rf"{_B}GOCSPX-[0-9A-Za-z_-]{{28}}"),
        ("azure_key", "AccountKey=", r"AccountKey=[A-Za-z0-9+/]{43,86}={0,2}"),
        ("azure_key", "SharedAccessKey=", r"SharedAccessKey=[A-Za-z0-9+/]{43,86}={0,2}"),
        ("azure_key", "8Q~", r"(?<![A-Za-z0-9~._-])[A-Za-z0-9~._-]{3}8Q~[A-Za-z0-9~._-]{31,34}"),
        ("azure_key", "sig=", r"[?&]sig=[A-Za-z0-9%+/]{43,90}"),
        ("github_token", "gh", rf"{_B}gh[pousr]_[A-Za-z0-9]{{36}}"),
        ("github_token", "github_pat_", rf"{_B}github_pat_[A-Za-z0-9]{{22}}_[A-Za-z0-9]{{59}}"),
        ("gitlab_token", "gl", rf"{_B}gl(?:pat|ptt|dt|rt|cbt|ft|soat|agent)-[A-Za-z0-9_-]{{20}}"),
        ("slack_token", "xox", rf"{_B}xox[abeoprs]-[A-Za-z0-9-]{{10}}"),
        ("slack_token", "xapp-", rf"{_B}xapp-[0-9]-[A-Za-z0-9-]{{10}}"),
        (
            "slack_token",
            "hooks.slack.com/services/",
            r"hooks\.slack\.com/services/T[A-Z0-9]{6,12}/B[A-Z0-9]{6,12}/[A-Za-z0-9]{20}",
        ),
        ("stripe_key", "_live_", rf"{_B}[rs]k_live_[A-Za-z0-9]{{16}}"),
        ("stripe_key", "_test_", rf"{_B}[rs]k_test_[A-Za-z0-9]{{16}}"),
        ("stripe_key", "whsec_", rf"{_B}whsec_[A-Za-z0-9+/]{{24}}"),
        ("anthropic_key", "sk-ant-", rf"{_B}sk-ant-[A-Za-z0-9_-]{{20}}"),
        (
            "openai_key",
            "sk-",
            rf"{_B}sk-(?:(?:proj|svcacct|admin|None)-[A-Za-z0-9_-]{{20}}|[A-Za-z0-9]{{32}})",
        ),
        ("npm_token", "npm_", rf"{_B}npm_[A-Za-z0-9]{{36}}"),
        ("pypi_token", "pypi-Ag", rf"{_B}pypi-Ag[A-Za-z0-9_-]{{50}}"),
        (
            "jwt",
            "eyJ",
            rf"{_B}eyJ[A-Za-z0-9_-]{{8,}}\.eyJ[A-Za-z0-9_-]{{8,}}\.[A-Za-z0-9_-]*",
        ),
    )
)

# Most texts have none of a group's tokens because they lack one sign that all of them contain.
_BY_SIGN = tuple(
    (sign, tuple(token for token in _TOKENS if sign == _sign_of(token[1])))
    for sign in ("_", "-", "~", "=", ".", "/", "I")
)

# user:password@host behind any scheme; a database's scheme makes it a connection string.
_URL_CREDENTIALS = re.compile(
    r"([A-Za-z][A-Za-z0-9+.-]{1,20})://[^\s/:@\"'<>]{0,128}:([^\s/@\"'<>]{3,256})@[^\s/]"
)
_DATABASES = (
    "postgres", "mysql", "mariadb", "mongodb", "redis", "amqp", "mssql", "sqlserver", "jdbc",
    "oracle", "clickhouse", "cockroach", "snowflake", "kafka", "ldap", "smtp",
)  # fmt: skip
_SERVER_PAIRS = re.compile(
    r"(?:server|data source|host)\s?=[^;\n]{1,200};(?:[^;\n]{0,200};){0,8}?\s?"
    r"(?:password|pwd)\s?=\s?([^;\s]{3,128})",
    re.IGNORECASE,
)

# A name that ends in one of these words, then a sign of assignment, then a value.
_ASSIGNMENT = re.compile(
    r"(pass(?:word|wd|phrase|code)|pwd|secret|token|api[_-]?key|apikey|access[_-]?key"
    r"|private[_-]?key|secret[_-]?key|auth[_-]?key|credential|bearer)"
    r"((?:[_-][a-z0-9]{1,16}){0,2}s?)[\"'\]]{0,2}"
    r"(\s{0,3}(?::=|=>|=|:)\s{0,3}|\s{1,2}is\s{1,2}|(?<=bearer)\s{1,2})"
    r"(?:bearer\s{1,2}|basic\s{1,2})?(?:([\"'`])([^\"'`\n]{1,256})|([^\s\"'`,;)}\]<>]{1,256}))",
    re.IGNORECASE,
)
# Values that stand for a secret instead of being one. Words such as "example" count only where
# nothing but letters surrounds them: published sample keys are as well-formed as real ones.
_PLACEHOLDER = re.compile(
    r"[x*.#_\u2022-]+|\$\{.*|\$\(.*|(?-i:\$[A-Z_][A-Z0-9_]*)|<.*|\{.*|%[A-Z_]+%|[\w.]+[(\[].*"
    r"|(?:your|my|the|some|an?)[_ -][a-z_ -]*"
    r"|[a-z_-]*(?:example|placeholder|redacted|changeme|dummy|masked)[a-z_-]*"
    r"|(?:os|env|process|config|settings|self|args|vault|secrets)\b[.:_].*"
    r"|none|null|nil|true|false|undefined|required|optional|string|str|text|empty|todo|unset",
    re.IGNORECASE,
)
_IDENTIFIER_PATH = re.compile(r"[a-z_][a-z0-9_]*(?:\.[a-z_][a-z0-9_]*)+", re.IGNORECASE)
# One of these is in every match of the pattern above; looking for them is cheap.
_ASSIGNED_WORDS = ("pass", "pwd", "secret", "token", "key", "credential", "bearer")
# Shorter than any policy allows for a password, or any issuer for a key.
MIN_PASSWORD_CHARS = 6
MIN_KEY_CHARS = 12
# Words end before this; letters only and longer is a phrase run together or a key.
MAX_WORD_CHARS = 20


def find_secrets(text: str) -> frozenset[str]:
    """Return the kinds of credentials that a text contains; never raises for a text."""
    text = _visible(text)
    found: set[str] = set()
    for sign, tokens in _BY_SIGN:
        if sign in text:
            for kind, literal, pattern in tokens:
                if literal in text and kind not in found and pattern.search(text) is not None:
                    found.add(kind)
    if "://" in text:
        found.update(_url_kinds(text))
    if any(map(text.lower().__contains__, _ASSIGNED_WORDS)):
        found.update(_assigned_kinds(text))
    return frozenset(found)


def _visible(text: str) -> str:
    """Return what a reader sees, in ASCII where there is an equivalent."""
    if text.isascii():
        return text
    text = unicodedata.normalize("NFKC", _PHRASE.sub("\ufffd", _INVISIBLE.sub("", text)))
    return _OTHER_DIGIT.sub(lambda match: str(unicodedata.digit(match.group(), 0)), text)


def _url_kinds(text: str) -> Iterator[str]:
    for match in _URL_CREDENTIALS.finditer(text):
        scheme, password = match.groups()
        if _PLACEHOLDER.fullmatch(password) is None:
            database = scheme.lower().startswith(_DATABASES)
            yield "connection_string" if database else "url_credentials"


def _assigned_kinds(text: str) -> Iterator[str]:
    for match in _ASSIGNMENT.finditer(text):
        word, _, sign, quote, quoted, bare = match.groups()
        name = word.lower()
        value = (quoted if quote else bare).strip()
        is_password = name.startswith(("pass", "pwd"))
        if quote is None:
            value = value.rstrip(".!?")
        strict = quote is None and ("=" not in sign or sign != sign.strip())
        if _real(value, is_password=is_password, strict=strict, word=name):
            yield "password" if is_password else "api_key"
    for match in _SERVER_PAIRS.finditer(text):
        if _PLACEHOLDER.fullmatch(match.group(1)) is None:
            yield "connection_string"


def _real(value: str, *, is_password: bool, strict: bool, word: str) -> bool:
    """Tell whether an assigned value looks like a secret.

    Args:
        value: Without quotes.
        is_password: People choose passwords, so that short ones count.
        strict: The value stands in a sentence ("token: see docs"), so that a word is a word.
        word: The assigned name; `password=password` passes a variable on.
    """
    if len(value) < (MIN_PASSWORD_CHARS if is_password else MIN_KEY_CHARS):
        return False
    if _PLACEHOLDER.fullmatch(value) is not None or word in value.lower():
        return False
    if " " in value:
        # Quoted prose; a pass phrase is a miss that costs less than every label in a form.
        return False
    if value.isalpha() and not (value != value.lower() and value[1:] != value[1:].lower()):
        return len(value) > MAX_WORD_CHARS or (is_password and not strict)
    if _IDENTIFIER_PATH.fullmatch(value) is not None and not any(map(str.isdigit, value)):
        return False
    kinds = (
        any(map(str.islower, value))
        + any(map(str.isupper, value))
        + any(map(str.isdigit, value))
        + (not value.isalnum())
    )
    # A date, a number or `snake_case` is of one or two kinds, but is no key.
    if not is_password and value.replace("_", "").replace("-", "").isalpha():
        return False
    return kinds >= 2  # letters and something else


# --- personal data ---------------------------------------------------------------------------

_CARD_GROUPS = re.compile(r"(?<![0-9])[0-9]{4,19}(?:[ -][0-9]{3,7}){0,5}(?![0-9])")
# Begins with the digits, which are rarer than letters; what stands before them is looked at then.
_IBAN_START = re.compile(
    r"[0-9]{2}(?<=[A-Za-z]{2}[0-9]{2})(?<![A-Za-z0-9].{4})(?=[ -]?[A-Za-z0-9]{4})", re.DOTALL
)
_ALNUM = re.compile("[A-Z0-9]+")
_SSN = re.compile(
    r"(?<![0-9-])(?!000|666|9[0-9]{2})[0-9]{3}-(?!00)[0-9]{2}-(?!0000)[0-9]{4}(?![0-9-])"
)
# Every kind has five digits, spaces or hyphens in a row; a year or a day has not. (An account
# number of letters only is possible in an IBAN by the standard, and given by no bank.)
_LONG_NUMBER = re.compile(r"[0-9][0-9 -]{4}")
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


def find_personal(text: str) -> frozenset[str]:
    """Return the kinds of personal numbers that a text contains; never raises for a text."""
    text = _visible(text)
    found: set[str] = set()
    if _LONG_NUMBER.search(text) is None:
        return frozenset()
    if any(_has_card(match.group()) for match in _CARD_GROUPS.finditer(text)):
        found.add("payment_card")
    if _SSN.search(text) is not None:
        found.add("us_ssn")
    if any(_is_iban(text[at : at + _IBAN_TEXT_CHARS]) for at in _iban_starts(text)):
        found.add("iban")
    return frozenset(found)


# What is no business of a log: a card (PCI DSS 3.5.1) or a social security number. An IBAN is whom a
# transfer went to, which is what a log is for.
_CONFIDENTIAL = frozenset({"payment_card", "us_ssn"})
# Twelve digits, with blanks or hyphens between them, or the form of a social security number.
_CARD_SIGNS = re.compile(r"[0-9](?:[ -]?[0-9]){11}|[0-9]{3}-[0-9]{2}-[0-9]{4}")


def find_confidential(text: str) -> frozenset[str]:
    """Return the kinds of what must not be kept in clear: credentials, card and security numbers."""
    found = find_secrets(text)
    if text.isascii() and _CARD_SIGNS.search(text) is None:
        return found
    return found | (find_personal(text) & _CONFIDENTIAL)


def _iban_starts(text: str) -> Iterator[int]:
    return (match.start() - 2 for match in _IBAN_START.finditer(text))


def _has_card(run: str) -> bool:
    groups = re.split("[ -]", run)
    for first in range(len(groups)):
        if _is_card(groups[first]):
            return True
        for last in range(first + 2, len(groups) + 1):
            part = groups[first:last]
            if tuple(map(len, part)) in _PRINTED and _is_card("".join(part)):
                return True
    return False


def _is_card(digits: str) -> bool:
    return _ISSUER.fullmatch(digits) is not None and _luhn(digits)


def _luhn(digits: str) -> bool:
    """Check the last digit (ISO/IEC 7812-1 annex B)."""
    total = 0
    for position, char in enumerate(reversed(digits)):
        digit = int(char)
        total += digit if position % 2 == 0 else digit // 5 + digit * 2 % 10
    return total % 10 == 0


def _is_iban(text: str) -> bool:
    """Check whether a text begins with an IBAN (ISO 7064 mod 97-10)."""
    length = _IBAN_LENGTHS.get(text[:2].upper())
    if length is None:
        return False
    compact = text.replace(" ", "").replace("-", "").upper()[:length]
    if len(compact) < length or _ALNUM.fullmatch(compact) is None:
        return False
    return int((compact[4:] + compact[:4]).translate(_IBAN_DIGITS)) % 97 == 1
