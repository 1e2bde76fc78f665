"""A client that speaks ASGI to an application in this process: no server, no socket, every message scripted.

    answer = ask(app, "POST", "/transfer", b"{}", headers=[("permit0-token", token)])
    answer.status, answer.json()

It sends what a careless or hostile server could send, too: bodies in pieces, wrong lengths, raw paths.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Iterable, Mapping, MutableMapping, Sequence
from typing import Any, TypeAlias

import msgspec

__all__ = ["Answer", "ask", "converse"]

Message: TypeAlias = MutableMapping[str, Any]  # Any: what ASGI 3 says
App: TypeAlias = Callable[
    [
        MutableMapping[str, Any],
        Callable[[], Awaitable[Message]],
        Callable[[Message], Awaitable[None]],
    ],
    Awaitable[None],
]
GONE: Mapping[str, Any] = {"type": "http.disconnect"}


class Answer(msgspec.Struct, frozen=True):
    """What an application sent. unread: how many scripted messages it did not ask for."""

    messages: tuple[Message, ...]
    unread: int = 0

    @property
    def status(self) -> int:
        """Of the response; 0 if there was none."""
        return next((m["status"] for m in self.messages if m["type"] == "http.response.start"), 0)

    @property
    def headers(self) -> dict[str, str]:
        """Of the response."""
        for message in self.messages:
            if message["type"] == "http.response.start":
                return {name.decode(): value.decode() for name, value in message["headers"]}
        return {}

    @property
    def body(self) -> bytes:
        """Of the response."""
        return b"".join(m.get("body", b"") for m in self.messages if "body" in m)

    def json(self) -> Any:  # Any: as json.loads
        """The body as JSON."""
        return json.loads(self.body)

    @property
    def code(self) -> str:
        """The reason code of a refusal, "" if there is none."""
        if self.status < 400:
            return ""
        code: str = self.json()["error"]["code"]
        return code


def converse(app: App, scope: Mapping[str, Any], messages: Iterable[Message]) -> Answer:
    """Run one connection; after the last message the client is gone."""
    waiting = list(messages)
    sent: list[Message] = []

    async def receive() -> Message:
        return waiting.pop(0) if waiting else dict(GONE)

    async def send(message: Message) -> None:
        sent.append(message)

    async def run() -> None:
        await app(dict(scope), receive, send)

    asyncio.run(run())
    return Answer(tuple(sent), len(waiting))


def ask(
    app: App,
    method: str,
    path: str,
    body: bytes | Sequence[bytes] = b"",
    *,
    headers: Iterable[tuple[str, str]] = (),
    cut_off: bool = False,
    **scope: object,
) -> Answer:
    """Send one HTTP request.

    Args:
        app: The application.
        method: Of the request. path: as ASGI has it, percent-decoded.
        body: In one piece or in several.
        headers: As they are; none is added.
        cut_off: The client goes away before the body is complete.
        scope: Replaces members of the scope.
    """
    pieces = [body] if isinstance(body, bytes) else list(body)
    messages: list[Message] = [
        {"type": "http.request", "body": piece, "more_body": cut_off or i + 1 < len(pieces)}
        for i, piece in enumerate(pieces)
    ]
    whole: dict[str, Any] = {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "1.1",
        "method": method,
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "root_path": "",
        "headers": [(name.encode(), value.encode("latin-1")) for name, value in headers],
        "client": ("127.0.0.1", 50000),
        "server": ("127.0.0.1", 80),
    }
    return converse(app, whole | scope, messages)
