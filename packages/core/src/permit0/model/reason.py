"""Reason: why a verdict is at least as restrictive as it is."""

from __future__ import annotations

import msgspec

__all__ = ["Reason"]


class Reason(msgspec.Struct, frozen=True, gc=False):
    """One reason.

    code: stable ("tier_high", "gate", "block", "session_block", "denied_by_list" ...).
    message: one sentence for people. rule: id of the rule that said so, "" if none.
    """

    code: str
    message: str
    rule: str = ""
