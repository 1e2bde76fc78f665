"""The execution gateway in front of a tool server, as ASGI 3 middleware. Needs no web framework.

    app = PermitMiddleware(app, gateway, action={"POST /transfer": "payments.transfer"})

The path of one request:
  1. route     method and path to an action; what has none is refused, unless it is an open path
  2. token     exactly one header
  3. read      query, content type and length, body; see request
  4. authorize the arguments against the token; see gateway
  5. run       the app behind gets the canonical bytes that were digested as its body, with a
               content-length that fits and without the token
  6. record    "ran", with the status of the response
Guarantees: the app behind never sees a request without an action, unless its path is open; no two parsers
can see different arguments. WebSockets and whatever is neither HTTP nor lifespan are refused. A refusal is
{"error": {"code", "message"}} with the status of status.STATUS; what is not the caller's fault is told
without detail.
Does not: bind headers. Cookies, Host, Authorization and the like reach the app as they were sent, and so do
headers by which some frameworks change the method (X-HTTP-Method-Override) or the path (X-Original-URL,
X-Rewrite-URL): switch that off behind a gateway. Does not limit how slowly a body arrives (the server does).
Use it as the outermost layer that sees the path as the server gave it. With a root_path the path is matched
with that prefix, as ASGI has it in `path`. HEAD is a method of its own; GET and HEAD have no arguments.
"""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Awaitable, Callable, Collection, Mapping, MutableMapping
from typing import Any, Final, TypeAlias

from permit0.canonical import MAX_BYTES
from permit0.errors import GatewayRefused, InvalidInput, Permit0Error
from permit0.gateway.gateway import ACTION_NAME, Authorized, ExecutionGateway
from permit0.gateway.request import (
    WITHOUT_BODY,
    Headers,
    Receive,
    Scope,
    Send,
    is_plain_path,
    read_arguments,
    read_token,
)
from permit0.gateway.status import status_of

__all__ = ["ActionOf", "PermitMiddleware"]

Message: TypeAlias = MutableMapping[str, Any]  # Any: what ASGI 3 says
App: TypeAlias = Callable[[Scope, Receive, Send], Awaitable[None]]
ActionOf: TypeAlias = Callable[[Scope], str | None]
"""The action of a request, None if it has none. It must answer for whole paths: what varies in a path
(`/users/7`) is an argument that no token binds."""

UNAUTHORIZED, INTERNAL = 401, 500
POLICY_VIOLATION = 1008  # RFC 6455 7.4.1
CLAIMS: Final = "permit0.claims"  # the key of the scope under which the app behind finds the claims

_log = logging.getLogger(__name__)
_ROUTE = re.compile(r"(?:[A-Z][A-Z-]* )?(/.*)")
_HEADER = re.compile(r"[a-z0-9-]+")
# They describe the body as it was sent; the app behind gets another one.
_OF_BODY = frozenset({b"content-length", b"transfer-encoding", b"content-type", b"trailer"})


