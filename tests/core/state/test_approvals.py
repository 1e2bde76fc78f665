"""Requests in the file: killed at any step, rows of other hands, forks."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from permit0.errors import InvalidInput
from permit0.model.approval import ApprovalStatus
from permit0.ports import ApprovalStore
from permit0.state.approval_rules import MAX_USE_AFTER, verify_approver
from permit0.state.approvals import MemoryApprovals, SqliteApprovals
from permit0.state.file import STEPS
from permit0.testing.approvals import AT, USE_S, answer_to, refusal, request_for
from permit0.testing.state_file_contract import refusal_of

posix = pytest.mark.skipif(os.name != "posix", reason="needs signals and fork")
REQUEST = request_for()


def damage(path: Path, statement: str) -> None:
    connection = sqlite3.connect(path)
    with connection:
        connection.execute(statement)
    connection.close()


def test_both_are_approval_stores(path: Path) -> None:
    stores: tuple[ApprovalStore, ...] = (MemoryApprovals(), SqliteApprovals(path))
    for store in stores:
        store.open(REQUEST)
        assert len(store.pending(AT)) == 1
    assert MAX_USE_AFTER.total_seconds() == USE_S


DAMAGES = [
    "UPDATE approvals SET digest = hex(zeroblob(32))",
    "UPDATE approvals SET view_digest = hex(zeroblob(32))",
    "UPDATE approvals SET expires = expires + 3600",
    "UPDATE approvals SET created = created + 1",
    "UPDATE approvals SET expires = 'never'",
    "UPDATE approvals SET request = '{}'",
    "UPDATE approvals SET request = 7",
    "UPDATE approvals SET request = x'ff'",
    "UPDATE approvals SET request = replace(CAST(request AS TEXT), 'agent-1', 'agent-2') || ','",
    "UPDATE approvals SET request = replace(CAST(request AS TEXT), 'Vendor Alpha', 'Vendor Omega')",
    "UPDATE approvals SET request = replace(CAST(request AS TEXT), '111', '222')",
    "UPDATE approvals SET answer = '{}'",
    "UPDATE approvals SET answer = 7",
]
PENDING_DAMAGES = [
    "UPDATE approvals SET status = 'approved'",
    "UPDATE approvals SET status = 'rejected'",
    "UPDATE approvals SET status = 'used'",
    "UPDATE approvals SET status = 'blue'",
    "UPDATE approvals SET status = x'00'",
]
ANSWERED_DAMAGES = [
    "UPDATE approvals SET status = 'pending'",
    "UPDATE approvals SET status = 'rejected'",
    "UPDATE approvals SET answer = NULL",
    "UPDATE approvals SET answer = replace(CAST(answer AS TEXT), 'true', 'false')",
    "UPDATE approvals SET answer = replace(CAST(answer AS TEXT), 'true', '1')",
    f"UPDATE approvals SET answer = replace(CAST(answer AS TEXT), '{REQUEST.id}', 'other')",  # noqa: S608
    f"UPDATE approvals SET answer = replace(CAST(answer AS TEXT), '{REQUEST.view_digest}', '')",  # noqa: S608
]


@pytest.mark.parametrize("statement", DAMAGES + PENDING_DAMAGES)
def test_a_pending_row_of_another_hand_is_refused(path: Path, statement: str) -> None:
    store = SqliteApprovals(path)
    store.open(REQUEST)
    store.find(REQUEST.id, AT)
    damage(path, statement)
    for verb in (
        lambda: store.find(REQUEST.id, AT),
        lambda: store.answer(answer_to(REQUEST)),
        lambda: store.use(REQUEST.id, digest=REQUEST.digest, at=AT),
    ):
        assert refusal_of(verb) == "state_corrupt"
    store.open(request_for("another"))
    assert store.find("another", AT) is not None


@pytest.mark.parametrize("statement", DAMAGES + ANSWERED_DAMAGES)
def test_an_answered_row_of_another_hand_is_refused(path: Path, statement: str) -> None:
    store = SqliteApprovals(path)
    store.open(REQUEST)
    store.answer(answer_to(REQUEST))
    store.find(REQUEST.id, AT)
    damage(path, statement)
    for verb in (
        lambda: store.find(REQUEST.id, AT),
        lambda: store.use(REQUEST.id, digest=REQUEST.digest, at=AT + 11),
    ):
        assert refusal_of(verb) == "state_corrupt"


def test_a_row_that_cannot_be_read_is_not_left_out_of_the_list(path: Path) -> None:
    store = SqliteApprovals(path)
    store.open(REQUEST)
    store.open(request_for("good"))
    damage(path, f"UPDATE approvals SET request = '{{}}' WHERE id = '{REQUEST.id}'")  # noqa: S608
    assert refusal_of(lambda: store.pending(AT)) == "state_corrupt"


def test_a_row_under_another_id_is_refused(path: Path) -> None:
    store = SqliteApprovals(path)
    store.open(REQUEST)
    store.answer(answer_to(REQUEST))
    damage(path, "INSERT INTO approvals SELECT 'copy', request, digest, call_id, view_digest, status, "
        "created, expires, answer FROM approvals")  # fmt: skip
    use = lambda: store.use("copy", digest=REQUEST.digest, at=AT + 11)  # noqa: E731
    assert refusal_of(use) == "state_corrupt"
    store.use(REQUEST.id, digest=REQUEST.digest, at=AT + 11)


def test_looking_writes_nothing_and_waits_for_nobody(path: Path) -> None:
    store = SqliteApprovals(path, timeout_s=0.05)
    store.open(REQUEST)
    writer = sqlite3.connect(path, isolation_level=None)
    writer.execute("BEGIN IMMEDIATE")
    assert len(store.pending(AT)) == 1
    found = store.find(REQUEST.id, AT + 1e6)
    assert found is not None
    assert found.status is ApprovalStatus.EXPIRED
    assert refusal_of(lambda: store.answer(answer_to(REQUEST))) == "state_locked"
    writer.execute("COMMIT")
    assert writer.execute("SELECT status FROM approvals").fetchall() == [("pending",)]
    writer.close()
    store.answer(answer_to(REQUEST))


def test_requests_without_an_answer_do_not_stay_in_the_way(path: Path) -> None:
    store = SqliteApprovals(path)
    for i in range(50):
        store.open(request_for(f"id-{i}", created=AT + 400 * i, expires=AT + 400 * i + 300))
    connection = sqlite3.connect(path)
    query = "SELECT status, count(*) FROM approvals GROUP BY status"
    assert connection.execute(query).fetchall() == [("expired", 49), ("pending", 1)]
    connection.close()


KILLED = """
import os, signal, sys
from permit0.state.approvals import SqliteApprovals
from permit0.testing.approvals import AT, answer_to, request_for
path, step, nth = sys.argv[1], sys.argv[2], int(sys.argv[3])
seen = 0
def after(name):
    global seen
    seen += name == step
    if name == step and seen == nth:
        os.kill(os.getpid(), signal.SIGKILL)
