"""`permit0 kill` stops a fleet of busy processes within a second, and it stays stopped."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest

from permit0.audit.events import read_event
from permit0.errors import Permit0Error
from permit0.testing.deployment import AUDIENCE, READ, DeploymentLab

pytestmark = pytest.mark.skipif(os.name != "posix", reason="processes are ended by signals")

FLEET = 8
WITHIN_S = 1.0  # what the kill switch promises
BUSY_S = 0.5  # before the order comes
TAIL_BYTES = 2000

# Writes "start <time>" in the body and "<reason code> <time>" for a refusal, each process to its own file.
WORKER = """
import sys, time
from permit0.build import build_guard
from permit0.errors import Denied, Permit0Error
config, witness, agent, tool = sys.argv[1:]
guard = build_guard(config)
lines = open(witness, "a", buffering=1)

@guard(tool)
def body(**arguments):
    lines.write(f"start {time.time()}\\n")

ask = {"files.read": {"path": "/app/README.md"}, "process.shell": {"command": "ls -l"}}[tool]
with guard.session(f"s-{agent}-{witness}", agent=agent):
    print("ready", flush=True)
    while True:
        try:
            body(**ask)
        except Denied as error:
            lines.write(f"{error.reason_code} {time.time()}\\n")
            time.sleep(0.01)
        except Permit0Error as error:
            lines.write(f"{error.reason_code} {time.time()}\\n")
"""


class Fleet:
    """Processes that call as fast as they can."""

    def __init__(self, lab: DeploymentLab) -> None:
        self.lab = lab
        self.count = 0
        self.running: list[subprocess.Popen[str]] = []

    def start(self, number: int, *, agent: str = "bot", tool: str = "files.read") -> list[Path]:
        """The witness file of each."""
        files = []
        begun = []
        for _ in range(number):
            self.count += 1
            files.append(self.lab.folder / f"witness-{self.count}")
            files[-1].touch()
            arguments = [str(self.lab.config), str(files[-1]), agent, tool]
            begun.append(
                subprocess.Popen(
                    [sys.executable, "-c", WORKER, *arguments], stdout=subprocess.PIPE, text=True
                )
            )
        self.running += begun
        for process in begun:
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n"
        return files

    def end(self) -> None:
        for process in self.running:
            process.send_signal(signal.SIGKILL)
            process.communicate()
        self.running = []


@pytest.fixture
def lab(tmp_path: Path) -> DeploymentLab:
    return DeploymentLab(tmp_path)


@pytest.fixture
def fleet(lab: DeploymentLab) -> Iterator[Fleet]:
    fleet = Fleet(lab)
    yield fleet
    fleet.end()


def command(lab: DeploymentLab, *arguments: str) -> float:
    """Run the real command; when it had returned."""
    done = subprocess.run(
        [sys.executable, "-m", "permit0", *arguments, "--by", "alice", "--reason", "test"],
        cwd=lab.folder,
        capture_output=True,
        text=True,
        check=False,
    )
    returned = time.time()  # noqa: TID251  # what the witnesses write
    assert done.returncode == 0, done.stderr
    return returned


def times(files: list[Path], what: str, *, last: int | None = None) -> list[float]:
    """When it happened. last: how much of the end of each file is looked at."""
    found = []
    for file in files:
        data = file.read_bytes()
        for line in (data if last is None else data[-last:]).decode().splitlines()[1:]:
            word, at = line.split()
            if word == what:
                found.append(float(at))
    return found


def refused(call: Callable[[], object]) -> str:
    with pytest.raises(Permit0Error) as caught:
        call()
    return caught.value.reason_code


def words(files: list[Path]) -> set[str]:
    return {line.split()[0] for file in files for line in file.read_text().splitlines()}


def wait_for(files: list[Path], what: str, *, after: float = 0.0, limit_s: float = 20.0) -> None:
    """Until each of the files ends with it."""
    end = time.monotonic() + limit_s
    while not all(any(at > after for at in times([file], what, last=TAIL_BYTES)) for file in files):
        assert time.monotonic() < end, f"no {what!r}: {words(files)}"
        time.sleep(0.1)


def test_a_busy_fleet_stops_within_a_second_and_stays_stopped_until_somebody_resumes(
    lab: DeploymentLab, fleet: Fleet
) -> None:
    files = fleet.start(FLEET)
    wait_for(files, "start")
    time.sleep(BUSY_S)
    before = lab.guard()
    token = before.token_for("files.read", READ, audience=AUDIENCE)
    # 1. the order
    killed = command(lab, "kill", "--fleet")
    wait_for(files, "killed")
    time.sleep(WITHIN_S)
    started = times(files, "start")
    late = max(started) - killed
    print(f"latest start {late * 1000:+.1f} ms after the command had returned")  # noqa: T201  # measured
    assert late < WITHIN_S
    # token_epoch: the order came between a decision and its token's use.
    assert words(files) in ({"start", "killed"}, {"start", "killed", "token_epoch"})
    assert len(started) > FLEET * 5, "the fleet was busy"
    # 2. it outlives every process
    fleet.end()
    again = fleet.start(2)
    wait_for(again, "killed")
    assert words(again) == {"killed"}
    assert refused(partial(before.admit, "files.read", READ)) == "killed"
    # 3. tokens of before are refused, before and after the resume
    gateway = lab.gateway()
    present = partial(gateway.authorize, token.text, "files.read", READ)
    assert refused(present) == "token_epoch"
    command(lab, "resume", "--fleet")
    wait_for(again, "start")
    assert refused(present) == "token_epoch"
    fresh = before.token_for("files.read", READ, audience=AUDIENCE)
    gateway.authorize(fresh.text, "files.read", READ)
    orders = [read_event(record.body) for record in lab.records() if record.kind == "kill"]
    assert orders[0].event == "kill"
    assert orders[-1].event == "resume"
    assert {order.by for order in orders} == {"alice"}


@pytest.mark.parametrize(("scope", "target"), [("--domain", "files"), ("--agent", "reader")])
def test_a_kill_of_one_scope_leaves_the_others_alone(
    lab: DeploymentLab, fleet: Fleet, scope: str, target: str
) -> None:
    stopped = fleet.start(2, agent="reader")
    others = fleet.start(2, agent="lister", tool="process.shell")
    wait_for([*stopped, *others], "start")
    killed = command(lab, "kill", scope, target)
    wait_for(stopped, "killed")
    wait_for(others, "start", after=killed + WITHIN_S)
    assert max(times(stopped, "start")) - killed < WITHIN_S
    assert words(others) == {"start"}
    resumed = command(lab, "resume", scope, target)
    wait_for(stopped, "start", after=resumed)
