"""The policy enforcement point in Python: a guarded function cannot run without a decision and a token.

    guard = permit0.build_guard()

    @guard("payments.transfer")
    def wire(amount: int, recipient: str) -> str: ...

The path of one call, in the order of the code:
  1. bind      positional and keyword arguments by the signature, defaults included
  2. copy      a deep copy; from here on nobody else holds the arguments
  3. decide    over the canonical bytes of the copy; anything but ALLOW ends here
  4. token     issued for the digest of those bytes, verified once against the same digest
  5. run       the body, with the copy
  6. report    what it gave back or raised, so that the session and the log know it; if that fails,
               OutcomeUnrecorded says that the body ran and holds the result: it is no refusal
Guarantees: the body does not start unless 1 to 4 succeeded, whatever fails; a caller's object that is
changed meanwhile changes nothing; sync, async, methods and partials take the same path.
Does not: ask people (HUMAN is ApprovalRequired), see calls that go around the wrapper (`__wrapped__` is
not set, but whoever holds the original function can call it), or guard what a generator does later
(generators are refused when they are wrapped).
In observe mode refused calls run, without a token, as the mode says.
"""

from __future__ import annotations

import copy
import functools
import inspect
import json
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, Literal, NoReturn, ParamSpec, TypeVar, overload

import msgspec

from permit0.canonical import digest, freeze
from permit0.engine import Engine
from permit0.errors import (
    ApprovalRequired,
    Denied,
    InvalidInput,
    OutcomeUnrecorded,
    Permit0Error,
)
from permit0.model.call import ToolCall
from permit0.model.claims import Authority
from permit0.model.decision import Decision
from permit0.model.vocabulary import Mode, Outcome
from permit0.token.issuer import Issuer
from permit0.token.verifier import Verifier

__all__ = ["Guard", "Identity"]

P = ParamSpec("P")
R = TypeVar("R")

NO_KILL = 0  # there is no kill switch in this release; the verifier accepts exactly this epoch
OnRefusal = Literal["raise", "return"]
_BOUND_FIRST = frozenset({"self", "cls"})  # the object of a method is no argument of the agent's


class Identity(msgspec.Struct, frozen=True):
    """Who calls, in which session. See ToolCall for the members."""

    session: str = "default"
    agent: str = "default"
    principal: str | None = None
    task: str = ""


_NOBODY = Identity()


