"""Run a stranger's function with a time limit: an approver, a reviewer.

Guarantees:
  1. `run` returns when the function has, or when its time is over, and never raises what it raised.
  2. A function that comes back late has no effect; what it returns is dropped.
  3. Threads are daemons: none keeps the program from ending.
  4. At most `max_stuck` functions that overran are left behind, and at most `max_running` run at all;
     beyond that nothing is started. A forked child begins with none.
Does not: stop a function that hangs (Python cannot), or tell what it said in its exception: that may hold
anything. Only the exception's type and, if it is one of ours, its reason code are kept.
"""

from __future__ import annotations

import contextvars
import inspect
import os
import threading
from collections.abc import Awaitable, Callable

import msgspec

from permit0.errors import InvalidInput, Permit0Error

__all__ = ["Crowded", "Done", "Failed", "Late", "Timebox", "settle"]


class Done(msgspec.Struct, frozen=True):
    """It returned."""

    value: object


class Failed(msgspec.Struct, frozen=True):
    """It raised. error: name of the type. code: reason code, "" if the error is none of ours."""

    error: str
    code: str = ""


class Late(msgspec.Struct, frozen=True):
    """Its time was over."""


class Crowded(msgspec.Struct, frozen=True):
    """It was not started: too many others hang, or run."""


class Timebox:
    """Runs functions in threads of their own. Safe for threads.

    Args:
        name: Of the threads.
        max_stuck: Functions that overran and still hang, before none is started any more.
        max_running: Functions at one time, those that hang included.
    """

    def __init__(self, name: str, *, max_stuck: int, max_running: int) -> None:
        self._name = name
        self._max_stuck = max_stuck
        self._max_running = max_running
        self._reset()

    def run(
        self, function: Callable[[], object], *, timeout_s: float
    ) -> Done | Failed | Late | Crowded:
        """Run a function.

        Raises:
            InvalidInput: timeout_invalid.
            KeyboardInterrupt: Of the waiting thread; the function is left behind.
        """
        # threading.TIMEOUT_MAX is about 292 years; written so that NaN is refused, too.
        if not 0 < timeout_s <= threading.TIMEOUT_MAX:
            raise InvalidInput(
                f"a time limit of {timeout_s!r} s is none, give seconds above 0",
                reason_code="timeout_invalid",
            )
        if self._process != os.getpid():
            self._reset()  # the threads, and whoever held the lock, stayed in the parent
        with self._lock:
            if self._stuck >= self._max_stuck or self._running >= self._max_running:
                return Crowded()
            self._running += 1
        job = _Job()
        try:
            threading.Thread(
                target=contextvars.copy_context().run,
                args=(self._work, job, function),
                name=self._name,
                daemon=True,
            ).start()
        except RuntimeError as error:  # no more threads, or the interpreter ends
            self._leave(job, Failed(type(error).__name__))
        try:
            job.done.wait(timeout_s)
        finally:
            result = self._collect(job)
        return result

    def _work(self, job: _Job, function: Callable[[], object]) -> None:
        result: Done | Failed
        try:
            result = Done(function())
        except Permit0Error as error:
            result = Failed(type(error).__name__, error.reason_code)
        except BaseException as error:  # noqa: BLE001  # boundary to a stranger's code, SystemExit too
            result = Failed(type(error).__name__)
        self._leave(job, result)

    def _leave(self, job: _Job, result: Done | Failed) -> None:
        """A function came back, in time or late."""
        with self._lock:
            self._running -= 1
            if job.overdue:
                self._stuck -= 1
            else:
                job.result = result
        job.done.set()

    def _collect(self, job: _Job) -> Done | Failed | Late:
        with self._lock:
            if job.result is not None:
                return job.result
            job.overdue = True
            self._stuck += 1
            return Late()

    def _reset(self) -> None:
        self._process = os.getpid()
        self._lock = threading.Lock()
        self._running = 0
        self._stuck = 0


class _Job:
    """One function, and what came of it. Guarded by the lock of its box."""

    def __init__(self) -> None:
        self.done = threading.Event()
        self.result: Done | Failed | None = None
        self.overdue = False


def settle(value: object) -> object:
    """The value itself, or what an awaitable comes to, in an event loop of its own.

    Raises:
        InvalidInput: awaitable_in_loop; this thread runs an event loop already.
    """
    if not isinstance(value, Awaitable):
        return value
    import asyncio  # as in identity.py

    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return asyncio.run(_awaited(value))
    if inspect.iscoroutine(value):
        value.close()
    raise InvalidInput(
        "an async function cannot be waited for inside an event loop, ask in a thread",
        reason_code="awaitable_in_loop",
    )


async def _awaited(value: Awaitable[object]) -> object:
    return await value
