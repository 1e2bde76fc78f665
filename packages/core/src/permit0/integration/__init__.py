"""What the integrations of frameworks share: one gate before every tool body, one wording of refusals,
one report of what is covered. An integration finds the framework's hooks, translates, and decides nothing.
"""

from __future__ import annotations

from permit0.binding import Binder, Bound, named
from permit0.identity import current_identity
from permit0.integration.arguments import by_name
from permit0.integration.describing import (
    DescribesTools,
    ToolDescription,
    describe_function,
    describe_tools,
)
from permit0.integration.gate import Entry, Gate
from permit0.integration.protecting import Integration, coverage, protect
from permit0.integration.refusal import refusal_text
from permit0.integration.report import Coverage, CoverageWarning, Covered, Gap, Guarded
from permit0.integration.seams import Seam, SeamResult

__all__ = [
    "Binder",
    "Bound",
    "Coverage",
    "CoverageWarning",
    "Covered",
    "DescribesTools",
    "Entry",
    "Gap",
    "Gate",
    "Guarded",
    "Integration",
    "Seam",
    "SeamResult",
    "ToolDescription",
    "by_name",
    "coverage",
    "current_identity",
    "describe_function",
    "describe_tools",
    "named",
    "protect",
    "refusal_text",
]
