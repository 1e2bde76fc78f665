"""Packs from the cache are the packs of the YAML, in all that a decision can tell."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor

import msgspec
import pytest
from pydantic import BaseModel

from permit0 import builtin
from permit0.normalize import pack_policy, pack_schema
from permit0.normalize.catalog import Catalog
from permit0.normalize.compiler import compile_packs
from permit0.normalize.loader import LoadedPack
from permit0.taxonomy import load_taxonomy
from permit0.testing.pack_cases import CaseBench, built_in_packs


@pytest.fixture(scope="module")
def ours() -> tuple[list[LoadedPack], list[LoadedPack]]:
    """The packs that ship, from YAML and from the cache."""
    builtin.load_built_in()
    found, taxonomy = builtin.load_built_in()
    assert taxonomy == load_taxonomy()
    assert all(pack.checked_with for pack in found)
    return built_in_packs(), found


def test_cached_packs_say_what_the_yaml_says(
    ours: tuple[list[LoadedPack], list[LoadedPack]],
) -> None:
    for written, kept in zip(*ours, strict=True):
        assert (kept.name, kept.version, kept.file) == (written.name, written.version, written.file)
        assert kept.policy == written.policy
        assert msgspec.msgpack.encode(kept.policy) == msgspec.msgpack.encode(written.policy)
        assert kept.digest == written.digest
        assert kept.spec == written.spec
        assert kept.source.line(("actions",)) == written.source.line(("actions",))


def test_cached_packs_make_the_same_catalog(
    ours: tuple[list[LoadedPack], list[LoadedPack]],
) -> None:
    written, kept = (compile_packs(packs, load_taxonomy()) for packs in ours)
    assert kept.features == written.features
    assert kept.facts == written.facts
    assert kept.patterns == written.patterns
    assert kept.packs == written.packs
    assert kept.tools == written.tools
    assert list(kept.actions) == list(written.actions)
    assert {h: _comparable(r) for h, r in kept.routes.items()} == {
        h: _comparable(r) for h, r in written.routes.items()
    }
    for tool in written.tools:
        assert kept.find(tool) == written.find(tool), tool
        assert kept.names(tool) == written.names(tool)
        assert kept.find(f"mcp__x__{tool}") == written.find(f"mcp__x__{tool}")
    for action in written.actions:
        assert _table(kept, action) == _table(written, action)


def _comparable(routes: object) -> str:
    return re.sub(r"0x[0-9a-f]+", "", repr(routes))


def _table(catalog: Catalog, action: str) -> object:
    """All of an action but its predicates, which are functions."""
    entry = catalog.actions[action]
    template = entry.template
    lines = [
        (line.id, line.effect, line.change, line.why, line.floor, line.when is None)
        for line in (*template.rules, *template.session)
    ]
    kinds = {
        name: (item.kind, item.required, item.patterns and item.patterns.sets)
        for name, item in entry.parameters.items()
    }
    return (
        lines, kinds, template.base, template.roles, template.risk_class, template.pack, entry.required,
        entry.reads, entry.outward is None, entry.counterparty, entry.repeats,
    )  # fmt: skip


def test_cached_packs_decide_the_same(ours: tuple[list[LoadedPack], list[LoadedPack]]) -> None:
    written, kept = map(CaseBench, ours)
    sample = list(written.cases())[::8]
    assert len(sample) > 300
    for case in sample:
        one, other = written.run(case), kept.run(case)
        assert not one.failures
        assert not other.failures
        assert _seen(one.decision) == _seen(other.decision), case.where


def _seen(decision: object) -> object:
    return re.sub(r"0x[0-9a-f]+|id='[^']*'|time=[^,]*", "", repr(decision))


def test_tables_that_are_made_at_the_same_moment_are_one_table(
    ours: tuple[list[LoadedPack], list[LoadedPack]],
) -> None:
    catalog = compile_packs(ours[1], load_taxonomy())
    with ThreadPoolExecutor(8) as pool:
        for action in catalog.actions:
            found = list(pool.map(lambda _, a=action: catalog.actions[a], range(8)))
            assert all(entry is found[0] for entry in found)
            for line in found[0].template.session:
                assert line.test is not None


LEFT_OUT = {
    "PackSpec": {"about", "cases"},
    "MappingSpec": {"source"},
}
PAIRS = {
    pack_schema.PackSpec: pack_policy.PackPolicy,
    pack_schema.ActionSpec: pack_policy.ActionPolicy,
    pack_schema.ParameterSpec: pack_policy.ParameterPolicy,
    pack_schema.RuleSpec: pack_policy.RuleLine,
    pack_schema.SessionSpec: pack_policy.SessionLine,
    pack_schema.SessionTestSpec: pack_policy.SessionQuestion,
    pack_schema.TestSpec: pack_policy.FactTest,
    pack_schema.MappingSpec: pack_policy.MappingPolicy,
    pack_schema.RouteSpec: pack_policy.RoutePolicy,
}


@pytest.mark.parametrize("spec", PAIRS, ids=lambda spec: spec.__name__)
def test_everything_that_a_pack_can_say_is_kept(spec: type[BaseModel]) -> None:
    """A new key of the schema must reach the compiler, or be left out on purpose."""
    said = set(spec.model_fields) - LEFT_OUT.get(spec.__name__, set())
    kept = PAIRS[spec]
    assert said == set(kept.__struct_fields__)


def test_everything_that_a_condition_can_say_is_kept() -> None:
    assert set(pack_schema.ConditionSpec.model_fields) == {"any_of", "none_of"}
    assert set(pack_policy.Condition.__struct_fields__) == {"tests", "any_of", "none_of"}
