"""Whether a URL carries a load: data that was put into it to leave with the request.

`carries_data` of a URL says that its receiver could learn something; a search does that too. A load
is what no ordinary address has: text that was encoded (base64, base32, hex, reversed or cut in
pieces), long values that are no identifier, lines of a file, credentials, many or long labels.

Guarantees:
  * what decodes to text counts, however short its pieces: values, segments and labels are also
    read joined together; compressed data counts as well;
  * identifiers that services give out (UUIDs, hashes, cursors, signatures of storage hosts, ids of
    documents) are no load by themselves; adding parameters never makes a URL calmer;
  * time is linear in the URL, which has at most 16,384 characters (urls.MAX_URL_CHARS).
Does not: see a secret in plain words, or data in the choice among ordinary addresses.

Marks: "acts" (a GET that does something: logout, action=delete), "nested_metadata" and
"nested_inner" (an address inside this one leads to the metadata service or inside the network).
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator
from contextlib import suppress
from urllib.parse import parse_qsl, unquote, unquote_plus

import msgspec

from permit0.errors import InvalidInput
from permit0.model.values import UrlValue
from permit0.normalize.domains import Domains
from permit0.normalize.sensitive import find_personal, find_secrets
from permit0.normalize.urls import opaque_chars, parse_url

__all__ = ["Load", "label_load", "read_load"]

# Query parameters of one address. Filters of catalogues measure up to 18.
MAX_PARAMETERS = 24
# Of all values without those of known signatures; the longest ordinary searches have 400.
MAX_QUERY_CHARS = 800
# Of one value in words; what people type into a search box is shorter.
MAX_WORDS_CHARS = 300
# Of one value that is no word: a document id has 44, a session state up to 64.
MAX_OPAQUE_VALUE = 64
MAX_CURSOR = 256
# A path with more unpronounceable characters than two hashes and a UUID.
MAX_OPAQUE_PATH = 176
# Left of the registrable domain.
MAX_SUBDOMAIN_CHARS = 60
MAX_SUBDOMAIN_OPAQUE = 20
# Decoded bytes that are text by accident in less than one of 10,000 identifiers.
MIN_TEXT_BYTES = 9
MIN_LABEL_BYTES = 4
MAX_PLAIN_WORD = 12
MIN_RUN_CHARS = 20  # that hold a run of text
MAX_TOKENS = 400  # pieces that are decoded in one URL
MAX_NESTED = 8
# Fewer segments or shorter labels hold no more than a word.
MIN_PIECES = 5
MAX_DECOYS = 4
MIN_LABEL_CHARS = 8

_CURSORS = re.compile(
    r"(?i)(?:.*[_-])?(?:cursor|after|before|page_?token|next|next_?token|continuation|continue"
    r"|start_?key|scroll_?id|bookmark|gclid|fbclid|msclkid|dclid|wbraid|gbraid|state|nonce|ved|ei"
    r"|sxsrf|code_challenge|hash|checksum|etag|integrity|since|sync_?token|delta_?token|skiptoken)"
)
_CURSOR_TEXT = re.compile(r"[\[{]?[\w:.,/\"'|=#{}\[\]-]{0,120}")
_NODE_ID = re.compile(r"(?:\d{1,3}:[A-Za-z]+:?\d+|gid://[a-z-]+/[A-Za-z]+/\d+|[A-Za-z]+:\d+)")
_SIGNATURES = re.compile(
    r"(?i)x-(?:amz|goog|oss|cos|tos)-.*|signature|expires|key-pair-id|policy|awsaccesskeyid"
    r"|googleaccessid|sig|se|sp|sv|sr|st|skoid|sktid|skt|ske|sks|skv|spr|rscd|rsct|hm|ex|is"
    r"|response-content-(?:disposition|type)|verify|token|hdnea|__gda__|x-id"
)
_STORAGE = (
    ".amazonaws.com", ".amazonaws.com.cn", ".blob.core.windows.net", ".storage.googleapis.com",
    ".cloudfront.net", ".r2.cloudflarestorage.com", ".digitaloceanspaces.com", ".aliyuncs.com",
    ".backblazeb2.com", ".wasabisys.com", ".githubusercontent.com", ".discordapp.com", ".hf.co",
    ".discordapp.net", ".dropboxusercontent.com", ".oraclecloud.com", ".myqcloud.com",
)  # fmt: skip
# Whoever owns these domains hands out the labels in front of them; nobody else sees a look-up.
_HOSTING = (
    "amazonaws.com", "cloudfront.net", "on.aws", "azurewebsites.net", "azurestaticapps.net",
    "windows.net", "azure.com", "run.app", "web.app", "firebaseapp.com", "vercel.app",
    "netlify.app", "pages.dev", "workers.dev", "herokuapp.com", "onrender.com", "fly.dev",
    "github.io", "gitlab.io", "githubusercontent.com", "googleusercontent.com", "fastly.net",
    "akamaihd.net", "akamaized.net", "r2.dev", "supabase.co", "neon.tech", "snowflakecomputing.com",
    "hf.space", "githubpreview.dev", "app.github.dev", "replit.dev", "sharepoint.com",
)  # fmt: skip
_KEY_HOSTS = (
    ("slack_token", "hooks.slack.com"),
    ("gcp_key", "googleapis.com"),
    ("aws_key", "amazonaws.com"),
    ("azure_key", "windows.net"),
)
"""A service's own kind of key in an address of that service is how the service is used."""
_ID = re.compile(
    r"(?i)[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}|(?<![0-9a-f])[0-9a-f]{7,64}(?![0-9a-f])"
)
_TOKEN = re.compile(r"[A-Za-z0-9+/_-]{8,}={0,2}")
_HEX = re.compile(r"(?:[0-9a-fA-F]{2})+")
_BASE32 = re.compile(r"(?:[A-Z2-7]{8,}|[a-z2-7]{8,})={0,6}")
_SIGNS = re.compile(r"[^A-Za-z0-9+/_-]")
_NOT_HEX = re.compile(r"[^0-9a-fA-F]")
_RUN = re.compile(rb"[\x20-\x7e\t\r\n]{14}")  # by accident in one of 4,000 signatures
_TEXT = re.compile(rb"[\x20-\x7e\t\r\n]+")
_PACKED = (b"\x1f\x8b", b"\x78\x9c", b"\x78\x01", b"\x78\xda", b"PK\x03\x04", b"BZh", b"\xfd7zXZ")
_TEMPLATE = re.compile(
    r"(?i)\$[({]|`|[{<$%(]{1,3}\s*[\w.\-\[\]\"']{0,40}"
    r"(?:secret|token|passw|key|cred|cookie|session|env|auth|private|pwd)"
)
_ACTING_SEGMENT = frozenset(
    {"logout", "log-out", "signout", "sign-out", "unsubscribe", "deactivate", "delete-account"}
    | {"deleteaccount", "remove-account", "terminate", "shutdown", "reboot", "factory-reset"}
)
_ACTING_NAME = re.compile(
    r"(?i)_?(?:action|act|do|cmd|command|op|operation|_method|method|task|event|func|function)"
)
_ACTING_VALUE = re.compile(
    r"(?i)(?:delete|remove|destroy|drop|purge|erase|wipe|send|transfer|pay|grant|revoke|disable"
    r"|shutdown|reboot|restart|terminate|kill|exec|run|create|update|set|add|reset|logout"
    r"|unsubscribe|post|put|patch|publish|approve|merge|deploy)[a-z_\-]*"
)
_INSIDE = frozenset({"private", "loopback", "link_local", "local_name"})
_NESTED = re.compile(r"(?i)(?:[a-z][a-z0-9+.-]{1,12}:)?//[^\s\"'<>&]{3,2000}")


