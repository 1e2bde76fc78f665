"""One path through a framework on which a refused tool body could run, and how to drive it.

Does not: judge. `permit0 prove-seams` does, and prints what ran.
"""

from __future__ import annotations

from collections.abc import Callable

import msgspec

__all__ = ["Seam", "SeamResult"]


class SeamResult(msgspec.Struct, frozen=True):
    """What ran. note: what cannot be read off the two, "" if nothing."""

    allowed_ran: bool
    refused_ran: bool
    note: str = ""


class Seam(msgspec.Struct, frozen=True):
    """A path. path: in words, such as "ToolNode, sync". drive: takes it with the real framework."""

    framework: str
    path: str
    drive: Callable[[], SeamResult]
