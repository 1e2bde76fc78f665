"""`permit0 demo`: three published attacks, step by step, and the rule that stops each of them.

Guarantees: 0 only if every attack was stopped by a block, every call that ran did so once, every other use of
a token was refused, and the log verifies while a changed copy of it does not. No whole token is shown.
"""

from __future__ import annotations

import json
import statistics
import sys
import time
from argparse import Namespace
from collections.abc import Sequence

from rich.text import Text

from permit0.cli.check import decision_as_data
from permit0.cli.demo_deployment import APPROVER, DemoDeployment, LogCheck, deploy
from permit0.cli.demo_replay import (
    Demo,
    Scenario,
    StepResult,
    blocking_rule,
    load_demo,
    replay,
)
from permit0.cli.demo_view import (
    attempt_lines,
    execution_as_data,
    log_as_data,
    log_lines,
    token_pieces,
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
from permit0.model.vocabulary import Effect, Outcome, Tier

__all__ = ["run", "show"]

PAUSE_S = 0.35
INDENT = 4


def run(options: Namespace) -> int:
    """0 if all went as it must, else 1.

    Raises:
        InvalidInput: There is no such scenario, or no folder to work in (demo_folder).
        AuditBroken: The demo's own log does not verify.
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
    with deploy(demo.org) as deployment:
        _print_legend(term)
        for scenario in scenarios:
            _print_title(term, scenario)
            steps: list[StepResult] = []
            for result in replay(deployment, scenario):
                steps.append(result)
                time.sleep(pause_s)
                _print_step(term, deployment, len(steps), result)
            results.append((scenario, steps))
        check = deployment.check_log()
    _print_summary(term, results, check)
    return 0 if _is_good([steps for _, steps in results], check) else 1


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


def _print_step(
    term: Terminal, deployment: DemoDeployment, number: int, result: StepResult
) -> None:
    step, decision, symbols = result.step, result.decision, term.symbols
    blocked_by = blocking_rule(decision)
    minutes, seconds = divmod(int(step.at_s), 60)
    head = Text().append(f"{number:>2}  ", "bold")
    head.append(decision.action, "bold cyan")
    head.append(f"  {arguments_in_short(step.args, symbols)}")
    head.append(f"  +{minutes}:{seconds:02}", "bright_black")
    term.line(head, hang=INDENT)
    verdict = [
        score_bar(decision.score, deployment.engine.scorer.tier_bounds, symbols),
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
    _print_execution(term, result)
    term.blank()


def _print_execution(term: Terminal, result: StepResult) -> None:
    symbols, execution = term.symbols, result.execution
    if result.decision.outcome is Outcome.HUMAN:
        word = "refused" if execution is None else "approved"
        symbol = symbols.no if execution is None else symbols.yes
        said = Text(f"{symbol} {word} by a person (simulated): {APPROVER}", "bright_black")
        term.line(said, indent=INDENT)
    if execution is None:
        return
    term.flow(token_pieces(execution, symbols), indent=INDENT)
    for line in attempt_lines(execution, symbols):
        term.line(line, indent=INDENT, hang=2)


def _print_block(term: Terminal, rule: str, result: StepResult) -> None:
    body = Text()
    for item in result.decision.actions:
        for finding in item.findings:
            if finding.effect is Effect.BLOCK:
                message = finding.message
                body.append(visible(message[:1].upper() + message[1:]) + ".\n")
    body.append("No token, so it did not run. Immutable: ", "bright_black")
    body.append("no configuration, approval or list lifts it.", "bright_black")
    term.panel(Text(f" BLOCKED by {rule} ", "bold white on red"), body, style="red")
    term.blank()


def _print_summary(
    term: Terminal, results: Sequence[tuple[Scenario, list[StepResult]]], check: LogCheck
) -> None:
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
    for line in log_lines(check, symbols):
        term.line(line, hang=2)
    took = [result.took_s for _, steps in results for result in steps]
    median_ms = statistics.median(took) * 1000
    said = f"  {len(took)} calls, {median_ms:.2f} ms for a decision, on record (median)"
    term.line(Text(said, "bright_black"), hang=2)


def _is_good(runs: Sequence[Sequence[StepResult]], check: LogCheck) -> bool:
    executions = [result.execution for steps in runs for result in steps]
    return (
        all(_stopped_by(steps) for steps in runs)
        and all(execution is None or execution.is_good for execution in executions)
        and check.is_good
    )


def _stopped_by(steps: Sequence[StepResult]) -> str:
    return blocking_rule(steps[-1].decision) if steps else ""


def _as_json(demo: Demo, scenarios: Sequence[Scenario]) -> int:
    with deploy(demo.org) as deployment:
        runs = [(scenario, list(replay(deployment, scenario))) for scenario in scenarios]
        check = deployment.check_log()
    took = [result.took_s for _, steps in runs for result in steps]
    document = {
        "stopped": all(_stopped_by(steps) for _, steps in runs),
        "calls": len(took),
        "median_ms": round(statistics.median(took) * 1000, 3),
        "audit": log_as_data(check),
        "scenarios": [_scenario_as_data(scenario, steps) for scenario, steps in runs],
    }
    sys.stdout.write(json.dumps(document, indent=2, ensure_ascii=True) + "\n")
    return 0 if _is_good([steps for _, steps in runs], check) else 1


def _scenario_as_data(scenario: Scenario, steps: Sequence[StepResult]) -> dict[str, object]:
    return {
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
                "token": execution_as_data(result.execution),
                **decision_as_data(result.step.tool, result.decision),
            }
            for number, result in enumerate(steps, start=1)
        ],
    }
