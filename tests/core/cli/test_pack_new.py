"""`permit0 pack new` writes a pack that passes at once."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from permit0.cli import main

TOOLS = [
    {
        "name": "frobnicate",
        "description": "does\n# things: {x}\ncases: []",
        "inputSchema": {"properties": {"level": {"type": "integer"}}, "required": ["level"]},
    },
    {"name": "send_email"},
    {"name": 'charge"}\u202e\x07\n: {card', "description": "x"},
]


@pytest.fixture(autouse=True)
def _in_a_folder_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize(
    "actions",
    [
        [],
        ["payments.transfer", "files.write"],
        ["secrets.read"],
    ],
)
def test_new_pack_passes_at_once(actions: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """Its cases, and every change of its rule is noticed."""
    options = [part for action in actions for part in ("--action", action)]
    assert main(["pack", "new", "acme.start", *options]) == 0
    assert main(["pack", "test", "acme.start.yaml"]) == 0
    assert main(["pack", "test", "--mutate", "--processes", "1", "acme.start.yaml"]) == 0
    assert "survivors 0.0 %" in capsys.readouterr().out


def test_file_that_is_there_stays(capsys: pytest.CaptureFixture[str]) -> None:
    """Somebody's work."""
    Path("acme.yaml").write_text("mine", encoding="utf-8")
    assert main(["pack", "new", "acme"]) == 2
    assert "(file_exists)" in capsys.readouterr().err
    assert Path("acme.yaml").read_text(encoding="utf-8") == "mine"
    assert main(["pack", "new", "acme", "--out", "other.yaml"]) == 0


def test_tools_of_a_list_are_mapped_or_left_to_the_author() -> None:
    """What a tool says of itself cannot break out of its comment or its quotes."""
    Path("tools.json").write_text(json.dumps({"tools": TOOLS}), encoding="utf-8")
    assert main(["pack", "new", "acme", "--tools", "tools.json"]) == 0
    text = Path("acme.yaml").read_text(encoding="utf-8")
    assert main(["pack", "test", "acme.yaml"]) == 0
    assert "send_email" not in text  # it is mapped already
    assert "frobnicate" in text
    assert "\u202e" not in text
    assert text.count("\ncases:") == 1


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["Acme Billing"], "bad_usage"),
        (["../evil"], "bad_usage"),
        (["acme", "--action", "payments.transfr"], "unknown_action"),
        (["acme", "--action", "unknown.unclassified"], "bad_usage"),
        (["acme", "--tools", "nowhere.json"], "unreadable_file"),
        (["acme", "--out", "no/such/folder/acme.yaml"], "unwritable_file"),
    ],
)
def test_what_cannot_be_written_is_one_sentence(
    arguments: list[str], code: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """And nothing is written."""
    assert main(["pack", "new", *arguments]) == 2
    error = capsys.readouterr().err
    assert f"({code})" in error
    assert error.count("\n") == 1
    assert not list(Path().glob("*.yaml"))


def test_pack_can_only_raise(capsys: pytest.CaptureFixture[str]) -> None:
    """A rule that a pack adds to another pack's action lowers nothing."""
    assert main(["pack", "new", "acme", "--action", "payments.transfer"]) == 0
    path = Path("acme.yaml")
    text = path.read_text(encoding="utf-8")
    for old, new in (("effect: approval", "effect: allow"), ("{scope: 5}", "{scope: -5}")):
        path.write_text(text.replace(old, new), encoding="utf-8")
        assert main(["pack", "test", "acme.yaml"]) == 2
        assert "can only raise" in capsys.readouterr().err


def test_rule_of_an_unknown_action_or_a_known_id_is_refused(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """It would never fire, or hide another."""
    assert main(["pack", "new", "acme", "--action", "payments.transfer"]) == 0
    path = Path("acme.yaml")
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace("  payments.transfer:", "  payments.transfr:"), encoding="utf-8")
    assert main(["pack", "test", "acme.yaml"]) == 2
    assert "did you mean 'payments.transfer'" in capsys.readouterr().err
    path.write_text(text.replace("id: large_here", "id: payee_unapproved"), encoding="utf-8")
    assert main(["pack", "test", "acme.yaml"]) == 2
    assert "there is a rule 'payee_unapproved' already" in capsys.readouterr().err
