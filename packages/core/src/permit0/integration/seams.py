"""What `permit0 prove-seams` drives: one path through a real framework, with one allowed and one refused tool.

Guarantees: nothing; the integrations fill it. Does not: know a framework.
"""

from __future__ import annotations

from collections.abc import Callable

import msgspec

__all__ = ["Seam", "SeamResult"]


class SeamResult(msgspec.Struct, frozen=True):
    """What ran. note: for the report, in one clause."""

    allowed_ran: bool
    refused_ran: bool
    note: str = ""


class Seam(msgspec.Struct, frozen=True):
    """One path. drive: runs `permit0_canary_read` and `permit0_canary_danger` through it."""

    framework: str
    path: str
    drive: Callable[[], SeamResult]
