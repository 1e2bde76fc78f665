"""How well the tool compiler does on a labelled set: `python benchmarks/classify.py FILE [FILE ...]`.

A file holds one tool a line as JSON: name, vendor, description, schema, action, also (other acceptable
actions), harm ("calm" or what it could do). Prints, for the best candidate and for what is answered above the
bar: domain right, verb right, action right; the share of calm tools that are answered calm; every harmful tool
that is (there may be none); confusions and misses. `--packs` measures on the names that packs map instead.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from importlib import resources
from pathlib import Path
from typing import Any

from permit0.build import assemble
from permit0.classify import Classification, Classifier, ToolDescription
from permit0.config import load_config
from permit0.normalize.compiled import make_classifier
from permit0.normalize.loader import load_packs, pack_files
from permit0.taxonomy import UNCLASSIFIED

CALM = "calm"


def main() -> int:
    """1 if a harmful tool was taken for a calm one."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("files", nargs="*", type=Path)
    parser.add_argument("--packs", action="store_true", help="measure on the names that packs map")
    parser.add_argument("--unmapped", action="store_true", help="leave out tools that packs map")
    parser.add_argument("--misses", type=int, default=40, help="how many misses to list")
    options = parser.parse_args()
    catalog = assemble(load_config(None)).catalog
    started = time.perf_counter()
    classifier = make_classifier(catalog)
    print(f"ready after {(time.perf_counter() - started) * 1000:.0f} ms")
    rows = list(_of_packs() if options.packs else _of_files(options.files))
    if options.unmapped:
        rows = [row for row in rows if catalog.find(row["name"]) is None]
    return _measure(classifier, rows, options.misses)


def _of_files(files: Iterable[Path]) -> Iterator[dict[str, Any]]:
    for file in files:
        for line in file.read_text(encoding="utf-8").splitlines():
            if line.strip():
                yield json.loads(line)


def _of_packs() -> Iterator[dict[str, Any]]:
    root = resources.files("permit0").joinpath("packs")
    for pack in load_packs(pack_files(root)):
        for mapping in pack.spec.mappings:
            given = [
                name.split(".")[-1]
                for value in mapping.arguments.values()
                for name in ([value] if isinstance(value, str) else value)
            ]
            names = {name: {"type": "string"} for name in [*given, *mapping.inert]}
            for tool in mapping.tools:
                yield {
                    "name": tool,
                    "schema": {"type": "object", "properties": names},
                    "action": mapping.action,
                    "also": [a for choice in mapping.select.values() for a in choice.values()],
                }


def _measure(classifier: Classifier, rows: list[dict[str, Any]], shown: int) -> int:
    started = time.perf_counter()
    found = [
        classifier.classify(
            ToolDescription(row["name"], row.get("description") or "", row.get("schema") or {})
        )
        for row in rows
    ]
    seconds = time.perf_counter() - started
    total = len(rows)
    print(f"{total} tools in {seconds:.2f} s, {seconds / max(total, 1) * 1000:.2f} s per 1,000")
    best = [item.candidates[0].action if item.candidates else UNCLASSIFIED for item in found]
    _rates("best candidate", rows, best)
    answered = [i for i, item in enumerate(found) if item.action != UNCLASSIFIED]
    print(f"above the bar: {len(answered)} of {total} ({len(answered) / max(total, 1):.1%})")
    _rates("above the bar", [rows[i] for i in answered], [found[i].action for i in answered])
    bad = _calm(rows, found)
    misses = [
        (row["name"], row["action"], action)
        for row, action in zip(rows, best, strict=True)
        if action not in _right(row)
    ]
    domains = Counter(
        (right.partition(".")[0], wrong.partition(".")[0]) for _, right, wrong in misses
    )
    print("\nconfusions (right, taken for):")
    for (right, wrong), count in domains.most_common(15):
        print(f"  {count:>3}  {right} -> {wrong}")
    print(f"\nmisses ({len(misses)}):")
    for name, right, wrong in misses[:shown]:
        print(f"  {name}: {right}, taken for {wrong}")
    return 1 if bad else 0


def _right(row: dict[str, Any]) -> set[str]:
    return {row["action"], *(row.get("also") or ())}


def _rates(title: str, rows: list[dict[str, Any]], actions: list[str]) -> None:
    if not rows:
        return
    domain = verb = action = 0
    for row, found in zip(rows, actions, strict=True):
        right = _right(row)
        domain += found.partition(".")[0] in {item.partition(".")[0] for item in right}
        verb += found.partition(".")[2] in {item.partition(".")[2] for item in right}
        action += found in right
    n = len(rows)
    print(f"{title:<16} domain {domain / n:.1%}  verb {verb / n:.1%}  action {action / n:.1%}")


def _calm(rows: list[dict[str, Any]], found: list[Classification]) -> list[str]:
    """Prints the share of calm tools that are answered calm; returns the harmful ones that are."""
    labelled = [(row, item) for row, item in zip(rows, found, strict=True) if "harm" in row]
    harmless = [item for row, item in labelled if row["harm"] == CALM]
    bad = [row["name"] for row, item in labelled if item.calm and row["harm"] != CALM]
    if labelled:
        share = sum(item.calm for item in harmless) / max(len(harmless), 1)
        print(f"calm tools answered calm: {share:.1%} of {len(harmless)}")
        print(f"harmful tools answered calm: {len(bad)} {bad}")
    return bad


if __name__ == "__main__":
    sys.exit(main())