class PermitMiddleware:
    """Lets requests through that have a token for exactly what they ask.

    Args:
        app: The tool server behind.
        gateway: Checks the tokens.
        action: "POST /transfer" or "/transfer" (any method) to the action, or a function of the scope.
        max_body_bytes: Longer bodies are refused.
        header: Where the token is.
        open_paths: Passed on without a token, untouched: "GET /health" or "/health".

    Raises:
        InvalidInput: gateway_route: a path, method, action, header or limit cannot be right.
    """

    def __init__(
        self,
        app: App,
        gateway: ExecutionGateway,
        *,
        action: ActionOf | Mapping[str, str],
        max_body_bytes: int = MAX_BYTES,
        header: str = "permit0-token",
        open_paths: Collection[str] = (),
    ) -> None:
        if _HEADER.fullmatch(header) is None or header.encode() in _OF_BODY:
            raise _bad(f"{header!r} is no name for this header, choose another one in lower case")
        if max_body_bytes < 1:
            raise _bad(f"max_body_bytes must be positive, not {max_body_bytes}")
        if isinstance(open_paths, str):
            raise _bad("open_paths is a list of paths, not one text")
        self._app = app
        self._gateway = gateway
        self._actions = None if callable(action) else dict(action)
        self._ask = action if callable(action) else None
        self._max_bytes = max_body_bytes
        self._header = header.encode()
        self._open = frozenset(open_paths)
        for route in (*self._open, *(self._actions or ())):
            _check_route(route)
        for route, name in (self._actions or {}).items():
            if ACTION_NAME.fullmatch(name) is None:
                raise _bad(f"{route!r} has no action, give it one such as 'payments.transfer'")
            if not self._open.isdisjoint(_names(route)):
                raise _bad(f"{route!r} has an action and is open, decide which")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        try:
            authorized = await self._admit(scope, receive)
        except Permit0Error as refusal:
            await _answer(scope, send, refusal)
            return
        if authorized is None:
            await self._app(scope, receive, send)
        else:
            await self._run(authorized, scope, receive, send)  # 5, 6

    async def _admit(self, scope: Scope, receive: Receive) -> Authorized | None:
        """Steps 1 to 4; None for an open path.

        Raises:
            Permit0Error: It was refused, which is on record.
        """
        action = tool = ""
        try:
            if scope["type"] != "http":
                raise GatewayRefused(
                    "a token is for one call, not for a connection, use an HTTP request",
                    reason_code="request_not_http",
                )
            routes = _routes(scope)  # 1
            if not self._open.isdisjoint(routes):
                return None
            action, tool = self._action_of(scope, routes)
            headers: Headers = list(scope["headers"])
            token = read_token(headers, self._header)  # 2
            arguments = await read_arguments(
                scope, headers, receive, max_bytes=self._max_bytes
            )  # 3
        except Exception as error:  # noqa: BLE001  # boundary of the gateway: whatever it is, a refusal
            refusal = self._gateway.refuse(error, action=action, tool=tool)
        else:
            return self._gateway.authorize(token, action, arguments, tool=tool)  # 4
        raise refusal

    def _action_of(self, scope: Scope, routes: tuple[str, str]) -> tuple[str, str]:
        """The action of a request, and what the request is called in records."""
        if self._ask is not None:
            action = self._ask(scope)
            if action is not None:
                # The path is the caller's text and may hold anything: it is not recorded.
                return action, ""
        elif self._actions is not None:
            for route in routes:
                if route in self._actions:
                    return self._actions[route], route
        raise _unmapped()

    async def _run(
        self, authorized: Authorized, scope: Scope, receive: Receive, send: Send
    ) -> None:
        has_body = scope["method"] not in WITHOUT_BODY
        body = authorized.canonical if has_body else b""
        dropped = _OF_BODY | {self._header}
        headers = [(name, value) for name, value in scope["headers"] if name.lower() not in dropped]
        if has_body:
            headers.append((b"content-type", b"application/json"))
            headers.append((b"content-length", str(len(body)).encode()))
        inner = {**scope, "headers": headers, CLAIMS: authorized.claims}
        with self._gateway.running(authorized) as run:

            async def noting(message: Message) -> None:
                if message["type"] == "http.response.start":
                    run.refs["status"] = str(message["status"])
                await send(message)

            await self._app(inner, _after(body, receive), noting)


def _routes(scope: Scope) -> tuple[str, str]:
    """The two names that a request can have in a mapping; the one with the method comes first."""
    method, path, raw = scope["method"], scope["path"], scope.get("raw_path")
    # A server decodes `path`. What was not sent in its plain spelling is not what was mapped.
    if not is_plain_path(path) or raw not in (None, path.encode()):
        raise _unmapped()
    return f"{method} {path}", path


def _after(body: bytes, receive: Receive) -> Receive:
    """A `receive` that gives this body, and then waits for the client to go."""
    given = False

    async def again() -> Message:
        nonlocal given
        if not given:
            given = True
            return {"type": "http.request", "body": body, "more_body": False}
        # The body was read to its end. Some servers give it once more, empty; nobody gets to see that.
        while (message := await receive())["type"] == "http.request":
            pass
        return message

    return again


async def _answer(scope: Scope, send: Send, refusal: Permit0Error) -> None:
    status = status_of(refusal)
    if status >= INTERNAL:
        _log.error("the gateway refused a call with %s: %s", refusal.reason_code, refusal)
        message = "the gateway cannot check or record calls now, nothing was run"
    else:
        message = str(refusal)
    if scope["type"] == "websocket":
        await send({"type": "websocket.close", "code": POLICY_VIOLATION, "reason": ""})
        return
    if scope["type"] != "http":
        raise refusal  # ASGI: an application that does not know a protocol raises
    if refusal.reason_code == "request_incomplete":
        return  # nobody is there to read an answer
    body = json.dumps({"error": {"code": refusal.reason_code, "message": message}}).encode()
    headers = [
        (b"content-type", b"application/json"),
        (b"content-length", str(len(body)).encode()),
        (b"cache-control", b"no-store"),
    ]
    if status == UNAUTHORIZED:
        headers.append((b"www-authenticate", b"Permit0"))  # RFC 9110 15.5.2: there must be one
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def _names(route: str) -> tuple[str, str]:
    """A route with and without its method."""
    return route, route[route.index("/") :]


def _check_route(route: str) -> None:
    match = _ROUTE.fullmatch(route)
    if match is None or not is_plain_path(match[1]):
        raise _bad(f"{route!r} is no route, write a plain path or a method and a path")


def _unmapped() -> GatewayRefused:
    return GatewayRefused(
        "there is nothing that can be called here", reason_code="request_unmapped"
    )


def _bad(message: str) -> InvalidInput:
    return InvalidInput(message, reason_code="gateway_route")
