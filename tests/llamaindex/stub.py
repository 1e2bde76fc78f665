"""A server with the form of OpenAI's chat completions, on this machine, that says what it was told to.

    with Stub([[("pay", {"amount": 5000}, "c1")], "done"]) as stub:
        OpenAILike(api_base=stub.address, ...)

Answers as JSON and as a stream, whichever is asked for. `requests` are the bodies that came.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self

Turn = str | list[tuple[str, dict[str, Any], str]]


class Stub:
    """Serves its turns, one for each request, then "done"."""

    def __init__(self, turns: Sequence[Turn]) -> None:
        self._turns = list(turns)
        self.requests: list[dict[str, Any]] = []
        stub = self

        class Handler(BaseHTTPRequestHandler):
            def log_message(self, *arguments: Any) -> None:
                """Say nothing."""

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                kind, text = stub._answer(json.loads(body))
                self.send_response(200)
                self.send_header("Content-Type", kind)
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                self.wfile.write(text)

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}/v1"

    @property
    def told(self) -> list[str]:
        """What the tools said, as the last request has it."""
        messages = self.requests[-1]["messages"]
        return [item["content"] for item in messages if item["role"] == "tool"]

    def __enter__(self) -> Self:
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def _answer(self, request: dict[str, Any]) -> tuple[str, bytes]:
        self.requests.append(request)
        turn = self._turns.pop(0) if self._turns else "done"
        message: dict[str, Any] = {"role": "assistant", "content": turn}
        if not isinstance(turn, str):
            calls = [
                {
                    "id": call_id,
                    "type": "function",
                    "function": {"name": name, "arguments": json.dumps(arguments)},
                }
                for name, arguments, call_id in turn
            ]
            message = {"role": "assistant", "content": None, "tool_calls": calls}
        why = "stop" if isinstance(turn, str) else "tool_calls"
        head = {"id": f"answer-{len(self.requests)}", "created": 0, "model": "stub"}
        if not request.get("stream"):
            choice = {"index": 0, "message": message, "finish_reason": why}
            usage = {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2}
            whole = {**head, "object": "chat.completion", "choices": [choice], "usage": usage}
            return "application/json", json.dumps(whole).encode()
        # As the real one: each call in a chunk of its own.
        calls = message.pop("tool_calls", [])
        deltas = [
            message,
            *({"tool_calls": [{"index": n, **call}]} for n, call in enumerate(calls)),
        ]
        parts = [
            *({"index": 0, "delta": delta, "finish_reason": None} for delta in deltas),
            {"index": 0, "delta": {}, "finish_reason": why},
        ]
        chunks = [{**head, "object": "chat.completion.chunk", "choices": [part]} for part in parts]
        lines = [f"data: {json.dumps(chunk)}\n\n" for chunk in chunks]
        return "text/event-stream", "".join([*lines, "data: [DONE]\n\n"]).encode()
