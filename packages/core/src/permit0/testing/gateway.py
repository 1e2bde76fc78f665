"""A tool server with a gateway, a log in memory and an issuer that it trusts, for tests that break one thing.

lab = GatewayLab()
lab.gateway().authorize(lab.token(), ACTION, ARGUMENTS)       # runs
lab.events()                                                  # what is on record
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from permit0.audit.chain import read_envelope
from permit0.audit.events import EventBody, EventLog, read_event
from permit0.audit.keys import Ed25519Signer
from permit0.audit.redact import Redactor
from permit0.audit.sinks.memory import MemorySink
from permit0.canonical import digest, freeze
from permit0.gateway.asgi import PermitMiddleware
from permit0.gateway.gateway import ExecutionGateway
from permit0.normalize.sensitive import find_confidential
from permit0.testing.asgi import Answer, ask
from permit0.testing.tokens import ACTION, ARGUMENTS, TokenLab

__all__ = ["GatewayLab"]


class GatewayLab(TokenLab):
    """One tool server. `sink` is its log; `ran` what its tool was called with."""

    def __init__(self) -> None:
        super().__init__()
        self.sink = MemorySink(Ed25519Signer.generate())
        self.log = EventLog(self.sink, redactor=Redactor(find_confidential))
        self.ran: list[Any] = []

    def gateway(
        self, *, verifier: Mapping[str, Any] | None = None, **changes: Any
    ) -> ExecutionGateway:
        """A gateway; `changes` replace arguments of its constructor, `verifier` those of the verifier."""
        arguments: dict[str, Any] = {
            "verifier": self.verifier(**(verifier or {})),
            "clock": self.clock,
            "events": self.log,
        }
        return ExecutionGateway(**(arguments | changes))

    def token(self, arguments: Mapping[str, object] = ARGUMENTS, **changes: Any) -> str:
        """The text of a token for ACTION with these arguments."""
        return self.issue(digest=digest(freeze(arguments)), **changes).text

    def app(self, gateway: ExecutionGateway | None = None, **changes: Any) -> PermitMiddleware:
        """A guarded tool server with POST /transfer; `changes` replace arguments of the middleware."""
        arguments: dict[str, Any] = {"action": {"POST /transfer": ACTION}}
        return PermitMiddleware(self.serve, gateway or self.gateway(), **(arguments | changes))

    def post(
        self,
        app: PermitMiddleware,
        token: str | None,
        body: bytes | list[bytes] | None = None,
        *,
        more: list[tuple[str, str]] | None = None,
        path: str = "/transfer",
        content_type: str | None = "application/json",
        **scope: Any,
    ) -> Answer:
        """POST a body, by default ARGUMENTS as JSON."""
        headers = [] if token is None else [("permit0-token", token)]
        if content_type is not None:
            headers.append(("content-type", content_type))
        data = json.dumps(dict(ARGUMENTS)).encode() if body is None else body
        return ask(app, "POST", path, data, headers=headers + (more or []), **scope)

    async def serve(self, scope: Any, receive: Any, send: Any) -> None:
        """The tool: remembers what it was asked, and answers 200."""
        if scope["type"] != "http":
            self.ran.append(scope["type"])
            return
        body = b""
        while True:
            message = await receive()
            assert message["type"] == "http.request"
            body += message["body"]
            if not message["more_body"]:
                break
        self.ran.append((scope["method"], scope["path"], body, dict(scope["headers"])))
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"done"})

    def bodies(self) -> list[bytes]:
        """The bodies that the tool was called with."""
        return [call[2] for call in self.ran]

    def events(self) -> list[EventBody]:
        """What the gateway recorded."""
        found = []
        for record in self.sink.records():
            envelope = read_envelope(record.data)
            assert envelope is not None
            if envelope.kind == "gateway":
                found.append(read_event(envelope.body))
        return found

    def words(self) -> list[str]:
        """What the gateway recorded, in short: the event, or the reason code of a refusal."""
        return [event.code or event.event for event in self.events()]
