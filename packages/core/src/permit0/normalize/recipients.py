"""Read who a message goes to: every recipient, once, with the domain that really receives it.

Guarantees:
  * Nobody is lost. Whatever a mail program could read as a recipient is counted or the whole
    field is refused; in particular a line break cannot smuggle a header.
  * The address is the one in angle brackets, never the display name. A display name that shows
    another address is marked "display_mismatch".
  * Internal means that the domain is one of the organisation's. Everything that has no certain
    domain (a name, a group of a directory, an address literal) is external and "unresolved".
  * Forms that relays read differently are refused: source routes, `a%b@c`, `a!b@c`, quoted local
    parts that hide separators, comments inside an address.

Does not: resolve names, expand mailing lists, or check that a mailbox exists.

The key is the address in lower case with its domain in A-labels. RFC 5321 2.4 allows mailboxes
that differ in case, but no provider of consequence has them, and one mailbox must count once.

Reason codes: recipient_malformed, recipient_routed, recipient_hidden_characters,
too_many_recipients, domain_malformed, domain_hidden_characters.
"""

from __future__ import annotations

import ipaddress
import re
import unicodedata
from collections.abc import Iterator, Sequence
from urllib.parse import unquote

from permit0.errors import InvalidInput
from permit0.model.values import Address, Recipients
from permit0.normalize.domains import Domains
from permit0.normalize.networks import address_text

__all__ = ["MAX_RECIPIENTS", "parse_recipients"]

# Mail systems stop at a few hundred to a few thousand recipients per message; a longer list is
# not a message but a dump.
MAX_RECIPIENTS = 10_000
# RFC 5322 2.1.1: no line of a header is longer.
MAX_ITEM_CHARS = 998
# RFC 5321 4.5.3.1.1.
MAX_LOCAL_CHARS = 64
# A mailto: URL may hold recipients in its query, but not another mailto: URL.
MAX_MAILTO_DEPTH = 1

_ATEXT = r"A-Za-z0-9#$&'*+/=?^_`{|}~\-"  # RFC 5322 atext without ! and %, see _check_local
_PLAIN = re.compile(r"([A-Za-z0-9_+'-]{1,64}(?:\.[A-Za-z0-9_+'-]{1,64})*)@([A-Za-z0-9.-]{1,253})")
# RFC 6532 adds every character outside ASCII; letters, digits and marks are enough for names.
_DOT_ATOM = re.compile(rf"[{_ATEXT}\w]+(?:\.[{_ATEXT}\w]+)*")
_TOKEN = re.compile(
    r'(?P<quoted>"(?:[^"\\\r\n]|\\[^\r\n])*")'
    r"|(?P<comment>\([^()\\\r\n]*\))"
    r"|(?P<angle><[^<>\r\n]*>)"
    r"|(?P<mark>[,;:\n])"
    r'|(?P<text>(?:[^",;:<>()\[\]\n]|\[[^",;<>()\[\]\n]*\])+)'
)
# Bounded, so that a long display name costs linear time.
_SHOWN_ADDRESS = re.compile(r"[^\s@<>\"'(),;:]{1,64}@[^\s@<>\"'(),;:]{1,253}")
_SEPARATOR = re.compile(r"[,;\n@<>]")
_HIDDEN_CATEGORIES = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
_STRUCTURE = frozenset('@<>()[],;:"\\%!\n')
_ADDRESS_KEYS = ("email", "address", "emailAddress", "email_address", "mail")

_MESSAGES = {
    "recipient_malformed": "recipient is not one clear address, write it as name@example.com",
    "recipient_routed": "recipient carries a route through another host, give a plain address",
    "recipient_hidden_characters": "recipient has characters that cannot be seen, remove them",
    "too_many_recipients": f"message has more than {MAX_RECIPIENTS} recipients, send it in parts",
}


def _refuse(code: str, where: str) -> InvalidInput:
    return InvalidInput(_MESSAGES[code], where=where, reason_code=code)


