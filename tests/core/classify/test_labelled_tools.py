"""The labelled tools of tests/vectors/tools: what packs map is right, and nothing harmful is taken for calm."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from permit0.build import assemble
from permit0.classify import ToolDescription
from permit0.config import load_config
from permit0.normalize.compiled import make_classifier

FOLDER = Path(__file__).parents[2] / "vectors" / "tools"
CATALOG = assemble(load_config(None)).catalog
CLASSIFIER = make_classifier(CATALOG)
HALVES = ("development", "sealed")

# What was measured, a little rounded down, so that a change that loses some is noticed: domain, verb.
REACHED = {"development": (0.93, 0.88), "sealed": (0.84, 0.80)}


def rows(half: str) -> list[dict[str, Any]]:
    text = (FOLDER / f"{half}.jsonl").read_text(encoding="utf-8")
    return [json.loads(line) for line in text.splitlines()]


@pytest.mark.parametrize("half", HALVES)
def test_no_harmful_tool_is_taken_for_a_calm_one(half: str) -> None:
    taken = [
        row["name"]
        for row in rows(half)
        if row["harm"] != "calm"
        and CLASSIFIER.classify(
            ToolDescription(row["name"], row["description"], row["schema"])
        ).calm
    ]
    assert taken == []


@pytest.mark.parametrize("half", HALVES)
def test_what_packs_map_is_what_it_is_labelled(half: str) -> None:
    wrong: dict[str, set[str]] = {}
    mapped = 0
    for row in rows(half):
        mapping = CATALOG.find(row["name"])
        if mapping is None:
            continue
        mapped += 1
        actions = {mapping.action, *(a for _, choice in mapping.select for a in choice.values())}
        if actions.isdisjoint({row["action"], *row["also"]}):
            wrong[row["name"]] = actions
    assert wrong == {}
    assert mapped > 60


@pytest.mark.parametrize("half", HALVES)
def test_best_candidates_are_as_good_as_they_were(half: str) -> None:
    tools = rows(half)
    domains = verbs = 0
    for row in tools:
        found = CLASSIFIER.classify(ToolDescription(row["name"], row["description"], row["schema"]))
        best = found.candidates[0].action if found.candidates else found.action
        right = {row["action"], *row["also"]}
        domains += best.partition(".")[0] in {action.partition(".")[0] for action in right}
        verbs += best.partition(".")[2] in {action.partition(".")[2] for action in right}
    domain, verb = REACHED[half]
    assert domains / len(tools) >= domain
    assert verbs / len(tools) >= verb
