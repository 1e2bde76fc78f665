"""`permit0 keys`: 0 done, 1 refused since it would hurt, 2 no keys or no such key; never a secret."""

from __future__ import annotations

import json
import os
import stat
import subprocess
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import pytest

from permit0.audit.keys import read_public_keys
from permit0.cli import keys as command
from permit0.cli import main
from permit0.clock import SystemClock
from permit0.errors import BadKey, InvalidInput
from permit0.token.key_file import KeyInfo, KeyStatus
from permit0.token.key_folder import KeyFolder, load_ring
from permit0.token.keys import parse_ring

Capture = pytest.CaptureFixture[str]
Run = Callable[..., subprocess.CompletedProcess[bytes]]
posix = pytest.mark.skipif(os.name != "posix", reason="permissions are POSIX")


@pytest.fixture(autouse=True)
def _no_keys_in_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("PERMIT0_SIGNING_KEY", "PERMIT0_ACCEPTED_KEYS"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def folder(tmp_path: Path, capsys: Capture) -> KeyFolder:
    """Keys at the default place."""
    assert main(["keys", "generate"]) == 0
    capsys.readouterr()
    return KeyFolder(tmp_path / "permit0-keys", clock=SystemClock())


def kids(folder: KeyFolder) -> list[str]:
    return [key.kid for key in folder.list()]


def out(capsys: Capture, *words: str, code: int = 0) -> str:
    """Standard output of one command, or standard error if it is to fail."""
    assert main(["keys", *words]) == code
    done = capsys.readouterr()
    assert "k4.secret" not in done.out + done.err
    return done.err if code else done.out


# -------------------------------------------------------------------- a life of a key


def test_generate_says_what_and_where(tmp_path: Path, capsys: Capture) -> None:
    text = out(capsys, "generate")
    folder = KeyFolder(tmp_path / "permit0-keys", clock=SystemClock())
    assert kids(folder)[0] in text
    assert str(tmp_path / "permit0-keys" / "keys.json") in text
    assert 'keys: {path: "permit0-keys"}' in text


def test_generate_twice_is_1_and_keeps_the_key(folder: KeyFolder, capsys: Capture) -> None:
    before = kids(folder)
    text = out(capsys, "generate", code=1)
    assert "key_exists" in text
    assert "permit0 keys rotate" in text
    assert kids(folder) == before


def test_rotate_then_retire(folder: KeyFolder, capsys: Capture) -> None:
    (old,) = kids(folder)
    text = out(capsys, "rotate")
    new = kids(folder)[0]
    assert new != old
    assert new in text
    assert f"permit0 keys retire {old}\n" in text
    assert old in out(capsys, "retire", old)
    assert [key.status for key in folder.list()] == [KeyStatus.SIGNING, KeyStatus.RETIRED]
    assert "retired since" in out(capsys, "retire", old)


def test_retiring_the_key_that_signs_is_1_with_a_way_out(
    folder: KeyFolder, capsys: Capture
) -> None:
    text = out(capsys, "retire", kids(folder)[0], code=1)
    assert "key_in_use" in text
    assert "permit0 keys rotate" in text
    assert folder.list()[0].status is KeyStatus.SIGNING


@pytest.mark.parametrize("verb", ["rotate", "list", "retire k4.pid.abcdefgh", "export"])
def test_without_keys_it_is_2(verb: str, capsys: Capture) -> None:
    assert "key_missing" in out(capsys, *verb.split(), code=2)


@pytest.mark.parametrize("words", [[], ["renew"], ["retire"], ["export", "a", "b"], ["list", "x"]])
def test_usage_is_2(words: list[str], capsys: Capture) -> None:
    out(capsys, *words, code=2)


# -------------------------------------------------------------------- which key


def test_a_beginning_of_a_kid_is_enough(folder: KeyFolder, capsys: Capture) -> None:
    for cut in ("", "…", "..."):
        old = kids(folder)[0]
        folder.rotate()
        out(capsys, "retire", old[:15] + cut)
        assert folder.list()[1].status is KeyStatus.RETIRED


@pytest.mark.parametrize(
    "kid",
    ["", "k4.pid.", "{short}", "{bare}", "{kid}A", "x{kid}", "{kid}\n", "k4.pid.ÄÖÜÄÖÜÄÖÜ", "k4.sid.abcdefgh"],
)  # fmt: skip
def test_what_is_no_beginning_of_a_kid_is_2(kid: str, folder: KeyFolder, capsys: Capture) -> None:
    old = kids(folder)[0]
    folder.rotate()
    given = kid.format(kid=old, short=old[:14], bare=old.removeprefix("k4.pid."))
    out(capsys, "retire", "--", given, code=2)
    assert folder.list()[1].status is KeyStatus.ACCEPTED
    out(capsys, "retire", old)


def test_a_beginning_of_two_kids_is_2() -> None:
    at = datetime.fromisoformat("2026-01-01T00:00:00+00:00")
    keys = tuple(KeyInfo(f"k4.pid.abcdefgh{end}", "", KeyStatus.ACCEPTED, at, None) for end in "xy")
    with pytest.raises(InvalidInput) as refusal:
        command._find("k4.pid.abcdefgh", keys)
    assert refusal.value.reason_code == "bad_usage"
    assert command._find("k4.pid.abcdefghx", keys) == "k4.pid.abcdefghx"


# -------------------------------------------------------------------- list


def test_list_is_a_table_for_programs_too(folder: KeyFolder, capsys: Capture) -> None:
    (old,) = kids(folder)
    folder.rotate()
    folder.retire(old)
    rows = [line.split() for line in out(capsys, "list").splitlines()]
    assert rows[0][:2] == ["kid", "status"]
    assert [row[:2] for row in rows[1:]] == [[kids(folder)[0], "signing"], [old, "retired"]]
    document = json.loads(out(capsys, "list", "--json"))
    assert [(key["kid"], key["status"]) for key in document["keys"]] == [
        (kids(folder)[0], "signing"),
        (old, "retired"),
    ]
    assert document["keys"][0]["retired"] is None
    assert document["keys"][0]["public"].startswith("k4.public.")


@pytest.mark.parametrize(("columns", "whole"), [("80", True), ("40", False)])
def test_list_fits(
    columns: str, whole: bool, folder: KeyFolder, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    (old,) = kids(folder)
    folder.rotate()
    folder.retire(old)
    monkeypatch.setenv("COLUMNS", columns)
    lines = out(capsys, "list").splitlines()
    assert max(map(len, lines)) <= int(columns)
    shown = [line for line in lines if line.startswith("k4.pid.")]
    assert len(shown) == 2
    assert (shown == kids(folder)) is whole
    out(capsys, "retire", shown[1])


# -------------------------------------------------------------------- where


def test_the_configuration_names_the_folder(tmp_path: Path, capsys: Capture) -> None:
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc" / "one.yaml").write_text("keys: {path: ours}\n")
    text = out(capsys, "generate", "--config", "etc/one.yaml")
    assert "put this into" not in text
    assert (tmp_path / "etc" / "ours" / "keys.json").is_file()
    (tmp_path / "etc" / "two.yaml").write_text("org: {}\n")
    assert "put this into" in out(capsys, "generate", "--config", "etc/two.yaml")
    assert (tmp_path / "etc" / "permit0-keys" / "keys.json").is_file()
    text = out(capsys, "generate", "--path", "a b/c")
    assert (tmp_path / "a b" / "c" / "keys.json").is_file()
    assert "--path 'a b/c'" in out(capsys, "rotate", "--path", "a b/c")


def test_a_path_needs_no_good_configuration(tmp_path: Path, capsys: Capture) -> None:
    (tmp_path / "permit0.yaml").write_text("nonsense: 1\n")
    assert "bad_config" in out(capsys, "generate", code=2)
    out(capsys, "generate", "--path", "k")
    out(capsys, "list", "--path", "k")


def test_where_only_public_keys_are_there_is_nothing_to_command(
    folder: KeyFolder, tmp_path: Path, capsys: Capture
) -> None:
    (tmp_path / "ring.json").write_text(folder.export())
    (tmp_path / "permit0.yaml").write_text("keys: {path: ring.json}\n")
    for verb in ("generate", "rotate", "list", "export"):
        assert "is a file" in out(capsys, verb, code=2)


def test_a_key_in_the_environment_is_told_of(
    capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PERMIT0_SIGNING_KEY", "whatever")
    assert "PERMIT0_SIGNING_KEY is set" in out(capsys, "generate")


# -------------------------------------------------------------------- export


def test_export_is_what_a_gateway_reads(folder: KeyFolder, tmp_path: Path, capsys: Capture) -> None:
    (old,) = kids(folder)
    folder.rotate()
    folder.retire(old)
    assert "2 public keys to ring.json" in out(capsys, "export", "ring.json")
    ring = load_ring(tmp_path / "ring.json")
    assert [key.kid for key in (*ring.accepted, *ring.retired)] == kids(folder)
    assert out(capsys, "export") == (tmp_path / "ring.json").read_text()
    assert out(capsys, "export", "-") == (tmp_path / "ring.json").read_text()


def test_export_for_auditors_holds_retired_keys_and_is_no_ring(
    folder: KeyFolder, tmp_path: Path, capsys: Capture
) -> None:
    (old,) = kids(folder)
    folder.rotate()
    folder.retire(old)
    out(capsys, "export", "audit.pub", "--format", "paserk")
    assert set(read_public_keys([tmp_path / "audit.pub"]).texts) == set(kids(folder))
    with pytest.raises(BadKey):
        parse_ring((tmp_path / "audit.pub").read_text(), where="it")


def test_export_replaces_nothing_unless_told(
    folder: KeyFolder, tmp_path: Path, capsys: Capture
) -> None:
    target = tmp_path / "ring.json"
    target.write_text("precious")
    assert "--force" in out(capsys, "export", "ring.json", code=1)
    assert target.read_text() == "precious"
    out(capsys, "export", "ring.json", "--force")
    assert len(load_ring(target).accepted) == 1
    assert sorted(path.name for path in tmp_path.iterdir()) == ["permit0-keys", "ring.json"]


def test_export_never_replaces_the_keys(folder: KeyFolder, tmp_path: Path, capsys: Capture) -> None:
    """It would take the secret away for good."""
    secret = folder.signing_key().reveal()
    (tmp_path / "link.json").symlink_to("permit0-keys/keys.json")
    (tmp_path / "hard.json").hardlink_to(tmp_path / "permit0-keys" / "keys.json")
    for name in ("permit0-keys/keys.json", "link.json", "hard.json", "permit0-keys"):
        assert "unwritable_file" in out(capsys, "export", name, "--force", code=2)
    assert folder.signing_key().reveal() == secret
    out(capsys, "export", "permit0-keys/public.json")


@pytest.mark.parametrize("name", ["nowhere/ring.json", "a\0b"])
def test_export_to_nowhere_is_2(name: str, folder: KeyFolder, capsys: Capture) -> None:
    assert "unwritable_file" in out(capsys, "export", name, code=2)
    assert len(kids(folder)) == 1


@posix
def test_modes_do_not_depend_on_the_umask(tmp_path: Path, permit0: Run) -> None:
    for umask in (0o000, 0o077):
        before = os.umask(umask)
        try:
            folder = f"keys{umask}"
            assert permit0("keys", "generate", "--path", folder).returncode == 0
            assert permit0("keys", "export", f"{folder}.json", "--path", folder).returncode == 0
        finally:
            os.umask(before)
        modes = [
            stat.S_IMODE(path.stat().st_mode)
            for path in (
                tmp_path / folder,
                tmp_path / folder / "keys.json",
                tmp_path / f"{folder}.json",
            )
        ]
        assert modes == [0o700, 0o600, 0o644]
