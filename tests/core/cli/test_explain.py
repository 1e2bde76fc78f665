from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml

from permit0.cli import main
from permit0.cli.demo_replay import load_demo

START = 1_767_600_000


def earlier(tmp_path: Path, scenario_id: str) -> tuple[Path, str, str]:
    """All steps of a published attack but the last, and that one."""
    scenario = next(item for item in load_demo().scenarios if item.id == scenario_id)
    *before, last = scenario.steps
    path = tmp_path / "before.jsonl"
    path.write_text(
        "".join(
            json.dumps(
                {
                    "id": i,
                    "session": scenario.session,
                    "tool": step.tool,
                    "args": step.args,
                    "ts": START + step.at_s,
                    "approved": step.approved,
                }
            )
            + "\n"
            for i, step in enumerate(before)
        ),
        encoding="utf-8",
    )
    return path, last.tool, json.dumps(last.args)


def test_published_step_is_explained_down_to_the_formula(
    org: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    given = '{"amount": 12000, "currency": "GBP", "recipient": "Alpha", "country": "UK"}'
    assert main(["explain", "payments.transfer", given, "--config", str(org)]) == 1
    out = capsys.readouterr().out
    assert "amount +25" in out
    assert "when amount above 10,000" in out
    assert "30 of 30  (43 before the limit)" in out
    assert "= 0.4201" in out
    assert "medium, from 0.35 to below 0.55" in out
    assert "no single change of this call, and no pair of changes, is enough" in out


def test_threshold_that_would_help_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    given = '{"amount": 500, "currency": "USD", "customer": "c1"}'
    assert main(["explain", "payments.charge", given]) == 1
    out = capsys.readouterr().out
    assert "ALLOW" in out
    assert "amount were below 100" in out
    assert "without payments.charge/amount_100_to_1000" in out


def test_block_says_that_it_is_immutable_and_how_long_it_lasts(
    org: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before, tool, given = earlier(tmp_path, "app_fraud_scatter_transfer")
    arguments = ["explain", tool, given, "--config", str(org), "--before", str(before)]
    assert main(arguments) == 1
    out = capsys.readouterr().out
    assert "scatter_transfer is immutable" in out
    assert "lifted to 0.75 by a block" in out
    # The first of the five is 36 minutes old; it leaves the window of an hour in 24.
    assert "HUMAN  after a wait of 24 minutes 1 seconds" in out
    assert main([*arguments, "--json"]) == 1
    document = json.loads(capsys.readouterr().out)
    assert document["outlook"]["wait_s"] == 1441
    assert document["actions"][0]["milder"] == []
    assert document["actions"][0]["immutable"] == ["scatter_transfer"]
    assert document["conditions"]["payments.transfer/currency_foreign"] == "amount.foreign is true"


def test_waiting_alone_does_not_undo_an_exposure(
    org: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before, tool, given = earlier(tmp_path, "insider_exfiltration")
    assert main(["explain", tool, given, "--config", str(org), "--before", str(before)]) == 1
    out = capsys.readouterr().out
    assert "waiting does not help" in out
    assert "without the earlier calls of this session" in out


def test_other_session_than_that_of_the_earlier_calls_can_be_named(
    org: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before, tool, given = earlier(tmp_path, "insider_exfiltration")
    arguments = ["explain", tool, given, "--config", str(org), "--before", str(before)]
    assert main([*arguments, "--json"]) == 1
    assert main([*arguments, "--session", "another"]) == 0
    assert "ALLOW" in capsys.readouterr().out


def test_allowed_call_needs_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["explain", "files.read", '{"path": "README.md"}']) == 0
    assert "For a milder decision" not in capsys.readouterr().out


def test_unreadable_call_says_why(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["explain", "process.shell", '{"command": 3}']) == 1
    out = capsys.readouterr().out
    assert "before it could be scored" in out
    assert "shell_not_text" in out


def test_bad_line_before_is_named_by_its_number(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = tmp_path / "b.jsonl"
    before.write_text('{"session": "s", "tool": "x", "args": {}}\n{"tool": 1}\n', encoding="utf-8")
    assert main(["explain", "files.read", '{"path": "a"}', "--before", str(before)]) == 2
    assert "line 2 of --before" in capsys.readouterr().err


def test_deny_list_is_a_reason_that_can_be_lifted(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = tmp_path / "c.yaml"
    entry = {"action": "files.read", "reason": "not here"}
    config.write_text(yaml.safe_dump({"lists": {"deny": [entry]}}), encoding="utf-8")
    given = '{"path": "README.md"}'
    assert main(["explain", "files.read", given, "--config", str(config)]) == 1
    assert "if it were not on the deny list" in capsys.readouterr().out


def test_rule_of_the_configuration_shows_its_condition(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = tmp_path / "c.yaml"
    rule = {
        "id": "house_rule",
        "effect": "approval",
        "when": {"amount": {"at_least": 5, "below": 50}},
        "why": "ours",
    }
    config.write_text(yaml.safe_dump({"rules": {"payments.charge": [rule]}}), encoding="utf-8")
    given = '{"amount": 20, "currency": "USD", "customer": "c"}'
    assert main(["explain", "payments.charge", given, "--config", str(config)]) == 1
    out = capsys.readouterr().out
    assert "when amount at least 5 and below 50" in out
    assert "amount were below 5" in out or "amount were at least 50" in out
