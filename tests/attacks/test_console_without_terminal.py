"""Nobody sits at the terminal: there is none, it hangs up, the input ends, Ctrl-C, time is over. Each is a no.

Elsewhere an end of input at the approval prompt was swallowed, and the tool ran.
"""

from __future__ import annotations

import io
import os
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any, TextIO

import pytest

from permit0.approval.approvers import ConsoleApprover
from permit0.errors import InvalidInput
from permit0.model.approval import ApprovalAnswer, ApprovalStatus
from permit0.testing.approval_lab import ApprovalLab

pty = pytest.importorskip("pty")


class FakeTerminal(io.StringIO):
    """Says that it is a terminal, and has yes in it; there is none behind it."""

    def isatty(self) -> bool:
        return True


def ask(lab: ApprovalLab, stdin: TextIO | None, stdout: TextIO | None) -> ApprovalAnswer:
    answer = ConsoleApprover(by="ann", stdin=stdin, stdout=stdout, clock=lab.clock).ask(lab.open())
    assert answer is not None
    return answer


def closed() -> TextIO:
    file = FakeTerminal("yes\n")
    file.close()
    return file


@pytest.mark.parametrize(
    ("stdin", "stdout"),
    [
        (io.StringIO("yes\n"), FakeTerminal()),
        (FakeTerminal("yes\n"), io.StringIO()),
        (FakeTerminal("yes\n"), FakeTerminal()),
        (closed(), FakeTerminal()),
        (FakeTerminal("yes\n"), closed()),
    ],
)
def test_what_is_no_terminal_says_no(stdin: TextIO, stdout: TextIO) -> None:
    assert not ask(ApprovalLab(), stdin, stdout).approved


def test_program_without_files_says_no(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("stdin", "stdout", "stderr"):
        monkeypatch.setattr(sys, name, None)
    answer = ask(ApprovalLab(), None, None)
    monkeypatch.undo()
    assert not answer.approved


def test_piped_yes_says_no(tmp_path: Path) -> None:
    code = (
        "from permit0.approval.approvers import ConsoleApprover\n"
        "from permit0.testing.approval_lab import ApprovalLab\n"
        "lab = ApprovalLab(); approver = ConsoleApprover(by='ann', clock=lab.clock)\n"
        "print(lab.desk.ask(approver, lab.open()).status.value)\n"
    )
    for text in ("yes\nyes\nyes\n", ""):
        result = subprocess.run(
            [sys.executable, "-c", code], input=text, capture_output=True, text=True, timeout=60,
            check=True, cwd=tmp_path, start_new_session=True,
        )  # fmt: skip
        assert result.stdout == "rejected\n"


class Terminal:
    """A pseudo terminal, and its far end."""

    def __init__(self) -> None:
        self.far, self._near = pty.openpty()
        self.stdin = open(self._near, closefd=False)  # noqa: SIM115  # closed below
        self.stdout = open(self._near, "w", closefd=False)  # noqa: SIM115  # closed below

    def close(self) -> None:
        self.stdin.close()
        self.stdout.close()
        os.close(self._near)
        os.close(self.far)

    def until(self, text: str) -> None:
        seen = ""
        while text not in seen:
            seen += os.read(self.far, 65536).decode()


@pytest.fixture
def terminal() -> Terminal:
    return Terminal()


@pytest.mark.parametrize(
    ("typed", "approved"),
    [
        (["\x04"], False),
        (["yes\x04"], False),
        (["yes\x04\x04"], False),
        (["yes\n", "\x04"], False),
        (["yes\n", "\n"], True),
    ],
)
def test_end_of_input_says_no(terminal: Terminal, typed: list[str], approved: bool) -> None:
    got: list[ApprovalAnswer] = []
    lab = ApprovalLab()
    thread = threading.Thread(
        target=lambda: got.append(ask(lab, terminal.stdin, terminal.stdout)), daemon=True
    )
    thread.start()
    for question, text in zip(("allow: ", "empty): "), typed, strict=False):
        terminal.until(question)
        os.write(terminal.far, text.encode())
    thread.join(30)
    terminal.close()
    assert got[0].approved is approved


def test_terminal_that_hangs_up_says_no(terminal: Terminal) -> None:
    got: list[ApprovalAnswer] = []
    lab = ApprovalLab()
    thread = threading.Thread(
        target=lambda: got.append(ask(lab, terminal.stdin, terminal.stdout)), daemon=True
    )
    thread.start()
    terminal.until("allow: ")
    os.close(terminal.far)
    thread.join(30)
    terminal.far = os.open(os.devnull, os.O_RDONLY)
    terminal.close()
    assert not got[0].approved


@pytest.mark.parametrize("after", [0, 1])
def test_interrupt_says_no(terminal: Terminal, monkeypatch: pytest.MonkeyPatch, after: int) -> None:
    """Ctrl-C at the question, or after a yes at the next one."""
    import select

    wait = select.select
    asked: list[int] = []

    def interrupt(*args: Any) -> Any:
        asked.append(1)
        if len(asked) > after:
            raise KeyboardInterrupt
        os.write(terminal.far, b"yes\n")
        return wait(*args)

    monkeypatch.setattr(select, "select", interrupt)
    answer = ask(ApprovalLab(), terminal.stdin, terminal.stdout)
    monkeypatch.undo()
    terminal.close()
    assert not answer.approved
    assert len(asked) == after + 1


def test_late_yes_is_not_read(terminal: Terminal) -> None:
    lab = ApprovalLab(timeout_s=0.1)
    request = lab.open()
    approver = ConsoleApprover(
        by="ann", stdin=terminal.stdin, stdout=terminal.stdout, clock=lab.clock
    )
    # Whichever of the two notices first: the desk, or the approver that waits at the terminal.
    ended = {ApprovalStatus.EXPIRED, ApprovalStatus.REJECTED}
    assert lab.desk.ask(approver, request).status in ended
    os.write(terminal.far, b"yes\n\n")
    with pytest.raises(InvalidInput) as caught:
        lab.desk.use(request.id, lab.call())
    assert caught.value.reason_code == "approval_rejected"
    terminal.close()


def test_view_that_was_changed_is_not_shown(terminal: Terminal) -> None:
    import msgspec

    lab = ApprovalLab()
    forged = msgspec.structs.replace(lab.open(), view="ALLOW A CUP OF TEA?")
    approver = ConsoleApprover(
        by="ann", stdin=terminal.stdin, stdout=terminal.stdout, clock=lab.clock
    )
    answer = approver.ask(forged)
    terminal.close()
    assert answer is not None
    assert not answer.approved
