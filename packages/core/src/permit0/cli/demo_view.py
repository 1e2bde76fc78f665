"""How a token, what was tried with it, and the log look in the demo.

Guarantees: of a token only the beginnings of its ids are shown, and of its text nothing.
"""

from __future__ import annotations

from collections.abc import Iterator

import msgspec
from rich.text import Text

from permit0.cli.demo_deployment import Attempt, Execution, LogCheck
from permit0.cli.terminal import Symbols, visible

__all__ = ["attempt_lines", "execution_as_data", "log_as_data", "log_lines", "token_pieces"]

ID_CHARS = 4
DIGEST_CHARS = 6
MINUTE_S = 60
KID_PREFIX = "k4.pid."


def token_pieces(execution: Execution, symbols: Symbols) -> list[Text]:
    """The token of a call, and what the gateway did with it."""
    claims, more = execution.claims, symbols.ellipsis
    key = execution.kid.removeprefix(KID_PREFIX)
    facts = [
        f"token {claims.jti[:ID_CHARS]}{more}",
        f"key {key[:ID_CHARS]}{more}",
        f"binds {claims.args[:DIGEST_CHARS]}{more}",
        f"{_ttl_s(execution) // MINUTE_S} min",
    ]
    once = execution.runs == 1
    ran = Text("gateway: accepted, ran ", "green" if once else "bold red")
    ran.append("once" if once else f"{execution.runs} times")
    return [*(Text(fact, "bright_black") for fact in facts), ran]


def attempt_lines(execution: Execution, symbols: Symbols) -> Iterator[Text]:
    """What else was tried with the token."""
    for attempt in execution.attempts:
        line = Text().append(f"{symbols.no} ", "red")
        line.append(f"same token {_tried(attempt, symbols)}: ")
        line.append(attempt.code or "NOT REFUSED", "red" if attempt.code else "bold white on red")
        yield line


def log_lines(check: LogCheck, symbols: Symbols) -> Iterator[Text]:
    """The log as it is, and what a changed copy gave away."""
    good = Text().append(f"{symbols.yes} ", "bold green")
    yield good.append(f"audit log: {check.log.records} records verified, chain intact")
    line = Text()
    if check.is_good:
        line.append(f"{symbols.yes} ", "bold green")
        line.append("a copy with one flipped byte: first bad record ")
        line.append(f"{check.found}, {check.code}", "red")
    else:
        named = f"record {check.found} was named" if check.found else "nothing was found"
        line.append(f"{symbols.no} ", "bold red")
        line.append(f"a copy with a flipped byte in record {check.flipped}: {named}", "bold red")
    yield line


def execution_as_data(execution: Execution | None) -> dict[str, object] | None:
    """The same for a program: every claim, and no token."""
    if execution is None:
        return None
    return {
        "kid": execution.kid,
        "claims": msgspec.to_builtins(execution.claims),
        "ttl_s": _ttl_s(execution),
        "runs": execution.runs,
        "refused": [
            {"attempt": "changed_argument", **msgspec.to_builtins(attempt)}
            if attempt.argument
            else {"attempt": "again", "code": attempt.code}
            for attempt in execution.attempts
        ],
    }


def log_as_data(check: LogCheck) -> dict[str, object]:
    """What was found in the log and in the copy."""
    return {
        "ok": True,
        **msgspec.to_builtins(check.log),
        "changed_copy": {
            "ok": not check.found,
            "flipped_in": check.flipped,
            "seq": check.found,
            "code": check.code,
            "message": check.message,
        },
    }


def _tried(attempt: Attempt, symbols: Symbols) -> str:
    if not attempt.argument:
        return "again"
    change = f"{attempt.before} {symbols.arrow} {attempt.after}"
    return f"with {attempt.argument} {visible(change)}"


def _ttl_s(execution: Execution) -> int:
    return int((execution.claims.exp - execution.claims.iat).total_seconds())
