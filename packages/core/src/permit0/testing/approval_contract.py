"""What every ApprovalStore promises, as tests to inherit.

    class TestMyStore(SharedApprovalContract):
        def make_store(self):
            return MyStore(...)

        def source(self):
            return "def make(): return MyStore(...)"

ApprovalStoreContract is for a store of one process; SharedApprovalContract adds what is seen beyond it and
survives it. Every test begins with an empty store.
"""

from __future__ import annotations

import math
import os
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from typing import Any

from permit0.errors import InvalidInput
from permit0.model.approval import ApprovalAnswer, ApprovalState, ApprovalStatus
from permit0.testing.approval_time_contract import ApprovalTimeContract, status_of
from permit0.testing.approvals import AT, WAIT_S, answer_to, refusal, request_for
from permit0.testing.races import race_processes, race_threads

__all__ = ["ApprovalStoreContract", "SharedApprovalContract"]

OTHER = "f" * 64  # the digest of something else

# Pairs of a principal and an approver who is the same person in another spelling.
SAME = (
    ("ann", "ann"),
    ("ann", " ann\n"),
    ("ann", "ANN"),
    ("ann", "ａｎｎ"),
    ("ann", "a\u200bnn"),
    ("ann", "ann\ufe0f"),
    ("ann", "an\u00adn\x00"),
    ("ann smith", "Ann  \u00a0Smith"),
    ("STRASSE", "straße"),
    ("é", "e\u0301"),
    ("ﬁona", "Fiona"),
    ("İ", "i̇"),
)