class Load(msgspec.Struct, frozen=True, gc=False):
    """What an address carries besides its name."""

    load: bool = False
    secrets: bool = False
    personal: bool = False
    marks: frozenset[str] = frozenset()


_EMPTY = Load()
_SEGMENT_END = re.compile(r"([^/]*)/?\Z")


def read_load(value: str, url: UrlValue, domains: Domains) -> Load:
    """Look into an address that was read as `url`."""
    match = _SEGMENT_END.search(url.path)
    acts = match is not None and match.group(1).casefold() in _ACTING_SEGMENT
    if not (url.carries_data or _may_carry(value, url)):
        return Load(marks=frozenset({"acts"})) if acts else _EMPTY
    marks = {"acts"} if acts else set()
    query, fragment = _query(value)
    pairs = _pairs(query)
    own = url.host.endswith(_STORAGE)
    values = [(k, v) for k, v in pairs if not (own and _SIGNATURES.fullmatch(k))]
    if any(_ACTING_NAME.fullmatch(k) and _ACTING_VALUE.fullmatch(v.strip()) for k, v in pairs):
        marks.add("acts")
    path = unquote(url.path)
    texts = [path, unquote(fragment), _raw_host(value), *(text for pair in values for text in pair)]
    marks.update(_nested(texts, domains))
    everything = "\n".join((*texts[:3], *map("=".join, values)))
    secrets = set(find_secrets(everything))
    for kind, host in _KEY_HOSTS:
        if url.host == host or url.host.endswith("." + host):
            secrets.discard(kind)
    load = (
        len(pairs) > MAX_PARAMETERS
        or sum(len(v) for _, v in values) > MAX_QUERY_CHARS
        or any(_TEMPLATE.search(text) is not None for text in texts)
        or any(_value_load(k, v) or _value_load("", k) for k, v in values)
        or _path_load(path)
        or _host_load(value, url)
        or _value_load("", unquote(fragment))
    )
    if not load and len(values) > 1:
        load = _holds_text("".join(v for _, v in values))
    return Load(
        load=load,
        secrets=bool(secrets),
        personal=bool(find_personal(everything)),
        marks=frozenset(marks),
    )


