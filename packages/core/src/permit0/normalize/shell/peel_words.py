"""Wrappers with words of their own kind: env, xargs, parallel, runners; builtins that set variables.

Guarantees: what remains is the command as it will run, with the words that its input, if known,
adds; a word that only the running shell knows stays flagged DYNAMIC.
Does not: read texts as shell code, except parallel's, which is joined to one; or judge (classify).

Handlers are called and answer as those of peel_code.
"""

from __future__ import annotations

import re
import shlex
from typing import Final

from msgspec.structs import replace

from permit0.normalize.shell.inner_code import (
    ASSIGNMENT,
    prefix_assignment,
    read_code,
    wrapped,
)
from permit0.normalize.shell.literals import literal_output
from permit0.normalize.shell.parts import DYNAMIC, Draft, Frame, State, Word, flags_of
from permit0.normalize.shell.peel_nested import found_credentials, skip_options
from permit0.normalize.shell.wrappers import RUNNERS

__all__ = ["WORD_HANDLERS", "peel_runner"]


def _env(
    state: State, program: str, words: list[str], inside: tuple[Draft, ...], frame: Frame
) -> tuple[list[str], Frame] | None:
    rest = words[1:]
    while rest:
        word = rest[0]
        if word in ("-u", "--unset", "-C", "--chdir", "-P"):
            rest = rest[2:]
        elif word in ("-S", "--split-string") or re.match(r"-[iv0]*S.|--split-string=", word):
            attached = re.sub(r"^(?:-[iv0]*S|--split-string=?)", "", word)
            text, rest = (
                (attached, rest[1:]) if attached else (rest[1] if rest[1:] else "", rest[2:])
            )
            try:
                rest = shlex.split(text) + rest
            except ValueError:
                rest = text.split() + rest
        elif ASSIGNMENT.match(word):
            prefix_assignment(state, word, frame)
            rest = rest[1:]
        elif word == "--" or (word.startswith("-") and len(word) > 0):
            rest = rest[1:]
        else:
            break
    if not rest:
        return None
    return rest, wrapped(frame, "env")


def _set(
    state: State, program: str, words: list[str], inside: tuple[Draft, ...], frame: Frame
) -> tuple[list[str], Frame] | None:
    if "--" in words:
        state.positional = [str(word) for word in words[words.index("--") + 1 :]]
    return None


def _read(
    state: State, program: str, words: list[str], inside: tuple[Draft, ...], frame: Frame
) -> tuple[list[str], Frame] | None:
    """`read x <<< text` gives x that text; without a known text x is unknown."""
    text = frame.feed.text if frame.feed is not None else None
    names = [word for word in words[1:] if not word.startswith("-")]
    for name in names[-1:] if text is not None else names:
        state.assign(name, text.strip() if text is not None else Word(f"${name}", DYNAMIC))
    return None


def _printf_v(
    state: State, program: str, words: list[str], inside: tuple[Draft, ...], frame: Frame
) -> tuple[list[str], Frame] | None:
    if words[1:2] == ["-v"] and len(words) > 3:
        text = literal_output(Draft("printf", words[3:], replace(frame, feed=None)))
        state.assign(words[2], text if text is not None else Word(f"${words[2]}", DYNAMIC))
    return None


def _xargs(
    state: State, program: str, words: list[str], inside: tuple[Draft, ...], frame: Frame
) -> tuple[list[str], Frame] | None:
    marker = ""
    for index, word in enumerate(words[1:], 1):
        if word == "-I" and index + 1 < len(words):
            marker = words[index + 1]
        elif word.startswith("-I"):
            marker = word[2:]
        elif word in ("-i", "--replace"):
            marker = "{}"
    rest, _ = skip_options(
        words[1:],
        "aEILnPsd",
        frozenset({"--arg-file", "--delimiter", "--max-args", "--max-procs", "--max-lines"}),
        0,
        assigns=False,
    )
    known = frame.feed.text if frame.feed is not None else None
    given: list[str] = known.split() if known is not None else [Word("{}", DYNAMIC)]
    if known is None and frame.feed is not None:
        for source in frame.feed.drafts:
            if source.program == "find":
                given += [Word(name, DYNAMIC) for name in found_credentials(source.argv)]
    if not rest:
        rest = ["echo"]
    if marker and any(marker in word for word in rest[1:] + rest[:1]):
        value = " ".join(given)
        rest = [
            _replaced(word, marker, value, known is not None) if marker in word else word
            for word in rest
        ]
    else:
        rest = rest + given
    return rest, replace(wrapped(frame, "xargs"), feed=frame.feed)


def _replaced(word: str, old: str, new: str, known: bool) -> str:
    text = str(word).replace(old, new)
    return text if known and not flags_of(word) else Word(text, flags_of(word) | DYNAMIC)


def _parallel(
    state: State, program: str, words: list[str], inside: tuple[Draft, ...], frame: Frame
) -> tuple[list[str], Frame] | None:
    rest, _ = skip_options(
        words[1:],
        "jNnISa",
        frozenset({"--jobs", "--max-args", "--delay", "--joblog"}),
        0,
        assigns=False,
    )
    cut = next((k for k, word in enumerate(rest) if word in (":::", "::::", ":::+")), len(rest))
    command, given = rest[:cut], [word for word in rest[cut + 1 :] if not word.startswith(":::")]
    if not command:
        for word in given or ():
            read_code(state, word, frame, "parallel")
        return None if not given else ([], frame)
    tail = given or [Word("{}", DYNAMIC)]
    if any("{}" in word for word in command):
        value = " ".join(given) if given else "{}"
        text = " ".join(word.replace("{}", value) for word in command)
    else:
        text = " ".join([*command, *tail])
    read_code(state, text, frame, "parallel")
    return [], frame


def peel_runner(program: str, words: list[str], frame: Frame) -> tuple[list[str], Frame] | None:
    """`poetry run X`, `uv run X`: the command after the runner's subcommand."""
    names = RUNNERS[program]
    for index, word in enumerate(words[1:], 1):
        if word in names:
            rest, _ = skip_options(
                words[index + 1 :],
                "nepf",
                frozenset({"--with", "--python", "--extra", "--group", "--package", "--env-file"}),
                0,
                assigns=False,
            )
            # A name without a path could be a task of the project; it is shown as what it says.
            return (rest, wrapped(frame, f"{program} {word}")) if rest else None
        if not word.startswith("-"):
            return None
    return None


WORD_HANDLERS: Final = {
    "env": _env,
    "parallel": _parallel,
    "printf": _printf_v,
    "read": _read,
    "set": _set,
    "xargs": _xargs,
}
