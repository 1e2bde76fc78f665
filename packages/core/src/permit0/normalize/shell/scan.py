"""Read shell text without a grammar: the fast path for plain lines, the fallback for broken ones.

Guarantees:
  * fast_stages answers only for lines whose meaning cannot depend on any quoting or expansion:
    plain words, joined by at most `|`; its answer equals the grammar's (a test holds them equal);
  * scan_text loses no word: what cannot be closed or matched is read on to the end of the text,
    quoted text is read once more as if it were not quoted.
Does not: claim to understand what it scans. scan_text errs towards danger.
"""

from __future__ import annotations

import re
from typing import Final

from msgspec.structs import replace

from permit0.normalize.shell.commands import DANGEROUS
from permit0.normalize.shell.features import MAX_REPARSE
from permit0.normalize.shell.parts import Draft, Feed, Frame, Redirect, State
from permit0.normalize.shell.peel import run_command
from permit0.normalize.shell.words import Expander

__all__ = ["RESERVED", "fast_stages", "scan_text"]

_PLAIN_WORD: Final = r"[A-Za-z0-9_./:@%+,\-][A-Za-z0-9_./:=@%+,\-]*"
_PLAIN = re.compile(rf" *{_PLAIN_WORD}(?: +{_PLAIN_WORD})*(?: +\|(?: +{_PLAIN_WORD})+)* *")

RESERVED: Final = frozenset(
    {
        "!", "[[", "case", "coproc", "do", "done", "elif", "else", "esac", "fi", "for", "function",
        "if", "in", "select", "then", "time", "until", "while", "{", "}",
    }
)  # fmt: skip
# The grammar gives these a node of their own.
_DECLARATIONS: Final = frozenset(
    {"declare", "export", "local", "readonly", "typeset", "unset", "unsetenv"}
)
_SLOW_FIRST: Final = RESERVED | _DECLARATIONS


def fast_stages(text: str) -> list[list[str]] | None:
    """The words of each pipeline stage of a plain line; None if it needs the grammar."""
    if _PLAIN.fullmatch(text) is None:
        return None
    stages = [stage.split() for stage in text.split("|")]
    for words in stages:
        first = words[0]
        if "=" in first or first in _SLOW_FIRST:
            return None
    return stages


_BLANK: Final = " \t"
_BREAK: Final = "\n;&|()"
_WORD_STOP: Final = " \t\n;&|()<>"
_REDIRECTION = re.compile(r"\d*(?:&>>|&>|<<<|<<-?|<>|<&|>&|>>|>\||<|>)")


def scan_text(state: State, text: str, frame: Frame) -> None:
    """Emit every command that the text could hold, splitting wherever a shell might."""
    expander = Expander(text, state, {}, lambda inside, _: _inside(state, inside, frame))
    segment: list[str] = []
    redirects: list[Redirect] = []
    piped: tuple[Draft, ...] | None = None
    begin = len(state.drafts)
    i, end = 0, len(text)

    def close(*, pipe: bool) -> None:
        nonlocal segment, redirects, piped, begin
        if segment or redirects:
            _segment(state, segment, redirects, frame, piped)
        piped = tuple(state.drafts[begin:]) if pipe else None
        begin = len(state.drafts)
        segment, redirects = [], []

    while i < end:
        c = text[i]
        if c in _BLANK:
            i += 1
            continue
        redirect = _REDIRECTION.match(text, i)
        if redirect is not None and text[redirect.end() : redirect.end() + 1] != "(":
            i = redirect.end()
            while i < end and text[i] in _BLANK:
                i += 1
            stop = _word_end(text, i, end)
            target = expander.words(i, stop)
            op = redirect.group().lstrip("0123456789")
            if op in ("<<<", "<<", "<<-"):
                segment += target
            else:
                redirects.append(Redirect(op, target[0] if target else ""))
            i = stop
            continue
        if c in _BREAK:
            close(pipe=c == "|" and text[i + 1 : i + 2] != "|")
            i += 1
            continue
        if c in "<>" or (c == "`" and text.find("`", i + 1) < 0):
            # A process substitution; a backtick that is never closed: what follows is a command.
            close(pipe=False)
            i += 1
            continue
        stop = _word_end(text, i, end)
        words = expander.words(i, stop)
        if not segment and len(words) == 1 and words[0] in RESERVED:
            words = []
        segment += words
        i = max(stop, i + 1)
    close(pipe=False)


def _word_end(text: str, i: int, end: int) -> int:
    """The end of a word. A quote that is never closed does not hide what follows it."""
    while i < end:
        c = text[i]
        if c == "\\":
            i += 2
        elif c == "`" and text.find(c, i + 1, end) < 0:
            return max(i, 1)
        elif c in "'\"`":
            close = text.find(c, i + 1, end)
            while c != "'" and close > 0 and text[close - 1] == "\\":
                close = text.find(c, close + 1, end)
            i = i + 1 if close < 0 else close + 1
        elif c == "$" and text[i + 1 : i + 2] == "(":
            return i + 1 if i else 1  # what is inside becomes a segment of its own
        elif c in _WORD_STOP:
            return i
        else:
            i += 1
    return min(i, end)


def _inside(state: State, inside: str, frame: Frame) -> str | None:
    state.marks.add("substitution")
    if frame.reparse < MAX_REPARSE:
        inner = replace(frame, reparse=frame.reparse + 1, feed=None, redirects=())
        state.read_text(state, inside, inner)
    return None


def _segment(
    state: State,
    words: list[str],
    redirects: list[Redirect],
    frame: Frame,
    piped: tuple[Draft, ...] | None,
) -> None:
    feed = Feed("pipe", piped, None) if piped is not None else frame.feed
    inner = replace(frame, redirects=frame.redirects + tuple(redirects), feed=feed)
    while words and "=" in words[0] and words[0].partition("=")[0].isidentifier():
        name, _, value = words[0].partition("=")
        state.assign(name, value)
        words = words[1:]
    run_command(state, words or [":"], (), inner)
    for position, word in enumerate(words):
        if position and word.rpartition("/")[2] in DANGEROUS:
            run_command(state, words[position:], (), inner)
        if any(blank in word for blank in " \t\n") and frame.reparse < MAX_REPARSE:
            state.read_text(state, str(word), replace(frame, reparse=frame.reparse + 1))
