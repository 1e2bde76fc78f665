"""The seven immutable block rules over a session, one file each.

They read history and the action, and can only refuse or warn. Configuration tightens their numbers
(session.limits); nothing removes them.
"""

from __future__ import annotations

from permit0.model.limits import SessionLimits
from permit0.ports import SessionRule
from permit0.sessions.rules.bulk_external_send import BulkExternalSend
from permit0.sessions.rules.card_testing import CardTesting
from permit0.sessions.rules.cumulative_transfer_cap import CumulativeTransferCap
from permit0.sessions.rules.privilege_escalation_then_exec import PrivilegeEscalationThenExec
from permit0.sessions.rules.privilege_escalation_then_large_transfer import (
    PrivilegeEscalationThenLargeTransfer,
)
from permit0.sessions.rules.read_then_exfiltrate import ReadThenExfiltrate
from permit0.sessions.rules.scatter_transfer import ScatterTransfer

__all__ = ["IMMUTABLE_RULES", "immutable_rules"]

IMMUTABLE_RULES = (
    "scatter_transfer",
    "card_testing",
    "read_then_exfiltrate",
    "bulk_external_send",
    "cumulative_transfer_cap",
    "privilege_escalation_then_large_transfer",
    "privilege_escalation_then_exec",
)


def immutable_rules(limits: SessionLimits) -> tuple[SessionRule, ...]:
    """All seven, with the given numbers, in the order of IMMUTABLE_RULES."""
    return (
        ScatterTransfer(limits),
        CardTesting(limits),
        ReadThenExfiltrate(limits),
        BulkExternalSend(limits),
        CumulativeTransferCap(limits),
        PrivilegeEscalationThenLargeTransfer(limits),
        PrivilegeEscalationThenExec(limits),
    )
