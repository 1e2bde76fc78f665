"""Patterns of hosts and paths in packs, compiled once.

Guarantees: `*` in a host is whole labels, and the last two labels are always fixed, so that no
pattern reaches over the end of somebody's domain; `*` in a path is one segment, `**` any number.
Does not: match (routes).
"""

from __future__ import annotations

import re

from permit0.errors import InvalidInput

__all__ = ["host_pattern", "path_pattern"]

MAX_OPEN = 1  # `**` in one path: two could make matching quadratic
_LABEL = re.compile(r"[a-z0-9]([a-z0-9-]*[a-z0-9])?")


def host_pattern(text: str) -> tuple[str, re.Pattern[str] | None]:
    """The key under which routes of a host are found, and its pattern unless the name is fixed.

    Raises:
        InvalidInput: The pattern could match a domain of somebody else.
    """
    labels = text.casefold().split(".")
    stars = [i for i, label in enumerate(labels) if label == "*"]
    plain = [label for label in labels if label != "*"]
    if len(labels) < 2 or not all(map(_LABEL.fullmatch, plain)):
        raise InvalidInput(f"the host {text[:80]!r} is not a name of whole labels")
    if not stars:
        return ".".join(labels), None
    end = labels[stars[-1] + 1 :]
    if len(end) < 2:
        raise InvalidInput(f"the host {text[:80]!r} must end in two fixed labels")
    one = "[^.]+"
    parts = [one if label == "*" else re.escape(label) for label in labels]
    if labels[0] == "*":
        parts[0] = r"[^.]+(?:\.[^.]+)*"
    return "*." + ".".join(end), re.compile(r"\.".join(parts))


def path_pattern(text: str) -> re.Pattern[str]:
    """The pattern of a path, in lower case.

    Raises:
        InvalidInput: Too many open ends.
    """
    parts: list[str] = []
    for segment in text.casefold().strip("/").split("/"):
        if segment == "**":
            parts.append(r"(?:/[^/]+)*")
        elif segment == "*":
            parts.append("/[^/]+")
        elif segment[:1] == "{" and segment[-1:] == "}" and segment[1:-1].isidentifier():
            parts.append(f"/(?P<{segment[1:-1]}>[^/]+)")
        else:
            parts.append("/" + re.escape(segment).replace(r"\*", "[^/]*"))
    if parts.count(r"(?:/[^/]+)*") > MAX_OPEN:
        raise InvalidInput(f"the path {text[:80]!r} has more than one open end")
    return re.compile("".join(parts) + "/?")
