"""Seams: the paths on which a framework can reach a tool's body, each driven with two canary tools.

A seam runs the real framework. `permit0_canary_read` is allowed and `permit0_canary_danger` is refused by the
guard that it is given; what ran is told by the canaries themselves.
"""

from __future__ import annotations

from collections.abc import Callable

import msgspec

__all__ = ["ALLOWED", "REFUSED", "Seam", "SeamResult"]

ALLOWED = "permit0_canary_read"
REFUSED = "permit0_canary_danger"


class SeamResult(msgspec.Struct, frozen=True):
    """What ran on a path. note: in words, "" if there is nothing to say."""

    allowed_ran: bool
    refused_ran: bool
    note: str = ""


class Seam(msgspec.Struct, frozen=True):
    """One path. drive: runs the framework on it."""

    framework: str
    path: str
    drive: Callable[[], SeamResult]
