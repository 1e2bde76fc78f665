"""`permit0 scan`: every tool of an agent, a module, an MCP server's list or an OpenAPI document.

Says of each tool what permit0 takes it for and how it knows that, its flags, and between which tiers its calls
can be (what that means: scan_find). `--write` proposes a pack for what no mapping knows.
Guarantees: nothing is run, guarded or sent. Exit code 0; with --strict 1 if a tool is unknown.
"""

from __future__ import annotations

import json
import re
import sys
from argparse import Namespace
from collections import Counter
from pathlib import Path

import msgspec
from rich.text import Text

from permit0.build import Deployment, assemble
from permit0.classify import Classifier
from permit0.cli.pack_text import pack_text, write_new
from permit0.cli.render import TIER_STYLE
from permit0.cli.scan_find import Found, How, Range, base_flags, how_found, mapped, range_of
from permit0.cli.scan_target import ScannedTool, read_target
from permit0.cli.terminal import Terminal, make_terminal, visible
from permit0.config import find_config, load_config
from permit0.model.vocabulary import Verdict
from permit0.normalize.compiled import make_classifier

__all__ = ["run"]

MAX_NAME_CHARS = 60
GAP = 2


class _Row(msgspec.Struct, frozen=True):
    """One tool, as it is shown."""

    item: ScannedTool
    found: Found
    flags: dict[str, str]
    range: Range


def run(options: Namespace) -> int:
    """0, or with --strict 1 if there are unknown tools.

    Raises:
        Permit0Error: The target, the configuration or the file to write is not good.
    """
    items = read_target(options.target)
    named = None if options.config is None else Path(options.config)
    deployment = assemble(load_config(find_config(named)))
    classifier = make_classifier(deployment.catalog)
    rows = [_row(item, deployment, classifier) for item in items]
    if options.write is not None:
        _write(options, rows, deployment)
    if options.json:
        sys.stdout.write(json.dumps(_as_data(options.target, rows), indent=2) + "\n")
    else:
        term = make_terminal(no_color=options.no_color)
        _print(term, rows)
        if options.write is not None:
            term.line(Text(f"written: {visible(options.write)}", "green"))
    unknown = any(row.found.how == "unknown" for row in rows)
    return 1 if options.strict and unknown else 0


def _row(item: ScannedTool, deployment: Deployment, classifier: Classifier) -> _Row:
    catalog = deployment.catalog
    found = how_found(item, catalog, classifier)
    return _Row(
        item,
        found,
        base_flags(found, catalog),
        range_of(found, catalog, deployment.engine.scorer),
    )


# ---------------------------------------------------------------- a table


def _print(term: Terminal, rows: list[_Row]) -> None:
    table = [_cells(row, term) for row in rows]
    heads = [Text(head, "bold") for head in ("tool", "action", "found by", "flags", "tiers")]
    widths = [max(cells[i].cell_len for cells in [heads, *table]) for i in range(len(heads))]
    is_wide = sum(widths) + GAP * (len(widths) - 1) <= term.wrap_at
    for cells in [heads, *table] if is_wide else table:
        if is_wide:
            term.line(_columns(cells, widths))
        else:
            term.flow(cells[:2])
            term.flow(cells[2:], indent=4)
    term.blank()
    counts = Counter(row.found.how for row in rows)
    words: dict[How, str] = {"mapping": "by mapping", "route": "by route", "compiled": "compiled"}
    said = [f"{counts[how]} {word}" for how, word in words.items() if counts[how]]
    noun = "tool" if len(rows) == 1 else "tools"
    text = Text(f"{len(rows)} {noun}", "bold").append(f": {', '.join(said) or 'none is known'}")
    if counts["unknown"]:
        text.append(f", {counts['unknown']} unknown", "bold yellow")
        text.append(": every call of an unknown tool asks a person")
    term.line(text)
    if counts["unknown"] or counts["compiled"] or counts["route"]:
        if any(row.found.asks for row in rows):
            asks = "asks: a person is asked at least, until a mapping says what the tool is"
            term.line(Text(asks, "bright_black"))
        term.line(Text("--write FILE proposes a pack for what no mapping knows", "bright_black"))
    term.line(
        Text(
            "tiers: best to worst case of the action's table; the session can raise every call",
            "bright_black",
        )
    )


def _columns(line: list[Text], widths: list[int]) -> Text:
    text = Text()
    for i, (cell, width) in enumerate(zip(line, widths, strict=True)):
        text.append_text(cell)
        if i + 1 < len(line):
            text.append(" " * (width - cell.cell_len + GAP))
    return text


def _cells(row: _Row, term: Terminal) -> list[Text]:
    found, is_known = row.found, row.found.how != "unknown"
    more = f" and {len(found.actions) - 1} more" if len(found.actions) > 1 else ""
    if found.how == "compiled" and found.confidence is not None:
        how = f"compiled {found.confidence:.2f}{', asks' if found.asks else ''}"
    elif found.pack and found.how in {"mapping", "route"}:
        how = f"{found.how} {found.pack}"
    else:
        how = found.how
    flags = Text()
    for flag, role in sorted(row.flags.items(), key=lambda item: item[1]):  # primary first
        flags.append(" " if flags else "").append(
            flag if role == "primary" else flag.lower(), "" if role == "primary" else "bright_black"
        )
    tiers = Text(row.range.best.value, TIER_STYLE[row.range.best])
    tiers.append(f" {term.symbols.arrow} ", "bright_black")
    tiers.append(row.range.worst.value, TIER_STYLE[row.range.worst])
    name = Text(visible(row.item.tool.name, MAX_NAME_CHARS), "bold" if is_known else "bold yellow")
    return [
        name,
        Text(found.action + more, "cyan" if is_known else "yellow"),
        Text(how, "" if is_known else "yellow"),
        flags,
        tiers,
    ]


# ---------------------------------------------------------------- JSON, and a pack


def _as_data(target: str, rows: list[_Row]) -> dict[str, object]:
    counts = Counter(row.found.how for row in rows)
    return {
        "target": target,
        "tools": [
            {
                "name": row.item.tool.name,
                "action": row.found.action,
                "actions": list(row.found.actions),
                "found": row.found.how,
                "pack": row.found.pack,
                "confidence": row.found.confidence,
                "reasons": list(row.found.reasons),
                "flags": row.flags,
                "tiers": {"best": row.range.best.value, "worst": row.range.worst.value},
                "decisions": {"best": _word(row.range.low), "worst": _word(row.range.high)},
            }
            for row in rows
        ],
        "summary": {
            "tools": len(rows),
            **{how: counts[how] for how in ("mapping", "route", "compiled", "unknown")},
        },
    }


def _word(verdict: Verdict) -> str:
    return {Verdict.ALLOW: "allow", Verdict.DENY: "deny"}.get(verdict, "human")


def _write(options: Namespace, rows: list[_Row], deployment: Deployment) -> None:
    tools = [mapped(row.item, row.found) for row in rows if row.found.how != "mapping"]
    stem = re.sub(r"[^a-z0-9_]+", "_", Path(options.write).stem.lower()).strip("_") or "tools"
    source = f"permit0 scan {options.target}"
    write_new(options.write, pack_text(f"scanned.{stem}", tools, deployment.packs, source=source))
