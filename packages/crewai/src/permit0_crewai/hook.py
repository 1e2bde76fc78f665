"""Intercept the tool calls of CrewAI's agents and ask the guard before the tool runs.

`before_tool_call` enforces: CrewAI blocks a call if, and only if, a hook returns False itself, and swallows
what else a hook raises or returns. So everything that goes wrong in here is False.
Tested with CrewAI 1.15.10 and 1.15.30. CrewAI knows one list of hooks for the whole process:

  before    first in the list: decides. Guards the tool itself as well, so that what reaches its body with
            other arguments, or after somebody emptied the list, is decided there
  unchanged last: what other hooks made of the arguments in between is what was decided, or False
  after     of `after_tool_call`, last: the model reads why, instead of CrewAI's general sentence; and the
            session sees the result, also a cached one

Guarantees: each puts all three back in their places whenever it is called; a guard sees the calls of the crews,
agents and tools that it guards, and those of everybody only after `install`.
Does not: see what is called without an agent (tool.run, a Flow method, LLM.call, an adapter of another
framework): tools does.
"""

from __future__ import annotations

import threading
from typing import Any, Literal

from crewai.hooks import ToolCallHookContext
from crewai.hooks.dispatch import InterceptionPoint, get_global_hook_list

from permit0 import Guard, Identity
from permit0_crewai.layer import Layer
from permit0_crewai.tools import guard_in_place, layer_of

__all__ = ["Hooks", "attach", "install", "uninstall"]


class _Hook:
    """What stands in CrewAI's list."""

    def __init__(self, hooks: Hooks, name: str) -> None:
        self._hooks = hooks
        self.__name__ = f"permit0_{name}"  # for CrewAI's own messages

    def __call__(self, context: ToolCallHookContext) -> Any:
        raise NotImplementedError


class _Before(_Hook):
    def __call__(self, context: ToolCallHookContext) -> Literal[False] | None:
        return self._hooks.before(context)


class _Unchanged(_Hook):
    def __call__(self, context: ToolCallHookContext) -> Literal[False] | None:
        return self._hooks.unchanged(context)


class _After(_Hook):
    def __call__(self, context: ToolCallHookContext) -> str | None:
        return self._hooks.after(context)


class Hooks:
    """The hooks of one guard.

    Args:
        layer: For calls of agents and tools that nobody has guarded, if everybody is.
    """

    def __init__(self, layer: Layer) -> None:
        self.everybody = False
        self.guard = layer.guard
        self.layer = layer
        self._before = _Before(self, "before_tool_call")
        self._unchanged = _Unchanged(self, "unchanged")
        self._after = _After(self, "after_tool_call")

    def before(self, context: ToolCallHookContext) -> Literal[False] | None:
        """First: decides."""
        layer = self.layer
        try:
            found = self._layer(context)
            if found is None:
                return None
            layer = found
            self.put_in_place()
            if context.tool is not None:
                guard_in_place(context.tool, layer)
            layer.start(context)
        except Exception as error:  # noqa: BLE001  # boundary: CrewAI would swallow it and run the tool
            layer.refuse(context, error)
            return False
        return None

    def unchanged(self, context: ToolCallHookContext) -> Literal[False] | None:
        """Last: nobody changed the arguments since."""
        layer = self.layer
        try:
            found = self._layer(context)
            if found is None:
                return None
            layer = found
            layer.check_unchanged(context)
        except Exception as error:  # noqa: BLE001  # boundary: CrewAI would swallow it and run the tool
            layer.refuse(context, error)
            return False
        return None

    def after(self, context: ToolCallHookContext) -> str | None:
        """Last: what the model reads, and what the session sees."""
        self.put_in_place()
        layer = self._layer(context)
        return None if layer is None else layer.finish(context)

    def put_in_place(self) -> None:
        """All three where they belong, whatever others did to the lists."""
        with _installed.lock:
            if _installed.by_guard.get(self.guard) is not self:
                return
            calls: list[Any] = get_global_hook_list(InterceptionPoint.PRE_TOOL_CALL)
            _put(calls, self._before, first=True)
            _put(calls, self._unchanged, first=False)
            results: list[Any] = get_global_hook_list(InterceptionPoint.POST_TOOL_CALL)
            _put(results, self._after, first=False)

    def remove(self) -> None:
        """Out of the lists."""
        for point in (InterceptionPoint.PRE_TOOL_CALL, InterceptionPoint.POST_TOOL_CALL):
            hooks: list[Any] = get_global_hook_list(point)
            own = (self._before, self._unchanged, self._after)
            hooks[:] = [hook for hook in hooks if hook not in own]

    def _layer(self, context: ToolCallHookContext) -> Layer | None:
        original = getattr(context.tool, "_original_tool", None)
        for one in (context.crew, context.agent, original, context.tool):
            layer = layer_of(one, self.guard)
            if layer is not None:
                return layer
        return self.layer if self.everybody else None


class _Installed:
    """Which guards have hooks in this process; CrewAI has one list for all of it."""

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self.by_guard: dict[Guard, Hooks] = {}


_installed = _Installed()


def _put(hooks: list[Any], hook: _Hook, *, first: bool) -> None:
    """At the front or at the end; among several guards, the order does not matter."""
    ours = hooks if first else hooks[::-1]
    for other in ours:
        if other is hook:
            return
        if type(other) is not type(hook):
            break
    # Another thread may be walking a copy of the list; it is never shorter than before in between.
    if first:
        hooks.insert(0, hook)
    else:
        hooks.append(hook)
    places = [at for at, other in enumerate(hooks) if other is hook]
    for at in reversed(places[1:] if first else places[:-1]):
        del hooks[at]


def attach(layer: Layer) -> Hooks:
    """The hooks of the layer's guard, in their places; made if there are none yet."""
    with _installed.lock:
        hooks = _installed.by_guard.get(layer.guard)
        if hooks is None:
            hooks = _installed.by_guard[layer.guard] = Hooks(layer)
        hooks.put_in_place()
        layer.on_call = hooks.put_in_place
        return hooks


def install(guard: Guard, *, identity: Identity | None = None) -> None:
    """Guard every tool call of every agent in this process, from now on; once, however often it is called.

    Tools are guarded themselves when an agent first calls them. What is called without an agent is not
    covered until then: use guard_tools.

    Args:
        guard: Decides.
        identity: Who calls, if not what permit0.session or CrewAI says.
    """
    layer = Layer(guard, identity=identity)
    hooks = attach(layer)
    hooks.layer = layer
    hooks.everybody = True


def uninstall(guard: Guard) -> None:
    """Take the hooks of a guard away. Tools, agents and crews that were guarded stay guarded themselves."""
    with _installed.lock:
        hooks = _installed.by_guard.pop(guard, None)
        if hooks is not None:
            hooks.remove()
