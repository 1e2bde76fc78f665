"""Which tool is which mapping: the claims of all packs on names, and who wins.

  1. The canonical name of an action (`payments.transfer`) is the action; nobody can map it to another.
  2. A mapping in a pack that the operator named takes the place of what permit0's own packs or a plugin's
     say about that name: the operator knows what their `charge` is, and a later permit0 that has learned
     the name must not break their deployment. What was replaced is kept, to be shown.
  3. Otherwise two packs that disagree about a name are an error, never a silent win of the later one.
Guarantees: nothing of a replaced mapping is left: neither the names that its vendor gave the tool nor
whether its name holds behind any server.
Does not: say what a mapping does (compiler), or read the names of calls (tool_names).
"""

from __future__ import annotations

import msgspec

from permit0.normalize.catalog import Once, Rows, ToolMapping, ToolNames
from permit0.normalize.tool_names import fold_name, is_one_word

__all__ = ["Clash", "ToolIndex"]


class Clash(Exception):  # becomes a BadPack where the place is known
    """A name that is taken."""


class _Claim(msgspec.Struct, frozen=True):
    """A pack's word on what a tool is."""

    tool: str
    mapping: Once[ToolMapping]
    vendors: tuple[str, ...]
    operator: bool


class ToolIndex:
    """Collects claims. Those of the operator's packs must come last."""

    def __init__(self) -> None:
        self._canonical: dict[str, Once[ToolMapping]] = {}
        self._claims: dict[str, list[_Claim]] = {}
        self.replaced: dict[str, tuple[str, str]] = {}

    def name_action(self, action: str, mapping: Once[ToolMapping]) -> None:
        """An action is called by its own name, with or without the dot.

        Raises:
            Clash: Another action has that name without the dot.
        """
        other = self._canonical.setdefault(fold_name(action), mapping)
        if other is not mapping:
            raise Clash(f"without its dot, {action!r} is {other().action!r}")
        self._canonical[action] = mapping

    def claim(
        self,
        tool: str,
        mapping: Once[ToolMapping],
        *,
        vendors: tuple[str, ...],
        operator: bool,
    ) -> None:
        """A pack says what a tool is.

        Args:
            tool: Its name as the pack writes it.
            mapping: What it is.
            vendors: Folded names of its vendor's servers.
            operator: Whether the operator named the pack.

        Raises:
            Clash: The name is taken.
        """
        name = fold_name(tool)
        if name in self._canonical:
            raise Clash(f"tool {tool!r} is already mapped to {self._canonical[name]().action!r}")
        new = _Claim(tool, mapping, vendors, operator)
        held = self._claims.setdefault(name, [])
        first = held[0] if held else new
        if first.mapping is mapping or first.mapping() == mapping():
            held.append(new)
        elif operator and not first.operator:
            self.replaced[tool] = (first.mapping().action, mapping().action)
            self._claims[name] = [new]
        else:
            raise Clash(f"tool {tool!r} is already mapped to {first.mapping().action!r}")

    def names(self) -> ToolNames:
        """The names of all tools."""
        makers: dict[str, Once[ToolMapping]] = {}
        whole: set[str] = set()
        aliases: dict[str, set[str]] = {}
        for name, claims in self._claims.items():
            makers[name] = claims[0].mapping
            for claim in claims:
                tool = claim.tool
                if "/" in tool or is_one_word(tool):
                    whole.add(name)
                if "/" not in tool:
                    # A server is often called like its only tool.
                    for vendor in (*claim.vendors, name):
                        aliases.setdefault(vendor + name, set()).add(name)
        # Two vendors' names that run into one letter sequence name nobody.
        single = {alias: min(found) for alias, found in aliases.items() if len(found) == 1}
        return ToolNames(Rows({**makers, **self._canonical}), frozenset(whole), single)
