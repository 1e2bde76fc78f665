from __future__ import annotations

import contextlib
import io
import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import msgspec
import pytest
import yaml

from permit0.cli import main
from permit0.cli.demo import show
from permit0.cli.demo_deployment import Attempt, LogCheck, deploy
from permit0.cli.demo_replay import load_demo, replay
from permit0.cli.demo_view import log_lines
from permit0.cli.terminal import Symbols, make_terminal
from permit0.token.keys import SigningKey

WALKTHROUGH = Path(__file__).parents[2] / "walkthrough.yaml"


def published() -> dict[str, Any]:
    document = yaml.safe_load(WALKTHROUGH.read_text(encoding="utf-8"))
    assert isinstance(document, dict)
    return document


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    """What `permit0 demo --json` says."""
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        assert main(["demo", "--json"]) == 0
    found = json.loads(out.getvalue())
    assert isinstance(found, dict)
    return found


@pytest.fixture(scope="module")
def picture() -> str:
    """What `permit0 demo --fast` shows in a terminal of UTF-8."""
    out = io.BytesIO()
    with contextlib.redirect_stdout(io.TextIOWrapper(out, encoding="utf-8")):
        assert main(["demo", "--fast"]) == 0
        return out.getvalue().decode()


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


def test_json_demo_computes_every_published_result(document: dict[str, Any]) -> None:
    assert document["stopped"] is True
    assert document["calls"] == 15
    for scenario, wanted in zip(document["scenarios"], published()["scenarios"], strict=True):
        assert scenario["stopped_by"] == wanted["steps"][-1]["rule"]
        for step, expected in zip(scenario["steps"], wanted["steps"], strict=True):
            assert (step["tier"], step["decision"]) == (expected["tier"], expected["decision"])
            if "score" in expected:
                assert f"{step['score']:.2f}" == f"{expected['score']:.2f}"
            assert set(expected.get("flags", [])) <= set(step["flags"])


def test_demo_names_the_rule_that_stopped_each_attack(picture: str) -> None:
    out = picture
    for rule in ("scatter_transfer", "card_testing", "read_then_exfiltrate"):
        assert f"BLOCKED by {rule}" in out
        assert f"by {rule}\n" in out
    assert "5 of 6 recipients" in out
    assert out.count("approved by a person (simulated): Dana Reyes") == 9
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


