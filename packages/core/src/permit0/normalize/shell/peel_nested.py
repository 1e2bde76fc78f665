"""Find the commands that stand inside the arguments of another program.

Guarantees: pure functions from an argument list to command words, or to texts for a shell.
Does not: run the peeling loop (peel) or judge (classify).
"""

from __future__ import annotations

import itertools
import re
from typing import Final

from permit0.normalize.shell.parts import flags_of
from permit0.normalize.shell.targets import is_credential
from permit0.normalize.shell.wrappers import EXEC_TOOLS

__all__ = [
    "VALUE_COMMANDS",
    "container_command",
    "find_commands",
    "find_starts",
    "found_credentials",
    "git_commands",
    "skip_options",
    "ssh_command",
    "value_commands",
]

_ASSIGNMENT = re.compile(r"[A-Za-z_][A-Za-z0-9_]*=")
_SSH_VALUED: Final = "BbcDEeFIiJLlmOopPQRSWw"
_GIT_GLOBALS: Final = frozenset({"-C", "--git-dir", "--work-tree", "--namespace", "--exec-path"})
_GIT_CODE_KEYS = re.compile(
    r"(?i)(?:core\.(?:pager|editor|sshcommand|askpass|fsmonitor|gitproxy|alternaterefscommand)"
    r"|pager\.\w+|alias\.[\w-]+|sequence\.editor|diff\.external|credential\.helper|gpg\.program"
    r"|(?:diff|merge|filter)(?:tool)?\.[\w-]+\.\w+|uploadpack\.packobjectshook)"
)
_FIND_EXEC: Final = frozenset({"-exec", "-execdir", "-ok", "-okdir"})
_FD_EXEC: Final = frozenset({"-x", "--exec", "-X", "--exec-batch"})
_FIND_NAMES: Final = frozenset({"-name", "-iname", "-path", "-ipath", "-wholename"})
_FIND_NARROWING = re.compile(
    r"-(?:i?name|i?path|i?wholename|i?regex|size|empty|newer\w*|[acm](?:time|min)|perm|user|group)"
)


def skip_options(
    words: list[str], short: str, long: frozenset[str], operands: int, assigns: bool
) -> tuple[list[str], list[str]]:
    """Drop a wrapper's own words; returns what remains, and the NAME=value words dropped."""
    index = 0
    values: list[str] = []
    while index < len(words):
        word = words[index]
        if word == "--":
            index += 1
            break
        if assigns and _ASSIGNMENT.match(word):
            values.append(word)
            index += 1
            continue
        if len(word) < 2 or word[0] != "-":
            break
        index += 1
        if word.startswith("--"):
            index += word in long
        else:
            for position, letter in enumerate(word[1:], 1):
                if letter in short:
                    index += position == len(word) - 1
                    break
    rest = words[index + operands :]
    while assigns and rest and _ASSIGNMENT.match(rest[0]):
        values.append(rest[0])
        rest = rest[1:]
    return rest, values


def find_starts(argv: list[str]) -> tuple[list[str], bool]:
    """Where find starts, and whether a test narrows what it meets there."""
    starts: list[str] = []
    for word in argv:
        if word.startswith("-") or word in ("(", "!", ")"):
            if word in ("-H", "-L", "-P") or word.startswith(("-O", "-D")):
                continue
            break
        starts.append(word)
    narrow = any(
        _FIND_NARROWING.fullmatch(word) and argv[k + 1 : k + 2] not in (["*"], ["*.*"])
        for k, word in enumerate(argv)
    )
    return starts or ["."], narrow


def find_commands(program: str, argv: list[str]) -> list[list[str]]:
    """The commands of find -exec and fd -x.

    `{}` is replaced by where the search starts or, if its names are told, by those of credentials.
    """
    commands: list[list[str]] = []
    options = _FIND_EXEC if program == "find" else _FD_EXEC
    starts, narrow = find_starts(argv)
    index = 0
    while index < len(argv):
        if argv[index] not in options:
            index += 1
            continue
        command: list[str] = []
        index += 1
        while index < len(argv) and argv[index] != ";":
            if argv[index] == "+" and command and command[-1] == "{}":
                break
            command.append(argv[index])
            index += 1
        if program != "find" and not any("{" in word for word in command):
            command.append("{}")
        if program == "find":
            meant = found_credentials(argv) if narrow else starts
            if meant:
                command = [part for word in command for part in (meant if word == "{}" else [word])]
        if command:
            commands.append(command)
    return commands


