"""Read a shell text: choose who reads it, and hand it over.

Guarantees:
  * every command that may run is emitted, whichever reader is chosen;
  * a plain line is split (scan.fast_stages), any other goes through the grammar (walk);
  * a text that the grammar cannot read without errors goes to scan_text and is marked "unparsed".
Does not: interpret a command (peel, classify), or expand words (words).
"""

from __future__ import annotations

from permit0.normalize.shell.features import MAX_REPARSE
from permit0.normalize.shell.grammar import parse_tree
from permit0.normalize.shell.literals import pipe
from permit0.normalize.shell.parts import Draft, Frame, State
from permit0.normalize.shell.peel import run_command
from permit0.normalize.shell.scan import fast_stages, scan_text
from permit0.normalize.shell.walk import Walk

__all__ = ["read_parsed", "read_text"]


def read_text(state: State, text: str, frame: Frame) -> None:
    """Read a shell text (a byte view) and emit all its commands into `state`."""
    if frame.reparse > MAX_REPARSE:
        state.marks.add("obfuscated")
        return
    stages = fast_stages(text)
    if stages is None:
        read_parsed(state, text, frame)
        return
    if len(stages) > 1:
        state.marks.add("pipeline")
    previous: list[Draft] | None = None
    for words in stages:
        begin = len(state.drafts)
        state.count(len(words))
        inner = frame
        if previous is not None:
            inner = frame.fed(pipe(previous))
        run_command(state, words, (), inner)
        previous = state.drafts[begin:]


def read_parsed(state: State, text: str, frame: Frame) -> None:
    """The same, always through the grammar."""
    root = parse_tree(text)
    if root is None:
        state.marks.add("unparsed")
        scan_text(state, text, frame)
        return
    Walk(state, text).visit(root, frame)
