"""What permit0 brings itself, as a plugin: the packs that ship with it and the immutable rules.

It comes in through the same hooks as a stranger's, and build.py always registers it: no configuration
can leave it out.
"""

from __future__ import annotations

from collections.abc import Sequence
from importlib import resources
from importlib.resources.abc import Traversable

from permit0.model.limits import SessionLimits
from permit0.normalize.loader import LoadedPack, pack_files
from permit0.pack_cache import load_with_cache
from permit0.plugins.hookspecs import hookimpl
from permit0.ports import SessionRule
from permit0.sessions.rules import immutable_rules
from permit0.taxonomy import Taxonomy

__all__ = ["load_built_in", "permit0_pack_files", "permit0_session_rules"]


@hookimpl
def permit0_pack_files() -> Sequence[Traversable]:
    """Every pack that ships with permit0."""
    return pack_files(_root())


def load_built_in() -> tuple[list[LoadedPack], Taxonomy]:
    """The packs of these files and the taxonomy, from their cache if it is good (pack_cache)."""
    return load_with_cache(_root())


def _root() -> Traversable:
    return resources.files("permit0").joinpath("packs")


@hookimpl
def permit0_session_rules(limits: SessionLimits) -> Sequence[SessionRule]:
    """The seven immutable block rules."""
    return immutable_rules(limits)
