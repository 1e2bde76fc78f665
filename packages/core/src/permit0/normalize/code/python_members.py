"""What members of Python modules do, by their whole name.

Guarantees: a name that is on no list has a feature; a name below one that leads to other modules has
that module's.
"""

from __future__ import annotations

from permit0.normalize.code.python_names import (
    DUNDERS,
    KNOWN_MEMBERS,
    KNOWN_MODULES,
    PURE_MEMBERS,
    PURE_MODULES,
)

__all__ = ["is_plain_member", "path_features", "unlisted_features"]

_NONE: frozenset[str] = frozenset()
_OS_PREFIXES = (
    (("exec", "spawn", "posix_spawn", "system", "popen", "fork", "kill", "startfile", "abort"),
     ("process",)),
    (("remove", "unlink", "rmdir"), ("files_delete",)),
    (("env", "getenv", "putenv", "unsetenv", "getlogin", "uname", "getuid"), ("env",)),
    (("open", "read", "listdir", "scandir", "walk", "stat", "access", "path", "getcwd", "lstat",
      "fwalk", "readlink"), ("files_read",)),
    (("write", "mkdir", "makedirs", "rename", "replace", "chmod", "chown", "link", "symlink",
      "truncate", "utime", "chdir", "mkfifo"), ("files_write",)),
)  # fmt: skip


def is_plain_member(name: str) -> bool:
    """Whether a member is harmless on whatever object it is."""
    return (name in PURE_MEMBERS or name in DUNDERS) and name not in KNOWN_MEMBERS


def path_features(path: str) -> frozenset[str]:
    """Features of a whole name: "os.system", "numpy.linalg.norm"."""
    root, _, member = path.partition(".")
    if not member:
        return _NONE
    names = PURE_MODULES.get(root)
    if names is None:
        if root == "os":
            return unlisted_features(path)
        return _NONE if root in KNOWN_MODULES else frozenset({"unknown"})
    if "*" in names and "." not in member:
        return frozenset({"dynamic"}) if member.startswith("_") else _NONE
    if member in names or any(name.startswith(member + ".") for name in names):
        return _NONE  # on the list, or a module on the way to one of its functions
    owner, _, last = member.rpartition(".")
    if owner in names and is_plain_member(last):
        return _NONE  # a method of what a pure name is
    return unlisted_features(path)


def unlisted_features(path: str) -> frozenset[str]:
    """Features of a name that is on no list of pure ones."""
    root, _, member = path.partition(".")
    first, last = member.partition(".")[0], member.rpartition(".")[2] or root
    if root == "os":
        for prefixes, features in _OS_PREFIXES:
            if last.startswith(prefixes):
                return frozenset(features)
    if root == "urllib" or (root == "asyncio" and "open" in last):
        return frozenset({"network"})
    if first in KNOWN_MODULES and "." in member:
        return frozenset({"dynamic", *KNOWN_MODULES[first]})
    if last in KNOWN_MEMBERS:
        return frozenset(KNOWN_MEMBERS[last])
    if last.startswith("_") or "._" in member or root == "timeit":
        return frozenset({"dynamic"})
    return frozenset({"unknown"})
