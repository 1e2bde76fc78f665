"""A token for one gateway or deployment is carried to another."""

from __future__ import annotations

import pytest

from permit0.errors import BadSignature, InvalidInput, WrongAudience
from permit0.testing.tokens import AUDIENCE, DEPLOYMENT, TokenLab


@pytest.mark.parametrize(
    "audience", ["gateway-2", "gateway", "gateway-11", "GATEWAY-1", "gateway-1 "]
)
def test_another_gateway_refuses(lab: TokenLab, audience: str) -> None:
    with pytest.raises(WrongAudience) as refusal:
        lab.present(lab.issue().text, audience=audience)
    assert refusal.value.reason_code == "token_wrong_audience"


def test_the_gateway_it_was_issued_for_accepts(lab: TokenLab) -> None:
    lab.present(lab.issue(audience="gateway-2").text, audience="gateway-2")


@pytest.mark.parametrize("deployment", ["deployment-2", "deployment-1\0", "deployment-"])
def test_another_deployment_with_the_same_keys_refuses(lab: TokenLab, deployment: str) -> None:
    """The deployment is signed without being in the token: there is no text to change."""
    with pytest.raises(BadSignature):
        lab.present(lab.issue().text, deployment=deployment)


def test_neither_name_may_be_empty(lab: TokenLab) -> None:
    """Or two gateways that nobody configured would accept each other's tokens."""
    for changes, code in (
        ({"audience": ""}, "audience_missing"),
        ({"deployment": ""}, "deployment_missing"),
    ):
        with pytest.raises(InvalidInput) as refusal:
            lab.verifier(**changes)
        assert refusal.value.reason_code == code
    lab.verifier(audience=AUDIENCE, deployment=DEPLOYMENT)
