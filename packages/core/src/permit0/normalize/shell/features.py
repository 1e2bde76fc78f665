"""The closed vocabulary of shell features, and the limits within which a line is read.

Guarantees: FEATURES holds every name that a ShellCommand of this package may carry.
Does not: say how a feature is found (classify and the rules_* modules) or what it is worth (packs).
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

__all__ = [
    "FEATURES",
    "FEATURE_MEANINGS",
    "MAX_BRACE_WORDS",
    "MAX_CHOICES",
    "MAX_COMMANDS",
    "MAX_DEPTH",
    "MAX_EXPANSION_BYTES",
    "MAX_LINE_BYTES",
    "MAX_OPERATORS",
    "MAX_PEELS",
    "MAX_REPARSE",
    "MAX_WORDS",
]

MAX_LINE_BYTES: Final = 64 * 1024
"""UTF-8 bytes. Twice the longest command in the field; tree-sitter needs about 25 ms for it."""

MAX_DEPTH: Final = 60
"""Levels of nesting in one line. Each level costs a few Python frames out of 1000."""

MAX_REPARSE: Final = 6
"""How often a string inside a string is read as a command before it counts as obfuscated."""

MAX_COMMANDS: Final = 256
"""Simple commands in one line. More is a program, not a command, and is refused."""

MAX_EXPANSION_BYTES: Final = 1024 * 1024
"""Bytes that variables may expand to in one line: `a=$a$a` doubles with every step."""

MAX_OPERATORS: Final = 4000
"""Bars and opening brackets that the grammar is asked to read. tree-sitter-bash 0.25 needs time
quadratic in them where they do not fit together: 0.4 s for this many, 30 s for a full line."""

MAX_WORDS: Final = 16_384
"""Words produced by all expansions of one line together."""

MAX_BRACE_WORDS: Final = 64
"""Words that one brace expansion may produce; beyond, the text stays and counts as obfuscated."""

MAX_CHOICES: Final = 4
"""Different values of one variable that are tried where it is used."""

MAX_PEELS: Final = 16
"""Wrappers around one command; beyond, the line counts as obfuscated."""

FEATURE_MEANINGS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "read_only": "can only inspect: no write, no network, no code of its own",
        "destructive": "removes or overwrites data, history or resources beyond one plain file",
        "catastrophic": "the target makes it unrecoverable: a root, a home, a device, a cluster",
        "egress": "talks to a host that is not this machine's loopback",
        "upload": "egress that carries a local file, a pipe or an expansion out",
        "download": "fetches remote content",
        "install": "installs third-party packages, which run code of their own",
        "privilege": "acts as another user, or widens what somebody may do",
        "iam_change": "changes roles or permissions of a cloud or a cluster",
        "secret": "a password, token or key is handled, shown or read",
        "interpreter_code": "runs code given as text to an interpreter",
        "script": "runs a script file, module or build target whose text is not in the line",
        "dynamic": "what runs is known only when it runs",
        "schedule": "arranges something to run later",
        "service": "starts, stops or restarts a service or the machine",
        "persistence": "writes where something is started by itself: rc files, cron, units, hooks",
        "history_tamper": "removes traces: shell history or logs",
        "remote_shell": "has the shape of a shell that is driven from elsewhere",
        "write": "creates, changes or removes files",
        "sensitive_write": "writes below a system directory, into ~/.ssh or a shell rc file",
    }
)

FEATURES: Final[frozenset[str]] = frozenset(FEATURE_MEANINGS)
