"""Ask at the start of a tool's run: for an agent that exists already, and as a net below the other hooks.

    agent.invoke(inputs, {"callbacks": [Permit0CallbackHandler(guard)]})

Enforces, being synchronous, with raise_error and run_inline: LangChain waits for it and lets its exception
through, for sync and async tools alike; an asynchronous handler could not stop a tool that is a function.
Guarantees: a tool that is guarded itself is left to decide, so that no call is decided twice; what the tool
gave back is reported; a refusal is of the kind that ToolNode hands to the model, so that the agent goes on.
Does not see:
  * calls that fire no callback: `tool.func`, `tool._run`; and, unless `install` was used, a tool that is run
    with other callbacks than the agent's (`invoke(..., {"callbacks": []})`, `tool.run`, a bare thread)
  * defaults, conversions and injected arguments, since LangChain validates after this hook: what is judged is
    what the model wrote. Where these matter, use guard_tools or Permit0Middleware
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from contextvars import ContextVar
from threading import Lock
from typing import Any
from uuid import UUID

from langchain_core.callbacks import BaseCallbackHandler, BaseCallbackManager
from langchain_core.runnables import RunnableConfig, ensure_config
from langchain_core.tracers.context import register_configure_hook

from permit0 import Guard
from permit0.integration import Entry
from permit0_langchain.approval import task_of
from permit0_langchain.hook import Enforcer, is_control_flow, refused, report, running
from permit0_langchain.translate import Who

__all__ = ["Permit0CallbackHandler", "install", "with_handler"]

MAX_OPEN = 4096  # runs whose end was never announced (a cancelled task) are forgotten beyond this


class _Asked:
    """A run that a handler asked about. over: it has ended."""

    __slots__ = ("guard", "over", "run_id", "task")

    def __init__(self, run_id: UUID, guard: Guard, task: str) -> None:
        self.run_id = run_id
        self.guard = guard
        self.task = task
        self.over = False


# The last one in this context: two handlers of one guard ask once, and what is asked while it runs is asked
# inside of it.
_asked: ContextVar[_Asked | None] = ContextVar("permit0_langchain_asked", default=None)


class Permit0CallbackHandler(BaseCallbackHandler):
    """Refuses tools before they start.

    Args:
        guard: Decides and enforces.
        identity: Who calls; by default what `permit0.session` says, else thread_id and the agent's name.
        approver: Name of the person who answers interrupts, where the resume value names none.
    """

    raise_error = True
    run_inline = True

    def __init__(self, guard: Guard, *, identity: Who = None, approver: str = "") -> None:
        self._enforcer = Enforcer(guard, identity=identity, approver=approver)
        self._entries: OrderedDict[UUID, tuple[Entry, str, _Asked]] = OrderedDict()
        self._lock = Lock()
        self._active = True

    @property
    def guard(self) -> Guard:
        """What it asks."""
        return self._enforcer.guard

    def remove(self) -> None:
        """Ask no more; for a handler of `install`, which LangChain keeps."""
        self._active = False

    def on_tool_start(
        self,
        serialized: dict[str, Any],
        input_str: str,
        *,
        run_id: UUID,
        inputs: dict[str, Any] | None = None,
        metadata: dict[str, Any] | None = None,
        **kwargs: Any,
    ) -> None:
        """Ask.

        Raises:
            ToolRefused: The tool does not start.
            GraphInterrupt: LangGraph's own: a person is asked.
        """
        if not self._active:
            return
        name = str((serialized or {}).get("name", ""))
        before, now = _asked.get(), running.get()
        if before is not None and before.run_id == run_id and before.guard is self.guard:
            return
        if now is not None and now.decides(self.guard, name):
            return
        config = _config(metadata)
        # Inside of another tool's body: to be resumed, that would have to start again.
        task = task_of(config)
        inside = (before is not None and not before.over and before.task == task) or (
            now is not None and now.begun and task_of(ensure_config(now.config)) == task
        )
        arguments: dict[str, object] = (
            dict(inputs) if isinstance(inputs, dict) else {"input": input_str}
        )
        try:
            entry = self._enforcer.admit(
                name,
                arguments,
                config=config,
                call_id=str(kwargs.get("tool_call_id") or ""),
                description=str((serialized or {}).get("description", "")),
                alone=False if inside else None,
            )
        except Exception as error:  # boundary: LangChain swallows NotImplementedError
            if is_control_flow(error):
                raise
            raise refused(name, error) from error
        asked = _Asked(run_id, self.guard, task)
        _asked.set(asked)
        with self._lock:
            self._entries[run_id] = (entry, name, asked)
            while len(self._entries) > MAX_OPEN:
                self._entries.popitem(last=False)

    def on_tool_end(self, output: Any, *, run_id: UUID, **kwargs: Any) -> None:
        """Report what it gave back."""
        found = self._ended(run_id)
        if found is not None:
            report(found[0], getattr(output, "content", output), found[1])

    def on_tool_error(self, error: BaseException, *, run_id: UUID, **kwargs: Any) -> None:
        """Report that it failed."""
        found = self._ended(run_id)
        if found is not None:
            found[0].failed(error)

    def _ended(self, run_id: UUID) -> tuple[Entry, str, _Asked] | None:
        with self._lock:
            found = self._entries.pop(run_id, None)
        if found is not None:
            found[2].over = True  # and not the context's: an asynchronous run ends in another one
        return found


def install(guard: Guard, *, identity: Who = None, approver: str = "") -> Permit0CallbackHandler:
    """Ask about every tool that starts in this process, whoever runs it and with whatever callbacks.

    The net below everything else: bare threads, `callbacks=[]`, unguarded agents, hand-written nodes. Tools
    that are guarded still ask by themselves.

    Returns:
        The handler; `handler.remove()` ends it.
    """
    handler = Permit0CallbackHandler(guard, identity=identity, approver=approver)
    # A default, and not a value: bare threads have an empty context.
    register_configure_hook(
        ContextVar("permit0_langchain_installed", default=handler), inheritable=True
    )
    return handler


def with_handler(config: RunnableConfig, handler: Permit0CallbackHandler) -> None:
    """Make what runs under a configuration ask this handler, too. Changes the configuration in place."""
    callbacks = config.get("callbacks")
    if isinstance(callbacks, BaseCallbackManager):
        if not any(_same(item, handler) for item in callbacks.handlers):
            callbacks.add_handler(handler, inherit=True)
    elif not any(_same(item, handler) for item in callbacks or ()):
        config["callbacks"] = [*(callbacks or ()), handler]


def _same(item: object, handler: Permit0CallbackHandler) -> bool:
    return isinstance(item, Permit0CallbackHandler) and item.guard is handler.guard


def _config(metadata: Mapping[str, Any] | None) -> RunnableConfig:
    """The configuration around the run; that of a run of its own is not known here but for its metadata."""
    config = ensure_config()
    if config.get("configurable"):
        return config
    own = dict(metadata or {})
    thread = {} if own.get("thread_id") is None else {"thread_id": own["thread_id"]}
    return {**config, "metadata": {**own, **(config.get("metadata") or {})}, "configurable": thread}
