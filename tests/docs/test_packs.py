"""The tables of docs/packs.md name what a pack may say: all of it, and nothing else."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

import pytest
from pydantic import BaseModel

from permit0.model.vocabulary import Effect
from permit0.normalize import pack_schema
from permit0.normalize.facts import COMMON_FACTS, FACTS_OF

DOCUMENT = (Path(__file__).parents[2] / "docs" / "packs.md").read_text(encoding="utf-8")
WORD = re.compile(r"`([^`]+)`")


def section(heading: str) -> str:
    """The text below a heading."""
    found = re.search(rf"^## {heading}\n(.*?)(?=^## |\Z)", DOCUMENT, re.MULTILINE | re.DOTALL)
    assert found is not None
    return found[1]


def first_column(heading: str) -> list[str]:
    """The words in the first column of a section's table."""
    rows = [line.split("|")[1] for line in section(heading).splitlines() if line.startswith("| `")]
    return [word for row in rows for word in WORD.findall(row)]


@pytest.mark.parametrize(
    ("heading", "model"),
    [
        ("What a pack may say", pack_schema.PackSpec),
        ("Conditions", pack_schema.TestSpec),
        ("Session lines", pack_schema.SessionTestSpec),
        ("Mappings", pack_schema.MappingSpec),
        ("Routes", pack_schema.RouteSpec),
        ("Cases", pack_schema.CaseSpec),
    ],
)
def test_table_names_every_key(heading: str, model: type[BaseModel]) -> None:
    """In the order of the schema or another, but each once."""
    assert sorted(first_column(heading)) == sorted(model.model_fields)


def test_effects_are_those_of_the_code() -> None:
    """Mildest first."""
    assert sorted(first_column("Lines")) == sorted(effect.value for effect in Effect)


def test_types_have_the_facts_that_they_give() -> None:
    """The whole row."""

    def row(facts: Iterable[str]) -> list[str]:
        return sorted(facts)

    text = section("Parameters and facts")
    shown = {
        words[0]: row(words[1:])
        for line in text.splitlines()
        if line.startswith("| `") and (words := WORD.findall(line))
    }
    assert shown == {kind.value: row(facts) for kind, facts in FACTS_OF.items()}
    assert all(f"`{fact}`" in text for fact in COMMON_FACTS)
