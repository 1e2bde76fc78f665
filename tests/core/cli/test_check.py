from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from permit0.cli import main

TRANSFER = '{"amount": 12000, "currency": "USD", "recipient": "Alpha Ltd"}'


def test_allowed_call_is_0_and_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", "files.read", '{"path": "README.md"}']) == 0
    out = capsys.readouterr().out
    assert "ALLOW" in out
    assert "files.read" in out


def test_call_for_a_person_is_1_with_rule_reason_and_flags(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["check", "payments.transfer", TRANSFER]) == 1
    out = capsys.readouterr().out
    assert "HUMAN" in out
    assert "USD 12,000" in out
    assert "payments.transfer/amount_over_10000" in out
    assert "FINANCIAL" in out


def test_json_carries_reasons_and_identity(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", "payments.transfer", TRANSFER, "--json"]) == 1
    document = json.loads(capsys.readouterr().out)
    assert document["decision"] == "human"
    assert document["reasons"][0]["code"] == "gate"
    assert document["domain"] == "payments"
    assert len(document["id"]) == 32


def test_arguments_come_from_file_stdin_and_options_alike(
    tmp_path: Path, stdin: Callable[[bytes], None], capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "a.json"
    file.write_text(TRANSFER, encoding="utf-8")
    stdin(TRANSFER.encode())
    pairs = ["--arg", "amount=12000", "--arg", "currency=USD", "--arg", "recipient=Alpha Ltd"]
    digests = set()
    for given in ([TRANSFER], [f"@{file}"], ["-"], pairs):
        assert main(["check", "payments.transfer", *given, "--json"]) == 1
        digests.add(json.loads(capsys.readouterr().out)["digest"])
    assert len(digests) == 1


@pytest.mark.parametrize("literal", ["NaN", "Infinity", "-Infinity", "1e999"])
def test_number_that_is_none_is_refused_by_the_engine(
    literal: str, capsys: pytest.CaptureFixture[str]
) -> None:
    given = f'{{"amount": {literal}, "recipient": "Alpha"}}'
    assert main(["check", "payments.transfer", given, "--json"]) == 1
    document = json.loads(capsys.readouterr().out)
    assert document["decision"] == "deny"
    assert document["error"] == "number_not_finite"


@pytest.mark.parametrize(
    ("given", "code"),
    [
        ("{", "bad_json"),
        ("", "bad_json"),
        ('{"a": 1} x', "bad_json"),
        ("[1]", "arguments_not_object"),
        ("3", "arguments_not_object"),
        ('{"a": 1, "a": 2}', "duplicate_member"),
        ('{"a": {"b": 1, "b": 2}}', "duplicate_member"),
        ('{"a":' * 20_000, "bad_json"),
        ('{"a":' + "9" * 5000 + "}", "bad_json"),
        ("@no/such/file.json", "unreadable_file"),
        ("@a\0b", "unreadable_file"),
    ],
)
def test_unreadable_arguments_are_one_sentence(
    given: str, code: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["check", "files.read", given]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("permit0: ")
    assert captured.err.count("\n") == 1
    assert code in captured.err


def test_lone_surrogate_is_a_refusal_and_no_traceback(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", "files.read", '{"path": "a\\ud800"}']) == 1
    out = capsys.readouterr().out
    assert "DENY" in out
    assert "surrogate" in out


def test_argument_cannot_repaint_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    evil = json.dumps({"path": "a\x1b[2J\rALLOW\u202eb\n"})
    main(["check", "files.read", evil])
    out = capsys.readouterr().out
    assert "\x1b" not in out
    assert "\r" not in out
    assert "\u202e" not in out
    assert "\\x1b[2J\\rALLOW\\u202eb\\n" in out


@pytest.mark.parametrize(
    "arguments",
    [
        ["check"],
        ["check", "x", "{}", "--arg", "a=1"],
        ["check", "x", "--arg", "a"],
        ["check", "x", "--arg", "a=1", "--arg", "a=2"],
        ["check", "x", "--arg", 'a={"b":1,"b":2}'],
        ["check", "x", "--jsonl"],
        ["check", "--unknown"],
        ["nonsense"],
        [],
    ],
)
def test_wrong_usage_is_2(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(arguments) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "Traceback" not in captured.err


def test_value_that_is_no_json_is_text(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", "files.read", "--arg", "path=docs/a = b.md", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["action"] == "files.read"


def test_configuration_decides(org: Path, capsys: pytest.CaptureFixture[str]) -> None:
    given = '{"to": "a@acme-corp.com", "subject": "hi", "body": "hello"}'
    assert main(["check", "email.send", given, "--json"]) in (0, 1)
    without = json.loads(capsys.readouterr().out)
    assert main(["check", "email.send", given, "--json", "--config", str(org)]) == 0
    inside = json.loads(capsys.readouterr().out)
    assert "email.send/internal" in inside["rules"]
    assert "email.send/internal" not in without["rules"]


def test_bad_configuration_is_one_sentence_with_its_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bad = tmp_path / "bad.yaml"
    bad.write_text("org:\n  domain: [x.com]\n", encoding="utf-8")
    assert main(["check", "files.read", "{}", "--config", str(bad)]) == 2
    err = capsys.readouterr().err
    assert "bad.yaml:2" in err
    assert err.rstrip().endswith("(bad_config)")
    assert main(["check", "files.read", "{}", "--config", "none.yaml"]) == 2
    assert "(bad_config)" in capsys.readouterr().err


def test_observe_mode_lets_the_call_run_and_says_what_it_would_have_been(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = tmp_path / "observe.yaml"
    config.write_text("mode: observe\n", encoding="utf-8")
    assert main(["check", "payments.transfer", TRANSFER, "--config", str(config)]) == 0
    assert "would be human" in capsys.readouterr().out
