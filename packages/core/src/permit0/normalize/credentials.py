"""Credentials in a text: by the form that their issuer gave them, or by the name that stands before them.

Guarantees: linear in the text. A text without a trigger costs a few substring searches; one with a sign such as
`-` or `_` one search for a long run of letters and digits, and only then the literals of the forms are
looked for. Does not: make a text visible first, or read encodings (sensitive.py).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache

from permit0.normalize.token_forms import SIGNS, TOKENS

__all__ = ["LONG_RUN", "credentials", "may_have_credentials", "names_credential"]

# No issued credential is shorter.
LONG_RUN = re.compile(r"[A-Za-z0-9_+/=.~:-]{15}")
_REST = re.compile(r"[A-Za-z0-9_+/=.~-]{0,400}")
_PRIVATE_KEY = re.compile(r"BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-{0,5}")
_KEY_BODY = re.compile(r"[A-Za-z0-9+/=\s]{0,8192}")
_PLAIN = TOKENS[""]
_BY_SIGN = tuple((sign, TOKENS[sign]) for sign in SIGNS)

# user:password@host behind any scheme; a database's scheme makes it a connection string.
_URL_CREDENTIALS = re.compile(
    r"([A-Za-z][A-Za-z0-9+.-]{1,20})?://[^\s/:@\"'<>]{0,128}:([^\s/@\"'<>]{3,256})@[^\s/]"
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
    r"(pass(?:word|wd|phrase|code)|(?<=[_-])pass|pwd|contrase(?:\u00f1|n)a|secret|token|api[_-]?key|apikey"
    r"|(?:access|private|secret|auth|service|account|db|database|priv|client|license|encryption|signing|aws)"
    r"[_-]?key|credential|bearer)"
    r"((?:[_-][a-z0-9]{1,16}){0,2}s?)[\"'\]]{0,2}"
    r"(\s{0,3}(?::=|=>|==?|:)\s{0,3}|\s{1,2}is\s{1,2}|(?<=bearer)\s{1,2})"
    r"(?:bearer\s{1,2}|basic\s{1,2})?(?:([\"'`])([^\"'`\n]{1,256})|([^\s\"'`,;)}\]<>]{1,256}))",
    re.IGNORECASE,
)
# Short names that mean a credential only where the value has the very form of one.
_VENDOR_ASSIGNMENT = re.compile(
    r"(?<![A-Za-z0-9])(?:cloudant|clou|cl|softlayer|sl|ibm|iam|cloud)[A-Za-z_-]{0,24}?(?:key|pwd|pw|password|pass|token)"
    r"[\"'\]]{0,2}\s{0,3}(?::=|=>|==?|:)\s{0,3}[\"'`]?"
    r"([0-9a-f]{64}|[a-z]{24}|[A-Za-z0-9_-]{44})(?![A-Za-z0-9_-])",
    re.IGNORECASE,
)
_VENDORS = ("clou", "cl_", "cl-", "softlayer", "sl_", "sl-", "ibm", "iam")
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
# One of these is in every match of the patterns above; looking for them is cheap.
_ASSIGNED_WORDS = ("pass", "pwd", "secret", "token", "key", "credential", "bearer", "contrase")
# Shorter than any policy allows for a password, or any issuer for a key.
MIN_PASSWORD_CHARS = 6
MIN_KEY_CHARS = 12
# Words end before this; letters only and longer is a phrase run together or a key.
MAX_WORD_CHARS = 20


def may_have_credentials(text: str) -> bool:
    """Whether one that is known without its form may be there; quick."""
    return (
        "://" in text
        or any(map(text.lower().__contains__, _ASSIGNED_WORDS))
        or "PRIVATE KEY" in text
    )


def credentials(text: str, *, has_long: bool) -> Iterator[tuple[str, str]]:
    """Every credential of a text, which is visible already: its kind and its value.

    One kind may come several times, and one value under several kinds.

    Args:
        text: The text.
        has_long: Whether LONG_RUN is in it.
    """
    if has_long:
        yield from _issued(text)
    if "PRIVATE KEY" in text:
        for match in _PRIVATE_KEY.finditer(text):
            body = _KEY_BODY.match(text, match.end())
            yield "private_key", match.group() if body is None else body.group()
    if "://" in text:
        yield from _in_urls(text)
    if any(map(text.lower().__contains__, _ASSIGNED_WORDS)):
        yield from _assigned(text)


@lru_cache(maxsize=4096)
def names_credential(name: str) -> bool:
    """Whether what is called so may be a credential."""
    return any(map(name.lower().__contains__, _ASSIGNED_WORDS))


def _issued(text: str) -> Iterator[tuple[str, str]]:
    for sign, tokens in _BY_SIGN:
        if sign in text:
            yield from _matching(text, tokens)
    yield from _matching(text, _PLAIN)


def _matching(
    text: str, tokens: tuple[tuple[str, str, re.Pattern[str]], ...]
) -> Iterator[tuple[str, str]]:
    for kind, literal, pattern in tokens:
        if literal in text:
            for match in pattern.finditer(text):
                rest = _REST.match(text, match.end())
                value = match.group() + ("" if rest is None else rest.group())
                # All tokens of one kind begin alike; what follows the header is what is secret.
                yield kind, value.partition(".")[2] if kind == "jwt" else value


def _in_urls(text: str) -> Iterator[tuple[str, str]]:
    for match in _URL_CREDENTIALS.finditer(text):
        scheme, password = match.groups()
        if _PLACEHOLDER.fullmatch(password) is None:
            database = (scheme or "").lower().startswith(_DATABASES)
            yield "connection_string" if database else "url_credentials", password


def _assigned(text: str) -> Iterator[tuple[str, str]]:
    for match in _ASSIGNMENT.finditer(text):
        word, _, sign, quote, quoted, bare = match.groups()
        name = word.lower()
        value = (quoted if quote else bare).strip()
        is_password = name.startswith(("pass", "pwd", "contrase"))
        if quote is None:
            value = value.rstrip(".!?")
        strict = quote is None and ("=" not in sign or sign != sign.strip())
        if _real(value, is_password=is_password, strict=strict, word=name):
            yield "password" if is_password else "api_key", value
    lower = text.lower()
    for match in (
        _VENDOR_ASSIGNMENT.finditer(text) if any(map(lower.__contains__, _VENDORS)) else ()
    ):
        value = match.group(1)
        if any(map(str.isdigit, value)) or len(value) == 24:
            yield "api_key", value
    for match in _SERVER_PAIRS.finditer(text):
        if _PLACEHOLDER.fullmatch(match.group(1)) is None:
            yield "connection_string", match.group(1)


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