class Guard:
    """Wraps functions so that they run only when they may.

    Args:
        engine: Decides.
        issuer: Signs the token of an allowed call.
        verifier: Checks it, for `audience`.
        audience: Name of this enforcement point in tokens.
        policy: Fingerprint of the policy; SHA-256, hex.
        on_refusal: "raise" Denied or ApprovalRequired, or "return" one sentence for the agent.
    """

    def __init__(
        self,
        *,
        engine: Engine,
        issuer: Issuer,
        verifier: Verifier,
        audience: str,
        policy: str,
        on_refusal: OnRefusal = "raise",
    ) -> None:
        self._engine = engine
        self._issuer = issuer
        self._verifier = verifier
        self._audience = audience
        self._policy = policy
        self._on_refusal = on_refusal
        self._identity: ContextVar[Identity] = ContextVar("permit0_identity")

    @contextmanager
    def session(
        self, session: str, *, agent: str = "default", principal: str | None = None, task: str = ""
    ) -> Iterator[Identity]:
        """Calls inside belong to this session.

        Held in a context variable: asyncio tasks started inside inherit it, other threads only if
        they are given the context (`asyncio.to_thread` does, a bare Thread does not).
        """
        identity = Identity(session, agent, principal, task)
        token = self._identity.set(identity)
        try:
            yield identity
        finally:
            self._identity.reset(token)

    @overload
    def __call__(self, tool: Callable[P, R], /) -> Callable[P, R]: ...

    @overload
    def __call__(
        self, tool: str | None = None, /, *, context: Collection[str] = ()
    ) -> Callable[[Callable[P, R]], Callable[P, R]]: ...

    def __call__(
        self, tool: Callable[P, R] | str | None = None, /, *, context: Collection[str] = ()
    ) -> Callable[P, R] | Callable[[Callable[P, R]], Callable[P, R]]:
        """Guard a function: `@guard`, `@guard("payments.transfer")` or `guard(function)`.

        Args:
            tool: The function, or the name by which packs know it; its own name by default.
            context: Parameters that the program and not the agent provides (a connection, a
                client). They are passed on as they are and not judged.

        Raises:
            InvalidInput: A generator (guard_generator), or no function (guard_not_callable).
        """
        if callable(tool):
            return self._wrap(tool, _name_of(tool), frozenset())
        name = tool

        def decorate(function: Callable[P, R]) -> Callable[P, R]:
            return self._wrap(function, name or _name_of(function), frozenset(context))

        return decorate

    def require(self, action: str, arguments: Mapping[str, object]) -> Decision:
        """Ask inside a function, before a step of its own: return if it may go on.

        Raises:
            Denied, ApprovalRequired: It may not.
        """
        return self._authorize(action, _copied("arguments", dict(arguments))).decision

    def _wrap(self, function: Callable[P, R], tool: str, context: frozenset[str]) -> Callable[P, R]:
        if not callable(function):
            raise InvalidInput(f"{function!r} is no function", reason_code="guard_not_callable")
        inner = inspect.unwrap(function)
        if inspect.isgeneratorfunction(inner) or inspect.isasyncgenfunction(inner):
            raise InvalidInput(
                f"{tool!r} is a generator, which runs after it was allowed, guard what consumes it",
                reason_code="guard_generator",
            )
        signature = inspect.signature(function)

        def prepare(
            args: tuple[object, ...], kwargs: Mapping[str, object]
        ) -> tuple[inspect.BoundArguments, _Permit]:
            bound, arguments = _bind(signature, args, kwargs, context)  # 1, 2
            return bound, self._authorize(tool, arguments)  # 3, 4

        if _is_async(inner):

            async def guarded_async(*args: P.args, **kwargs: P.kwargs) -> object:
                try:
                    bound, permit = prepare(args, kwargs)
                except Denied as refusal:
                    return self._refuse(refusal)
                with self._reporting(permit) as outcome:
                    outcome.result = await function(*bound.args, **bound.kwargs)  # type: ignore[misc]  # a coroutine function
                return outcome.result

            return _named(guarded_async, function, signature)  # type: ignore[arg-type]  # R is a coroutine

        def guarded(*args: P.args, **kwargs: P.kwargs) -> R:
            try:
                bound, permit = prepare(args, kwargs)
            except Denied as refusal:
                return self._refuse(refusal)  # type: ignore[return-value]  # a sentence, as asked for
            with self._reporting(permit) as outcome:
                result = outcome.result = function(*bound.args, **bound.kwargs)
            return result

        return _named(guarded, function, signature)

    def _authorize(self, tool: str, arguments: Mapping[str, object]) -> _Permit:
        """Steps 3 and 4. Returning is the permission to run.

        Raises:
            Denied, ApprovalRequired: The decision, or whatever kept a token from being good.
        """
        who = self._identity.get(_NOBODY)
        try:
            frozen = freeze(arguments)
        except InvalidInput:
            # The engine refuses it as well, with the reason, and keeps the refusal on record.
            decision = self._engine.check(
                tool, arguments, session=who.session, agent=who.agent, principal=who.principal
            )
            _raise(decision)
        call = ToolCall(
            tool=tool,
            arguments=frozen,
            session=who.session,
            agent=who.agent,
            principal=who.principal,
            task=who.task,
        )
        decision = self._engine.decide(call)
        # The outcome first: a decision that could not be recorded binds in observe mode, too.
        if decision.outcome is not Outcome.ALLOW:
            _raise(decision)
        if decision.mode is Mode.OBSERVE:
            return _Permit(call, decision)
        token = self._issuer.issue(
            agent=who.agent,
            audience=self._audience,
            action=decision.action,
            digest=decision.digest,
            session=who.session,
            tier=decision.tier,
            score=decision.score,
            by=Authority.SCORER,
            policy=self._policy,
            epoch=NO_KILL,
        )
        self._verifier.verify(token.text, action=decision.action, digest=digest(frozen))
        return _Permit(call, decision)

    def _refuse(self, refusal: Denied) -> str:
        if self._on_refusal == "raise":
            raise refusal
        return str(refusal)

    @contextmanager
    def _reporting(self, permit: _Permit) -> Iterator[_Outcome]:
        """Steps 5 and 6: what came of the call goes to the session and the log, an exception too."""
        outcome = _Outcome()
        call, decision = permit.call, permit.decision
        try:
            yield outcome
        except BaseException as error:
            try:
                self._engine.report(call, "", decision=decision, error=type(error).__name__)
            except Permit0Error as unrecorded:
                # The tool's own exception is what the caller must see; this one goes with it.
                error.add_note(f"permit0 could not record it: {unrecorded}")
            raise
        try:
            self._engine.report(call, _as_text(outcome.result), decision=decision)
        except Permit0Error as error:
            raise OutcomeUnrecorded(
                f"{call.tool} ran, but what came of it could not be recorded: {error}",
                result=outcome.result,
            ) from error


