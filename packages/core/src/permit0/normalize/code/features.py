"""The closed vocabulary of what code can do, and the limits within which it is read.

Guarantees: FEATURES holds every name that a Code of this package may carry.
Does not: say how a feature is found (python, javascript) or what it is worth (packs).
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

import msgspec

__all__ = ["FEATURES", "FEATURE_MEANINGS", "MAX_CODE_BYTES", "MAX_NESTED", "Code"]

MAX_CODE_BYTES: Final = 256 * 1024
"""UTF-8 bytes of one program. Longer ones are not read and count as unreadable."""

MAX_NESTED: Final = 3
"""How often code inside code (eval of a literal) is read again."""

FEATURE_MEANINGS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "network": "reaches another host, or can",
        "process": "starts programs or ends them",
        "files_read": "reads files or folders",
        "files_write": "creates or changes files",
        "files_delete": "removes files",
        "env": "reads or changes the environment of the process",
        "secrets": "names a place where credentials are kept, or asks for a password",
        "dynamic": "what runs is known only when it runs, or rules are walked around",
        "database": "talks to a database",
        "mail": "sends or reads mail",
        "browser_storage": "reads or changes cookies and what pages have stored",
        "page_read": "reads the page that is open",
        "page_change": "changes the page that is open, or acts in it",
        "clipboard": "reads or changes the clipboard",
        "input": "waits for somebody to type",
        "unknown": "uses a name, a module or a member that is not known to be pure",
        "unreadable": "cannot be read as a program of the language",
    }
)

FEATURES: Final[frozenset[str]] = frozenset(FEATURE_MEANINGS)


class Code(msgspec.Struct, frozen=True, gc=False):
    """A program as it was read.

    features: empty for pure computation. texts: its literal texts, joined where they are joined.
    commands: literal texts that it hands to a shell.
    """

    features: frozenset[str]
    texts: tuple[str, ...] = ()
    commands: tuple[str, ...] = ()
