from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from permit0.build import assemble
from permit0.cli import main
from permit0.cli.check_jsonl import MAX_LINE_BYTES, LineClock, LineDecider
from permit0.config import load_config

SECRET = "aws_secret_access_key = wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
Answers = Callable[..., list[dict[str, Any]]]


def line(**fields: object) -> str:
    """A good line, with fields changed; None leaves one out."""
    whole: dict[str, object] = {
        "id": 1,
        "session": "s",
        "tool": "files.read",
        "args": {"path": "README.md"},
        **fields,
    }
    return json.dumps({name: value for name, value in whole.items() if value is not None})


@pytest.fixture
def answers(stdin: Callable[[bytes], None], capsys: pytest.CaptureFixture[str]) -> Answers:
    def ask(*lines: str | bytes) -> list[dict[str, Any]]:
        stdin(b"\n".join(item.encode() if isinstance(item, str) else item for item in lines))
        assert main(["check", "--jsonl"]) == 0
        return [json.loads(text) for text in capsys.readouterr().out.splitlines()]

    return ask


def test_every_line_has_one_answer_in_order_with_the_fields_of_the_contract(
    answers: Answers,
) -> None:
    found = answers(line(id="a"), line(id=2), line(id=None), line(id=True), line(id=1.5))
    assert [item["id"] for item in found] == ["a", 2, None, True, 1.5]
    names = {
        "id",
        "action",
        "domain",
        "tier",
        "score",
        "decision",
        "flags",
        "rules",
        "reason",
    }
    assert set(found[0]) == names
    assert found[0]["action"] == "files.read"
    assert found[0]["domain"] == "files"
    assert found[0]["decision"] == "allow"


def test_several_actions_are_listed(answers: Answers) -> None:
    (found,) = answers(line(tool="process.shell", args={"command": "ls; cat notes.txt"}))
    assert len(found["actions"]) > 1
    assert found["action"] == found["actions"][0]


@pytest.mark.parametrize(
    ("bad", "word"),
    [
        ("nonsense", "JSON"),
        ("[1]", "object"),
        ('{"id": 1, "id": 2, "session": "s", "tool": "x", "args": {}}', "twice"),
        ('{"id": 7, "session": "s", "tool": "x", "args": {"a": 1, "a": 2}}', "'a'"),
        (line(extra=1), "extra"),
        (line(approve=True), "'approved'"),
        (line(tool=3), "'tool'"),
        (line(tool=None), "'tool'"),
        (line(session=None), "'session'"),
        (line(args=None), "'args'"),
        (line(args=[1]), "'args'"),
        (line(ts="now"), "'ts'"),
        (line(ts=-1), "'ts'"),
        (line(ts=True), "'ts'"),
        (line(ts=10**400), "'ts'"),
        (line(ts=1).replace('"ts": 1', '"ts": NaN'), "'ts'"),
        (line(ts=1).replace('"ts": 1', '"ts": 1e999'), "'ts'"),
        (line(approved="yes"), "'approved'"),
        (line(principal=1), "'principal'"),
        (line(id=[1]), "'id'"),
        (line(id=1).replace('"id": 1', '"id": NaN'), "'id'"),
        (line(tool="a\ud800"), "'tool'"),
        (b'{"id": 1, "session": "\xff"}', "UTF-8"),
        ('{"a":' * 50_000, "nested"),
        (b'{"id": "' + b"x" * MAX_LINE_BYTES + b'"}', "longer"),
        (b"x" * (MAX_LINE_BYTES * 3), "longer"),
    ],
)
def test_bad_line_is_an_error_in_its_place_and_the_run_goes_on(
    answers: Answers, bad: str | bytes, word: str
) -> None:
    before, found, after = answers(line(id="before"), bad, line(id="after"))
    assert before["decision"] == after["decision"] == "allow"
    assert set(found) == {"id", "error"}
    assert word in found["error"]


def test_error_echoes_the_id_where_it_can_be_read(answers: Answers) -> None:
    (found,) = answers(line(id="mine", extra=1))
    assert found["id"] == "mine"


def test_blank_lines_carriage_returns_and_a_byte_order_mark_are_no_lines(
    answers: Answers,
) -> None:
    found = answers(b"\xef\xbb\xbf" + line(id=1).encode() + b"\r", b"", b"  \r", line(id=2))
    assert [item["id"] for item in found] == [1, 2]


def test_argument_that_is_no_number_is_a_decision_and_no_error(answers: Answers) -> None:
    text = line(tool="payments.transfer", args={"amount": 7, "recipient": "A"})
    (found,) = answers(text.replace("7", "NaN"))
    assert found["decision"] == "deny"
    assert found["tier"] == "critical"


def test_time_of_a_line_drives_the_rules(answers: Answers) -> None:
    def charges(gap_s: int) -> list[str]:
        lines = [
            line(
                session=f"gap {gap_s}",
                tool="payments.charge",
                args={"amount": 1, "currency": "USD", "customer": f"c{i}"},
                ts=1_700_000_000 + i * gap_s,
            )
            for i in range(5)
        ]
        return [item["decision"] for item in answers(*lines)]

    assert charges(15)[-1] == "deny"
    assert charges(3600)[-1] != "deny"


@pytest.mark.parametrize(
    ("tool", "args", "approved", "exposes"),
    [
        ("files.read", {"path": "notes/a.txt"}, None, True),
        ("some_unknown_tool", {}, True, True),
        ("some_unknown_tool", {}, None, False),
        ("some_unknown_tool", {}, False, False),
        ("payments.transfer", {"amount": 300_000, "recipient": "A"}, True, False),
    ],
)
def test_output_counts_only_if_the_call_ran(
    answers: Answers, tool: str, args: dict[str, object], approved: bool | None, exposes: bool
) -> None:
    mail = line(tool="email.send", args={"to": "x@elsewhere.com", "subject": "s", "body": "b"})
    first = line(tool=tool, args=args, approved=approved, output={"text": SECRET})
    found = answers(first, mail)
    assert ("read_then_exfiltrate" in found[1]["rules"]) is exposes


def test_file_is_read_like_stdin(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "calls.jsonl"
    file.write_text(line(id=1) + "\n" + line(id=2), encoding="utf-8")
    assert main(["check", "--jsonl", str(file)]) == 0
    assert [json.loads(text)["id"] for text in capsys.readouterr().out.splitlines()] == [1, 2]
    assert main(["check", "--jsonl", str(tmp_path / "none")]) == 2
    assert "unreadable_file" in capsys.readouterr().err


def test_program_can_converse_line_by_line() -> None:
    with subprocess.Popen(
        [sys.executable, "-m", "permit0", "check", "--jsonl"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        for number in range(5):
            process.stdin.write(line(id=number).encode() + b"\n")
            process.stdin.flush()
            assert json.loads(process.stdout.readline())["id"] == number
        process.stdin.close()
        assert process.wait(timeout=120) == 0


def test_long_session_is_as_quick_at_its_end_as_at_its_start() -> None:
    clock = LineClock()
    decider = LineDecider(assemble(load_config(None), clock=clock).engine, clock)
    lines = [line(id=i, ts=1_700_000_000 + i).encode() for i in range(6000)]

    def seconds(part: list[bytes]) -> float:
        start = time.perf_counter()
        for item in part:
            decider.answer(item)
        return time.perf_counter() - start

    seconds(lines[:1000])
    early, late = seconds(lines[1000:2000]), seconds(lines[5000:])
    assert late < early * 3 + 0.1  # a list that is read again for each call would be far beyond
