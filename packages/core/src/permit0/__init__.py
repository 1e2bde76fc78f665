"""permit0: deterministic permission checks for the tool calls of AI agents.

    engine = permit0.build_engine()
    decision = engine.check("payments.transfer", {"amount": 12000, "recipient": "Vendor Alpha Ltd"})
    decision.outcome   # allow, human or deny

The names below are the public surface; everything else may change. Importing this module loads no
framework, no server and no pack.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from permit0.version import VERSION

if TYPE_CHECKING:
    from permit0.build import build_engine, build_gateway, build_guard
    from permit0.engine import Engine
    from permit0.errors import (
        ApprovalRequired,
        Denied,
        InvalidInput,
        OutcomeUnrecorded,
        Permit0Error,
    )
    from permit0.guard import Guard
    from permit0.identity import Identity, carry, session
    from permit0.integration.protecting import coverage, protect
    from permit0.model.approval import ApprovalAnswer, ApprovalRequest
    from permit0.model.call import ToolCall
    from permit0.model.decision import Decision
    from permit0.model.vocabulary import Flag, Outcome, Tier
    from permit0.plugins.hookspecs import hookimpl

__all__ = [
    "ApprovalAnswer",
    "ApprovalRequest",
    "ApprovalRequired",
    "Decision",
    "Denied",
    "Engine",
    "Flag",
    "Guard",
    "Identity",
    "InvalidInput",
    "Outcome",
    "OutcomeUnrecorded",
    "Permit0Error",
    "Tier",
    "ToolCall",
    "__version__",
    "build_engine",
    "build_gateway",
    "build_guard",
    "carry",
    "coverage",
    "hookimpl",
    "protect",
    "session",
]


__version__ = VERSION

_HOME = {
    "Decision": "permit0.model.decision",
    "Engine": "permit0.engine",
    "Flag": "permit0.model.vocabulary",
    "InvalidInput": "permit0.errors",
    "Outcome": "permit0.model.vocabulary",
    "OutcomeUnrecorded": "permit0.errors",
    "Permit0Error": "permit0.errors",
    "Tier": "permit0.model.vocabulary",
    "ToolCall": "permit0.model.call",
    "ApprovalRequired": "permit0.errors",
    "Denied": "permit0.errors",
    "Guard": "permit0.guard",
    "build_engine": "permit0.build",
    "build_gateway": "permit0.build",
    "build_guard": "permit0.build",
    "carry": "permit0.identity",
    "coverage": "permit0.integration.protecting",
    "protect": "permit0.integration.protecting",
    "session": "permit0.identity",
    "Identity": "permit0.identity",
    "ApprovalAnswer": "permit0.model.approval",
    "ApprovalRequest": "permit0.model.approval",
    "hookimpl": "permit0.plugins.hookspecs",
}


def __getattr__(name: str) -> object:
    home = _HOME.get(name)
    if home is None:
        raise AttributeError(f"module 'permit0' has no attribute {name!r}")
    value: object = getattr(import_module(home), name)
    globals()[name] = value
    return value
