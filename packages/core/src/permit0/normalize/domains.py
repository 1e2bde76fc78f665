"""Say whose a host name is: public suffix, organisation, look-alike.

Guarantees:
  * A host is compared only in one form: IDNA 2008 A-labels (UTS 46, non-transitional), lower
    case, without a trailing dot. Hidden characters are refused, not removed.
  * Internal means equal to one of the organisation's domains or a sub-domain of one. An
    organisation domain that is itself a public suffix ("com", "github.io") is a BadConfig:
    everybody would be internal.
  * The registrable domain follows the algorithm of publicsuffix.org, both sections of the list:
    a customer of github.io is not its neighbour.
  * The list comes from the installed distribution. Nothing is fetched, cached on disk or imported
    for it: `tldextract` ships the list, but importing it costs about 165 ms (requests), so only
    its data file is read.

Does not: resolve names, know who registered them, or find look-alikes of anyone but the
organisation. A look-alike is a mark for rules to use; it never makes a host internal.

Reason codes: domain_malformed, domain_hidden_characters; BadConfig for the organisation's list.
"""

from __future__ import annotations

import importlib.util
import re
import unicodedata
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path

import msgspec

from permit0.errors import BadConfig, InvalidInput

__all__ = ["Domains", "HostFacts"]

# RFC 1035 2.3.4 counts 255 octets on the wire: 253 characters of text.
MAX_HOST_CHARS = 253
# Distinct hosts remembered per Domains: about 2 MB at worst, and far more than a session names.
MAX_CACHED_HOSTS = 4096
# A name shorter than this is inside too many ordinary words ("acme" in "academe") for
# containment without separators or for edit distance 1 to mean anything.
MIN_NAME_FOR_CONTAINMENT = 6
MIN_NAME_FOR_DISTANCE = 5
# Two letters ("hp") are a label of countless hosts; only a whole registrable name is compared.
MIN_NAME_FOR_LABELS = 3

# RFC 1123 2.1 labels, and the underscore that service names and container networks use.
_PLAIN_HOST = re.compile(
    r"(?:[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?\.)*[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?"
)
_NUMERIC_LABEL = re.compile(r"[0-9]+|0x[0-9a-f]*")
# Unicode general categories that no reader can see: controls, format (zero-width, bidirectional),
# surrogates, private use, line and paragraph separators.
_HIDDEN_CATEGORIES = frozenset({"Cc", "Cf", "Cs", "Co", "Zl", "Zp"})
# Zero and o, one and l and i, and so on: what a hurried reader takes for the same letter.
_LOOKS = str.maketrans({"0": "o", "1": "l", "i": "l", "3": "e", "5": "s", "8": "b", "-": None})
_LOOKS_PAIRS = (("rn", "m"), ("vv", "w"), ("cl", "d"), ("nn", "m"))


class HostFacts(msgspec.Struct, frozen=True):
    """What is known of one host.

    host: A-labels, lower case, no trailing dot. registrable: "" for an address, a single label or
    a public suffix. punycode: at least one label is not ASCII.
    """

    host: str
    registrable: str
    internal: bool
    lookalike: bool
    punycode: bool


class _SuffixRules(msgspec.Struct, frozen=True):
    """The rules of the public suffix list in A-labels: plain, `*.x` (kept as x), `!x`."""

    plain: frozenset[str]
    wildcard: frozenset[str]
    exception: frozenset[str]

    def suffix(self, host: str) -> str:
        """Return the public suffix of a host in A-labels; an unknown top level is its own."""
        rest = host
        while True:
            if rest in self.exception:
                return rest.partition(".")[2]
            if rest in self.plain:
                return rest
            _, dot, parent = rest.partition(".")
            if not dot:
                return rest
            if parent in self.wildcard:
                return rest
            rest = parent


@lru_cache(maxsize=1)
def _load_suffix_rules() -> _SuffixRules:
    """Read the list that the installed tldextract carries, without importing tldextract.

    Raises:
        BadConfig: The distribution is absent or holds no list; install it again.
    """
    spec = importlib.util.find_spec("tldextract")
    if spec is None or not spec.submodule_search_locations:
        raise BadConfig("the package tldextract is missing, install permit0 again")
    path = Path(next(iter(spec.submodule_search_locations))) / ".tld_set_snapshot"
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        message = "the public suffix list cannot be read, install tldextract again"
        raise BadConfig(message) from error
    plain: set[str] = set()
    wildcard: set[str] = set()
    exception: set[str] = set()
    for line in text.splitlines():
        rule = line.strip()
        if not rule or rule.startswith("//"):
            continue
        if not rule.isascii():
            rule = ".".join(map(_rule_label, rule.split(".")))
        if rule.startswith("!"):
            exception.add(rule[1:])
        elif rule.startswith("*."):
            wildcard.add(rule[2:])
        else:
            plain.add(rule)
    # A truncated file would make sub-domains of shared suffixes look like one owner.
    if "com" not in plain or "co.uk" not in plain or "github.io" not in plain:
        raise BadConfig("the public suffix list is incomplete, install tldextract again")
    return _SuffixRules(frozenset(plain), frozenset(wildcard), frozenset(exception))


