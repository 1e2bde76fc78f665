"""`permit0 approvals`: another process sees what waits and answers it; a yes is bound to what was shown."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import permit0
from permit0.cli import main
from permit0.clock import SystemClock
from permit0.token.key_folder import KeyFolder

LARGE = {"amount": 12_000, "currency": "USD", "recipient": "Vendor Alpha"}


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    KeyFolder(tmp_path / "keys", clock=SystemClock()).generate()
    file = tmp_path / "permit0.yaml"
    file.write_text("{state: {path: permit0.db}, keys: {path: keys}, audit: {}}\n")
    return file


def ask(config: Path) -> permit0.ApprovalRequest:
    with pytest.raises(permit0.ApprovalRequired) as asked:
        permit0.build_guard(config).admit("payments.transfer", LARGE, call_id="call_1")
    request = asked.value.request
    assert isinstance(request, permit0.ApprovalRequest)
    return request


def run_again(config: Path) -> str:
    try:
        permit0.build_guard(config).admit("payments.transfer", LARGE, call_id="call_1")
    except permit0.Denied as refusal:
        return refusal.reason_code
    return "ran"


def test_what_waits_is_listed_and_shown(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["approvals"]) == 0
    assert "nothing waits" in capsys.readouterr().out
    request = ask(config)
    assert main(["approvals", "list", "--json"]) == 0
    (waiting,) = json.loads(capsys.readouterr().out)
    assert (waiting["id"], waiting["status"]) == (request.id, "pending")
    assert main(["approvals", "show", request.id[:8]]) == 0
    shown = capsys.readouterr().out
    assert 'recipient = "Vendor Alpha"' in shown
    assert request.view_digest in shown


def test_a_yes_from_another_process_lets_the_call_run_once(config: Path) -> None:
    request = ask(config)
    assert run_again(config) == "approval_pending"
    approve = ["approvals", "approve", request.id, "--by", "alice", "--shown", request.view_digest]
    assert main(approve) == 0
    assert run_again(config) == "ran"
    assert run_again(config) != "ran"
    assert main(["audit", "verify", "permit0.db"]) == 0


def test_a_no_stays(config: Path) -> None:
    request = ask(config)
    assert main(["approvals", "reject", request.id, "--by", "alice"]) == 0
    assert [run_again(config), run_again(config)] == ["approval_rejected"] * 2


@pytest.mark.parametrize("shown", ["", "0" * 64, "abc"])
def test_a_yes_to_something_else_does_not_count(
    config: Path, shown: str, capsys: pytest.CaptureFixture[str]
) -> None:
    request = ask(config)
    approve = ["approvals", "approve", request.id, "--by", "alice", "--shown"]
    assert main([*approve, shown]) == 2
    assert "approval_view_changed" in capsys.readouterr().err
    assert run_again(config) == "approval_pending"


def test_the_agent_cannot_answer_for_itself(
    config: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    request = ask(config)
    approve = ["approvals", "approve", request.id, "--shown", request.view_digest, "--by"]
    assert main([*approve, "default"]) == 1
    assert "approval_self" in capsys.readouterr().err
    assert main([*approve, "alice"]) == 0
    assert main([*approve, "bob"]) == 1
    assert "approval_answered" in capsys.readouterr().err


def test_without_a_state_file_there_is_nothing_to_answer(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "permit0.yaml"
    file.write_text("mode: enforce\n")
    assert main(["approvals", "list", "--config", str(file)]) == 2
    assert "bad_config" in capsys.readouterr().err


def test_an_unknown_request_is_one_sentence(
    config: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["approvals", "show", "f" * 32]) == 2
    assert "approval_unknown" in capsys.readouterr().err
