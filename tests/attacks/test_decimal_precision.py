"""A program that rounds decimals does not round the limits of a session."""

from __future__ import annotations

from decimal import localcontext

import pytest

from permit0.build import assemble
from permit0.config import load_config
from permit0.testing.clock import FrozenClock


@pytest.mark.parametrize("digits", [1, 4, 28])
@pytest.mark.parametrize("principal", [None, "ann"])
def test_the_cap_holds_to_the_cent(digits: int, principal: str | None) -> None:
    engine = assemble(load_config(None), clock=FrozenClock()).engine
    blocked = []
    with localcontext() as context:
        context.prec = digits
        for amount in ("249999.99", "250000.01", "0.01"):
            arguments = {"amount": amount, "recipient": "Vendor"}
            decision = engine.check("payments.transfer", arguments, principal=principal)
            findings = decision.actions[0].findings
            blocked.append(any("the limit is" in finding.message for finding in findings))
    assert blocked == [False, False, True]
