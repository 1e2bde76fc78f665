"""One path through a framework that can be driven, to see whether a refused body runs on it.

Guarantees: nothing; these are the words in which integrations and `permit0 prove-seams` talk.
Does not: drive anything by itself.
"""

from __future__ import annotations

from collections.abc import Callable

import msgspec

__all__ = ["Seam", "SeamResult"]


class SeamResult(msgspec.Struct, frozen=True):
    """Which of the two canary tools ran. note: for people."""

    allowed_ran: bool
    refused_ran: bool
    note: str = ""


class Seam(msgspec.Struct, frozen=True):
    """A path. drive: runs the real framework through it, with both canary tools."""

    framework: str
    path: str
    drive: Callable[[], SeamResult]
