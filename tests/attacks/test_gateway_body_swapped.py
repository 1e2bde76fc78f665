"""The arguments are exchanged between check and call: by mutation, in pieces, by spelling, in the query."""

from __future__ import annotations

import json
import threading
from typing import Any

import pytest

from permit0.canonical import freeze
from permit0.errors import ArgumentsMismatch
from permit0.testing.asgi import converse
from permit0.testing.gateway import GatewayLab
from permit0.testing.tokens import ACTION, ARGUMENTS

GOOD = json.dumps(dict(ARGUMENTS)).encode()
EVIL = json.dumps(dict(ARGUMENTS) | {"recipient": "Mallory"}).encode()


@pytest.fixture
def lab() -> GatewayLab:
    return GatewayLab()


def test_other_body_is_refused(lab: GatewayLab) -> None:
    token = lab.token()
    assert lab.post(lab.app(), token, EVIL).code == "token_arguments_mismatch"
    assert lab.post(lab.app(), token, GOOD).status == 200
    assert lab.bodies() == [freeze(ARGUMENTS)]


def test_second_body_after_the_first_is_never_seen(lab: GatewayLab) -> None:
    """A server that keeps giving bodies cannot add to one that was judged."""
    token = lab.token().encode()
    seen: list[bytes] = []

    async def tool(scope: Any, receive: Any, send: Any) -> None:
        while (message := await receive())["type"] == "http.request":
            seen.append(message["body"])

    app = type(lab.app())(tool, lab.gateway(), action={"/transfer": ACTION})
    headers = [(b"content-type", b"application/json"), (b"permit0-token", token)]
    scope = {"type": "http", "method": "POST", "path": "/transfer", "headers": headers}
    first = {"type": "http.request", "body": GOOD, "more_body": False}
    converse(app, scope, [first, {"type": "http.request", "body": EVIL, "more_body": False}])
    assert seen == [freeze(ARGUMENTS)]


def test_two_bodies_in_one_are_refused(lab: GatewayLab) -> None:
    for body in (
        GOOD + EVIL,
        GOOD + b"\n" + EVIL,
        [GOOD, EVIL],
        GOOD + b"\x00",
        b"\xef\xbb\xbf" + GOOD,
    ):
        assert lab.post(lab.app(), lab.token(), body).code == "request_body"
    assert lab.post(lab.app(), lab.token(), b" \r\n\t" + GOOD + b"\n").status == 200


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-32", "utf-7", "latin-1"])
def test_other_encoding_is_refused(lab: GatewayLab, encoding: str) -> None:
    """json.loads of bytes would have guessed UTF-16 and UTF-32."""
    arguments = {"recipient": "Vend\u00f6r+Co"}
    body = json.dumps(arguments, ensure_ascii=False).encode(encoding)
    answer = lab.post(lab.app(), lab.token(arguments), body)
    assert answer.status in (400, 403)
    assert lab.ran == []
    body = json.dumps(arguments, ensure_ascii=False).encode()
    assert lab.post(lab.app(), lab.token(arguments), body).status == 200


def test_every_spelling_reaches_the_tool_as_the_same_bytes(lab: GatewayLab) -> None:
    """120.50, 1.205e2 and \\u escapes are one value; the tool's own parser sees one text."""
    spellings = [
        b'{"amount":120.5,"currency":"USD","recipient":"Vendor Alpha"}',
        b'{"recipient":"\\u0056endor\\u0020Alpha", "currency":"USD", "amount":1.2050e2}',
        b'{"amount":120.50000000000000000001,"currency":"USD","recipient":"Vendor Alpha"}',
    ]
    for body in spellings:
        assert lab.post(lab.app(), lab.token(), body).status == 200
    assert lab.bodies() == [freeze(ARGUMENTS)] * 3


def test_arguments_in_the_query_or_a_form_are_refused(lab: GatewayLab) -> None:
    app, token = lab.app(), lab.token()
    assert lab.post(app, token, GOOD, query_string=b"recipient=Mallory").code == "request_query"
    form = "application/x-www-form-urlencoded"
    assert lab.post(app, token, b"recipient=Mallory", content_type=form).status == 415
    assert lab.post(app, token, GOOD).status == 200


def test_object_that_another_thread_keeps_changing_runs_as_it_was_checked(lab: GatewayLab) -> None:
    recipients = ["Ann"]
    stop = threading.Event()

    def toggle() -> None:
        while not stop.is_set():
            recipients[0] = "Mallory"
            recipients[0] = "Ann"

    ran: list[str] = []

    @lab.gateway(events=None).tool(ACTION)
    def wire(to: list[str]) -> None:
        ran.append(to[0])

    thread = threading.Thread(target=toggle)
    thread.start()
    try:
        for _ in range(300):
            try:
                wire(recipients, permit=lab.token({"to": ["Ann"]}))
            except ArgumentsMismatch:
                continue
    finally:
        stop.set()
        thread.join()
    wire(["Ann"], permit=lab.token({"to": ["Ann"]}))
    assert set(ran) == {"Ann"}
