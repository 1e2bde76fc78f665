"""Before and after a tool's body: ask, hand over the copy that was judged, report what came of it.

Guarantees: a body starts only after every enforcer has let this very call in; with arguments that nobody else
holds; what it gives back or raises is reported; nothing that it calls can pause the task (approval).
Does not: know tools (tools).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from typing import Any, TypeVar

from langchain_core.runnables import RunnableConfig, ensure_config

from permit0.integration import Entry
from permit0_langchain.approval import resumable
from permit0_langchain.hook import (
    Enforcer,
    Running,
    ToolRefused,
    is_control_flow,
    refused,
    report,
    running,
)
from permit0_langchain.translate import Arguments, resolved_signature

__all__ = ["Body", "looks_like"]

F = TypeVar("F", bound=Callable[..., Any])


class Body:
    """A function, coroutine function or method that is a tool's body.

    Args:
        arguments: What of its arguments is judged.
        enforcers: Who is asked; the first one first.
        keys: Of the guarded tool that it belongs to, see `Running`.
        name: Of the tool, where it is called outside of a run.
        description, schema: What the tool says of itself.
        lets_in: Whether an inner layer of the same tool follows, which must not ask again.
    """

    __slots__ = (
        "_arguments",
        "_description",
        "_enforcers",
        "_keys",
        "_lets_in",
        "_name",
        "_schema",
    )

    def __init__(
        self,
        arguments: Arguments,
        enforcers: Sequence[Enforcer],
        *,
        keys: frozenset[object],
        name: str,
        description: str,
        schema: str,
        lets_in: bool,
    ) -> None:
        self._arguments = arguments
        self._enforcers = enforcers
        self._keys = keys
        self._name = name
        self._description = description
        self._schema = schema
        self._lets_in = lets_in

    def call(self, body: Callable[..., Any], args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
        """Ask, then run."""
        now, name, asked = self._about()
        entries: list[Entry] = []
        with _refusing(now, name, entries):
            judged = self._arguments.bind(args, kwargs)
            for enforcer in self._enforcers:
                entry = enforcer.admit(name, judged.values, **asked)
                entries.append(entry)
            positional, named = judged.bind(entries[-1].arguments)
        with self._inside(now, entries, asked["config"]):
            result = body(*positional, **named)
        return _reported(entries, result, name)

    async def call_async(
        self, body: Callable[..., Awaitable[Any]], args: Sequence[Any], kwargs: Mapping[str, Any]
    ) -> Any:
        """Ask, then run."""
        now, name, asked = self._about()
        entries: list[Entry] = []
        with _refusing(now, name, entries):
            judged = self._arguments.bind(args, kwargs)
            for enforcer in self._enforcers:
                entry = await enforcer.admit_async(name, judged.values, **asked)
                entries.append(entry)
            positional, named = judged.bind(entries[-1].arguments)
        with self._inside(now, entries, asked["config"]):
            result = await body(*positional, **named)
        return _reported(entries, result, name)

    def _about(self) -> tuple[Running | None, str, dict[str, Any]]:
        """The run that this call belongs to, the name of the tool, and what the guard is told."""
        now = running.get()
        if now is not None and self._keys.isdisjoint(now.keys):
            now = None  # another tool runs, and its body calls this one
        config: RunnableConfig = ensure_config(None if now is None else now.config)
        return (
            now,
            self._name if now is None else now.name,
            {
                "config": config,
                "call_id": "" if now is None else now.call_id or "",
                "description": self._description,
                "schema": self._schema,
            },
        )

    @contextmanager
    def _inside(
        self, now: Running | None, entries: Sequence[Entry], config: RunnableConfig
    ) -> Iterator[None]:
        """Around the body."""
        if now is not None:
            now.begun = True
        try:
            with resumable(False, config), entries[-1] if self._lets_in else nullcontext():
                yield
        except BaseException as error:
            for entry in entries:
                entry.failed(error)
            raise


@contextmanager
def _refusing(now: Running | None, name: str, entries: Sequence[Entry]) -> Iterator[None]:
    """Whatever goes wrong here is a refusal, and the run of the tool knows it."""
    try:
        yield
    except ToolRefused as refusal:
        _noted(now, refusal, entries)
        raise
    except Exception as error:  # boundary: binding and copying run foreign code
        if not is_control_flow(error):
            made = refused(name, error)
            _noted(now, made, entries)
            raise made from error
        for entry in entries:
            entry.failed(error)
        raise


def _noted(now: Running | None, refusal: ToolRefused, entries: Sequence[Entry]) -> None:
    if now is not None:
        now.refusal = refusal
    for entry in entries:  # an earlier guard had let it in
        entry.failed(refusal)


def _reported(entries: Sequence[Entry], result: Any, name: str) -> Any:
    for entry in entries:
        report(entry, result, name)
    return result


def looks_like(wrapper: F, body: Callable[..., Any]) -> F:
    """Make a wrapper read like the body, without a way from it to the body.

    Annotations are resolved: LangChain looks for configuration, runtime and state in them.
    """
    signature = resolved_signature(body)
    for name in ("__module__", "__name__", "__qualname__", "__doc__"):
        if hasattr(body, name):
            setattr(wrapper, name, getattr(body, name))
    annotations = {
        item.name: item.annotation
        for item in signature.parameters.values()
        if item.annotation is not item.empty
    }
    if signature.return_annotation is not signature.empty:
        annotations["return"] = signature.return_annotation
    wrapper.__annotations__ = annotations
    wrapper.__signature__ = signature  # type: ignore[attr-defined]  # what inspect looks for
    return wrapper
