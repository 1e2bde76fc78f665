"""Threads and processes that start together, for contracts in which one may win.

    wins = sum(race_threads([lambda: store.claim(jti, at) for _ in range(64)]))

    wins = sum(map(int, race_processes(["def run(): return int(...)"] * 8)))

An exception of one is raised, or its traceback shown, in the test that asked.
"""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from typing import TypeVar

__all__ = ["race_processes", "race_threads"]

T = TypeVar("T")

_MAIN = """
import sys
print("ready", flush=True)
sys.stdin.readline()
print(run(), flush=True)
"""


def race_threads(runners: Sequence[Callable[[], T]]) -> list[T]:
    """Run each on a thread of its own, started together.

    Returns:
        What they returned, in the order of the runners.
    """
    barrier = threading.Barrier(len(runners))
    results: dict[int, T] = {}
    errors: list[BaseException] = []

    def run(i: int, runner: Callable[[], T]) -> None:
        barrier.wait()
        try:
            results[i] = runner()
        except BaseException as error:  # noqa: BLE001  # raised again in the thread that asked
            errors.append(error)

    threads = [threading.Thread(target=run, args=pair) for pair in enumerate(runners)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for error in errors:
        raise error
    return [results[i] for i in range(len(runners))]


def race_processes(sources: Sequence[str], *, timeout_s: float = 120.0) -> list[str]:
    """Run each in an interpreter of its own, started together once all are ready.

    Args:
        sources: Python source that defines `run()`; what comes before is done before the start.
        timeout_s: How long they may take.

    Returns:
        What `run` returned, as text, in the order of the sources.
    """
    processes = [
        subprocess.Popen(  # noqa: S603  # our own interpreter and source
            [sys.executable, "-c", source + _MAIN],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for source in sources
    ]
    try:
        for process in processes:
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n"
        for process in processes:
            assert process.stdin is not None
            process.stdin.write("\n")
            process.stdin.flush()
        answers = [process.communicate(timeout=timeout_s)[0].strip() for process in processes]
    finally:
        for process in processes:
            if process.poll() is None:
                process.kill()
                process.communicate()
    assert [process.returncode for process in processes] == [0] * len(processes)
    return answers
