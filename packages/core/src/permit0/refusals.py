"""What went wrong, as a decision: a call that could not be read, decided or recorded is a DENY.

Guarantees: always gives a decision, also if the clock is what is broken; a kill binds in observe mode, too.
Does not: record it (engine).
"""

from __future__ import annotations

import logging
import secrets
from math import isfinite

from permit0.canonical import digest
from permit0.errors import Killed, Permit0Error
from permit0.model.decision import Decision
from permit0.model.reason import Reason
from permit0.model.vocabulary import Mode, Outcome, Tier
from permit0.normalize.catalog import Catalog
from permit0.ports import Clock
from permit0.taxonomy import UNCLASSIFIED

__all__ = ["UNRECORDED", "Refuser"]

_log = logging.getLogger(__name__)
UNRECORDED = "audit_unavailable"


class Refuser:
    """Makes refusals for one engine. critical: the score that a refusal has."""

    def __init__(self, *, catalog: Catalog, clock: Clock, mode: Mode, critical: float) -> None:
        self._catalog = catalog
        self._clock = clock
        self._mode = mode
        self._critical = critical

    def of(self, tool: str, arguments: bytes, error: Exception) -> Decision:
        """A call that could not be read or decided, or that was killed."""
        if isinstance(error, Permit0Error):
            code, message = error.reason_code, str(error)
        else:
            _log.exception("a decision failed and is a DENY", exc_info=error)
            code = "internal_error"
            message = f"the decision failed with {type(error).__name__}, so the call is refused"
        mapping = self._catalog.find(str(tool))  # whatever a careless caller calls a name
        binds = self._mode is Mode.ENFORCE or isinstance(error, Killed)
        return Decision(
            id=secrets.token_hex(16),
            tool=tool,
            digest=digest(arguments),
            outcome=Outcome.DENY if binds else Outcome.ALLOW,
            decided=Outcome.DENY,
            mode=self._mode,
            tier=Tier.CRITICAL,
            score=self._critical,
            reasons=(Reason(code, message),),
            actions=(),
            at=self._time(),
            error=code,
            mapped=UNCLASSIFIED if mapping is None else mapping.action,
        )

    def unrecorded(self, decision: Decision, error: Exception) -> Decision:
        """A decision that could not be kept: it does not count, in observe mode, too."""
        if isinstance(error, Permit0Error):
            why = f"{error} ({error.reason_code})"
        else:
            _log.exception("a decision could not be recorded and is a DENY", exc_info=error)
            why = type(error).__name__
        reason = Reason(UNRECORDED, f"the decision could not be recorded: {why}")
        return Decision(
            id=decision.id,
            tool=decision.tool,
            digest=decision.digest,
            outcome=Outcome.DENY,
            decided=Outcome.DENY,
            mode=decision.mode,
            tier=Tier.CRITICAL,
            score=self._critical,
            reasons=(reason, *decision.reasons),
            actions=decision.actions,
            at=decision.at,
            error=UNRECORDED,
        )

    def _time(self) -> float:
        """When a refusal happened; 0 if the clock is what is broken."""
        try:
            now = self._clock.now()
            return now if isfinite(now) else 0.0
        except Exception:  # noqa: BLE001  # part of that boundary: a refusal is always given
            return 0.0