class ApprovalStoreContract(ApprovalTimeContract):
    """For a store of one process, or any other."""

    # ------------------------------------------------------------ the straight way

    def test_a_request_is_answered_and_used(self) -> None:
        store, request = self._opened()
        waiting = ApprovalState(request, ApprovalStatus.PENDING, None)
        assert store.find(request.id, AT) == waiting
        assert store.pending(AT) == (waiting,)
        answer = answer_to(request)
        approved = ApprovalState(request, ApprovalStatus.APPROVED, answer)
        assert store.answer(answer) == approved == store.find(request.id, AT + 11)
        assert store.pending(AT + 11) == ()
        spent = ApprovalState(request, ApprovalStatus.USED, answer)
        assert store.use(request.id, digest=request.digest, at=AT + 12) == spent
        assert store.find(request.id, AT + 12) == spent

    def test_a_rejection_stays_and_is_never_used(self) -> None:
        store, request = self._opened()
        rejected = store.answer(answer_to(request, approved=False))
        assert rejected.status is ApprovalStatus.REJECTED
        code = refusal(store.use, request.id, digest=request.digest, at=AT + 11)
        assert code == "approval_rejected"
        assert store.find(request.id, AT + 1e6) == rejected

    def test_what_waits_is_listed_oldest_first(self) -> None:
        store = self.make_store()
        for i, created in enumerate((AT + 2, AT, AT + 1, AT)):
            store.open(request_for(f"id-{i}", created=created, expires=AT + WAIT_S))
        assert [s.request.id for s in store.pending(AT + 3)] == ["id-1", "id-3", "id-2", "id-0"]
        store.answer(answer_to(request_for("id-3")))
        assert [s.request.id for s in store.pending(AT + 3)] == ["id-1", "id-2", "id-0"]

    def test_a_request_comes_back_as_it_was(self) -> None:
        odd = "\x00 \u202e'\"; --\n\U0001f600"
        store, request = self._opened(
            principal=None, view=odd, tool=odd, reason=odd, score=0.1 + 0.2
        )
        answer = answer_to(request, reason=odd, by="Łukasz 'b'", at=AT + 0.1)
        assert store.answer(answer) == store.find(request.id, AT + 1)
        found = store.find(request.id, AT + 1)
        assert found is not None
        assert (found.request, found.answer) == (request, answer)

    # ------------------------------------------------------------ refusals

    def test_an_unknown_id_is_refused(self) -> None:
        store, request = self._opened()
        for other in ("", "1" * 32, request.id + "\x00", request.id[:-1], "\ud800"):
            assert store.find(other, AT) is None
            code = refusal(store.use, other, digest=request.digest, at=AT)
            assert code == "approval_unknown"
        assert refusal(store.answer, answer_to(request_for("1" * 32))) == "approval_unknown"

    def test_an_id_is_opened_once(self) -> None:
        store, request = self._approved()
        for again in (request, request_for(digest=OTHER)):
            assert refusal(store.open, again) == "approval_exists"
        assert status_of(store, AT + 11) is ApprovalStatus.APPROVED

    def test_what_would_not_come_back_as_it_is_is_not_kept(self) -> None:
        store = self.make_store()
        broken: list[dict[str, Any]] = [
            {"id": ""},
            {"score": math.nan},
            {"created": math.nan},
            {"created": -math.inf},
            {"expires": math.inf},
            {"expires": AT},
            {"created": 10**400},
            {"principal": 5},
            {"tier": "blue"},
            {"view_digest": OTHER},
            {"view": "\ud800"},
            {"agent": "\ud800"},
        ]
        for changes in broken:
            code = refusal(store.open, request_for(**changes))
            assert code == "approval_invalid", changes
        assert store.pending(AT) == ()
        store.open(request_for())

    def test_an_answer_of_the_wrong_form_is_not_taken(self) -> None:
        store, request = self._opened()
        broken: list[dict[str, Any]] = [
            {"approved": "false"},
            {"approved": 1},
            {"approved": None},
            {"at": math.nan},
            {"at": math.inf},
            {"at": -math.inf},
            {"by": None},
            {"reason": "\ud800"},
        ]
        for changes in broken:
            code = refusal(store.answer, answer_to(request, **changes))
            assert code == "approval_invalid", changes
        assert status_of(store, AT) is ApprovalStatus.PENDING
        store.answer(answer_to(request))

    def test_the_second_answer_is_refused_whatever_it_says(self) -> None:
        for first in (True, False):
            store, request = self.make_store(), request_for(f"first {first}")
            store.open(request)
            kept = store.answer(answer_to(request, approved=first))
            for second in (True, False):
                answer = answer_to(request, approved=second, by="carol")
                assert refusal(store.answer, answer) == "approval_answered"
            assert store.find(request.id, AT + 11) == kept

    def test_an_answer_about_another_view_is_refused(self) -> None:
        store, request = self._opened()
        for view_digest in (OTHER, "", request.view_digest.upper(), request.digest):
            answer = answer_to(request, view_digest=view_digest)
            assert refusal(store.answer, answer) == "approval_view_changed"
        assert status_of(store, AT) is ApprovalStatus.PENDING
        store.answer(answer_to(request))

    def test_whoever_asked_cannot_approve_and_may_say_no(self) -> None:
        for i, (asked, by) in enumerate(SAME):
            for principal, agent in ((asked, "agent-1"), (None, asked)):
                store = self.make_store()
                request = request_for(f"{i}-{agent}", principal=principal, agent=agent)
                store.open(request)
                assert refusal(store.answer, answer_to(request, by=by)) == "approval_self", by
                store.answer(answer_to(request, by="bob" if i % 2 else by, approved=bool(i % 2)))

    def test_nobody_is_no_approver(self) -> None:
        store, request = self._opened(principal=None)
        for by in ("", " \t\n", "\u200b", "\u3164", "\x00", "x" * 257):
            answer = answer_to(request, by=by)
            assert refusal(store.answer, answer) == "approval_by"
        store.answer(answer_to(request))

    def test_an_approval_is_used_once(self) -> None:
        store, request = self._approved()
        store.use(request.id, digest=request.digest, at=AT + 11)
        for at in (AT + 11, AT, AT + 1e6):
            code = refusal(store.use, request.id, digest=request.digest, at=at)
            assert code == "approval_used"

    def test_an_approval_is_for_its_arguments_only(self) -> None:
        store, request = self._approved()
        for digest in (OTHER, "", request.digest[:-1], request.view_digest):
            code = refusal(store.use, request.id, digest=digest, at=AT + 11)
            assert code == "approval_other_call"
        store.use(request.id, digest=request.digest, at=AT + 11)

    def test_who_does_not_know_the_arguments_learns_nothing(self) -> None:
        store, request = self._opened()
        moves: list[Callable[[], object]] = [
            lambda: None,
            lambda: store.answer(answer_to(request)),
            lambda: store.use(request.id, digest=request.digest, at=AT + 11),
        ]
        for move in moves:
            move()
            code = refusal(store.use, request.id, digest=OTHER, at=AT + 11)
            assert code == "approval_other_call"

    def test_what_was_not_answered_is_not_used(self) -> None:
        store, request = self._opened()
        code = refusal(store.use, request.id, digest=request.digest, at=AT + 1)
        assert code == "approval_pending"
        store.answer(answer_to(request))
        store.use(request.id, digest=request.digest, at=AT + 11)

    # ------------------------------------------------------------ many at once

    def test_a_call_that_is_tried_again_meets_its_latest_request(self) -> None:
        store = self.make_store()
        first = request_for("id-1", call_id="call-1", created=AT)
        later = request_for("id-2", call_id="call-1", created=AT + 1)
        for request in (later, first, request_for("id-3"), request_for("id-4", call_id="call-2")):
            store.open(request)
        asked = {"session": first.session, "agent": first.agent, "digest": first.digest}
        found = store.find_call(**asked, call_id="call-1", at=AT + 2)
        assert found is not None
        assert (found.request, found.status) == (later, ApprovalStatus.PENDING)
        expired = store.find_call(**asked, call_id="call-1", at=AT + 1e6)
        assert expired is not None
        assert expired.status is ApprovalStatus.EXPIRED
        for other in ({"session": "other"}, {"agent": "other"}, {"digest": OTHER}):
            assert store.find_call(**asked | other, call_id="call-1", at=AT + 2) is None
        for call_id in ("", "call-3"):
            assert store.find_call(**asked, call_id=call_id, at=AT + 2) is None

    def test_of_64_threads_one_answers(self) -> None:
        store, request = self._opened()

        answers = [answer_to(request, by=f"p{i}", approved=i % 2 == 0) for i in range(64)]

        def attempt(answer: ApprovalAnswer) -> str:
            try:
                state = store.answer(answer)
            except InvalidInput as error:
                return error.reason_code
            assert state.answer == answer
            return "won"

        results = race_threads([partial(attempt, answer) for answer in answers])
        assert sorted(results) == ["approval_answered"] * 63 + ["won"]
        found = store.find(request.id, AT + 11)
        assert found is not None
        assert found.answer == answers[results.index("won")]

    def test_of_64_threads_one_uses(self) -> None:
        store, request = self._approved()

        def attempt() -> str:
            try:
                return store.use(request.id, digest=request.digest, at=AT + 11).status.value
            except InvalidInput as error:
                return error.reason_code

        assert sorted(race_threads([attempt] * 64)) == ["approval_used"] * 63 + ["used"]


