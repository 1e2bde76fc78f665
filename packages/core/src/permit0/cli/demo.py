"""`permit0 demo`: three published attacks, step by step, and the rule that stops each of them."""

from __future__ import annotations

import json
import statistics
import sys
import time
from argparse import Namespace
from collections.abc import Sequence

from rich.text import Text

from permit0.cli.check import decision_as_data
from permit0.cli.demo_replay import (
    Demo,
    Scenario,
    StepResult,
    blocking_rule,
    load_demo,
    replay,
)
from permit0.cli.render import (
    TIER_STYLE,
    arguments_in_short,
    finding_text,
    flags_text,
    outcome_chip,
    score_bar,
    tier_text,
)
from permit0.cli.terminal import Terminal, make_terminal, visible
from permit0.engine import Engine
from permit0.model.vocabulary import Effect, Outcome, Tier

__all__ = ["run", "show"]

PAUSE_S = 0.35
INDENT = 4


def run(options: Namespace) -> int:
    """0 if every attack was stopped by a block, else 1.

    Raises:
        InvalidInput: There is no such scenario.
    """
    demo = load_demo()
    scenarios = demo.choose(options.scenario)
    if options.json:
        return _as_json(demo, scenarios)
    pause_s = PAUSE_S if sys.stdout.isatty() and not options.fast else 0.0
    return show(make_terminal(no_color=options.no_color), demo, scenarios, pause_s=pause_s)


def show(term: Terminal, demo: Demo, scenarios: Sequence[Scenario], *, pause_s: float) -> int:
    """Replay the scenarios on a terminal. Returns the exit code."""
    results: list[tuple[Scenario, list[StepResult]]] = []
    _print_legend(term)
    for scenario in scenarios:
        _print_title(term, scenario)
        steps: list[StepResult] = []
        for engine, result in replay(demo, scenario):
            steps.append(result)
            time.sleep(pause_s)
            _print_step(term, engine, len(steps), result)
        results.append((scenario, steps))
    _print_summary(term, results)
    return 0 if all(_stopped_by(steps) for _, steps in results) else 1


def _print_legend(term: Terminal) -> None:
    pieces = [Text("score:", "bright_black")]
    for outcome, tiers in (
        (Outcome.ALLOW, (Tier.MINIMAL, Tier.LOW)),
        (Outcome.HUMAN, (Tier.MEDIUM, Tier.HIGH)),
        (Outcome.DENY, (Tier.CRITICAL,)),
    ):
        piece = Text(" ").join([Text(tier.value, TIER_STYLE[tier]) for tier in tiers])
        pieces.append(piece.append(" ").append_text(outcome_chip(outcome)))
    term.flow(pieces)
    term.blank()


def _print_title(term: Terminal, scenario: Scenario) -> None:
    term.line(Text(scenario.title, "bold"))
    term.line(Text(scenario.story, "italic bright_black"))
    term.rule("bright_black")


def _print_step(term: Terminal, engine: Engine, number: int, result: StepResult) -> None:
    step, decision, symbols = result.step, result.decision, term.symbols
    blocked_by = blocking_rule(decision)
    minutes, seconds = divmod(int(step.at_s), 60)
    head = Text().append(f"{number:>2}  ", "bold")
    head.append(decision.action, "bold cyan")
    head.append(f"  {arguments_in_short(step.args, symbols)}")
    head.append(f"  +{minutes}:{seconds:02}", "bright_black")
    term.line(head, hang=INDENT)
    verdict = [
        score_bar(decision.score, engine.scorer.tier_bounds, symbols),
        tier_text(decision.score, decision.tier, width=0 if term.narrow else 8),
        outcome_chip(decision.outcome),
        flags_text(decision),
    ]
    term.flow(verdict, indent=INDENT)
    if blocked_by:
        _print_block(term, blocked_by, result)
        return
    term.line(Text(visible(decision.reason)), indent=INDENT)
    for item in decision.actions:
        for finding in item.findings:
            term.line(finding_text(finding, symbols), indent=INDENT, hang=2)
    if result.ran and step.approved:
        said = Text(f"{symbols.yes} approved by a person (simulated)", "bright_black")
        term.line(said, indent=INDENT)
    term.blank()


def _print_block(term: Terminal, rule: str, result: StepResult) -> None:
    body = Text()
    for item in result.decision.actions:
        for finding in item.findings:
            if finding.effect is Effect.BLOCK:
                message = finding.message
                body.append(visible(message[:1].upper() + message[1:]) + ".\n")
    body.append("The call did not run. The rule is immutable: ", "bright_black")
    body.append("no configuration, approval or list lifts it.", "bright_black")
    term.panel(Text(f" BLOCKED by {rule} ", "bold white on red"), body, style="red")
    term.blank()


def _print_summary(term: Terminal, results: Sequence[tuple[Scenario, list[StepResult]]]) -> None:
    symbols = term.symbols
    term.rule("bright_black")
    for scenario, steps in results:
        rule = _stopped_by(steps)
        line = Text()
        line.append(symbols.yes if rule else symbols.no, "bold green" if rule else "bold red")
        line.append(f" {scenario.title.partition(':')[0]}: ")
        if rule:
            line.append(f"stopped at call {len(steps)} by ")
            line.append(rule, "bold red")
        else:
            line.append("not stopped", "bold red")
        term.line(line, hang=2)
    took = [result.took_s for _, steps in results for result in steps]
    median_ms = statistics.median(took) * 1000
    term.line(
        Text(f"  {len(took)} calls, {median_ms:.2f} ms for a decision (median)", "bright_black"),
        hang=2,
    )


def _stopped_by(steps: Sequence[StepResult]) -> str:
    return blocking_rule(steps[-1].decision) if steps else ""


def _as_json(demo: Demo, scenarios: Sequence[Scenario]) -> int:
    documents: list[dict[str, object]] = []
    took: list[float] = []
    for scenario in scenarios:
        steps = [result for _, result in replay(demo, scenario)]
        took.extend(result.took_s for result in steps)
        documents.append(
            {
                "id": scenario.id,
                "title": scenario.title,
                "session": scenario.session,
                "stopped_by": _stopped_by(steps) or None,
                "steps": [
                    {
                        "step": number,
                        "at_s": result.step.at_s,
                        "args": result.step.args,
                        "approved": result.step.approved,
                        "ran": result.ran,
                        **decision_as_data(result.step.tool, result.decision),
                    }
                    for number, result in enumerate(steps, start=1)
                ],
            }
        )
    stopped = all(document["stopped_by"] for document in documents)
    document = {
        "stopped": stopped,
        "calls": len(took),
        "median_ms": round(statistics.median(took) * 1000, 3),
        "scenarios": documents,
    }
    sys.stdout.write(json.dumps(document, indent=2, ensure_ascii=True) + "\n")
    return 0 if stopped else 1
