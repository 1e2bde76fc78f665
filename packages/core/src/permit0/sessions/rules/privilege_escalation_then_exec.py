"""privilege_escalation_then_exec: a role was assigned, and now code runs."""

from __future__ import annotations

from collections.abc import Sequence

from permit0.model.action import NormAction
from permit0.model.finding import Finding
from permit0.model.history import Feature, FeatureKind, HistoryView
from permit0.model.limits import SessionLimits
from permit0.model.vocabulary import Effect
from permit0.sessions.vocabulary import CODE_EXECUTION, ESCALATIONS

__all__ = ["PrivilegeEscalationThenExec"]


class PrivilegeEscalationThenExec:
    """Blocks running code within `escalation_exec_actions` actions of an escalation."""

    name = "privilege_escalation_then_exec"
    actions: frozenset[str] | None = CODE_EXECUTION

    def __init__(self, limits: SessionLimits) -> None:
        self._actions = limits.escalation_exec_actions
        self._escalation = Feature(kind=FeatureKind.LATEST, actions=ESCALATIONS)
        self.features: Sequence[Feature] = (self._escalation,)

    def check(
        self, view: HistoryView, action: NormAction, siblings: Sequence[NormAction]
    ) -> Finding | None:
        """See SessionRule."""
        steps = view.steps_since(self._escalation)
        if steps is None or steps > self._actions:
            return None
        return Finding(
            self.name,
            Effect.BLOCK,
            f"a role was assigned {steps} action{'' if steps == 1 else 's'} ago and this action runs code",
            immutable=True,
        )
