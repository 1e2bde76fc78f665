"""Ways to ask a person: a function of yours, or the terminal.

Guarantees:
  1. Only `True` itself, or an ApprovalAnswer, is an answer of a function; another truthy object is an
     error, and an error is a no.
  2. On the terminal only the word `yes` allows, typed after the question was shown: what was typed before
     is dropped. No terminal, an end of input, Ctrl-C, another word: a no.
  3. What the terminal shows is the view whose digest the answer carries, wrapped for its width,
     and nothing in it moves the cursor.
  4. Nobody reads the terminal after the request's time is over, so that a late line answers nothing.
Does not: know that whoever types a name bears it (use CallbackApprover where people are authenticated), give
the answer its time (desk), or stop reading in time on Windows, where a late line answers nothing either.

Reason codes, InvalidInput: approver_bad_answer; approver_name (`by` is blank).
"""

from __future__ import annotations

import contextlib
import os
import sys
import threading
from collections.abc import Awaitable, Callable
from hashlib import sha256
from typing import TextIO

from permit0.approval.answers import MACHINE, MAX_NAME_CHARS, MAX_REASON_CHARS
from permit0.approval.view import COLUMNS, rewrap
from permit0.errors import InvalidInput
from permit0.model.approval import ApprovalAnswer, ApprovalRequest
from permit0.ports import Clock
from permit0.timebox import settle
from permit0.visible import escape

__all__ = ["CallbackApprover", "ConsoleApprover"]

Said = bool | ApprovalAnswer | None
YES = "yes"
MAX_LINE_BYTES = 4096  # what a terminal hands over as one line


class CallbackApprover:
    """Asks a function, sync or async.

    Args:
        function: Gets the request and returns True (yes), False (no), None (nobody was asked, the answer
            will come from elsewhere), or an ApprovalAnswer that names the person.
        by: Who answers, where the function only says True or False.
    """

    def __init__(
        self, function: Callable[[ApprovalRequest], Said | Awaitable[Said]], *, by: str
    ) -> None:
        self._function = function
        self._by = _checked_name(by)

    def ask(self, request: ApprovalRequest) -> ApprovalAnswer | None:
        said = settle(self._function(request))
        if said is None or type(said) is ApprovalAnswer:
            return said
        # `is`: a text, a NumPy bool or a mock object is true as well.
        if said is not True and said is not False:
            raise InvalidInput(
                f"the approver's function returned a {type(said).__name__!r}, return True or False",
                reason_code="approver_bad_answer",
            )
        return _answer(request, approved=said is True, by=self._by, reason="")


class ConsoleApprover:
    """Asks whoever sits at the terminal; one question at a time.

    Args:
        by: Who sits there; without it the person is asked, and the login name is proposed.
        stdin: Where the person types; the program's by default.
        stdout: Where the person reads; by default the program's output, or its error output if that
            is the terminal. Both must be terminals.
        clock: Tells the time.
    """

    def __init__(
        self,
        *,
        by: str | None = None,
        stdin: TextIO | None = None,
        stdout: TextIO | None = None,
        clock: Clock,
    ) -> None:
        self._by = None if by is None else _checked_name(by)
        self._stdin = stdin
        self._stdout = stdout
        self._clock = clock
        self._turn = threading.Lock()

    def ask(self, request: ApprovalRequest) -> ApprovalAnswer | None:
        if not self._turn.acquire(timeout=self._left(request)):
            return None  # the person was busy with another question all the time
        try:
            return self._ask(request)
        finally:
            self._turn.release()

    def _ask(self, request: ApprovalRequest) -> ApprovalAnswer:
        by, reason, approved = MACHINE, "", False
        try:
            page = _open_page(self._stdin, self._stdout, lambda: self._left(request))
            if sha256(request.view.encode()).hexdigest() != request.view_digest:
                raise EOFError("the view is not the one that was asked about")
            page.show(request.view)
            approved = page.read(f"Type {YES} to allow: ") == YES
            by = self._by or page.name()
            reason = page.words("Reason (may be empty): ")
            page.write(f"{'Allowed once' if approved else 'Refused'}, by {by}.\n")
        except KeyboardInterrupt:
            approved, reason = False, "interrupted"
        except (EOFError, OSError, ValueError) as error:  # ValueError: a closed file
            approved, reason = False, str(error)
        return _answer(request, approved=approved, by=by, reason=reason)

    def _left(self, request: ApprovalRequest) -> float:
        """Seconds until nobody may answer any more."""
        return max(0.0, min(request.expires - self._clock.now(), threading.TIMEOUT_MAX))


