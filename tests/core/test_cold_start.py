"""What a start does without: libraries that only files in YAML need."""

from __future__ import annotations

from collections.abc import Callable

import msgspec
import pytest

from permit0 import builtin, config, config_schema
from permit0.build import assemble
from permit0.config import load_config, parse_config, parse_org
from permit0.normalize.loader import LoadedPack, load_packs
from permit0.plugins.manager import Plugins
from permit0.policy.guardrails import tune
from permit0.provenance import describe
from permit0.score.scorer import TIER_BOUNDS

Modules = Callable[[str], set[str]]


def test_engine_without_files_in_yaml_needs_no_yaml_and_no_schema(modules_after: Modules) -> None:
    start = "import permit0; e = permit0.build_engine(); e.check('payments.transfer', {'amount': 1, 'to': 'x'})"
    builtin.load_built_in()  # makes the cache where there is none
    assert not modules_after(start) & {"pydantic", "yaml", "asyncio"}


def test_engine_with_a_configuration_reads_it_with_both(modules_after: Modules) -> None:
    start = "from permit0.config import parse_config; parse_config('org: {}', 'x')"
    assert modules_after(start) >= {"pydantic", "yaml"}


def test_defaults_are_those_of_the_schema() -> None:
    written = config_schema.ConfigFile().model_dump()
    assert msgspec.to_builtins(config.Config()) == written
    assert load_config(None).config == config.Config()
    assert parse_config("", "x").config == config.Config()
    assert parse_org({}) == config.OrgConfig()


FULL = """\
org: {domains: [a.com], default_currency: EUR, fx_to_default: {USD: 1},
  approved_payees: [A, {name: B, account: C}], customers: [d], environment: test}
mode: observe
profile: fintech
weights: {flags: {FINANCIAL: 1}, amplifiers: {amount: 1.5}, tier_bounds: {low: 0.2}}
limits: {transfer_total: 1000}
lists:
  deny: [{action: files.*, tool: x, when: {path: /a}, reason: r}]
  allow: [{action: files.read, reason: r, owner: o, expires: 2027-01-01T00:00:00+01:00}]
rules: {email.send: [{id: x, effect: gate, when: {any: [{a.b: 1}]}, why: w}]}
state: {path: s.db}
packs: [p.yaml]
plugins: [q]
audit: {path: a.db, durability: power, key: k}
deployment: d
keys: {path: k}
tokens: {scorer_ttl_s: 1, human_ttl_s: 2}
approval: {timeout_s: 3}
"""


def test_everything_that_a_configuration_can_say_arrives() -> None:
    found = parse_config(FULL, "permit0.yaml").config
    said = msgspec.to_builtins(found)
    assert set(said) == set(config_schema.ConfigFile.model_fields)
    defaults = msgspec.to_builtins(config.Config())
    assert not [name for name in said if said[name] == defaults[name]]
    assert found.lists.allow[0].expires.isoformat() == "2027-01-01T00:00:00+01:00"
    assert found.org.approved_payees[1] == config.PayeeConfig(name="B", account="C")
    assert isinstance(found.org.fx_to_default["USD"], float)
    assert isinstance(found.weights.flags["FINANCIAL"], int)


def test_profile_of_the_published_numbers_changes_none() -> None:
    plain = tune(parse_config("", "x"), TIER_BOUNDS)
    assert (plain.flags, plain.amplifiers, plain.tier_bounds) == ({}, {}, TIER_BOUNDS)
    assert tune(parse_config("profile: fintech", "x"), TIER_BOUNDS) != plain


def fingerprint(packs: list[LoadedPack], text: str = "") -> str:
    loaded = parse_config(text, "permit0.yaml")
    tuning = tune(loaded, TIER_BOUNDS)
    return describe(
        version="1", loaded=loaded, packs=packs, plugins=Plugins().loaded, tuning=tuning
    ).policy


def test_fingerprint_is_the_same_however_the_packs_were_read() -> None:
    builtin.load_built_in()
    cached, _ = builtin.load_built_in()
    written = load_packs(builtin.permit0_pack_files())
    assert all(pack.checked_with for pack in cached)
    assert not any(pack.checked_with for pack in written)
    assert fingerprint(cached) == fingerprint(written)
    assert fingerprint(cached) != fingerprint(written[1:])


@pytest.mark.parametrize(
    "text",
    [
        "org: {domains: [a.com]}", "mode: observe", "profile: fintech", "limits: {transfer_total: 1000}",
        "lists: {allow: [{action: files.read, reason: r, owner: o, expires: 2027-01-01T00:00:00Z}]}",
        "rules: {email.send: [{id: x, effect: gate, why: w}]}", "weights: {flags: {FINANCIAL: 1.5}}",
    ],
)  # fmt: skip
def test_fingerprint_covers_what_the_configuration_says(text: str) -> None:
    cached, _ = builtin.load_built_in()
    assert fingerprint(cached, text) != fingerprint(cached)
    assert fingerprint(cached, text) == fingerprint(cached, text + "\naudit: {path: elsewhere.db}")


def test_deployment_from_the_cache_explains_itself_from_the_yaml() -> None:
    """`permit0 explain` and `pack test` need what the cache has not."""
    deployment = assemble(parse_config("", "x"))
    pack = next(pack for pack in deployment.packs if pack.policy.actions)
    assert pack.checked_with
    assert set(pack.spec.actions) == set(pack.policy.actions)
    assert pack.spec.cases
