"""A call that may run, once, and how to tell what came of it.

Guarantees: `arguments` are those that were judged, as a copy that nobody else holds; an exception of the
tool stays the tool's exception; a result that could not be recorded is not lost (OutcomeUnrecorded).
Does not: run anything.
"""

from __future__ import annotations

import json
from collections.abc import Mapping

from permit0.engine import Engine
from permit0.errors import OutcomeUnrecorded, Permit0Error
from permit0.model.call import ToolCall
from permit0.model.decision import Decision

__all__ = ["Permit", "Report"]


class Report:
    """What the body gave back."""

    result: object = None


class Permit:
    """What `Guard.admit` returns."""

    __slots__ = ("_engine", "arguments", "call", "decision")

    def __init__(
        self, call: ToolCall, decision: Decision, arguments: Mapping[str, object], engine: Engine
    ) -> None:
        self.call = call
        self.decision = decision
        self.arguments = arguments
        self._engine = engine

    def report(self, result: object) -> None:
        """Tell what the tool gave back, so that the session and the log know it.

        Raises:
            OutcomeUnrecorded: The tool ran, but that could not be kept; holds the result.
        """
        try:
            self._engine.report(self.call, _as_text(result), decision=self.decision)
        except Exception as error:  # boundary: the tool ran, whatever keeps that from the log
            raise OutcomeUnrecorded(
                f"{self.call.tool} ran, but what came of it could not be recorded: "
                f"{_described(error)}",
                result=result,
            ) from error

    def failed(self, error: BaseException) -> None:
        """Tell that the tool raised. If that cannot be kept, the exception carries a note of it."""
        try:
            self._engine.report(self.call, "", decision=self.decision, error=type(error).__name__)
        except Exception as unrecorded:  # noqa: BLE001  # boundary: the tool's own exception is what counts
            error.add_note(f"permit0 could not record it: {_described(unrecorded)}")


def _described(error: Exception) -> str:
    """What may be said of an error: all of ours, only the name of any other."""
    return str(error) if isinstance(error, Permit0Error) else type(error).__name__


def _as_text(result: object) -> str:
    if result is None:
        return ""
    if isinstance(result, str):
        return result
    try:
        return json.dumps(result, ensure_ascii=False, default=str)
    except (TypeError, ValueError, RecursionError):
        return str(result)
