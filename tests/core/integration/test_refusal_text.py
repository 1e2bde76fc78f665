"""What an agent is told: enough to go on, nothing of the policy, no argument."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

import permit0
from permit0.integration import Gate, refusal_text


def told(gate: Gate, tool: str, arguments: Mapping[str, object]) -> str:
    with pytest.raises(permit0.Permit0Error) as refused:
        gate.enter(tool, arguments)
    return refusal_text(refused.value)


def test_a_call_that_needs_a_person_names_its_request(gate: Gate) -> None:
    text = told(gate, "payments.charge", {"amount": 5000, "customer": "cus_1"})
    assert "a person has to approve it first (request " in text


def test_a_refusal_names_the_tool_and_not_the_entry(gate: Gate) -> None:
    text = told(gate, "danger", {"path": "/srv/secret"})
    assert "danger" in text
    assert "operator does not allow it" in text
    assert "/srv/secret" not in text
    assert "says no" not in text


def test_a_session_block_gives_no_limit_away(gate: Gate) -> None:
    for number in range(4):
        arguments = {"amount": 1, "customer": f"cus_{number}"}
        try:
            gate.enter("payments.charge", arguments)
        except permit0.ApprovalRequired:
            continue
    text = told(gate, "payments.charge", {"amount": 1, "customer": "cus_9"})
    assert "earlier in this session" in text
    assert not any(char.isdigit() for char in text.removeprefix("permit0"))


def test_arguments_that_cannot_be_read_can_be_mended(gate: Gate) -> None:
    text = told(gate, "payments.charge", {"amount": "5,000 or so", "customer": "cus_1"})
    assert "amount" in text
    assert "Correct the arguments" in text
    assert "or so" not in text


@pytest.mark.parametrize("error", [RuntimeError("password=hunter2"), KeyError("hunter2")])
def test_a_foreign_exception_is_a_refusal_without_its_words(error: Exception) -> None:
    text = refusal_text(error)
    assert "did not let this call run" in text
    assert "hunter2" not in text
