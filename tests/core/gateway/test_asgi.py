"""The middleware: what reaches the tool server behind, and how refusals look."""

from __future__ import annotations

import json
from typing import Any

import pytest

from permit0.canonical import freeze
from permit0.errors import GatewayRefused, InvalidInput, OutcomeUnrecorded, StateUnavailable
from permit0.gateway import PermitMiddleware
from permit0.gateway.asgi import CLAIMS
from permit0.model.claims import Jti
from permit0.testing.asgi import ask, converse
from permit0.testing.gateway import GatewayLab
from permit0.testing.tokens import ACTION, ARGUMENTS, AUDIENCE

JSON = ("content-type", "application/json")


def test_request_with_a_token_reaches_the_tool_with_the_digested_bytes(lab: GatewayLab) -> None:
    token = lab.token()
    spaced = json.dumps(
        {name: ARGUMENTS[name] for name in sorted(ARGUMENTS, reverse=True)}, indent=3
    ).encode()
    answer = lab.post(
        lab.app(), token, [spaced[:7], b"", spaced[7:]],
        more=[("content-length", str(len(spaced))), ("x-other", "kept")],
    )  # fmt: skip
    assert (answer.status, answer.body) == (200, b"done")
    ((method, path, body, headers),) = lab.ran
    assert (method, path, body) == ("POST", "/transfer", freeze(ARGUMENTS))
    assert headers == {
        b"x-other": b"kept",
        b"content-type": b"application/json",
        b"content-length": str(len(body)).encode(),
    }
    assert lab.words() == ["authorized", "ran"]
    ran = lab.events()[1]
    assert (ran.tool, ran.refs["status"], ran.refs["audience"]) == (
        "POST /transfer",
        "200",
        AUDIENCE,
    )


def test_chunked_body_gets_a_length(lab: GatewayLab) -> None:
    answer = lab.post(lab.app(), lab.token(), more=[("transfer-encoding", "chunked")])
    assert answer.status == 200
    headers = lab.ran[0][3]
    assert b"transfer-encoding" not in headers
    assert int(headers[b"content-length"]) == len(freeze(ARGUMENTS))


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_get_has_no_arguments_and_no_body(lab: GatewayLab, method: str) -> None:
    app = lab.app(action={"/balance": "payments.balance"})
    token = lab.token({}, action="payments.balance")
    headers = [("permit0-token", token), ("content-length", "0")]
    assert ask(app, method, "/balance", headers=headers).status == 200
    assert lab.ran[0][2] == b""
    assert set(lab.ran[0][3]) == set()
    other = [("permit0-token", lab.token({}, action="payments.balance"))]
    assert ask(app, method, "/balance", b"{}", headers=other).code == "request_body"


def test_other_methods_without_a_body_are_refused(lab: GatewayLab) -> None:
    app = lab.app(action={"DELETE /all": "payments.cancel"})
    for body, code in ((b"", "request_body"), (b"{}", "")):
        headers = [("permit0-token", lab.token({}, action="payments.cancel")), JSON]
        assert ask(app, "DELETE", "/all", body, headers=headers).code == code


def test_claims_are_in_the_scope_of_the_tool(lab: GatewayLab) -> None:
    seen: list[Any] = []

    async def tool(scope: Any, receive: Any, send: Any) -> None:
        seen.append(scope[CLAIMS].sub)

    lab.post(PermitMiddleware(tool, lab.gateway(), action={"/transfer": ACTION}), lab.token())
    assert seen == ["agent-1"]


def test_refusal_is_json_with_code_and_message(lab: GatewayLab) -> None:
    answer = lab.post(lab.app(), None)
    assert answer.status == 401
    assert answer.headers == {
        "content-type": "application/json",
        "content-length": str(len(answer.body)),
        "cache-control": "no-store",
        "www-authenticate": "Permit0",
    }
    assert set(answer.json()) == {"error"}
    assert set(answer.json()["error"]) == {"code", "message"}


