"""Who calls, in which session: held by the context, so that it need not be passed along.

    with permit0.session("task-42", agent="buyer", task="order paper"):
        ...

Guarantees: asyncio tasks started inside inherit it, `asyncio.to_thread` as well; sessions nest; two at once
in two tasks or threads do not see each other.
A bare thread or an executor's inherits nothing, that is how Python's contexts are. A call from such a
thread while sessions are open could belong to any of them: it is refused (session_not_carried), not
counted under another name. `carry(function)` takes the context along.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar, copy_context
from typing import ParamSpec, TypeVar

import msgspec

from permit0.errors import InvalidInput

__all__ = ["Identity", "carry", "current_identity", "session"]

P = ParamSpec("P")
R = TypeVar("R")


class Identity(msgspec.Struct, frozen=True):
    """Who calls, in which session. See ToolCall for the members."""

    session: str = "default"
    agent: str = "default"
    principal: str | None = None
    task: str = ""


_NOBODY = Identity()
_identity: ContextVar[Identity] = ContextVar("permit0_identity")


class _Open:
    """How many sessions are open in this process."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.count = 0

    def add(self, number: int) -> None:
        with self._lock:
            self.count += number


_open = _Open()


@contextmanager
def session(
    session: str, *, agent: str = "default", principal: str | None = None, task: str = ""
) -> Iterator[Identity]:
    """Guarded calls inside belong to this session.

    Args:
        session: The task or conversation.
        agent: Who calls. principal: the person or account on whose behalf.
        task: The user's own words.
    """
    identity = Identity(session, agent, principal, task)
    token = _identity.set(identity)
    _open.add(1)
    try:
        yield identity
    finally:
        _open.add(-1)
        _identity.reset(token)


def current_identity() -> Identity:
    """Whose calls these are; the default session where none was ever opened.

    Raises:
        InvalidInput: session_not_carried: a bare thread, while sessions are open elsewhere.
    """
    identity = _identity.get(None)
    if identity is not None:
        return identity
    if _open.count and _is_bare_thread():
        raise InvalidInput(
            "this thread is in no session while others are open, give it the context with "
            "permit0.carry(function) or open a session in it",
            reason_code="session_not_carried",
        )
    return _NOBODY


def carry(function: Callable[P, R]) -> Callable[P, R]:
    """The function, called in the context of here and now, whichever thread calls it.

    For `threading.Thread(target=permit0.carry(work))` and `executor.submit(permit0.carry(work))`.
    """
    context = copy_context()

    def carried(*args: P.args, **kwargs: P.kwargs) -> R:
        # A context can be entered by one thread at a time; each call gets a copy.
        return context.copy().run(function, *args, **kwargs)

    return carried


def _is_bare_thread() -> bool:
    if threading.current_thread() is threading.main_thread():
        return False
    import asyncio  # at the start it would cost as much as reading all packs

    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return True
    return False
