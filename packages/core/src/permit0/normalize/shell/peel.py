"""Find what really runs: peel wrappers off a simple command, read the commands inside its words.

Guarantees:
  * peeling repeats until a program is left; every layer is named in `wrappers`, outermost first;
  * a string that a program hands to a shell is read as a shell text again, up to MAX_REPARSE deep;
  * a program word that stays unknown gives program "" and the feature "dynamic".
Does not: decide features of the program that is left (classify).
"""

from __future__ import annotations

import fnmatch
import re
import shlex
from collections.abc import Sequence
from typing import Final

from permit0.errors import InvalidInput
from permit0.normalize.shell.classify import classify
from permit0.normalize.shell.commands import DANGEROUS
from permit0.normalize.shell.features import MAX_DEPTH, MAX_PEELS
from permit0.normalize.shell.literals import is_decoder, literal_output
from permit0.normalize.shell.parts import (
    DYNAMIC,
    GLOB,
    Draft,
    Frame,
    State,
    Word,
    flags_of,
)
from permit0.normalize.shell.peel_nested import (
    container_command,
    find_commands,
    git_commands,
    skip_options,
    ssh_command,
    value_commands,
)
from permit0.normalize.shell.rules_code import shell_strings
from permit0.normalize.shell.wrappers import (
    CODE_ENVIRONMENT,
    EXEC_TOOLS,
    INTERPRETERS,
    RUNNERS,
    SHELLS,
    WRAPPERS,
)

__all__ = ["run_command"]

_ASSIGNMENT = re.compile(r"[A-Za-z_][A-Za-z0-9_]*=")


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
        _prefix_assignment(state, text, frame)
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
        if program in state.aliases and head == program:
            text, words = state.aliases.pop(program), words[1:]
            _text(state, " ".join([text, *map(_quote, words)]), frame, "alias")
            return
        if program in state.bodies and not state.in_function:
            _call_function(state, program, words, inside, frame, assigned)
            return
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
    if any(_ASSIGNMENT.match(a) and a.partition("=")[0] in CODE_ENVIRONMENT for a in assigned):
        draft.features.discard("read_only")
    state.emit(draft)


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
    _source_marks(state, draft, inside)
    if "-c" in words[1:-1]:  # perhaps a shell
        _text(state, words[words.index("-c") + 1], frame, "-c")


def _prefix_assignment(state: State, text: str, frame: Frame) -> None:
    name, _, value = text.partition("=")
    if name in CODE_ENVIRONMENT and name not in ("PATH", "LD_LIBRARY_PATH", "PYTHONPATH"):
        if not value or flags_of(text) & DYNAMIC or name.startswith(("LD_", "DYLD_")):
            return
        _text(state, value, frame, name)


def _text(state: State, text: str, frame: Frame, wrapper: str) -> None:
    """Read a text as shell code that `wrapper` runs."""
    inner = frame._replace(
        wrappers=(*frame.wrappers, wrapper),
        reparse=frame.reparse + 1,
        depth=frame.depth + 1,
        redirects=frame.redirects,
    )
    state.read_text(state, text, inner)


def _dynamic_code(
    state: State, wrapper: str, inside: tuple[Draft, ...], frame: Frame, argv: list[str]
) -> None:
    """Code that only the running shell knows."""
    inner = frame._replace(wrappers=(*frame.wrappers, wrapper))
    draft = Draft("", argv, inner, frame.redirects, inside)
    classify(draft, ())
    draft.features.discard("read_only")
    draft.features.add("dynamic")
    state.emit(draft)
    _source_marks(state, draft, inside)


def _source_marks(state: State, draft: Draft, sources: Sequence[Draft]) -> None:
    """Say where code that is about to run comes from."""
    for source in sources:
        if is_decoder(source):
            state.marks.add("decoder_to_interpreter")
        if "download" in source.features:
            state.marks.add("download_to_interpreter")


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
        return _shell(state, program, words, inside, frame)
    wrapper = WRAPPERS.get(program)
    if wrapper is not None:
        if program == "command" and len(words) > 1 and words[1] in ("-v", "-V"):
            return None
        rest, values = skip_options(
            words[1:], wrapper.short, wrapper.long, wrapper.operands, wrapper.assigns
        )
        inner = _wrapped(frame, program, wrapper.feature)
        for value in values:
            _prefix_assignment(state, value, inner)
        if not rest:
            return None
        return rest, inner
    special = _SPECIAL.get(program)
    if special is not None:
        return special(state, program, words, inside, frame)
    if program in INTERPRETERS:
        _interpreter_input(state, program, words, inside, frame)
        codes = INTERPRETERS[program]
        for index, word in enumerate(words[:-1]):
            if word in codes or re.fullmatch(r"-[a-zA-Z]+[ceE]", word):
                for text in shell_strings(words[index + 1]):
                    _text(state, text, frame, f"{program} {word}")
        return None
    if program in RUNNERS:
        return _runner(program, words, frame)
    if program in EXEC_TOOLS or program in ("podman", "nerdctl", "oc"):
        own = Draft(program, words[1:], frame, frame.redirects, inside)
        classify(own, assigned)
        state.emit(own)
        rest = container_command(program, words[1:])
        keep = own.features & {"privilege"}
        return rest, _wrapped(frame, f"{program} {_first(words)}", *keep)
    if program == "git":
        for text in git_commands(words[1:]):
            _text(state, text, frame, "git")
        return None
    for text in value_commands(program, words[1:]):
        _text(state, text, frame, program)
    return None


