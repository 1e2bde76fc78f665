from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

import permit0 as package
from permit0.cli import main

Run = Callable[..., subprocess.CompletedProcess[bytes]]


def test_version_and_help_load_no_engine(permit0: Run) -> None:
    code = (
        "import sys; from permit0.cli import main; code = main(['--help']); "
        "print([m for m in ('rich', 'pydantic', 'yaml', 'tree_sitter', 'permit0.engine') "
        "if m in sys.modules], file=sys.stderr); sys.exit(code)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=False)
    assert done.returncode == 0
    assert done.stderr.strip() == b"[]"
    assert b"permit0 demo" in done.stdout
    version = permit0("--version")
    assert version.returncode == 0
    assert version.stdout.decode().strip() == f"permit0 {package.__version__}"


def test_exit_codes_reach_the_shell(permit0: Run) -> None:
    assert permit0("check", "files.read", '{"path": "README.md"}').returncode == 0
    assert permit0("check", "payments.transfer", '{"amount": 1, "recipient": "A"}').returncode == 1
    done = permit0("check", "files.read", "{")
    assert done.returncode == 2
    assert b"Traceback" not in done.stderr


def test_closed_pipe_is_quiet() -> None:
    with subprocess.Popen(
        [sys.executable, "-m", "permit0", "taxonomy", "--json"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        assert process.stderr.read() == b""
        assert process.wait(timeout=30) == 141


@pytest.mark.skipif(os.name == "nt", reason="no SIGINT to a child there")
def test_interrupt_is_quiet() -> None:
    # Where tests run in the background SIGINT is ignored, and a child would inherit that.
    ours = signal.signal(signal.SIGINT, signal.SIG_DFL)
    try:
        process = subprocess.Popen(
            [sys.executable, "-m", "permit0", "check", "--jsonl"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
    finally:
        signal.signal(signal.SIGINT, ours)
    with process:
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdin.write(b"x\n")
        process.stdin.flush()
        process.stdout.readline()  # it has started and waits for more
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=30) == 130
        assert process.stderr.read() == b""


def test_taxonomy_marks_what_has_a_policy(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["taxonomy"]) == 0
    out = capsys.readouterr().out
    assert "● transfer" in out
    assert "finance and legal" in out
    assert main(["taxonomy", "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    payments = {item["verb"]: item["policy"] for item in document["domains"]["payments"]}
    assert payments["transfer"] is True
    assert len(document["domains"]) == 21


def test_plugins_lists_the_core(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["plugins", "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["loaded"][0]["name"] == "core"
    assert document["loaded"][0]["version"] == package.__version__
    assert document["loaded"][0]["hooks"] == ["permit0_pack_files", "permit0_session_rules"]
    assert main(["plugins"]) == 0
    assert "permit0_session_rules" in capsys.readouterr().out


def test_color_is_for_terminals_and_for_those_who_ask(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def colored(*arguments: str) -> bool:
        main([*arguments, "check", "files.read", '{"path": "README.md"}'])
        return "\x1b[" in capsys.readouterr().out

    assert not colored()
    monkeypatch.setenv("FORCE_COLOR", "1")
    assert colored()
    assert not colored("--no-color")
    monkeypatch.setenv("NO_COLOR", "1")
    assert not colored()


def test_no_color_may_stand_after_the_command(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    main(["check", "files.read", '{"path": "README.md"}', "--no-color"])
    assert "\x1b[" not in capsys.readouterr().out


def test_terminal_without_unicode_gets_ascii() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "permit0", "demo", "--fast"],
        capture_output=True,
        env={**os.environ, "PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"},
        check=False,
    )
    assert done.returncode == 0, done.stderr
    text = done.stdout.decode("ascii")
    assert "BLOCKED by scatter_transfer" in text
    assert "\\u" not in text
    assert "###|####|" in text


def test_narrow_terminal_stays_within_its_columns(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], org: Path
) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    transfer = '{"amount": 12000, "currency": "GBP", "recipient": "Vendor Alpha Ltd"}'
    for command in (
        ["check", "payments.transfer", transfer, "--config", str(org)],
        ["explain", "payments.transfer", transfer, "--config", str(org)],
        ["taxonomy"],
        ["plugins"],
    ):
        main(command)
        lines = capsys.readouterr().out.splitlines()
        assert max(map(len, lines)) <= 40, command


def test_help_is_quick(permit0: Run) -> None:
    start = time.perf_counter()
    permit0("--help")
    assert time.perf_counter() - start < 2
