"""A person said yes to one call; the yes is presented for another one, or for the same one twice."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from permit0.errors import ApprovalRequired, Denied
from permit0.guard import Guard
from permit0.identity import Identity
from permit0.model.approval import ApprovalAnswer, ApprovalRequest
from permit0.model.claims import Authority
from permit0.testing.deployment import DeploymentLab
from permit0.testing.races import race_processes, race_threads

TOOL = "payments.transfer"
ASKED: dict[str, object] = {"amount": 5000, "currency": "USD", "recipient": "Vendor Alpha"}
WHO = Identity(session="s", agent="buyer", principal="ann")


@pytest.fixture
def lab(tmp_path: Path) -> DeploymentLab:
    return DeploymentLab(tmp_path)


@pytest.fixture
def guard(lab: DeploymentLab) -> Guard:
    return lab.guard()


def ask(guard: Guard, **call: Any) -> ApprovalRequest:
    with pytest.raises(ApprovalRequired) as caught:
        guard.admit(TOOL, ASKED, identity=WHO, **call)
    assert isinstance(caught.value.request, ApprovalRequest)
    return caught.value.request


def say_yes(guard: Guard, request: ApprovalRequest) -> str:
    assert guard.desk is not None
    guard.desk.answer(
        ApprovalAnswer(
            request=request.id,
            approved=True,
            by="carol",
            reason="",
            view_digest=request.view_digest,
            at=0.0,
        )
    )
    return request.id


def outcome(run: Callable[[], object]) -> str:
    try:
        run()
    except Denied as error:
        return error.reason_code
    return "ran"


OTHERS: dict[str, dict[str, Any]] = {
    "another amount": {"arguments": ASKED | {"amount": 5001}},
    "one argument more": {"arguments": ASKED | {"memo": ""}},
    "another tool with the same arguments": {"tool": "payments.payout"},
    "another session": {"identity": Identity("t", "buyer", "ann")},
    "another agent": {"identity": Identity("s", "seller", "ann")},
    "another principal": {"identity": Identity("s", "buyer", "bob")},
    "no principal": {"identity": Identity("s", "buyer")},
}


@pytest.mark.parametrize("what", OTHERS)
@pytest.mark.parametrize("answered", [True, False])
def test_an_approval_is_not_for_another_call(
    guard: Guard, lab: DeploymentLab, what: str, *, answered: bool
) -> None:
    request = ask(guard)
    if answered:
        say_yes(guard, request)
    call: dict[str, Any] = {"tool": TOOL, "arguments": ASKED, "identity": WHO} | OTHERS[what]
    with pytest.raises(Denied) as caught:  # it is decided anew, and needs a yes of its own
        guard.admit(**call, approval=request.id)
    assert getattr(caught.value, "request", None) != request
    codes = [bytes(r.body) for r in lab.records() if b"approval_other_call" in bytes(r.body)]
    assert codes, "the attempt is on record"
    if answered:
        permit = guard.admit(TOOL, ASKED, identity=WHO, approval=request.id)
        assert permit.decision.approval is not None


def test_an_approval_is_for_one_call(guard: Guard) -> None:
    request = say_yes(guard, ask(guard))
    uses = [
        outcome(lambda: guard.admit(TOOL, ASKED, identity=WHO, approval=request)) for _ in range(3)
    ]
    assert uses == ["ran", "approval_used", "approval_used"]
    assert outcome(lambda: guard.admit(TOOL, ASKED, identity=WHO)) == "floor_high"


def test_the_same_call_id_is_a_new_call_once_its_approval_was_used(guard: Guard) -> None:
    first = ask(guard, call_id="c-1")
    assert ask(guard, call_id="c-1") == first  # asked once, however often it is tried
    say_yes(guard, first)
    assert outcome(lambda: guard.admit(TOOL, ASKED, identity=WHO, call_id="c-1")) == "ran"
    second = ask(guard, call_id="c-1")
    assert second.id != first.id
    # Another identical call under another id does not meet the approval of the first.
    say_yes(guard, second)
    assert ask(guard, call_id="c-2").id not in (first.id, second.id)


def test_an_approval_buys_one_token_for_one_gateway(lab: DeploymentLab, guard: Guard) -> None:
    gateway, ran = lab.gateway(), list[object]()

    @gateway.tool(TOOL)
    def wire(amount: int, currency: str, recipient: str) -> None:
        ran.append(amount)

    request = say_yes(guard, ask(guard))
    token = guard.token_for(TOOL, ASKED, audience="gw", identity=WHO, approval=request)
    assert token.claims.by is Authority.HUMAN
    assert token.claims.apv is not None
    code = outcome(
        lambda: guard.token_for(TOOL, ASKED, audience="gw", identity=WHO, approval=request)
    )
    assert code == "approval_used"
    wire(**ASKED, permit=token.text)
    assert ran == [5000]


def test_of_many_threads_one_runs(guard: Guard) -> None:
    request = say_yes(guard, ask(guard))
    runs = [lambda: outcome(lambda: guard.admit(TOOL, ASKED, identity=WHO, approval=request))] * 16
    assert Counter(race_threads(runs)) == {"ran": 1, "approval_used": 15}


USER = """
from permit0.build import build_guard
from permit0.errors import Denied
from permit0.identity import Identity
guard = build_guard({config!r})
def run():
    found = []
    for request in {requests!r}:
        try:
            guard.admit({tool!r}, {asked!r}, identity=Identity("s", "buyer", "ann"), approval=request)
            found.append(1)
        except Denied as error:
            assert error.reason_code == "approval_used", error.reason_code
            found.append(0)
    return found
"""


def test_of_many_processes_one_runs(lab: DeploymentLab, guard: Guard) -> None:
    requests = [say_yes(guard, ask(guard)) for _ in range(5)]
    source = USER.format(config=str(lab.config), requests=requests, tool=TOOL, asked=ASKED)
    lines = race_processes([source] * 4)
    runs = [[int(digit) for digit in line if digit in "01"] for line in lines]
    assert [sum(of_one) for of_one in zip(*runs, strict=True)] == [1] * len(requests)
    used = [bytes(r.body) for r in lab.records() if r.kind == "approval"]
    assert sum(b'"event":"used"' in body for body in used) == len(requests)
