"""A server on the loopback that speaks as much of the OpenAI API as the SDK's clients need.

Does: /v1/chat/completions and /v1/responses, as JSON and as server-sent events, one scripted turn for each
request. A turn is a text, or a list of (tool, arguments, call id).
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Turn = str | list[tuple[str, dict[str, Any] | str, str]]


class Stub:
    """Use it as a context manager. requests: (path, body) of each request."""

    def __init__(self, turns: Sequence[Turn]) -> None:
        self.turns = list(turns)
        self.requests: list[tuple[str, dict[str, Any]]] = []
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self.base_url = f"http://127.0.0.1:{self._server.server_port}/v1"
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)

    def __enter__(self) -> Stub:
        self._thread.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def answer(self, path: str, body: dict[str, Any]) -> tuple[str, bytes]:
        """Content type and body of the next answer."""
        self.requests.append((path, body))
        turn = self.turns.pop(0) if self.turns else "done"
        made = _chat if path.endswith("/chat/completions") else _responses
        whole, events = made(turn, f"r{len(self.requests)}")
        if not body.get("stream"):
            return "application/json", json.dumps(whole).encode()
        return "text/event-stream", "".join(events).encode()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        stub = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                size = int(self.headers.get("Content-Length", 0))
                kind, data = stub.answer(self.path, json.loads(self.rfile.read(size)))
                self.send_response(200)
                self.send_header("Content-Type", kind)
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # the base class's name
                pass

        return Handler


def _text(arguments: dict[str, Any] | str) -> str:
    return arguments if isinstance(arguments, str) else json.dumps(arguments)


def _event(data: dict[str, Any], name: str = "") -> str:
    return (f"event: {name}\n" if name else "") + f"data: {json.dumps(data)}\n\n"


def _chat(turn: Turn, key: str) -> tuple[dict[str, Any], Iterator[str]]:
    calls = [
        {"id": call_id, "type": "function", "function": {"name": name, "arguments": _text(given)}}
        for name, given, call_id in ([] if isinstance(turn, str) else turn)
    ]
    message: dict[str, Any] = {"role": "assistant", "content": turn if not calls else None}
    if calls:
        message["tool_calls"] = calls
    finish = "tool_calls" if calls else "stop"
    usage = {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2}
    base = {"id": key, "created": 0, "model": "stub", "usage": usage}
    choice = {"index": 0, "message": message, "finish_reason": finish}

    def events() -> Iterator[str]:
        delta = {**message}
        if calls:
            delta["tool_calls"] = [{"index": place, **item} for place, item in enumerate(calls)]
        chunk = {**base, "object": "chat.completion.chunk"}
        for part, reason in ((delta, None), ({}, finish)):
            choices = [{"index": 0, "delta": part, "finish_reason": reason}]
            yield _event({**chunk, "choices": choices})
        yield "data: [DONE]\n\n"

    return {**base, "object": "chat.completion", "choices": [choice]}, events()


def _responses(turn: Turn, key: str) -> tuple[dict[str, Any], Iterator[str]]:
    output: list[dict[str, Any]]
    if isinstance(turn, str):
        content = [{"type": "output_text", "text": turn, "annotations": []}]
        output = [
            {
                "type": "message",
                "id": "m",
                "role": "assistant",
                "status": "completed",
                "content": content,
            }
        ]
    else:
        output = [
            {
                "type": "function_call",
                "id": call_id,
                "call_id": call_id,
                "name": name,
                "arguments": _text(given),
                "status": "completed",
            }
            for name, given, call_id in turn
        ]
    usage = {
        "input_tokens": 1,
        "output_tokens": 1,
        "total_tokens": 2,
        "input_tokens_details": {"cached_tokens": 0, "cache_write_tokens": 0},
        "output_tokens_details": {"reasoning_tokens": 0},
    }
    whole = {
        "id": key,
        "object": "response",
        "created_at": 0,
        "model": "stub",
        "status": "completed",
        "output": output,
        "parallel_tool_calls": True,
        "tool_choice": "auto",
        "tools": [],
        "usage": usage,
    }

    def events() -> Iterator[str]:
        begun = {**whole, "status": "in_progress", "output": []}
        steps: list[tuple[str, dict[str, Any]]] = [("response.created", {"response": begun})]
        for place, item in enumerate(output):
            at = {"output_index": place}
            empty = {**item, "content": []} if item["type"] == "message" else item
            steps.append(("response.output_item.added", {**at, "item": empty}))
            steps.append(("response.output_item.done", {**at, "item": item}))
        steps.append(("response.completed", {"response": whole}))
        for number, (name, fields) in enumerate(steps):
            yield _event({"type": name, "sequence_number": number, **fields}, name)

    return whole, events()
