"""A loopback server that speaks as much of OpenAI's chat completions as the clients of our frameworks need.

    with Stub(calls(("pay", {"amount": 5})), "done") as stub:
        client = OpenAI(base_url=stub.url, api_key="unused")

Each request takes the next turn: a text, or calls of tools. Streamed if the client asks for it, with the
arguments of a call in several pieces, as the real one does. After the last turn it says "done".
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Lock, Thread
from types import TracebackType
from typing import Any, Self

__all__ = ["Stub", "calls"]

PIECE_CHARS = 5  # of a text or of arguments, in one event of a stream
USAGE = {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2}
Turn = str | Sequence[dict[str, Any]]


def calls(*wanted: tuple[str, dict[str, Any]], start: int = 1) -> Turn:
    """A turn that calls tools: names and arguments; the ids are call-1, call-2 and so on."""
    return [
        {
            "id": f"call-{number}",
            "type": "function",
            "function": {"name": name, "arguments": json.dumps(arguments)},
        }
        for number, (name, arguments) in enumerate(wanted, start)
    ]


class Stub:
    """The server. requests: the bodies that it got, in order."""

    def __init__(self, *turns: Turn) -> None:
        self.requests: list[dict[str, Any]] = []
        self._turns = list(turns)
        self._lock = Lock()
        stub = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                self._send({"object": "list", "data": [{"id": "stub", "object": "model"}]})

            def do_POST(self) -> None:
                length = int(self.headers.get("Content-Length", 0))
                asked = json.loads(self.rfile.read(length) or b"{}")
                if not self.path.endswith("/chat/completions"):
                    self.send_error(404)
                    return
                number, turn = stub._next(asked)
                if asked.get("stream"):
                    events = [f"data: {json.dumps(item)}\n\n" for item in _chunks(number, turn)]
                    self._send_text("".join([*events, "data: [DONE]\n\n"]), "text/event-stream")
                else:
                    self._send(_completion(number, turn))

            def _send(self, body: dict[str, Any]) -> None:
                self._send_text(json.dumps(body), "application/json")

            def _send_text(self, text: str, kind: str) -> None:
                data = text.encode()
                self.send_response(200)
                self.send_header("Content-Type", kind)
                self.send_header("Content-Length", str(len(data)))
                # A client that keeps it open may use it from another event loop, which has ended by then.
                self.send_header("Connection", "close")
                self.end_headers()
                self.wfile.write(data)

            def log_message(self, *args: object) -> None:
                """A test says what it has to say itself."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}/v1"

    def __enter__(self) -> Self:
        Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._server.shutdown()
        self._server.server_close()

    def _next(self, asked: dict[str, Any]) -> tuple[int, Turn]:
        with self._lock:
            self.requests.append(asked)
            return len(self.requests), self._turns.pop(0) if self._turns else "done"


def _head(number: int, kind: str) -> dict[str, Any]:
    # Frameworks tell messages apart by this id.
    return {"id": f"stub-{number}", "object": kind, "created": 0, "model": "stub"}


def _completion(number: int, turn: Turn) -> dict[str, Any]:
    text = turn if isinstance(turn, str) else None
    message: dict[str, Any] = {"role": "assistant", "content": text}
    if text is None:
        message["tool_calls"] = turn
    choice = {"index": 0, "message": message, "finish_reason": _reason(turn)}
    return {**_head(number, "chat.completion"), "choices": [choice], "usage": USAGE}


def _chunks(number: int, turn: Turn) -> Iterator[dict[str, Any]]:
    head = _head(number, "chat.completion.chunk")
    for delta in _deltas(turn):
        yield {**head, "choices": [{"index": 0, "delta": delta, "finish_reason": None}]}
    yield {**head, "choices": [{"index": 0, "delta": {}, "finish_reason": _reason(turn)}]}
    yield {**head, "choices": [], "usage": USAGE}


def _deltas(turn: Turn) -> Iterator[dict[str, Any]]:
    if isinstance(turn, str):
        yield {"role": "assistant", "content": ""}
        yield from ({"content": piece} for piece in _pieces(turn))
        return
    yield {"role": "assistant", "content": None}
    for index, call in enumerate(turn):
        name, arguments = call["function"]["name"], call["function"]["arguments"]
        opened = {**call, "index": index, "function": {"name": name, "arguments": ""}}
        yield {"tool_calls": [opened]}
        for piece in _pieces(arguments):
            yield {"tool_calls": [{"index": index, "function": {"arguments": piece}}]}


def _pieces(text: str) -> Iterator[str]:
    yield from (text[at : at + PIECE_CHARS] for at in range(0, len(text), PIECE_CHARS))


def _reason(turn: Turn) -> str:
    return "stop" if isinstance(turn, str) else "tool_calls"
