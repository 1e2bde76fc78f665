"""One guard as an application wants it used with the SDK, and what the SDK forces an integration to keep.

The SDK asks for one call at several places: whether a person has to approve it (`needs_approval`), the input
guardrails, the body. The first place that decides keeps the outcome for the next one; it is taken once, and
only by the same call (tool, call id, arguments, identity) of the same run.
Guarantees:
  1. A kept permission runs one body. Not taken, it ends with the run; it never waits for a person.
  2. A person's yes counts only for the call that was asked about: the SDK says that this very call was
     approved, and by whom is known from `approve(...)` or from the configured approver.
     A "yes to all" of the SDK (always_approve) names no call, so it is no answer.
Does not: know a kind of tool (hook, native), or decide (the gate does).
"""

from __future__ import annotations

import logging
import threading
import weakref
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Hashable
from typing import Any, Generic, TypeVar

from agents import RunContextWrapper

from permit0 import ApprovalAnswer, ApprovalRequest, ApprovalRequired, Guard, InvalidInput
from permit0.integration import Entry, Gate
from permit0_openai_agents.translate import Asked, IdentityOption

__all__ = ["FRAMEWORK", "Binding", "Decided", "Recent", "approval_status"]

FRAMEWORK = "openai-agents"
MAX_RECENT = 1024  # pauses of one process; what is forgotten is asked again
PENDING = "approval_pending"

V = TypeVar("V")
Outcome = Entry | Exception
_log = logging.getLogger("permit0.openai_agents")


