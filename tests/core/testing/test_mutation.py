"""Mutation testing of packs: what is changed, and who notices."""

from __future__ import annotations

import pytest

from permit0.errors import BadPack
from permit0.normalize.loader import LoadedPack, load_pack
from permit0.testing.mutants import Target, mutants, targets
from permit0.testing.mutation import MutationBench, Outcome

TABLE = """\
pack: lab.rent
version: 1
patterns: {secret_places: ["**/vault/**"], odd_places: ["**/odd/**"]}
actions:
  commerce.book:
    risk: medium
    parameters:
      nights: {type: count}
      where: {type: path}
      mode: {type: label}
    flags: {MUTATION: primary}
    amplifiers: {scope: 8}
    rules:
      - id: long
        when: {nights: {at_least: 30}}
        effect: approval
        amplifiers: {scope: 10}
        why: a long stay
      - id: hidden
        when: {where: {matches: [secret_places, odd_places]}, mode: [quiet, silent]}
        effect: gate
        add_flags: {GOVERNANCE: secondary}
        why: hidden
    session:
      - id: many
        session: {count: 3, of: [commerce.book], within_s: 600}
        amplifiers: {volume: 9}
        why: three within ten minutes
"""
NOTICING = """\
cases:
  - name: a short stay
    call: {tool: commerce.book, args: {nights: 29}}
    decision: allow
    score: 0.14
    amplifiers: {scope: 8}
    not_rules: [long]
  - name: a long stay
    call: {tool: commerce.book, args: {nights: 30}}
    decision: human
    rules: [long]
    amplifiers: {scope: 18}
"""
TARGET = Target("lab.rent", "actions", "commerce.book")


def pack_of(text: str) -> LoadedPack:
    return load_pack(text, "rent.yaml")


def outcome_of(text: str) -> Outcome:
    bench = MutationBench([pack_of(text)])
    [outcome] = bench.run(bench.targets())
    return outcome


def survivors_of(text: str) -> set[str]:
    return {survivor.what for survivor in outcome_of(text).survivors}


def test_every_kind_of_change_is_made() -> None:
    """One of each; a number goes both ways."""
    changes = {mutant.what for mutant in mutants(pack_of(TABLE), TARGET)}
    assert {
        "flags.MUTATION: primary -> dropped",
        "flags.MUTATION: primary -> secondary",
        "amplifiers.scope: 8 -> 9",
        "amplifiers.scope: 8 -> 7",
        "outward: not there -> true",
        "rules.long.effect: approval -> upgrade",
        "rules.long.effect: approval -> block",
        'rules.long.when: {"nights":{"at_least":30}} -> dropped',
        "rules.long.when.nights.at_least: 30 -> 31",
        "rules.long.when.nights.at_least: 30 -> 29",
        "rules.long.amplifiers.scope: 10 -> 11",
        "rules.hidden.when.where.matches: secret_places -> dropped",
        "rules.hidden.when.mode: quiet -> dropped",
        'rules.hidden.when.mode: ["quiet","silent"] -> dropped',
        "rules.hidden.add_flags.GOVERNANCE: secondary -> dropped",
        "rules.hidden.add_flags.GOVERNANCE: secondary -> primary",
        "session.many.session.count: 3 -> 4",
        "session.many.session.within_s: 600 -> 599",
        "session.many.amplifiers.volume: 9 -> 8",
    } <= changes
    assert len(changes) == len(list(mutants(pack_of(TABLE), TARGET)))


def test_change_says_where_it_is() -> None:
    """File and line of what was changed, not of the action."""
    lines = TABLE.splitlines()
    by_what = {mutant.what: mutant.where for mutant in mutants(pack_of(TABLE), TARGET)}
    line = lines.index("        when: {nights: {at_least: 30}}") + 1
    assert by_what["rules.long.when.nights.at_least: 30 -> 31"] == f"rent.yaml:{line}"


def test_points_that_are_clamped_anyway_are_not_tried() -> None:
    """More than the ceiling, or less than nothing, changes no call."""
    text = TABLE.replace("amplifiers: {scope: 8}", "amplifiers: {scope: 35, amount: 0}")
    changes = {mutant.what for mutant in mutants(pack_of(text), TARGET)}
    assert "amplifiers.scope: 35 -> 34" in changes
    assert "amplifiers.scope: 35 -> 36" not in changes
    assert "amplifiers.amount: 0 -> -1" not in changes


