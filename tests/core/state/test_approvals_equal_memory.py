"""Whatever happens in whichever process, the file answers what memory would answer."""

from __future__ import annotations

import math
import tempfile
from collections.abc import Callable
from pathlib import Path

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, invariant, rule

from permit0.errors import InvalidInput
from permit0.model.approval import ApprovalState, ApprovalStatus
from permit0.ports import ApprovalStore
from permit0.state.approvals import MemoryApprovals, SqliteApprovals
from permit0.testing.approvals import AT, answer_to, request_for

DIGESTS = ("1" * 64, "2" * 64)
MOSTLY_RIGHT = st.sampled_from((DIGESTS[0],) * 4 + (DIGESTS[1],))
INSTANCES = st.integers(0, 2)
NOISE = st.sampled_from((0.0,) * 16 + (math.nan, math.inf, -math.inf, -61.0))
WAITS = (0.25, 1.0, 1.0, 10.0, 10.0, 299.75, 300.0, 3599.0, 3600.0, -60.0, -400.0, -4000.0)

ENDS = (ApprovalStatus.USED, ApprovalStatus.REJECTED)

Result = ApprovalState | tuple[ApprovalState, ...] | str | None


def result(store: ApprovalStore, verb: Callable[[ApprovalStore], Result]) -> Result:
    try:
        return verb(store)
    except InvalidInput as error:
        return error.reason_code


class Approvals(RuleBasedStateMachine):
    """Three instances on one file, and one memory."""

    requests = Bundle("requests")

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.now = AT
        self.memory = MemoryApprovals()
        self.stores = [self.make() for _ in range(3)]
        self.opened: list[str] = []
        self.answers: dict[str, int] = {}
        self.uses: dict[str, int] = {}
        self.ended: dict[str, ApprovalStatus] = {}

    def make(self) -> SqliteApprovals:
        store = SqliteApprovals(Path(self.folder.name) / "permit0.db")
        store._file._synced = False  # no power is lost here, and the disk may be slow
        return store

    def same(self, i: int, verb: Callable[[ApprovalStore], Result]) -> Result:
        expected = result(self.memory, verb)
        assert result(self.stores[i], verb) == expected
        return expected

    @rule(target=requests, i=INSTANCES, life=st.sampled_from((5.0, 300.0, 300.0, 300.0)))
    def open(self, i: int, life: float) -> str:
        new = request_for(f"id-{len(self.opened)}", created=self.now, expires=self.now + life)
        assert self.same(i, lambda store: store.open(new)) is None
        self.opened.append(new.id)
        return new.id

    @rule(i=INSTANCES, request=requests)
    def open_again(self, i: int, request: str) -> None:
        new = request_for(request, created=self.now, expires=self.now + 300, digest=DIGESTS[1])
        assert self.same(i, lambda store: store.open(new)) == "approval_exists"

    @rule(
        i=INSTANCES,
        request=requests,
        approved=st.sampled_from((True, True, True, False)),
        by=st.sampled_from(("bob", "bob", "bob", "carol", " Ann", "")),
        view=st.sampled_from((None, None, None, None, "0" * 64)),
        noise=NOISE,
    )
    def answer(
        self, i: int, request: str, approved: bool, by: str, view: str | None, noise: float
    ) -> None:
        template = request_for(request)
        answer = answer_to(
            template,
            approved=approved,
            by=by,
            at=self.now + noise,
            view_digest=view or template.view_digest,
        )
        found = self.same(i, lambda store: store.answer(answer))
        if isinstance(found, ApprovalState):
            assert by in ("bob", "carol") or (by == " Ann" and not approved)
            assert view is None
            assert math.isfinite(noise)
            self.answers[request] = self.answers.get(request, 0) + 1

    @rule(i=INSTANCES, request=requests, digest=MOSTLY_RIGHT, noise=NOISE)
    def use(self, i: int, request: str, digest: str, noise: float) -> None:
        at = self.now + noise
        found = self.same(i, lambda store: store.use(request, digest=digest, at=at))
        if isinstance(found, ApprovalState):
            assert found.status is ApprovalStatus.USED
            assert found.request.digest == digest
            assert found.answer is not None
            assert found.answer.approved
            assert at < found.answer.at + 3600
            self.uses[request] = self.uses.get(request, 0) + 1

    @rule(i=INSTANCES, request=requests, noise=NOISE)
    def look(self, i: int, request: str, noise: float) -> None:
        self.same(i, lambda store: store.find(request, self.now + noise))
        self.same(i, lambda store: store.pending(self.now + noise))

    @rule(seconds=st.sampled_from(WAITS))
    def wait(self, seconds: float) -> None:
        self.now += seconds

    @rule(i=INSTANCES)
    def restart(self, i: int) -> None:
        self.stores[i].close()
        self.stores[i] = self.make()

    @invariant()
    def one_answer_one_use(self) -> None:
        assert all(count == 1 for count in (self.answers | self.uses).values())
        assert all(self.answers.get(request) == 1 for request in self.uses)

    @invariant()
    def what_ended_stays_ended(self) -> None:
        for request, status in self.ended.items():
            found = self.memory.find(request, self.now)
            assert found is not None
            assert found.status is status
        for request in self.opened:
            found = self.stores[0].find(request, AT)
            if found is not None and found.status in ENDS:
                self.ended[request] = found.status

    def teardown(self) -> None:
        for store in self.stores:
            store.close()
        self.folder.cleanup()


TestApprovals = Approvals.TestCase
TestApprovals.settings = settings(max_examples=100, stateful_step_count=40, deadline=None)
