"""What every ApprovalStore promises about time; part of ApprovalStoreContract (approval_contract.py)."""

from __future__ import annotations

import math
from typing import Any

from permit0.errors import InvalidInput
from permit0.model.approval import ApprovalRequest, ApprovalStatus
from permit0.ports import ApprovalStore
from permit0.testing.approvals import AT, USE_S, WAIT_S, answer_to, refusal, request_for

__all__ = ["ApprovalTimeContract", "status_of"]


def status_of(store: ApprovalStore, at: float, request: str = "0" * 32) -> ApprovalStatus | None:
    """The status of a request as seen at a time; None if it is not known."""
    found = store.find(request, at)
    return None if found is None else found.status


class ApprovalTimeContract:
    """Until when an answer and a use count, and what a strange clock can do."""

    def make_store(self) -> ApprovalStore:
        """The store to test; called again in a test, another one on the same requests if there is one."""
        raise NotImplementedError

    def _opened(self, **changes: Any) -> tuple[ApprovalStore, ApprovalRequest]:
        store, request = self.make_store(), request_for(**changes)
        store.open(request)
        return store, request

    def _approved(self, **changes: Any) -> tuple[ApprovalStore, ApprovalRequest]:
        store, request = self._opened(**changes)
        store.answer(answer_to(request))
        return store, request

    def test_an_answer_counts_until_just_before_the_end(self) -> None:
        store = self.make_store()
        early, late = request_for("early"), request_for("late")
        store.open(early)
        store.open(late)
        store.answer(answer_to(early, at=AT + WAIT_S - 0.25))
        code = refusal(store.answer, answer_to(late, at=AT + WAIT_S))
        assert code == "approval_expired"

    def test_a_use_counts_until_an_hour_after_the_answer(self) -> None:
        store = self.make_store()
        given = AT + 10
        for name, after, code in (("a", USE_S - 0.25, ""), ("b", USE_S, "approval_expired")):
            request = request_for(name)
            store.open(request)
            store.answer(answer_to(request, at=given))
            try:
                store.use(name, digest=request.digest, at=given + after)
            except InvalidInput as error:
                assert error.reason_code == code  # noqa: PT017  # pytest may be absent here
            else:
                assert code == ""

    def test_looking_says_expired_and_keeps_nothing(self) -> None:
        store, request = self._opened()
        assert status_of(store, AT + WAIT_S) is ApprovalStatus.EXPIRED
        assert store.pending(AT + WAIT_S) == ()
        assert status_of(store, AT + 1) is ApprovalStatus.PENDING
        store.answer(answer_to(request))
        assert status_of(store, AT + 10 + USE_S) is ApprovalStatus.EXPIRED
        assert status_of(store, AT + 11) is ApprovalStatus.APPROVED

    def test_time_that_goes_back_revives_nothing(self) -> None:
        store = self.make_store()
        requests = [request_for(f"id-{i}") for i in range(4)]
        for request in requests:
            store.open(request)
        late = AT + WAIT_S + 1
        first, second, third, fourth = requests
        assert refusal(store.answer, answer_to(first, at=late)) == "approval_expired"

        def attempt(request: ApprovalRequest, at: float) -> None:
            store.use(request.id, digest=request.digest, at=at)

        assert refusal(attempt, second, late) == "approval_expired"
        store.answer(answer_to(fourth))
        assert refusal(attempt, fourth, AT + 10 + USE_S) == "approval_expired"
        store.open(request_for("new", created=late, expires=late + 1))
        for request in (first, second, third):
            assert status_of(store, AT + 1, request.id) is ApprovalStatus.EXPIRED
            assert refusal(store.answer, answer_to(request)) == "approval_expired"
        assert status_of(store, AT + 11, fourth.id) is ApprovalStatus.EXPIRED
        assert refusal(attempt, fourth, AT + 11) == "approval_expired"
        assert refusal(store.answer, answer_to(fourth)) == "approval_answered"

    def test_a_time_that_is_none_never_helps_and_harms_nobody(self) -> None:
        store, request = self._opened()
        for answered in (False, True):
            for at in (math.nan, math.inf, -math.inf, 0.0, AT - 61):
                assert status_of(store, at) is ApprovalStatus.EXPIRED
                assert store.pending(at) == ()
                code = refusal(store.use, request.id, digest=request.digest, at=at)
                assert code == "approval_expired"
            if not answered:
                early = answer_to(request, at=AT - 61)
                assert refusal(store.answer, early) == "approval_expired"
                store.answer(answer_to(request))
        store.use(request.id, digest=request.digest, at=AT + 11)

    def test_clocks_may_differ_by_a_minute(self) -> None:
        store, request = self._opened()
        store.answer(answer_to(request, at=AT - 59))
        assert status_of(store, AT - 118) is ApprovalStatus.APPROVED
        store.use(request.id, digest=request.digest, at=AT - 118)
