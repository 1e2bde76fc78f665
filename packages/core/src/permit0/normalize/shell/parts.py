"""The intermediate forms between a parsed line and ShellCommand.

Guarantees: plain data; one State per call of parse_shell, nothing shared between calls.
Does not: parse (syntax, scan), expand (words), peel (peel) or judge (classify).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, NamedTuple

import msgspec
from msgspec.structs import replace

from permit0.errors import InvalidInput
from permit0.model.values import ShellCommand
from permit0.normalize.shell.features import MAX_COMMANDS, MAX_EXPANSION_BYTES, MAX_WORDS

__all__ = [
    "DYNAMIC",
    "GLOB",
    "QUOTED",
    "SUBST",
    "Draft",
    "Feed",
    "Frame",
    "Redirect",
    "State",
    "Word",
    "flags_of",
]

DYNAMIC: Final = 1  # depends on an expansion that could not be resolved
SUBST: Final = 2  # holds a command or process substitution
GLOB: Final = 4  # holds an unquoted *, ? or [
QUOTED: Final = 8  # some of it was quoted


class Word(str):
    """One word after expansion, with what is known about where its text came from.

    A plain `str` is used for a word without any flag; flags_of() reads both.
    """

    __slots__ = ("flags",)
    flags: int

    def __new__(cls, text: str, flags: int) -> Word:
        self = super().__new__(cls, text)
        self.flags = flags
        return self


def flags_of(word: str) -> int:
    """The flags of a word; 0 for a plain str."""
    return word.flags if type(word) is Word else 0


class Redirect(NamedTuple):
    """One redirection. op: "<", ">", ">>", ">|", "<>", "&>", "&>>", ">&", "<&"."""

    op: str
    target: str


class Feed(msgspec.Struct, frozen=True, gc=False):
    """What arrives on standard input. kind: "pipe" or "text"; text: None if it is not known."""

    kind: str
    drafts: tuple[Draft, ...]
    text: str | None


class Frame(msgspec.Struct, frozen=True, gc=False):
    """The surroundings of a command: everything an enclosing construct passes down."""

    wrappers: tuple[str, ...] = ()
    inherited: frozenset[str] = frozenset()
    redirects: tuple[Redirect, ...] = ()
    feed: Feed | None = None
    depth: int = 0
    reparse: int = 0

    def deeper(self) -> Frame:
        """The same, one level of nesting down."""
        return replace(self, depth=self.depth + 1)

    def fed(self, feed: Feed) -> Frame:
        """The same with another standard input."""
        return replace(self, feed=feed)


class Draft:
    """A ShellCommand in the making."""

    __slots__ = (
        "argv",
        "deletes",
        "features",
        "feed",
        "hosts",
        "inner",
        "program",
        "reads",
        "redirects",
        "statements",
        "urls",
        "wrappers",
        "writes",
    )

    def __init__(
        self,
        program: str,
        argv: list[str],
        frame: Frame,
        redirects: tuple[Redirect, ...] = (),
        inner: tuple[Draft, ...] = (),
    ) -> None:
        self.program = program
        self.argv = argv
        self.wrappers = frame.wrappers
        self.features: set[str] = set(frame.inherited)
        self.redirects = redirects
        self.feed = frame.feed
        self.inner = inner  # the commands of its substitutions
        self.reads: list[str] = []
        self.writes: list[str] = []
        self.deletes: list[str] = []
        self.urls: list[str] = []
        self.hosts: list[str] = []
        self.statements: tuple[tuple[str, str], ...] = ()

    def freeze(self, fix: Callable[[str], str]) -> ShellCommand:
        """The finished value; `fix` turns the byte view of a word into its text."""
        return ShellCommand(
            fix(self.program),
            # Most words need no fixing: the question is put here, not in a call for each.
            tuple([w if type(w) is str and w.isascii() else fix(w) for w in self.argv]),
            self.wrappers,
            frozenset(self.features),
            _distinct(self.reads, fix) if self.reads else (),
            _distinct(self.writes, fix) if self.writes else (),
            _distinct(self.deletes, fix) if self.deletes else (),
            _distinct(self.urls, fix) if self.urls else (),
            _distinct(self.hosts, fix) if self.hosts else (),
            tuple([(dialect, fix(text)) for dialect, text in self.statements])
            if self.statements
            else (),
        )


def _distinct(words: list[str], fix: Callable[[str], str]) -> tuple[str, ...]:
    return tuple([fix(word) for word in dict.fromkeys(words)])


class State:
    """Everything learnt about one line so far."""

    __slots__ = (
        "aliases",
        "arrays",
        "bodies",
        "choice",
        "copies",
        "drafts",
        "expanded",
        "files",
        "functions",
        "in_function",
        "marks",
        "positional",
        "read_text",
        "variables",
        "widest",
        "words",
    )

    def __init__(self, read_text: Callable[[State, str, Frame], None]) -> None:
        self.read_text = read_text
        self.drafts: list[Draft] = []
        self.marks: set[str] = set()
        self.variables: dict[str, list[str]] = {}  # every value assigned in the line, in order
        self.arrays: dict[str, list[str]] = {}
        self.aliases: dict[str, str] = {}
        self.functions: set[str] = set()
        self.files: dict[str, str] = {}  # name -> text that the line writes into it
        self.copies: dict[str, str] = {}  # name -> program that the line copies or links there
        self.bodies: dict[str, Callable[[Frame], None]] = {}  # reads a function's body again
        self.positional: list[str] = []
        self.in_function = 0
        self.choice = 0  # which of several values a variable takes in this pass
        self.widest = 1  # the largest number of values met in this pass
        self.words = 0
        self.expanded = 0

    def emit(self, draft: Draft) -> None:
        """Append a command.

        Raises:
            InvalidInput: more than MAX_COMMANDS.
        """
        if len(self.drafts) >= MAX_COMMANDS:
            raise InvalidInput(
                f"shell line runs more than {MAX_COMMANDS} commands; split it",
                reason_code="shell_too_many_commands",
            )
        self.drafts.append(draft)

    def count(self, words: int) -> None:
        """Count expanded words.

        Raises:
            InvalidInput: more than MAX_WORDS in this line.
        """
        self.words += words
        if self.words > MAX_WORDS:
            raise InvalidInput(
                f"shell line expands to more than {MAX_WORDS} words; split it",
                reason_code="shell_too_many_words",
            )

    def grow(self, size: int) -> None:
        """Count bytes that a variable expands to.

        Raises:
            InvalidInput: more than MAX_EXPANSION_BYTES in this line.
        """
        self.expanded += size
        if self.expanded > MAX_EXPANSION_BYTES:
            raise InvalidInput(
                f"shell line expands to more than {MAX_EXPANSION_BYTES} bytes; split it",
                reason_code="shell_too_many_words",
            )

    def assign(self, name: str, value: str) -> None:
        """Remember one possible value of a variable."""
        values = self.variables.setdefault(name, [])
        if value not in values or flags_of(value):
            values.append(value)

    def lookup(self, name: str) -> str | None:
        """The value of a variable in this pass; None if the line does not set it."""
        values = self.variables.get(name)
        if not values:
            return None
        if len(values) > self.widest:
            self.widest = len(values)
        # The latest value first: that is what runs unless a branch was not taken.
        return values[-1 - min(self.choice, len(values) - 1)]
