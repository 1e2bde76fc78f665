"""The gate before a tool's body, at as many layers as a framework has.

    entry = gate.enter(name, arguments, call_id=...)     # raises: nothing may run
    with entry:                                          # inner layers of the same call let it pass, once
        result = body(**entry.arguments)
    entry.report(result)

Guarantees:
  1. Every call is decided once: what an outer layer let in, the next inner layer that sees the same tool and
     the same arguments does not decide again. Other arguments are another call and are decided.
  2. That pass is good once. A second inner call with the same arguments is decided again.
  3. A call that was tried before under the same `call_id` with the same arguments meets the same request
     to a person: still waiting, approved (then it runs once), rejected or expired.
  4. What came of a call is reported once, by the layer that decided.
Does not: know a framework.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from contextvars import ContextVar, Token
from types import TracebackType
from typing import Self

import msgspec

from permit0.canonical import digest, freeze
from permit0.errors import InvalidInput
from permit0.guard import Guard
from permit0.identity import Identity
from permit0.permit import Permit

__all__ = ["Entry", "Gate"]


class _Calling(msgspec.Struct, frozen=True):
    """What an outer layer knows of the call that inner layers do not."""

    call_id: str = ""
    identity: Identity | None = None


class _Pass:
    """What an outer layer let in; shared by all copies of the context, good once."""

    def __init__(self, guard: Guard, tool: str, digest: str) -> None:
        self._key = (id(guard), tool, digest)
        self._lock = threading.Lock()
        self._open = True

    def take(self, guard: Guard, tool: str, digest: str) -> bool:
        """Whether this very call was let in and nobody has used that yet."""
        if (id(guard), tool, digest) != self._key:
            return False
        with self._lock:
            was_open, self._open = self._open, False
        return was_open

    def close(self) -> None:
        """The outer layer's body has ended."""
        with self._lock:
            self._open = False


_calling: ContextVar[_Calling] = ContextVar("permit0_calling")
_let_in: ContextVar[_Pass | None] = ContextVar("permit0_let_in", default=None)
_NOTHING = _Calling()


class Entry:
    """A call that may run now. `inner`: an outer layer decided, and reports."""

    def __init__(
        self, permit: Permit | None, arguments: Mapping[str, object], let_in: _Pass | None
    ) -> None:
        self.arguments = arguments
        self._permit = permit
        self._let_in = let_in
        self._tokens: list[Token[_Pass | None]] = []
        self._reported = False

    @property
    def inner(self) -> bool:
        """Whether an outer layer decided."""
        return self._permit is None

    @property
    def permit(self) -> Permit | None:
        """The permit; None if an outer layer has it."""
        return self._permit

    def __enter__(self) -> Self:
        self._tokens.append(_let_in.set(self._let_in))
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._let_in is not None:
            self._let_in.close()
        token = self._tokens.pop()
        # Left in another context than entered (an async generator): it ends with that one.
        with suppress(ValueError):
            _let_in.reset(token)
        if error is not None:
            self.failed(error)

    def report(self, result: object) -> None:
        """Tell what the tool gave back.

        Raises:
            OutcomeUnrecorded: It ran, but that could not be kept.
        """
        if self._permit is not None and not self._reported:
            self._reported = True
            self._permit.report(result)

    def failed(self, error: BaseException) -> None:
        """Tell that the tool raised; leaving the `with` block by an exception does it as well."""
        if self._permit is not None and not self._reported:
            self._reported = True
            self._permit.failed(error)


class Gate:
    """What an integration asks.

    Args:
        guard: Decides and enforces.
        framework: For the record.
    """

    def __init__(self, guard: Guard, *, framework: str) -> None:
        self._guard = guard
        self._framework = framework

    @property
    def guard(self) -> Guard:
        """The guard behind it."""
        return self._guard

    @contextmanager
    def calling(self, *, call_id: str = "", identity: Identity | None = None) -> Iterator[None]:
        """Inner layers that enter inside have this call id and identity, unless they say their own."""
        token = _calling.set(_Calling(call_id, identity))
        try:
            yield
        finally:
            _calling.reset(token)

    def enter(
        self,
        tool: str,
        arguments: Mapping[str, object],
        *,
        call_id: str | None = None,
        identity: Identity | None = None,
        description: str = "",
        schema: str = "",
    ) -> Entry:
        """Ask for one call.

        Args:
            tool: Name of the tool, the same at every layer.
            arguments: By name, as the body will get them.
            call_id: The framework's id of this call; ties a later try to the same request.
            identity: Who calls; by default that of `calling`, then of `permit0.session`.
            description, schema: What the tool says of itself.

        Raises:
            Denied, ApprovalRequired: It may not run.
            Permit0Error: It could not be checked; it may not run, either.
        """
        inner = self._inner(tool, arguments)
        if inner is not None:
            return inner
        around = _calling.get(_NOTHING)
        permit = self._guard.admit(
            tool,
            arguments,
            identity=around.identity if identity is None else identity,
            call_id=around.call_id if call_id is None else call_id,
            framework=self._framework,
            description=description,
            schema=schema,
        )
        return self._entered(tool, permit)

    async def enter_async(
        self,
        tool: str,
        arguments: Mapping[str, object],
        *,
        call_id: str | None = None,
        identity: Identity | None = None,
        description: str = "",
        schema: str = "",
    ) -> Entry:
        """As `enter`; other tasks go on while a person is asked."""
        inner = self._inner(tool, arguments)
        if inner is not None:
            return inner
        around = _calling.get(_NOTHING)
        permit = await self._guard.admit_async(
            tool,
            arguments,
            identity=around.identity if identity is None else identity,
            call_id=around.call_id if call_id is None else call_id,
            framework=self._framework,
            description=description,
            schema=schema,
        )
        return self._entered(tool, permit)

    def _inner(self, tool: str, arguments: Mapping[str, object]) -> Entry | None:
        let_in = _let_in.get()
        if let_in is None:
            return None
        try:
            asked = digest(freeze(arguments))
        except InvalidInput:
            return None  # the guard refuses it, and records that
        if not let_in.take(self._guard, tool, asked):
            return None
        return Entry(None, arguments, None)

    def _entered(self, tool: str, permit: Permit) -> Entry:
        return Entry(
            permit, permit.arguments, _Pass(self._guard, tool, digest(permit.call.arguments))
        )