def parse_recipients(
    fields: Sequence[tuple[str, object]], *, domains: Domains, where: str
) -> Recipients:
    """Read all recipient fields of one message together.

    Args:
        fields: Pairs of name and value, such as ("to", "a@b.example"). A value is a text, a list
            of texts or objects, one object, or None. Objects have an address under one of the
            usual keys, Microsoft Graph's nesting included, and may have a name.
        domains: The organisation's domains.
        where: Path of the arguments, for the error; the field's name is appended.

    Raises:
        InvalidInput: With one of the module's reason codes.
    """
    found: dict[str, Address] = {}
    for name, value in fields:
        if value is None:
            continue
        # Plain addresses, alone or in a list, are nearly every call.
        plain = _plain_addresses(value, domains)
        if plain is not None:
            for address in plain:
                _add(found, address, where)
            continue
        path = f"{where}.{name}" if where else name
        for address in _Reader(domains, path).value(value):
            _add(found, address, path)
    addresses = tuple(found.values())
    return Recipients(addresses, sum(address.external for address in addresses))


def _add(found: dict[str, Address], address: Address, where: str) -> None:
    known = found.get(address.key)
    if known is None:
        if len(found) >= MAX_RECIPIENTS:
            raise _refuse("too_many_recipients", where)
        found[address.key] = address
    elif not address.marks <= known.marks:
        # INVARIANT: repeating a recipient cannot hide how it looked elsewhere.
        found[address.key] = Address(
            known.key, known.domain, known.registrable, known.external, known.marks | address.marks
        )


def _plain_addresses(value: object, domains: Domains) -> list[Address] | None:
    """Read a plain address or a list of them; None if anything else is there."""
    texts = value if type(value) is list else [value]
    if len(texts) > MAX_RECIPIENTS:
        return None
    addresses: list[Address] = []
    for text in texts:
        plain = _PLAIN.fullmatch(text) if type(text) is str else None
        address = None if plain is None else _plain_address(plain, domains)
        if address is None:
            return None
        addresses.append(address)
    return addresses


def _plain_address(match: re.Match[str], domains: Domains) -> Address | None:
    """Read a plain address; None leaves the refusal to the reader that knows the place."""
    local, host = match.groups()
    if len(local) > MAX_LOCAL_CHARS:
        return None
    try:
        return _address(local, host, frozenset(), domains, "")
    except InvalidInput:
        return None


def _address(local: str, host: str, marks: frozenset[str], domains: Domains, where: str) -> Address:
    facts = domains.facts(host, where=where)
    if facts.lookalike or facts.punycode or not facts.registrable:
        extra = set(marks)
        if facts.lookalike:
            extra.add("lookalike")
        if facts.punycode:
            extra.add("punycode")
        if not facts.registrable:
            extra.add("unresolved")  # A single label, a public suffix or an IPv4 address.
        marks = frozenset(extra)
    return Address(
        f"{local.lower()}@{facts.host}", facts.host, facts.registrable, not facts.internal, marks
    )


