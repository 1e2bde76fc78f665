"""What guarded objects of LlamaIndex share: the gate of a tool, the call of a step, a changed class.

Guarantees: whatever fails before a body is a refusal, told to the step whose call it is and to no other; an
object is guarded once by one guard.
Does not: find the hooks of the framework (tools, agents), or decide.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from typing import Any, TypeVar

from llama_index.core.tools import BaseTool

from permit0 import Guard, InvalidInput, OutcomeUnrecorded
from permit0.integration import Entry, Gate
from permit0_llamaindex.translate import ToolRefused, ran_unrecorded, refused, schema_of

__all__ = [
    "FRAMEWORK",
    "Extend",
    "Frame",
    "ToolGate",
    "current_frame",
    "guarded_by",
    "open_frame",
    "swap",
]

FRAMEWORK = "llamaindex"
_MARK = "_permit0_guard"
T = TypeVar("T")


class Frame:
    """One tool call as the step of an agent sees it.

    refusal: why this very call was not let in. on_approved: called before an approved body starts.
    """

    def __init__(self, call_id: str, *, on_approved: Callable[[str], None]) -> None:
        self.call_id = call_id
        self.on_approved = on_approved
        self.refusal: ToolRefused | None = None


_frame: ContextVar[Frame | None] = ContextVar("permit0_llamaindex_frame", default=None)


def current_frame() -> Frame | None:
    """The call that a step is at; None in the body of a tool."""
    return _frame.get()


@contextmanager
def open_frame(frame: Frame | None) -> Iterator[None]:
    """The next guarded tool inside belongs to this frame; None: to no step."""
    token = _frame.set(frame)
    try:
        yield
    finally:
        with suppress(ValueError):  # left in another context than entered: it ends with that one
            _frame.reset(token)


def guarded_by(obj: object, guard: Guard) -> bool:
    """Whether this guard guards it already.

    Raises:
        InvalidInput: protect_other_guard: another one does.
    """
    by = getattr(obj, _MARK, None)
    if by is not None and by is not guard:
        raise InvalidInput(
            f"this {type(obj).__name__!r} is guarded by another guard, pass the same one",
            reason_code="protect_other_guard",
        )
    return by is guard


Extend = Callable[[Any], dict[str, object]]
"""Makes the methods that go in front of those of a class."""


def swap(obj: T, extend: Extend, guard: Guard) -> T:
    """Change an object's class to one of its own kind with other methods, and mark it as guarded.

    Raises:
        InvalidInput: protect_unknown: its class cannot be extended.
    """
    try:
        obj.__class__ = _extended(extend, _class_of(obj))
        object.__setattr__(obj, _MARK, guard)
    except (TypeError, AttributeError) as error:
        raise InvalidInput(
            f"a {type(obj).__name__!r} cannot be guarded, wrap it in a FunctionTool",
            reason_code="protect_unknown",
        ) from error
    return obj


def _class_of(obj: object) -> Any:
    return type(obj)


@functools.cache  # a class per turn of an agent would never be freed
def _extended(extend: Extend, own: Any) -> Any:
    # One base only: an object cannot change to a class with a second one.
    made = type(own)(own.__name__, (own,), {"__module__": own.__module__, **extend(own)})
    made.__qualname__ = own.__qualname__
    return made


class ToolGate:
    """The gate of one tool: what does not let the call in becomes ToolRefused, told to the frame."""

    def __init__(self, tool: BaseTool, guard: Guard, name: str | None) -> None:
        named = tool.metadata.name if name is None else name
        if not named:
            raise InvalidInput("this tool has no name, give it one", reason_code="tool_unnamed")
        self.name = named
        self.schema, self.names = schema_of(tool)
        self._description = tool.metadata.description or ""
        self._gate = Gate(guard, framework=FRAMEWORK)

    @contextmanager
    def refusing(self) -> Iterator[None]:
        """Whatever fails before the body is a refusal."""
        try:
            yield
        except Exception as error:  # boundary: the framework must see a refusal, whatever it was
            refusal = refused(error)
            frame = _frame.get()
            if frame is not None:
                frame.refusal = refusal
            raise refusal from error

    def enter(self, arguments: Mapping[str, object]) -> Entry:
        return _told_of(
            self._gate.enter(
                self.name, arguments, description=self._description, schema=self.schema
            )
        )

    async def enter_async(self, arguments: Mapping[str, object]) -> Entry:
        return _told_of(
            await self._gate.enter_async(
                self.name, arguments, description=self._description, schema=self.schema
            )
        )

    def report(self, entry: Entry, result: object) -> None:
        try:
            entry.report(result)
        except OutcomeUnrecorded as error:
            raise ran_unrecorded(self.name, error) from error


def _told_of(entry: Entry) -> Entry:
    """The step knows that a person approved before the body starts."""
    frame = _frame.get()
    permit = entry.permit
    if frame is not None and permit is not None and permit.decision.approval is not None:
        frame.on_approved(frame.call_id)
    return entry