@pytest.mark.parametrize("columns", [40, 60, 80, 120])
def test_no_line_is_wider_than_the_terminal(
    columns: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    assert main(["demo", "--fast"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert max(map(len, lines)) <= columns


def test_pipe_gets_no_escape_code_and_whole_lines(picture: str) -> None:
    assert "\x1b" not in picture
    assert "6 distinct recipients within 60 minutes, the limit is 6." in picture


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


def test_every_allowed_step_runs_once_and_its_token_opens_nothing_else(
    document: dict[str, Any],
) -> None:
    ids: set[str] = set()
    for scenario in document["scenarios"]:
        *ran, stopped = scenario["steps"]
        assert stopped["token"] is None
        for step in ran:
            token = step["token"]
            ids.add(token["claims"]["jti"])
            assert token["runs"] == 1
            assert token["claims"]["args"] == step["digest"]
            assert token["claims"]["act"] == step["action"]
            assert token["claims"]["by"] == ("human" if step["approved"] else "scorer")
            assert token["ttl_s"] == (3600 if step["approved"] else 300)
        tried = [step["token"]["refused"] for step in ran]
        assert [refusal["code"] for refusal in tried[0]] == [
            "token_arguments_mismatch",
            "token_replayed",
        ]
        assert tried[0][0]["argument"] in ran[0]["args"]
        assert not any(tried[1:])
    assert len(ids) == 12


def test_log_verifies_and_a_copy_with_a_flipped_byte_does_not(document: dict[str, Any]) -> None:
    audit = document["audit"]
    copy = audit["changed_copy"]
    assert audit["ok"] is True
    assert copy["ok"] is False
    assert (copy["seq"], copy["code"]) == (copy["flipped_in"], "record_altered")
    assert 1 < copy["seq"] <= audit["records"]


def test_log_has_approvals_and_what_the_gateway_did(document: dict[str, Any]) -> None:
    """Each approval is asked, answered and used; each run authorized, run and reported."""
    decisions, approvals, runs, tries = 15, 9 * 3, 12 * 3, 3 * 2
    expected = decisions + approvals + runs + tries
    assert document["audit"]["records"] == expected


def test_no_output_holds_a_token(document: dict[str, Any], picture: str) -> None:
    for out in (json.dumps(document), picture):
        assert not re.search(r"v4\.public|k4\.secret|k4\.public", out)


def test_picture_shows_the_refusals_once_in_each_scenario(picture: str) -> None:
    out = picture
    assert out.count("gateway: accepted, ran once") == 12
    assert out.count(": token_arguments_mismatch") == 3
    assert out.count("same token again: token_replayed") == 3
    assert "amount 12000 → 120000" in out
    assert re.search(r"audit log: \d+ records verified, chain intact", out)
    assert re.search(r"one flipped byte: first bad record \d+, record_altered", out)


def test_person_who_says_no_leaves_no_token(capsys: pytest.CaptureFixture[str]) -> None:
    demo = load_demo()
    whole = demo.scenarios[0]
    no = msgspec.structs.replace(whole.steps[0], approved=False)
    cut = msgspec.structs.replace(whole, steps=(no,))
    with deploy(demo.org) as deployment:
        (result,) = replay(deployment, cut)
    assert result.execution is None
    assert not result.ran
    assert show(make_terminal(no_color=True), demo, [cut], pause_s=0) == 1
    out = capsys.readouterr().out
    assert "refused by a person (simulated)" in out
    assert "gateway: accepted" not in out


def test_token_that_opens_more_than_one_door_is_no_success() -> None:
    demo = load_demo()
    with deploy(demo.org) as deployment:
        first = next(replay(deployment, demo.scenarios[1]))
        good = first.execution
        check = deployment.check_log()
    assert good is not None
    assert good.is_good
    assert not msgspec.structs.replace(good, runs=2).is_good
    assert not msgspec.structs.replace(good, attempts=(Attempt(""),)).is_good
    missed = LogCheck(check.log, check.flipped)
    assert check.is_good
    assert not missed.is_good
    said = [line.plain for line in log_lines(missed, Symbols(unicode=False))]
    assert said[1].endswith("nothing was found")


def run_alone(
    folder: Path, environment: dict[str, str], *options: str
) -> subprocess.CompletedProcess[str]:
    plain = {name: value for name, value in os.environ.items() if "PERMIT0" not in name}
    return subprocess.run(
        [sys.executable, "-m", "permit0", "demo", "card", "--fast", *options],
        cwd=folder,
        env={**plain, "PYTHONIOENCODING": "utf-8", **environment},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


@pytest.mark.parametrize("name", ["odd #?%41 name", "ümläut", "x" * 150, "a'b"])
def test_folder_of_the_demo_may_have_any_name_and_is_gone(tmp_path: Path, name: str) -> None:
    odd = tmp_path / name
    odd.mkdir()
    done = run_alone(tmp_path, {"TMPDIR": str(odd)})
    assert done.returncode == 0, done.stderr
    assert "BLOCKED by card_testing" in done.stdout
    assert list(odd.iterdir()) == []


def test_keys_home_and_folder_of_whoever_runs_it_do_not_matter(tmp_path: Path) -> None:
    mine = {
        "PERMIT0_SIGNING_KEY": SigningKey.generate().reveal(),
        "PERMIT0_ACCEPTED_KEYS": "nonsense",
        "PERMIT0_CONFIG": str(tmp_path / "none.yaml"),
        "HOME": "/nonexistent",
        "TMPDIR": str(tmp_path / "none"),
    }
    broken = tmp_path / "permit0.yaml"
    broken.write_text("mode: nonsense\n", encoding="utf-8")
    done = run_alone(tmp_path, mine, "--json")
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    assert list(tmp_path.iterdir()) == [broken]


def test_link_to_the_folder_is_followed(tmp_path: Path) -> None:
    real = tmp_path / "real"
    real.mkdir()
    (tmp_path / "link").symlink_to(real)
    assert run_alone(tmp_path, {"TMPDIR": str(tmp_path / "link")}).returncode == 0
    assert list(real.iterdir()) == []


def test_no_folder_at_all_is_one_sentence(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def nowhere(*_: object, **__: object) -> str:
        raise FileNotFoundError("no usable temporary directory")

    monkeypatch.setattr("tempfile.mkdtemp", nowhere)
    assert main(["demo", "--fast"]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.count("\n") == 1
    assert "demo_folder" in captured.err
