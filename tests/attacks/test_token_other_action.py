"""A token for one action is used for another with the same arguments."""

from __future__ import annotations

import pytest

from permit0.errors import ActionMismatch
from permit0.testing.tokens import ACTION, TokenLab


@pytest.mark.parametrize(
    "action",
    [
        "payments.refund",
        "payments",
        "payments.transfers",
        "Payments.transfer",
        "",
        "\N{CYRILLIC SMALL LETTER ER}ayments.transfer",
    ],
)
def test_another_action_is_refused(lab: TokenLab, action: str) -> None:
    token = lab.issue().text
    with pytest.raises(ActionMismatch) as refusal:
        lab.present(token, action=action)
    assert refusal.value.reason_code == "token_action_mismatch"
    lab.present(token, action=ACTION)
