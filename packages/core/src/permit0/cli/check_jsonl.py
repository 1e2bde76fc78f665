"""`permit0 check --jsonl`: JSON lines in, one JSON line out for each, in order. See DESIGN 10.

Guarantees:
  1. A line that cannot be answered gives {"id", "error"} in its place, and the run goes on: bad
     JSON or UTF-8, a member that appears twice, an unknown or ill-typed field, more than
     MAX_LINE_BYTES.
  2. Whatever has been read is answered before more is waited for, so that another program can
     talk line by line; lines that arrive together are written together.
  3. Memory is that of the longest line and of the session store, however many lines come.
  4. `output` reaches the session only after allow, or after human with `approved: true`.
Does not: keep the clock from jumping back; a session never goes back in time by itself.
"""

from __future__ import annotations

import json
import math
import re
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import BinaryIO, Protocol

from permit0.canonical import freeze
from permit0.cli.inputs import JsonReader, stdin_bytes
from permit0.clock import SystemClock
from permit0.engine import Engine
from permit0.errors import InvalidInput, Permit0Error
from permit0.model.call import ToolCall
from permit0.model.decision import Decision
from permit0.model.vocabulary import Outcome
from permit0.words import nearest

__all__ = ["LineClock", "LineDecider", "run_lines"]

MAX_LINE_BYTES = (
    4 << 20
)  # DESIGN 10; arguments are refused above 1 MiB, escapes may need four times that
CHUNK_BYTES = 1 << 16
BOM = b"\xef\xbb\xbf"

_REQUIRED = ("session", "tool", "args")
_TEXTS = ("session", "tool", "agent", "principal", "description", "framework", "task")
_FIELDS = ("id", *_REQUIRED, *_TEXTS[2:], "schema", "output", "ts", "approved")
_KNOWN = frozenset(_FIELDS)
_SURROGATE = re.compile("[\ud800-\udfff]")
_encode = json.JSONEncoder(separators=(",", ":"), allow_nan=False).encode
_text_of = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


class SettableClock(Protocol):
    """A Clock that takes the time of a line."""

    def now(self) -> float:
        """Unix seconds, UTC."""

    def set(self, at: float | None) -> None:
        """Take the time of a line; None if it says none."""


class LineClock:
    """The time of the line that is being answered: its `ts`, or the system's clock."""

    def __init__(self) -> None:
        self._system = SystemClock()
        self._at: float | None = None

    def now(self) -> float:
        """Unix seconds, UTC."""
        return self._system.now() if self._at is None else self._at

    def set(self, at: float | None) -> None:
        """Take the time of a line; None for the system's clock."""
        self._at = at


def run_lines(engine: Engine, clock: LineClock, source: str) -> int:
    """Answer every line of a file, or of stdin for "-".

    Args:
        engine: Decides; it must have been built with `clock`.
        clock: Is set by the lines.
        source: Path, or "-".

    Returns:
        0: every line was answered, be it with an error.

    Raises:
        InvalidInput: The file cannot be opened or read.
    """
    decider = LineDecider(engine, clock)
    out = sys.stdout.buffer
    try:
        if source == "-":
            _converse(decider, stdin_bytes(), out)
        else:
            with Path(source).open("rb") as lines:
                _converse(decider, lines, out)
    except BrokenPipeError:
        raise  # nobody reads the answers any more; the command ends quietly
    except (OSError, ValueError) as error:  # ValueError: a NUL in the name
        raise InvalidInput(
            f"{source!r} cannot be read: {type(error).__name__}", reason_code="unreadable_file"
        ) from error
    return 0


def _converse(decider: LineDecider, lines: BinaryIO, out: BinaryIO) -> None:
    for batch in _batches(lines):
        answers = [answer for line in batch if (answer := decider.answer(line)) is not None]
        if answers:
            out.write("".join(answers).encode())
            out.flush()


def _batches(stream: BinaryIO) -> Iterator[list[bytes | None]]:
    """The lines that are there without waiting, again and again; None for one that is too long."""
    read1 = getattr(stream, "read1", stream.read)
    rest: list[bytes] = []  # pieces of the line that has not ended yet
    length = 0
    skipping = False  # inside a line that is too long and has been reported
    first = True
    while chunk := read1(CHUNK_BYTES):
        if first:
            chunk, first = chunk.removeprefix(BOM), False
        batch: list[bytes | None] = []
        *ended, tail = chunk.split(b"\n")
        for piece in ended:
            if skipping:
                skipping = False
            elif length + len(piece) > MAX_LINE_BYTES:
                batch.append(None)
            else:
                batch.append(b"".join((*rest, piece)) if rest else piece)
            rest, length = [], 0
        if not skipping:
            rest.append(tail)
            length += len(tail)
            if length > MAX_LINE_BYTES:
                batch.append(None)
                skipping, rest, length = True, [], 0
        if batch:
            yield batch
    if length:
        yield [b"".join(rest)]


