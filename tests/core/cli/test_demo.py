from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest
import yaml

from permit0.cli import main
from permit0.cli.demo import show
from permit0.cli.demo_replay import load_demo
from permit0.cli.terminal import make_terminal

WALKTHROUGH = Path(__file__).parents[2] / "walkthrough.yaml"


def published() -> dict[str, Any]:
    document = yaml.safe_load(WALKTHROUGH.read_text(encoding="utf-8"))
    assert isinstance(document, dict)
    return document


def test_demo_replays_the_published_calls_and_knows_no_result() -> None:
    demo = load_demo()
    expected = published()
    assert demo.org == expected["org"]
    for scenario, wanted in zip(demo.scenarios, expected["scenarios"], strict=True):
        assert (scenario.id, scenario.title, scenario.session) == (
            wanted["id"],
            wanted["title"],
            wanted["session"],
        )
        for step, call in zip(scenario.steps, wanted["steps"], strict=True):
            assert step.at_s == call["at_s"]
            assert step.tool == call["tool"]
            assert step.args == call["args"]
            assert step.approved == call.get("approved", False)


def test_json_demo_computes_every_published_result(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["demo", "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["stopped"] is True
    assert document["calls"] == 15
    for scenario, wanted in zip(document["scenarios"], published()["scenarios"], strict=True):
        assert scenario["stopped_by"] == wanted["steps"][-1]["rule"]
        for step, expected in zip(scenario["steps"], wanted["steps"], strict=True):
            assert (step["tier"], step["decision"]) == (expected["tier"], expected["decision"])
            if "score" in expected:
                assert f"{step['score']:.2f}" == f"{expected['score']:.2f}"
            assert set(expected.get("flags", [])) <= set(step["flags"])


def test_demo_names_the_rule_that_stopped_each_attack(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["demo", "--fast"]) == 0
    out = capsys.readouterr().out
    for rule in ("scatter_transfer", "card_testing", "read_then_exfiltrate"):
        assert f"BLOCKED by {rule}" in out
        assert f"by {rule}\n" in out
    assert "5 of 6 recipients" in out
    assert out.count("approved by a person (simulated)") == 9
    assert "15 calls" in out


def test_unique_prefix_chooses_a_scenario(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["demo", "card", "--fast"]) == 0
    out = capsys.readouterr().out
    assert "card_testing" in out
    assert "scatter_transfer" not in out


@pytest.mark.parametrize("prefix", ["nothing", "", "CARD"])
def test_unknown_scenario_is_one_sentence_with_the_known_ones(
    prefix: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["demo", prefix]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.count("\n") == 1
    assert "app_fraud_scatter_transfer, card_testing, insider_exfiltration" in captured.err
    assert "unknown_scenario" in captured.err


@pytest.mark.parametrize("columns", [40, 80, 120])
def test_no_line_is_wider_than_the_terminal(
    columns: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    assert main(["demo", "--fast"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert max(map(len, lines)) <= columns


def test_pipe_gets_no_escape_code_and_whole_lines(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["demo", "--fast"]) == 0
    out = capsys.readouterr().out
    assert "\x1b" not in out
    assert "6 distinct recipients within 60 minutes, the limit is 6." in out


def test_attack_that_is_not_stopped_is_1(capsys: pytest.CaptureFixture[str]) -> None:
    demo = load_demo()
    whole = demo.scenarios[1]
    cut = msgspec.structs.replace(whole, steps=whole.steps[:-1])
    terminal = make_terminal(no_color=True)
    assert show(terminal, demo, [cut], pause_s=0) == 1
    assert "not stopped" in capsys.readouterr().out
    assert show(terminal, demo, [whole], pause_s=0) == 0


def test_demo_is_the_same_under_a_strange_configuration(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    broken = tmp_path / "permit0.yaml"
    broken.write_text("mode: nonsense\n", encoding="utf-8")
    monkeypatch.setenv("PERMIT0_CONFIG", str(broken))
    assert main(["demo", "--fast", "card"]) == 0
    assert "BLOCKED by card_testing" in capsys.readouterr().out
