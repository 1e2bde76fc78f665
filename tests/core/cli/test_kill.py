"""`permit0 kill`, `resume` and `status`: 0 done, 1 refused, 2 not possible."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from permit0.audit.keys import Ed25519Signer
from permit0.cli import main
from permit0.clock import SystemClock
from permit0.model.kill import KillScope
from permit0.state.kills import SqliteKills
from permit0.testing.clock import FrozenClock
from permit0.testing.kill_contract import give

Capture = pytest.CaptureFixture[str]
PERSON = ("--by", "ann", "--reason", "it leaks")
STATE = "state: {path: permit0.db}\n"
AUDIT = "audit: {path: audit.db, key: audit.secret}\n"


@pytest.fixture(autouse=True)
def config(tmp_path: Path) -> Path:
    path = tmp_path / "permit0.yaml"
    path.write_text(STATE, encoding="utf-8")
    return path


@pytest.fixture
def audit(config: Path) -> Path:
    signer = Ed25519Signer.from_seed(bytes(range(32)))
    secret = config.with_name("audit.secret")
    secret.write_text(signer.secret_text(), encoding="ascii")
    secret.chmod(0o600)
    config.write_text(STATE + AUDIT, encoding="utf-8")
    return config.with_name("audit.db")


@pytest.fixture
def gateway(config: Path) -> SqliteKills:
    return SqliteKills(config.with_name("permit0.db"), name="gateway-1", clock=SystemClock())


@pytest.fixture
def show(capsys: Capture) -> Callable[..., Any]:
    """Runs a command with --json."""

    def run(*arguments: str) -> Any:
        assert main([*arguments, "--json"]) == 0
        return json.loads(capsys.readouterr().out)

    return run


def test_kill_is_in_force_at_once_and_resume_takes_it_back(
    gateway: SqliteKills, capsys: Capture
) -> None:
    assert gateway.state().active == ()
    assert main(["kill", "--agent", "bot", *PERSON]) == 0
    out = capsys.readouterr().out
    assert "agent bot is stopped" in out
    assert "ann: it leaks" in out
    (order,) = gateway.state().active
    assert (order.scope, order.target, order.by) == (KillScope.AGENT, "bot", "ann")
    assert main(["resume", "--agent", "bot", "--by", "bob", "--reason", "mended"]) == 0
    assert "agent bot may go on" in capsys.readouterr().out
    assert gateway.state().active == ()


@pytest.mark.parametrize(
    ("options", "scope", "target"),
    [
        (["--fleet"], "fleet", ""),
        (["--agent", "a b"], "agent", "a b"),
        (["--session", "s-1"], "session", "s-1"),
        (["--domain", "payments"], "domain", "payments"),
        (["--action", "payments.transfer"], "action", "payments.transfer"),
    ],
)
def test_each_scope_can_be_stopped_and_resumed(
    show: Callable[..., Any], options: list[str], scope: str, target: str
) -> None:
    killed = show("kill", *options, *PERSON)
    assert (killed["order"]["scope"], killed["order"]["target"]) == (scope, target)
    assert (killed["order"]["number"], killed["recorded"]) == (1, None)
    (active,) = show("status")["active"]
    assert active == killed["order"]
    assert show("resume", *options, *PERSON)["order"]["verb"] == "resume"
    status = show("status")
    assert (status["active"], status["orders"], status["number"]) == ([], 2, 2)


def test_status_shows_what_is_stopped_and_who_has_read_how_far(
    gateway: SqliteKills, config: Path, show: Callable[..., Any], capsys: Capture
) -> None:
    an_hour_ago = FrozenClock(SystemClock().now() - 3600)
    old = SqliteKills(config.with_name("permit0.db"), name="old", clock=an_hour_ago)
    old.state()
    show("kill", "--fleet", *PERSON)
    gateway.state()
    seen = {one["name"]: one["number"] for one in show("status")["seen"]}
    assert seen == {"old": 0, "gateway-1": 1}  # who runs a command is no enforcement point
    assert main(["status"]) == 0
    out = capsys.readouterr().out
    assert "1 kill in force" in out
    (line,) = [line for line in out.splitlines() if "old" in line]
    assert "reads the rest before its next decision" in line
    assert "idle or ended" in line
    (line,) = [line for line in out.splitlines() if "gateway-1" in line]
    assert "has read up to 1" in line
    assert "idle" not in line


def test_status_makes_no_file(config: Path, capsys: Capture, show: Callable[..., Any]) -> None:
    assert main(["status"]) == 0
    assert "no kill is in force" in capsys.readouterr().out
    assert show("status")["orders"] == 0
    assert main(["resume", "--fleet", *PERSON]) == 1
    assert "kill_not_active" in capsys.readouterr().err
    assert [file.name for file in config.parent.iterdir()] == ["permit0.yaml"]


def test_the_path_is_relative_to_the_configuration(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, gateway: SqliteKills
) -> None:
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    assert main(["kill", "--fleet", *PERSON, "--config", str(tmp_path / "permit0.yaml")]) == 0
    assert len(gateway.state().active) == 1
    assert main(["status"]) == 0  # found above
    assert not list(Path.cwd().iterdir())


@pytest.mark.parametrize("verb", ["kill", "resume", "status"])
@pytest.mark.parametrize("text", ["mode: enforce\n", None])
def test_without_a_shared_file_there_is_nothing_to_stop_with(
    config: Path, capsys: Capture, verb: str, text: str | None
) -> None:
    if text is None:
        config.unlink()
    else:
        config.write_text(text, encoding="utf-8")
    assert main([verb, *(() if verb == "status" else ("--fleet", *PERSON))]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "a kill switch needs a file that processes share" in captured.err
    assert captured.err.count("\n") == 1


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["--fleet"],
        ["--fleet", "--by", "ann"],
        ["--fleet", "--reason", "why"],
        ["--by", "ann", "--reason", "why"],
        ["--fleet", "--agent", "a", *PERSON],
        ["--domain", "payments", "--action", "payments.transfer", *PERSON],
        ["--agent", *PERSON],
        ["--flee", *PERSON],
    ],
)
@pytest.mark.parametrize("verb", ["kill", "resume"])
def test_one_scope_a_person_and_a_reason_are_required(
    verb: str, arguments: list[str], gateway: SqliteKills, capsys: Capture
) -> None:
    assert main([verb, *arguments]) == 2
    assert "usage" in capsys.readouterr().err
    assert gateway.orders() == ()


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["--domain", "paymets", *PERSON], "did you mean 'payments'? (kill_target)"),
        (["--action", "payments.tranfer", *PERSON], "'payments.transfer'? (kill_target)"),
        (["--agent", "", *PERSON], "kill_target"),
        (["--agent", "\udcff", *PERSON], "kill_target"),
        (["--fleet", "--by", " ", "--reason", "why"], "kill_by"),
        (["--fleet", "--by", "ann", "--reason", ""], "kill_reason"),
    ],
)
def test_a_slip_stops_nothing_and_says_so(
    arguments: list[str], code: str, gateway: SqliteKills, capsys: Capture
) -> None:
    assert main(["kill", *arguments]) == 2
    captured = capsys.readouterr()
    assert code in captured.err
    assert captured.out == ""
    assert gateway.orders() == ()


def test_resuming_what_is_not_stopped_is_1(
    gateway: SqliteKills, capsys: Capture, show: Callable[..., Any]
) -> None:
    show("kill", "--agent", "bot", *PERSON)
    assert main(["resume", "--agent", "bott", *PERSON]) == 1
    captured = capsys.readouterr()
    assert "did you mean 'bot'? (kill_not_active)" in captured.err
    assert captured.out == ""
    assert len(gateway.orders()) == 1


# -------------------------------------------------------------------- the audit log


def test_orders_are_recorded_in_the_configured_log(
    audit: Path, show: Callable[..., Any], capsys: Capture
) -> None:
    assert show("kill", "--agent", "bot", *PERSON)["recorded"] is True
    assert show("resume", "--agent", "bot", *PERSON)["recorded"] is True
    assert main(["audit", "verify", str(audit)]) == 0
    assert "3 records" in capsys.readouterr().out
    assert main(["audit", "query", str(audit), "--kind", "kill", "--agent", "bot", "--json"]) == 0
    lines = capsys.readouterr().out
    assert [word in lines for word in ('"kill"', '"resume_asked"', '"resume"')] == [True] * 3


@pytest.mark.parametrize("broken", ["key", "log"])
def test_a_kill_is_in_force_though_the_log_cannot_be_opened_and_a_resume_is_not(
    audit: Path, gateway: SqliteKills, capsys: Capture, broken: str
) -> None:
    if broken == "key":
        audit.with_name("audit.secret").unlink()
    else:
        audit.write_bytes(b"no database" * 1000)
    assert main(["kill", "--agent", "bot", *PERSON]) == 1
    captured = capsys.readouterr()
    assert "agent bot is stopped" in captured.out
    assert "kill_unrecorded" in captured.err
    assert len(gateway.state().active) == 1
    assert main(["resume", "--agent", "bot", *PERSON]) == (2 if broken == "key" else 1)
    assert capsys.readouterr().out == ""
    assert len(gateway.state().active) == 1


def test_an_unrecorded_kill_says_so_in_json(audit: Path, capsys: Capture) -> None:
    audit.write_bytes(b"no database" * 1000)
    assert main(["kill", "--fleet", *PERSON, "--json"]) == 1
    assert json.loads(capsys.readouterr().out)["recorded"] is False


# -------------------------------------------------------------------- the terminal


def test_names_cannot_repaint_the_screen(show: Callable[..., Any], capsys: Capture) -> None:
    name = "bot\x1b[2J\u202e\nno kill is in force"
    for arguments in (
        ["kill", "--agent", name, "--by", name, "--reason", name],
        ["status"],
        ["resume", "--agent", name, "--by", name, "--reason", name],
    ):
        assert main(arguments) == 0
        out = capsys.readouterr().out
        assert "\x1b" not in out
        assert "\u202e" not in out
        assert "\nno kill" not in out


def test_a_time_that_is_none_is_shown_all_the_same(gateway: SqliteKills, capsys: Capture) -> None:
    give(gateway, at=1e300)
    assert main(["status"]) == 0
    assert "1 kill in force" in capsys.readouterr().out


@pytest.mark.skipif(os.name != "posix", reason="needs file modes")
def test_a_state_file_that_cannot_be_used_is_2(
    config: Path, gateway: SqliteKills, capsys: Capture, show: Callable[..., Any]
) -> None:
    show("kill", "--fleet", *PERSON)
    config.with_name("permit0.db").chmod(0o666)
    for arguments in (["kill", "--fleet", *PERSON], ["resume", "--fleet", *PERSON], ["status"]):
        assert main(arguments) == 2
        assert "state_unsafe_file" in capsys.readouterr().err
