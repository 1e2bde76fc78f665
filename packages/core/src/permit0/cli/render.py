"""How a decision looks: tiers and outcomes in their colours, the score as a bar, short arguments.

Guarantees: the same words and colours in every command; nothing is computed here but text.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from decimal import Decimal

from rich.text import Text

from permit0.cli.terminal import Symbols, visible
from permit0.model.decision import Decision
from permit0.model.finding import Finding
from permit0.model.vocabulary import Effect, Outcome, Tier

__all__ = [
    "OUTCOME_STYLE",
    "TIER_STYLE",
    "arguments_in_short",
    "finding_text",
    "outcome_chip",
    "score_bar",
    "tier_text",
]

BAR_CELLS = 20  # the published bounds 0.15, 0.35, 0.55, 0.75 fall between two cells
MAX_VALUE_CHARS = 60
MAX_ARGUMENTS = 4
MAX_PIPS = 12
LARGE = 1000

TIER_STYLE = {
    Tier.MINIMAL: "green",
    Tier.LOW: "bright_green",
    Tier.MEDIUM: "yellow",
    Tier.HIGH: "dark_orange",
    Tier.CRITICAL: "red",
}
OUTCOME_STYLE = {Outcome.ALLOW: "green", Outcome.HUMAN: "yellow", Outcome.DENY: "red"}
_CHIP = {
    Outcome.ALLOW: "bold black on green",
    Outcome.HUMAN: "bold black on yellow",
    Outcome.DENY: "bold white on red",
}
_DISTANCE = re.compile(r"^(\d+) of (\d+)\b")
_AMOUNTS = ("amount", "value", "sum", "total")
_RECEIVERS = ("recipient", "customer", "payee", "beneficiary", "to", "destination")
_PLAIN = ("path", "file_path", "command", "url", "query", "sql")


def score_bar(
    score: float, bounds: Sequence[float], symbols: Symbols, *, cells: int = BAR_CELLS
) -> Text:
    """The score as a bar; each cell has the colour of its tier, and bounds are visible."""
    bar = Text()
    edges = {round(bound * cells) for bound in bounds}
    filled = min(cells, max(1 if score > 0 else 0, round(score * cells)))
    for cell in range(cells):
        if cell in edges:
            bar.append(symbols.bound, "bright_black")
        tier = list(Tier)[sum(bound * cells <= cell + 1e-9 for bound in bounds)]
        if cell < filled:
            bar.append(symbols.full, TIER_STYLE[tier])
        else:
            bar.append(symbols.empty, "bright_black")
    return bar


def tier_text(score: float, tier: Tier, *, width: int = 0) -> Text:
    """`0.42 medium` in the tier's colour; `width` makes columns of several."""
    return Text(f"{score:.2f} {tier.value:<{width}}", "bold " + TIER_STYLE[tier])


def outcome_chip(outcome: Outcome) -> Text:
    """The decision, as a label."""
    return Text(f" {outcome.value.upper():^5} ", _CHIP[outcome])


def flags_text(decision: Decision) -> Text:
    """The flags that fired."""
    return Text(" ".join(flag.value for flag in decision.flags), "cyan")


def finding_text(finding: Finding, symbols: Symbols) -> Text:
    """A finding with its distance to a block as pips, where it gives one."""
    blocked = finding.effect is Effect.BLOCK
    text = Text().append(finding.rule, "bold red" if blocked else "magenta")
    distance = _DISTANCE.match(finding.message)
    if distance is not None and int(distance[2]) <= MAX_PIPS:
        met, limit = int(distance[1]), int(distance[2])
        text.append("  ").append(symbols.met * met, "magenta")
        text.append(symbols.unmet * (limit - met), "bright_black")
    return text.append("  ").append(visible(finding.message))


def arguments_in_short(arguments: Mapping[str, object], symbols: Symbols) -> str:
    """The arguments that say most: money and who gets it, a path, a command; else the first few."""
    rest = dict(arguments)
    parts: list[str] = []
    money = _take_money(rest)
    if money:
        parts.append(money)
    receiver = next((name for name in _RECEIVERS if name in rest), None)
    if receiver is not None:
        shown = _value(rest.pop(receiver))
        country = rest.pop("country", None)
        where = f" ({_value(country)})" if country is not None else ""
        parts.append(f"{symbols.arrow} {shown}{where}")
    for name in _PLAIN:
        if name in rest and not parts:
            parts.append(_value(rest.pop(name)))
    if not parts:
        names = list(rest)[:MAX_ARGUMENTS]
        parts = [f"{visible(name, MAX_VALUE_CHARS)}={_value(rest[name])}" for name in names]
        if len(rest) > len(names):
            parts.append(symbols.ellipsis)
    return " ".join(parts)


def _take_money(rest: dict[str, object]) -> str:
    name = next((name for name in _AMOUNTS if name in rest), None)
    if name is None:
        return ""
    amount = rest.pop(name)
    currency = rest.pop("currency", None)
    if isinstance(amount, int | float) and not isinstance(amount, bool):
        exact = Decimal(str(amount))
        # Whole thousands are read faster without decimals, small change only with them.
        whole = exact.is_finite() and exact >= LARGE and exact == exact.to_integral_value()
        shown = f"{exact:,.0f}" if whole else f"{exact:,.2f}" if exact.is_finite() else str(exact)
    else:
        shown = _value(amount)
    return f"{_value(currency)} {shown}" if currency is not None else shown


def _value(value: object) -> str:
    text = value if isinstance(value, str) else repr(value)
    return visible(text, MAX_VALUE_CHARS)
