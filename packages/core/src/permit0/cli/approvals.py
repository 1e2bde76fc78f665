"""`permit0 approvals`: what waits for a person, and the person's answer, from any process on the state file.

Guarantees: 0 done; 1 the answer does not count (it expired, somebody was first, the person asked for it);
2 it could not be done. A yes is bound to what was shown: `approve` takes the digest that stands under it, and
`answer` shows it right before it asks.
Does not: authenticate `--by`: whoever may write the state file may answer.
"""

from __future__ import annotations

import sys
from argparse import Namespace
from datetime import UTC, datetime
from pathlib import Path

import msgspec
from rich.text import Text

from permit0.approval.approvers import ConsoleApprover
from permit0.approval.desk import ApprovalDesk
from permit0.cli.terminal import Terminal, make_terminal, visible
from permit0.clock import SystemClock
from permit0.config import find_config, load_config
from permit0.errors import AuditUnavailable, InvalidInput, Permit0Error
from permit0.model.approval import ApprovalAnswer, ApprovalState, ApprovalStatus

__all__ = ["run"]

REFUSED = 1
MIN_PREFIX = 8
SHORT = 16


def run(options: Namespace) -> int:
    """See above.

    Raises:
        BadConfig: No state file is configured, or the configuration is not valid.
        InvalidInput: approval_unknown, approval_view_changed.
        StateUnavailable, AuditUnavailable: The files cannot be used.
    """
    from permit0.build import open_desk  # loads more than --help should wait for

    loaded = load_config(find_config(None if options.config is None else Path(options.config)))
    desk = open_desk(loaded, clock=SystemClock(), name="permit0 approvals")
    term = make_terminal(no_color=options.no_color)
    match options.verb or "list":
        case "list":
            return _list(options, term, desk)
        case "show":
            return _show(options, term, desk)
        case "answer":
            return _ask(options, term, desk)
        case verb:
            return _answer(options, term, desk, approved=verb == "approve")


def _list(options: Namespace, term: Terminal, desk: ApprovalDesk) -> int:
    waiting = desk.pending()
    if options.json:
        _print_json([_data(state) for state in waiting])
        return 0
    if not waiting:
        term.line(f"{term.symbols.yes} nothing waits for a person")
    for state in waiting:
        request = state.request
        head = Text().append(request.id[:SHORT], "bold").append(f"  {visible(request.tool, 60)}")
        head.append(f"  {request.score:.2f} {request.tier.value}", "bright_black")
        term.line(head)
        term.line(
            f"agent {visible(request.agent, 40)}, session {visible(request.session, 40)}, "
            f"until {_time(request.expires)}",
            indent=2,
        )
        term.line(Text(visible(request.reason, 200), "bright_black"), indent=2)
    return 0


def _show(options: Namespace, term: Terminal, desk: ApprovalDesk) -> int:
    state = _find(desk, options.id)
    if options.json:
        _print_json(_data(state) | {"view": state.request.view})
        return 0
    for line in state.request.view.splitlines():
        term.line(line)
    term.blank()
    term.line(
        f"request {state.request.id}  {state.status.value}, until {_time(state.request.expires)}"
    )
    term.line(f"shown   {state.request.view_digest}")
    return 0


def _ask(options: Namespace, term: Terminal, desk: ApprovalDesk) -> int:
    state = _find(desk, options.id)
    approver = ConsoleApprover(by=options.by, clock=SystemClock())
    return _result(term, desk.ask(approver, state.request))


def _answer(options: Namespace, term: Terminal, desk: ApprovalDesk, *, approved: bool) -> int:
    request = _find(desk, options.id).request
    shown = request.view_digest
    if approved and not (
        len(options.shown) >= MIN_PREFIX and shown.startswith(options.shown.lower())
    ):
        raise InvalidInput(
            "this is not the digest of what waits, look at it with `permit0 approvals show`",
            reason_code="approval_view_changed",
        )
    answer = ApprovalAnswer(
        request=request.id,
        approved=approved,
        by=options.by,
        reason=options.reason,
        view_digest=shown,
        at=0.0,  # the desk says when
    )
    try:
        return _result(term, desk.answer(answer))
    except (InvalidInput, AuditUnavailable) as error:
        return _refused(error)


def _result(term: Terminal, state: ApprovalState) -> int:
    by = "" if state.answer is None else f" by {visible(state.answer.by, 60)}"
    match state.status:
        case ApprovalStatus.APPROVED:
            term.line(Text(f"{term.symbols.yes} approved{by}, for one run", "bold green"))
            return 0
        case ApprovalStatus.REJECTED:
            term.line(Text(f"{term.symbols.no} rejected{by}", "bold red"))
            return 0
        case status:
            term.line(f"{status.value}{by}")
            return REFUSED


def _find(desk: ApprovalDesk, given: str) -> ApprovalState:
    """A request by its id or the beginning of one that waits."""
    if len(given) >= MIN_PREFIX:
        found = [state for state in desk.pending() if state.request.id.startswith(given)]
        if len(found) == 1:
            return found[0]
    return desk.find(given)


def _refused(error: Permit0Error) -> int:
    sys.stdout.flush()
    sys.stderr.write(f"permit0: {error} ({error.reason_code})\n")
    return REFUSED


def _data(state: ApprovalState) -> dict[str, object]:
    data: dict[str, object] = msgspec.to_builtins(state.request)
    del data["view"]
    return data | {"status": state.status.value, "answer": msgspec.to_builtins(state.answer)}


def _print_json(data: object) -> None:
    encoded = msgspec.json.format(msgspec.json.encode(data), indent=2)
    sys.stdout.write(encoded.decode() + "\n")


def _time(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M:%SZ")
