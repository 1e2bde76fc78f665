"""A person approved one call; the agent runs another, or shows the person another."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from permit0.canonical import digest, freeze
from permit0.model.approval import ApprovalRequest, ApprovalStatus
from permit0.ports import ApprovalStore
from permit0.state.approvals import MemoryApprovals, SqliteApprovals
from permit0.testing.approvals import AT, answer_to, refusal, request_for

ASKED: dict[str, object] = {"amount": 120.5, "currency": "USD", "recipient": "Vendor Alpha"}
CHANGED: list[dict[str, object]] = [
    {"amount": 120500},
    {"amount": "120.5"},
    {"amount": True},
    {"currency": "EUR"},
    {"recipient": "Vendor Omega"},
    {"recipient": "vendor alpha"},
    {"recipient": "Vendor Alpha "},
    {"recipient": "Vendor \u0410lpha"},  # a Cyrillic A
    {"memo": ""},
]


@pytest.fixture(params=["memory", "file"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> ApprovalStore:
    if request.param == "memory":
        return MemoryApprovals()
    return SqliteApprovals(tmp_path / "permit0.db")


@pytest.fixture
def asked(store: ApprovalStore) -> ApprovalRequest:
    request = request_for(digest=digest(freeze(ASKED)))
    store.open(request)
    return request


@pytest.mark.parametrize("changes", CHANGED)
def test_an_approval_is_not_for_other_arguments(
    store: ApprovalStore, asked: ApprovalRequest, changes: dict[str, object]
) -> None:
    store.answer(answer_to(asked))
    other = digest(freeze(ASKED | changes))
    assert refusal(store.use, asked.id, digest=other, at=AT + 11) == "approval_other_call"
    same = digest(freeze(dict(reversed(ASKED.items()))))
    assert store.use(asked.id, digest=same, at=AT + 11).status is ApprovalStatus.USED


def test_an_approval_is_not_for_another_request_of_the_same_agent(
    store: ApprovalStore, asked: ApprovalRequest
) -> None:
    other = request_for("other", digest=digest(freeze(ASKED | {"amount": 9000})))
    store.open(other)
    store.answer(answer_to(asked))
    assert refusal(store.use, other.id, digest=other.digest, at=AT + 11) == "approval_pending"
    assert refusal(store.use, asked.id, digest=other.digest, at=AT + 11) == "approval_other_call"
    store.use(asked.id, digest=asked.digest, at=AT + 11)


def test_a_request_cannot_be_exchanged_under_its_id(
    store: ApprovalStore, asked: ApprovalRequest
) -> None:
    other = request_for(asked.id, digest=digest(freeze(ASKED | {"amount": 9000})))
    assert refusal(store.open, other) == "approval_exists"
    store.answer(answer_to(asked))
    assert refusal(store.open, other) == "approval_exists"
    assert refusal(store.use, asked.id, digest=other.digest, at=AT + 11) == "approval_other_call"
    store.use(asked.id, digest=asked.digest, at=AT + 11)


def test_an_answer_about_another_text_is_none(store: ApprovalStore, asked: ApprovalRequest) -> None:
    shown = hashlib.sha256(asked.view.replace("120.50", "1.20").encode()).hexdigest()
    answer = answer_to(asked, view_digest=shown)
    assert refusal(store.answer, answer) == "approval_view_changed"
    code = refusal(store.use, asked.id, digest=asked.digest, at=AT + 11)
    assert code == "approval_pending"
    store.answer(answer_to(asked))


def test_a_request_cannot_show_one_text_and_have_the_digest_of_another(
    store: ApprovalStore, asked: ApprovalRequest
) -> None:
    other = request_for("other", view="payments.transfer: 1.20 USD", view_digest=asked.view_digest)
    assert refusal(store.open, other) == "approval_invalid"
    store.open(request_for("other", view="payments.transfer: 1.20 USD"))
