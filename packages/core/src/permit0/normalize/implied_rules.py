"""Rules that every action has, whether its pack thinks of them or not.

`outside_argument`: an argument that no pack describes names an address outside (a webhook in a call that
only reads), so a person decides. An action whose own rules look at `extra.external` says itself what that is.
Guarantees: an implied rule can only raise.
"""

from __future__ import annotations

from permit0.model.vocabulary import Effect
from permit0.normalize.pack_policy import ActionPolicy, Condition, RuleLine

__all__ = ["implied_rules"]

_FACT = "extra.external"
_OUTSIDE_ARGUMENT = RuleLine(
    id="outside_argument",
    when=Condition(tests={_FACT: True}),
    effect=Effect.APPROVAL,
    why="an argument that no pack describes names an address outside",
)


def implied_rules(policy: ActionPolicy) -> tuple[RuleLine, ...]:
    """The lines to add to those of an action."""
    if any(_asks(line.when) for line in policy.rules):
        return ()
    return (_OUTSIDE_ARGUMENT,)


def _asks(condition: Condition | None) -> bool:
    if condition is None:
        return False
    parts = (*(condition.any_of or ()), *([condition.none_of] if condition.none_of else ()))
    return _FACT in condition.tests or any(map(_asks, parts))
