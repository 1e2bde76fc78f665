"""`permit0 audit`: verify a log, read it, write it in another form, compute its decisions again.

Guarantees: works with the file and public keys alone; 1 for a log that is not what was written, with the
first bad record named. `query` and `export` show what is there, true or not: verify says which.
Does not: write to a log.
"""

from __future__ import annotations

import sys
from argparse import Namespace
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from datetime import datetime
from pathlib import Path
from typing import IO, TYPE_CHECKING

import msgspec

from permit0.audit.chain import read_envelope
from permit0.audit.export import head_line, row_of, write_bundle, write_csv, write_jsonl
from permit0.audit.keys import PublicKeys, read_public_keys
from permit0.audit.reader import AuditLog, open_log
from permit0.audit.record import read_decision, read_outcome
from permit0.audit.replay import Rerun, recheck
from permit0.audit.verify import SignedHead, signed_head, verified_records, verify_log
from permit0.cli.audit_view import (
    Replayed,
    print_broken,
    print_replayed,
    print_rows,
    print_verified,
)
from permit0.cli.inputs import read_bounded
from permit0.cli.terminal import make_terminal
from permit0.config import find_config, load_config
from permit0.errors import AuditBroken, InvalidInput
from permit0.model.record import StoredRecord
from permit0.rejudge import make_judge
from permit0.version import VERSION

if TYPE_CHECKING:
    from permit0.config import LoadedConfig
    from permit0.model.call import ToolCall
    from permit0.model.decision import Decision
    from permit0.model.history import Feature, HistoryEntry, Scope
    from permit0.ports import StateStore

__all__ = ["rerun_with", "run"]

PROGRESS_EVERY = 500
_FILTERS = ("session", "agent", "principal", "tool", "outcome", "kind", "id")


def run(options: Namespace) -> int:
    """0 done, 1 the log is broken or a record does not follow from itself.

    Raises:
        InvalidInput: The file is no log, or a key, head or time cannot be read.
    """
    with closing(open_log(Path(options.file))) as log:
        return _run(options, log)


def _run(options: Namespace, log: AuditLog) -> int:
    if options.verb == "query":
        return _query(options, log)
    if options.verb == "export":
        return _export(options, log)
    keys = _keys(options, log)
    term = make_terminal(no_color=options.no_color)
    try:
        if options.verb == "verify":
            with _progress("verifying", log) as tell:
                found = verify_log(log, keys, known=_known(options, keys), progress=tell)
            if options.json:
                _print_json({"ok": True, **msgspec.to_builtins(found.summary())})
            else:
                print_verified(term, found, own_keys=not options.key)
            return 0
        replayed = _replay(options, log, keys)
    except AuditBroken as error:
        if options.json:
            broken = {"ok": False, "seq": error.seq, "code": error.reason_code}
            _print_json({**broken, "message": str(error)})
        else:
            print_broken(term, error)
        return 1
    if options.json:
        _print_json(msgspec.to_builtins(replayed))
    else:
        print_replayed(term, replayed)
    return 1 if replayed.wrong or replayed.unknown else 0


# -------------------------------------------------------------------- verify


def _keys(options: Namespace, log: AuditLog) -> PublicKeys:
    if options.key:
        return read_public_keys([Path(name) for name in options.key])
    return PublicKeys(log.public_keys.values())


def _known(options: Namespace, keys: PublicKeys) -> SignedHead | None:
    if options.head is None:
        return None
    try:
        head = msgspec.json.decode(read_bounded(options.head), type=SignedHead)
    except msgspec.DecodeError as error:
        raise InvalidInput(
            f"{options.head!r} is no head of a log, export one with --format head",
            reason_code="bad_head",
        ) from error
    if not head.is_signed(keys):
        raise InvalidInput(
            f"the head in {options.head!r} is not signed by a known key", reason_code="bad_head"
        )
    return head


@contextmanager
def _progress(what: str, log: AuditLog) -> Iterator[Callable[[int], None] | None]:
    """A bar on standard error if that is a terminal."""
    if not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.progress import Progress

    total = None if log.head is None else log.head.seq
    with Progress(console=Console(file=sys.stderr), transient=True) as bar:
        task = bar.add_task(what, total=total)
        yield lambda count: bar.update(task, completed=count)


# -------------------------------------------------------------------- query and export


def _query(options: Namespace, log: AuditLog) -> int:
    wanted = {name: value for name in _FILTERS if (value := getattr(options, name)) is not None}
    since, until = _time(options.since), _time(options.until)
    rows: deque[tuple[StoredRecord, dict[str, str]]] = deque(maxlen=options.limit)
    print_row = _print_record if options.json else None
    for record in log.records():
        row = row_of(record)
        if any(row.get(name, "") != value for name, value in wanted.items()):
            continue
        if options.action is not None and options.action not in row.get("actions", "").split():
            continue
        envelope = read_envelope(record.data)
        at = float("nan") if envelope is None else envelope.at
        if (since is not None and not at >= since) or (until is not None and not at <= until):
            continue
        if print_row is not None and options.limit is None:
            print_row(record)
        else:
            rows.append((record, row))
    if print_row is not None:
        for record, _ in rows:
            print_row(record)
    else:
        print_rows(make_terminal(no_color=options.no_color), [row for _, row in rows])
    return 0


