"""What this distribution contributes to permit0, found through the entry point `crewai`.

Guarantees: loading it does not import crewai.
Does not: enforce anything; permit0_crewai.hook does.
"""

from __future__ import annotations

from collections.abc import Sequence
from importlib.resources.abc import Traversable

from permit0 import hookimpl

__all__ = ["permit0_pack_files"]


@hookimpl
def permit0_pack_files() -> Sequence[Traversable]:
    """No packs: the tools of CrewAI are those of its user."""
    return ()
