"""HTTP requests to known services: POST api.stripe.com/v1/charges is payments.charge as well."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import parse_qsl

from permit0.canonical import Json
from permit0.normalize.catalog import Catalog, Route, fold_name
from permit0.normalize.parameters import Reading

__all__ = ["find_route", "request_body"]

_METHOD_OF = {
    "network.http_get": "GET",
    "network.http_post": "POST",
    "network.http_put": "PUT",
    "network.http_delete": "DELETE",
}
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


def request_body(arguments: Mapping[str, Json]) -> dict[str, Json]:
    """The members of a request's body: objects as they are, form-encoded text taken apart.

    What cannot be taken apart gives no member, so that a required one is missed and the call refused.
    """
    members: dict[str, Json] = {}
    for name, value in arguments.items():
        if fold_name(name) not in _BODY_NAMES:
            continue
        if isinstance(value, dict):
            members.update(value)
        elif isinstance(value, str):
            members.update(parse_qsl(value, keep_blank_values=True, max_num_fields=1000))
    return members
