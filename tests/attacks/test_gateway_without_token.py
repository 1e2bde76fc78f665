"""Calls that reach a tool without a token of their own: none, an empty one, another thing, a smuggled one."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from permit0.errors import Permit0Error
from permit0.testing.asgi import ask, converse
from permit0.testing.gateway import GatewayLab
from permit0.testing.tokens import ACTION, ARGUMENTS
from permit0.token.keys import SigningKey

NO_TOKENS: list[Any] = [None, "", " ", "null", "Bearer x", b"v4.public.x", 0, True, ["x"], object()]


@pytest.fixture
def lab() -> GatewayLab:
    return GatewayLab()


@pytest.mark.parametrize("permit", NO_TOKENS)
def test_function_does_not_run(lab: GatewayLab, permit: Any) -> None:
    ran: list[object] = []
    gateway = lab.gateway()

    @gateway.tool(ACTION)
    def wire(**arguments: object) -> None:
        ran.append(arguments)

    @gateway.tool(ACTION)
    async def wire_async(**arguments: object) -> None:
        ran.append(arguments)

    code = "token_missing" if permit in (None, "") else "token_malformed"
    with pytest.raises(Permit0Error) as refusal:
        wire(**ARGUMENTS, permit=permit)
    assert refusal.value.reason_code == code
    with pytest.raises(Permit0Error):
        asyncio.run(wire_async(**ARGUMENTS, permit=permit))
    assert ran == []
    assert lab.words() == [code, code]
    wire(**ARGUMENTS, permit=lab.token())
    assert len(ran) == 1


def test_token_elsewhere_in_the_request_is_none(lab: GatewayLab) -> None:
    token = lab.token()
    places = [
        ("authorization", f"Bearer {token}"), ("permit0_token", token), ("cookie", f"permit0-token={token}"),
        ("x-permit0-token", token),
    ]  # fmt: skip
    for place in places:
        answer = lab.post(lab.app(), None, more=[place])
        assert (answer.status, answer.code) == (401, "token_missing")
    assert lab.ran == []
    assert lab.post(lab.app(), token).status == 200


@pytest.mark.parametrize(
    "path", ["/admin", "/transfer/", "/TRANSFER", "//transfer", "/a/../transfer"]
)
def test_path_without_an_action_never_reaches_the_tool(lab: GatewayLab, path: str) -> None:
    app = lab.app(open_paths=["/health"])
    for token in (None, lab.token()):
        assert lab.post(app, token, path=path).code == "request_unmapped"
    assert lab.ran == []
    assert ask(app, "GET", "/health").status == 200


def test_websocket_to_a_guarded_path_is_closed(lab: GatewayLab) -> None:
    headers = [(b"permit0-token", lab.token().encode())]
    scope = {"type": "websocket", "path": "/transfer", "headers": headers}
    answer = converse(lab.app(open_paths=["/health"]), scope, [{"type": "websocket.connect"}])
    assert answer.messages[0]["type"] == "websocket.close"
    answer = converse(lab.app(open_paths=["/transfer2"]), scope | {"path": "/transfer2"}, [])
    assert answer.messages[0]["type"] == "websocket.close"
    assert lab.ran == []


def test_token_of_a_key_that_nobody_trusts_is_refused(lab: GatewayLab) -> None:
    mine = SigningKey.generate()
    forged = lab.sign(lab.claims(), key=mine)
    assert lab.post(lab.app(), forged).code == "token_unknown_key"
    assert "jti" not in lab.events()[0].refs  # what a stranger says of himself is not recorded
    assert lab.post(lab.app(), lab.sign(lab.claims())).status == 200
