"""Read where a URL leads: host, kind of network, and whether it carries data out.

Guarantees:
  * A URL is read as browsers and fetch libraries read it: parsing is Ada's implementation of the
    WHATWG URL standard (`can_ada`), so that every spelling of an address (`2130706433`,
    `0x7f.1`, `0177.0.0.1`, full-width digits, IPv4 inside IPv6) arrives as one address.
  * What parsers are known to read differently is refused, not guessed: a backslash or a second
    `@` before the path, control characters, invisible characters, zone ids, a host that depends
    on a template.
  * The scope of an address comes from its number, never from its spelling. Names that carry an
    address (nip.io) get that address's scope and stay external: someone else answers for them.
  * A host is external unless it is the organisation's, private, loopback or a local name.

Does not: resolve names or follow redirects; an enforcing tool checks the address it connects to.
`file:` is for permit0.normalize.paths; other schemes have no reading here.

Fragments are not sent in requests, but scripts read them, so that they count for `query_bytes`
and, when long or random, for `carries_data`.

Reason codes: url_missing, url_malformed, url_ambiguous, url_hidden_characters, url_host_template,
url_scheme_unsupported, url_too_long, domain_malformed, domain_hidden_characters.
"""

from __future__ import annotations

import ipaddress
import re
import unicodedata
from functools import lru_cache
from itertools import pairwise

import can_ada

from permit0.errors import InvalidInput
from permit0.model.values import UrlValue
from permit0.normalize.domains import Domains
from permit0.normalize.networks import Ip, address_text, ip_scope, name_scope, unwrap

__all__ = ["opaque_chars", "parse_url"]

# Longer URLs fail in servers and proxies (8 KiB request lines); they are payloads.
MAX_URL_CHARS = 16_384
# A segment of words ("a-long-article-title") rarely exceeds this; 64 characters hold a key.
MAX_PLAIN_SEGMENT_CHARS = 64
# Deep documentation and API paths measure below 150 characters; a path can be split in segments.
MAX_PLAIN_PATH_CHARS = 256
# A label that people chose; data in DNS names uses the 63 that are allowed.
MAX_PLAIN_LABEL_CHARS = 30
MAX_PLAIN_HOST_CHARS = 100
MAX_PLAIN_LABELS = 8
# Runs of letters and digits that nobody pronounces, counted together over host and path. Twenty
# characters of base64 are 15 bytes: less than any credential worth stealing. Ids such as
# cus_NffrFeUfNV2Hib (14) stay below; hashes and UUIDs do not.
MIN_OPAQUE_CHARS = 20
MIN_OPAQUE_RUN = 8
# Longest words in addresses ("internationalization") have 20 letters.
MAX_WORD_CHARS = 24
# Two changes between letters and digits do not occur in names.
MIN_KIND_CHANGES = 2
# base64 has as many capitals as small letters; CamelCase has one capital in four or five.
MIN_CASE_PERCENT = 30
MAX_SCHEME_SHOWN = 20

_PORTS = {"http": 80, "https": 443, "ws": 80, "wss": 443, "ftp": 21}
_PLAIN = re.compile(
    r"(https?|wss?|ftp)://([a-z0-9-]{1,63}(?:\.[a-z0-9-]{1,63})*\.[a-z][a-z-]{1,62})"
    r"((?:/[A-Za-z0-9_~+,=@-][A-Za-z0-9._~+,=@-]*)*/?)"
)
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*):")
_HOST_PORT = re.compile(r"[A-Za-z0-9._-]+:[0-9]{1,5}(?=[/?#]|\Z)")
_TEMPLATE = re.compile(r"\$[A-Za-z_({]|[{}`]|<[A-Za-z_ -]+>")
_RUN = re.compile(r"[A-Za-z0-9]{8,}")
_HIDDEN_CATEGORIES = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
_NO_MARKS: frozenset[str] = frozenset()

_MESSAGES = {
    "url_missing": "address is missing, give a URL as text",
    "url_malformed": "address is not a valid URL, write it as https://host/path",
    "url_ambiguous": "address is read differently by different programs, write it plainly",
    "url_hidden_characters": "address has characters that cannot be seen, remove them",
    "url_host_template": "host of the address depends on a template, fill it in first",
    "url_too_long": f"address has more than {MAX_URL_CHARS} characters, send data in the body",
}