class _Page:
    """One question on one terminal. left: tells for how many seconds it may still be answered."""

    def __init__(self, source: TextIO, target: TextIO, left: Callable[[], float]) -> None:
        self._source = source
        self._target = target
        self._left = left

    def show(self, view: str) -> None:
        """The view, behind a line that no view contains, and an empty input."""
        width = self._width()
        # Printable or escaped: this text came out of a store.
        lines = rewrap(view, width).split("\n")
        self.write("\n" + "=" * width + "\n")
        self.write("".join(f"{_printable(line)}\n" for line in lines))
        self.write("=" * width + "\n")
        _drop_input(self._source)

    def name(self) -> str:
        """Who sits there, as the person says."""
        login = _login()
        said = self.words(f"Your name{f' [{login}]' if login else ''}: ") or login
        if not said or len(said) > MAX_NAME_CHARS:
            raise EOFError("nobody gave a name")
        return said

    def words(self, prompt: str) -> str:
        """A line for the record."""
        return escape(self.read(prompt).strip(), alone=True)[:MAX_REASON_CHARS]

    def read(self, prompt: str) -> str:
        """One line, as it was typed.

        Raises:
            EOFError: The input or the time ended first.
        """
        self.write(prompt)
        line = _line(self._source, self._left())
        if not line.endswith("\n"):  # Ctrl-D in the middle of a line, or a terminal without lines
            raise EOFError("the input ended")
        return line[:-1]

    def write(self, text: str) -> None:
        encoding = self._target.encoding or "ascii"
        self._target.write(text.encode(encoding, "backslashreplace").decode(encoding))
        self._target.flush()

    def _width(self) -> int:
        try:
            columns = os.get_terminal_size(self._target.fileno()).columns
        except OSError:
            columns = 0
        # A terminal that does not know its width says 0. The last column stays free: some wrap there.
        return min(columns - 1 if columns > 0 else COLUMNS, COLUMNS)


def _open_page(stdin: TextIO | None, stdout: TextIO | None, left: Callable[[], float]) -> _Page:
    """Where the question is shown.

    Raises:
        EOFError: There is nobody who sees it and can type an answer.
    """
    source = sys.stdin if stdin is None else stdin
    targets = (sys.stdout, sys.stderr) if stdout is None else (stdout,)
    target = next((file for file in targets if _is_terminal(file)), None)
    if target is None or not _is_terminal(source):
        raise EOFError("there is no terminal to ask at")
    if _in_background(source):
        raise EOFError("the program runs in the background of its terminal")
    return _Page(source, target, left)


def _in_background(source: TextIO) -> bool:
    """Whether the terminal would stop the program, with everything in it, for reading."""
    if sys.platform == "win32":
        return False
    try:
        return os.tcgetpgrp(source.fileno()) != os.getpgrp()
    except OSError:  # a terminal that does not control this program stops nothing
        return False


def _drop_input(source: TextIO) -> None:
    """Forget what was typed before the question could be read."""
    if sys.platform == "win32":
        import msvcrt

        while msvcrt.kbhit():
            msvcrt.getwch()
    else:
        import termios

        try:
            termios.tcflush(source.fileno(), termios.TCIFLUSH)
        except termios.error as error:
            raise EOFError("the terminal does not answer") from error


def _line(source: TextIO, timeout_s: float) -> str:
    """One line with its end; "" if there is none."""
    if sys.platform == "win32":
        return source.readline()
    import select

    number = source.fileno()
    if not select.select([number], [], [], timeout_s)[0]:
        raise EOFError("nobody answered in time")
    # Not through the file's buffer, in which lines could wait that nobody typed for us.
    data = os.read(number, MAX_LINE_BYTES)
    return data.decode(source.encoding or "utf-8", "backslashreplace")


def _is_terminal(file: TextIO | None) -> bool:
    try:
        return file is not None and file.isatty()  # None: a program without a console
    except ValueError:  # it is closed
        return False


def _login() -> str:
    """The login name as the operating system knows it; the environment can say anything."""
    if sys.platform == "win32":
        return os.getlogin()
    import pwd

    with contextlib.suppress(KeyError):  # a container's user may have no name
        return pwd.getpwuid(os.getuid()).pw_name
    return ""


def _printable(line: str) -> str:
    return line if line.isprintable() else escape(line)


def _checked_name(by: str) -> str:
    if not by.strip() or len(by) > MAX_NAME_CHARS:
        raise InvalidInput(
            f"an approver needs a name of 1 to {MAX_NAME_CHARS} characters",
            where="by",
            reason_code="approver_name",
        )
    return by.strip()


def _answer(request: ApprovalRequest, *, approved: bool, by: str, reason: str) -> ApprovalAnswer:
    return ApprovalAnswer(
        request=request.id,
        approved=approved,
        by=by,
        reason=reason,
        view_digest=request.view_digest,
        at=request.created,
    )
