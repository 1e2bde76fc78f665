"""Every hook. A hook contributes; it never decides and never sees a decision being made.

The core combines what hooks return, and the most restrictive wins, so the order of plugins cannot
matter. A plugin is a module or object with functions marked `@permit0.plugins.hookspecs.hookimpl` under
the names below, found through the entry-point group `permit0` and loaded by name.
"""

from __future__ import annotations

from collections.abc import Sequence
from importlib.resources.abc import Traversable

import pluggy

from permit0.model.limits import SessionLimits
from permit0.ports import SessionRule

__all__ = ["PROJECT", "hookimpl", "hookspec"]

PROJECT = "permit0"
hookspec = pluggy.HookspecMarker(PROJECT)
hookimpl = pluggy.HookimplMarker(PROJECT)


@hookspec
def permit0_pack_files() -> Sequence[Traversable]:  # type: ignore[empty-body]  # a specification
    """Pack files (YAML) to load."""


@hookspec
def permit0_session_rules(limits: SessionLimits) -> Sequence[SessionRule]:  # type: ignore[empty-body]  # a specification
    """Session rules to add.

    Args:
        limits: The numbers of this deployment, already tightened.
    """


@hookspec
def permit0_integrations() -> Sequence[object]:  # type: ignore[empty-body]  # a specification
    """Frameworks that `permit0.protect` knows: objects of permit0.integration.Integration."""