class SharedApprovalContract(ApprovalStoreContract):
    """For a store whose requests are seen by every instance, in every process, and survive them."""

    def source(self) -> str:
        """Python source that defines `make()`: another process's make_store."""
        raise NotImplementedError

    def _racer(self, verb: str) -> str:
        return (
            f"{self.source()}\n"
            "from permit0.errors import InvalidInput\n"
            "from permit0.testing.approvals import AT, answer_to, request_for\n"
            "store = make()\n"
            "def run():\n"
            "    won = 0\n"
            "    for i in range(15):\n"
            "        request = request_for(f'id-{i}')\n"
            "        try:\n"
            f"            {verb}\n"
            "            won += 1\n"
            "        except InvalidInput as error:\n"
            "            assert error.reason_code in ('approval_answered', 'approval_used')\n"
            "    return won\n"
        )

    def test_what_waits_survives_a_restart_and_is_answered_elsewhere(self) -> None:
        first, request = self._opened()
        second = self.make_store()
        assert [state.request for state in second.pending(AT)] == [request]
        second.answer(answer_to(request))
        first.use(request.id, digest=request.digest, at=AT + 11)
        for store in (first, second, self.make_store()):
            assert status_of(store, AT + 11) is ApprovalStatus.USED

    def test_an_expiry_is_kept_in_every_instance(self) -> None:
        first, request = self._opened()
        late = answer_to(request, at=AT + WAIT_S)
        assert refusal(first.answer, late) == "approval_expired"
        assert refusal(self.make_store().answer, answer_to(request)) == "approval_expired"

    def test_of_eight_processes_one_answers_and_one_uses(self) -> None:
        store = self.make_store()
        for i in range(15):
            store.open(request_for(f"id-{i}"))
        answering = self._racer("store.answer(answer_to(request))")
        assert sum(map(int, race_processes([answering] * 8))) == 15
        using = self._racer("store.use(request.id, digest=request.digest, at=AT + 11)")
        assert sum(map(int, race_processes([using] * 8))) == 15
        assert all(status_of(store, AT, f"id-{i}") is ApprovalStatus.USED for i in range(15))

    def test_what_a_killed_process_had_used_stays_used(self) -> None:
        """It may have used one more than it could say; never is one used twice."""
        if os.name != "posix":
            return
        code = (
            f"{self.source()}\n"
            "from permit0.testing.approvals import AT, answer_to, request_for\n"
            "store = make()\n"
            "for i in range(10**9):\n"
            "    request = request_for(f'id-{i}')\n"
            "    store.open(request)\n"
            "    store.answer(answer_to(request))\n"
            "    store.use(request.id, digest=request.digest, at=AT + 11)\n"
            "    print(i, flush=True)\n"
        )
        process = subprocess.Popen(  # noqa: S603  # our own interpreter and source
            [sys.executable, "-c", code], stdout=subprocess.PIPE, text=True
        )
        assert process.stdout is not None
        for _ in range(20):
            process.stdout.readline()
        process.kill()
        said = 20 + len(process.communicate()[0].splitlines())
        store = self.make_store()
        statuses = [status_of(store, AT + 11, f"id-{i}") for i in range(said)]
        assert statuses == [ApprovalStatus.USED] * said
        assert status_of(store, AT + 11, f"id-{said + 1}") is None
        store.open(request_for("new"))  # and no lock was left

    def test_after_a_fork_one_side_uses(self) -> None:
        if not hasattr(os, "fork"):
            return
        store, request = self._approved()
        children = []
        for _ in range(3):
            child = os.fork()
            if child == 0:
                end = 9
                try:
                    store.use(request.id, digest=request.digest, at=AT + 11)
                    end = 1
                except InvalidInput as error:
                    end = 0 if error.reason_code == "approval_used" else 9
                finally:
                    os._exit(end)
            children.append(child)
        ended = [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children]
        assert sorted(ended) == [0, 0, 1]
        code = refusal(store.use, request.id, digest=request.digest, at=AT + 11)
        assert code == "approval_used"
