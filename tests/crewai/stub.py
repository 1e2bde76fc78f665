"""A loopback server that speaks as much of OpenAI's chat completions as CrewAI's own client needs.

    with Stub([("look", {"path": "a.txt"})], "done") as stub:
        LLM(model="openai/gpt-4o", base_url=stub.url, api_key="unused")

Each request takes the next turn: a text, or calls of tools. It is streamed if the client asks for that, with
the arguments of a call in pieces, as the real one does.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from types import TracebackType
from typing import Any, Self

__all__ = ["Stub"]

PIECE_CHARS = 5
USAGE = {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2}
Turn = str | Sequence[tuple[str, Mapping[str, object]]]


class Stub:
    """The server. requests: the bodies that it got, in order."""

    def __init__(self, *turns: Turn) -> None:
        self.requests: list[dict[str, Any]] = []
        self._turns = list(turns)
        stub = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                stub.requests.append(asked)
                turn = stub._turns.pop(0) if stub._turns else "done"
                base = {"id": f"chat-{len(stub.requests)}", "created": 0, "model": "stub"}
                if asked.get("stream"):
                    lines = [f"data: {json.dumps(base | chunk)}\n\n" for chunk in _chunks(turn)]
                    self._send("".join([*lines, "data: [DONE]\n\n"]), "text/event-stream")
                else:
                    self._send(json.dumps(base | _completion(turn)), "application/json")

            def _send(self, text: str, kind: str) -> None:
                data = text.encode()
                self.send_response(200)
                self.send_header("Content-Type", kind)
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            def log_message(self, *args: object) -> None:
                """A test says what it has to say itself."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)

    @property
    def url(self) -> str:
        """Where clients find it."""
        return f"http://127.0.0.1:{self._server.server_port}/v1"

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


def _calls(turn: Turn) -> list[dict[str, Any]]:
    if isinstance(turn, str):
        return []
    return [
        {
            "id": f"call-{number}",
            "type": "function",
            "function": {"name": name, "arguments": json.dumps(arguments)},
        }
        for number, (name, arguments) in enumerate(turn)
    ]


def _completion(turn: Turn) -> dict[str, Any]:
    calls = _calls(turn)
    message: dict[str, Any] = {"role": "assistant", "content": None if calls else turn}
    if calls:
        message["tool_calls"] = calls
    choice = {"index": 0, "message": message, "finish_reason": "tool_calls" if calls else "stop"}
    return {"object": "chat.completion", "choices": [choice], "usage": USAGE}


def _chunks(turn: Turn) -> Iterator[dict[str, Any]]:
    calls = _calls(turn)
    yield _chunk({"role": "assistant", "content": None if calls else ""})
    for index, call in enumerate(calls):
        arguments = call["function"]["arguments"]
        head = {**call, "index": index, "function": {**call["function"], "arguments": ""}}
        yield _chunk({"tool_calls": [head]})
        for piece in _pieces(arguments):
            yield _chunk({"tool_calls": [{"index": index, "function": {"arguments": piece}}]})
    if isinstance(turn, str):
        for piece in _pieces(turn):
            yield _chunk({"content": piece})
    yield _chunk({}, "tool_calls" if calls else "stop") | {"usage": USAGE}


def _chunk(delta: dict[str, Any], reason: str | None = None) -> dict[str, Any]:
    choice = {"index": 0, "delta": delta, "finish_reason": reason}
    return {"object": "chat.completion.chunk", "choices": [choice]}


def _pieces(text: str) -> Iterator[str]:
    for start in range(0, len(text), PIECE_CHARS):
        yield text[start : start + PIECE_CHARS]