def found_credentials(argv: list[str]) -> list[str]:
    """Names that find looks for and that are those of credential files."""
    return [
        after
        for word, after in itertools.pairwise(argv)
        if word in _FIND_NAMES and is_credential(after)
    ]


def ssh_command(argv: list[str]) -> str:
    """The text that ssh hands to the remote shell."""
    rest, _ = skip_options(argv, _SSH_VALUED, frozenset(), 1, assigns=False)
    # ssh still reads options after the host.
    rest, _ = skip_options(rest, _SSH_VALUED, frozenset(), 0, assigns=False)
    return " ".join(rest)


def container_command(program: str, argv: list[str]) -> list[str]:
    """The command after `docker run IMAGE` or `kubectl exec POD --`; empty if there is none."""
    names, valued, _ = EXEC_TOOLS["kubectl" if program in ("kubectl", "oc") else "docker"]
    index = 0
    while index < len(argv) and argv[index] not in names:
        if argv[index] in ("compose", "container") or argv[index].startswith("-"):
            index += 1 + (argv[index] in valued)
        else:
            return []
    if index >= len(argv):
        return []
    rest = argv[index + 1 :]
    if program in ("kubectl", "oc"):
        return rest[rest.index("--") + 1 :] if "--" in rest else _after(rest, valued, 1)
    entry = [word for k, word in enumerate(rest) if k and rest[k - 1] == "--entrypoint"]
    entry += [word.partition("=")[2] for word in rest if word.startswith("--entrypoint=")]
    command = _after(rest, valued, 1)
    return entry[:1] + command if entry and entry[0] else command


def _after(words: list[str], valued: frozenset[str], operands: int) -> list[str]:
    index = 0
    while index < len(words) and words[index].startswith("-") and len(words[index]) > 1:
        if words[index] == "--":
            return words[index + 1 :]
        cluster = re.fullmatch(r"-[a-zA-Z]+", words[index])
        takes = words[index] in valued or (cluster is not None and f"-{words[index][-1]}" in valued)
        index += 2 if takes else 1
    return words[index + operands :]


def git_commands(argv: list[str]) -> list[str]:
    """Shell texts that git runs: -c core.pager=..., alias.x=!..., bisect run, rebase --exec."""
    texts: list[str] = []
    index = 0
    while index < len(argv) and argv[index].startswith("-"):
        word = argv[index]
        if word in ("-c", "--config-env") and index + 1 < len(argv):
            texts += _git_setting(*_halves(argv[index + 1]))
            index += 2
        else:
            index += 2 if word in _GIT_GLOBALS else 1
    rest = argv[index:]
    verb = rest[0] if rest else ""
    if verb == "config":
        named = [word for word in rest[1:] if not word.startswith("-")]
        if named[:1] == ["set"]:
            named = named[1:]
        if len(named) >= 2:
            texts += _git_setting(named[0], named[1])
    elif verb == "bisect" and rest[1:2] == ["run"]:
        texts.append(" ".join(rest[2:]))
    elif verb == "submodule" and "foreach" in rest:
        after = [word for word in rest[rest.index("foreach") + 1 :] if not word.startswith("-")]
        texts.append(" ".join(after))
    elif verb == "filter-branch" or verb == "rebase":
        for k, word in enumerate(rest[:-1]):
            if word in ("-x", "--exec") or word.endswith("-filter"):
                texts.append(rest[k + 1])
    for k, word in enumerate(rest):
        if word.startswith("ext::"):
            texts.append(word[5:])
            continue
        if not word.startswith("--"):
            continue
        option, equals, value = word.partition("=")
        if option in ("--upload-pack", "--receive-pack", "--exec", "--open-files-in-pager"):
            if equals:
                texts.append(value)
            elif k + 1 < len(rest) and verb != "rebase":
                texts.append(rest[k + 1])
    return texts


def _halves(setting: str) -> tuple[str, str]:
    key, _, value = setting.partition("=")
    return key, value


def _git_setting(key: str, value: str) -> list[str]:
    if not _GIT_CODE_KEYS.fullmatch(key):
        return []
    if key.lower().startswith("alias."):
        return [value[1:]] if value.startswith("!") else []
    if key.lower() == "credential.helper":
        return [value[1:]] if value.startswith("!") else []
    return [value.removeprefix("!")]


