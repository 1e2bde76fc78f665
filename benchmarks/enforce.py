"""What enforcing costs, step by step, and how far that is from the floor: python benchmarks/enforce.py

    --json       the same as JSON
    --calls 500  fewer calls

The floor is what no implementation with these guarantees can leave out: sign and verify one token, sign one
record, and commit one row of its size to an SQLite file in WAL mode, synchronous NORMAL. Everything is
measured in the same loop, one step after the other, so that a busy machine slows all of them alike.
"""

from __future__ import annotations

import argparse
import json
import sqlite3
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from nacl import bindings as sodium

from permit0.canonical import freeze
from permit0.clock import SystemClock
from permit0.gateway import ExecutionGateway
from permit0.guard import Guard
from permit0.model.call import ToolCall
from permit0.testing.deployment import AUDIENCE, DeploymentLab
from permit0.token.key_folder import KeyFolder
from permit0.token.replay import MemoryReplayStore
from permit0.token.verifier import Verifier

TOOL = "files.read"
WARM = 100
BLOCK = (
    25  # calls of one step in a row: a deployment does not share its caches with fourteen others
)
GOAL = 1.5
Step = Callable[[int], object]


def arguments(i: int) -> dict[str, object]:
    return {"path": f"/app/src/module_{i}.py"}


class Floor:
    """The primitives alone. record_bytes: of a record. token_bytes: of what a token signs."""

    def __init__(self, path: Path, *, record_bytes: int, token_bytes: int) -> None:
        self._public, self._secret = sodium.crypto_sign_keypair()
        self._record, self._token = b"r" * record_bytes, b"t" * token_bytes
        self._database = sqlite3.connect(path, isolation_level=None)
        self._database.execute("PRAGMA journal_mode = WAL")
        self._database.execute("PRAGMA synchronous = NORMAL")
        self._database.execute("CREATE TABLE log (seq INTEGER PRIMARY KEY, data BLOB, sig BLOB)")

    def crypto(self, i: int) -> None:
        del i
        signed = sodium.crypto_sign(self._token, self._secret)
        sodium.crypto_sign_open(signed, self._public)
        sodium.crypto_sign(self._record[:64], self._secret)

    def commit(self, i: int) -> None:
        del i
        self._database.execute("BEGIN IMMEDIATE")
        self._database.execute("INSERT INTO log VALUES (?, ?, ?)", (None, self._record, b"s" * 64))
        self._database.execute("COMMIT")

    def all(self, i: int) -> None:
        self.crypto(i)
        self.commit(i)


def call_of(i: int) -> ToolCall:
    return ToolCall(tool=TOOL, arguments=freeze(arguments(i)), session=f"s{i // 50}")


def decide(guard: Guard) -> Step:
    return lambda i: guard.engine.decide(call_of(i))


def admit(guard: Guard) -> Step:
    """Decide, issue, verify: what a guarded function does before its body."""

    def step(i: int) -> None:
        with guard.session(f"s{i // 50}"):
            guard.admit(TOOL, arguments(i))

    return step


def cross(guard: Guard, gateway: ExecutionGateway) -> Step:
    """Decide and issue on one side, authorize on the other."""

    def step(i: int) -> None:
        with guard.session(f"s{i // 50}"):
            token = guard.token_for(TOOL, arguments(i), audience=AUDIENCE)
        gateway.authorize(token.text, TOOL, arguments(i))

    return step


def lab_of(folder: Path, name: str, config: dict[str, Any]) -> DeploymentLab:
    path = folder / name
    path.mkdir()
    return DeploymentLab(path, config)


def memory_gateway(lab: DeploymentLab) -> ExecutionGateway:
    """One that remembers used tokens in memory and records nothing."""
    clock = SystemClock()
    return ExecutionGateway(
        verifier=Verifier(
            keys=KeyFolder(lab.keys, clock=clock).ring(),
            audience=AUDIENCE,
            deployment="permit0",
            clock=clock,
            replay=MemoryReplayStore(clock=clock),
            epochs=lab.guard().engine._kills,  # type: ignore[arg-type]  # it has one
        ),
        clock=clock,
    )


def sizes(lab: DeploymentLab) -> int:
    """Bytes of a decision's record."""
    log = lab.folder / "audit.db"
    return max(len(bytes(record.body)) + 400 for record in lab.records(log))


def steps(folder: Path) -> dict[str, Step]:
    plain = lab_of(folder, "plain", {"state": None, "audit": None})
    logged = lab_of(folder, "logged", {"state": None, "audit": {"path": "audit.db"}})
    one = lab_of(folder, "one", {})
    two = lab_of(folder, "two", {"audit": {"path": "audit.db"}})
    bare = lab_of(folder, "bare", {"audit": None})
    recording = logged.guard()
    recording.admit(TOOL, arguments(0))
    floor = Floor(folder / "floor.db", record_bytes=sizes(logged), token_bytes=700)
    one_guard, two_guard = one.guard(), two.guard()
    quiet = plain.guard()
    return {
        "floor: 2 signatures, 1 check": floor.crypto,
        "floor: 1 commit": floor.commit,
        "floor": floor.all,
        "decide": decide(quiet),
        "decide + token": admit(quiet),
        "decide + record": decide(recording),
        "decide + record + token": admit(recording),
        "the same, gateway in memory": cross(recording, memory_gateway(logged)),
        "state file: decide": decide(bare.guard()),
        "state file: decide + record, one file": decide(one_guard),
        "state file: decide + record, two files": decide(two_guard),
        "state file: + token, one file": admit(one_guard),
        "state file: + token, two files": admit(two_guard),
        "state file: + gateway, one file": cross(one_guard, one.gateway()),
        "state file: + gateway, two files": cross(two_guard, two.gateway()),
    }


def measure(named: dict[str, Step], calls: int) -> dict[str, list[float]]:
    times: dict[str, list[float]] = {name: [] for name in named}
    for first in range(0, WARM + calls, BLOCK):
        for name, step in named.items():
            for i in range(first, first + BLOCK):
                began = time.perf_counter_ns()
                step(i)
                took = (time.perf_counter_ns() - began) / 1000
                if first >= WARM:
                    times[name].append(took)
    return times


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--calls", type=int, default=2000)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        times = measure(steps(Path(folder)), options.calls)
    rows = [
        {
            "step": name,
            "p50": statistics.median(found),
            "p99": statistics.quantiles(found, n=100)[98],
        }
        for name, found in times.items()
    ]
    floor: Any = next(row["p50"] for row in rows if row["step"] == "floor")
    if options.json:
        print(json.dumps({"goal": GOAL, "rows": rows}, indent=2))
        return 0
    print(f"{'step':42}{'p50 us':>9}{'p99 us':>9}{'to floor':>10}")
    for row in rows:
        print(f"{row['step']:42}{row['p50']:>9.1f}{row['p99']:>9.1f}{row['p50'] / floor:>10.2f}")
    print(f"goal for decide + record + token: {GOAL} times the floor")
    return 0


if __name__ == "__main__":
    sys.exit(main())
