"""What a decision costs: p50, p99 and decisions a second, by kind of call and length of the session.

    make bench                      the table
    make bench ARGS="--json"        the same as JSON
    make bench ARGS="--calls 500"   fewer calls per cell
    make bench ARGS="--state sqlite"  sessions in a file, and what the first touch of a long one costs

Measured is Engine.check from plain Python values to a Decision, in one process, without token or network, and
without disk unless --state says so. Every call has other arguments, so that no cache serves two calls.
What tokens, records and gateways add: python benchmarks/enforce.py. Tokens alone: benchmarks/tokens.py. What a
start consists of: benchmarks/start.py.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import yaml

from permit0.build import assemble
from permit0.config import parse_config
from permit0.engine import Engine
from permit0.testing.clock import FrozenClock

ORG = {"org": {"domains": ["acme-corp.com"], "fx_to_default": {"EUR": 1.08}}}
START = 1_700_000_000.0
LENGTHS = (0, 100, 10_000)
BUDGET_US = {"read": 40, "transfer": 40, "mail to 3": 40, "shell line": 150, "shell pipeline": 150}
FILE_BUDGET_US = 40  # one write transaction
IMPORT_BUDGET_MS = 150

Make = Callable[[int], dict[str, Any]]
CALLS: dict[str, tuple[str, Make]] = {
    "read": ("files.read", lambda i: {"path": f"/app/src/module_{i}.py"}),
    "transfer": (
        "payments.transfer",
        lambda i: {"amount": 50 + i % 900, "currency": "USD", "recipient": f"Vendor {i % 5}"},
    ),
    "mail to 3": (
        "email.send",
        lambda i: {
            "to": ["ann@acme-corp.com", "bob@acme-corp.com"],
            "cc": f"team{i}@acme-corp.com",
            "subject": f"Notes {i}",
            "body": "The meeting is at ten, the notes are in the usual place.",
        },
    ),
    "shell line": ("process.shell", lambda i: {"command": f"git log --oneline -{i}"}),
    "shell pipeline": (
        "process.shell",
        lambda i: {"command": f"cat access{i}.log | grep 500 | sort | uniq -c | sort -rn | head"},
    ),
}


class Cell:
    """One kind of call at one session length, measured in microseconds."""

    def __init__(self, kind: str, length: int, times_us: list[float]) -> None:
        self.kind, self.length = kind, length
        self.p50 = statistics.median(times_us)
        self.p99 = statistics.quantiles(times_us, n=100)[98]
        self.rate = 1e6 / statistics.fmean(times_us)


def new_engine(clock: FrozenClock, file: Path | None) -> Engine:
    """An engine with its sessions in memory, or in a file."""
    state = {} if file is None else {"state": {"path": str(file)}}
    return assemble(parse_config(yaml.safe_dump(ORG | state), "bench"), clock=clock).engine


def measure(kind: str, length: int, calls: int, file: Path | None) -> Cell:
    """Fill a session with `length` calls, then time the next ones, in rounds of 50 fresh sessions."""
    tool, make = CALLS[kind]
    clock = FrozenClock(START)
    engine = new_engine(clock, file)
    times: list[float] = []
    serial = 0
    if length > 100:
        fill(engine, clock, "long", length)
    per_round = 50
    for round_no in range(max(1, calls // per_round)):
        session = "long" if length > 100 else f"s{round_no}"
        if length <= 100:
            fill(engine, clock, session, length)
        for _ in range(per_round):
            serial += 1
            arguments = make(serial)
            clock.advance(3.0)
            began = time.perf_counter_ns()
            engine.check(tool, arguments, session=session)
            times.append((time.perf_counter_ns() - began) / 1000)
    return Cell(kind, length, times)


def fill(engine: Engine, clock: FrozenClock, session: str, length: int) -> None:
    """A session of mixed calls."""
    kinds = list(CALLS.values())
    for i in range(length):
        tool, make = kinds[i % len(kinds)]
        clock.advance(1.0)
        engine.check(tool, make(i), session=session)


def first_touch_ms(file: Path, length: int) -> float:
    """Time of the first call, in a new process so to speak, of a session of `length` calls."""
    clock = FrozenClock(START)
    tool, make = CALLS["read"]
    fill(new_engine(clock, file), clock, "long", length)
    engine = new_engine(clock, file)
    engine.check(tool, make(0), session="other")  # opens the file
    began = time.perf_counter()
    engine.check(tool, make(1), session="long")
    return (time.perf_counter() - began) * 1000


def import_ms(times: int = 7) -> float:
    """Median time of `import permit0` in a fresh interpreter, less the interpreter's own start."""
    code = "import time; t = time.perf_counter(); import permit0; print(time.perf_counter() - t)"
    runs = [
        float(subprocess.run([sys.executable, "-c", code], capture_output=True, check=True).stdout)
        for _ in range(times)
    ]
    return statistics.median(runs) * 1000


def start_ms(times: int = 5) -> float:
    """Median time from a fresh interpreter's `import permit0` to a built engine."""
    code = (
        "import time; t = time.perf_counter(); import permit0; permit0.build_engine(); "
        "print(time.perf_counter() - t)"
    )
    runs = [
        float(subprocess.run([sys.executable, "-c", code], capture_output=True, check=True).stdout)
        for _ in range(times)
    ]
    return statistics.median(runs) * 1000


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--calls", type=int, default=3000, help="per cell")
    parser.add_argument("--state", choices=("memory", "sqlite"), default="memory")
    options = parser.parse_args()
    cells = []
    touched: float | None = None
    with tempfile.TemporaryDirectory() as folder:

        def file(name: str) -> Path | None:
            return Path(folder) / f"{name}.db" if options.state == "sqlite" else None

        for kind in CALLS:
            for length in LENGTHS:
                if not options.json:
                    print(f"\r{kind}, session of {length} ...".ljust(60), end="", file=sys.stderr)
                cells.append(measure(kind, length, options.calls, file(f"{kind} {length}")))
        print("\r".ljust(61), end="\r", file=sys.stderr)
        touch = file("touch")
        if touch is not None:
            touched = first_touch_ms(touch, LENGTHS[-1])
    imported, started = import_ms(), start_ms()
    if options.json:
        rows = [vars(cell) for cell in cells]
        found = {"state": options.state, "cells": rows, "import_ms": imported, "start_ms": started}
        print(json.dumps(found | {"first_touch_ms": touched}, indent=2))
        return 0
    print(f"{'call':16}{'session':>9}{'p50 us':>9}{'p99 us':>9}{'per s':>9}{'budget us':>11}")
    for cell in cells:
        budget = BUDGET_US[cell.kind] + (FILE_BUDGET_US if options.state == "sqlite" else 0)
        over = "" if cell.p50 <= budget else "  over"
        print(
            f"{cell.kind:16}{cell.length:>9,}{cell.p50:>9.1f}{cell.p99:>9.1f}"
            f"{cell.rate:>9,.0f}{budget:>11}{over}"
        )
    if touched is not None:
        print(f"first touch of a session of {LENGTHS[-1]:,} calls: {touched:.0f} ms")
    print(f"import permit0: {imported:.0f} ms (budget {IMPORT_BUDGET_MS})")
    print(f"import to a built engine: {started:.0f} ms")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
