"""A function, or a person at a terminal, says yes in exactly one way."""

from __future__ import annotations

import asyncio
import os
import pty
import select
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any, TextIO

import pytest

from permit0.approval.approvers import CallbackApprover, ConsoleApprover
from permit0.errors import InvalidInput
from permit0.model.approval import ApprovalAnswer, ApprovalRequest, ApprovalStatus
from permit0.testing.approval_lab import ApprovalLab

needs_terminal = pytest.mark.skipif(sys.platform == "win32", reason="needs a pseudo terminal")


class Person:
    """The far end of a pseudo terminal: reads what is shown, types what it is told to."""

    def __init__(self, files: ExitStack) -> None:
        self._end, end = pty.openpty()
        files.callback(os.close, self._end)
        files.callback(os.close, end)
        self.stdin: TextIO = files.enter_context(os.fdopen(os.dup(end)))
        self.stdout: TextIO = files.enter_context(os.fdopen(os.dup(end), "w"))
        self.seen = ""

    def read_until(self, text: str) -> str:
        while text not in self.seen:
            assert select.select([self._end], [], [], 30)[0], f"{text!r} never came: {self.seen}"
            self.seen += os.read(self._end, 65536).decode()
        before, _, self.seen = self.seen.partition(text)
        return before

    def type(self, text: str) -> None:
        os.write(self._end, text.encode())


@pytest.fixture
def person() -> Iterator[Person]:
    with ExitStack() as files:
        yield Person(files)


def answer_of(
    lab: ApprovalLab, person: Person, request: ApprovalRequest, *lines: str, by: str | None = "ann"
) -> ApprovalAnswer:
    """What comes of typing these lines, each after its question."""
    got: list[ApprovalAnswer | None] = []
    approver = ConsoleApprover(by=by, stdin=person.stdin, stdout=person.stdout, clock=lab.clock)
    thread = threading.Thread(target=lambda: got.append(approver.ask(request)), daemon=True)
    thread.start()
    questions = ["allow: ", "empty): "] if by else ["allow: ", "]: ", "empty): "]
    for question, line in zip(questions, lines, strict=False):
        person.read_until(question)
        person.type(line)
    thread.join(30)
    assert got
    assert got[0] is not None
    return got[0]


# ---------------------------------------------------------------- callback


@pytest.mark.parametrize(("said", "approved"), [(True, True), (False, False)])
def test_true_and_false_are_answers(lab: ApprovalLab, said: bool, approved: bool) -> None:
    request = lab.open()
    answer = CallbackApprover(lambda request: said, by="ann").ask(request)
    assert answer is not None
    assert (answer.approved, answer.by) == (approved, "ann")
    assert answer.view_digest == request.view_digest


def test_answer_names_its_own_person(lab: ApprovalLab) -> None:
    request = lab.open()
    approver = CallbackApprover(lambda request: lab.yes(request, by="bob"), by="ann")
    state = lab.desk.ask(approver, request)
    assert state.status is ApprovalStatus.APPROVED
    assert state.answer is not None
    assert state.answer.by == "bob"


def test_async_function_is_awaited(lab: ApprovalLab) -> None:
    async def ask(request: ApprovalRequest) -> bool:
        await asyncio.sleep(0)
        return True

    assert lab.desk.ask(CallbackApprover(ask, by="ann"), lab.open()).status.value == "approved"


def test_async_function_can_be_asked_from_an_event_loop(lab: ApprovalLab) -> None:
    async def ask(request: ApprovalRequest) -> bool:
        return True

    async def program() -> str:
        return lab.desk.ask(CallbackApprover(ask, by="ann"), lab.open()).status.value

    assert asyncio.run(program()) == "approved"


@pytest.mark.parametrize("by", ["", "  ", "x" * 257])
def test_approver_needs_a_name(lab: ApprovalLab, by: str) -> None:
    makers: tuple[Callable[[], object], ...] = (
        lambda: CallbackApprover(lambda request: True, by=by),
        lambda: ConsoleApprover(by=by, clock=lab.clock),
    )
    for make in makers:
        with pytest.raises(InvalidInput) as caught:
            make()
        assert caught.value.reason_code == "approver_name"


# ---------------------------------------------------------------- console


@needs_terminal
def test_person_sees_the_view_and_says_yes(lab: ApprovalLab, person: Person) -> None:
    request = lab.open()
    answer = answer_of(lab, person, request, "yes\n", "fine with me\n")
    assert (answer.approved, answer.by, answer.reason) == (True, "ann", "fine with me")
    assert answer.view_digest == request.view_digest
    assert lab.desk.answer(answer).status is ApprovalStatus.APPROVED


@needs_terminal
def test_terminal_shows_exactly_the_view(lab: ApprovalLab, person: Person) -> None:
    request = lab.open()
    shown: list[str] = []

    def read() -> None:
        shown.append(person.read_until("Type yes"))
        person.type("no\n\n")

    reader = threading.Thread(target=read, daemon=True)
    reader.start()
    answer = ConsoleApprover(
        by="ann", stdin=person.stdin, stdout=person.stdout, clock=lab.clock
    ).ask(request)
    reader.join(30)
    rule = "=" * 78
    assert shown[0].replace("\r\n", "\n") == f"\n{rule}\n{request.view}\n{rule}\n"
    assert answer is not None
    assert not answer.approved


@needs_terminal
@pytest.mark.parametrize(
    "line", ["y", "YES", "Yes", "yes ", " yes", "yes!", "", "no", "ja", "yesyes"]
)
def test_every_other_word_refuses(lab: ApprovalLab, person: Person, line: str) -> None:
    answer = answer_of(lab, person, lab.open(), f"{line}\n", "\n")
    assert (answer.approved, answer.by) == (False, "ann")


@needs_terminal
def test_person_is_asked_for_a_name(lab: ApprovalLab, person: Person) -> None:
    answer = answer_of(lab, person, lab.open(), "yes\n", " Zoë\x1b \n", "\n", by=None)
    assert (answer.approved, answer.by) == (True, r"Zoë\u001b")


@needs_terminal
def test_login_name_is_proposed(lab: ApprovalLab, person: Person) -> None:
    import pwd

    answer = answer_of(lab, person, lab.open(), "yes\n", "\n", "\n", by=None)
    assert answer.by == pwd.getpwuid(os.getuid()).pw_name


@needs_terminal
def test_what_was_typed_before_the_question_is_dropped(lab: ApprovalLab, person: Person) -> None:
    person.type("yes\nyes\nyes\n")
    answer = answer_of(lab, person, lab.open(), "no\n", "\n")
    assert not answer.approved


@needs_terminal
def test_two_questions_take_turns(lab: ApprovalLab, person: Person) -> None:
    approver = ConsoleApprover(by="ann", stdin=person.stdin, stdout=person.stdout, clock=lab.clock)
    requests = [lab.open({"n": n}) for n in range(2)]
    got: dict[int, Any] = {}

    def ask(n: int) -> None:
        got[n] = approver.ask(requests[n])

    threads = [threading.Thread(target=ask, args=(n,), daemon=True) for n in range(2)]
    for thread in threads:
        thread.start()
    for _ in range(2):
        view = person.read_until("Type yes to allow: ")
        assert view.count("ALLOW THIS TOOL CALL?") == 1
        person.type("yes\n" if "n = 1" in view else "no\n")
        person.read_until("empty): ")
        person.type("\n")
    for thread in threads:
        thread.join(30)
    assert (got[0].approved, got[1].approved) == (False, True)
