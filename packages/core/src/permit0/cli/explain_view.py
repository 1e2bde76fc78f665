"""An Explanation on the terminal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec
from rich.text import Text

from permit0.cli.decision_view import print_headline
from permit0.cli.render import (
    OUTCOME_STYLE,
    TIER_STYLE,
    finding_text,
    outcome_chip,
)
from permit0.cli.terminal import Symbols, Terminal, visible
from permit0.engine import Engine
from permit0.explain import ActionExplanation, Ask, Cause, Explanation, Milder, Share
from permit0.model.decision import ActionDecision
from permit0.model.score import Contribution
from permit0.model.vocabulary import Amplifier, Outcome, Role, Tier, Verdict
from permit0.score.breakdown import AmplifierTerm, CategoryTerm

__all__ = ["Outlook", "print_explanation"]

MAX_ACTIONS = 2
MAX_MILDER = 5
MAX_WEIGHS = 4
DIM = "bright_black"
METER_CELLS = 10
_VERDICT_STYLE = {
    Verdict.ALLOW: "green",
    Verdict.REVIEW: "yellow",
    Verdict.HUMAN: "yellow",
    Verdict.DENY: "red",
}


class Outlook(msgspec.Struct, frozen=True, kw_only=True):
    """What deciding again showed. replayed: how many earlier calls there were.

    alone: the outcome with an empty history. wait_s, after_wait: the shortest wait that helps.
    horizon_s: how long a wait was tried; None if none was.
    """

    replayed: int
    alone: Outcome | None = None
    wait_s: float | None = None
    after_wait: Outcome | None = None
    horizon_s: float | None = None


def print_explanation(
    term: Terminal,
    engine: Engine,
    explanation: Explanation,
    outlook: Outlook,
    *,
    found: Sequence[str],
    arguments: Mapping[str, object],
    conditions: Mapping[str, str],
) -> None:
    """The whole explanation.

    Args:
        found: How the tool was found. conditions: the `when` of rules in words, by rule id.
    """
    decision = explanation.decision
    print_headline(term, engine, decision, arguments)
    if found:
        _title(term, "How the tool was found")
        for line in found:
            term.line(Text(visible(line)), indent=2, hang=2)
    if not explanation.actions:
        term.blank()
        term.line(Text("The call was refused before it could be scored:", "bold"))
        term.line(Text(f"{visible(decision.reason)} ({decision.error})"), indent=2)
        return
    shown = explanation.actions[:MAX_ACTIONS]
    for action, judged in zip(shown, decision.actions, strict=False):
        if len(explanation.actions) > 1:
            term.blank()
            term.rule(DIM)
            head = Text(action.action, "bold cyan")
            term.flow([head, Text(f"{action.score:.2f}"), outcome_chip(action.outcome)])
        _print_action(term, explanation, action, judged, conditions)
    hidden = len(explanation.actions) - len(shown)
    if hidden:
        term.line(Text(f"and {hidden} more actions, --json shows them", DIM))
    _print_milder(term, explanation, outlook, conditions)


def _title(term: Terminal, text: str) -> None:
    term.blank()
    term.line(Text(text, "bold"))


def _print_action(
    term: Terminal,
    explanation: Explanation,
    action: ActionExplanation,
    judged: ActionDecision,
    conditions: Mapping[str, str],
) -> None:
    _title(term, "What moved the score")
    for share in action.shares:
        _print_share(term, action, share, conditions.get(share.source, ""))
    _print_points(term, action)
    _print_formula(term, explanation, action)
    _title(term, "Who asked for what, the strictest wins")
    for ask in action.asks:
        _print_ask(term, ask)
    for finding in judged.findings:
        term.line(finding_text(finding, term.symbols), indent=2, hang=2)


def _print_share(term: Terminal, action: ActionExplanation, share: Share, when: str) -> None:
    line = Text().append(share.source, "cyan")
    if share.effect is not None:
        line.append(f" {share.effect.value}", DIM)
    pieces = [line]
    if share.source == "base":
        pieces.append(Text(f"{action.pack}, published risk: {action.risk_class}", DIM))
    else:
        delta = action.value - share.without
        style = DIM if not round(delta, 3) else "red" if delta > 0 else "green"
        pieces.append(Text(f"{delta:+.3f}", "bold " + style))
        pieces.append(Text(f"{share.without:.2f} without it", DIM))
    term.flow(pieces, indent=2)
    moves = ", ".join(_move(move, term.symbols) for move in share.moves)
    if moves:
        term.line(Text(moves), indent=4, hang=2)
    if share.source != "base":
        why = Text().append(visible(share.why), "italic " + DIM)
        if when:
            why.append(f"  (when {visible(when)})", DIM)
        term.line(why, indent=4, hang=2)


def _move(move: Contribution, symbols: Symbols) -> str:
    match move.kind:
        case "flag":
            role = "" if move.role is Role.PRIMARY else " (secondary)"
            return f"{move.name}{role}"
        case "demote":
            return f"{move.name} at most secondary"
        case "at_least":
            return f"{move.name} at least {move.points}"
        case _:
            sign = symbols.minus if move.points < 0 else "" if move.source == "base" else "+"
            return f"{move.name} {sign}{abs(move.points)}"


def _print_points(term: Terminal, action: ActionExplanation) -> None:
    _title(term, "Points, up to a ceiling each")
    symbols = term.symbols
    terms = {t.amplifier: t for t in (*action.breakdown.factors, *action.breakdown.additions)}
    for amplifier, raw in zip(Amplifier, action.raw, strict=True):
        item = terms[amplifier]
        if not raw:
            continue
        filled = round(METER_CELLS * item.points / item.ceiling)
        line = Text(f"{amplifier.value:<16}")
        line.append(symbols.full * filled, "cyan")
        line.append(symbols.empty * (METER_CELLS - filled), DIM)
        line.append(f" {item.points:>2} of {item.ceiling}")
        if raw != item.points:
            line.append(f"  ({raw} before the limit)", "yellow")
        term.line(line, indent=2)


def _print_formula(term: Terminal, explanation: Explanation, action: ActionExplanation) -> None:
    _title(term, "The formula")
    x, b = term.symbols.times, action.breakdown
    for category in b.categories:
        term.line(_category(category, x), indent=2, hang=10)
    term.line(Text(f"{'base':<10}sum of these = {b.base:.4f}"), indent=2)
    product = f" {x} ".join(_factor(item) for item in b.factors if item.points)
    if product:
        term.line(Text(f"{x + ' context':<10}{product} = {b.product:.4f}"), indent=2, hang=10)
    extra = " + ".join(_addend(item) for item in b.additions if item.points)
    extra = f"1 + {extra}" if extra else "1"
    term.line(Text(f"{x + ' load':<10}{extra} = {b.extra:.4f}"), indent=2, hang=10)
    inside = f"{b.sharpness} {x} {b.product:.4f} {x} {b.extra:.4f}"
    term.line(Text(f"{'score':<10}tanh({inside}) = {b.value:.4f}"), indent=2, hang=10)
    if action.score != action.value:
        term.line(Text(f"{'':<10}lifted to {action.score:.2f} by a block", "red"), indent=2)
    low = (0.0, *explanation.bounds)[list(Tier).index(action.tier)]
    high = (*explanation.bounds, 1.0)[list(Tier).index(action.tier)]
    line = Text(f"{'tier':<10}")
    line.append(action.tier.value, "bold " + TIER_STYLE[action.tier])
    term.line(line.append(f", from {low:.2f} to below {high:.2f}"), indent=2)


def _category(item: CategoryTerm, times: str) -> Text:
    text = Text(f"{item.category.value:<10}")
    if not item.flags:
        return text.append("no flag", DIM)
    text.append(f"{item.weight:.2f} {times} ")
    flags = " + ".join(f"{flag.weight:.3f} {flag.flag.value}" for flag in item.flags)
    text.append(f"({flags})" if len(item.flags) > 1 else flags)
    return text.append(f" {times} (1 + {item.mean:.3f}) / 2 = {item.value:.4f}")


def _factor(item: AmplifierTerm) -> str:
    return f"{1 + item.value:.3f} {item.amplifier.value}"


def _addend(item: AmplifierTerm) -> str:
    return f"{item.value:.3f} {item.amplifier.value}"


def _print_ask(term: Terminal, ask: Ask) -> None:
    line = Text().append(f"{ask.verdict.name:<7}", "bold " + _VERDICT_STYLE[ask.verdict])
    line.append(visible(ask.reason.message))
    line.append(f"  {visible(ask.reason.rule) or ask.reason.code}", DIM)
    term.line(line, indent=2, hang=7)


# ------------------------------------------------------------------- for a milder decision


def _print_milder(
    term: Terminal, explanation: Explanation, outlook: Outlook, conditions: Mapping[str, str]
) -> None:
    decided = explanation.decision.decided
    if decided is Outcome.ALLOW:
        return
    _title(term, "For a milder decision")
    strictest = [action for action in explanation.actions if action.outcome is decided]
    if len(strictest) > 1:
        names = ", ".join(dict.fromkeys(action.action for action in strictest))
        term.line(Text(f"each of {names} would have to be milder", DIM), indent=2)
    for rule in dict.fromkeys(rule for action in strictest for rule in action.immutable):
        line = Text().append(rule, "bold red")
        line.append(" is immutable: no approval, configuration or list lifts it")
        term.line(line, indent=2, hang=2)
    for action in strictest[:MAX_ACTIONS]:
        _print_changes(term, action, conditions)
    _print_outlook(term, decided, outlook)


def _print_changes(
    term: Terminal, action: ActionExplanation, conditions: Mapping[str, str]
) -> None:
    symbols = term.symbols
    if not action.milder and not action.immutable:
        term.line("no single change of this call, and no pair of changes, is enough", indent=2)
    for milder in action.milder[:MAX_MILDER]:
        line = Text().append(f"{symbols.arrow} ", DIM)
        line.append(milder.outcome.value.upper(), "bold " + OUTCOME_STYLE[milder.outcome])
        line.append(f" ({milder.score:.2f} {milder.tier.value})  if ")
        line.append(" and ".join(_cause(cause) for cause in milder.causes), "bold")
        term.line(line, indent=2, hang=4)
        for rule in milder.ends:
            when = f" (when {conditions[rule]})" if rule in conditions else ""
            term.line(Text(f"without {visible(rule)}{visible(when)}", DIM), indent=6, hang=2)
    if len(action.milder) > MAX_MILDER:
        more = len(action.milder) - MAX_MILDER
        term.line(Text(f"and {more} more, --json shows them", DIM), indent=2)
    _print_weighs(term, action.weighs)


def _print_weighs(term: Terminal, weighs: tuple[Milder, ...]) -> None:
    if not weighs:
        return
    names = [milder.causes[0].name for milder in weighs[:MAX_WEIGHS]]
    more = f" and {len(weighs) - MAX_WEIGHS} more" if len(weighs) > MAX_WEIGHS else ""
    text = f"what weighs: without any one of {', '.join(names)}{more} it would be milder"
    term.line(Text(text, DIM), indent=2, hang=2)


def _cause(cause: Cause) -> str:
    match cause.kind:
        case "fact" if cause.name.endswith(".kinds"):
            return f"{cause.name.removesuffix('.kinds')} were not among the {cause.bound}"
        case "fact" if cause.test == "without" and cause.bound == cause.name:
            return f"there were no {cause.name}"
        case "fact":
            test = {"is": "", "is not": "not "}.get(cause.test, f"{cause.test} ")
            return f"{cause.name} were {test}{cause.bound}"
        case "rule":
            return f"{cause.name} did not fire"
        case "session":
            return f"{cause.name} did not hold in this session"
        case "list":
            return "it were not on the deny list"
        case "history":
            return "the last hour of the session weighed nothing"
        case "rate":
            return "it were the first such call of this minute"
        case _:
            return f"{cause.name} were absent"


def _print_outlook(term: Terminal, decided: Outcome, outlook: Outlook) -> None:
    if outlook.alone is None:
        return
    order = list(Outcome)
    if outlook.wait_s is not None and outlook.after_wait is not None:
        line = Text().append(f"{term.symbols.arrow} ", DIM)
        line.append(outlook.after_wait.value.upper(), "bold " + OUTCOME_STYLE[outlook.after_wait])
        term.line(line.append(f"  after a wait of {_duration(outlook.wait_s)}"), indent=2)
    elif outlook.horizon_s is not None:
        tried = _duration(outlook.horizon_s)
        term.line(f"waiting does not help, up to {tried} were tried", indent=2)
    if order.index(outlook.alone) < order.index(decided):
        line = Text().append(f"{term.symbols.arrow} ", DIM)
        line.append(outlook.alone.value.upper(), "bold " + OUTCOME_STYLE[outlook.alone])
        term.line(line.append("  without the earlier calls of this session"), indent=2)
    else:
        term.line(Text("the earlier calls do not matter: alone it gets the same", DIM), indent=2)


def _duration(seconds: float) -> str:
    if seconds < 120:
        return f"{seconds:.0f} seconds"
    if seconds < 2 * 3600:
        minutes, rest = divmod(round(seconds), 60)
        return f"{minutes} minutes" + (f" {rest} seconds" if rest else "")
    return f"{seconds / 3600:.1f} hours"