def test_each_kind_of_refusal_has_its_status(lab: GatewayLab) -> None:
    app = lab.app()
    used = lab.token()
    assert lab.post(app, used).status == 200
    expired = lab.token()
    lab.clock.advance(301)
    cases: list[tuple[str | None, int, str]] = [
        (None, 401, "token_missing"),
        ("", 401, "token_missing"),
        ("caf\u00e9", 401, "token_malformed"),
        (expired, 401, "token_expired"),
        (lab.token() + ", " + lab.token(), 401, "token_malformed"),
        (lab.token(audience="other"), 403, "token_wrong_audience"),
        (lab.token(action="payments.refund"), 403, "token_action_mismatch"),
        (lab.token({"amount": 1}), 403, "token_arguments_mismatch"),
    ]
    for token, status, code in cases:
        answer = lab.post(app, token)
        assert (answer.status, answer.code) == (status, code)
    assert len(lab.ran) == 1
    assert lab.words()[2:] == [code for _, _, code in cases]


def test_what_is_not_the_callers_fault_is_told_without_detail(lab: GatewayLab) -> None:
    class Silent:
        def claim(self, jti: Jti, expires_at: float, *, uses: int = 1) -> bool:
            raise StateUnavailable("the file '/srv/secret-place/state.db' is locked")

    class Broken:
        def claim(self, jti: Jti, expires_at: float, *, uses: int = 1) -> bool:
            raise ZeroDivisionError("secret-place")

    stores: list[tuple[object, int, str]] = [
        (Silent(), 503, "state_unavailable"), (Broken(), 500, "gateway_error"),
    ]  # fmt: skip
    for store, status, code in stores:
        answer = lab.post(lab.app(lab.gateway(verifier={"replay": store})), lab.token())
        assert (answer.status, answer.code) == (status, code)
        assert b"secret-place" not in answer.body
    assert lab.ran == []
    assert lab.words() == ["state_unavailable", "gateway_error"]


PATHS = [
    "/transfer/", "//transfer", "/Transfer", "/TRANSFER", "/./transfer", "/x/../transfer", "/transfer/.",
    "/transfer/..", "/tr%61nsfer", "/transfer;a=b", "/transfer%00", "/transfer\x00", "/transfer ",
    " /transfer", "transfer", "", "*", "/transf\u00e9r", "/\uff54ransfer", "\\transfer", "/transfer\\",
    "/transfer?x=1", "/transfer#x", "http://h/transfer", "/", "/transfer\n",
]  # fmt: skip


@pytest.mark.parametrize("path", PATHS)
def test_path_that_is_not_mapped_as_it_stands_is_refused(lab: GatewayLab, path: str) -> None:
    for action in ({"POST /transfer": ACTION}, {"/transfer": ACTION}):
        answer = lab.post(lab.app(action=action), lab.token(), path=path)
        assert (answer.status, answer.code) == (404, "request_unmapped")
    assert lab.ran == []
    assert lab.words() == ["request_unmapped"] * 2


def test_path_that_was_sent_in_another_spelling_is_refused(lab: GatewayLab) -> None:
    """A server decodes the path; what routes by raw_path behind us would see another one."""
    for raw in (b"/tr%61nsfer", b"/transfer%2f..%2ftransfer", b"/transfer?", b""):
        assert lab.post(lab.app(), lab.token(), raw_path=raw).code == "request_unmapped"
    assert lab.post(lab.app(), lab.token(), raw_path=b"/transfer").status == 200
    assert lab.post(lab.app(), lab.token(), raw_path=None).status == 200


@pytest.mark.parametrize("method", ["GET", "PUT", "PATCH", "post", "OPTIONS", "PO ST", ""])
def test_method_that_is_not_mapped_is_refused(lab: GatewayLab, method: str) -> None:
    headers = [("permit0-token", lab.token()), JSON, ("x-http-method-override", "POST")]
    answer = ask(lab.app(), method, "/transfer", b"{}", headers=headers)
    assert answer.code == "request_unmapped"


