"""Code on a shell line (python -c, node -e), in the words that shell features have.

Guarantees: only ever adds features; a program in another language gives none.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from permit0.normalize.code.javascript import read_javascript
from permit0.normalize.code.python import read_python

__all__ = ["shell_features"]

_PYTHON = ("python", "pypy", "ipython")
_JAVASCRIPT = frozenset({"node", "nodejs", "deno", "bun"})
_IN_SHELL: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "network": ("egress", "download"),
        "mail": ("egress", "upload"),
        "process": ("dynamic",),
        "dynamic": ("dynamic",),
        "files_delete": ("destructive",),
        "files_write": ("write",),
        "secrets": ("secret",),
    }
)


def shell_features(program: str, text: str) -> frozenset[str]:
    """Features of a command that runs this text as code."""
    if program.startswith(_PYTHON):
        code = read_python(text)
    elif program in _JAVASCRIPT:
        code = read_javascript(text)
    else:
        return frozenset()
    if "unreadable" in code.features:
        return frozenset()  # the words of the text have been looked at already
    return frozenset(name for feature in code.features for name in _IN_SHELL.get(feature, ()))
