"""The policy enforcement point of a tool: nothing runs without a capability token for exactly this.

    gateway = ExecutionGateway(verifier=verifier, clock=clock, events=events)

    @gateway.tool("payments.transfer")
    def transfer(amount: int, recipient: str) -> str: ...

    transfer(120, "Vendor Alpha", permit=token)

The path of one call, in the order of the code:
  1. bind      (decorator) positional and keyword arguments by the signature, defaults included
  2. freeze    canonical bytes; from here on nobody else holds the arguments
  3. verify    the token against the digest of these bytes; from here on it is used
  4. record    "authorized", or "refused" with the reason code
  5. run       with values that were read from the very bytes that were digested
  6. record    "ran", with the name of the exception if there was one
Guarantees: the body does not start unless 1 to 4 succeeded, whatever fails; every refusal has a reason code
and is recorded. An authorisation that cannot be recorded is a refusal, and its token is used up; a
refusal that cannot be recorded stays that refusal. No record holds a token or the value of an argument.
What runs gets plain values, as JSON has them, and not the caller's objects or copies of them: an object
may show one value to whoever freezes it and another one later. So 1.0 arrives as 1, a tuple as a list,
a member of an Enum as its value. The digest covers defaults, too: the decision has to name them.
Does not: decide, or hold anything that signs. Does not see calls that go around the wrapper, nor what
happens later inside an awaitable or iterator that a plain function gives back (generators are refused
when they are wrapped). It asks store and log synchronously, in coroutines as well.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from inspect import isawaitable
from typing import Any, ParamSpec, TypeVar

import msgspec

from permit0.audit.events import EventBody, EventLog
from permit0.binding import Binder, Bound, copied, is_async, is_generator, name_of, named
from permit0.canonical import Json, digest, freeze, thaw
from permit0.errors import (
    GatewayRefused,
    InvalidInput,
    InvalidToken,
    OutcomeUnrecorded,
    Permit0Error,
    TokenMissing,
    UnknownAction,
)
from permit0.model.claims import Claims, Observed
from permit0.ports import Clock
from permit0.token.verifier import Verifier

__all__ = ["ACTION_NAME", "Authorized", "ExecutionGateway", "Observe", "Run"]

P = ParamSpec("P")
R = TypeVar("R")

Observe = Callable[[str, Mapping[str, Json]], Observed]
"""What the arguments of an action mean, for tokens with an envelope. It knows this tool."""

KIND = "gateway"  # of the records
PERMIT = "permit"  # the keyword that carries the token
ACTION_NAME = re.compile(r"[a-z][a-z0-9_]*\.[a-z][a-z0-9_]*")  # as claims have it

_log = logging.getLogger(__name__)


class Authorized(msgspec.Struct, frozen=True):
    """A call that may run, once.

    claims: what the token says. arguments: to run with; fresh values, read from `canonical`.
    canonical: the very bytes that were digested (RFC 8785). tool: what it was called here.
    """

    claims: Claims
    arguments: Mapping[str, Json]
    canonical: bytes
    tool: str = ""

    def __repr__(self) -> str:
        return f"<Authorized {self.claims.act} jti={self.claims.jti}>"


class Run:
    """What came of a call. result: what the body gave back. refs: what else the record should name."""

    def __init__(self) -> None:
        self.result: object = None
        self.refs: dict[str, str] = {}


class ExecutionGateway:
    """Lets calls run that have a token for exactly what they are. Any number of threads may use it.

    Args:
        verifier: Checks tokens, with public keys, for one audience.
        clock: Tells the time of records.
        events: Where "authorized", "refused" and "ran" are recorded; None records nothing.
        observe: Says what arguments mean; without it no token with an envelope is accepted. It is
            asked before the token is looked at, and if it fails, the call is refused.
    """

    def __init__(
        self,
        *,
        verifier: Verifier,
        clock: Clock,
        events: EventLog | None = None,
        observe: Observe | None = None,
    ) -> None:
        self._verifier = verifier
        self._clock = clock
        self._events = events
        self._observe = observe

    def authorize(
        self, token: str | None, action: str, arguments: Mapping[str, object], *, tool: str = ""
    ) -> Authorized:
        """Use a token for one call. Run it with the arguments of what this returns, not with yours.

        Args:
            token: The token, None if the call came without one; the call uses it up.
            action: What is about to run, `domain.verb`.
            arguments: Its arguments by name, defaults included.
            tool: What to call it in records; the action says what it is.

        Raises:
            InvalidToken: One subclass for each way to fail.
            InvalidInput: The arguments have no canonical form.
            StateUnavailable: The replay store or the kill switch did not answer.
            AuditUnavailable: It could not be recorded. The token is used up.
            GatewayRefused: Anything else went wrong.
        """
        asked = sha = ""
        try:
            if not isinstance(action, str):
                raise UnknownAction(f"an action is text, not {type(action).__name__!r}")
            asked = str.__str__(action)  # a subclass could be equal to everything
            if token is None or token == "":
                raise TokenMissing("the call has no token, ask for a decision first")
            frozen = freeze(arguments)  # 2
            sha = digest(frozen)
            seen = Observed() if self._observe is None else self._observe(asked, thaw(frozen))
            fresh = thaw(frozen)
            claims = self._verifier.verify(token, action=asked, digest=sha, observed=seen)  # 3
            authorized = Authorized(claims, fresh, frozen, tool)
        except Exception as error:  # noqa: BLE001  # boundary of the gateway: whatever it is, a refusal
            refusal = self.refuse(error, action=asked, digest=sha, tool=tool)
        else:
            self._keep_authorized(authorized, sha)  # 4
            return authorized
        raise refusal

    @contextmanager
    def running(self, authorized: Authorized) -> Iterator[Run]:
        """Around the body of an authorised call: records what came of it.

        with gateway.running(authorized) as run:
            run.result = transfer(**authorized.arguments)

        Raises:
            OutcomeUnrecorded: The body ran and it could not be recorded. An exception of the body goes on.
        """
        run = Run()
        try:
            yield run
        except BaseException as error:
            try:
                self._keep_ran(authorized, {"error": type(error).__name__} | run.refs)
            except Exception as unrecorded:  # noqa: BLE001  # the body's own exception is what the caller must see
                error.add_note(f"permit0 could not record it: {_described(unrecorded)}")
            raise
        try:
            self._keep_ran(authorized, run.refs)
        except Exception as error:  # boundary: the body ran, whatever keeps that from the log
            raise OutcomeUnrecorded(
                f"{authorized.claims.act} ran, but what came of it could not be recorded: "
                f"{_described(error)}",
                result=run.result,
            ) from error

    def tool(
        self, action: str, *, context: Collection[str] = ()
    ) -> Callable[[Callable[P, R]], Callable[..., R]]:
        """Guard a function. It takes one more keyword-only argument, `permit`: the token.

        Args:
            action: What the function does, `domain.verb`.
            context: Parameters that the program and not the agent provides (a connection, a
                client). They are passed on as they are, and no token binds them.

        Raises:
            UnknownAction: The action has another form.
            InvalidInput: No function (tool_not_callable), a generator (tool_generator), a function that has
                a parameter `permit` (tool_parameter_taken) or hides its own (tool_signature_unknown).
        """
        if ACTION_NAME.fullmatch(action) is None:
            raise UnknownAction(f"{action!r} is no action, give one such as 'payments.transfer'")

        def decorate(function: Callable[P, R]) -> Callable[..., R]:
            return self._wrap(function, action, context)

        return decorate

    def refuse(
        self, error: Exception, *, action: str = "", digest: str = "", tool: str = ""
    ) -> Permit0Error:
        """Record that a call was refused, at a boundary of its own in front of `authorize`.

        Args:
            error: Why. Anything but a Permit0Error becomes a GatewayRefused.
            action: What was asked for, if known. digest: of its arguments. tool: what it is called here.

        Returns:
            What to raise. If it could not be recorded, a note says so.
        """
        if isinstance(error, Permit0Error):
            refusal = error
        else:
            _log.error("the gateway failed and refused a call", exc_info=error)
            refusal = GatewayRefused(
                f"the gateway failed with {type(error).__name__}, so the call is refused"
            )
            refusal.__cause__ = error
        refs = {"audience": self._verifier.audience}
        if isinstance(refusal, InvalidToken) and refusal.jti is not None:
            refs["jti"] = refusal.jti
        try:
            self._keep(
                EventBody(
                    event="refused",
                    code=refusal.reason_code,
                    tool=tool,
                    action=action,
                    digest=digest,
                    refs=refs,
                )
            )
        except Exception as unrecorded:  # noqa: BLE001  # boundary: a refusal stays one
            note = f"permit0 could not record this refusal: {_described(unrecorded)}"
            _log.error("%s (%s)", note, refusal.reason_code)
            refusal.add_note(note)
        return refusal

    def _wrap(
        self, function: Callable[P, R], action: str, context: Collection[str]
    ) -> Callable[..., R]:
        if not callable(function):
            raise InvalidInput(f"{function!r} is no function", reason_code="tool_not_callable")
        name = name_of(function)
        if is_generator(function):
            raise InvalidInput(
                f"{name!r} is a generator, which runs after it was authorised, guard what consumes it",
                reason_code="tool_generator",
            )
        binder = Binder(function, frozenset(context))
        signature = binder.with_keyword(PERMIT, str)

        def admit(
            permit: str | None, args: tuple[object, ...], kwargs: Mapping[str, object]
        ) -> tuple[Authorized, Bound]:
            try:
                bound = binder.bind(args, kwargs)  # 1
                arguments = copied(bound.judged)
            except Exception as error:  # noqa: BLE001  # boundary of the gateway, as in authorize
                refusal = self.refuse(error, action=action, tool=name)
            else:
                authorized = self.authorize(permit, action, arguments, tool=name)
                bound.replace(arguments)
                return authorized, bound
            raise refusal

        wrapper: Any  # a Callable[..., R]; mypy cannot see that R is a coroutine
        if is_async(function):

            async def guarded_async(
                *args: object, permit: str | None = None, **kwargs: object
            ) -> object:
                authorized, bound = admit(permit, args, kwargs)
                with self.running(authorized) as run:  # 5, 6
                    result: Any = function(*bound.args, **bound.kwargs)
                    # A decorated coroutine function may be a plain function outside.
                    run.result = await result if isawaitable(result) else result
                return run.result

            wrapper = guarded_async
        else:

            def guarded(*args: object, permit: str | None = None, **kwargs: object) -> object:
                authorized, bound = admit(permit, args, kwargs)
                with self.running(authorized) as run:  # 5, 6
                    run.result = function(*bound.args, **bound.kwargs)
                return run.result

            wrapper = guarded
        named(wrapper, function, signature)
        wrapper.__annotations__ = {**getattr(function, "__annotations__", {}), PERMIT: str}
        guarded_function: Callable[..., R] = wrapper
        return guarded_function

    def _keep_authorized(self, authorized: Authorized, sha: str) -> None:
        """Step 4 of a call whose token was accepted; raising refuses it."""
        try:
            self._keep(_about(authorized, "authorized", sha, {}))
        except Permit0Error as error:
            error.add_note("permit0 had accepted the token, which is used up; nothing ran")
            raise
        except Exception as error:  # boundary of the gateway: whatever it is, a refusal
            raise GatewayRefused(
                f"the call could not be recorded, so it is refused: {_described(error)}"
            ) from error

    def _keep_ran(self, authorized: Authorized, refs: Mapping[str, str]) -> None:
        if self._events is not None:
            self._keep(_about(authorized, "ran", digest(authorized.canonical), refs))

    def _keep(self, body: EventBody) -> None:
        if self._events is not None:
            self._events.keep(KIND, self._clock.now(), body)


def _about(authorized: Authorized, event: str, sha: str, refs: Mapping[str, str]) -> EventBody:
    claims = authorized.claims
    ids = {"jti": claims.jti, "audience": claims.aud}
    if claims.apv is not None:
        ids["approval"] = claims.apv.id
    return EventBody(
        event=event,
        tool=authorized.tool,
        action=claims.act,
        session=claims.sid,
        agent=claims.sub,
        digest=sha,
        refs={**refs, **ids},
    )


def _described(error: Exception) -> str:
    """What may be said of an error: all of ours, only the name of any other."""
    return str(error) if isinstance(error, Permit0Error) else type(error).__name__