class Recent(Generic[V]):
    """The last few values by key."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._values: OrderedDict[Hashable, V] = OrderedDict()

    def put(self, key: Hashable, value: V) -> None:
        """Keep a value, and forget the oldest if there are too many."""
        with self._lock:
            self._values[key] = value
            self._values.move_to_end(key)
            while len(self._values) > MAX_RECENT:
                self._values.popitem(last=False)

    def get(self, key: Hashable) -> V | None:
        """The value, and it stays."""
        with self._lock:
            return self._values.get(key)

    def take(self, key: Hashable) -> V | None:
        """The value, once."""
        with self._lock:
            return self._values.pop(key, None)


class Decided:
    """What was decided for calls of runs that still go on."""

    def __init__(self) -> None:
        self._lock = threading.RLock()  # a finalizer may come while it is held
        self._runs: dict[int, dict[Hashable, Outcome]] = {}

    def keep(self, run: object, asked: Asked, outcome: Outcome) -> None:
        """For the next layer of this call."""
        key = asked.key
        if key is None:
            return
        with self._lock:
            found = self._runs.get(id(run))
            if found is None:
                # The run ends when nobody holds its usage any more; then its id may be used again.
                weakref.finalize(run, self._forget, id(run))
                found = self._runs[id(run)] = {}
            found[key] = outcome

    def take(self, run: object, asked: Asked) -> Outcome | None:
        """What an earlier layer kept, once."""
        with self._lock:
            return self._runs.get(id(run), {}).pop(asked.key, None)

    def permits(self, run: object, call_id: str) -> bool:
        """Whether a call of this id may run now, and has not."""
        with self._lock:
            found = self._runs.get(id(run), {}).items()
            return any(
                isinstance(key, tuple) and key[1] == call_id and isinstance(outcome, Entry)
                for key, outcome in found
            )

    def _forget(self, run: int) -> None:
        with self._lock:
            self._runs.pop(run, None)


class Binding:
    """What all guarded objects of one `guard_agent` or `guard_tools` share.

    Args:
        guard: Decides and enforces.
        identity: Who calls, see translate.
        approver: Name of the person whose bare `state.approve(item)` it is; without it only
            `approve(state, item, by=...)` answers for a person.
        strict: Refuse to list a tool that cannot be guarded.
    """

    def __init__(
        self,
        guard: Guard,
        *,
        identity: IdentityOption = None,
        approver: str | None = None,
        strict: bool = False,
    ) -> None:
        self.guard = guard
        self.gate = Gate(guard, framework=FRAMEWORK)
        self.identity = identity
        self.approver = approver
        self.strict = strict
        self.decided = Decided()
        self.classes: dict[type, type] = {}
        # Who said yes to a stop of the SDK's own, by tool, call id and arguments.
        self.said: Recent[tuple[str, str]] = Recent()
        # Editors are not told the id of a call: by the content of the operation.
        self.patches: Recent[str] = Recent()
        # Agents as tools that wait for a person inside, so that they are not counted again.
        self.delegated: Recent[bool] = Recent()

    def __deepcopy__(self, memo: object) -> Binding:
        """A deep copy of an agent is guarded by the same guard."""
        return self

    async def decide(self, context: RunContextWrapper[Any], asked: Asked) -> Entry:
        """Decide a call, unless an earlier layer has.

        Raises:
            Denied, ApprovalRequired, Permit0Error: It may not run.
        """
        known = self.decided.take(context.usage, asked)
        if isinstance(known, Entry):
            return known
        if known is not None:
            raise known
        return await self.gate.enter_async(
            asked.tool,
            asked.arguments,
            call_id=asked.call_id,
            identity=asked.identity,
            description=asked.description,
            schema=asked.schema,
        )

    async def must_ask(
        self,
        context: RunContextWrapper[Any],
        asked: Asked,
        also: Callable[[], Awaitable[bool]] | None = None,
    ) -> bool:
        """Whether the SDK has to stop this call for a person.

        Args:
            context: The run. asked: the call.
            also: What the application itself says.
        """
        if approval_status(context, asked) is not None:
            return (
                True  # somebody answered: the SDK goes on with that, and the body's layer decides
            )
        try:
            entry = await self.decide(context, asked)
        except ApprovalRequired:
            return True
        except Exception as error:  # noqa: BLE001  # boundary: whatever fails is a refusal, told by the next layer
            self.decided.keep(context.usage, asked, error)
            return False
        if also is not None and await also():
            return True  # the permission does not wait for the person: it is decided anew
        self.decided.keep(context.usage, asked, entry)
        return False

    async def enter(
        self, context: RunContextWrapper[Any], asked: Asked, *, wording: str = ""
    ) -> Entry:
        """Decide a call whose body is next; what a person answered counts.

        Args:
            context: The run. asked: the call.
            wording: The arguments as the model wrote them, by which a stop of the SDK's own is known.

        Raises:
            Denied, ApprovalRequired, Permit0Error: It may not run.
        """
        try:
            return await self.decide(context, asked)
        except ApprovalRequired as pending:
            if not self._answered(context, asked, pending, wording):
                raise
        return await self.decide(context, asked)

    def _answered(
        self, context: RunContextWrapper[Any], asked: Asked, pending: ApprovalRequired, wording: str
    ) -> bool:
        """Whether the SDK's approval of this call is a person's answer; then it is handed in."""
        request, desk = pending.request, self.guard.desk
        if approval_status(context, asked) is not True or desk is None:
            return False
        if not isinstance(request, ApprovalRequest):
            return False
        told = self.said.take((asked.name, asked.call_id, wording))
        if told is None and self.approver is not None and pending.reason_code == PENDING:
            told = self.approver, ""
        if told is None:
            _log.warning(
                "call %r of %r was approved without a name, so it does not run: "
                "use permit0_openai_agents.approve(state, item, by=...)",
                asked.call_id,
                asked.tool,
            )
            return False
        by, reason = told
        try:
            desk.answer(
                ApprovalAnswer(
                    request=request.id,
                    approved=True,
                    by=by,
                    reason=reason,
                    view_digest=request.view_digest,
                    at=0.0,
                )
            )
        except InvalidInput as error:
            _log.warning("the approval of call %r does not count: %s", asked.call_id, error)
            return False
        return True


def approval_status(context: RunContextWrapper[Any], asked: Asked) -> bool | None:
    """What a person told the SDK about this call: True, False, or None if nobody did."""
    if not asked.call_id:
        return None  # the SDK knows answers by this id
    # The SDK files answers under the name, and those of a namespace under the qualified name.
    for name in dict.fromkeys((asked.tool, asked.name)):
        said = context.is_tool_approved(name, asked.call_id)
        if said is not None:
            return said
    return None
