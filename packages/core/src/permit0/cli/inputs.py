"""What a person or a program hands to the command line, read exactly or refused with a sentence.

Guarantees: a member that appears twice is found; NaN and Infinity come through as floats, so that
the engine refuses them by name; text that is no JSON, too deep or too long a number is an InvalidInput.
Does not: judge arguments (engine).
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from permit0.errors import InvalidInput

if TYPE_CHECKING:
    from argparse import Namespace
    from typing import BinaryIO

__all__ = ["JsonReader", "read_arguments", "read_bounded", "stdin_bytes"]

MAX_INPUT_BYTES = 4 << 20  # arguments are refused above 1 MiB; escapes may need four times that


class JsonReader:
    """Reads JSON texts, and remembers which member appeared twice in the last one."""

    def __init__(self) -> None:
        self.twice: str | None = None
        self._decoder = json.JSONDecoder(object_pairs_hook=self._object)

    def read(self, text: str) -> object:
        """The value of a text.

        Raises:
            InvalidInput: No JSON, nested too deeply, or a number with too many digits.
        """
        self.twice = None
        try:
            value: object = self._decoder.decode(text)
        except json.JSONDecodeError as error:
            place = f"column {error.colno}" if error.lineno == 1 else f"line {error.lineno}"
            what = error.msg[:1].lower() + error.msg[1:]
            raise InvalidInput(
                f"no valid JSON, {what} at {place}", reason_code="bad_json"
            ) from error
        except RecursionError as error:
            raise InvalidInput("the JSON is nested too deeply", reason_code="bad_json") from error
        except ValueError as error:  # int() refuses more than 4300 digits
            raise InvalidInput("a number has too many digits", reason_code="bad_json") from error
        return value

    def _object(self, members: list[tuple[str, object]]) -> dict[str, object]:
        found = dict(members)
        if len(found) != len(members) and self.twice is None:
            names = [name for name, _ in members]
            self.twice = next(name for name in names if names.count(name) > 1)
        return found


def stdin_bytes() -> BinaryIO:
    """Standard input as bytes."""
    return sys.stdin.buffer


def read_bounded(source: str) -> str:
    """All text of a file, or of stdin for "-".

    Raises:
        InvalidInput: It cannot be read, is longer than MAX_INPUT_BYTES or is not UTF-8.
    """
    shown = "stdin" if source == "-" else repr(source)
    try:
        if source == "-":
            data = stdin_bytes().read(MAX_INPUT_BYTES + 1)
        else:
            with Path(source).open("rb") as file:
                data = file.read(MAX_INPUT_BYTES + 1)
    except (OSError, ValueError) as error:  # ValueError: a NUL in the name
        raise InvalidInput(
            f"{shown} cannot be read: {type(error).__name__}", reason_code="unreadable_file"
        ) from error
    if len(data) > MAX_INPUT_BYTES:
        raise InvalidInput(
            f"{shown} is longer than {MAX_INPUT_BYTES} bytes", reason_code="arguments_too_long"
        )
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InvalidInput(f"{shown} is not UTF-8", reason_code="bad_encoding") from error


def read_arguments(options: Namespace) -> dict[str, object]:
    """The arguments of a call: ARGS, or `--arg` as often as needed.

    Raises:
        InvalidInput: They are no JSON object, name something twice, or are given in both ways.
    """
    given: str | None = options.args
    pairs: list[str] = options.arg
    if given is not None and pairs:
        raise InvalidInput("give ARGS or --arg, not both", reason_code="bad_usage")
    if given is None:
        return _from_pairs(pairs)
    text = given
    if given == "-" or given.startswith("@"):
        text = read_bounded(given.removeprefix("@"))
    reader = JsonReader()
    value = reader.read(text)
    if reader.twice is not None:
        raise InvalidInput(
            f"member {reader.twice!r} appears twice, which one is meant is not known",
            reason_code="duplicate_member",
        )
    if not isinstance(value, dict):
        raise InvalidInput(
            f"ARGS must be a JSON object, not {type(value).__name__!r}",
            reason_code="arguments_not_object",
        )
    return value


def _from_pairs(pairs: list[str]) -> dict[str, object]:
    arguments: dict[str, object] = {}
    for count, pair in enumerate(pairs, start=1):
        name, equals, text = pair.partition("=")
        if not equals or not name:
            raise InvalidInput(f"--arg number {count} is not NAME=VALUE", reason_code="bad_usage")
        if name in arguments:
            raise InvalidInput(
                f"--arg {name!r} is given twice, give a list as JSON",
                reason_code="duplicate_member",
            )
        reader = JsonReader()
        try:
            value = reader.read(text)
        except InvalidInput:  # then it is the text itself
            value = text
        if reader.twice is not None:
            raise InvalidInput(
                f"member {reader.twice!r} of --arg {name!r} appears twice",
                reason_code="duplicate_member",
            )
        arguments[name] = value
    return arguments
