"""One approval is used by many at once, by threads and by processes, and again after a restart."""

from __future__ import annotations

from collections import Counter
from functools import partial
from pathlib import Path

import pytest

from permit0.errors import InvalidInput
from permit0.model.approval import ApprovalStatus
from permit0.ports import ApprovalStore
from permit0.state.approvals import MemoryApprovals, SqliteApprovals
from permit0.testing.approvals import AT, answer_to, refusal, request_for
from permit0.testing.races import race_processes, race_threads


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "permit0.db"


def use(store: ApprovalStore, request: str) -> str:
    try:
        return store.use(request, digest="1" * 64, at=AT + 11).status.value
    except InvalidInput as error:
        return error.reason_code


def approve(store: ApprovalStore, name: str) -> str:
    request = request_for(name)
    store.open(request)
    store.answer(answer_to(request))
    return name


@pytest.mark.parametrize("kind", ["memory", "one file", "eight on one file"])
def test_of_64_threads_one_uses_it(path: Path, kind: str) -> None:
    stores: list[ApprovalStore] = (
        [MemoryApprovals()]
        if kind == "memory"
        else [SqliteApprovals(path) for _ in range(8 if kind.startswith("eight") else 1)]
    )
    for i in range(5):
        name = approve(stores[0], f"id-{i}")
        uses = [partial(use, stores[n % len(stores)], name) for n in range(64)]
        assert Counter(race_threads(uses)) == {"used": 1, "approval_used": 63}


USER = """
from permit0.errors import InvalidInput
from permit0.state.approvals import SqliteApprovals
from permit0.testing.approvals import AT
store = SqliteApprovals({path!r})
def run():
    used = []
    for i in range(40):
        try:
            store.use(f"id-{{i}}", digest="1" * 64, at=AT + 11)
            used.append(1)
        except InvalidInput as error:
            assert error.reason_code == "approval_used", error.reason_code
            used.append(0)
    return used
"""


def test_of_eight_processes_one_uses_it(path: Path) -> None:
    store = SqliteApprovals(path)
    for i in range(40):
        approve(store, f"id-{i}")
    lines = race_processes([USER.format(path=str(path))] * 8)
    uses = [[int(digit) for digit in line if digit in "01"] for line in lines]
    assert [sum(of_one) for of_one in zip(*uses, strict=True)] == [1] * 40


def test_opening_answering_or_restarting_gives_no_second_use(path: Path) -> None:
    store = SqliteApprovals(path)
    request = request_for()
    approve(store, request.id)
    assert use(store, request.id) == "used"
    store.close()
    again = SqliteApprovals(path)
    assert refusal(again.open, request) == "approval_exists"
    assert refusal(again.answer, answer_to(request, by="carol")) == "approval_answered"
    assert use(again, request.id) == "approval_used"
    found = again.find(request.id, AT)
    assert found is not None
    assert found.status is ApprovalStatus.USED


def test_an_answer_that_comes_while_it_is_used_does_not_help(path: Path) -> None:
    """Rejected by one and approved by another at once: what was first counts, for everybody."""
    for i in range(20):
        stores = [SqliteApprovals(path) for _ in range(3)]
        request = request_for(f"id-{i}")
        stores[0].open(request)

        def answer(store: ApprovalStore, approved: bool, request: str = request.id) -> str:
            try:
                yes = answer_to(request_for(request), approved=approved)
                return store.answer(yes).status.value
            except InvalidInput as error:
                return error.reason_code

        results = race_threads(
            [
                partial(answer, stores[0], True),
                partial(answer, stores[1], False),
                partial(use, stores[2], request.id),
            ]
        )
        approved = "approved" in results
        assert approved != ("rejected" in results)
        later = use(stores[0], request.id)
        if results[2] == "used":
            assert approved
            assert later == "approval_used"
        else:
            assert later == ("used" if approved else "approval_rejected")
