"""Find what really runs: peel wrappers off a simple command, read the commands inside its words.

Guarantees:
  * peeling repeats until a program is left; every layer is named in `wrappers`, outermost first;
  * a string that a program hands to a shell is read as a shell text again, up to MAX_REPARSE deep;
  * a program word that stays unknown gives program "" and the feature "dynamic".
Does not: know the wrappers with rules of their own (peel_code, peel_words), or decide features of
the program that is left (classify).
"""

from __future__ import annotations

import fnmatch
import re
import shlex
from collections.abc import Sequence
from typing import Final

from msgspec.structs import replace

from permit0.errors import InvalidInput
from permit0.normalize.shell.classify import classify
from permit0.normalize.shell.commands import DANGEROUS
from permit0.normalize.shell.features import MAX_DEPTH, MAX_PEELS
from permit0.normalize.shell.inner_code import (
    ASSIGNMENT,
    interpreter_input,
    mark_sources,
    prefix_assignment,
    read_code,
    wrapped,
)
from permit0.normalize.shell.parts import DYNAMIC, GLOB, Draft, Frame, State, flags_of
from permit0.normalize.shell.peel_code import CODE_HANDLERS, peel_shell
from permit0.normalize.shell.peel_nested import (
    VALUE_COMMANDS,
    container_command,
    find_commands,
    git_commands,
    skip_options,
    value_commands,
)
from permit0.normalize.shell.peel_words import WORD_HANDLERS, peel_runner
from permit0.normalize.shell.rules_code import shell_strings
from permit0.normalize.shell.wrappers import (
    CODE_ENVIRONMENT,
    CODE_OPTIONS,
    CODE_PRELOADS,
    EXEC_TOOLS,
    INTERPRETERS,
    RUNNERS,
    SHELLS,
    WRAPPERS,
)
from permit0.normalize.shell.written import copied_program, note_files, written_text

__all__ = ["run_command"]

# Options of node, perl and ruby that name code to load first.
_LOADING: Final = re.compile(r"(?:^|\s)(?:--(?:require|import|loader|experimental-loader)|-[rMmI])")


def run_command(
    state: State,
    words: list[str],
    inside: tuple[Draft, ...],
    frame: Frame,
    assigned: Sequence[str] = (),
) -> None:
    """Emit the command that `words` run, and every command they carry.

    Args:
        words: program and arguments after expansion.
        inside: commands of the substitutions in `words`; they have been emitted already.
        frame: surroundings. assigned: NAME=value words before the command.
    """
    if frame.depth > MAX_DEPTH:
        raise InvalidInput(
            f"shell line nests deeper than {MAX_DEPTH} levels; split it",
            reason_code="shell_too_deep",
        )
    for text in assigned:
        prefix_assignment(state, text, frame)
    if not words:
        draft = Draft(":", list(assigned), frame, frame.redirects, inside)
        classify(draft, assigned)
        if draft.features - {"read_only"} or frame.redirects:
            state.emit(draft)
        return
    for _ in range(MAX_PEELS):
        head = words[0]
        flags = flags_of(head)
        if flags & (DYNAMIC | GLOB) and head not in ("[", "[["):
            _unknown_program(state, words, inside, frame, assigned)
            return
        program = head.rpartition("/")[2] if "/" in head else str(head)
        if "/" in head and (state.files or state.copies):
            program = copied_program(state, program) or program
            script = written_text(state, program)
            if script is not None:
                read_code(state, script, frame, program)
        if program in state.aliases and head == program:
            alias, words = state.aliases.pop(program), words[1:]
            read_code(state, " ".join([alias, *map(_quote, words)]), frame, "alias")
            return
        if program in state.bodies and not state.in_function:
            _call_function(state, program, words, inside, frame, assigned)
            return
        step = None
        if program in _LAYERED:
            step = _peel(state, program, words, inside, frame, assigned)
        if step is None:
            _leaf(state, program, words, inside, frame, assigned)
            return
        words, frame = step
        if not words:
            return
    state.marks.add("obfuscated")
    _leaf(state, words[0].rpartition("/")[2], words, inside, frame, assigned)


def _call_function(
    state: State,
    program: str,
    words: list[str],
    inside: tuple[Draft, ...],
    frame: Frame,
    assigned: Sequence[str],
) -> None:
    """The call of a function of this line: its body with these arguments."""
    _leaf(state, program, words, inside, frame, assigned)
    body = state.bodies.pop(program)  # not again while it runs: a recursion would not end
    outer, state.positional = state.positional, words[1:]
    body(frame)
    state.positional = outer
    state.bodies[program] = body


def _quote(word: str) -> str:
    return str(word) if flags_of(word) & DYNAMIC else shlex.quote(word)


