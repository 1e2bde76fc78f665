"""The `permit0` command: arguments in, one exit code out.

Guarantees: 0 done, 1 refused or failed check, 2 usage or an input that cannot be read; a
Permit0Error is one sentence on stderr, never a traceback; a closed pipe and Ctrl-C end quietly (141
and 130, as a shell reports these signals). `--help` and `--version` load no engine.
Does not: decide (engine), or know how a command looks (one module per command, beside this one).
"""

from __future__ import annotations

import os
import sys
from importlib import import_module
from typing import TYPE_CHECKING, TextIO

from permit0.cli.parser import make_parser
from permit0.errors import Permit0Error

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["main"]

USAGE = 2
INTERRUPTED = 130  # 128 + SIGINT
PIPE_CLOSED = 141  # 128 + SIGPIPE


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line.

    Args:
        argv: Arguments without the program's name; those of the process by default.

    Returns:
        The exit code.
    """
    for stream in (sys.stdout, sys.stderr):
        _never_fail_to_encode(stream)
    try:
        try:
            options = make_parser().parse_args(argv)
        except SystemExit as done:  # argparse has printed its help or its complaint
            return done.code if isinstance(done.code, int) else USAGE
        command = import_module(f"permit0.cli.{options.module}")
        code: int = command.run(options)
        sys.stdout.flush()
    except Permit0Error as error:
        return _complain(f"{error} ({error.reason_code})")
    except BrokenPipeError:
        _close_quietly(sys.stdout)
        return PIPE_CLOSED
    except KeyboardInterrupt:
        return INTERRUPTED
    return code


def _complain(sentence: str) -> int:
    try:
        sys.stderr.write(f"permit0: {sentence}\n")
    except BrokenPipeError:
        _close_quietly(sys.stderr)
    return USAGE


def _never_fail_to_encode(stream: TextIO) -> None:
    """A character that the terminal cannot show becomes an escape, not an exception."""
    reconfigure = getattr(stream, "reconfigure", None)  # absent where a test or a host replaced it
    if reconfigure is not None:
        reconfigure(errors="backslashreplace")


def _close_quietly(stream: TextIO) -> None:
    """Nobody reads any more; what is still buffered would be reported when Python ends."""
    try:
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, stream.fileno())
        os.close(null)
    except OSError:  # a stream without a descriptor has nothing to report
        return
