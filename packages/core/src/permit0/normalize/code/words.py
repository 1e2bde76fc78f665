"""Well-known words in text that is code or becomes code, for what no parser can read.

Guarantees: linear in the text; only ever adds features.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

__all__ = ["dangerous_words", "is_credential_text", "looks_like_host"]

_WORDS = tuple(
    (features, re.compile(pattern))
    for features, pattern in (
        (
            ("network",),
            r"(?i)\b(?:urllib|requests|httpx|aiohttp|socket|urlopen|websocket|paramiko|fetch|axios"
            r"|xmlhttprequest|sendbeacon|eventsource|curl|wget|netcat|nc|https?|node-fetch|/dev/tcp)\b",
        ),
        (
            ("process",),
            r"(?i)\b(?:subprocess|popen|child_process|spawn|execsync|os\s*\.\s*system|shell_exec"
            r"|pty|deno\s*\.\s*run|%%?(?:bash|sh|system|script|cmd))\b|^\s*!|\bsystem\s*\(",
        ),
        (("files_delete",), r"(?i)\brmtree\b|\bunlink|\brm\s+-|rmsync|rmdir|removedirs|\bdel\s+/"),
        (("files_write",), r"(?i)write_(?:text|bytes)|writefile|appendfile|['\"][wax]b?\+?['\"]"),
        (("files_read",), r"(?i)\bopen\s*\(|readfile|read_text|createreadstream"),
        (("env",), r"(?i)\benviron\b|\bgetenv\b|process\s*\.\s*env"),
        (
            ("dynamic",),
            r"(?i)\b(?:exec|eval|compile|__import__|getattr|globals|builtins|importlib|pickle|ctypes"
            r"|marshal|constructor|__proto__|__\w+__)\b|\bfunction\s*\(\s*['\"]|\bimport\s*\(",
        ),
        (("browser_storage",), r"(?i)document\s*\.\s*cookie|localstorage|sessionstorage|indexeddb"),
        (("mail",), r"(?i)\bsmtp"),
    )
)
_CREDENTIALS = re.compile(
    r"(?i)\.ssh(?:/|\\|$)|id_rsa|id_ed25519|\.aws(?:/|\\|$)|\.env(?:$|[./\"'\s])|\.netrc|\.pgpass|\.kube"
    r"|\.docker/config|/etc/(?:shadow|passwd|sudoers)|\.gnupg|\.npmrc|\.pypirc|credentials|secrets?\."
    r"|/proc/\w+/environ|token\.json|service[_-]?account|\.git-credentials|keychain|login data"
    r"|cookies\.sqlite|wallet\.dat|run/secrets|api[_-]?key|passwo?r?d|private[_-]?key"
)
_HOST = re.compile(
    r"(?i)(?:[a-z][a-z0-9+.-]*:)?(?://)?(?:[^/\s@]*@)?"
    r"((?:[a-z0-9](?:[a-z0-9_-]*[a-z0-9])?\.)+[a-z]{2,24}|\d{1,3}(?:\.\d{1,3}){3}|localhost"
    r"|\[[0-9a-f:.]+\])(?::\d+)?(?:[/?#].*)?"
)


def dangerous_words(text: str) -> Iterator[str]:
    """Features that words of a text hint at."""
    for features, pattern in _WORDS:
        if pattern.search(text) is not None:
            yield from features


def is_credential_text(text: str) -> bool:
    """Whether a text names a place where credentials are kept."""
    return _CREDENTIALS.search(text) is not None


def looks_like_host(text: str) -> str | None:
    """The host that a whole text names, if it names one."""
    match = _HOST.fullmatch(text.strip()) if len(text) <= 2048 else None
    return None if match is None else match.group(1).strip("[]")
