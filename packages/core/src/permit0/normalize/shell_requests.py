"""HTTP requests on a shell line: curl, wget and httpie are judged like any other request.

Guarantees:
  * the method is the one that the program will use, and a method override adds its own;
  * a request to a known service is the action of its route as well; what cannot be read of its
    body (a file, a variable) leaves facts absent, which the rules of the action treat as unknown.
Does not: read files that a command sends; the command's own features say that it sends them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from permit0.canonical import Json
from permit0.errors import InvalidInput
from permit0.model.action import NormAction
from permit0.model.values import ShellCommand
from permit0.normalize.arguments import bind_arguments
from permit0.normalize.assemble import norm_action
from permit0.normalize.catalog import Catalog, Route
from permit0.normalize.extras import read_extras
from permit0.normalize.organisation import Organisation
from permit0.normalize.parameter_types import ParameterType
from permit0.normalize.parameters import Bound, read_parameters
from permit0.normalize.routes import (
    ACTION_OF,
    LOOKS,
    find_routes,
    is_look,
    methods_of,
    request_body,
)
from permit0.normalize.selecting import select_action
from permit0.normalize.shell import CURL_DATA, split_arguments

__all__ = ["CLIENTS", "request_actions", "request_methods"]

CLIENTS = frozenset({"curl", "wget", "http", "https", "xh"})
"""Programs whose requests are read."""

MAX_URLS = 64  # of one command; more cannot change the answer
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"})
_OF_METHOD = {"GET": "network.http_get", "HEAD": "network.http_get", **ACTION_OF}


class _Request:
    """What a command asks for."""

    __slots__ = ("body", "headers", "method", "query")

    def __init__(self) -> None:
        self.method = ""
        self.body: list[str] = []
        self.query: list[str] = []
        self.headers: list[str] = []


def request_methods(command: ShellCommand) -> tuple[str, ...]:
    """Actions of the methods that a command uses; none if it is no HTTP client."""
    if command.program not in CLIENTS:
        return ()
    request = _read(command)
    methods = methods_of(_of(request), {"headers": "\n".join(request.headers)}, "")
    return tuple(sorted({_OF_METHOD[method] for method in methods if method in _OF_METHOD}))


def request_actions(
    command: ShellCommand, catalog: Catalog, org: Organisation
) -> Iterator[NormAction]:
    """The actions that the requests of a command are besides being requests."""
    if command.program not in CLIENTS:
        return
    request = _read(command)
    headers = "\n".join(request.headers)
    for url in command.urls[:MAX_URLS]:
        query = "&".join(request.query)
        address = f"{url}{'&' if '?' in url else '?'}{query}" if query else url
        try:
            facts = read_parameters([Bound("url", ParameterType.URL, "command", url)], org).facts
        except InvalidInput:
            continue
        methods = methods_of(_of(request), {"headers": headers}, address)
        for route, named in find_routes(methods, facts, "url", catalog.routes):
            members = {**_members(request, address), **named}
            action = _routed(route, members, catalog, org)
            yield action
            if _of(request) in LOOKS and not is_look(action.action):
                bound = [Bound("url", ParameterType.URL, "command", url)]
                post = catalog.actions[ACTION_OF["POST"]]
                yield norm_action(post, read_parameters(bound, org), "shell")


def _of(request: _Request) -> str:
    method = request.method or ("POST" if request.body else "GET")
    return _OF_METHOD.get(method, "network.http_post")


def _members(request: _Request, url: str) -> Mapping[str, Json]:
    try:
        members: dict[str, Json] = {}
        for text in ("&".join(b for b in request.body if b[:1] != "{"), *request.body):
            if text[:1] == "{" or text not in request.body:
                members |= request_body({"body": text}, url)
    except InvalidInput:
        return {}  # one member twice: which of them counts is not known
    return members


def _routed(
    route: Route, members: Mapping[str, Json], catalog: Catalog, org: Organisation
) -> NormAction:
    mapping = route.mapping
    try:
        action = select_action(members, mapping) if mapping.select else mapping.action
        entry = catalog.actions[action]
        bound, unmapped = bind_arguments(members, mapping, entry)
        reading = read_parameters(bound, org, minor_units=mapping.minor_units)
        read_extras(unmapped, mapping, reading)
    except InvalidInput:
        entry = catalog.actions[mapping.action]
        reading = read_parameters((), org)
    return norm_action(entry, reading, "shell")


def _read(command: ShellCommand) -> _Request:
    program = command.program
    request = _Request()
    if program in ("http", "https", "xh"):
        _httpie(request, command)
        return request
    options, _ = split_arguments(program, command.argv)
    plain_query = False
    for name, value in options:
        if name in ("-X", "--request", "--method"):
            request.method = value.strip().upper()
        elif name in ("-H", "--header"):
            request.headers.append(value)
        elif name in ("-G", "--get"):
            plain_query = True
        elif name in ("-I", "--head"):
            request.method = request.method or "HEAD"
        elif name in ("-T", "--upload-file"):
            request.method = request.method or "PUT"
        elif name == "--url-query":
            request.query.append(value)
        elif name in CURL_DATA or name in ("--post-data", "--body-data"):
            request.body.append("" if value[:1] in "@<" else value)
        elif name in ("--post-file", "--body-file"):
            request.body.append("")
    if plain_query:
        request.query += request.body
        request.body = []
    return request


def _httpie(request: _Request, command: ShellCommand) -> None:
    words = [word for word in command.argv if word[:1] != "-"]
    if words and words[0].upper() in _METHODS:
        request.method = words[0].upper()
        words = words[1:]
    for word in words[1:]:
        name, equals, value = word.partition("=")
        if not equals or "@" in name:
            if "@" in word:
                request.body.append("")
            elif ":" in word:
                request.headers.append(word)
        elif name.endswith(":"):
            request.body.append(f"{name[:-1]}={value}")
        elif value.startswith("="):
            request.query.append(f"{name}={value[1:]}")
        else:
            request.body.append(f"{name}={value}")
