"""A stranger's function costs no more than its time."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator

import pytest

from permit0.errors import InvalidInput
from permit0.timebox import Crowded, Done, Failed, Late, Timebox, settle

SHORT_S = 0.02
LONG_S = 30.0


@pytest.fixture
def gate() -> Iterator[threading.Event]:
    """Opens at the end, so that no thread stays."""
    event = threading.Event()
    yield event
    event.set()


def box(*, max_stuck: int = 2, max_running: int = 4) -> Timebox:
    return Timebox("test", max_stuck=max_stuck, max_running=max_running)


def test_result_in_time_is_returned() -> None:
    assert box().run(lambda: 5, timeout_s=LONG_S) == Done(5)


@pytest.mark.parametrize("error", [ValueError, SystemExit, KeyboardInterrupt, GeneratorExit])
def test_whatever_is_raised_is_a_failure(error: type[BaseException]) -> None:
    def fail() -> None:
        raise error("a secret")

    assert box().run(fail, timeout_s=LONG_S) == Failed(error.__name__)


def test_reason_code_of_our_errors_is_kept() -> None:
    def fail() -> None:
        raise InvalidInput("no", reason_code="some_code")

    assert box().run(fail, timeout_s=LONG_S) == Failed("InvalidInput", "some_code")


def test_hung_functions_are_bounded_and_forgotten_when_they_end(gate: threading.Event) -> None:
    crowd = box(max_stuck=2)
    ended = threading.Semaphore(0)

    def hang() -> None:
        gate.wait()
        ended.release()

    assert crowd.run(hang, timeout_s=SHORT_S) == Late()
    assert crowd.run(lambda: 1, timeout_s=LONG_S) == Done(1)
    assert crowd.run(hang, timeout_s=SHORT_S) == Late()
    assert crowd.run(lambda: 1, timeout_s=LONG_S) == Crowded()
    gate.set()
    for _ in range(2):
        assert ended.acquire(timeout=LONG_S)
    result = _until(lambda: crowd.run(lambda: 1, timeout_s=LONG_S), Done(1))
    assert result == Done(1)


def test_no_more_than_so_many_run_at_once(gate: threading.Event) -> None:
    crowd = box(max_stuck=100, max_running=3)
    started = threading.Semaphore(0)

    def hang() -> None:
        started.release()
        gate.wait()

    threads = [threading.Thread(target=crowd.run, args=(hang,), kwargs={"timeout_s": LONG_S})
               for _ in range(3)]  # fmt: skip
    for thread in threads:
        thread.start()
    for _ in threads:
        assert started.acquire(timeout=LONG_S)
    assert crowd.run(lambda: 1, timeout_s=LONG_S) == Crowded()
    gate.set()
    for thread in threads:
        thread.join()
    assert crowd.run(lambda: 1, timeout_s=LONG_S) == Done(1)


@pytest.mark.parametrize("timeout_s", [0.0, -1.0, float("nan"), float("inf")])
def test_time_limit_that_is_none_is_refused(timeout_s: float) -> None:
    with pytest.raises(InvalidInput) as caught:
        box().run(lambda: 1, timeout_s=timeout_s)
    assert caught.value.reason_code == "timeout_invalid"


def test_hung_function_does_not_keep_the_program_from_ending() -> None:
    code = (
        "import threading; from permit0.timebox import Timebox\n"
        "box = Timebox('test', max_stuck=1, max_running=1)\n"
        "print(box.run(threading.Event().wait, timeout_s=0.05))\n"
    )
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True
    )
    assert result.stdout == "Late()\n"


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_forked_child_begins_with_nobody_stuck() -> None:
    code = (
        "import os, threading; from permit0.timebox import Timebox\n"
        "box = Timebox('test', max_stuck=1, max_running=1)\n"
        "box.run(threading.Event().wait, timeout_s=0.05)\n"
        "print(box.run(int, timeout_s=5), flush=True)\n"
        "pid = os.fork()\n"
        "if pid == 0: print(box.run(int, timeout_s=5), flush=True); os._exit(0)\n"
        "os.waitpid(pid, 0)\n"
    )
    command = [sys.executable, "-W", "ignore::DeprecationWarning", "-c", code]
    result = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    assert result.stdout == "Crowded()\nDone(value=0)\n"


def test_async_function_runs_to_its_end() -> None:
    async def answer() -> int:
        await asyncio.sleep(0)
        return 7

    assert settle(answer()) == 7
    assert settle(8) == 8


def test_async_function_inside_an_event_loop_is_refused() -> None:
    async def answer() -> int:
        return 7

    async def inside() -> object:
        return settle(answer())

    with pytest.raises(InvalidInput) as caught:
        asyncio.run(inside())
    assert caught.value.reason_code == "awaitable_in_loop"


def _until(ask: Callable[[], object], wanted: object) -> object:
    """The counter falls a moment after the function's last line."""
    result = ask()
    for _ in range(10_000):
        if result == wanted:
            break
        result = ask()
    return result