class LineDecider:
    """Answers single lines. Not safe for threads: the clock belongs to one line at a time."""

    def __init__(self, engine: Engine, clock: SettableClock) -> None:
        self._engine = engine
        self._clock = clock
        self._reader = JsonReader()

    def answer(self, line: bytes | None) -> str | None:
        """The answer with its line end; None for a blank line. `line` None: it was too long."""
        shown: object = None
        try:
            if line is None:
                raise InvalidInput(f"the line is longer than {MAX_LINE_BYTES} bytes")
            if not line.strip():
                return None
            fields = self._fields(line)
            shown = _identity(fields)
            _check_names(fields, self._reader.twice)
            answer = answer_of(shown, self._decide(fields))
        except Permit0Error as error:
            answer = {"id": shown, "error": str(error)}
        return _encode(answer) + "\n"

    def replay(self, line: bytes) -> Decision:
        """Decide one line that must be good.

        Raises:
            InvalidInput: It is not.
        """
        fields = self._fields(line)
        _identity(fields)
        _check_names(fields, self._reader.twice)
        return self._decide(fields)

    def _fields(self, line: bytes) -> dict[str, object]:
        try:
            text = line.decode()
        except UnicodeDecodeError as error:
            raise InvalidInput("the line is not UTF-8") from error
        value = self._reader.read(text)
        if not isinstance(value, dict):
            raise InvalidInput(f"the line must be an object, not {type(value).__name__!r}")
        return value

    def _decide(self, fields: Mapping[str, object]) -> Decision:
        texts = {name: _text(fields, name) for name in _TEXTS}
        schema, output = fields.get("schema"), fields.get("output")
        approved = _switch(fields, "approved")
        arguments = fields["args"]
        if not isinstance(arguments, dict):
            raise InvalidInput(f"'args' must be an object, not {type(arguments).__name__!r}")
        self._clock.set(_time(fields))
        tool = texts["tool"] or ""
        session = texts["session"] or ""
        agent = texts["agent"] or "default"
        principal = texts["principal"]
        try:
            frozen = freeze(arguments)
        except InvalidInput:
            # The engine says the same, as the decision that it is.
            return self._engine.check(
                tool, arguments, session=session, agent=agent, principal=principal
            )
        call = ToolCall(
            tool=tool,
            arguments=frozen,
            session=session,
            agent=agent,
            principal=principal,
            framework=texts["framework"] or "",
            description=texts["description"] or "",
            schema=_as_text(schema),
            task=texts["task"] or "",
        )
        decision = self._engine.decide(call)
        runs = decision.outcome is Outcome.ALLOW or (decision.outcome is Outcome.HUMAN and approved)
        if output is not None and runs:
            self._engine.report(call, _as_text(output), decision=decision)
        return decision


def answer_of(identity: object, decision: Decision) -> dict[str, object]:
    """The line out for a decision, as plain values."""
    action = decision.action
    answer: dict[str, object] = {
        "id": identity,
        "action": action,
        "domain": action.partition(".")[0],
    }
    if len(decision.actions) > 1:
        answer["actions"] = [item.action.action for item in decision.actions]
    answer["tier"] = decision.tier.value
    answer["score"] = decision.score
    answer["decision"] = decision.outcome.value
    answer["flags"] = [flag.value for flag in decision.flags]
    answer["rules"] = list(decision.rules)
    answer["reason"] = decision.reason
    return answer


def _identity(fields: Mapping[str, object]) -> object:
    value = fields.get("id")
    if isinstance(value, float) and not math.isfinite(value):
        raise InvalidInput("'id' must be a finite number")
    if value is not None and not isinstance(value, bool | int | float | str):
        raise InvalidInput(f"'id' must be text or a number, not {type(value).__name__!r}")
    return value


def _check_names(fields: Mapping[str, object], twice: str | None) -> None:
    if twice is not None:
        raise InvalidInput(f"member {twice!r} appears twice, which one is meant is not known")
    if not fields.keys() <= _KNOWN:
        name = next(name for name in fields if name not in _KNOWN)
        # An ignored field might have been meant to make the decision stricter.
        raise InvalidInput(f"unknown field {name[:80]!r}{nearest(name[:80], _FIELDS)}")
    for name in _REQUIRED:
        if fields.get(name) is None:
            raise InvalidInput(f"field {name!r} is missing")


def _text(fields: Mapping[str, object], name: str) -> str | None:
    value = fields.get(name)
    if value is None:
        return None
    if not isinstance(value, str):
        raise InvalidInput(f"{name!r} must be text, not {type(value).__name__!r}")
    if not value.isascii() and _SURROGATE.search(value):
        raise InvalidInput(f"{name!r} holds half a surrogate pair, which is no text")
    return value


def _switch(fields: Mapping[str, object], name: str) -> bool:
    value = fields.get(name)
    if value is None:
        return False
    if not isinstance(value, bool):
        raise InvalidInput(f"{name!r} must be true or false, not {type(value).__name__!r}")
    return value


def _time(fields: Mapping[str, object]) -> float | None:
    value = fields.get("ts")
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise InvalidInput(f"'ts' must be unix seconds, not {type(value).__name__!r}")
    try:
        at = float(value)
    except OverflowError:
        at = math.inf
    if not math.isfinite(at) or at < 0:
        raise InvalidInput("'ts' must be unix seconds, finite and not negative")
    return at


def _as_text(value: object) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else _text_of(value)
