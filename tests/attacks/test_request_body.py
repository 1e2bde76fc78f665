"""A request to a payment service says its amount in a place that nobody reads, or in two places."""

from __future__ import annotations

from typing import Any

import pytest

from permit0.build import assemble
from permit0.config import parse_config
from permit0.model.decision import Decision
from permit0.model.vocabulary import Outcome
from permit0.testing.clock import FrozenClock

DEPLOYMENT = assemble(parse_config("{}", "org"))
URL = "https://api.stripe.com/v1/charges"


def post(**args: Any) -> Decision:
    engine = DEPLOYMENT.fresh_engine(FrozenClock(1_700_000_000.0))
    return engine.check("network.http_post", {"url": URL, **args})


@pytest.mark.parametrize(
    "body",
    [
        {"amount": 900_000, "currency": "usd", "customer": "cus_1"},
        '{"amount": 900000, "currency": "usd", "customer": "cus_1"}',
        "amount=900000&currency=usd&customer=cus_1",
    ],
)
def test_large_charge_is_gated_however_the_body_is_written(body: object) -> None:
    decision = post(body=body)
    assert decision.outcome is Outcome.HUMAN
    assert "payments.charge/amount_over_1000" in decision.rules


def test_amount_in_the_query_is_read() -> None:
    decision = post(url=f"{URL}?amount=900000&currency=usd&customer=cus_1", body={})
    assert "payments.charge/amount_over_1000" in decision.rules


@pytest.mark.parametrize(
    "args",
    [
        {"url": f"{URL}?amount=900000", "body": {"amount": 50, "customer": "c"}},
        {"body": "amount=50&amount=900000&customer=c"},
        {"body": {"amount": 50, "customer": "c"}, "json": {"amount": 900000}},
    ],
)
def test_two_amounts_in_one_request_are_refused(args: dict[str, Any]) -> None:
    decision = post(**args)
    assert decision.outcome is Outcome.DENY
    assert decision.error == "argument_conflict"


@pytest.mark.parametrize("body", ["", "\x00\x01", "[1, 2]", "{not json", "<xml/>"])
def test_body_that_cannot_be_taken_apart_is_refused(body: str) -> None:
    decision = post(body=body)
    assert decision.outcome is Outcome.DENY
    assert decision.error == "amount_missing"