def label_load(host: str) -> bool:
    """Whether the labels of a name, as written, carry something out."""
    labels = host.rstrip(".").split(".")
    return _labels_load([label for label in labels[:-2] if label])


def _query(value: str) -> tuple[str, str]:
    rest, _, fragment = value.partition("#")
    return rest.partition("?")[2], fragment


def _pairs(query: str) -> list[tuple[str, str]]:
    if not query:
        return []
    if "=" not in query:
        return [("", unquote_plus(query))]
    return parse_qsl(query.replace(";", "&"), keep_blank_values=True)


def _value_load(name: str, text: str) -> bool:
    if not text:
        return False
    cursor = _CURSORS.fullmatch(name) is not None
    if "\n" in text.strip() or "\0" in text:
        return True  # lines of a file
    if len(text) > MAX_WORDS_CHARS or len(name) > MAX_OPAQUE_VALUE:
        return not (cursor and len(text) <= MAX_WORDS_CHARS)
    if _decodes(text, cursor=cursor) or _decodes(name):
        return True
    if len(text) <= MAX_OPAQUE_VALUE or cursor:
        return len(text) > MAX_CURSOR
    rest = _ID.sub("", text)
    return sum(opaque_chars(run) for run in re.findall(r"[A-Za-z0-9]{8,}", rest)) > MAX_OPAQUE_VALUE


def _path_load(path: str) -> bool:
    segments = [segment for segment in path.split("/") if segment]
    if any(map(_decodes, segments)):
        return True
    # A few segments in front and one behind may only be there to look ordinary.
    for first in range(min(len(segments) - 1, MAX_DECOYS)):
        if _decodes("".join(segments[first:])) or _decodes("".join(segments[first:-1])):
            return True
    if _holds_text("".join(segments)) and len(segments) > 1:
        return True
    runs = re.findall(r"[A-Za-z0-9]{8,}", path)
    if sum(map(opaque_chars, runs)) > MAX_OPAQUE_PATH:
        return True
    longest = max(map(len, path.split("/")))
    return longest > MAX_WORDS_CHARS or any(
        sum(map(opaque_chars, re.findall(r"[A-Za-z0-9]{8,}", _ID.sub("", part)))) > MAX_OPAQUE_VALUE
        for part in path.split("/")
    )


def _raw_host(value: str) -> str:
    rest = value.partition("://")[2] or value
    return re.split(r"[/?#]", rest, maxsplit=1)[0].rpartition("@")[2].partition(":")[0]


def _may_carry(value: str, url: UrlValue) -> bool:
    """Whether an address without query and long runs is worth a second look."""
    return (
        "//" in url.path
        or url.path.count("/") >= MIN_PIECES
        or len(url.host) - len(url.registrable) > MIN_LABEL_CHARS
        or _raw_case(value, url.host)
    )


def _raw_case(value: str, host: str) -> bool:
    """Whether the host was written with capitals, which a look-up keeps (and base64 needs)."""
    if value.islower():
        return False
    raw = _raw_host(value)
    return raw != host and raw != raw.lower()


def _host_load(value: str, url: UrlValue) -> bool:
    end = url.registrable
    if not end or url.scope not in ("public", "reserved"):
        return False
    raw = _raw_host(value).rstrip(".")
    under = len(end) + 1
    name = raw if raw.casefold() == url.host else url.host
    labels = name[:-under].split(".") if len(name) > under else []
    for hosting in _HOSTING:
        if url.host.endswith("." + hosting):
            rest = len(hosting.split(".")) - len(end.split("."))
            labels = labels[: max(len(labels) - rest - 1, 0)] if rest >= 0 else labels[:-1]
            break
    return _labels_load(labels)