class _Permit(msgspec.Struct, frozen=True):
    """A call that may run, and the decision that says so."""

    call: ToolCall
    decision: Decision


class _Outcome:
    """What the body gave back."""

    result: object = None


def _raise(decision: Decision) -> NoReturn:
    code = decision.reasons[0].code if decision.reasons else None
    if decision.outcome is Outcome.HUMAN:
        message = f"{decision.tool} needs a person's approval: {decision.reason}"
        raise ApprovalRequired(message, decision=decision, reason_code=code)
    message = f"{decision.tool} was refused: {decision.reason}"
    raise Denied(message, decision=decision, reason_code=code)


def _bind(
    signature: inspect.Signature,
    args: tuple[object, ...],
    kwargs: Mapping[str, object],
    context: frozenset[str],
) -> tuple[inspect.BoundArguments, dict[str, object]]:
    """Steps 1 and 2: what the body will get, and what of it is judged, as one copy."""
    bound = signature.bind(*args, **kwargs)
    bound.apply_defaults()
    judged: dict[str, object] = {}
    parameters = list(signature.parameters.values())
    for i, parameter in enumerate(parameters):
        name = parameter.name
        if name in context or (i == 0 and name in _BOUND_FIRST):
            continue
        value = _copied(name, bound.arguments[name])
        bound.arguments[name] = value
        if parameter.kind is inspect.Parameter.VAR_KEYWORD:
            for key, item in value.items():
                if key in judged:
                    raise InvalidInput(
                        f"argument {key!r} is there twice", reason_code="argument_conflict"
                    )
                judged[key] = item
        elif parameter.kind is inspect.Parameter.VAR_POSITIONAL:
            judged[name] = list(value)
        else:
            judged[name] = value
    return bound, judged


def _copied(name: str, value: object) -> Any:  # Any: what the function takes under this name
    try:
        return copy.deepcopy(value)
    except Exception as error:  # foreign __deepcopy__: whatever it raises is a refusal
        raise InvalidInput(
            f"argument {name!r} cannot be copied, name it in `context` if the program provides it",
            where=f"arguments.{name}",
            reason_code="argument_not_copyable",
        ) from error


def _as_text(result: object) -> str:
    if result is None:
        return ""
    if isinstance(result, str):
        return result
    try:
        return json.dumps(result, ensure_ascii=False, default=str)
    except (TypeError, ValueError, RecursionError):
        return str(result)


def _is_async(function: Callable[..., object]) -> bool:
    """Also true for an object whose __call__ is a coroutine function."""
    if inspect.iscoroutinefunction(function):
        return True
    return not inspect.isroutine(function) and inspect.iscoroutinefunction(
        getattr(type(function), "__call__", None)  # noqa: B004  # the method itself is wanted
    )


def _name_of(function: Callable[..., object]) -> str:
    inner = function.func if isinstance(function, functools.partial) else function
    name: str = getattr(inner, "__name__", type(inner).__name__)
    return name


def _named(
    guarded: Callable[P, R], function: Callable[P, R], signature: inspect.Signature
) -> Callable[P, R]:
    """Looks like the function to frameworks, without leading back to it."""
    for name in ("__module__", "__name__", "__qualname__", "__doc__", "__annotations__"):
        if hasattr(function, name):
            setattr(guarded, name, getattr(function, name))
    guarded.__signature__ = signature  # type: ignore[attr-defined]  # what inspect looks for
    return guarded
