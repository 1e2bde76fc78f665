"""Which of its actions a tool or a request is, where an argument says so (a method, a `command`).

Guarantees: only the literal text of one argument chooses, and only among the actions that the
pack names; any other value leaves the action that the pack gives for it.
"""

from __future__ import annotations

from collections.abc import Mapping

from permit0.canonical import Json
from permit0.errors import InvalidInput
from permit0.normalize.catalog import ToolMapping, fold_name

__all__ = ["select_action"]


def select_action(arguments: Mapping[str, Json], mapping: ToolMapping) -> str:
    """The action that an argument's literal value chooses (an HTTP method, a `command`)."""
    for wanted, choice in mapping.select:
        values = [value for name, value in arguments.items() if fold_name(name) == wanted]
        if len(values) > 1:
            raise InvalidInput(
                f"two arguments say {wanted!r}",
                where=f"arguments.{wanted}",
                reason_code="argument_conflict",
            )
        if values and not isinstance(values[0], str) and values[0] is not None:
            raise InvalidInput(
                f"{wanted!r} chooses what is done, it must be text",
                where=f"arguments.{wanted}",
                reason_code="selector_not_text",
            )
        if values and isinstance(values[0], str):
            action = choice.get(values[0].strip().lower())
            if action is not None:
                return action
    return mapping.action
