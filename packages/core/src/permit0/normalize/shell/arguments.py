"""Split an argument list into options, their values and operands, as getopt would.

Guarantees: knows `-abc`, `-ovalue`, `-o value`, `--long=value`, `--long value`, `--`, and GNU's
unambiguous abbreviations through Args.has. Options may follow operands, as GNU allows.
Does not: know which options exist; only which take values (commands.VALUED).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from permit0.normalize.shell.commands import VALUED
from permit0.normalize.shell.parts import Draft

__all__ = ["Args", "by_args", "parse_args", "split_arguments"]

_NONE: tuple[str, frozenset[str]] = ("", frozenset())


class Args:
    """options: (name, value) in order; short names as "-x". operands: the other words."""

    __slots__ = ("operands", "options")

    def __init__(self, options: list[tuple[str, str]], operands: list[str]) -> None:
        self.options = options
        self.operands = operands

    def has(self, *names: str) -> bool:
        """Whether one of the options is given; a long one also by a prefix of 5 letters or more."""
        for option, _ in self.options:
            if option in names:
                return True
            abbreviated = len(option) >= 5 and option.startswith("--")
            if abbreviated and any(name.startswith(option) for name in names):
                return True
        return False

    def values(self, *names: str) -> list[str]:
        """The values of the given options."""
        return [value for option, value in self.options if option in names and value]


def parse_args(program: str, argv: list[str]) -> Args:
    """Split `argv` for `program`."""
    short, long = VALUED.get(program, _NONE)
    options: list[tuple[str, str]] = []
    operands: list[str] = []
    index = 0
    end = len(argv)
    while index < end:
        word = argv[index]
        index += 1
        if len(word) < 2 or word[0] != "-":
            operands.append(word)
        elif word == "--":
            operands += argv[index:]
            break
        elif word[1] == "-":
            name, equals, value = word.partition("=")
            if not equals and name in long and index < end:
                # Kept as the very word, so that what is known of its origin stays with it.
                value = argv[index]
                index += 1
            options.append((name, value))
        else:
            for position in range(1, len(word)):
                letter = word[position]
                if letter in short:
                    value = word[position + 1 :]
                    if not value and index < end:
                        value = argv[index]
                        index += 1
                    options.append(("-" + letter, value))
                    break
                options.append(("-" + letter, ""))
    return Args(options, operands)


def split_arguments(
    program: str, argv: Sequence[str]
) -> tuple[Sequence[tuple[str, str]], Sequence[str]]:
    """Options with their values, and operands, of a finished command."""
    args = parse_args(program, list(argv))
    return args.options, args.operands


def by_args(rule: Callable[[Draft, Args], bool]) -> Callable[[Draft], bool]:
    """A rule that wants the split arguments, as one that takes the Draft alone."""

    def apply(draft: Draft) -> bool:
        return rule(draft, parse_args(draft.program, draft.argv))

    return apply