def _first(words: list[str]) -> str:
    return next((word for word in words[1:] if word in ("exec", "run", "create", "debug")), "")


def _wrapped(frame: Frame, wrapper: str, *features: str) -> Frame:
    inherited = frame.inherited | {f for f in features if f}
    return frame._replace(wrappers=(*frame.wrappers, wrapper), inherited=inherited)


def _shell(
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
            _dynamic_code(state, f"{program} -c", inside, frame, words[index:])
            state.read_text(
                state,
                str(text),
                _wrapped(frame, f"{program} -c")._replace(
                    reparse=frame.reparse + 1, depth=frame.depth + 1
                ),
            )
            return [], frame
        outer = state.positional
        state.positional = [str(word) for word in rest[1:]]
        _text(state, text, frame, f"{program} -c")
        state.positional = outer
        return [], frame
    _interpreter_input(state, program, words[: index + 1], inside, frame)
    return None


def _interpreter_input(
    state: State, program: str, words: list[str], inside: tuple[Draft, ...], frame: Frame
) -> None:
    """Mark and, where it is literal, read the code that reaches an interpreter's standard input.

    Only an interpreter without a script of its own reads its input as code.
    """
    operands = [word for word in words[1:] if not word.startswith("-")]
    codes = INTERPRETERS.get(program, frozenset())
    if any(word in codes or word == "-m" for word in words[1:]):
        _source_marks(state, Draft(program, [], frame), inside)
        return
    if operands and operands[0] not in ("/dev/stdin", "/proc/self/fd/0") and "-s" not in words:
        if operands[0].startswith("<("):
            _source_marks(state, Draft(program, [], frame), inside)
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
    _source_marks(state, Draft(program, [], frame), [*sources, *inside])
    if feed.text is not None and program in INTERPRETERS:
        for text in shell_strings(feed.text):
            _text(state, text, frame._replace(feed=None), f"{program} <")
    if feed.text is not None and program in SHELLS:
        _text(state, feed.text, frame._replace(feed=None), f"{program} <")


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
        elif _ASSIGNMENT.match(word):
            _prefix_assignment(state, word, frame)
            rest = rest[1:]
        elif word == "--" or (word.startswith("-") and len(word) > 0):
            rest = rest[1:]
        else:
            break
    if not rest:
        return None
    return rest, _wrapped(frame, "env")


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
            _text(state, text, _wrapped(frame, program, "privilege"), f"{program} -c")
            return [], frame
    if program == "runuser" and "-u" in words:
        rest, _ = skip_options(words[1:], "ugG", frozenset(), 0, assigns=False)
        return rest, _wrapped(frame, program, "privilege")
    return None


def _eval(
    state: State, program: str, words: list[str], inside: tuple[Draft, ...], frame: Frame
) -> tuple[list[str], Frame] | None:
    state.marks.add("eval")
    rest = words[2:] if words[1:2] == ["--"] else words[1:]
    text = " ".join(rest)
    if any(flags_of(word) & DYNAMIC for word in rest):
        _dynamic_code(state, "eval", inside, frame, rest)
    if text:
        _text(state, text, frame, "eval")
    return [], frame


def _source(
    state: State, program: str, words: list[str], inside: tuple[Draft, ...], frame: Frame
) -> tuple[list[str], Frame] | None:
    if words[1:2] == ["/dev/stdin"] or words[1:2] == ["/proc/self/fd/0"]:
        _interpreter_input(state, "bash", ["bash"], inside, frame)
    _source_marks(state, Draft(program, [], frame), inside)
    return None


def _trap(
    state: State, program: str, words: list[str], inside: tuple[Draft, ...], frame: Frame
) -> tuple[list[str], Frame] | None:
    rest = [word for word in words[1:] if word != "--"]
    if len(rest) > 1 and not rest[0].startswith("-"):
        _text(state, rest[0], frame, "trap")
    return None


def _alias(
    state: State, program: str, words: list[str], inside: tuple[Draft, ...], frame: Frame
) -> tuple[list[str], Frame] | None:
    for word in words[1:]:
        name, equals, text = word.partition("=")
        if equals and text:
            state.aliases[name] = str(text)
            _text(state, text, frame, "alias")
    return None


def _at(
    state: State, program: str, words: list[str], inside: tuple[Draft, ...], frame: Frame
) -> tuple[list[str], Frame] | None:
    if frame.feed is not None and frame.feed.text is not None:
        _text(state, frame.feed.text, frame._replace(feed=None), program)
    return None


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
        text = literal_output(Draft("printf", words[3:], frame._replace(feed=None)))
        state.assign(words[2], text if text is not None else Word(f"${words[2]}", DYNAMIC))
    return None


def _xargs(
    state: State, program: str, words: list[str], inside: tuple[Draft, ...], frame: Frame
) -> tuple[list[str], Frame] | None:
    replace = ""
    for index, word in enumerate(words[1:], 1):
        if word == "-I" and index + 1 < len(words):
            replace = words[index + 1]
        elif word.startswith("-I"):
            replace = word[2:]
        elif word in ("-i", "--replace"):
            replace = "{}"
    rest, _ = skip_options(
        words[1:],
        "aEILnPsd",
        frozenset({"--arg-file", "--delimiter", "--max-args", "--max-procs", "--max-lines"}),
        0,
        assigns=False,
    )
    known = frame.feed.text if frame.feed is not None else None
    given: list[str] = known.split() if known is not None else [Word("{}", DYNAMIC)]
    if not rest:
        rest = ["echo"]
    if replace and any(replace in word for word in rest[1:] + rest[:1]):
        value = " ".join(given)
        rest = [
            _replaced(word, replace, value, known is not None) if replace in word else word
            for word in rest
        ]
    else:
        rest = rest + given
    return rest, _wrapped(frame, "xargs")._replace(feed=frame.feed)


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
            _text(state, word, frame, "parallel")
        return None if not given else ([], frame)
    tail = given or [Word("{}", DYNAMIC)]
    if any("{}" in word for word in command):
        value = " ".join(given) if given else "{}"
        text = " ".join(word.replace("{}", value) for word in command)
    else:
        text = " ".join([*command, *tail])
    _text(state, text, frame, "parallel")
    return [], frame


def _watch(
    state: State, program: str, words: list[str], inside: tuple[Draft, ...], frame: Frame
) -> tuple[list[str], Frame] | None:
    rest, _ = skip_options(words[1:], "nq", frozenset({"--interval"}), 0, assigns=False)
    if not rest:
        return None
    _text(state, " ".join(rest), frame, "watch")
    return [], frame


def _dash_c(
    state: State, program: str, words: list[str], inside: tuple[Draft, ...], frame: Frame
) -> tuple[list[str], Frame] | None:
    """Script -c TEXT, flock FILE -c TEXT, flock FILE CMD, nix-shell --run TEXT."""
    for index, word in enumerate(words[:-1]):
        if word in ("-c", "--command", "--run") or re.fullmatch(r"-[a-z]*c", word):
            _text(state, words[index + 1], frame, program)
            return [], frame
    if program == "flock":
        rest, _ = skip_options(
            words[1:], "wE", frozenset({"--timeout", "--wait"}), 1, assigns=False
        )
        if rest:
            return rest, _wrapped(frame, program)
    return None


def _find(
    state: State, program: str, words: list[str], inside: tuple[Draft, ...], frame: Frame
) -> tuple[list[str], Frame] | None:
    own = Draft(program, words[1:], frame, frame.redirects, inside)
    classify(own, ())
    state.emit(own)
    for command in find_commands(program, words[1:]):
        inner = _wrapped(frame, program)._replace(depth=frame.depth + 1)
        run_command(state, command, (), inner)
    return [], frame


def _ssh(
    state: State, program: str, words: list[str], inside: tuple[Draft, ...], frame: Frame
) -> tuple[list[str], Frame] | None:
    for text in value_commands("ssh", words[1:]):
        _text(state, text, frame, program)
    own = Draft(program, words[1:], frame, frame.redirects, inside)
    classify(own, ())
    state.emit(own)
    text = ssh_command(words[1:])
    if text:
        _text(state, text, frame, program)
    elif frame.feed is not None:
        _interpreter_input(state, "sh", ["sh"], inside, _wrapped(frame, program))
    return [], frame


def _runner(program: str, words: list[str], frame: Frame) -> tuple[list[str], Frame] | None:
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
            return (rest, _wrapped(frame, f"{program} {word}")) if rest else None
        if not word.startswith("-"):
            return None
    return None


_SPECIAL: Final = {
    ".": _source,
    "alias": _alias,
    "at": _at,
    "batch": _at,
    "env": _env,
    "eval": _eval,
    "fd": _find,
    "fdfind": _find,
    "find": _find,
    "flock": _dash_c,
    "nix-shell": _dash_c,
    "parallel": _parallel,
    "printf": _printf_v,
    "read": _read,
    "runuser": _su,
    "script": _dash_c,
    "set": _set,
    "source": _source,
    "ssh": _ssh,
    "su": _su,
    "trap": _trap,
    "watch": _watch,
    "xargs": _xargs,
}