store, request = SqliteApprovals(path, after=after), request_for()
store.open(request)
print("pending", flush=True)
store.answer(answer_to(request))
print("approved", flush=True)
store.use(request.id, digest=request.digest, at=AT + 11)
print("used", flush=True)
"""
LATE = ("committed", "released")


@posix
@pytest.mark.parametrize("verb", [1, 2, 3])
@pytest.mark.parametrize("step", STEPS[STEPS.index("locked") :])
def test_killed_after_any_step_a_verb_is_done_wholly_or_not_and_no_lock_is_left(
    path: Path, step: str, verb: int
) -> None:
    done = subprocess.run(
        [sys.executable, "-c", KILLED, str(path), step, str(verb)],
        capture_output=True,
        check=False,
        text=True,
    )
    assert done.returncode == -9, done.stderr
    words = ["pending", "approved", "used"]
    assert done.stdout.split() == words[: verb - 1]
    store = SqliteApprovals(path, timeout_s=0.1)
    kept = verb - (step not in LATE)
    found = store.find(REQUEST.id, AT + 11)
    assert (None if found is None else found.status.value) == ([None, *words][kept])
    if kept == 0:
        store.open(REQUEST)
    if kept <= 1:
        store.answer(answer_to(REQUEST))
    else:
        assert refusal(store.answer, answer_to(REQUEST)) == "approval_answered"
    if kept <= 2:
        store.use(REQUEST.id, digest=REQUEST.digest, at=AT + 11)
    code = refusal(store.use, REQUEST.id, digest=REQUEST.digest, at=AT + 11)
    assert code == "approval_used"


@pytest.mark.parametrize("step", STEPS[STEPS.index("locked") :])
def test_an_exception_at_any_step_leaves_no_lock_and_no_second_use(path: Path, step: str) -> None:
    failing = False

    def after(name: str) -> None:
        if failing and name == step:
            raise KeyboardInterrupt

    store = SqliteApprovals(path, timeout_s=0.1, after=after)
    store.open(REQUEST)
    store.answer(answer_to(REQUEST))
    failing = True
    with pytest.raises(KeyboardInterrupt):
        store.use(REQUEST.id, digest=REQUEST.digest, at=AT + 11)
    failing = False
    if step not in LATE:
        store.use(REQUEST.id, digest=REQUEST.digest, at=AT + 11)
    for again in (store, SqliteApprovals(path, timeout_s=0.1)):
        code = refusal(again.use, REQUEST.id, digest=REQUEST.digest, at=AT + 11)
        assert code == "approval_used"


@posix
def test_a_loss_of_power_takes_nothing(path: Path) -> None:
    """What the system does with a sync is not ours to test; that each commit asks for one is."""
    seen: list[int] = []

    def after(step: str) -> None:
        if step == "begun":
            connection = store._file._guarded.connection
            seen.append(connection.execute("PRAGMA synchronous").fetchone()[0])

    store = SqliteApprovals(path, after=after)
    store.open(REQUEST)
    store.answer(answer_to(REQUEST))
    store.use(REQUEST.id, digest=REQUEST.digest, at=AT + 11)
    assert seen == [2, 2, 2]


@posix
def test_in_memory_a_forked_child_has_no_approvals_of_its_parent() -> None:
    """A copy could be used once on either side."""
    store = MemoryApprovals()
    store.open(REQUEST)
    store.answer(answer_to(REQUEST))
    with store._lock:  # as if another thread were at it
        child = os.fork()
        if child == 0:
            signal.alarm(10)  # a child that waits for the lock for ever fails
            code = ""
            try:
                store.use(REQUEST.id, digest=REQUEST.digest, at=AT + 11)
            except InvalidInput as error:
                code = error.reason_code
            os._exit(code != "approval_unknown")
    assert os.waitpid(child, 0)[1] == 0
    store.use(REQUEST.id, digest=REQUEST.digest, at=AT + 11)


@pytest.mark.parametrize("by", ["bob", "ann.smith", "ann2", "an", "agent-10", "Änn"])
def test_a_name_that_only_resembles_is_another_person(by: str) -> None:
    verify_approver(by, REQUEST)


def test_a_principal_without_a_name_shuts_nobody_out() -> None:
    for principal in (None, "", "  "):
        verify_approver("bob", request_for(principal=principal))
        assert refusal(verify_approver, " ", request_for(principal=principal)) == "approval_by"
