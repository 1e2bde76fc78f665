"""The policy enforcement point in Python: a guarded function cannot run without a decision and a token.

    guard = permit0.build_guard()

    @guard("payments.transfer")
    def wire(amount: int, recipient: str) -> str: ...

The path of one call, in the order of the code:
  1. bind      positional and keyword arguments by the signature, defaults included
  2. copy      a deep copy; from here on nobody else holds the arguments
  3. decide    over the canonical bytes of the copy
  4. ask       HUMAN, and there is an approver: a person answers in time, or it is a refusal
  5. token     issued for the digest of those bytes, verified once against the same digest
  6. run       the body, with the copy
  7. report    what it gave back or raised, so that the session and the log know it; if that fails,
               OutcomeUnrecorded says that the body ran and holds the result: it is no refusal
Guarantees: the body does not start unless 1 to 5 succeeded, whatever fails; a caller's object that is
changed meanwhile changes nothing; sync, async, methods and partials take the same path, and `admit` takes
it for integrations, which run the body themselves.
Does not: see calls that go around the wrapper (`__wrapped__` is not set, but whoever holds the original
function can call it), or guard what a generator does later (generators are refused when they are wrapped).
In observe mode refused calls run, without a token, as the mode says.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from typing import Literal, ParamSpec, TypeVar, overload

from permit0.approval.desk import ApprovalDesk
from permit0.binding import Binder, Bound, copied, is_async, is_generator, name_of, named
from permit0.canonical import digest, freeze
from permit0.denials import failed, refuse
from permit0.engine import Engine
from permit0.errors import Denied, InvalidInput, Permit0Error
from permit0.identity import Identity, current_identity, session
from permit0.model.call import ToolCall
from permit0.model.claims import Authority
from permit0.model.decision import Decision
from permit0.model.vocabulary import Mode, Outcome
from permit0.permit import Permit, Report
from permit0.ports import Approver
from permit0.token.issuer import CapabilityToken, Issuer
from permit0.token.verifier import Verifier

__all__ = ["Guard"]

P = ParamSpec("P")
R = TypeVar("R")

OnRefusal = Literal["raise", "return"]
OTHER_CALL = "approval_other_call"


class Guard:
    """Wraps functions so that they run only when they may.

    Args:
        engine: Decides.
        issuer: Signs the token of an allowed call.
        verifier: Checks it, for `audience`.
        audience: Name of this enforcement point in tokens.
        policy: Fingerprint of the policy; SHA-256, hex.
        on_refusal: "raise" Denied or ApprovalRequired, or "return" one sentence for the agent.
        desk: Where people are asked; without it, HUMAN is ApprovalRequired without a request.
        approver: Asks a person and waits; without it, HUMAN is ApprovalRequired with a request.
    """

    session = staticmethod(session)

    def __init__(
        self,
        *,
        engine: Engine,
        issuer: Issuer,
        verifier: Verifier,
        audience: str,
        policy: str,
        on_refusal: OnRefusal = "raise",
        desk: ApprovalDesk | None = None,
        approver: Approver | None = None,
    ) -> None:
        self._engine = engine
        self._issuer = issuer
        self._verifier = verifier
        self._audience = audience
        self._policy = policy
        self._on_refusal = on_refusal
        self._desk = desk
        self._approver = approver

    @property
    def desk(self) -> ApprovalDesk | None:
        """Where requests wait for people."""
        return self._desk

    @property
    def engine(self) -> Engine:
        """What decides."""
        return self._engine

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
            return self._wrap(tool, name_of(tool), frozenset())
        name = tool

        def decorate(function: Callable[P, R]) -> Callable[P, R]:
            return self._wrap(function, name or name_of(function), frozenset(context))

        return decorate

    def require(self, action: str, arguments: Mapping[str, object]) -> Decision:
        """Ask inside a function, before a step of its own: return if it may go on.

        Raises:
            Denied, ApprovalRequired: It may not.
        """
        return self.admit(action, arguments).decision

    def admit(
        self,
        tool: str,
        arguments: Mapping[str, object],
        *,
        identity: Identity | None = None,
        approval: str | None = None,
        call_id: str = "",
        framework: str = "",
        description: str = "",
        schema: str = "",
    ) -> Permit:
        """Steps 2 to 5 for a caller that runs the body itself. Returning is the permission to run once.

        Args:
            tool: Name of the tool. arguments: as the body would get them.
            identity: Who calls; by default what `permit0.session` says.
            approval: Id of a request that a person has answered, when a call is tried again. For
                other arguments than were shown it counts for nothing and the call is decided anew.
            call_id: The framework's id of the call. Tried again under it, with the same arguments, the
                call meets the same request; one whose approval was used is a new call.
            framework: Where the call comes from. description, schema: what the tool says of itself.

        Returns:
            The permit: run the body with `permit.arguments`, then `permit.report` what came of it.

        Raises:
            Denied, ApprovalRequired: It may not run.
            Permit0Error: Something on the way failed; it may not run, either.
        """
        copy = copied(arguments)
        call, decision = self._decided(
            tool, copy, identity, approval, call_id, framework, description, schema
        )
        if decision.outcome is Outcome.HUMAN:
            decision = self._asked(call, decision, wait=self._approver)
        return self._permitted(call, decision, copy)

    async def admit_async(
        self,
        tool: str,
        arguments: Mapping[str, object],
        *,
        identity: Identity | None = None,
        approval: str | None = None,
        call_id: str = "",
        framework: str = "",
        description: str = "",
        schema: str = "",
    ) -> Permit:
        """As `admit`; other tasks go on while a person is asked."""
        copy = copied(arguments)
        call, decision = self._decided(
            tool, copy, identity, approval, call_id, framework, description, schema
        )
        if decision.outcome is Outcome.HUMAN:
            decision = await self._asked_async(call, decision)
        return self._permitted(call, decision, copy)

    def token_for(
        self,
        tool: str,
        arguments: Mapping[str, object],
        *,
        audience: str,
        identity: Identity | None = None,
        approval: str | None = None,
    ) -> CapabilityToken:
        """A token for an Execution Gateway elsewhere, which verifies it before it runs the tool.

        Args:
            tool: Name of the tool. arguments: what will be sent, nothing else will be accepted.
            audience: The gateway.
            identity, approval: As for `admit`.

        Raises:
            Denied, ApprovalRequired: It may not run. In observe mode, too: there is no token then.
        """
        copy = copied(arguments)
        call, decision = self._decided(tool, copy, identity, approval)
        if decision.outcome is Outcome.HUMAN:
            decision = self._asked(call, decision, wait=self._approver)
        if decision.outcome is not Outcome.ALLOW or (
            decision.decided is not Outcome.ALLOW and decision.approval is None
        ):
            refuse(decision)
        return self._token(call, decision, audience)

    def _wrap(self, function: Callable[P, R], tool: str, context: frozenset[str]) -> Callable[P, R]:
        if not callable(function):
            raise InvalidInput(f"{function!r} is no function", reason_code="guard_not_callable")
        if is_generator(function):
            raise InvalidInput(
                f"{tool!r} is a generator, which runs after it was allowed, guard what consumes it",
                reason_code="guard_generator",
            )
        binder = Binder(function, context)

        def prepare(
            args: tuple[object, ...], kwargs: Mapping[str, object]
        ) -> tuple[Bound, dict[str, object], ToolCall, Decision]:
            bound = binder.bind(args, kwargs)  # 1
            arguments = copied(bound.judged)  # 2
            bound.replace(arguments)
            call, decision = self._decided(tool, arguments, None, None)  # 3
            return bound, arguments, call, decision

        if is_async(function):

            async def guarded_async(*args: P.args, **kwargs: P.kwargs) -> object:
                try:
                    bound, arguments, call, decision = prepare(args, kwargs)
                    if decision.outcome is Outcome.HUMAN:
                        decision = await self._asked_async(call, decision)  # 4
                    permit = self._permitted(call, decision, arguments)  # 5
                except Denied as refusal:
                    return self._refuse(refusal)
                with _reporting(permit) as outcome:
                    outcome.result = await function(*bound.args, **bound.kwargs)  # type: ignore[misc]  # a coroutine function
                return outcome.result

            return named(guarded_async, function, binder.signature)  # type: ignore[return-value]  # R is a coroutine

        def guarded(*args: P.args, **kwargs: P.kwargs) -> R:
            try:
                bound, arguments, call, decision = prepare(args, kwargs)
                if decision.outcome is Outcome.HUMAN:
                    decision = self._asked(call, decision, wait=self._approver)  # 4
                permit = self._permitted(call, decision, arguments)  # 5
            except Denied as refusal:
                return self._refuse(refusal)  # type: ignore[return-value]  # a sentence, as asked for
            with _reporting(permit) as outcome:
                result = outcome.result = function(*bound.args, **bound.kwargs)
            return result

        return named(guarded, function, binder.signature)

    def _decided(
        self,
        tool: str,
        arguments: Mapping[str, object],
        identity: Identity | None,
        approval: str | None,
        call_id: str = "",
        framework: str = "",
        description: str = "",
        schema: str = "",
    ) -> tuple[ToolCall, Decision]:
        """3. decide."""
        who = current_identity() if identity is None else identity
        try:
            frozen = freeze(arguments)
        except InvalidInput:
            # The engine refuses it as well, with the reason, and keeps the refusal on record.
            decision = self._engine.check(
                tool, arguments, session=who.session, agent=who.agent, principal=who.principal
            )
            refuse(decision)
        call = ToolCall(
            tool=tool,
            arguments=frozen,
            session=who.session,
            agent=who.agent,
            principal=who.principal,
            framework=framework,
            description=description,
            schema=schema,
            task=who.task,
            call_id=call_id,
        )
        if self._engine.mode is Mode.OBSERVE:
            return call, self._engine.decide(call)  # nobody is asked, so no answer counts either
        if approval is None and call_id and self._desk is not None:
            approval = self._desk.asked_before(call)
        if approval is not None:
            decision = self._engine.conclude(call, approval)
            if decision.outcome is Outcome.HUMAN and self._desk is not None:
                refuse(decision, self._desk.find(approval).request)
            if decision.error != OTHER_CALL:
                return call, decision
        return call, self._engine.decide(call)

    def _asked(self, call: ToolCall, decision: Decision, *, wait: Approver | None) -> Decision:
        """4. ask: the decision after a person's answer; ApprovalRequired if nobody is there now."""
        desk = self._desk
        if desk is None:
            refuse(decision)
        try:
            request = desk.request(call, decision)
            if wait is not None:
                desk.ask(wait, request)
        except Permit0Error:
            raise
        except Exception as error:  # boundary of the guard: whatever it is, nothing runs
            raise failed(decision, error) from error
        if wait is None:
            refuse(decision, request)
        return self._engine.conclude(call, request.id)

    async def _asked_async(self, call: ToolCall, decision: Decision) -> Decision:
        if self._desk is None or self._approver is None:
            return self._asked(call, decision, wait=None)
        import asyncio  # as in identity.py

        return await asyncio.to_thread(self._asked, call, decision, wait=self._approver)

    def _permitted(
        self, call: ToolCall, decision: Decision, arguments: Mapping[str, object]
    ) -> Permit:
        """5. token. Returning is the permission to run."""
        # The outcome first: a decision that could not be recorded binds in observe mode, too.
        if decision.outcome is not Outcome.ALLOW:
            refuse(decision)
        if decision.mode is not Mode.OBSERVE:
            self._token(call, decision, self._audience, use=True)
        return Permit(call, decision, arguments, self._engine)

    def _token(
        self, call: ToolCall, decision: Decision, audience: str, *, use: bool = False
    ) -> CapabilityToken:
        try:
            token = self._issuer.issue(
                agent=call.agent,
                audience=audience,
                action=decision.action,
                digest=decision.digest,
                session=call.session,
                tier=decision.tier,
                score=decision.score,
                by=Authority.SCORER if decision.approval is None else Authority.HUMAN,
                policy=self._policy,
                epoch=decision.epoch,
                approval=decision.approval,
            )
            if use:
                self._verifier.verify(
                    token.text, action=decision.action, digest=digest(call.arguments)
                )
            return token
        except Permit0Error:
            raise
        except Exception as error:  # boundary of the guard: whatever it is, nothing runs
            raise failed(decision, error) from error

    def _refuse(self, refusal: Denied) -> str:
        if self._on_refusal == "raise":
            raise refusal
        return str(refusal)


@contextmanager
def _reporting(permit: Permit) -> Iterator[Report]:
    """6 and 7: what came of the call goes to the session and the log, an exception too."""
    outcome = Report()
    try:
        yield outcome
    except BaseException as error:
        permit.failed(error)
        raise
    permit.report(outcome.result)
