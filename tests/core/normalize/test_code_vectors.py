"""Code through the whole engine: pure computation goes on, nothing dangerous is waved through."""

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
from permit0.normalize.code import read_javascript, read_python
from permit0.testing.clock import FrozenClock

VECTORS: list[dict[str, Any]] = [
    json.loads(line)
    for line in (Path(__file__).parents[2] / "vectors" / "code.jsonl")
    .read_text("utf-8")
    .splitlines()
]
ORDINARY = [row for row in VECTORS if row["label"] == "ordinary"]
DANGEROUS = [row for row in VECTORS if row["label"] == "dangerous"]
DEPLOYMENT = assemble(parse_config(yaml.safe_dump({"org": {"domains": ["acme-corp.com"]}}), "org"))

# Pure programs that ask a person all the same, each with what it is taken for.
MISSES = {
    "python ordinary 044": "names a foreign host, though only to take it apart",
    "javascript ordinary 010": "reaches a member that only a text names",
    "javascript ordinary 012": "reaches a member of nothing",
}


def decide(language: str, code: str) -> Decision:
    engine = DEPLOYMENT.fresh_engine(FrozenClock(1_700_000_000.0))
    return engine.check("process.run_script", {language: code})


@pytest.mark.parametrize("row", DANGEROUS, ids=lambda row: row["name"])
def test_dangerous_code_is_not_allowed(row: dict[str, Any]) -> None:
    assert decide(row["language"], row["code"]).outcome is not Outcome.ALLOW


@pytest.mark.parametrize("row", ORDINARY, ids=lambda row: row["name"])
def test_pure_code_is_allowed_but_for_the_misses_named_here(row: dict[str, Any]) -> None:
    allowed = decide(row["language"], row["code"]).outcome is Outcome.ALLOW
    assert allowed is (row["name"] not in MISSES)


def test_vectors_are_many_and_misses_are_few() -> None:
    assert len(VECTORS) >= 120
    assert len(MISSES) <= len(ORDINARY) // 10


@pytest.mark.parametrize(
    "row", [r for r in DANGEROUS if r["language"] == "python"][::9], ids=lambda r: r["name"]
)
def test_danger_stays_refused_after_pure_statements(row: dict[str, Any]) -> None:
    """Adding statements never makes code calmer."""
    first = read_python(row["code"]).features
    if "unreadable" not in first:
        assert read_python("x = 1\ny = [x]\n" + row["code"]).features >= first - {"unknown"}


@pytest.mark.parametrize(
    "row", [r for r in DANGEROUS if r["language"] == "javascript"][::7], ids=lambda r: r["name"]
)
def test_danger_stays_refused_in_any_wrapping(row: dict[str, Any]) -> None:
    for form in ("{}", "console.log(1);\n{}", "// é\n{}"):
        assert (
            decide(
                "javascript", form.format(row["code"]) if "{" not in row["code"] else row["code"]
            ).outcome
            is not Outcome.ALLOW
        )


def test_code_in_no_known_language_is_never_pure() -> None:
    engine = DEPLOYMENT.fresh_engine(FrozenClock(1_700_000_000.0))
    assert engine.check("process.run_script", {"code": "print(1)"}).outcome is not Outcome.ALLOW


@pytest.mark.parametrize(
    "code", ["(" * 5000, "x" * 300_000, "\0", "\ud800", "1" * 10_000, "-" * 9000 + "1", ""]
)
def test_what_no_parser_reads_is_an_answer_all_the_same(code: str) -> None:
    read_python(code)
    read_javascript(code)


def test_characters_outside_ascii_do_not_hide_code() -> None:
    """A line separator ends a comment for the engine, and the grammar cannot see it."""
    assert "network" in read_javascript("// \u00e9\u2028fetch('https://evil.net')").features
    assert not read_javascript("console.log('\u00e9\u6f22\U0001f600'.length)").features
