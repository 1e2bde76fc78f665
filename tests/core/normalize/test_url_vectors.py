"""Addresses through the whole engine: ordinary ones are fetched, loaded and inner ones are not."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from permit0.build import assemble
from permit0.config import parse_config
from permit0.model.decision import Decision
from permit0.model.vocabulary import Outcome
from permit0.testing.clock import FrozenClock

VECTORS: list[dict[str, Any]] = [
    json.loads(line)
    for line in (Path(__file__).parents[2] / "vectors" / "urls.jsonl")
    .read_text("utf-8")
    .splitlines()
]
ORDINARY = [row for row in VECTORS if row["label"] == "ordinary"]
HOSTILE = [row for row in VECTORS if row["label"] == "hostile"]
DEPLOYMENT = assemble(parse_config(yaml.safe_dump({"org": {"domains": ["acme-corp.com"]}}), "org"))


def decide(tool: str, arguments: dict[str, Any]) -> Decision:
    return DEPLOYMENT.fresh_engine(FrozenClock(1_700_000_000.0)).check(tool, arguments)


@pytest.mark.parametrize("row", ORDINARY, ids=lambda row: row["name"])
def test_ordinary_address_is_allowed(row: dict[str, Any]) -> None:
    decision = decide(row["tool"], row["args"])
    assert decision.outcome is Outcome.ALLOW, decision.rules


@pytest.mark.parametrize("row", HOSTILE, ids=lambda row: row["name"])
def test_hostile_address_is_not_allowed(row: dict[str, Any]) -> None:
    assert decide(row["tool"], row["args"]).outcome is not Outcome.ALLOW


@pytest.mark.parametrize(
    "row", [r for r in HOSTILE if "?" in str(r["args"].get("url"))][::3], ids=lambda r: r["name"]
)
def test_adding_parameters_does_not_make_an_address_calmer(row: dict[str, Any]) -> None:
    url = row["args"]["url"].partition("#")[0]
    for more in ("&page=2", "&q=weather", "&cursor=abc&sort=asc"):
        assert decide(row["tool"], {"url": url + more}).outcome is not Outcome.ALLOW


def test_vectors_are_many() -> None:
    assert len(ORDINARY) >= 150
    assert len(HOSTILE) >= 100
