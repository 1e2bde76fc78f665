"""Load plugins by name, and refuse at the door what could weaken a decision.

Seen by experiment: a pluggy wrapper can turn a result into another, and a misspelt hook is accepted
silently until `check_pending()`. So wrappers are refused, unknown hooks are errors, and no hook of ours is
`firstresult`.
"""

from __future__ import annotations

import importlib.metadata
from collections.abc import Iterable, Sequence
from itertools import chain

import msgspec
import pluggy

from permit0.errors import BadPlugin
from permit0.plugins import hookspecs
from permit0.words import nearest

__all__ = ["ENTRY_POINT_GROUP", "LoadedPlugin", "Plugins", "available_plugins"]

ENTRY_POINT_GROUP = "permit0"
FIRST_PARTY = frozenset(
    {"permit0-langchain", "permit0-llamaindex", "permit0-openai-agents", "permit0-crewai"}
)
"""Distributions whose plugins are loaded without being asked for. By name, so that a stranger's
`permit0-anything` is not."""


class LoadedPlugin(msgspec.Struct, frozen=True):
    """A plugin that was loaded: who it is, for records and `permit0 plugins`."""

    name: str
    distribution: str
    version: str
    hooks: tuple[str, ...]


class Plugins:
    """The plugins of one deployment."""

    def __init__(self) -> None:
        self._manager = pluggy.PluginManager(hookspecs.PROJECT)
        self._manager.add_hookspecs(hookspecs)
        self._loaded: list[LoadedPlugin] = []

    def register(
        self, plugin: object, *, name: str, distribution: str = "", version: str = ""
    ) -> None:
        """Register a plugin object.

        Raises:
            BadPlugin: It implements an unknown hook or a wrapper, or the name is taken.
        """
        known = sorted(vars(self._manager.hook))
        hooks: list[str] = []
        for attribute in dir(plugin):
            options = self._manager.parse_hookimpl_opts(plugin, attribute)
            if options is None:
                continue
            hook = options.get("specname") or attribute
            if options.get("wrapper") or options.get("hookwrapper"):
                raise BadPlugin(
                    f"plugin {name!r} wraps {hook!r}: wrappers could change what others return, "
                    "contribute a result instead"
                )
            if hook not in known:
                raise BadPlugin(
                    f"plugin {name!r} has an unknown hook {hook!r}{nearest(hook, known)}"
                )
            hooks.append(hook)
        if not hooks:
            raise BadPlugin(f"plugin {name!r} has no hook, mark its functions with @hookimpl")
        try:
            self._manager.register(plugin, name=name)
            self._manager.check_pending()
        except (ValueError, pluggy.PluginValidationError) as error:
            raise BadPlugin(f"plugin {name!r} was refused: {error}") from error
        self._loaded.append(LoadedPlugin(name, distribution, version, tuple(sorted(hooks))))

    def load(self, names: Iterable[str] | None) -> None:
        """Load plugins from the entry-point group.

        Args:
            names: Which; None loads the first-party ones that are installed.

        Raises:
            BadPlugin: A name is not installed, an import fails, or the plugin is refused.
        """
        found = available_plugins()
        if names is None:
            chosen = [name for name, point in found.items() if _is_first_party(point)]
        else:
            chosen = list(names)
        for name in chosen:
            point = found.get(name)
            if point is None:
                raise BadPlugin(f"plugin {name!r} is not installed{nearest(name, sorted(found))}")
            try:
                plugin = point.load()
            except Exception as error:  # foreign code: whatever it raises is a refusal
                raise BadPlugin(
                    f"plugin {name!r} cannot be imported: {type(error).__name__}: {error}"
                ) from error
            dist = point.dist
            self.register(
                plugin,
                name=name,
                distribution=dist.name if dist is not None else "",
                version=dist.version if dist is not None else "",
            )

    def ask(self, hook: str, **arguments: object) -> list[object]:
        """Call a hook of every plugin; all that they contribute as one list.

        Raises:
            BadPlugin: A plugin failed, or returned something that is no sequence.
        """
        try:
            results = getattr(self._manager.hook, hook)(**arguments)
        except Exception as error:  # foreign code; whatever it raises is a refusal
            raise BadPlugin(
                f"a plugin failed in {hook!r}: {type(error).__name__}: {error}"
            ) from error
        for result in results:
            if isinstance(result, str | bytes) or not isinstance(result, Sequence):
                raise BadPlugin(f"a plugin returned {type(result).__name__!r}, return a list")
        return list(chain.from_iterable(results))

    @property
    def loaded(self) -> tuple[LoadedPlugin, ...]:
        """What was loaded, in order."""
        return tuple(self._loaded)


def available_plugins() -> dict[str, importlib.metadata.EntryPoint]:
    """Every plugin that is installed, by name."""
    points = importlib.metadata.entry_points(group=ENTRY_POINT_GROUP)
    return {point.name: point for point in sorted(points, key=lambda p: p.name)}


def _is_first_party(point: importlib.metadata.EntryPoint) -> bool:
    return point.dist is not None and point.dist.name.lower().replace("_", "-") in FIRST_PARTY
