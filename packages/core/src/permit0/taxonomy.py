"""The closed vocabulary of actions: 10 groups, 20 domains and `unknown`, `domain.verb`.

Guarantees: names come from taxonomy.yaml alone; append-only once released.
Does not: say anything about risk (packs) or about tools (mappings).
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib import resources

import msgspec

from permit0.errors import UnknownAction
from permit0.words import nearest

__all__ = ["UNCLASSIFIED", "Taxonomy", "load_taxonomy"]

UNCLASSIFIED = "unknown.unclassified"


class Taxonomy(msgspec.Struct, frozen=True):
    """groups: group -> domains. domains: domain -> verbs. notes: action -> what it means."""

    groups: Mapping[str, tuple[str, ...]]
    domains: Mapping[str, tuple[str, ...]]
    notes: Mapping[str, str]

    @property
    def actions(self) -> tuple[str, ...]:
        """Every `domain.verb`, in the order of the file."""
        return tuple(f"{domain}.{verb}" for domain, verbs in self.domains.items() for verb in verbs)

    def require(self, action: str) -> str:
        """Return `action` if it is in the taxonomy.

        Raises:
            UnknownAction: It is not; the message names the nearest known action.
        """
        domain, _, verb = action.partition(".")
        if verb in self.domains.get(domain, ()):
            return action
        raise UnknownAction(f"unknown action {action!r}{nearest(action, self.actions)}")


def load_taxonomy() -> Taxonomy:
    """Read the taxonomy that ships with permit0."""
    import yaml  # an engine takes it from the cache of the packs

    text = resources.files("permit0").joinpath("taxonomy.yaml").read_text(encoding="utf-8")
    return msgspec.convert(yaml.safe_load(text), Taxonomy)
