"""Sets of actions that the session rules speak of."""

from __future__ import annotations

__all__ = ["CHARGES", "CODE_EXECUTION", "ESCALATIONS", "MAIL", "TRANSFERS"]

CHARGES = frozenset({"payments.charge"})
TRANSFERS = frozenset({"payments.transfer", "payments.schedule_transfer", "payments.payout"})
MAIL = frozenset({"email.send", "email.reply", "email.forward"})
ESCALATIONS = frozenset({"iam.assign_role"})
CODE_EXECUTION = frozenset(
    {"process.shell", "process.run_script", "process.run_container", "process.invoke"}
    | {"process.schedule"}
)