class _Reader:
    """Reads one field; holds what every step needs for the answer and for the error."""

    def __init__(self, domains: Domains, where: str) -> None:
        self._domains = domains
        self._where = where
        self._count = 0

    def value(self, value: object) -> Iterator[Address]:
        """Read a text, an object, or a list of both."""
        match value:
            case None | "":
                return
            case str():
                yield from self.text(value, depth=0)
            case dict():
                yield from self._object(value)
            case list() | tuple():
                if len(value) > MAX_RECIPIENTS:
                    raise self._wrong("too_many_recipients")
                field = self._where
                for index, item in enumerate(value):
                    self._where = f"{field}[{index}]"
                    match item:
                        case str():
                            yield from self.text(item, depth=0)
                        case dict():
                            yield from self._object(item)
                        case _:
                            raise self._wrong()
                self._where = field
            case _:
                raise self._wrong()

    def text(self, text: str, *, depth: int) -> Iterator[Address]:
        """Read a list of recipients as RFC 5322 3.4 and mail programs write it."""
        text = text.replace("\r\n", "\n").replace("\r", "\n").strip(" \t\n")
        self._check_characters(text)
        if text[:7].lower() == "mailto:":
            yield from self._mailto(text[7:], depth)
            return
        group: bool = False
        item: list[tuple[str, str]] = []
        at = 0
        while at < len(text):
            token = _TOKEN.match(text, at)
            if token is None or token.lastgroup is None:
                raise self._wrong()  # An unclosed quote, bracket or comment.
            at = token.end()
            if token.lastgroup != "mark":
                item.append((token.lastgroup, token.group()))
                continue
            sign = token.group()
            if sign == ":":
                # A group: its name was read as an item, its members follow until ";".
                if group or not item or any("@" in part or kind == "angle" for kind, part in item):
                    raise self._wrong()
                group, item = True, []
                continue
            yield from self._item(item, group=group)
            item = []
            if sign == ";":
                group = False
        if group:
            # "Bcc: x@evil.example" on a line of its own is no group but a header.
            raise self._wrong()
        yield from self._item(item, group=False)

    def _item(self, tokens: list[tuple[str, str]], *, group: bool) -> Iterator[Address]:
        """Read what stands between two separators: at most one recipient."""
        raw = "".join(part for _, part in tokens)
        if not raw.strip():
            return
        if len(raw) > MAX_ITEM_CHARS:
            raise self._wrong()
        self._count += 1
        if self._count > MAX_RECIPIENTS:
            raise self._wrong("too_many_recipients")
        marks = frozenset({"group"}) if group else frozenset[str]()
        angles = [index for index, (kind, _) in enumerate(tokens) if kind == "angle"]
        if not angles:
            yield self._bare(tokens, marks)
            return
        behind = "".join(part for kind, part in tokens[angles[0] + 1 :] if kind != "comment")
        if len(angles) > 1 or behind.strip():
            raise self._wrong()
        spec = tokens[angles[0]][1][1:-1].strip(" \t")
        if spec[:7].lower() == "mailto:":
            spec = spec[7:]
        address = self._spec(spec, marks)
        # Comments are shown as well, so they count as part of the display name.
        shown = "".join(part for index, (_, part) in enumerate(tokens) if index != angles[0])
        yield self._compared(address, shown)

    def _bare(self, tokens: list[tuple[str, str]], marks: frozenset[str]) -> Address:
        """Read a recipient without angle brackets: an address, or a name."""
        comments = ""
        kept: list[tuple[str, str]] = []
        for index, (kind, part) in enumerate(tokens):
            if kind != "comment":
                kept.append((kind, part))
                continue
            # RFC 5322 allows `a@b(x).c`; relays and filters disagree on what that is.
            before = tokens[index - 1][1][-1:] if index else " "
            after = tokens[index + 1][1][:1] if index + 1 < len(tokens) else " "
            if not (before.isspace() and after.isspace()):
                raise self._wrong()
            comments += part
        raw = "".join(part for _, part in kept).strip(" \t")
        if "@" not in raw:
            return self._name(raw, marks)
        return self._compared(self._spec(raw, marks), comments)

    def _name(self, raw: str, marks: frozenset[str]) -> Address:
        name = " ".join(unicodedata.normalize("NFKC", raw.strip('" \t')).casefold().split())
        if not name:
            raise self._wrong()
        return Address(name, "", "", external=True, marks=marks | {"unresolved"})

    def _spec(self, spec: str, marks: frozenset[str]) -> Address:
        """Read an addr-spec (RFC 5321 4.1.2)."""
        local, at, host = spec.rpartition("@")
        if spec.startswith("@"):
            raise self._wrong("recipient_routed")  # <@relay.example:a@b.example>
        if not at or not local or not host:
            raise self._wrong()
        if local.startswith('"') and local.endswith('"') and len(local) > 2:
            local = local[1:-1]
        if "%" in local or "!" in local:
            # Relays still rewrite a%b@c to a@b, and c!a as a path.
            raise self._wrong("recipient_routed")
        # Quotes are understood only where they change nothing: `"a@b"@c` has two readings.
        if len(local) > MAX_LOCAL_CHARS or _DOT_ATOM.fullmatch(local) is None:
            raise self._wrong()
        local = unicodedata.normalize("NFKC", local)
        if host.startswith("["):
            return self._literal(local, host, marks)
        return _address(local, host, marks, self._domains, self._where)

    def _literal(self, local: str, host: str, marks: frozenset[str]) -> Address:
        inner = host[1:-1].lower().removeprefix("ipv6:")
        try:
            ip = ipaddress.ip_address(inner) if host.endswith("]") else None
        except ValueError as error:
            raise self._wrong() from error
        if ip is None:
            raise self._wrong()
        shown = address_text(ip)
        key = f"{local.lower()}@[{shown}]"
        return Address(key, shown, "", external=True, marks=marks | {"unresolved"})

    def _compared(self, address: Address, shown: str) -> Address:
        """Mark an address whose display name shows a different one."""
        folded = unicodedata.normalize("NFKC", shown)
        if "@" not in folded:
            return address
        for other in _SHOWN_ADDRESS.findall(folded) or [""]:
            try:
                same = self._spec(other, frozenset()).key == address.key
            except InvalidInput:
                same = False  # Not an address, but made to look like one.
            if not same:
                return Address(
                    address.key,
                    address.domain,
                    address.registrable,
                    address.external,
                    address.marks | {"display_mismatch"},
                )
        return address

    def _object(self, item: dict[object, object]) -> Iterator[Address]:
        """Read {"email": ..., "name": ...} and its relatives."""
        present = [item[key] for key in _ADDRESS_KEYS if item.get(key) not in (None, "")]
        name = item.get("name")
        if name is None:
            name = item.get("displayName")
        if len(present) > 1 or not (name is None or isinstance(name, str)):
            raise self._wrong()  # Two addresses: which one is used is the tool's secret.
        if not present:
            if not name:
                raise self._wrong()
            self._check_characters(name)
            if "@" in name or "\n" in name:
                raise self._wrong()
            yield self._name(name, frozenset())
            return
        match present[0]:
            case str() as text:
                for address in self.text(text, depth=0):
                    yield self._compared(address, name or "")
            case dict() as nested if item.get("emailAddress") is nested:
                if any(key in nested for key in ("emailAddress", "email", "mail")):
                    raise self._wrong()
                yield from self._object(nested)
            case _:
                raise self._wrong()

    def _mailto(self, rest: str, depth: int) -> Iterator[Address]:
        """Read a mailto: URL (RFC 6068); its query can add recipients."""
        if depth >= MAX_MAILTO_DEPTH:
            raise self._wrong()
        to, _, query = rest.partition("?")
        parts = [to]
        for pair in re.split("[&#]", query):
            name, _, value = pair.partition("=")
            if unquote(name).strip().lower() in {"to", "cc", "bcc"}:
                parts.append(value)
            elif _SEPARATOR.search(pair) is not None:
                # "mailto:a@b?subject=hi, x@evil.example" is a list to whoever splits first.
                raise self._wrong()
        for part in parts:
            decoded = unquote(part)
            if any(unicodedata.category(char) == "Cc" for char in decoded):
                raise self._wrong("recipient_hidden_characters")
            yield from self.text(decoded, depth=depth + 1)

    def _check_characters(self, text: str) -> None:
        """Refuse what cannot be seen, and letters that turn into separators when normalised."""
        if text.isascii():
            if text.isprintable():
                return
            if any(char not in "\t\n" and not char.isprintable() for char in text):
                raise self._wrong("recipient_hidden_characters")
            return
        for char in set(text) - {"\t", "\n"}:
            if unicodedata.category(char) in _HIDDEN_CATEGORIES:
                raise self._wrong("recipient_hidden_characters")
            if not char.isascii() and not _STRUCTURE.isdisjoint(
                unicodedata.normalize("NFKC", char)
            ):
                raise self._wrong()

    def _wrong(self, code: str = "recipient_malformed") -> InvalidInput:
        return _refuse(code, self._where)
