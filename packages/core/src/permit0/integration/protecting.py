"""`protect(obj)`: one word for every framework.

Guarantees: an object is guarded by the one integration that knows it, with a report of what is covered; what
nobody knows is an error, never returned as it was; guarding twice guards once (the integrations see to it).
Does not: know a framework (the integrations do, found through pluggy).
"""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Mapping, Sequence
from typing import Protocol, TypeVar, runtime_checkable

from permit0.build import build_guard
from permit0.errors import BadPlugin, InvalidInput
from permit0.guard import Guard
from permit0.integration.report import Coverage, CoverageWarning, Covered, Guarded
from permit0.integration.seams import Seam
from permit0.plugins.manager import Plugins

__all__ = ["Integration", "coverage", "integrations", "protect"]

T = TypeVar("T")


@runtime_checkable
class Integration(Protocol):
    """A framework, as far as `protect` asks. Importing it must not import the framework."""

    name: str

    def protect(self, obj: object, guard: Guard) -> Guarded[object] | None:
        """The object guarded, None if it is not of this framework or the framework is not loaded."""

    def seams(self, guard: Guard) -> Sequence[Seam]:
        """Every path to a tool's body, to be driven with this guard. Imports the framework."""

    def support(self) -> Mapping[str, object]:
        """For tables: "framework", "versions" and "approval" as text, "hooks" and "gaps" as texts."""


class _Reports:
    """Which object got which report; the objects are kept, so that no id is reused."""

    def __init__(self) -> None:
        self._known: dict[int, tuple[object, Coverage]] = {}

    def keep(self, obj: object, report: Coverage) -> None:
        self._known[id(obj)] = (obj, report)

    def of(self, obj: object) -> Coverage | None:
        found = self._known.get(id(obj))
        return None if found is None else found[1]


_reports = _Reports()


def protect(obj: T, *, guard: Guard | None = None, strict: bool = False) -> T:
    """Guard a function, a tool, a list of tools, an agent, a graph, a workflow or a crew.

    Args:
        obj: What to guard.
        guard: With what; by default one that is built from permit0.yaml, each time.
        strict: Refuse if something stays open. Otherwise that is a CoverageWarning.

    Returns:
        The guarded object: use it instead of the one that was given. `coverage` tells the rest.

    Raises:
        InvalidInput: protect_unknown: no integration that is installed knows such an object;
            protect_open: with `strict`, something stays open.
        BadPlugin: An integration failed.
    """
    guard = build_guard() if guard is None else guard
    guarded = _guarded(obj, guard)
    report = guarded.coverage
    if not report.complete:
        open_ = "; ".join(f"{gap.name}: {gap.why}" for gap in report.gaps) or "no tool was found"
        if strict:
            raise InvalidInput(
                f"{type(obj).__name__!r} cannot be guarded completely: {open_}",
                reason_code="protect_open",
            )
        warnings.warn(f"permit0 leaves open: {open_}", CoverageWarning, stacklevel=2)
    _reports.keep(guarded.value, report)
    value: T = guarded.value  # type: ignore[assignment]  # an integration gives back what it got
    return value


def coverage(obj: object) -> Coverage:
    """The report of what `protect` returned.

    Raises:
        InvalidInput: protect_unknown: it did not come from `protect`.
    """
    found = _reports.of(obj)
    if found is None:
        raise InvalidInput(
            f"this {type(obj).__name__!r} did not come from permit0.protect",
            reason_code="protect_unknown",
        )
    return found


def integrations() -> tuple[Integration, ...]:
    """Every first-party integration that is installed.

    Raises:
        BadPlugin: One cannot be loaded.
    """
    plugins = Plugins()
    plugins.load(None)
    found: list[Integration] = []
    for item in plugins.ask("permit0_integrations"):
        if not isinstance(item, Integration):
            raise BadPlugin(f"{type(item).__name__!r} is no integration, see permit0.integration")
        found.append(item)
    return tuple(found)


def _guarded(obj: object, guard: Guard) -> Guarded[object]:
    answers = [
        answer
        for integration in integrations()
        if (answer := integration.protect(obj, guard)) is not None
    ]
    if len(answers) == 1:
        return answers[0]
    if len(answers) > 1:
        names = ", ".join(answer.coverage.framework for answer in answers)
        raise BadPlugin(f"several integrations know a {type(obj).__name__!r}: {names}")
    if inspect.isroutine(obj) and callable(obj):
        name = str(getattr(obj, "__name__", type(obj).__name__))
        return Guarded(guard(obj), Coverage("python", (Covered(name, ("function",)),)))
    raise InvalidInput(
        f"no integration that is installed knows a {_kind(obj)}, install the one of its framework "
        '(pip install "permit0[langchain]", "[llamaindex]", "[openai-agents]" or "[crewai]")',
        reason_code="protect_unknown",
    )


def _kind(obj: object) -> str:
    if isinstance(obj, Sequence) and not isinstance(obj, str | bytes):
        return f"list of {type(obj[0]).__name__!r}" if len(obj) else "list of nothing"
    return repr(type(obj).__name__)
