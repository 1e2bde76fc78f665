"""The published attacks as data, and their replay through a deployment, on a clock of its own.

Guarantees: only calls are stored (demo.yaml); every score, tier, decision and rule comes from the
engine. A scenario has a session of its own, so it starts with an empty history; its gaps pass on the
replay's clock, not in real time.
Does not: show anything (demo), or run what was allowed (demo_deployment).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from importlib import resources
from typing import Any

import msgspec
import yaml

from permit0.canonical import freeze
from permit0.cli.demo_deployment import DemoDeployment, Execution
from permit0.errors import InvalidInput
from permit0.model.call import ToolCall
from permit0.model.decision import Decision
from permit0.model.vocabulary import Effect, Outcome

__all__ = ["Demo", "Scenario", "Step", "StepResult", "blocking_rule", "load_demo", "replay"]

BETWEEN_S = 3600.0  # from one scenario to the next


class Step(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One call. at_s: seconds after the scenario began. approved: a person would say yes."""

    at_s: float
    tool: str
    args: dict[str, Any]
    approved: bool = False


class Scenario(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An attack: calls of one session."""

    id: str
    title: str
    story: str
    session: str
    steps: tuple[Step, ...]


class Demo(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """All attacks and the organisation that they are aimed at."""

    org: dict[str, Any]
    scenarios: tuple[Scenario, ...]

    def choose(self, prefix: str | None) -> tuple[Scenario, ...]:
        """The scenarios of an id or a unique prefix; all for None.

        Raises:
            InvalidInput: None or several begin so.
        """
        if prefix is None:
            return self.scenarios
        found = tuple(item for item in self.scenarios if item.id == prefix) or tuple(
            item for item in self.scenarios if prefix and item.id.startswith(prefix)
        )
        if len(found) == 1:
            return found
        what = "several scenarios begin with" if found else "there is no scenario"
        known = ", ".join(item.id for item in self.scenarios)
        raise InvalidInput(f"{what} {prefix!r}, known are {known}", reason_code="unknown_scenario")


class StepResult(msgspec.Struct, frozen=True):
    """What the engine said, and what came of it.

    took_s: how long deciding and recording took, in seconds. execution: None if nothing ran.
    """

    step: Step
    decision: Decision
    took_s: float
    execution: Execution | None

    @property
    def ran(self) -> bool:
        """Whether the call was executed: allowed, or approved by a person."""
        return self.execution is not None


def load_demo() -> Demo:
    """Read the scenarios that ship with permit0."""
    text = resources.files("permit0.cli").joinpath("demo.yaml").read_text(encoding="utf-8")
    return msgspec.convert(yaml.safe_load(text), Demo)


def replay(
    deployment: DemoDeployment,
    scenario: Scenario,
    *,
    timer: Callable[[], float] = time.perf_counter,
) -> Iterator[StepResult]:
    """Decide the calls of a scenario, one at a time, and run what may run.

    With the token of the first call that runs it is also tried what else it opens.
    """
    clock = deployment.clock
    start = clock.now() + BETWEEN_S
    tried = False
    for step in scenario.steps:
        clock.set(start + step.at_s)
        call = ToolCall(tool=step.tool, arguments=freeze(step.args), session=scenario.session)
        before = timer()
        decision = deployment.engine.decide(call)
        took_s = timer() - before
        execution = deployment.execute(call, decision, approved=step.approved, attempts=not tried)
        tried = tried or execution is not None
        yield StepResult(step, decision, took_s, execution)


def blocking_rule(decision: Decision) -> str:
    """The block that refused a call, or "" if none did."""
    if decision.outcome is not Outcome.DENY:
        return ""
    for item in decision.actions:
        for finding in item.findings:
            if finding.effect is Effect.BLOCK:
                return finding.rule
    return next((reason.rule for reason in decision.reasons if reason.code == "block"), "")
