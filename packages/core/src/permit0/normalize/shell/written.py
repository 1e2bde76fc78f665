"""Programs and scripts that a line makes before it runs them.

Guarantees: a text that is known and written to a file is read as shell code when the same line runs
that file; a copy of, or link to, a program is judged as that program. Both by name, whatever folder
is entered in between.
Does not: follow files across lines, or code of other interpreters.
"""

from __future__ import annotations

from permit0.normalize.shell.commands import DANGEROUS
from permit0.normalize.shell.literals import literal_output
from permit0.normalize.shell.parts import Draft, Frame, State

__all__ = ["copied_program", "note_files", "written_text"]

MAX_FILES = 16
"""Files remembered of one line; nobody reads a line that makes more."""

_PLACING = frozenset({"cp", "ln", "mv", "install"})


def note_files(state: State, draft: Draft, frame: Frame) -> None:
    """Remember what a command that is about to be emitted leaves in files."""
    if not draft.writes or len(state.files) + len(state.copies) >= MAX_FILES:
        return
    if draft.program in _PLACING:
        source = draft.argv[-2].rpartition("/")[2] if len(draft.argv) > 1 else ""
        if source in DANGEROUS:
            state.copies[_base(draft.argv[-1])] = source
        elif source in state.files:
            state.files[_base(draft.argv[-1])] = state.files[source]
        return
    if draft.program == "tee":
        text = None if frame.feed is None else frame.feed.text
    else:
        bare = Draft(draft.program, draft.argv, frame)
        text = literal_output(bare)
    if text is not None:
        for word in draft.writes:
            name = _base(word)
            # `>>` adds a line; what stood before it in this line still runs.
            state.files[name] = state.files.get(name, "") + text


def written_text(state: State, word: str) -> str | None:
    """What this line wrote into the file that is run now; only once, so that it ends."""
    text = state.files.pop(_base(word), None) if state.files else None
    if text is not None and text.startswith("#!") and "sh" not in text.partition("\n")[0]:
        return None  # another interpreter's code
    return text


def copied_program(state: State, word: str) -> str | None:
    """The program that this line put under the name that is run now."""
    return state.copies.get(_base(word)) if state.copies else None


def _base(word: str) -> str:
    return word.rpartition("/")[2]