def test_pinned_changes_are_noticed_and_others_survive() -> None:
    """What the two cases pin is noticed; the line that no case reaches is not."""
    left = survivors_of(TABLE + NOTICING)
    assert "rules.long.when.nights.at_least: 30 -> 31" not in left
    assert "rules.long.when.nights.at_least: 30 -> 29" not in left
    assert "amplifiers.scope: 8 -> 7" not in left
    assert "flags.MUTATION: primary -> secondary" not in left
    assert "session.many.session.count: 3 -> 4" in left
    assert "rules.hidden.effect: gate -> upgrade" in left


def test_reason_codes_notice_an_effect_that_the_tier_hides() -> None:
    """A gate on what is asked anyway is seen in the reasons only."""
    case = """\
cases:
  - name: a long stay in a hidden place
    call: {tool: commerce.book, args: {nights: 30, where: /srv/vault/a, mode: quiet}}
    decision: human
"""
    gone = "rules.hidden.effect: gate -> upgrade"
    assert gone in survivors_of(TABLE + case)
    assert gone not in survivors_of(
        TABLE + case + "    reasons: [gate/hidden, floor_approval/long]\n"
    )


def test_pack_without_cases_notices_nothing() -> None:
    """Everything survives; that is the point."""
    outcome = outcome_of(TABLE)
    assert outcome.tried == len(outcome.survivors) >= 30


def test_failing_case_is_an_error_and_not_a_notice() -> None:
    """Otherwise a broken case would hide every survivor."""
    broken = TABLE + NOTICING.replace("decision: allow", "decision: deny")
    with pytest.raises(BadPack, match="fails although nothing was changed"):
        MutationBench([pack_of(broken)])


def test_added_rules_are_changed_as_well() -> None:
    """A rule that a pack adds to an action of another one is that pack's own."""
    added = """\
pack: lab.house
version: 1
rules:
  commerce.book:
    - id: very_long
      when: {nights: {at_least: 90}}
      effect: block
      why: far too long
cases:
  - name: ninety nights
    call: {tool: commerce.book, args: {nights: 90}}
    decision: deny
"""
    packs = [pack_of(TABLE), load_pack(added, "house.yaml")]
    bench = MutationBench(packs)
    chosen = bench.targets(["lab.house"])
    assert chosen == (Target("lab.house", "rules", "commerce.book"),)
    [outcome] = bench.run(chosen)
    assert [item.what for item in outcome.survivors] == [
        'rules.very_long.when: {"nights":{"at_least":90}} -> dropped',
        "rules.very_long.when.nights.at_least: 90 -> 89",
    ]
    assert {item.where for item in outcome.survivors} == {"house.yaml:6"}


def test_case_of_another_pack_that_the_rules_change_is_left_out() -> None:
    """A stricter house is no defect of the pack that it builds on."""
    added = """\
pack: lab.house
version: 1
rules:
  commerce.book:
    - {id: all_here, effect: approval, why: every stay here asks}
"""
    packs = [pack_of(TABLE + NOTICING), load_pack(added, "house.yaml")]
    with pytest.raises(BadPack):
        MutationBench(packs)
    bench = MutationBench(packs, own=["lab.house"])
    assert [len(item.survivors) for item in bench.run(bench.targets(["lab.house"]))] == [1]


def test_several_processes_give_the_same_outcomes_in_the_same_order() -> None:
    """The report does not depend on the machine."""
    second = TABLE.replace("lab.rent", "lab.stay").replace("commerce.book", "commerce.create_order")
    packs = [pack_of(TABLE + NOTICING), load_pack(second, "stay.yaml")]
    bench = MutationBench(packs)
    assert len(list(targets(packs[0]))) == 1
    alone = list(bench.run(bench.targets()))
    assert alone == list(bench.run(bench.targets(), processes=2))
    assert [item.target.pack for item in alone] == ["lab.rent", "lab.stay"]