def _print_record(record: StoredRecord) -> None:
    sys.stdout.write(record.data.decode(errors="backslashreplace") + "\n")


def _time(text: str | None) -> float | None:
    if text is None:
        return None
    try:
        return float(text)
    except ValueError:
        pass
    try:
        at = datetime.fromisoformat(text)
    except ValueError as error:
        raise InvalidInput(f"{text!r} is no time", reason_code="bad_usage") from error
    if at.tzinfo is None:
        raise InvalidInput(f"{text!r} names no zone, add Z or +01:00", reason_code="bad_usage")
    return at.timestamp()


def _export(options: Namespace, log: AuditLog) -> int:
    suffix = Path(options.out).suffix.lower()
    form = options.format or {".jsonl": "jsonl", ".csv": "csv", ".zip": "bundle"}.get(suffix)
    if form is None:
        raise InvalidInput(
            f"what {options.out!r} is to be is not known, say --format", reason_code="bad_usage"
        )
    if options.out == "-":
        _write(form, log, sys.stdout.buffer)
        sys.stdout.buffer.flush()
        return 0
    try:
        with Path(options.out).open("xb") as out:  # an export never replaces another one
            count = _write(form, log, out)
    except OSError as error:
        raise InvalidInput(
            f"{options.out!r} cannot be written: {type(error).__name__}",
            reason_code="unwritable_file",
        ) from error
    if options.json:
        _print_json({"records": count, "format": form, "file": options.out})
    else:
        sys.stdout.write(f"{count} records to {options.out}\n")
    return 0


def _write(form: str, log: AuditLog, out: IO[bytes]) -> int:
    match form:
        case "jsonl":
            return write_jsonl(log, out)
        case "csv":
            return write_csv(log, out)
        case "bundle":
            return write_bundle(log, out, version=VERSION)
        case _:
            head = signed_head(log)
            if head is None:
                raise InvalidInput("the log has no record", reason_code="bad_audit_file")
            out.write(head_line(head))
            return head.seq


# -------------------------------------------------------------------- replay


def _replay(options: Namespace, log: AuditLog, keys: PublicKeys) -> Replayed:
    judge = make_judge()
    rerun = None
    if options.config is not None:
        rerun = rerun_with(load_config(find_config(Path(options.config))))
    replayed = Replayed.empty()
    with _progress("replaying", log) as tell:
        for record, envelope in verified_records(log, keys):
            if tell is not None and record.place % PROGRESS_EVERY == 0:
                tell(record.place)
            try:
                if envelope.kind == "outcome" and rerun is not None:
                    rerun.outcome(read_outcome(envelope.body), envelope.at)
                if envelope.kind != "decision":
                    continue
                body = read_decision(envelope.body)
            except msgspec.DecodeError:  # signed, but by a permit0 of another form
                replayed.unknown.append(record.place)
                continue
            wrong = recheck(body, judge)
            again = None if rerun is None else rerun.decision(body, envelope.at)
            replayed.add(record.place, body, wrong, again)
    return replayed


def rerun_with(loaded: LoadedConfig) -> Rerun:
    """The policy of a configuration, with an empty history and the clock of the log.

    Raises:
        BadConfig, BadPack, BadPlugin: It cannot decide anything.
    """
    # Here, since verifying needs nothing of an engine.
    from permit0.build import assemble
    from permit0.carrying import exposure
    from permit0.cli.check_jsonl import LineClock
    from permit0.state.memory import MemoryStore

    clock = LineClock()
    stores: list[StateStore] = []

    def make_store(features: Sequence[Feature]) -> StateStore:
        stores.append(MemoryStore(features))
        return stores[-1]

    engine = assemble(loaded, clock=clock, make_store=make_store).engine

    def decide(call: ToolCall, at: float) -> Decision:
        clock.set(at)
        return engine.decide(call)

    def remember(scope: Scope, entry: HistoryEntry) -> None:
        with stores[0].transaction(scope, entry.at) as step:
            step.append(entry)

    def exposed(scope: Scope, at: float) -> None:
        stores[0].settle(scope, at, exposure(at))

    return Rerun(decide=decide, remember=remember, exposed=exposed)


def _print_json(data: object) -> None:
    sys.stdout.buffer.write(msgspec.json.format(msgspec.json.encode(data), indent=2) + b"\n")
