from __future__ import annotations

import json
from pathlib import Path

import pytest

from permit0.cli import main
from permit0.normalize.loader import load_pack
from permit0.testing.pack_cases import CaseBench, built_in_packs, with_packs

PACK = """\
pack: my.pack
version: 1
mappings:
  - tools: [wire_it]
    action: payments.transfer
    arguments: {amount: sum, recipient: whom}
cases:
  - name: a wire is a transfer
    org: {approved_payees: [Alpha]}
    call: {tool: wire_it, args: {sum: 500, whom: Alpha}}
    decision: human
    action: payments.transfer
    flags: [FINANCIAL]
    rules: [amount_under_1000]
    not_rules: [payments.transfer/payee_unapproved]
    amplifiers: {amount: 18}
  - name: six wires
    before:
      - {tool: wire_it, args: {sum: 5, whom: A}}
      - {tool: wire_it, args: {sum: 5, whom: B}, at_s: 60}
      - {tool: wire_it, args: {sum: 5, whom: C}, at_s: 120}
      - {tool: wire_it, args: {sum: 5, whom: D}, at_s: 180}
      - {tool: wire_it, args: {sum: 5, whom: E}, at_s: 240}
    call: {tool: wire_it, args: {sum: 5, whom: F}, at_s: 300}
    decision: deny
    tier: critical
    rules: [scatter_transfer]
  - name: an output that holds a secret
    before:
      - {tool: some_tool, output: "aws_secret_access_key = wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"}
    call: {tool: email.send, args: {to: a@b.com, subject: s, body: b}, at_s: 5}
    decision: deny
    rules: [read_then_exfiltrate]
"""


def write(path: Path, text: str = PACK) -> str:
    path.write_text(text, encoding="utf-8")
    return str(path)


def test_cases_of_a_file_run_with_the_built_in_packs(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["pack", "test", write(tmp_path / "mine.yaml")]) == 0
    assert "3 of 3 cases passed" in capsys.readouterr().out


def test_folder_stands_for_its_files(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "sub").mkdir()
    write(tmp_path / "sub" / "mine.yaml")
    assert main(["pack", "test", str(tmp_path)]) == 0
    assert "3 of 3" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("old", "new", "what"),
    [
        ("decision: human", "decision: allow", "decision"),
        ("action: payments.transfer\n    flags", "action: payments.charge\n    flags", "action"),
        ("flags: [FINANCIAL]", "flags: [PHYSICAL]", "flags"),
        ("rules: [amount_under_1000]", "rules: [amount_over_10000]", "rules"),
        ("not_rules: [payments.transfer/payee_unapproved]", "not_rules: [amount_under_1000]", "not_rules"),
        ("amplifiers: {amount: 18}", "amplifiers: {amount: 19}", "amplifiers.amount"),
        ("tier: critical", "tier: high", "tier"),
        ("tier: critical", "score: 0.11", "score"),
    ],
)  # fmt: skip
def test_failure_names_case_place_and_both_values(
    old: str, new: str, what: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert old in PACK
    assert main(["pack", "test", write(tmp_path / "mine.yaml", PACK.replace(old, new))]) == 1
    out = capsys.readouterr().out
    assert "2 of 3 cases passed" in out
    assert "mine.yaml:" in out
    assert what in out
    assert "expected" in out
    assert "got" in out


def test_line_of_a_case_is_where_it_stands() -> None:
    bench = CaseBench(with_packs(built_in_packs(), [load_pack(PACK, "mine.yaml")]))
    places = [case.where for case in bench.cases(["my.pack"])]
    lines = PACK.splitlines()
    assert all("- name:" in lines[int(place.rpartition(":")[2]) - 1] for place in places)


def test_every_case_starts_from_nothing() -> None:
    bench = CaseBench(with_packs(built_in_packs(), [load_pack(PACK, "mine.yaml")]))
    for _ in range(2):
        assert not any(bench.run(case).failures for case in bench.cases(["my.pack"]))


def test_built_in_packs_pass(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["pack", "test"]) == 0, capsys.readouterr().out


def test_file_of_a_built_in_pack_takes_its_place(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = """\
pack: unknown.generic
version: 2
actions:
  unknown.unclassified:
    risk: critical
    flags: {EXECUTION: primary}
    rules:
      - {id: never, effect: block, why: nothing unknown runs here}
cases:
  - name: blocked
    call: {tool: whatever}
    decision: deny
    rules: [never]
"""
    assert main(["pack", "test", write(tmp_path / "u.yaml", text)]) == 0
    assert "1 of 1" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("pack: x\nversion: 1\nactionz: {}\n", "actionz"),
        ("- a\n", "x.yaml"),
        (":\n  - [", "x.yaml"),
    ],
)
def test_file_that_is_no_pack_is_one_sentence(
    text: str, word: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["pack", "test", write(tmp_path / "x.yaml", text)]) == 2
    captured = capsys.readouterr()
    assert word in captured.err
    assert captured.err.count("\n") == 1
    assert "bad_pack" in captured.err


def test_bad_org_of_a_case_says_which(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = PACK.replace("{approved_payees: [Alpha]}", "{domainz: [x]}")
    assert main(["pack", "test", write(tmp_path / "x.yaml", text)]) == 2
    assert "x.yaml:8" in capsys.readouterr().err


def test_missing_path_is_usage(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["pack", "test", str(tmp_path / "none.yaml")]) == 2
    assert "none.yaml" in capsys.readouterr().err
    assert main(["pack", "test", str(tmp_path)]) == 2
    assert "no pack file" in capsys.readouterr().err


def test_schema_has_the_names_that_a_pack_uses(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["pack", "schema"]) == 0
    schema = json.loads(capsys.readouterr().out)
    condition = schema["$defs"]["ConditionSpec"]["properties"]
    assert {"any", "not"} <= set(condition)
    assert "any_of" not in condition
