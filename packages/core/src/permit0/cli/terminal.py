"""Where output goes: how wide, in which colours, with which characters.

Guarantees:
  1. Without colour (`--no-color`, NO_COLOR, a pipe, a dumb terminal) no escape code is written;
     FORCE_COLOR turns colour on for a pipe.
  2. A pipe gets whole lines; only a terminal, or a reader that says COLUMNS, gets wrapped ones.
  3. Where the encoding is not UTF-8, frames and symbols are ASCII.
  4. Text from a call is shown with its control and direction characters written out, so that an
     argument cannot repaint the screen that a person decides by.
Does not: know what is shown. The variables it reads are the terminal's, not permit0's configuration.
"""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterable

from rich import box
from rich.console import Console
from rich.panel import Panel
from rich.text import Text

__all__ = ["Symbols", "Terminal", "make_terminal", "visible"]

UNWRAPPED = 100_000  # columns of a pipe: no line of ours is longer
PIPE_WIDTH = 80  # for what is as wide as the page: rules and frames
MAX_WIDTH = 110  # wider lines are hard to read
MIN_WIDTH = 24
NARROW = 60


class Symbols:
    """The characters of one encoding."""

    def __init__(self, *, unicode: bool) -> None:
        self.full = "█" if unicode else "#"
        self.empty = "░" if unicode else "-"
        self.bound = "│" if unicode else "|"
        self.arrow = "→" if unicode else "->"
        self.dot = "·" if unicode else "-"
        self.yes = "✓" if unicode else "+"
        self.no = "✗" if unicode else "x"
        self.met = "●" if unicode else "*"
        self.unmet = "○" if unicode else "."
        self.rule = "─" if unicode else "-"
        self.times = "×" if unicode else "x"
        self.minus = "−" if unicode else "-"
        self.ellipsis = "…" if unicode else "..."
        self.box = box.HEAVY if unicode else box.ASCII


class Terminal:
    """Writes styled lines to one console."""

    def __init__(self, console: Console, symbols: Symbols, *, width: int, wraps: bool) -> None:
        self.console = console
        self.symbols = symbols
        self.width = width
        self._wrap_at = width if wraps else UNWRAPPED

    @property
    def wrap_at(self) -> int:
        """The column at which lines are wrapped."""
        return self._wrap_at

    @property
    def narrow(self) -> bool:
        """Whether there is no room for columns and indents."""
        return self.width < NARROW

    def blank(self) -> None:
        """An empty line."""
        self.console.print()

    def line(self, text: Text | str, *, indent: int = 0, hang: int = 0) -> None:
        """Print one line, wrapped if it must be.

        Args:
            text: What.
            indent: Blanks before it. hang: further blanks before what was wrapped.
        """
        styled = Text(text) if isinstance(text, str) else text
        if self.narrow:
            indent, hang = min(indent, 2), 0
        room = max(self._wrap_at - indent - hang, MIN_WIDTH // 2)
        parts = styled.wrap(self.console, room)
        for i, part in enumerate(parts):
            if i + 1 < len(parts):
                part.rstrip()
            before = indent if i == 0 else indent + hang
            self.console.print(Text(" " * before).append_text(part), soft_wrap=True)

    def flow(self, pieces: Iterable[Text], *, indent: int = 0, gap: int = 2) -> None:
        """Print pieces side by side, breaking only between them."""
        if self.narrow:
            indent = min(indent, 2)
        row = Text()
        for piece in pieces:
            if row and indent + row.cell_len + gap + piece.cell_len > self._wrap_at:
                self.line(row, indent=indent)
                row = Text()
            if row:
                row.append(" " * gap)
            row.append_text(piece)
        if row:
            self.line(row, indent=indent)

    def columns(self, head: Text, pieces: Iterable[Text], *, indent: int = 0, gap: int = 2) -> None:
        """A head and pieces beside it, flowing in a column of their own."""
        left = indent + head.cell_len
        row = Text()
        first = True
        for piece in pieces:
            if row and left + row.cell_len + gap + piece.cell_len > self.width:
                self.line((head if first else Text(" " * head.cell_len)) + row, indent=indent)
                row, first = Text(), False
            if row:
                row.append(" " * gap)
            row.append_text(piece)
        self.line((head if first else Text(" " * head.cell_len)) + row, indent=indent)

    def rule(self, style: str = "dim") -> None:
        """A line across the page."""
        self.console.print(Text(self.symbols.rule * self.width, style), soft_wrap=True)

    def panel(self, title: Text, body: Text, *, style: str) -> None:
        """A frame around a few lines; in a pipe it is as wide as its longest line."""
        width = self.width
        if self._wrap_at == UNWRAPPED:
            widest = max(line.cell_len for line in (title, *body.split("\n")))
            width = max(width, widest + 6)
        panel = Panel(
            body,
            title=title,
            title_align="left",
            border_style=style,
            box=self.symbols.box,
            width=width,
            padding=(0, 1),
            safe_box=False,
        )
        self.console.print(panel, soft_wrap=False, width=width)


def make_terminal(*, no_color: bool) -> Terminal:
    """The terminal of this process's standard output."""
    out = sys.stdout
    tty = out.isatty()
    environment = os.environ
    wants = bool(environment.get("FORCE_COLOR"))
    color = (wants or (tty and environment.get("TERM") != "dumb")) and not (
        no_color or environment.get("NO_COLOR")
    )
    columns = environment.get("COLUMNS", "")
    wraps = tty or columns.isdecimal()
    width = shutil.get_terminal_size((PIPE_WIDTH, 24)).columns if wraps else PIPE_WIDTH
    encoding = (out.encoding or "ascii").lower().replace("-", "").replace("_", "")
    console = Console(
        file=out,
        width=UNWRAPPED,
        force_terminal=color,
        color_system="auto" if color else None,
        highlight=False,
        markup=False,
        emoji=False,
        legacy_windows=False if not tty else None,
    )
    width = max(MIN_WIDTH, min(width, MAX_WIDTH))
    return Terminal(console, Symbols(unicode=encoding.startswith("utf")), width=width, wraps=wraps)


def visible(text: str, limit: int = 0) -> str:
    """Text with every control, direction and format character written out.

    Args:
        text: Anything.
        limit: Cut after so many characters; 0 for all.
    """
    shown = "".join(char if char.isprintable() else repr(char)[1:-1] for char in text)
    return shown if not limit or len(shown) <= limit else shown[: limit - 1] + "…"
