"""HTTP requests to known services: POST api.stripe.com/v1/charges is payments.charge as well."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from urllib.parse import parse_qsl

import msgspec

from permit0.canonical import Json
from permit0.errors import InvalidInput
from permit0.normalize.catalog import Catalog, Route, fold_name
from permit0.normalize.parameters import Reading

__all__ = ["find_route", "request_body"]

_METHOD_OF = {
    "network.http_get": "GET",
    "network.http_post": "POST",
    "network.http_put": "PUT",
    "network.http_delete": "DELETE",
}
MAX_FIELDS = 1000  # of a form; no service takes more
_BODY_NAMES = frozenset({"body", "data", "json", "payload", "content", "params", "form"})


def find_route(action: str, reading: Reading, parameter: str, catalog: Catalog) -> Route | None:
    """The route of a request that was read as `action` with a URL in `parameter`."""
    host = reading.facts.get(parameter + ".host")
    routes = catalog.routes.get(host) if isinstance(host, str) else None
    if not routes:
        return None
    method = _METHOD_OF.get(action, "POST")
    address = str(reading.facts[parameter])
    path = "/" + address.partition("://")[2].partition("/")[2].casefold()
    for route in routes:
        if method in route.methods and route.path.fullmatch(path):
            return route
    return None


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
        _join(members, parse_qsl(query, keep_blank_values=True))
    for name, value in arguments.items():
        if fold_name(name) in _BODY_NAMES:
            _join(members, _members(value))
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
        try:
            return parse_qsl(value, keep_blank_values=True, max_num_fields=MAX_FIELDS)
        except ValueError:
            return ()
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