def _labels_load(labels: list[str]) -> bool:
    if not labels:
        return False
    text = "".join(labels)
    if len(text) > MAX_SUBDOMAIN_CHARS:
        return True
    if sum(
        opaque_chars(run) for label in labels for run in re.findall(r"[A-Za-z0-9]{8,}", label)
    ) >= (MAX_SUBDOMAIN_OPAQUE):
        return True
    for label in (*labels, text):
        mixed = label != label.lower() and label != label.upper()
        if any(
            _is_text(data, MIN_LABEL_BYTES if mixed or label.isdigit() else 5)
            for data in _decoded(label, base64_too=mixed)
        ):
            return True
    return False


def _decodes(text: str, *, cursor: bool = False) -> bool:
    """Whether pieces of a text, or what is left when signs are dropped, decode to text."""
    if len(text) < MIN_TEXT_BYTES:
        return False
    tokens = _TOKEN.findall(text)[:MAX_TOKENS]
    plain = re.sub(r"[^A-Za-z0-9+/=_-]", "", text)
    if plain != text and len(tokens) > 1 and " " not in text:
        tokens.append(plain)
    for token in tokens:
        if len(token) <= MAX_PLAIN_WORD and token.isalpha() and token.islower():
            continue  # a word
        for data in _decoded(token, base64_too=True):
            if data.startswith(_PACKED) and len(data) > MIN_TEXT_BYTES:
                return True
            if _is_text(data, MIN_TEXT_BYTES):
                words = data.decode("ascii")
                if find_secrets(words) or not (
                    _NODE_ID.fullmatch(words) or (cursor and _CURSOR_TEXT.fullmatch(words))
                ):
                    return True
    return False


def _holds_text(text: str) -> bool:
    """Whether text is encoded anywhere in a run of pieces, whatever stands around it."""
    plain = _SIGNS.sub("", text).replace("-", "+").replace("_", "/")
    if len(plain) < MIN_RUN_CHARS:
        return False
    hexadecimal = _NOT_HEX.sub("", text)
    found: list[bytes] = []
    for start in range(4):
        part = plain[start:]
        with suppress(ValueError):  # binascii.Error is one
            found.append(base64.b64decode(part[: len(part) & ~3]))
        if start < 2:
            digits = hexadecimal[start:]
            found.append(bytes.fromhex(digits[: len(digits) & ~1]))
    return any(_RUN.search(data) is not None for data in found)


def _is_text(data: bytes, shortest: int) -> bool:
    return len(data) >= shortest and _TEXT.fullmatch(data) is not None


def _decoded(token: str, *, base64_too: bool) -> Iterator[bytes]:
    """The bytes that a token can stand for, forwards and backwards."""
    bare = token.rstrip("=").replace("-", "+").replace("_", "/")
    hexadecimal = bare.replace("+", "")
    for text in (hexadecimal, hexadecimal[::-1]):
        if len(text) >= 2 * MIN_LABEL_BYTES and _HEX.fullmatch(text):
            yield bytes.fromhex(text)
    if _BASE32.fullmatch(bare):
        for text in (bare, bare[::-1]):
            try:
                yield base64.b32decode(text.upper() + "=" * (-len(text) % 8))
            except (ValueError, binascii.Error):
                continue
    if base64_too:
        for text in (bare, bare[::-1]):
            if len(text) % 4 == 1:
                text = text[:-1]  # a sign too many is dropped by lenient readers
            try:
                yield base64.b64decode(text + "=" * (-len(text) % 4))
            except (ValueError, binascii.Error):
                continue


def _nested(texts: list[str], domains: Domains) -> Iterator[str]:
    found = 0
    for text in texts:
        if "//" not in text and "%2f" not in text.casefold():
            continue
        for match in _NESTED.finditer(unquote(text)):
            found += 1
            if found > MAX_NESTED:
                return
            try:
                inner = parse_url(match.group(), domains=domains, where="")
            except InvalidInput as error:
                if error.reason_code in ("url_scheme_unsupported", "url_ambiguous"):
                    yield "nested_inner"  # file:, gopher: and their kin
                continue
            if inner.scope == "metadata":
                yield "nested_metadata"
            elif inner.scope in _INSIDE:
                yield "nested_inner"
