"""Every approval store keeps the same contract."""

from __future__ import annotations

from pathlib import Path

import pytest

from permit0.state.approvals import MemoryApprovals, SqliteApprovals
from permit0.testing.approval_contract import ApprovalStoreContract, SharedApprovalContract
from permit0.testing.approvals import answer_to, request_for
from permit0.testing.state_file_contract import StateFileContract


class TestMemoryApprovals(ApprovalStoreContract):
    @pytest.fixture(autouse=True)
    def _one(self) -> None:
        self.store = MemoryApprovals()

    def make_store(self) -> MemoryApprovals:
        return self.store


class TestSqliteApprovals(SharedApprovalContract):
    @pytest.fixture(autouse=True)
    def _folder(self, tmp_path: Path) -> None:
        self.path = tmp_path / "permit0.db"

    def make_store(self) -> SqliteApprovals:
        return SqliteApprovals(self.path)

    def source(self) -> str:
        return (
            "from permit0.state.approvals import SqliteApprovals\n"
            f"def make(): return SqliteApprovals({str(self.path)!r})\n"
        )


class TestOpeningOnFile(StateFileContract[SqliteApprovals]):
    def make_file_store(
        self, path: Path, *, timeout_s: float = 5.0, max_bytes: int | None = None
    ) -> SqliteApprovals:
        return SqliteApprovals(path, timeout_s=timeout_s, max_bytes=max_bytes)

    def write(self, store: SqliteApprovals, n: int) -> None:
        store.open(request_for(f"id-{n}"))


class TestAnsweringOnFile(TestOpeningOnFile):
    def write(self, store: SqliteApprovals, n: int) -> None:
        """Three transactions; a second try goes on where the file was full."""
        request = request_for(f"id-{n}")
        found = store.find(request.id, request.created)
        if found is None:
            store.open(request)
        if found is None or found.answer is None:
            store.answer(answer_to(request))
        store.use(request.id, digest=request.digest, at=request.created + 11)
