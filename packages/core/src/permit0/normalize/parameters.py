"""From argument values to typed facts: one reader per parameter type.

Guarantees: a value is understood exactly or refused (InvalidInput, naming the argument); what a
reader adds are facts, identities and money, never a verdict. A fact is absent if nothing was there.
Facts per type are listed in facts.py and checked when a pack is compiled.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from types import MappingProxyType

import msgspec

from permit0.canonical import Json
from permit0.errors import InvalidInput
from permit0.model.action import Fact
from permit0.model.values import ShellLine
from permit0.normalize.code_parameter import code_facts
from permit0.normalize.money import parse_money
from permit0.normalize.organisation import Organisation, fold_identity
from permit0.normalize.parameter_types import ParameterType
from permit0.normalize.paths import parse_path
from permit0.normalize.patterns import PatternIndex
from permit0.normalize.recipients import parse_recipients
from permit0.normalize.sensitive import find_sensitive
from permit0.normalize.shell_parameter import read_shell
from permit0.normalize.url_payload import read_load
from permit0.normalize.urls import parse_url

__all__ = ["Bound", "Reading", "leaves", "read_parameters"]

# Names of parameters that become one line of a message's header (RFC 5322 2.2: no bare CR or LF).
_HEADERS = frozenset({"subject", "reply_to", "from", "sender"})
_LINE_BREAK = re.compile(r"[\r\n\x0b\x0c\x85\u2028\u2029]")
MAX_COUNT_DIGITS = 18  # fits 64 bits; a longer text of digits is an identifier
_FALSE_WORDS = frozenset({"", "0", "false", "no", "off", "none", "null"})


class Bound(msgspec.Struct, frozen=True, gc=False):
    """A parameter with the argument that filled it.

    where: for messages, "arguments.amount". patterns: the pattern sets that its rules ask of it.
    """

    name: str
    kind: ParameterType
    where: str
    value: Json
    patterns: PatternIndex | None = None


class Reading:
    """What the readers found out; the raw material of NormActions. Lives for one call."""

    __slots__ = ("amount", "currency", "facts", "identities", "org", "shell", "sql", "texts")

    def __init__(self, org: Organisation) -> None:
        self.org = org
        self.facts: dict[str, Fact] = {}
        self.identities: dict[str, str] = {}
        self.amount: Decimal | None = None
        self.currency: Json = None
        self.shell: ShellLine | None = None
        self.sql: list[Bound] = []
        self.texts: list[str] = []


def read_parameters(
    bound: Sequence[Bound], org: Organisation, *, minor_units: bool = False
) -> Reading:
    """Read every parameter of one call.

    Raises:
        InvalidInput: A value has a form that cannot be read exactly.
    """
    reading = Reading(org)
    facts = reading.facts
    if org.environment:
        facts["environment"] = org.environment
    recipients: list[tuple[str, object]] = []
    payees: list[Bound] = []
    money: list[Bound] = []
    for item in bound:
        reader = _READERS.get(item.kind)
        if reader is not None:
            reader(reading, item)
        elif item.kind is ParameterType.RECIPIENTS:
            recipients.append((item.name, item.value))
        elif item.kind is ParameterType.CURRENCY:
            reading.currency = item.value
        elif item.kind is ParameterType.MONEY:
            money.append(item)
        else:
            payees.append(item)
    for item in money:
        _money(reading, item, minor_units=minor_units)
    for item in payees:
        _payee(reading, item)
    if recipients:
        _recipients(reading, recipients)
    if reading.texts:
        _content(reading)
    return reading


def _money(reading: Reading, item: Bound, *, minor_units: bool) -> None:
    org = reading.org
    money = parse_money(
        item.value,
        currency=reading.currency,
        minor_units=minor_units,
        rates=org.rates,
        where=item.where,
    )
    facts = reading.facts
    facts[item.name + ".foreign"] = money.currency != org.default_currency
    facts[item.name + ".unconverted"] = money.in_default is None
    if money.in_default is not None:
        facts[item.name] = money.in_default
        # Several amounts in one call (a fee, a tip): together they are what moves.
        reading.amount = money.in_default + (reading.amount or 0)


def _identity(item: Bound) -> str:
    value = item.value
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    if not isinstance(value, str):
        raise InvalidInput(
            f"{item.where} must be one name as text, not {type(value).__name__!r}",
            where=item.where,
            reason_code="identity_not_text",
        )
    folded = fold_identity(value)
    if not folded:
        raise InvalidInput(
            f"{item.where} is empty, name who is meant",
            where=item.where,
            reason_code="identity_empty",
        )
    return folded


def _payee(reading: Reading, item: Bound) -> None:
    name = _identity(item)
    reading.identities[item.name] = name
    reading.facts[item.name] = name
    account = reading.identities.get("account")
    reading.facts[item.name + ".approved"] = reading.org.is_approved(name, account)


def _account(reading: Reading, item: Bound) -> None:
    account = _identity(item).replace(" ", "")
    reading.identities[item.name] = account
    reading.facts[item.name] = account


def _customer(reading: Reading, item: Bound) -> None:
    customer = _identity(item)
    reading.identities[item.name] = customer
    reading.facts[item.name] = customer
    reading.facts[item.name + ".unknown"] = reading.org.is_unknown_customer(customer)


def _recipients(reading: Reading, fields: Sequence[tuple[str, object]]) -> None:
    found = parse_recipients(fields, domains=reading.org.domains, where="arguments")
    count = len(found.addresses)
    facts = reading.facts
    facts["recipients.count"] = count
    facts["recipients.external"] = found.external
    facts["recipients.internal"] = bool(count) and not found.external
    if found.external:
        marks = frozenset(mark for address in found.addresses for mark in address.marks)
        if marks:
            facts["recipients.marks"] = marks


def _path(reading: Reading, item: Bound) -> None:
    path = parse_path(item.value, where=item.where)
    reading.facts[item.name] = path.folded
    if item.patterns is not None:
        kinds = item.patterns.kinds(path.folded)
        if "glob" in path.marks:
            for other in item.patterns.expansions(path.folded):
                kinds |= item.patterns.kinds(other)
        if kinds:
            reading.facts[item.name + ".kinds"] = kinds
    if path.marks:
        reading.facts[item.name + ".marks"] = path.marks


def _url(reading: Reading, item: Bound) -> None:
    url = parse_url(item.value, domains=reading.org.domains, where=item.where)
    facts, name = reading.facts, item.name
    facts[name] = f"{url.scheme}://{url.host}{url.path}".casefold()
    facts[name + ".host"] = url.host
    facts[name + ".scheme"] = url.scheme
    facts[name + ".scope"] = url.scope
    facts[name + ".external"] = url.external
    facts[name + ".carries_data"] = url.carries_data
    marks = url.marks
    if isinstance(item.value, str):
        load = read_load(item.value, url, reading.org.domains)
        if load.load:
            facts[name + ".load"] = facts[name + ".carries_data"] = True
        if load.secrets:
            facts["content.secrets"] = True
        if load.personal:
            facts["content.personal"] = True
        marks |= load.marks
    if marks:
        facts[name + ".marks"] = marks


def _shell(reading: Reading, item: Bound) -> None:
    reading.shell = read_shell(item.value, item.where)


def _sql(reading: Reading, item: Bound) -> None:
    """Read later (sql_actions), together with what the server is known to be."""
    reading.sql.append(item)


def _code(reading: Reading, item: Bound) -> None:
    value = item.value
    cells = value if isinstance(value, list) else [value]
    if not all(isinstance(cell, str) for cell in cells):
        raise InvalidInput(
            f"{item.where} must be code as text, not {type(value).__name__!r}",
            where=item.where,
            reason_code="code_not_text",
        )
    text = "\n".join(str(cell) for cell in cells)
    reading.texts.append(text)
    reading.facts.update(code_facts(item.name, item.kind, text, reading.org.domains))
    kinds, numbers = find_sensitive(text, label=item.where.rpartition(".")[2])
    if kinds:
        reading.facts["content.secrets"] = True
    if numbers:
        reading.facts["content.personal"] = True


def _text(reading: Reading, item: Bound) -> None:
    if item.name in _HEADERS and any(_LINE_BREAK.search(text) for text in leaves(item.value)):
        raise InvalidInput(
            f"{item.where} has a line break, which would start another header",
            where=item.where,
            reason_code="header_injection",
        )
    value = item.value
    texts = (value,) if isinstance(value, str) else leaves(value)
    reading.texts.extend(texts)
    facts, name = reading.facts, item.name
    # Several arguments may fill one parameter (`body` and `body_html`): what one has, all have.
    length = facts.get(name + ".length", 0)
    total = length if isinstance(length, int) else 0
    secrets = facts.get(name + ".secrets") is True
    personal = facts.get(name + ".personal") is True
    label = item.where.rpartition(".")[2]
    for text in texts:
        total += len(text)
        kinds, numbers = find_sensitive(text, label=label)
        secrets = secrets or bool(kinds)
        personal = personal or bool(numbers)
    facts[name + ".length"] = total
    facts[name + ".secrets"] = secrets
    facts[name + ".personal"] = personal
    if secrets:
        facts["content.secrets"] = True
    if personal:
        facts["content.personal"] = True


def _files(reading: Reading, item: Bound) -> None:
    """Attachments: texts like any other, and each of them may be the name of a file."""
    _text(reading, item)
    before = reading.facts.get(item.name + ".names")
    names: set[str] = set(before) if isinstance(before, frozenset) else set()
    for text in leaves(item.value):
        try:
            names.add(parse_path(text, where=item.where).folded)
        except InvalidInput:
            continue  # content, not a name
    if names:
        reading.facts[item.name + ".names"] = frozenset(names)


def _label(reading: Reading, item: Bound) -> None:
    value = item.value
    if isinstance(value, list) and len(value) == 1:
        value = value[0]
    if isinstance(value, bool | int | float | str):
        text = str(value)
        if not text.isascii():
            text = unicodedata.normalize("NFKC", text)
        reading.facts[item.name] = text.strip().casefold()
    elif value is not None:
        # Which of them a rule should look at is not known, so no rule for one label fires; this one can.
        reading.facts[item.name + ".several"] = True


def _count(reading: Reading, item: Bound) -> None:
    value = item.value
    if isinstance(value, list):
        value = len(value)
    if isinstance(value, str):
        # A number as text, or the names of what is counted: "m1" or "m1, m2".
        is_number = value.isascii() and value.isdigit() and len(value) <= MAX_COUNT_DIGITS
        value = (
            int(value) if is_number else len([name for name in value.split(",") if name.strip()])
        )
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise InvalidInput(
            f"{item.where} must be a whole number, not {type(item.value).__name__!r}",
            where=item.where,
            reason_code="count_not_a_number",
        )
    reading.facts[item.name] = value


def _switch(reading: Reading, item: Bound) -> None:
    value = item.value
    if isinstance(value, str):
        reading.facts[item.name] = value.strip().casefold() not in _FALSE_WORDS
    else:
        reading.facts[item.name] = bool(value)


def _any(reading: Reading, item: Bound) -> None:
    reading.facts[item.name + ".given"] = True


def _content(reading: Reading) -> None:
    reading.facts.setdefault("content.secrets", False)
    reading.facts.setdefault("content.personal", False)


def leaves(value: Json) -> Sequence[str]:
    """Every text inside a value, member names included."""
    if isinstance(value, str):
        return (value,)
    found: list[str] = []
    stack: list[Json] = [value]
    while stack:
        item = stack.pop()
        if isinstance(item, str):
            found.append(item)
        elif isinstance(item, dict):
            stack.extend(item.values())
            # `{"password": "x"}` is a secret because of its name; a name can be an address as well.
            found.extend(f"{k}: {v}" if isinstance(v, str) else k for k, v in item.items())
        elif isinstance(item, list):
            stack.extend(item)
    return found


_READERS: Mapping[ParameterType, Callable[[Reading, Bound], None]] = MappingProxyType(
    {
        ParameterType.ACCOUNT: _account,
        ParameterType.CUSTOMER: _customer,
        ParameterType.PATH: _path,
        ParameterType.URL: _url,
        ParameterType.SHELL: _shell,
        ParameterType.SQL: _sql,
        ParameterType.PYTHON: _code,
        ParameterType.JAVASCRIPT: _code,
        ParameterType.CODE: _code,
        ParameterType.TEXT: _text,
        ParameterType.FILES: _files,
        ParameterType.LABEL: _label,
        ParameterType.COUNT: _count,
        ParameterType.SWITCH: _switch,
        ParameterType.ANY: _any,
    }
)
