"""`permit0 pack test --mutate` on the command line."""

from __future__ import annotations

from pathlib import Path

import pytest

from permit0.cli import main

PACK = """\
pack: acme.house
version: 1
rules:
  payments.transfer:
    - id: large_here
      when: {amount: {at_least: 5000}}
      effect: approval
      why: 5,000 or more asks a person here
cases:
  - name: five thousand
    call: {tool: payments.transfer, args: {amount: 5000, recipient: Alpha}}
    decision: human
    rules: [large_here]
    reasons: [floor_approval/large_here]
"""
CALM = """\
  - name: just less
    call: {tool: payments.transfer, args: {amount: 4999, recipient: Alpha}}
    decision: human
    not_rules: [large_here]
"""


def write(folder: Path, text: str) -> str:
    path = folder / "house.yaml"
    path.write_text(text, encoding="utf-8")
    return str(path)


def test_survivor_is_named_and_fails(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """File, line, action and what was changed."""
    path = write(tmp_path, PACK)
    assert main(["pack", "test", "--mutate", "--processes", "1", path]) == 1
    out = capsys.readouterr().out.splitlines()
    assert out == [
        'house.yaml:6  payments.transfer  rules.large_here.when: {"amount":{"at_least":5000}} -> dropped',
        "house.yaml:6  payments.transfer  rules.large_here.when.amount.at_least: 5000 -> 4999",
        "3 of 5 changes noticed, survivors 40.0 %, at most 5 % may survive",
    ]


def test_case_that_notices_everything_passes(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The twin: one more case, and nothing is left."""
    path = write(tmp_path, PACK + CALM)
    assert main(["pack", "test", "--mutate", "--processes", "1", path]) == 0
    assert capsys.readouterr().out == "5 of 5 changes noticed, survivors 0.0 %\n"


def test_bound_is_the_callers(tmp_path: Path) -> None:
    """Forty percent are within fifty."""
    path = write(tmp_path, PACK)
    arguments = ["pack", "test", "--mutate", "--processes", "1", path, "--max-survivors"]
    assert main([*arguments, "50"]) == 0
    assert main([*arguments, "39.9"]) == 1


def test_failing_case_comes_first(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A case that fails by itself would notice everything."""
    path = write(tmp_path, PACK.replace("decision: human", "decision: allow"))
    assert main(["pack", "test", "--mutate", path]) == 2
    assert "fails although nothing was changed" in capsys.readouterr().err


@pytest.mark.parametrize(
    "wrong",
    [["--max-survivors", "101"], ["--max-survivors", "-1"], ["--max-survivors", "nan"], ["--processes", "0"]],
)  # fmt: skip
def test_bound_that_is_none_is_refused(wrong: list[str], tmp_path: Path) -> None:
    """Nothing runs with a bound that nothing could break."""
    assert main(["pack", "test", "--mutate", write(tmp_path, PACK), *wrong]) == 2


def test_pack_of_mappings_alone_has_nothing_to_change(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """It says so."""
    text = (
        "pack: acme.none\nversion: 1\nmappings: [{tools: [acme_wire], action: payments.transfer}]\n"
    )
    assert main(["pack", "test", "--mutate", write(tmp_path, text)]) == 0
    assert "nothing to change" in capsys.readouterr().out
