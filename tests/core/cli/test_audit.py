"""`permit0 audit`: 0 for a log that is what was written, 1 with the first bad record named, 2 for no log."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from permit0.audit.keys import Ed25519Signer
from permit0.cli import main

Capture = pytest.CaptureFixture[str]
CONFIG = "org: {domains: [acme.com]}\naudit: {key: audit.secret}\n"
LOG = "permit0-audit.db"
LINES = "\n".join(
    json.dumps({"id": n, "session": f"s{n % 2}", "tool": tool, "args": args, "ts": 1767600000 + n})
    for n, (tool, args) in enumerate(
        [
            ("files.read", {"path": "/a"}),
            ("payments.transfer", {"amount": 12000, "recipient": "A"}),
            ("files.write", {"path": "/a", "content": "x", "token": "hunter2hunter2"}),
            ("files.read", {"path": "/b\u202e"}),
        ]
    )
)


@pytest.fixture(autouse=True)
def log(tmp_path: Path, stdin: Callable[[bytes], None], capsys: Capture) -> Path:
    """Four decisions, in the working directory."""
    signer = Ed25519Signer.from_seed(bytes(range(32)))
    secret = tmp_path / "audit.secret"
    secret.write_text(signer.secret_text(), encoding="ascii")
    secret.chmod(0o600)
    (tmp_path / "audit.pub").write_text(f"# ours\n{signer.public}\n", encoding="ascii")
    (tmp_path / "permit0.yaml").write_text(CONFIG, encoding="utf-8")
    stdin(LINES.encode())
    assert main(["check", "--jsonl"]) == 0
    capsys.readouterr()
    return tmp_path / LOG


def spoil(log: Path) -> None:
    with closing(sqlite3.connect(log)) as database, database:
        database.execute("UPDATE audit_records SET signature = zeroblob(64) WHERE seq = 3")


def test_good_log_is_0_and_bad_one_1_with_its_record(log: Path, capsys: Capture) -> None:
    assert main(["audit", "verify", LOG, "--key", "audit.pub"]) == 0
    assert "4 records are what was written" in capsys.readouterr().out
    spoil(log)
    assert main(["audit", "verify", LOG, "--key", "audit.pub"]) == 1
    out = capsys.readouterr().out
    assert "record 3 was changed" in out
    assert "record_altered" in out


def test_keys_of_the_log_itself_are_used_with_a_warning(capsys: Capture) -> None:
    assert main(["audit", "verify", LOG]) == 0
    assert "came with the log" in capsys.readouterr().out


def test_json_says_the_same(log: Path, capsys: Capture) -> None:
    assert main(["audit", "verify", LOG, "--json"]) == 0
    good = json.loads(capsys.readouterr().out)
    assert (good["ok"], good["records"]) == (True, 4)
    spoil(log)
    assert main(["audit", "verify", LOG, "--json"]) == 1
    bad = json.loads(capsys.readouterr().out)
    assert (bad["ok"], bad["seq"], bad["code"]) == (False, 3, "record_altered")


def test_strangers_key_is_1(tmp_path: Path, capsys: Capture) -> None:
    stranger = Ed25519Signer.generate().public
    (tmp_path / "other.pub").write_text(stranger, encoding="ascii")
    assert main(["audit", "verify", LOG, "--key", "other.pub"]) == 1
    assert "unknown_key" in capsys.readouterr().out


@pytest.mark.parametrize(
    "arguments",
    [
        ["verify", "none.db"], ["verify", "permit0.yaml"], ["verify", LOG, "--key", "audit.secret"],
        ["verify", LOG, "--key", "none"], ["verify", LOG, "--head", "permit0.yaml"],
        ["query", LOG, "--since", "yesterday"], ["query", LOG, "--since", "2026-01-01T00:00:00"],
        ["export", LOG, "out"], ["export", LOG, "audit.pub", "--format", "csv"],
        ["replay", LOG, "--config", "none.yaml"], ["rewrite", LOG],
    ],
)  # fmt: skip
def test_what_cannot_be_done_is_2(arguments: list[str], capsys: Capture) -> None:
    assert main(["audit", *arguments]) == 2
    assert capsys.readouterr().err


def test_query_selects_and_shows_no_control_characters(capsys: Capture) -> None:
    def found(*arguments: str) -> list[int]:
        assert main(["audit", "query", LOG, *arguments]) == 0
        return [int(line.split()[0]) for line in capsys.readouterr().out.splitlines()]

    assert found() == [1, 2, 3, 4]
    assert found("--session", "s1") == [2, 4]
    assert found("--outcome", "human") == [2]
    assert found("--tool", "files.read", "--limit", "1") == [4]
    assert found("--action", "payments.transfer") == [2]
    assert found("--since", "1767600001", "--until", "2026-01-05T08:00:02+00:00") == [2, 3]
    assert found("--agent", "nobody") == []
    main(["audit", "query", LOG, "--json", "--limit", "2"])
    records = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [record["seq"] for record in records] == [3, 4]
    assert main(["audit", "query", LOG]) == 0
    assert "\u202e" not in capsys.readouterr().out


def test_exports_verify_and_hold_no_secret(tmp_path: Path, capsys: Capture) -> None:
    for name in ("log.jsonl", "log.zip", "log.csv"):
        assert main(["audit", "export", LOG, name]) == 0
        assert b"hunter2" not in (tmp_path / name).read_bytes()
    assert main(["audit", "export", LOG, "head.json", "--format", "head"]) == 0
    for name in (LOG, "log.jsonl", "log.zip"):
        assert main(["audit", "verify", name, "--key", "audit.pub", "--head", "head.json"]) == 0
    capsys.readouterr()
    assert b"hunter2" not in (tmp_path / LOG).read_bytes()
    assert main(["audit", "export", LOG, "log.csv"]) == 2  # nothing is written over


def test_older_copy_is_found_with_a_kept_head(tmp_path: Path, capsys: Capture) -> None:
    older = (tmp_path / LOG).read_bytes()
    assert main(["check", "files.read", '{"path": "/c"}']) == 0
    assert main(["audit", "export", LOG, "head.json", "--format", "head"]) == 0
    (tmp_path / LOG).write_bytes(older)
    capsys.readouterr()
    assert main(["audit", "verify", LOG]) == 0
    assert main(["audit", "verify", LOG, "--head", "head.json"]) == 1
    assert "record 5 is missing" in capsys.readouterr().out
    forged = json.loads((tmp_path / "head.json").read_text()) | {"digest": "0" * 64}
    (tmp_path / "forged.json").write_text(json.dumps(forged))
    assert main(["audit", "verify", LOG, "--head", "forged.json"]) == 2


def test_replay_agrees_and_compares(tmp_path: Path, log: Path, capsys: Capture) -> None:
    assert main(["audit", "replay", LOG]) == 0
    assert "4 of 4 decisions follow" in capsys.readouterr().out
    strict = CONFIG + 'lists: {deny: [{action: "files.*", reason: no files}]}\n'
    (tmp_path / "strict.yaml").write_text(strict, encoding="utf-8")
    assert main(["audit", "replay", LOG, "--config", "strict.yaml"]) == 0
    out = capsys.readouterr().out
    assert "2 of 3 would be decided otherwise" in out
    assert "1 cannot be compared: a secret was taken out" in out
    assert main(["audit", "replay", LOG, "--config", "strict.yaml", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert [(c["seq"], c["before"], c["after"]) for c in found["changes"]] == [
        (1, "allow", "deny"), (4, "allow", "deny"),
    ]  # fmt: skip
    assert not (tmp_path / "none").exists()
    spoil(log)
    assert main(["audit", "replay", LOG]) == 1
    assert "record 3" in capsys.readouterr().out


def test_replay_records_nothing(log: Path, capsys: Capture) -> None:
    before = log.read_bytes()
    assert main(["audit", "replay", LOG, "--config", "permit0.yaml"]) == 0
    assert log.read_bytes() == before


@pytest.mark.skipif(os.name != "posix", reason="a pseudo-terminal is POSIX")
def test_progress_is_shown_on_a_terminal_only(log: Path) -> None:
    import pty

    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "permit0", "audit", "verify", str(log)]
    environment = {**os.environ, "TERM": "xterm"}
    done = subprocess.run(
        command, stderr=theirs, stdout=subprocess.PIPE, env=environment, check=False
    )
    os.close(theirs)
    shown = os.read(ours, 4096).decode()
    os.close(ours)
    assert done.returncode == 0
    assert "verifying" in shown
    piped = subprocess.run(command, capture_output=True, check=False)
    assert piped.stderr == b""
