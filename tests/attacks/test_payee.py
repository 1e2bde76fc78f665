"""An approved payee's name with somebody else's account."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from permit0.build import Deployment
from permit0.engine import Engine
from permit0.model.vocabulary import Outcome

Deploy = Callable[..., Deployment]
UNAPPROVED = "payments.transfer/payee_unapproved"
ORG = {
    "default_currency": "USD",
    "approved_payees": [
        "Any Account Ltd",
        {"name": "Vendor Ltd", "account": "GB29 NWBK 6016 1331 9268 19"},
    ],
}


@pytest.fixture
def paying(deploy: Deploy) -> Engine:
    return deploy({"org": ORG}).engine


@pytest.mark.parametrize(
    "payee",
    [
        {"recipient": "Vendor Ltd", "account": "GB29NWBK60161331926819"},
        {"recipient": "VENDOR LTD.", "iban": "gb29 nwbk 6016 1331 9268 19"},
        {"payee": "vendor ltd", "account_number": "GB29-NWBK-6016-1331-9268-19"},
        {"recipient": "Any Account Ltd"},
        {"recipient": "Any Account Ltd", "account": "DE02120300000000202051"},
    ],
)
def test_an_approved_payee_is_recognised(paying: Engine, payee: dict[str, object]) -> None:
    decision = paying.check("payments.transfer", {"amount": 500, **payee})
    assert UNAPPROVED not in decision.rules
    assert decision.outcome is Outcome.HUMAN


@pytest.mark.parametrize(
    "payee",
    [
        {"recipient": "Vendor Ltd", "account": "DE02120300000000202051"},
        {"recipient": "Vendor Ltd"},
        {"recipient": "Vendor Ltd", "account": "GB29NWBK6016133192681"},
        {"recipient": "V\u0435ndor Ltd", "account": "GB29NWBK60161331926819"},
        {"recipient": "Vendor Ltd (new)", "account": "GB29NWBK60161331926819"},
        {"account": "GB29NWBK60161331926819"},
        {"recipient": "Vendor Ltd", "wallet": "GB29NWBK60161331926819"},
    ],
)
def test_another_account_or_name_is_not_approved(paying: Engine, payee: dict[str, object]) -> None:
    assert UNAPPROVED in paying.check("payments.transfer", {"amount": 500, **payee}).rules


@pytest.mark.parametrize(
    "payee",
    [
        {"recipient": "Vendor Ltd", "payee": "Evil Ltd"},
        {
            "recipient": "Vendor Ltd",
            "account": "GB29NWBK60161331926819",
            "iban": "DE02120300000000202051",
        },
        {"recipient": ["Vendor Ltd", "Evil Ltd"]},
        {"recipient": {"name": "Vendor Ltd"}},
        {"recipient": ""},
        {"recipient": "..."},
    ],
)
def test_two_payees_or_none_that_can_be_read_are_refused(
    paying: Engine, payee: dict[str, object]
) -> None:
    assert paying.check("payments.transfer", {"amount": 500, **payee}).outcome is Outcome.DENY