def _refuse(code: str, where: str) -> InvalidInput:
    return InvalidInput(_MESSAGES[code], where=where, reason_code=code)


def parse_url(value: object, *, domains: Domains, where: str) -> UrlValue:
    """Read a URL; without a scheme it is taken for https.

    Raises:
        InvalidInput: With one of the module's reason codes; an unsupported scheme is named.
    """
    if not isinstance(value, str):
        raise _refuse("url_missing", where)
    if len(value) > MAX_URL_CHARS:
        raise _refuse("url_too_long", where)
    plain = _PLAIN.fullmatch(value)
    if plain is not None:
        scheme, host, path = plain.groups()
        return _named(scheme, host, _PORTS[scheme], path or "/", _Rest(), domains, where)
    return _parse_any(value, domains, where)


class _Rest:
    """What a URL has besides scheme, host, port and path."""

    __slots__ = ("fragment", "marks", "query", "userinfo")

    def __init__(
        self,
        query: str = "",
        fragment: str = "",
        *,
        userinfo: bool = False,
        marks: frozenset[str] = _NO_MARKS,
    ) -> None:
        self.query = query
        self.fragment = fragment
        self.userinfo = userinfo
        self.marks = marks


def _parse_any(value: str, domains: Domains, where: str) -> UrlValue:
    # 1. Characters that no two programs treat alike.
    text = value.strip(" ")
    if not text:
        raise _refuse("url_missing", where)
    if not (text.isascii() and text.isprintable()) and any(
        unicodedata.category(char) in _HIDDEN_CATEGORIES for char in text
    ):
        raise _refuse("url_hidden_characters", where)
    # 2. Scheme.
    text = _with_scheme(text, where)
    # 3. Authority: as written, before the parser tidies it.
    authority = _authority(text)
    _check_authority(authority, where)
    # 4. Everything else by the standard.
    try:
        url = can_ada.parse(text)
    except (ValueError, UnicodeError) as error:
        raise _refuse("url_malformed", where) from error
    scheme = url.protocol[:-1]
    host = url.hostname
    if scheme not in _PORTS or not host:
        raise _refuse("url_malformed", where)
    marks = set()
    userinfo = "@" in authority
    if userinfo:
        marks.add("userinfo")
    port = int(url.port) if url.port else _PORTS[scheme]
    if port != _PORTS[scheme]:
        marks.add("odd_port")
    path, query, fragment = url.pathname, url.search[1:], url.hash[1:]
    if _TEMPLATE.search(text) is not None:
        marks.add("template")
    written = authority.rpartition("@")[2].lower()
    address = _ip(host)
    if address is not None:
        marks.add("ip")
        if not _is_canonical(written, url.port, address):
            marks.add("odd_ip")
        rest = _Rest(query, fragment, userinfo=userinfo, marks=frozenset(marks))
        return _numbered(scheme, address, port, path, rest)
    rest = _Rest(query, fragment, userinfo=userinfo, marks=frozenset(marks))
    return _named(scheme, host, port, path, rest, domains, where)


def _with_scheme(text: str, where: str) -> str:
    """Return the text with a supported scheme, or refuse, naming the one that it has."""
    if text.startswith("//"):
        return "https:" + text
    match = _SCHEME.match(text)
    if match is None or _HOST_PORT.match(text) is not None:
        if text[0] in "/?#\\.":
            raise _refuse("url_malformed", where)  # A path; relative to what is not known.
        return "https://" + text
    scheme = match.group(1).lower()
    if scheme in _PORTS:
        return text
    raise InvalidInput(
        f"scheme {scheme[:MAX_SCHEME_SHOWN]!r} is not supported, use http, https, ws, wss or ftp",
        where=where,
        reason_code="url_scheme_unsupported",
    )


def _authority(text: str) -> str:
    """Return what stands between the scheme and the path; the standard allows any slashes."""
    rest = text.partition(":")[2].lstrip("/\\")
    return re.split(r"[/?#]", rest, maxsplit=1)[0]