def test_callable_gets_plain_paths_only(lab: GatewayLab) -> None:
    asked: list[str] = []

    def action_of(scope: Any) -> str | None:
        asked.append(scope["path"])
        return ACTION if scope["path"].endswith("/transfer") else None

    app = lab.app(action=action_of)
    assert lab.post(app, lab.token(), path="/v1/transfer").status == 200
    assert lab.post(app, lab.token(), path="/v1/other").code == "request_unmapped"
    assert lab.post(app, lab.token(), path="/v1/../transfer").code == "request_unmapped"
    assert lab.post(app, lab.token(), path="//transfer").code == "request_unmapped"
    assert asked == ["/v1/transfer", "/v1/other"]
    assert [event.tool for event in lab.events()] == [""] * 5  # a path may hold anything


@pytest.mark.parametrize("answer", [ZeroDivisionError("x"), 7, b"payments.transfer", ""])
def test_callable_that_fails_refuses(lab: GatewayLab, answer: object) -> None:
    def action_of(scope: Any) -> Any:
        if isinstance(answer, Exception):
            raise answer
        return answer

    assert lab.post(lab.app(action=action_of), lab.token()).status >= 400
    assert lab.ran == []


def test_open_path_passes_untouched_and_nothing_beside_it(lab: GatewayLab) -> None:
    app = lab.app(open_paths=["GET /health", "/docs"])
    assert ask(app, "GET", "/health", b"x", headers=[("permit0-token", "a")]).status == 200
    assert ask(app, "POST", "/docs").status == 200
    assert lab.ran[0][2:] == (b"x", {b"permit0-token": b"a"})
    for method, path in (
        ("POST", "/health"),
        ("GET", "/health/"),
        ("GET", "//health"),
        ("GET", "/h"),
    ):
        assert ask(app, method, path).code == "request_unmapped"
    assert ask(app, "GET", "/health", raw_path=b"/h%65alth").code == "request_unmapped"


def test_exception_behind_an_open_path_is_not_ours(lab: GatewayLab) -> None:
    async def tool(scope: Any, receive: Any, send: Any) -> None:
        raise KeyError("x")

    app = PermitMiddleware(tool, lab.gateway(), action={}, open_paths=["/health"])
    with pytest.raises(KeyError):
        ask(app, "GET", "/health")
    assert lab.events() == []


def test_other_header_can_carry_the_token(lab: GatewayLab) -> None:
    app = lab.app(header="x-capability")
    assert lab.post(app, lab.token()).code == "token_missing"
    assert lab.post(app, None, more=[("x-capability", lab.token())]).status == 200
    assert b"x-capability" not in lab.ran[0][3]


def test_websocket_is_closed_and_lifespan_passes(lab: GatewayLab) -> None:
    app = lab.app()
    scope = {"type": "websocket", "path": "/transfer", "headers": []}
    answer = converse(app, scope, [{"type": "websocket.connect"}])
    assert [dict(message) for message in answer.messages] == [
        {"type": "websocket.close", "code": 1008, "reason": ""}
    ]
    assert lab.words() == ["request_not_http"]
    assert lab.ran == []
    converse(app, {"type": "lifespan"}, [])
    assert lab.ran == ["lifespan"]
    with pytest.raises(GatewayRefused):
        converse(app, {"type": "carrier-pigeon"}, [])


