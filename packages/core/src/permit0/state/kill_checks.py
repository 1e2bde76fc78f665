"""What an order of the kill switch must be, whichever store keeps it.

Guarantees: says who and why; names what its scope needs, in the form of that scope; can be stored.
Does not: know which agents, sessions, domains and actions there are (permit0.control).
"""

from __future__ import annotations

import math
from typing import Final

from permit0.errors import InvalidInput
from permit0.model.kill import KillScope

__all__ = ["MAX_BY", "MAX_REASON", "MAX_TARGET", "check_order", "not_active"]

MAX_BY: Final = 256  # characters, as names in tokens
MAX_REASON: Final = 4096
MAX_TARGET: Final = 65_536  # sessions are named by callers and may have long names


def check_order(scope: KillScope, target: str, by: str, reason: str, at: float) -> None:
    """Refuse an order that nobody could read, or that covers nothing."""
    _check_text(by, MAX_BY, "kill_by", "the name of the person who gives the order")
    _check_text(reason, MAX_REASON, "kill_reason", "a reason")
    if not math.isfinite(at):
        raise InvalidInput("an order needs the time as a number", reason_code="bad_time")
    if scope is KillScope.FLEET:
        if target:
            raise _bad_target("an order for the fleet has no target, leave it out")
        return
    _check_text(target, MAX_TARGET, "kill_target", f"the name of the {scope.value}")
    domain, dot, verb = target.partition(".")
    match scope:
        case KillScope.DOMAIN:
            if dot:
                raise _bad_target("a domain has no dot, name an action instead")
        case KillScope.ACTION:
            if not domain or not verb or "." in verb:
                raise _bad_target("an action is written `domain.verb`")
        case KillScope.AGENT | KillScope.SESSION:
            pass  # any text: callers choose these names


def _check_text(text: str, limit: int, code: str, what: str) -> None:
    if not text.strip():
        raise InvalidInput(f"an order needs {what}", where=code[5:], reason_code=code)
    if len(text) > limit:
        raise InvalidInput(
            f"{what} is longer than {limit} characters", where=code[5:], reason_code=code
        )
    if not text.isascii():
        try:
            text.encode()
        except UnicodeEncodeError as error:
            raise InvalidInput(
                f"{what} holds half a surrogate pair, which is no text",
                where=code[5:],
                reason_code=code,
            ) from error


def _bad_target(message: str) -> InvalidInput:
    return InvalidInput(message, where="target", reason_code="kill_target")


def not_active(scope: KillScope, target: str) -> InvalidInput:
    """The refusal to resume what is not stopped."""
    what = scope.value if scope is KillScope.FLEET else f"{scope.value} {target[:80]!r}"
    return InvalidInput(
        f"no kill of the {what} is in force, `permit0 status` lists what is",
        where="target",
        reason_code="kill_not_active",
    )