VALUE_COMMANDS: Final[dict[str, tuple[str, ...]]] = {
    "tar": ("--to-command", "--use-compress-program", "-I", "--info-script", "--rsh-command"),
    "rsync": ("-e", "--rsh", "--rsync-path"),
    "scp": ("-S",),
    "sftp": ("-S",),
    "man": ("-P", "--pager"),
    "rg": ("--pre",),
    "sort": ("--compress-program",),
    "split": ("--filter",),
    "tmux": (),
    "entr": (),
    "vim": (), "vi": (), "nvim": (), "view": (), "ex": (), "less": (), "more": (),
    "awk": (), "gawk": (), "mawk": (), "nawk": (),
    "sed": (), "gsed": (),
    "zip": ("-TT", "--unzip-command"),
    "ssh": (), "nc": ("-e", "-c"), "ncat": ("-e", "-c", "--exec", "--sh-exec"),
    "nodemon": ("--exec", "-x"),
    "socat": (),
    "psql": (), "sqlite3": (), "sqlite": (), "mysql": (), "mariadb": (), "duckdb": (),
}  # fmt: skip
"""program -> options whose value is a command line."""
_AWK_SYSTEM = re.compile(r"(?:system\s*\(\s*|\|\s*(?:getline\b)?\s*)\"((?:[^\"\\]|\\.)*)\"")
_AWK_GETLINE = re.compile(r"\"((?:[^\"\\]|\\.)*)\"\s*\|\s*getline")
_SED_EXEC = re.compile(r"(?:^|[;{}\n]|\d|\$|/)\s*e\s+([^;]+)")
_DATABASES: Final = frozenset({"psql", "sqlite3", "sqlite", "mysql", "mariadb", "duckdb"})
_DATABASE_SHELL = re.compile(
    r"(?i)(?:^|[\n;])\s*(?:\.(?:shell|system)\b|\\!|system\b)\s*([^\n]+)|\bprogram\s+'((?:[^']|'')+)'"
)
_SOCAT = re.compile(r"(?i)^(?:exec|system):['\"]?([^,'\"]+)")


def value_commands(program: str, argv: list[str]) -> list[str]:
    """Shell texts that stand in the options or the program text of `argv`."""
    options = VALUE_COMMANDS.get(program)
    if options is None:
        return []
    texts: list[str] = []
    for k, word in enumerate(argv):
        following = argv[k + 1] if k + 1 < len(argv) else ""
        name, equals, value = word.partition("=")
        if word in options:
            texts.append(following)
        elif equals and name in options:
            texts.append(value)
        elif word.startswith(("--checkpoint-action=exec=", "--checkpoint-action=exec:")):
            texts.append(word[len("--checkpoint-action=exec=") :])
        elif program == "ssh" and re.match(r"(?i)(?:-o)?(?:proxy|local)command[= ]", word):
            texts.append(re.split(r"[= ]", word, maxsplit=1)[1])
    if program.endswith("awk"):
        for word in argv:
            texts += [_unescape(m) for m in _AWK_SYSTEM.findall(word) + _AWK_GETLINE.findall(word)]
    elif program.endswith("sed"):
        texts += [m for word in argv if not word.startswith("-") for m in _SED_EXEC.findall(word)]
    elif program in ("vim", "vi", "nvim", "view", "ex", "less", "more"):
        for k, word in enumerate(argv):
            if (
                word in ("-c", "--cmd")
                and k + 1 < len(argv)
                and argv[k + 1].lstrip(":").startswith("!")
            ):
                texts.append(argv[k + 1].lstrip(":")[1:])
            elif re.match(r"\+:?!", word):
                texts.append(word.partition("!")[2])
    elif program == "tmux":
        texts += _tmux(argv)
    elif program == "entr":
        texts.append(" ".join(word for word in argv if not word.startswith("-")))
    elif program in _DATABASES:
        texts += [m for word in argv for groups in _DATABASE_SHELL.findall(word) for m in groups]
    elif program == "socat":
        texts += [m for word in argv for m in _SOCAT.findall(word)]
    return [str(text) for text in texts if text and not flags_of(text) & 2]


def _unescape(text: str) -> str:
    return re.sub(r"\\(.)", r"\1", text)


def _tmux(argv: list[str]) -> list[str]:
    if not argv:
        return []
    verb = next((word for word in argv if not word.startswith("-")), "")
    rest = argv[argv.index(verb) + 1 :] if verb else []
    if verb in ("send-keys", "send", "send-key"):
        keys = [word for word in rest if word not in ("Enter", "C-m", "KPEnter")]
        operands, _ = skip_options(keys, "tN", frozenset(), 0, assigns=False)
        return [" ".join(operands)]
    if verb in ("new-session", "new", "new-window", "neww", "split-window", "splitw", "run-shell"):
        operands, _ = skip_options(rest, "ctnsFexyl", frozenset(), 0, assigns=False)
        return [" ".join(operands)]
    return []
