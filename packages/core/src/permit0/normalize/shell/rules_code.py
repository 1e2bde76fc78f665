"""Rules for interpreters: code given as text, scripts and modules, interactive shells.

Guarantees: code given with -c or -e is always interpreter_code, whatever it contains; names of
network modules, deletions and shells in it add egress, destructive, remote_shell.
Does not: parse foreign languages. It looks for well-known names; a clever text hides more.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

from permit0.normalize.code.shell_view import shell_features
from permit0.normalize.shell.parts import DYNAMIC, Draft, flags_of
from permit0.normalize.shell.targets import is_catastrophic, is_credential
from permit0.normalize.shell.wrappers import INTERPRETERS, SHELLS

__all__ = ["CODE_RULES", "shell_strings"]

_NETWORK = re.compile(
    r"(?i)\b(?:urllib|requests\.|httpx|http\.client|aiohttp|socket|smtplib|ftplib|paramiko|telnetlib"
    r"|urlopen|net/http|Net::|open-uri|IO::Socket|LWP|WWW::|Socket\b|TCPSocket|fsockopen|curl_"
    r"|file_get_contents\s*\(\s*['\"]https?|fetch\s*\(|https?\.(?:get|request)|require\(['\"](?:node:)?"
    r"(?:https?|net|dgram|tls|dns|axios|node-fetch)['\"]|axios|XMLHttpRequest|/dev/tcp/)"
)
_UPLOAD = re.compile(r"(?i)\bpost\b|\.put\(|\.send(?:all|mail)?\(|storbinary|data\s*=|open\(.*read")
_DELETES = re.compile(
    r"(?i)rmtree|os\.(?:remove|unlink|rmdir|removedirs)|\bunlink\b|rmSync|rmdirSync|unlinkSync"
    r"|rimraf|FileUtils\.rm|remove_dir_all|File\.delete|\brm\s+-\w*[rf]|\.unlink\(|fs\.rm\b"
)
_PROCESS = re.compile(
    r"(?i)os\.(?:system|popen|exec\w*|spawn\w*)|subprocess|pty\.spawn|child_process"
    r"|\bexec(?:Sync)?\s*\("
    r"|\bsystem\s*[( ]|Popen|shell_exec|passthru|proc_open|`[^`]+`"
    r"|spawn(?:Sync)?\s*\(|%x\{|Kernel\."
    r"|do shell script|backtick|commands\.getoutput|__import__"
)
_ENVIRONMENT = re.compile(
    r"os\.environ\b(?!\.get\(['\"]HOME)|process\.env\b(?!\.\w)|%ENV\b|ENV\.to_h"
)
_QUOTED = re.compile(r"'([^'\\]*)'|\"([^\"\\]*)\"")
_REMOTE_SHELL = re.compile(r"(?is)socket.*(?:dup2|pty|/bin/\w*sh|exec|subprocess)|fsockopen.*exec")
_SHELL_STRING = re.compile(
    r"(?:system|popen|run|call|check_output|check_call|Popen|exec|execSync|shell_exec|passthru"
    r"|getoutput|spawn\w*)\s*\(?\s*(?:\[\s*)?(?:'([^']*)'|\"([^\"]*)\")|`([^`]+)`"
)
_ADDRESS = re.compile(r"(?i)https?://")
_HARMLESS_MODULES: Final = frozenset({"json.tool", "this", "calendar", "site", "timeit"})
_SERVERS: Final = frozenset({"http.server", "SimpleHTTPServer", "smtpd", "pyftpdlib"})


def shell_strings(code: str) -> list[str]:
    """Texts that the code hands to a shell, as far as they are literals."""
    return [a or b or c for a, b, c in _SHELL_STRING.findall(code) if a or b or c]


def _code(draft: Draft, text: str) -> None:
    features = draft.features
    features.add("interpreter_code")
    features |= shell_features(draft.program, text)
    if _NETWORK.search(text):
        features.add("egress")
        features.add("download")
        if _UPLOAD.search(text):
            features.add("upload")
        if _REMOTE_SHELL.search(text):
            features.add("remote_shell")
    literals = [a or b for a, b in _QUOTED.findall(text)]
    if _DELETES.search(text):
        features.add("destructive")
        if any(is_catastrophic(literal) for literal in literals if literal != "."):
            features.add("catastrophic")
    if _PROCESS.search(text):
        features.add("dynamic")
    if any(is_credential(literal) for literal in literals) or _ENVIRONMENT.search(text):
        features.add("secret")
    if re.search(r"(?i)open\([^)]*['\"][wax]b?\+?['\"]|write_text|writeFile|File\.write", text):
        features.add("write")


def _interpreter(draft: Draft) -> bool:
    codes = INTERPRETERS.get(draft.program, frozenset({"-e", "-c"}))
    argv = draft.argv
    index = 0
    while index < len(argv):
        word = argv[index]
        following = argv[index + 1] if index + 1 < len(argv) else ""
        cluster = re.fullmatch(r"-[A-Za-z0-9]*[ceEpr]", word) and f"-{word[-1]}" in codes
        if word in codes or cluster:
            _code(draft, following)
            if draft.program in ("perl", "ruby") and any(
                re.match(r"-[a-zA-Z]*i", option) for option in [*argv[:index], word]
            ):
                draft.features.add("write")
                draft.writes += [w for w in argv[index + 2 :] if not w.startswith("-")]
            return False
        if re.match(r"-[ceEr].", word) and word[:2] in codes and not word.startswith("--"):
            _code(draft, word[2:])
            return False
        if word == "-m":
            _module(draft, following, argv[index + 2 :])
            return False
        if word == "run" and draft.program in ("bun", "deno"):
            index += 1
            continue
        if _ADDRESS.match(word):
            draft.urls.append(word)
            draft.features.update(("script", "dynamic", "egress", "download"))
            return False
        if word == "-" or not word.startswith("-"):
            if word != "-":
                draft.features.add("script")
                if not word.startswith("<("):
                    draft.reads.append(word)
            else:
                draft.features.add("interpreter_code")
            return False
        index += 2 if word in ("-W", "-X", "-I", "-r", "--require", "-C") else 1
    if draft.feed is not None:
        _code(draft, draft.feed.text or "")
    elif any(r.op == "<" for r in draft.redirects):
        draft.features.add("script")
    return False


def _module(draft: Draft, module: str, rest: list[str]) -> None:
    if module in _HARMLESS_MODULES:
        return
    if module in ("pip", "pipx", "ensurepip", "uv"):
        if "install" in rest or module == "ensurepip":
            draft.features.add("install")
        else:
            draft.features.add("script")
        return
    draft.features.add("script")
    if module in _SERVERS:
        draft.features.add("egress")
    if module == "twine" and "upload" in rest:
        draft.features.update(("egress", "upload"))


def _shell(draft: Draft) -> bool:
    argv = draft.argv
    operands = [word for word in argv if not word.startswith(("-", "+"))]
    if operands and "-s" not in argv:
        draft.features.add("script")
        if not operands[0].startswith("<("):
            draft.reads.append(operands[0])
        if flags_of(operands[0]) & DYNAMIC:
            draft.features.add("dynamic")
    elif draft.feed is not None:
        draft.features.add("interpreter_code")
        if draft.feed.text is None:
            draft.features.add("dynamic")
    elif any(r.op == "<" for r in draft.redirects) or not argv:
        draft.features.add("script")
    if draft.program == "fish" and "-c" in argv:
        draft.features.add("interpreter_code")
    return False


def _source(draft: Draft) -> bool:
    if draft.argv:
        draft.reads.append(draft.argv[0])
        if flags_of(draft.argv[0]) & DYNAMIC:
            draft.features.add("dynamic")
    return False


def _lookup(draft: Draft) -> bool:
    """`command -v x`, `type x`: only a question."""
    return True


CODE_RULES: Final[dict[str, Callable[[Draft], bool]]] = {
    **dict.fromkeys(INTERPRETERS, _interpreter),
    **dict.fromkeys(SHELLS, _shell),
    "source": _source,
    ".": _source,
    "command": _lookup,
}
