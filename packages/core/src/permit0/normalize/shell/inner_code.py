"""Code inside a command: hand it to the reader again, or say where it comes from.

Guarantees:
  * a text that a program hands to a shell is read with the program named in `wrappers`, one level
    deeper, so that MAX_REPARSE and MAX_DEPTH bound it;
  * code that only the running shell knows is emitted as program "" with the feature "dynamic";
  * code that a download or a decoder feeds is marked, however many pipes lie between.
Does not: know which words of which program are code (peel, peel_code).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from msgspec.structs import replace

from permit0.normalize.shell.classify import classify
from permit0.normalize.shell.literals import is_decoder
from permit0.normalize.shell.parts import DYNAMIC, Draft, Frame, State, flags_of
from permit0.normalize.shell.rules_code import shell_strings
from permit0.normalize.shell.wrappers import (
    CODE_ENVIRONMENT,
    CODE_OPTIONS,
    CODE_PATHS,
    INTERPRETERS,
    SHELLS,
)

__all__ = [
    "ASSIGNMENT",
    "dynamic_code",
    "interpreter_input",
    "mark_sources",
    "prefix_assignment",
    "read_code",
    "wrapped",
]

ASSIGNMENT: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*=")


def read_code(state: State, text: str, frame: Frame, wrapper: str) -> None:
    """Read a text as shell code that `wrapper` runs."""
    inner = replace(
        frame,
        wrappers=(*frame.wrappers, wrapper),
        reparse=frame.reparse + 1,
        depth=frame.depth + 1,
        redirects=frame.redirects,
    )
    state.read_text(state, text, inner)


def wrapped(frame: Frame, wrapper: str, *features: str) -> Frame:
    """The surroundings of what `wrapper` runs; features "" are none."""
    inherited = frame.inherited | {f for f in features if f}
    return replace(frame, wrappers=(*frame.wrappers, wrapper), inherited=inherited)


def prefix_assignment(state: State, text: str, frame: Frame) -> None:
    """Read the code that NAME=value before a command makes it run: PAGER, GIT_SSH_COMMAND."""
    name, _, value = text.partition("=")
    if name in CODE_ENVIRONMENT and name not in CODE_PATHS and name not in CODE_OPTIONS:
        if not value or flags_of(text) & DYNAMIC or name.startswith(("LD_", "DYLD_")):
            return
        read_code(state, value, frame, name)


def dynamic_code(
    state: State, wrapper: str, inside: tuple[Draft, ...], frame: Frame, argv: list[str]
) -> None:
    """Code that only the running shell knows."""
    inner = replace(frame, wrappers=(*frame.wrappers, wrapper))
    draft = Draft("", argv, inner, frame.redirects, inside)
    classify(draft, ())
    draft.features.discard("read_only")
    draft.features.add("dynamic")
    state.emit(draft)
    mark_sources(state, draft, inside)


def mark_sources(state: State, draft: Draft, sources: Sequence[Draft]) -> None:
    """Say where code that is about to run comes from."""
    for source in sources:
        if is_decoder(source):
            state.marks.add("decoder_to_interpreter")
        if "download" in source.features:
            state.marks.add("download_to_interpreter")


def interpreter_input(
    state: State, program: str, words: list[str], inside: tuple[Draft, ...], frame: Frame
) -> None:
    """Mark and, where it is literal, read the code that reaches an interpreter's standard input.

    Only an interpreter without a script of its own reads its input as code.
    """
    operands = [word for word in words[1:] if not word.startswith("-")]
    codes = INTERPRETERS.get(program, frozenset())
    if any(word in codes or word == "-m" for word in words[1:]):
        mark_sources(state, Draft(program, [], frame), inside)
        return
    if operands and operands[0] not in ("/dev/stdin", "/proc/self/fd/0") and "-s" not in words:
        if operands[0].startswith("<("):
            mark_sources(state, Draft(program, [], frame), inside)
        return
    feed = frame.feed
    if feed is None:
        return
    sources: list[Draft] = []
    pending = list(feed.drafts)
    while pending and len(sources) < 64:
        source = pending.pop()
        sources.append(source)
        if source.feed is not None:
            pending += source.feed.drafts
    mark_sources(state, Draft(program, [], frame), [*sources, *inside])
    if feed.text is not None and program in INTERPRETERS:
        for text in shell_strings(feed.text):
            read_code(state, text, replace(frame, feed=None), f"{program} <")
    if feed.text is not None and program in SHELLS:
        read_code(state, feed.text, replace(frame, feed=None), f"{program} <")
