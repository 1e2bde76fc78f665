"""`permit0 kill`, `resume` and `status`: stop agents in every process that shares the state file.

Guarantees: 0 done; 1 refused: nothing to resume, a resume that cannot be recorded, or a kill that is in
force but not on record (stdout says that it is, stderr that it is not recorded); 2 it could not be
done. An audit log that cannot be opened never keeps a kill from taking effect. `status` makes no file.
Does not: authenticate `--by`: whoever may write the state file may stop and resume. Does not count as
an enforcement point.
"""

from __future__ import annotations

import sys
from argparse import Namespace
from contextlib import closing
from pathlib import Path

import msgspec

from permit0.audit.events import EventLog
from permit0.audit.redact import Redactor
from permit0.cli.kill_view import print_order, print_status
from permit0.cli.terminal import make_terminal
from permit0.clock import SystemClock
from permit0.config import LoadedConfig, find_config, load_config
from permit0.control.kill_switch import KillControl, KillStatus
from permit0.errors import AuditUnavailable, BadConfig, InvalidInput, KillUnrecorded, Permit0Error
from permit0.model.kill import KillOrder, KillScope
from permit0.model.record import AuditReceipt
from permit0.normalize.sensitive import find_confidential
from permit0.ports import AuditSink
from permit0.state.kills import SqliteKills

__all__ = ["run"]

REFUSED = 1


def run(options: Namespace) -> int:
    """See above.

    Raises:
        BadConfig: No state file is configured, or the configuration is not valid.
        InvalidInput: kill_target, kill_by, kill_reason.
        StateUnavailable: The state file cannot be used.
    """
    loaded = load_config(find_config(None if options.config is None else Path(options.config)))
    file = _state_file(loaded)
    clock = SystemClock()
    with closing(SqliteKills(file, name="permit0 " + options.verb, clock=clock)) as switch:
        if options.verb == "status":
            nothing = KillStatus(at=clock.now(), number=0, active=(), orders=0, seen=())
            control = KillControl(switch, clock=clock, events=None)
            _show_status(options, file, control.status() if file.exists() else nothing)
            return 0
        sink = None if loaded.config.audit is None else _LateSink(loaded)
        events = None if sink is None else EventLog(sink, redactor=Redactor(find_confidential))
        control = KillControl(switch, clock=clock, events=events)
        try:
            return _order(options, file, control, recorded=None if sink is None else True)
        finally:
            if sink is not None:
                sink.close()


def _order(options: Namespace, file: Path, control: KillControl, *, recorded: bool | None) -> int:
    scope, target = _scope(options)
    try:
        if options.verb == "kill":
            order = control.kill(scope, target, by=options.by, reason=options.reason)
        elif file.exists():
            order = control.resume(scope, target, by=options.by, reason=options.reason)
        else:
            raise InvalidInput(
                f"nothing is killed, there is no state file {str(file)!r} yet",
                reason_code="kill_not_active",
            )
    except KillUnrecorded as error:
        if not isinstance(error.order, KillOrder):
            raise
        _show_order(options, file, error.order, recorded=False)
        return _refused(error)
    except AuditUnavailable as error:  # of a resume: nothing was resumed
        return _refused(error)
    except InvalidInput as error:
        if error.reason_code != "kill_not_active":
            raise
        return _refused(error)
    _show_order(options, file, order, recorded=recorded)
    return 0


def _refused(error: Permit0Error) -> int:
    sys.stdout.flush()
    sys.stderr.write(f"permit0: {error} ({error.reason_code})\n")
    return REFUSED


def _scope(options: Namespace) -> tuple[KillScope, str]:
    for scope in (KillScope.AGENT, KillScope.SESSION, KillScope.DOMAIN, KillScope.ACTION):
        target: str | None = getattr(options, scope.value)
        if target is not None:
            return scope, target
    return KillScope.FLEET, ""  # one of them is required, says the parser


def _state_file(loaded: LoadedConfig) -> Path:
    path = loaded.config.state.path
    if path is None:
        where = "permit0.yaml, there is none" if loaded.path is None else repr(str(loaded.path))
        raise BadConfig(
            f"a kill switch needs a file that processes share, name one as `state.path` in {where}"
        )
    return loaded.folder / path


def _show_order(options: Namespace, file: Path, order: KillOrder, *, recorded: bool | None) -> None:
    if options.json:
        _print_json({"order": order, "recorded": recorded, "file": str(file)})
        return
    print_order(make_terminal(no_color=options.no_color), order, file=file, recorded=recorded)


def _show_status(options: Namespace, file: Path, status: KillStatus) -> None:
    if options.json:
        _print_json({**msgspec.to_builtins(status), "file": str(file)})
        return
    print_status(make_terminal(no_color=options.no_color), status, file=file)


def _print_json(data: object) -> None:
    encoded = msgspec.json.format(msgspec.json.encode(data), indent=2)
    sys.stdout.write(encoded.decode() + "\n")


class _LateSink:
    """The configured audit log, opened when there is something to record."""

    def __init__(self, loaded: LoadedConfig) -> None:
        self._loaded = loaded
        self._sink: AuditSink | None = None

    def append(self, kind: str, at: float, body: bytes) -> AuditReceipt:
        if self._sink is None:
            from permit0.stores import open_sink  # loads more than a kill should wait for

            self._sink = open_sink(self._loaded)
            assert self._sink is not None  # whoever makes a _LateSink has looked
        return self._sink.append(kind, at, body)

    def close(self) -> None:
        if self._sink is not None:
            self._sink.close()