def _check_authority(authority: str, where: str) -> None:
    # https://acme-corp.com\@evil.example: before the backslash for browsers, after it for others.
    if "\\" in authority or authority.count("@") > 1:
        raise _refuse("url_ambiguous", where)
    if " " in authority:
        raise _refuse("url_malformed", where)
    host = authority.rpartition("@")[2]
    if _TEMPLATE.search(host) is not None:
        raise _refuse("url_host_template", where)
    if host.startswith("[") and "%" in host:
        raise _refuse("url_ambiguous", where)  # A zone id selects an interface of the machine.


@lru_cache(maxsize=4096)
def _ip(host: str) -> Ip | None:
    """Read a host that the URL parser has put into canonical form."""
    if host[-1].isdigit() or host[0] == "[":
        try:
            return ipaddress.ip_address(host.strip("[]"))
        except ValueError:
            return None
    return None


def _is_canonical(written: str, port: str, address: Ip) -> bool:
    host = written.rpartition(":")[0] if port and written.endswith(f":{port}") else written
    if host.startswith("["):
        return host in {f"[{address_text(address)}]", f"[{address.exploded}]"}
    return host.partition(":")[0] == str(address)


def _numbered(scheme: str, address: Ip, port: int, path: str, rest: _Rest) -> UrlValue:
    scope = ip_scope(address)
    unwrapped = unwrap(address)
    marks = rest.marks if unwrapped is address else rest.marks | {"odd_ip"}
    return UrlValue(
        scheme=scheme,
        host=address_text(address),
        port=port,
        registrable="",
        path=path,
        scope=scope,
        external=scope not in {"private", "loopback"},
        query_bytes=len(rest.query) + len(rest.fragment),
        carries_data=_carries("", path, rest),
        marks=marks,
    )


def _named(
    scheme: str, host: str, port: int, path: str, rest: _Rest, domains: Domains, where: str
) -> UrlValue:
    facts = domains.facts(host, where=where)
    scope = name_scope(facts.host)
    marks = rest.marks
    if facts.lookalike or facts.punycode:
        marks = marks.union(
            ("lookalike",) if facts.lookalike else (), ("punycode",) if facts.punycode else ()
        )
    # A public name that points inwards is answered by a stranger, who can change the answer.
    near = scope == "local_name" or (scope == "loopback" and facts.host.endswith(_LOOPBACK_NAMES))
    return UrlValue(
        scheme=scheme,
        host=facts.host,
        port=port,
        registrable=facts.registrable,
        path=path,
        scope=scope,
        external=not (facts.internal or near),
        query_bytes=len(rest.query) + len(rest.fragment),
        carries_data=_carries(facts.host, path, rest),
        marks=marks,
    )


_LOOPBACK_NAMES = ("localhost", ".localdomain")


def _carries(host: str, path: str, rest: _Rest) -> bool:
    """Tell whether a request to this URL can tell its receiver something."""
    if rest.query or rest.userinfo or "template" in rest.marks:
        return True  # A template is filled with something that cannot be seen here.
    if len(path) > MAX_PLAIN_PATH_CHARS or len(host) > MAX_PLAIN_HOST_CHARS:
        return True
    fragment = rest.fragment
    if len(path) > MAX_PLAIN_SEGMENT_CHARS and any(
        len(segment) > MAX_PLAIN_SEGMENT_CHARS for segment in path.split("/")
    ):
        return True
    if len(fragment) > MAX_PLAIN_SEGMENT_CHARS:
        return True
    if len(host) > MAX_PLAIN_LABEL_CHARS:
        labels = host.split(".")
        if len(labels) > MAX_PLAIN_LABELS or any(
            len(label) > MAX_PLAIN_LABEL_CHARS for label in labels
        ):
            return True
    runs = _RUN.findall(f"{host} {path} {fragment}")
    return bool(runs) and sum(map(opaque_chars, runs)) >= MIN_OPAQUE_CHARS


def opaque_chars(run: str) -> int:
    """Return the length of a run that is not a word, else 0."""
    if run.isdigit():
        return len(run)
    if run.isalpha():
        if len(run) > MAX_WORD_CHARS:
            return len(run)
        capitals = 100 * sum(map(str.isupper, run))
        mixed = MIN_CASE_PERCENT * len(run) < capitals < (100 - MIN_CASE_PERCENT) * len(run)
        return len(run) if mixed else 0
    changes = sum(a.isdigit() != b.isdigit() for a, b in pairwise(run))
    return len(run) if changes >= MIN_KIND_CHANGES else 0
