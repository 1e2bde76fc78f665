"""One decision on the terminal, as `check` and `explain` begin with."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from rich.text import Text

from permit0.cli.render import (
    arguments_in_short,
    finding_text,
    flags_text,
    outcome_chip,
    score_bar,
    tier_text,
)
from permit0.cli.terminal import Terminal, visible
from permit0.engine import Engine
from permit0.model.decision import Decision
from permit0.model.finding import Finding
from permit0.model.reason import Reason
from permit0.model.vocabulary import Mode

__all__ = ["LABEL_WIDTH", "print_decision", "print_headline", "print_labelled"]

LABEL_WIDTH = 9
MAX_ACTIONS_SHOWN = 6


def print_headline(
    term: Terminal, engine: Engine, decision: Decision, arguments: Mapping[str, object]
) -> None:
    """What was asked, and the answer: two lines."""
    symbols = term.symbols
    asked = Text().append(visible(decision.tool, 80), "bold")
    if decision.action != decision.tool and decision.actions:
        asked.append(f"  = {decision.action}", "cyan")
    short = arguments_in_short(arguments, symbols)
    term.flow([asked, Text(short)] if short else [asked])
    bar = score_bar(decision.score, engine.scorer.tier_bounds, symbols)
    pieces = [bar, tier_text(decision.score, decision.tier), outcome_chip(decision.outcome)]
    if decision.mode is Mode.OBSERVE:
        pieces.append(Text(f"observe mode: would be {decision.decided.value}", "magenta"))
    term.flow(pieces)


def print_decision(
    term: Terminal, engine: Engine, decision: Decision, arguments: Mapping[str, object]
) -> None:
    """Everything that `check` says."""
    print_headline(term, engine, decision, arguments)
    term.blank()
    if len(decision.actions) > 1:
        names = [item.action.action for item in decision.actions]
        shown = [Text(name, "cyan") for name in names[:MAX_ACTIONS_SHOWN]]
        if len(names) > MAX_ACTIONS_SHOWN:
            shown.append(Text(f"and {len(names) - MAX_ACTIONS_SHOWN} more", "dim"))
        print_labelled(term, "actions", shown)
    if decision.flags:
        print_labelled(term, "flags", [flags_text(decision)])
    print_labelled(term, "why", [_reason(reason) for reason in decision.reasons])
    print_labelled(
        term, "session", [finding_text(finding, term.symbols) for finding in _findings(decision)]
    )
    said = {reason.rule for reason in decision.reasons} | {f.rule for f in _findings(decision)}
    others = [rule for rule in decision.rules if rule not in said]
    print_labelled(term, "also", [Text(visible(rule), "bright_black") for rule in others])


def print_labelled(term: Terminal, label: str, lines: Iterable[Text]) -> None:
    """Lines with a label before the first; nothing for no lines."""
    for i, line in enumerate(lines):
        head = Text().append(f"{label if i == 0 else '':<{LABEL_WIDTH}}", "bright_black")
        term.line(head.append_text(line), hang=LABEL_WIDTH)


def _reason(reason: Reason) -> Text:
    text = Text(visible(reason.message))
    return text.append(f"  {visible(reason.rule) or reason.code}", "bright_black")


def _findings(decision: Decision) -> list[Finding]:
    unique = {
        (finding.rule, finding.message): finding
        for item in decision.actions
        for finding in item.findings
    }
    return list(unique.values())
