"""The kill switch is used while tokens are already on their way to the gateway."""

from __future__ import annotations

import pytest

from permit0.errors import EpochPassed
from permit0.model.kill import KillOrder, KillScope, KillState, KillVerb
from permit0.testing.gateway import GatewayLab
from permit0.testing.tokens import ACTION, ARGUMENTS


class Switch:
    """Orders of people, as every gateway reads them."""

    def __init__(self) -> None:
        self.orders: list[KillOrder] = []

    def order(self, verb: KillVerb, scope: KillScope, target: str) -> None:
        number = len(self.orders) + 1
        self.orders.append(KillOrder(number, verb, scope, target, "ann", "a test", 0.0))

    def required(self, *, agent: str, session: str, action: str) -> int:
        return KillState.of(self.orders).required(agent=agent, session=session, action=action)


SCOPES = [
    (KillScope.FLEET, ""),
    (KillScope.AGENT, "agent-1"),
    (KillScope.SESSION, "session-1"),
    (KillScope.DOMAIN, "payments"),
    (KillScope.ACTION, ACTION),
]
OTHERS = [
    (KillScope.AGENT, "agent-2"),
    (KillScope.SESSION, "session-2"),
    (KillScope.DOMAIN, "email"),
    (KillScope.ACTION, "payments.refund"),
]


@pytest.fixture
def lab() -> GatewayLab:
    return GatewayLab()


@pytest.mark.parametrize(("scope", "target"), SCOPES)
def test_token_that_was_issued_before_a_kill_opens_nothing(
    lab: GatewayLab, scope: KillScope, target: str
) -> None:
    switch = Switch()
    gateway = lab.gateway(verifier={"epochs": switch})
    ran: list[object] = []

    @gateway.tool(ACTION)
    def wire(**arguments: object) -> None:
        ran.append(arguments)

    token = lab.token()
    wire(**ARGUMENTS, permit=lab.token())
    switch.order(KillVerb.KILL, scope, target)
    with pytest.raises(EpochPassed):
        wire(**ARGUMENTS, permit=token)
    assert lab.post(lab.app(gateway), token).status == 403
    switch.order(KillVerb.RESUME, scope, target)
    with pytest.raises(EpochPassed):
        wire(**ARGUMENTS, permit=token)  # a resume brings back no token of before
    wire(**ARGUMENTS, permit=lab.token(epoch=2))
    assert len(ran) == 2
    assert lab.words() == ["authorized", "ran", *["token_epoch"] * 3, "authorized", "ran"]


@pytest.mark.parametrize(("scope", "target"), OTHERS)
def test_kill_of_others_leaves_it_alone(lab: GatewayLab, scope: KillScope, target: str) -> None:
    switch = Switch()
    switch.order(KillVerb.KILL, scope, target)
    lab.gateway(verifier={"epochs": switch}).authorize(lab.token(), ACTION, ARGUMENTS)