def _leaf(
    state: State,
    program: str,
    words: list[str],
    inside: tuple[Draft, ...],
    frame: Frame,
    assigned: Sequence[str],
) -> None:
    draft = Draft(program, words[1:], frame, frame.redirects, inside)
    if "/" in words[0] and words[0].startswith(("./", "../")):
        draft.features.add("script")
    classify(draft, assigned)
    for text in assigned:
        name, _, value = text.partition("=")
        if name in CODE_ENVIRONMENT and ASSIGNMENT.match(text):
            draft.features.discard("read_only")
            loads = name in CODE_OPTIONS and _LOADING.search(value) is not None
            if loads or (name in CODE_PRELOADS and value):
                draft.features.add("dynamic")
    state.emit(draft)
    if draft.writes:
        note_files(state, draft, frame)


def _unknown_program(
    state: State,
    words: list[str],
    inside: tuple[Draft, ...],
    frame: Frame,
    assigned: Sequence[str],
) -> None:
    """A program that only the running shell knows: judged by the worst it may turn out to be."""
    head = words[0]
    draft = Draft("", words[1:], frame, frame.redirects, inside)
    guesses: list[str] = []
    base = head.rpartition("/")[2]
    if flags_of(head) & GLOB and not flags_of(head) & DYNAMIC:
        state.marks.add("obfuscated")
        guesses = [name for name in sorted(DANGEROUS) if fnmatch.fnmatchcase(name, base)]
    elif any(re.fullmatch(r"-[a-zA-Z]*[rR][a-zA-Z]*", w) for w in words[1:]):
        guesses = ["rm"]
    for guess in guesses[:8]:
        twin = Draft(guess, words[1:], frame, frame.redirects, inside)
        classify(twin, assigned)
        draft.features |= twin.features
        draft.deletes += twin.deletes
    classify(draft, assigned)
    draft.features.discard("read_only")
    draft.features.add("dynamic")
    state.emit(draft)
    mark_sources(state, draft, inside)
    if "-c" in words[1:-1]:  # perhaps a shell
        read_code(state, words[words.index("-c") + 1], frame, "-c")


def _peel(
    state: State,
    program: str,
    words: list[str],
    inside: tuple[Draft, ...],
    frame: Frame,
    assigned: Sequence[str],
) -> tuple[list[str], Frame] | None:
    """Take one layer off: what remains; empty words when all was done; None for a leaf."""
    if program in SHELLS:
        return peel_shell(state, program, words, inside, frame)
    wrapper = WRAPPERS.get(program)
    if wrapper is not None:
        if program == "command" and len(words) > 1 and words[1] in ("-v", "-V"):
            return None
        rest, values = skip_options(
            words[1:], wrapper.short, wrapper.long, wrapper.operands, wrapper.assigns
        )
        inner = wrapped(frame, program, wrapper.feature)
        for value in values:
            prefix_assignment(state, value, inner)
        if not rest:
            return None
        return rest, inner
    special = _SPECIAL.get(program)
    if special is not None:
        return special(state, program, words, inside, frame)
    if program in INTERPRETERS:
        interpreter_input(state, program, words, inside, frame)
        codes = INTERPRETERS[program]
        for index, word in enumerate(words[:-1]):
            if word in codes or re.fullmatch(r"-[a-zA-Z]+[ceE]", word):
                for text in shell_strings(words[index + 1]):
                    read_code(state, text, frame, f"{program} {word}")
        return None
    if program in RUNNERS:
        return peel_runner(program, words, frame)
    if program in EXEC_TOOLS or program in ("podman", "nerdctl", "oc"):
        own = Draft(program, words[1:], frame, frame.redirects, inside)
        classify(own, assigned)
        state.emit(own)
        rest = container_command(program, words[1:])
        keep = own.features & {"privilege"}
        return rest, wrapped(frame, f"{program} {_first(words)}", *keep)
    if program == "git":
        for text in git_commands(words[1:]):
            read_code(state, text, frame, "git")
        return None
    for text in value_commands(program, words[1:]):
        read_code(state, text, frame, program)
    return None


def _first(words: list[str]) -> str:
    return next((word for word in words[1:] if word in ("exec", "run", "create", "debug")), "")


def _find(
    state: State, program: str, words: list[str], inside: tuple[Draft, ...], frame: Frame
) -> tuple[list[str], Frame] | None:
    own = Draft(program, words[1:], frame, frame.redirects, inside)
    classify(own, ())
    state.emit(own)
    for command in find_commands(program, words[1:]):
        inner = replace(wrapped(frame, program), depth=frame.depth + 1)
        run_command(state, command, (), inner)
    return [], frame


_SPECIAL: Final = {
    **CODE_HANDLERS,
    **WORD_HANDLERS,
    "fd": _find,
    "fdfind": _find,
    "find": _find,
}
_LAYERED: Final = frozenset().union(
    SHELLS, WRAPPERS, _SPECIAL, INTERPRETERS, RUNNERS, EXEC_TOOLS, VALUE_COMMANDS,
    ("git", "nerdctl", "oc", "podman"),
)  # fmt: skip
"""Programs that may run another; for any other one, no look at its words is needed."""
