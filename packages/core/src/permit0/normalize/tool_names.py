"""Which tool a name means: what frameworks and servers put around the name that a vendor gave.

A framework calls `create_issue` of a server `mcp__github__create_issue`, `github.create_issue`,
`github-create_issue`, `functions.create_issue`, `githubCreateIssue` or `create_issue_2`. A name is read
  1. whole: case and separators do not matter; a pack that names it has said what it is;
  2. without what only a framework adds: a label (`mcp__`, `functions.`) in front, a number behind;
  3. behind the name of a server: `server__tool`, `server--tool`, `server.tool`, `server/tool`,
     `server:tool`, and `server-tool` if the tool is more than a word and is not written with hyphens.
The first way that knows the name decides.

Is the server part of the identity? The name of a server is a label that the operator's configuration chose
(`fs`, `my-files`, `docker`), so it proves nothing in favour of a tool, and a stranger who chooses the names of
tools could call one `read_file` without any server. It can therefore only take away:
  * A mapping that names its server (`signnow/get_document` in a pack) holds for that server alone, and
    never for the bare tool.
  * A mapping without a server holds for the bare tool, and behind any server if its name is at least two
    words. A single word (`fetch`, `shell`, `memory`) means what its server makes of it: `orders.fetch`
    sends no HTTP request. It holds behind a server only if the server is the mapping's own vendor, or is
    called like the tool (`mcp__fetch__fetch`).
  * A server whose name is a word of doing or undoing (`delete.read_file`, `no.send`), or is itself a tool
    (`delete_file.read_file`), is no server but a part of the name.

Guarantees:
  * Where a server is read, every reading that is known must give the same action, chosen by the same
    arguments, with the same fixed values and units. Otherwise the name is unknown, which asks a person.
  * A single underscore separates words, not servers: `delete_and_read_file` is not `read_file`, and
    `acme_read_file` only becomes `read_file` if the mapping's vendor is Acme.
  * Bounded: a name over MAX_NAME characters or MAX_PARTS parts, or with a letter outside ASCII, is
    read whole only.
Does not: look at what the tool says of itself, or know any tool (catalog).
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import msgspec

__all__ = [
    "MAX_NAME",
    "Reading",
    "fold_name",
    "is_one_word",
    "readings",
    "spellings",
    "vendor_names",
]

MAX_NAME = 256  # characters; frameworks cut at 64 or 128
MAX_PARTS = 6

_SEPARATORS = re.compile(r"[^0-9a-z]+")
_NO_WORD = re.compile(r"[\W_]+")
_NUMBER = re.compile(r"(?<=[A-Za-z0-9)])(?:[_\-.:# ]+\d{1,3}| ?\(\d{1,3}\))$")
"""What frameworks add to keep names apart: `delete_file_2`, `Delete File (2)`, `create_issue:0`."""
_SERVER = re.compile(r"_{2,}|-{2,}|[./:]+")
_FRAMEWORK_WORD = re.compile(r"mcp\d{0,3}[_-](?=[A-Za-z])")
_HYPHEN = re.compile(r"([A-Za-z0-9_]+)-([A-Za-z0-9_]*(?:[A-Za-z0-9]_|[a-z0-9][A-Z])[A-Za-z0-9_]*)")
_MCP = re.compile(r"mcp\d{0,3}", re.IGNORECASE)
_FRAMEWORK = frozenset({"functions", "function", "tools", "tool", "defaultapi"})
_WORDS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")
_DOING = frozenset(
    {
        "add",
        "append",
        "assign",
        "cancel",
        "charge",
        "clear",
        "copy",
        "create",
        "del",
        "delete",
        "deploy",
    }
    | {
        "destroy",
        "disable",
        "drop",
        "edit",
        "enable",
        "erase",
        "exec",
        "execute",
        "force",
        "format",
    }
    | {
        "forward",
        "grant",
        "insert",
        "install",
        "invite",
        "kill",
        "merge",
        "move",
        "overwrite",
        "patch",
    }
    | {
        "pay",
        "publish",
        "purge",
        "push",
        "put",
        "remove",
        "rename",
        "replace",
        "reset",
        "revoke",
        "rm",
    }
    | {"rotate", "run", "schedule", "send", "set", "share", "sign", "stop", "submit", "terminate"}
    | {"transfer", "truncate", "unlink", "unlock", "update", "upload", "wipe", "write"}
    | {"dont", "never", "no", "non", "not", "un", "undo", "revert", "rollback", "skip", "without"}
)
"""Words that change what stands behind them, so that they name no server."""
_NO_VENDOR = re.compile(r"\([^)]*\)")


class Reading(msgspec.Struct, frozen=True, gc=False):
    """One way to read a name.

    key: folded name of the tool. server: folded name of the server, "" if none is read.
    parts: the folded names that the server consists of.
    """

    key: str
    server: str
    parts: tuple[str, ...]


def fold_name(name: str) -> str:
    """One spelling for a tool or argument: letters and digits only, lower case.

    Letters of other scripts are kept: without them, a name would become that of another tool.
    """
    lowered = name.lower()
    if lowered.isascii():
        return lowered if lowered.isalnum() else _SEPARATORS.sub("", lowered)
    return _NO_WORD.sub("", lowered)


def is_one_word(name: str) -> bool:
    """Whether a tool's name, as its vendor writes it, is a single word."""
    return len(_WORDS.findall(name)) < 2


def vendor_names(vendor: str) -> tuple[str, ...]:
    """Folded names by which a server of these vendors is called: "MCP fetch, Acme (LangChain)"."""
    names = _NO_VENDOR.sub("", vendor).split(",")
    folded = (fold_name(name).removeprefix("mcp").removesuffix("mcp") for name in names)
    return tuple(dict.fromkeys(name for name in folded if name))


def readings(name: str) -> tuple[Reading, ...]:
    """Every way to read a name that is not known whole; the longest names of tools first."""
    name = name.strip()
    if len(name) > MAX_NAME or not name.isascii():
        return ()
    found: dict[Reading, None] = {}
    plain = _NUMBER.sub("", name)
    for text in (name, plain) if plain != name else (name,):
        found.update(dict.fromkeys(_read(text)))
    return tuple(found)


def spellings(name: str) -> tuple[str, ...]:
    """Folded names of the tool in all readings, the whole name first."""
    found = [fold_name(name)]
    if len(name) <= MAX_NAME:
        found.append(fold_name(_NUMBER.sub("", name.strip())))
    return tuple(dict.fromkeys((*found, *(item.key for item in readings(name)))))


def _read(text: str) -> Iterator[Reading]:
    parts = [part for part in _SERVER.split(text) if part]
    while parts and fold_name(parts[0]) in _FRAMEWORK:
        del parts[0]
    if parts and _MCP.fullmatch(parts[0]):  # what follows is a server, even if it is called `tools`
        del parts[0]
    if parts:
        parts[0] = _FRAMEWORK_WORD.sub("", parts[0], count=1)
        hyphen = _HYPHEN.fullmatch(parts[-1])
        if hyphen is not None:
            parts[-1:] = hyphen.groups()
    if not parts or len(parts) > MAX_PARTS:
        return
    folded = [fold_name(part) for part in parts]
    for i in range(len(parts)):
        key = "".join(folded[i:])
        if not key:
            return
        if i and any(_names_no_server(part) for part in parts[:i]):
            return
        yield Reading(key, "".join(folded[:i]), tuple(folded[:i]))


def _names_no_server(part: str) -> bool:
    return not _DOING.isdisjoint(word.lower() for word in _WORDS.findall(part))
