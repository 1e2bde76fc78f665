"""The packs that ship: every case holds, every action has a table, every mapping is tried."""

from __future__ import annotations

import time

import pytest

from permit0 import builtin
from permit0.model.vocabulary import Flag, Tier
from permit0.normalize.catalog import fold_name
from permit0.normalize.compiler import compile_packs
from permit0.normalize.loader import LoadedPack
from permit0.normalize.pack_schema import CaseSpec
from permit0.taxonomy import load_taxonomy
from permit0.testing.pack_cases import Case, CaseBench, built_in_packs

PACKS = built_in_packs()
BENCH = CaseBench(PACKS)
CASES = list(BENCH.cases())
MAX_LOAD_S = 1.0  # with the cache: some fifty times what it takes, see benchmarks/start.py


@pytest.fixture(scope="module")
def outcomes_of() -> dict[str, set[str]]:
    """What the calls of the cases get, by the actions that they are."""
    by_action: dict[str, set[str]] = {}
    for case in CASES:
        for item in BENCH.run(case).decision.actions:
            by_action.setdefault(item.action.action, set()).add(case.spec.decision)
    return by_action


def _calls(spec: CaseSpec) -> list[str]:
    return [fold_name(call.tool) for call in (*spec.before, spec.call)]


@pytest.mark.parametrize("case", CASES, ids=[f"{c.pack}: {c.spec.name}" for c in CASES])
def test_case_gets_its_decision(case: Case) -> None:
    """A case is data: it fails when a table moves."""
    failures = BENCH.run(case).failures
    assert not failures, f"{case.where}: " + "; ".join(
        f"{f.what}: expected {f.expected}, got {f.got}" for f in failures
    )


def test_names_of_cases_differ_within_a_pack() -> None:
    """A failing case is found by its name."""
    names = [(case.pack, case.spec.name) for case in CASES]
    assert len(names) == len(set(names))


def test_every_verb_of_the_taxonomy_has_a_table() -> None:
    """A verb without a table could not be decided."""
    wanted = set(load_taxonomy().actions)
    have = {action for pack in PACKS for action in pack.spec.actions}
    assert wanted <= have, sorted(wanted - have)


@pytest.mark.parametrize("action", sorted({a for p in PACKS for a in p.spec.actions}))
def test_action_has_a_case_that_asks_or_refuses(
    action: str, outcomes_of: dict[str, set[str]]
) -> None:
    """Every table is tried, and where it can ask or refuse, a case makes it do so."""
    outcomes = outcomes_of.get(action, set())
    assert outcomes
    stern = any(
        line.effect.value in {"medium", "high", "approval", "gate", "block"}
        for pack in PACKS
        for name, spec in pack.spec.actions.items()
        if name == action
        for line in (*spec.rules, *spec.session)
    )
    assert not stern or outcomes & {"human", "deny"}


@pytest.mark.parametrize(
    "rule",
    sorted(
        f"{action}/{line.id}"
        for pack in PACKS
        for action, spec in pack.spec.actions.items()
        for line in (*spec.rules, *spec.session)
    ),
)
def test_every_row_of_every_table_has_a_case(rule: str) -> None:
    """A row that no case names could be lost without notice."""
    named = {name for case in CASES for name in case.spec.rules}
    assert rule in named


@pytest.mark.parametrize("action", ["email.send", "process.shell", "files.read"])
def test_action_reaches_every_tier(action: str) -> None:
    """The tables use the whole scale."""
    tiers = {
        case.spec.tier
        for case in CASES
        if case.spec.tier is not None and fold_name(case.spec.call.tool) == fold_name(action)
    }
    assert tiers == {tier.value for tier in Tier}


@pytest.mark.parametrize("pack", PACKS, ids=[pack.spec.pack for pack in PACKS])
def test_every_mapping_has_a_case(pack: LoadedPack) -> None:
    """A mapping that nothing calls may be wrong for years."""
    called = {tool for case in CASES for tool in _calls(case.spec)}
    untried = [
        mapping.tools
        for mapping in pack.spec.mappings
        if called.isdisjoint(map(fold_name, mapping.tools))
    ]
    assert not untried


@pytest.mark.parametrize("pack", PACKS, ids=[pack.spec.pack for pack in PACKS])
def test_every_mapping_says_where_its_names_come_from(pack: LoadedPack) -> None:
    """A name that nobody checked is an invention."""
    assert all(mapping.source and mapping.vendor for mapping in pack.spec.mappings)


def test_what_hands_over_secrets_marks_the_session() -> None:
    """read_then_exfiltrate looks for reads that carry EXPOSURE."""
    specs = {name: spec for pack in PACKS for name, spec in pack.spec.actions.items()}
    for action in ("secrets.read", "iam.generate_api_key"):
        assert specs[action].reads
        assert Flag.EXPOSURE in specs[action].flags


def test_all_packs_load_at_once() -> None:
    """Packs are read at every start."""
    builtin.load_built_in()  # makes the cache where there is none
    start = time.perf_counter()
    compile_packs(*builtin.load_built_in())
    assert time.perf_counter() - start < MAX_LOAD_S
