"""One token at a gateway again: later, from many threads, at another gateway, from another server behind it."""

from __future__ import annotations

import threading
from collections import Counter
from decimal import Decimal

import pytest

from permit0.errors import Permit0Error
from permit0.gateway import ExecutionGateway
from permit0.model.claims import Constraints, Observed
from permit0.testing.gateway import GatewayLab
from permit0.testing.tokens import ACTION, ARGUMENTS
from permit0.token.replay import MemoryReplayStore


@pytest.fixture
def lab() -> GatewayLab:
    return GatewayLab()


def attempt(gateway: ExecutionGateway, token: str) -> str:
    try:
        gateway.authorize(token, ACTION, ARGUMENTS)
    except Permit0Error as error:
        return error.reason_code
    return "authorized"


def test_token_is_good_at_one_of_two_gateways_that_share_a_store(lab: GatewayLab) -> None:
    first, second = lab.gateway(), lab.gateway()
    token, other = lab.token(), lab.token()
    assert [attempt(first, token), attempt(second, token)] == ["authorized", "token_replayed"]
    assert [attempt(second, other), attempt(first, other)] == ["authorized", "token_replayed"]
    assert lab.words() == ["authorized", "token_replayed"] * 2


def test_gateways_of_one_name_that_share_nothing_do_not_see_it(lab: GatewayLab) -> None:
    """Why they must share a store; gateways that cannot have names of their own."""
    apart = lab.gateway(verifier={"replay": MemoryReplayStore(clock=lab.clock)})
    named = lab.gateway(
        verifier={"replay": MemoryReplayStore(clock=lab.clock), "audience": "gateway-2"}
    )
    token = lab.token()
    assert attempt(lab.gateway(), token) == "authorized"
    assert attempt(apart, token) == "authorized"
    assert attempt(named, token) == "token_wrong_audience"


def test_of_many_threads_at_two_gateways_one_runs(lab: GatewayLab) -> None:
    gateways = lab.gateway(), lab.gateway()
    ran: list[int] = []
    tools = [gateway.tool(ACTION)(lambda **arguments: ran.append(1)) for gateway in gateways]
    for round_number in range(10):
        token = lab.token()
        start = threading.Barrier(16)
        answers: list[str] = []

        def run(i: int, token: str, start: threading.Barrier, answers: list[str]) -> None:
            start.wait()
            try:
                tools[i % 2](**ARGUMENTS, permit=token)
                answers.append("ran")
            except Permit0Error as error:
                answers.append(error.reason_code)

        threads = [threading.Thread(target=run, args=(i, token, start, answers)) for i in range(16)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert Counter(answers) == {"ran": 1, "token_replayed": 15}
        assert len(ran) == round_number + 1
    assert Counter(lab.words()) == {"authorized": 10, "ran": 10, "token_replayed": 150}


def test_request_that_is_sent_again_is_a_conflict(lab: GatewayLab) -> None:
    app, token = lab.app(), lab.token()
    statuses = [lab.post(app, token).status for _ in range(3)]
    assert statuses == [200, 409, 409]
    assert len(lab.ran) == 1


def test_request_that_was_refused_did_not_use_the_token_up(lab: GatewayLab) -> None:
    app, token = lab.app(), lab.token()
    assert lab.post(app, token, b'{"amount":1}').status == 403
    assert lab.post(app, token, b"{").status == 400
    assert lab.post(app, token, path="/other").status == 404
    assert lab.post(app, token).status == 200


def test_tool_behind_cannot_use_the_token_again(lab: GatewayLab) -> None:
    """It does not even get it: an envelope may have uses left."""
    gateway = lab.gateway(
        observe=lambda action, arguments: Observed(amount=Decimal("120.5"), currency="USD")
    )
    limits = Constraints(max_amount=Decimal(200), currency="USD", uses=3)
    token = lab.token(constraints=limits)
    app = lab.app(gateway)
    assert [lab.post(app, token).status for _ in range(4)] == [200, 200, 200, 409]
    assert all(b"permit0-token" not in headers for *_, headers in lab.ran)


def test_clock_that_goes_back_does_not_bring_a_used_token_back(lab: GatewayLab) -> None:
    gateway, token = lab.gateway(), lab.issue()
    assert attempt(gateway, token.text) == "authorized"
    lab.clock.advance(10_000)
    assert attempt(gateway, lab.token()) == "authorized"
    lab.clock.set(token.claims.iat.timestamp())
    assert attempt(gateway, token.text) == "token_replayed"
