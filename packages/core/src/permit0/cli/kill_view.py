"""How kill orders, and who has read them, look on the terminal."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from rich.text import Text

from permit0.cli.terminal import Terminal, visible
from permit0.control.kill_switch import KillStatus
from permit0.model.kill import KillOrder, KillScope, KillVerb, Seen
from permit0.state.kills import SEEN_EVERY_S

__all__ = ["print_order", "print_status"]

QUIET_S = 3 * SEEN_EVERY_S  # whoever is in use says so every SEEN_EVERY_S
MAX_TEXT = 200
_UNITS = ((86400.0, "d"), (3600.0, "h"), (60.0, "min"))


def print_order(term: Terminal, order: KillOrder, *, file: Path, recorded: bool | None) -> None:
    """What was done just now. recorded: in the audit log; None if there is none."""
    what = _what(order)
    if order.verb is KillVerb.KILL:
        head = Text(f"{term.symbols.no} {what} is stopped", "bold red")
        effect = "every process that uses the file refuses its calls and its tokens from now on"
    else:
        head = Text(f"{term.symbols.yes} {what} may go on", "bold green")
        effect = "other kills stay in force, and tokens from before the kill stay refused"
    term.line(head.append(f"  order {order.number}", "bright_black"))
    term.line(f"by {visible(order.by)}: {visible(order.reason, MAX_TEXT)}", indent=2)
    term.line(Text(effect, "bright_black"), indent=2)
    term.line(Text(f"file {visible(str(file))}", "bright_black"), indent=2)
    if recorded is None:
        note = "no audit log is configured: the order is kept in the state file alone"
        term.line(Text(note, "yellow"), indent=2)


def print_status(term: Terminal, status: KillStatus, *, file: Path) -> None:
    """What is stopped, and who has read how far."""
    count = len(status.active)
    if count:
        head = Text(f"{term.symbols.no} {count} kill{'s'[: count > 1]} in force", "bold red")
    else:
        head = Text(f"{term.symbols.yes} no kill is in force", "bold green")
    term.line(head)
    for order in status.active:
        line = Text().append(f"{order.number:>6}  ", "bright_black").append(_what(order), "bold")
        line.append(f"  {_time(order.at)}  by {visible(order.by)}: ")
        term.line(line.append(visible(order.reason, MAX_TEXT)), indent=2, hang=8)
    term.line(Text("enforcement points", "bold"))
    for seen in status.seen:
        term.line(_point(term, status, seen), indent=2, hang=2)
    if not status.seen:
        term.line(Text("none has read the orders yet", "bright_black"), indent=2)
    orders = f"{status.orders} order{'s'[: status.orders != 1]} in all"
    term.line(Text(f"{orders}, in {visible(str(file))}", "bright_black"))


def _point(term: Terminal, status: KillStatus, seen: Seen) -> Text:
    quiet = not abs(status.at - seen.at) < QUIET_S
    behind = seen.number < status.number
    style = "bright_black" if quiet else "yellow" if behind else "green"
    mark = term.symbols.unmet if quiet or behind else term.symbols.met
    line = Text().append(f"{mark} {visible(seen.name, MAX_TEXT)}", style)
    line.append(f"  {visible(seen.process, 16)}  ", "bright_black")
    line.append(f"has read up to {seen.number}, {_age(status.at - seen.at)} ago")
    if behind:
        line.append(", reads the rest before its next decision", style)
    if quiet:
        line.append(", idle or ended", style)
    return line


def _what(order: KillOrder) -> str:
    if order.scope is KillScope.FLEET:
        return "the fleet"
    return f"{order.scope.value} {visible(order.target, MAX_TEXT)}"


def _time(at: float) -> str:
    try:
        return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M:%SZ")
    except (OverflowError, ValueError, OSError):  # the clock of whoever gave the order was mad
        return f"{at:.0f}"


def _age(seconds: float) -> str:
    for length, unit in _UNITS:
        if seconds >= length:
            return f"{seconds / length:.0f} {unit}"
    return f"{max(seconds, 0.0):.0f} s"