def _rule_label(label: str) -> str:
    # The list is already normalised, so that RFC 3492 alone gives the A-label.
    return label if label.isascii() else "xn--" + label.encode("punycode").decode("ascii")


@lru_cache(maxsize=1)
def _confusable_letters() -> dict[int, str]:
    """Map letters of other scripts to the ASCII letter they are drawn like (Unicode TS 39)."""
    # Imported here: 900 KB of JSON that only a host with non-ASCII labels needs.
    from confusable_homoglyphs import confusables  # type: ignore[import-untyped]

    table: dict[int, str] = {}
    for char, looks in confusables.confusables_data.items():
        if len(char) != 1 or char.isascii():
            continue
        for look in looks:
            drawn = str(look["c"])
            if len(drawn) <= 2 and drawn.isascii() and drawn.isalnum():
                table[ord(char)] = drawn.lower()
                break
    return table


def _hidden(text: str) -> bool:
    return any(unicodedata.category(char) in _HIDDEN_CATEGORIES for char in text)


def _malformed(where: str) -> InvalidInput:
    return InvalidInput(
        "host name is not valid, give a plain domain name",
        where=where,
        reason_code="domain_malformed",
    )


def to_ascii(host: object, *, where: str = "host") -> str:
    """Return a host name in A-labels, lower case, without a trailing dot.

    Raises:
        InvalidInput: domain_malformed or domain_hidden_characters.
    """
    if not isinstance(host, str):
        raise _malformed(where)
    plain = host.lower() if host.isascii() else _encode(host, where)
    plain = plain.removesuffix(".")
    if len(plain) > MAX_HOST_CHARS or _PLAIN_HOST.fullmatch(plain) is None:
        raise _malformed(where)
    if "xn--" in plain:
        _decode(plain, where)
    return plain


def _encode(host: str, where: str) -> str:
    # Imported here: idna costs 15 ms and only names outside ASCII need it.
    import idna

    if len(host) > MAX_HOST_CHARS:
        raise _malformed(where)
    if _hidden(host):
        raise InvalidInput(
            "host name contains characters that cannot be seen, remove them",
            where=where,
            reason_code="domain_hidden_characters",
        )
    try:
        return idna.encode(host, uts46=True, std3_rules=True).decode("ascii").lower()
    # ValueError: idna converts numbers in malformed A-labels; IDNAError is a UnicodeError.
    except (idna.IDNAError, ValueError, IndexError) as error:
        raise _malformed(where) from error


def _decode(host: str, where: str) -> str:
    import idna  # see _encode

    try:
        return ".".join(
            idna.ulabel(label) if label.startswith("xn--") else label for label in host.split(".")
        )
    except (idna.IDNAError, ValueError, IndexError) as error:
        raise _malformed(where) from error


def _fold(text: str) -> str:
    """Reduce a label to what it looks like; equal results look alike."""
    if not text.isascii():
        # Before decomposition: some letters with marks have an entry of their own.
        spread = unicodedata.normalize("NFKD", text.casefold().translate(_confusable_letters()))
        text = "".join(c for c in spread if unicodedata.category(c) != "Mn")
        text = text.translate(_confusable_letters())
    text = text.translate(_LOOKS)
    for pair, single in _LOOKS_PAIRS:
        text = text.replace(pair, single)
    return text


def _within_one_edit(left: str, right: str) -> bool:
    """Tell whether one insertion, deletion, replacement or swap of neighbours is enough."""
    if len(left) > len(right):
        left, right = right, left
    if len(right) - len(left) > 1:
        return False
    start = 0
    while start < len(left) and left[start] == right[start]:
        start += 1
    if len(left) != len(right):
        return left[start:] == right[start + 1 :]
    if left[start + 1 :] == right[start + 1 :]:
        return True
    return (
        left[start : start + 2] == right[start : start + 2][::-1]
        and left[start + 2 :] == right[start + 2 :]
    )


