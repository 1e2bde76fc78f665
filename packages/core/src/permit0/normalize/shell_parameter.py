"""An argument that a shell runs: one text, or a list that is an argv to some tools and lines to others.

Guarantees: a value is read as every command that may run, or refused (InvalidInput). Does not: read the
language itself (shell), or say what the commands are (shell_actions).
"""

from __future__ import annotations

import re
import shlex

from permit0.canonical import Json, Unordered
from permit0.errors import InvalidInput
from permit0.model.values import ShellLine
from permit0.normalize.shell import parse_shell

__all__ = ["read_shell"]

_ONE_WORD = re.compile(r"\S+")


def read_shell(value: Json, where: str) -> ShellLine:
    """The commands of an argument.

    Args:
        value: Text, or a list of words or lines.
        where: For messages, "arguments.command"; a name in the plural may hold several lines.

    Raises:
        InvalidInput: It is neither.
    """
    if isinstance(value, Unordered):  # which of its words comes first is not known
        raise InvalidInput(
            f"{where} is a set, which has no order, pass text or a list of words",
            where=where,
            reason_code="shell_not_text",
        )
    if isinstance(value, list):
        words = [word for word in value if isinstance(word, str)]
        if len(words) != len(value):
            raise InvalidInput(
                f"{where} must be text or a list of words",
                where=where,
                reason_code="shell_not_text",
            )
        return _read_list(words, where)
    if not isinstance(value, str):
        raise InvalidInput(
            f"{where} must be text, not {type(value).__name__!r}",
            where=where,
            reason_code="shell_not_text",
        )
    return parse_shell(value)


def _read_list(words: list[str], where: str) -> ShellLine:
    """A list is one argv to some tools and several lines to others.

    Where both can be meant, what runs in either reading is judged: `["rm", "-rf", "/a b"]` read as
    lines is an `rm` without arguments, `["ls", "printenv"]` read as an argv lists a file.
    """
    argv = parse_shell(shlex.join(words))
    several = where.casefold().endswith("s")  # arguments.commands, arguments.lines
    if not words or (not several and all(_ONE_WORD.fullmatch(word) for word in words)):
        return argv
    lines = parse_shell("\n".join(words))
    if not _ONE_WORD.fullmatch(words[0]) and "/" not in words[0]:
        return lines  # no program is called "git status"
    commands = tuple(dict.fromkeys((*argv.commands, *lines.commands)))
    return ShellLine(commands, argv.marks | lines.marks)