def test_tool_sees_the_client_go_and_no_second_body(lab: GatewayLab) -> None:
    seen: list[str] = []

    async def tool(scope: Any, receive: Any, send: Any) -> None:
        for _ in range(3):
            message = await receive()
            seen.append(message["type"] + str(len(message.get("body", b""))))

    app = PermitMiddleware(tool, lab.gateway(), action={"/transfer": ACTION})
    body = freeze(ARGUMENTS)
    more: list[Any] = [
        {"type": "http.request", "body": body, "more_body": False},
        {"type": "http.request", "body": b"another one", "more_body": False},
        {"type": "http.disconnect"},
    ]
    scope = {
        "type": "http", "method": "POST", "path": "/transfer",
        "headers": [JSON_BYTES, (b"permit0-token", lab.token().encode())],
    }  # fmt: skip
    converse(app, scope, more)
    assert seen == [f"http.request{len(body)}", "http.disconnect0", "http.disconnect0"]


JSON_BYTES = (b"content-type", b"application/json")


def test_exception_of_the_tool_goes_on_and_is_recorded(lab: GatewayLab) -> None:
    async def tool(scope: Any, receive: Any, send: Any) -> None:
        raise KeyError("x")

    with pytest.raises(KeyError):
        lab.post(PermitMiddleware(tool, lab.gateway(), action={"/transfer": ACTION}), lab.token())
    assert lab.words() == ["authorized", "ran"]
    assert lab.events()[1].refs["error"] == "KeyError"


def test_outcome_that_cannot_be_recorded_reaches_the_server_after_the_response(
    lab: GatewayLab,
) -> None:
    sent: list[str] = []

    async def tool(scope: Any, receive: Any, send: Any) -> None:
        lab.sink.close()
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b""})
        sent.append("both")

    app = PermitMiddleware(tool, lab.gateway(), action={"/transfer": ACTION})
    with pytest.raises(OutcomeUnrecorded):
        lab.post(app, lab.token())
    assert sent == ["both"]


def test_path_is_matched_with_its_root_path(lab: GatewayLab) -> None:
    app = lab.app(action={"POST /api/transfer": ACTION})
    assert lab.post(app, lab.token(), path="/api/transfer", root_path="/api").status == 200
    assert lab.post(app, lab.token(), path="/transfer", root_path="/api").code == "request_unmapped"


@pytest.mark.parametrize(
    "change",
    [
        {"headers": None},
        {"headers": [(1, 2)]},
        {"method": None},
        {"path": None},
        {"path": b"/transfer"},
    ],
)
def test_scope_that_no_server_should_send_is_refused(
    lab: GatewayLab, change: dict[str, Any]
) -> None:
    scope: dict[str, Any] = {
        "type": "http", "method": "POST", "path": "/transfer",
        "headers": [JSON_BYTES, (b"permit0-token", lab.token().encode())],
    }  # fmt: skip
    body: list[Any] = [{"type": "http.request", "body": freeze(ARGUMENTS)}]
    assert converse(lab.app(), scope | change, body).status >= 400
    assert lab.ran == []
    assert converse(lab.app(), scope, body).status == 200


@pytest.mark.parametrize(
    "changes",
    [
        {"action": {"transfer": ACTION}},
        {"action": {"POST  /transfer": ACTION}},
        {"action": {"post /transfer": ACTION}},
        {"action": {"/transfer?x": ACTION}},
        {"action": {"/a//b": ACTION}},
        {"action": {"/a/../b": ACTION}},
        {"action": {"/users/{id}": ACTION}},
        {"action": {"/%61": ACTION}},
        {"action": {"/transfer": "transfer"}},
        {"action": {"/transfer": ACTION + "\n"}},
        {"open_paths": ["health"]},
        {"open_paths": "/health"},
        {"open_paths": ["/transfer"]},
        {"open_paths": ["POST /transfer"]},
        {"max_body_bytes": 0},
        {"header": "Permit0 Token"},
        {"header": "content-type"},
    ],
)
def test_configuration_that_cannot_be_right_is_refused(
    lab: GatewayLab, changes: dict[str, Any]
) -> None:
    with pytest.raises(InvalidInput) as refusal:
        lab.app(**changes)
    assert refusal.value.reason_code == "gateway_route"