class Domains:
    """The organisation's domains, and every question about a host that needs them."""

    def __init__(self, org_domains: Iterable[str]) -> None:
        """Prepare the organisation's domains.

        Args:
            org_domains: Domain names such as "acme-corp.com"; their sub-domains are included.
                May be empty: then every host is external.

        Raises:
            BadConfig: A name is not valid, is an address, or is itself a public suffix.
        """
        self._rules = _load_suffix_rules()
        found: dict[str, None] = {}
        for name in org_domains:
            found[self._checked(name)] = None
        self.org_domains: tuple[str, ...] = tuple(found)
        self._exact = frozenset(found)
        self._below = tuple("." + name for name in found)
        names = {self._main_label(self._registrable(name)) for name in found}
        self._names = tuple(sorted((_fold(self._shown(n)), n.count("-")) for n in names))
        # A cache of this object, not of the class: it goes when the object goes.
        self._cached = lru_cache(maxsize=MAX_CACHED_HOSTS)(self._facts)

    def facts(self, host: str, *, where: str = "host") -> HostFacts:
        """Return everything known of a host, in one cached look-up.

        Raises:
            InvalidInput: domain_malformed or domain_hidden_characters.
        """
        try:
            return self._cached(host)
        except InvalidInput as error:
            raise InvalidInput(str(error), where=where, reason_code=error.reason_code) from error

    def to_ascii(self, host: str, *, where: str = "host") -> str:
        """Return a host in A-labels, lower case, without a trailing dot.

        Raises:
            InvalidInput: domain_malformed or domain_hidden_characters.
        """
        return self.facts(host, where=where).host

    def registrable(self, host: str) -> str:
        """Return the registrable domain; "" for an address, a suffix or a malformed name."""
        facts = self._facts_or_none(host)
        return "" if facts is None else facts.registrable

    def is_internal(self, host: str) -> bool:
        """Tell whether a host belongs to the organisation; a malformed name does not."""
        facts = self._facts_or_none(host)
        return facts is not None and facts.internal

    def lookalike(self, host: str) -> bool:
        """Tell whether a foreign host could be taken for one of the organisation's."""
        facts = self._facts_or_none(host)
        return facts is not None and facts.lookalike

    def _facts_or_none(self, host: str) -> HostFacts | None:
        try:
            return self._cached(host)
        except InvalidInput:
            return None

    def _facts(self, host: str) -> HostFacts:
        ascii_host = to_ascii(host)
        registrable = self._registrable(ascii_host)
        internal = ascii_host in self._exact or ascii_host.endswith(self._below)
        return HostFacts(
            host=ascii_host,
            registrable=registrable,
            internal=internal,
            lookalike=not internal and self._resembles(ascii_host, registrable),
            punycode="xn--" in ascii_host,
        )

    def _checked(self, name: object) -> str:
        # A trailing dot or other case is understood; a wildcard or an address is a mistake.
        try:
            ascii_name = to_ascii(name)
        except InvalidInput as error:
            raise BadConfig(
                f"org.domains has {name!r}, which is not a domain name, write it like 'example.com'"
            ) from error
        if self._registrable(ascii_name) == "":
            raise BadConfig(
                f"org.domains has {name!r}, which is a public suffix or an address shared by "
                "strangers, name a domain of your own"
            )
        return ascii_name

    def _registrable(self, host: str) -> str:
        if _NUMERIC_LABEL.fullmatch(host.rpartition(".")[2]):
            return ""  # An IPv4 address in some spelling; no top level is numeric (RFC 3696 2).
        suffix = self._rules.suffix(host)
        if suffix == host:
            return ""
        owner = host[: -len(suffix) - 1].rpartition(".")[2]
        return f"{owner}.{suffix}"

    @staticmethod
    def _main_label(registrable: str) -> str:
        return registrable.partition(".")[0]

    @staticmethod
    def _shown(host: str) -> str:
        return _decode(host, "host") if "xn--" in host else host

    def _resembles(self, host: str, registrable: str) -> bool:
        shown = self._shown(host)
        labels = shown.split(".")
        folded = [_fold(label) for label in labels]
        # Position of the registrable name's own label, counted from the right.
        main = folded[-1 - registrable.count(".")] if registrable else ""
        whole = "".join(folded)
        for name, _ in self._names:
            if main == name:
                return True
            if len(name) >= MIN_NAME_FOR_LABELS and self._in_labels(name, labels, folded):
                return True
            if len(name) >= MIN_NAME_FOR_CONTAINMENT and name in whole:
                return True
            if len(name) >= MIN_NAME_FOR_DISTANCE and _within_one_edit(main, name):
                return True
        return False

    @staticmethod
    def _in_labels(name: str, labels: list[str], folded: list[str]) -> bool:
        """Tell whether a label, or a run of its hyphen-separated words, is the name."""
        if name in folded:
            return True
        for label in labels:
            words = [_fold(word) for word in label.split("-")]
            for first in range(len(words)):
                for last in range(first + 1, len(words) + 1):
                    if "".join(words[first:last]) == name:
                        return True
        return False
