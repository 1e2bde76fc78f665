"""HTTP requests to known services: POST api.stripe.com/v1/charges is payments.charge as well.

Guarantees:
  * A request is judged as every action that the server may do with it. A method override (header,
    `_method`, an argument called `method`) adds methods and never takes one away.
  * A path is compared as written and as a server may read it: percent-decoded, without dot
    segments, double slashes, matrix parameters and a format suffix, in any case of letters.
  * A host pattern stands for whole labels below its fixed end: `*.atlassian.net` is neither
    evil-atlassian.net nor atlassian.net.evil.com.
Does not: know what a service does with a path that no pack names; that stays the bare request.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from urllib.parse import parse_qsl, unquote

import msgspec

from permit0.canonical import Json
from permit0.errors import InvalidInput
from permit0.model.action import Fact
from permit0.normalize.catalog import Route, fold_name

__all__ = ["ACTION_OF", "LOOKS", "find_routes", "is_look", "methods_of", "request_body"]

_METHODS_OF: Mapping[str, frozenset[str]] = {
    "network.http_get": frozenset({"GET", "HEAD"}),
    "network.http_post": frozenset({"POST"}),
    "network.http_put": frozenset({"PUT", "PATCH"}),
    "network.http_delete": frozenset({"DELETE"}),
    "network.send_webhook": frozenset({"POST"}),
    "browser.navigate": frozenset({"GET"}),
    "browser.download": frozenset({"GET"}),
    "files.download": frozenset({"GET"}),
}
_ANY = frozenset({"GET", "POST"})  # an action that says nothing of its method
ACTION_OF: Mapping[str, str] = {
    "POST": "network.http_post",
    "PUT": "network.http_put",
    "PATCH": "network.http_put",
    "DELETE": "network.http_delete",
}
"""Which action a method that changes something is."""

LOOKS = frozenset({"network.http_get", "browser.navigate", "browser.download", "files.download"})
"""Actions that are a GET."""

_LOOKING = frozenset({"get", "list", "search", "read", "select", "quote", "verify"})
MAX_FIELDS = 1000  # of a form; no service takes more
MAX_DECODES = 3  # of a path; two are known of proxies in front of servers
MAX_VALUES = 2000  # looked at for a method override; the rest of a body is data
MAX_METHOD = 64  # a method with spaces around it
MAX_TEXT = 65_536  # characters of one text looked at for a method override
_BODY_NAMES = frozenset({"body", "data", "json", "payload", "content", "params", "form"})
_METHOD_NAMES = frozenset(
    {"method", "httpmethod", "requestmethod", "verb", "xhttpmethodoverride", "xhttpmethod"}
    | {"xmethodoverride", "xhttpmethodoverwrite"}
)
"""Folded names under which a server or a client takes a method."""
_OVERRIDE = re.compile(
    r"(?i)(?:\bx-(?:http-)?method(?:-over(?:ride|write))?|(?:^|[?&;\s\"'{,])_method)"
    r"[\"']?\s*[:=]\s*[\"']?(get|post|put|patch|delete)\b"
)
_SUFFIX = re.compile(r"\.(?:json|xml|csv|html)$")


def methods_of(action: str, arguments: Mapping[str, Json], url: Json) -> frozenset[str]:
    """Every method that the server may take the request for, upper case."""
    methods = _METHODS_OF.get(action, _ANY)
    found: set[str] = set()
    if isinstance(url, str) and ("?" in url or "&" in url or ";" in url):
        found.update(_overrides(unquote(url[:MAX_TEXT])))
    for name, value in arguments.items():
        found.update(_named_methods(name, value))
    return methods | found


def _named_methods(name: str, value: Json) -> Iterator[str]:
    stack: list[tuple[str, Json]] = [(name, value)]
    seen = 0
    while stack and seen < MAX_VALUES:
        name, value = stack.pop()
        seen += 1
        if isinstance(value, str):
            text = value.strip().upper() if len(value) < MAX_METHOD else ""
            if (text in ACTION_OF or text == "GET") and fold_name(name) in _METHOD_NAMES:
                yield text
            if len(value) > 8:  # the shortest text that says it in itself
                yield from _overrides(value[:MAX_TEXT])
        elif isinstance(value, dict):
            stack.extend(value.items())
        elif isinstance(value, list):
            # [["X-HTTP-Method-Override", "DELETE"]], [{"name": ..., "value": ...}]
            if len(value) == 2 and isinstance(value[0], str):
                stack.append((value[0], value[1]))
            stack.extend((name, item) for item in value)
    if stack:  # too much to look through: it may say anything
        yield from ACTION_OF


def _overrides(text: str) -> Iterator[str]:
    if "method" in text.casefold():
        for match in _OVERRIDE.finditer(text):
            yield match.group(1).upper()


def find_routes(
    methods: frozenset[str],
    facts: Mapping[str, Fact],
    parameter: str,
    routes: Mapping[str, Sequence[Route]],
) -> tuple[tuple[Route, Mapping[str, str]], ...]:
    """What a request is besides being one: the first route for each method and reading of its path,
    with what its path names.

    Args:
        methods: See methods_of.
        facts: Of the reading that has the URL in `parameter`.
        routes: By host name or by "*." and the fixed end of a host pattern.
    """
    host = facts.get(parameter + ".host")
    if not isinstance(host, str):
        return ()
    candidates = _of_host(host.rstrip("."), routes)
    if not candidates:
        return ()
    address = str(facts[parameter])
    path = "/" + address.partition("://")[2].partition("/")[2].casefold()
    found: dict[int, tuple[Route, Mapping[str, str]]] = {}
    for text in dict.fromkeys(_readings(path)):
        for method in sorted(methods):
            for route in candidates:
                match = route.path.fullmatch(text) if method in route.methods else None
                if match is not None:
                    found.setdefault(id(route), (route, match.groupdict()))
                    break
    return tuple(found.values())


def is_look(action: str) -> bool:
    """Whether an action only looks at something: a GET that is any other changes something."""
    verb = action.partition(".")[2]
    return verb.partition("_")[0] in _LOOKING


def _of_host(host: str, routes: Mapping[str, Sequence[Route]]) -> list[Route]:
    found = list(routes.get(host, ()))
    end = host.partition(".")[2]
    while "." in end:
        wild = routes.get("*." + end, ())
        found.extend(r for r in wild if r.host is not None and r.host.fullmatch(host))
        end = end.partition(".")[2]
    return found


def _readings(path: str) -> Iterator[str]:
    """The path as written, and as servers and proxies may read it."""
    yield path
    plain = path
    for _ in range(MAX_DECODES):
        decoded = unquote(plain).casefold()
        yield _tidy(decoded)
        if decoded == plain:
            break
        plain = decoded
    tidy = _tidy(plain)
    yield _SUFFIX.sub("", tidy)


def _tidy(path: str) -> str:
    segments: list[str] = []
    path = path.replace("\\", "/").partition("?")[0].partition("#")[0]
    for segment in path.split("/"):
        segment = segment.partition(";")[0].partition("\0")[0].strip()
        if segment == "..":
            del segments[-1:]
        elif segment not in ("", "."):
            segments.append(segment)
    return "/" + "/".join(segments)


def request_body(arguments: Mapping[str, Json], url: Json) -> dict[str, Json]:
    """The members of a request's body and query, as one object.

    Objects are taken as they are, JSON text is opened, form-encoded text and the query taken apart. What
    cannot be taken apart gives no member, so that a required one is missed and the call refused.

    Raises:
        InvalidInput: Two places say one member with different values: which one the service would
            take is not known.
    """
    members: dict[str, Json] = {}
    if isinstance(url, str):
        query = url.partition("?")[2].partition("#")[0]
        _join(members, _form(query))
    for name, value in arguments.items():
        if fold_name(name) in _BODY_NAMES:
            _join(members, _members(value))
        elif isinstance(value, str) and value.lstrip()[:1] == "{":  # a whole request as JSON text
            for inner, part in _members(value):
                if fold_name(inner) in _BODY_NAMES:
                    _join(members, _members(part))
    return members


def _members(value: Json) -> Iterable[tuple[str, Json]]:
    if isinstance(value, str) and value.lstrip()[:1] == "{":
        try:
            value = msgspec.json.decode(value)
        except msgspec.MsgspecError:
            return ()
    if isinstance(value, dict):
        return value.items()
    if isinstance(value, str):
        return _form(value)
    return ()


def _form(text: str) -> Iterable[tuple[str, str]]:
    try:
        return parse_qsl(text, keep_blank_values=True, max_num_fields=MAX_FIELDS)
    except ValueError:
        return ()


def _join(members: dict[str, Json], more: Iterable[tuple[str, Json]]) -> None:
    for name, value in more:
        if name in members and str(members[name]) != str(value):
            raise InvalidInput(
                f"the request says {name[:40]!r} twice, with different values",
                where=f"arguments.{name[:40]}",
                reason_code="argument_conflict",
            )
        members[name] = value
