"""docs/coverage.md is what the packs cover now, and every verb of the taxonomy is live."""

from __future__ import annotations

import importlib.util
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from permit0.taxonomy import load_taxonomy
from permit0.testing.pack_cases import built_in_packs

ROOT = Path(__file__).parents[2]


@cache
def maker() -> ModuleType:
    spec = importlib.util.spec_from_file_location("coverage_page", ROOT / "docs/make_coverage.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def rows() -> dict[str, Any]:
    found: dict[str, Any] = maker().count(load_taxonomy(), built_in_packs())
    return found


def test_the_page_is_the_one_of_now(rows: dict[str, Any]) -> None:
    page = (ROOT / "docs/coverage.md").read_text(encoding="utf-8")
    assert maker().page(rows) == page, "run docs/make_coverage.py --write"


def test_every_verb_is_live_and_has_a_case(rows: dict[str, Any]) -> None:
    assert set(rows) == set(load_taxonomy().actions)
    assert [action for action, row in rows.items() if not row.live] == []
    assert [action for action, row in rows.items() if not sum(row.kinds.values())] == []


def test_a_verb_that_destroys_pays_or_gives_rights_has_a_case_that_stops_it(
    rows: dict[str, Any],
) -> None:
    calm = {"get", "list", "search", "read", "get_balance", "quote", "get_metadata", "get_state"}
    powerful = ("payments", "iam", "secrets", "infra", "legal")
    for action, row in rows.items():
        domain, verb = action.split(".")
        if (domain in powerful and verb not in calm) or verb.startswith(("delete", "drop")):
            assert row.reasons, action


def test_vendors_are_counted_once_and_test_suites_are_none() -> None:
    said = "GitHub, GitHub (Agno, Arcade), GitLab MCP server, AgentDojo, Slack interface (Arcade)"
    assert list(maker().vendors_of(said)) == ["GitHub", "GitHub", "GitLab", "Slack"]
    assert list(maker().vendors_of("AgentDojo, tau2 retail")) == []
