"""What holds for a desk in whatever order things happen to it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, invariant, rule

from permit0.approval.approvers import CallbackApprover
from permit0.errors import Permit0Error
from permit0.model.approval import ApprovalRequest
from permit0.testing.approval_lab import ApprovalLab, make_decision


class Desk(RuleBasedStateMachine):
    """Whatever happens in whatever order: a claim needs one recorded yes, and comes once."""

    requests: Bundle[ApprovalRequest] = Bundle("requests")

    def __init__(self) -> None:
        super().__init__()
        self.lab = ApprovalLab()
        self.claims: list[str] = []

    @rule(target=requests, n=st.integers(0, 2))
    def open(self, n: int) -> ApprovalRequest:
        self.lab.broken = False
        return self.lab.open({"n": n})

    @rule(request=requests, approved=st.booleans(), by=st.sampled_from(["ann", "maria"]))
    def answer(self, request: ApprovalRequest, approved: bool, by: str) -> None:
        self._try(lambda: self.lab.desk.answer(self.lab.yes(request, approved=approved, by=by)))

    @rule(request=requests, said=st.sampled_from([True, False, None, "yes"]))
    def ask(self, request: ApprovalRequest, said: Any) -> None:
        approver = CallbackApprover(lambda request: said, by="ann")
        self._try(lambda: self.lab.desk.ask(approver, request))

    @rule(request=requests, n=st.integers(0, 2))
    def use(self, request: ApprovalRequest, n: int) -> None:
        call = self.lab.call({"n": n})
        claim = self._try(lambda: self.lab.desk.use(request.id, call))
        if claim is not None:
            assert request.digest == make_decision(call).digest
            self.claims.append(request.id)

    @rule(seconds=st.sampled_from([1.0, 200.0, -50.0]))
    def wait(self, seconds: float) -> None:
        self.lab.clock.advance(seconds)

    @rule(broken=st.booleans())
    def log(self, broken: bool) -> None:
        self.lab.broken = broken

    @invariant()
    def every_claim_is_on_record(self) -> None:
        assert len(set(self.claims)) == len(self.claims)
        for claim in self.claims:
            told = [(e.event, e.code, e.by) for e in self.lab.events if e.request.id == claim]
            assert told[0][0] == "requested"
            assert ("answered", "", "ann") in told
            assert told.count(("used", "", "ann")) == 1
            assert told.index(("answered", "", "ann")) < told.index(("used", "", "ann"))

    def _try(self, act: Callable[[], object]) -> object:
        try:
            return act()
        except Permit0Error:
            return None


TestDesk = Desk.TestCase
TestDesk.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)
