"""Programs that hand text to a shell: shells, eval, su -c, trap, alias, watch, ssh and their kin.

Guarantees: the text is read as shell code with the surroundings it will run in; what cannot be
known of it is emitted as dynamic code.
Does not: rearrange words into another command (peel_words), or judge (classify).

Every handler takes (state, program, words, inside, frame) and gives back what peel goes on with:
(words, frame); empty words when all was done; None when the program itself is the leaf.
"""

from __future__ import annotations

import re
from typing import Final

from msgspec.structs import replace

from permit0.normalize.shell.classify import classify
from permit0.normalize.shell.inner_code import (
    dynamic_code,
    interpreter_input,
    mark_sources,
    read_code,
    wrapped,
)
from permit0.normalize.shell.parts import DYNAMIC, Draft, Frame, State, flags_of
from permit0.normalize.shell.peel_nested import skip_options, ssh_command, value_commands
from permit0.normalize.shell.written import written_text

__all__ = ["CODE_HANDLERS", "peel_shell"]


def peel_shell(
    state: State, program: str, words: list[str], inside: tuple[Draft, ...], frame: Frame
) -> tuple[list[str], Frame] | None:
    """A shell: -c TEXT, a script, or its standard input."""
    index = 1
    code: int | None = None
    while index < len(words):
        word = words[index]
        if word == "--":
            index += 1
            break
        if len(word) < 2 or word[0] not in "-+":
            break
        if word in ("--rcfile", "--init-file", "-o", "+o", "-O", "+O"):
            index += 2
            continue
        if word == "--command" or (not word.startswith("--") and "c" in word[1:]):
            code = index
        index += 1
    if code is not None:
        if index >= len(words):
            return None
        text = words[index]
        rest = words[index + 1 :]
        if flags_of(text) & DYNAMIC:
            dynamic_code(state, f"{program} -c", inside, frame, words[index:])
            state.read_text(
                state,
                str(text),
                replace(
                    wrapped(frame, f"{program} -c"),
                    reparse=frame.reparse + 1,
                    depth=frame.depth + 1,
                ),
            )
            return [], frame
        outer = state.positional
        state.positional = [str(word) for word in rest[1:]]
        read_code(state, text, frame, f"{program} -c")
        state.positional = outer
        return [], frame
    interpreter_input(state, program, words[: index + 1], inside, frame)
    _written(state, program, words[index : index + 1], frame)
    return None


def _written(state: State, program: str, script: list[str], frame: Frame) -> None:
    for word in script:
        text = written_text(state, word)
        if text is not None:
            read_code(state, text, frame, program)


def _su(
    state: State, program: str, words: list[str], inside: tuple[Draft, ...], frame: Frame
) -> tuple[list[str], Frame] | None:
    for index, word in enumerate(words[1:], 1):
        text = None
        if word in ("-c", "--command", "--session-command"):
            text = words[index + 1] if index + 1 < len(words) else None
        elif word.startswith("--command="):
            text = word.partition("=")[2]
        elif re.fullmatch(r"-c.+", word):
            text = word[2:]
        if text is not None:
            read_code(state, text, wrapped(frame, program, "privilege"), f"{program} -c")
            return [], frame
    if program == "runuser" and "-u" in words:
        rest, _ = skip_options(words[1:], "ugG", frozenset(), 0, assigns=False)
        return rest, wrapped(frame, program, "privilege")
    return None


def _eval(
    state: State, program: str, words: list[str], inside: tuple[Draft, ...], frame: Frame
) -> tuple[list[str], Frame] | None:
    state.marks.add("eval")
    rest = words[2:] if words[1:2] == ["--"] else words[1:]
    text = " ".join(rest)
    if any(flags_of(word) & DYNAMIC for word in rest):
        dynamic_code(state, "eval", inside, frame, rest)
    if text:
        read_code(state, text, frame, "eval")
    return [], frame


def _source(
    state: State, program: str, words: list[str], inside: tuple[Draft, ...], frame: Frame
) -> tuple[list[str], Frame] | None:
    if words[1:2] == ["/dev/stdin"] or words[1:2] == ["/proc/self/fd/0"]:
        interpreter_input(state, "bash", ["bash"], inside, frame)
    mark_sources(state, Draft(program, [], frame), inside)
    _written(state, program, words[1:2], frame)
    return None


def _trap(
    state: State, program: str, words: list[str], inside: tuple[Draft, ...], frame: Frame
) -> tuple[list[str], Frame] | None:
    rest = [word for word in words[1:] if word != "--"]
    if len(rest) > 1 and not rest[0].startswith("-"):
        read_code(state, rest[0], frame, "trap")
    return None


def _alias(
    state: State, program: str, words: list[str], inside: tuple[Draft, ...], frame: Frame
) -> tuple[list[str], Frame] | None:
    for word in words[1:]:
        name, equals, text = word.partition("=")
        if equals and text:
            state.aliases[name] = str(text)
            read_code(state, text, frame, "alias")
    return None


def _at(
    state: State, program: str, words: list[str], inside: tuple[Draft, ...], frame: Frame
) -> tuple[list[str], Frame] | None:
    if frame.feed is not None and frame.feed.text is not None:
        read_code(state, frame.feed.text, replace(frame, feed=None), program)
    return None


def _watch(
    state: State, program: str, words: list[str], inside: tuple[Draft, ...], frame: Frame
) -> tuple[list[str], Frame] | None:
    rest, _ = skip_options(words[1:], "nq", frozenset({"--interval"}), 0, assigns=False)
    if not rest:
        return None
    read_code(state, " ".join(rest), frame, "watch")
    return [], frame


def _dash_c(
    state: State, program: str, words: list[str], inside: tuple[Draft, ...], frame: Frame
) -> tuple[list[str], Frame] | None:
    """Script -c TEXT, flock FILE -c TEXT, flock FILE CMD, nix-shell --run TEXT."""
    for index, word in enumerate(words[:-1]):
        if word in ("-c", "--command", "--run") or re.fullmatch(r"-[a-z]*c", word):
            read_code(state, words[index + 1], frame, program)
            return [], frame
    if program == "flock":
        rest, _ = skip_options(
            words[1:], "wE", frozenset({"--timeout", "--wait"}), 1, assigns=False
        )
        if rest:
            return rest, wrapped(frame, program)
    return None


def _ssh(
    state: State, program: str, words: list[str], inside: tuple[Draft, ...], frame: Frame
) -> tuple[list[str], Frame] | None:
    for text in value_commands("ssh", words[1:]):
        read_code(state, text, frame, program)
    own = Draft(program, words[1:], frame, frame.redirects, inside)
    classify(own, ())
    state.emit(own)
    text = ssh_command(words[1:])
    if text:
        read_code(state, text, frame, program)
    elif frame.feed is not None:
        interpreter_input(state, "sh", ["sh"], inside, wrapped(frame, program))
    return [], frame


CODE_HANDLERS: Final = {
    ".": _source,
    "alias": _alias,
    "at": _at,
    "batch": _at,
    "eval": _eval,
    "flock": _dash_c,
    "nix-shell": _dash_c,
    "runuser": _su,
    "script": _dash_c,
    "source": _source,
    "ssh": _ssh,
    "su": _su,
    "trap": _trap,
    "watch": _watch,
}
