"""Another user of the machine can write to the folder of keys, or read the file: nothing uses it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from permit0.cli import main
from permit0.config import load_config
from permit0.deployment_keys import load_audit_signer, load_keys
from permit0.errors import BadConfig, StateUnavailable
from permit0.testing.clock import FrozenClock
from permit0.testing.tokens import TokenLab
from permit0.token.key_folder import KeyFolder
from permit0.token.watched_ring import LOOK_EVERY_S

pytestmark = pytest.mark.skipif(os.name != "posix", reason="permissions are POSIX")

OPENED = [
    pytest.param("keys", 0o770, id="folder, written by the group"),
    pytest.param("keys", 0o707, id="folder, written by others"),
    pytest.param("keys", 0o1777, id="folder, written by all and sticky"),
    pytest.param("keys/keys.json", 0o640, id="file, read by the group"),
    pytest.param("keys/keys.json", 0o604, id="file, read by others"),
    pytest.param("keys/keys.json", 0o620, id="file, written by the group"),
]


@pytest.fixture(autouse=True)
def keys(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> KeyFolder:
    monkeypatch.chdir(tmp_path)
    for name in ("PERMIT0_CONFIG", "PERMIT0_SIGNING_KEY", "PERMIT0_ACCEPTED_KEYS"):
        monkeypatch.delenv(name, raising=False)
    folder = KeyFolder(tmp_path / "keys", clock=FrozenClock())
    folder.generate()
    (tmp_path / "permit0.yaml").write_text("keys: {path: keys}\naudit: {}\n")
    return folder


def load(text: str = "keys: {path: keys}\n") -> None:
    Path("permit0.yaml").write_text(text)
    loaded = load_config(Path("permit0.yaml"))
    load_audit_signer(loaded, load_keys(loaded, clock=FrozenClock()))


@pytest.mark.parametrize(("name", "mode"), OPENED)
def test_no_command_uses_it(
    name: str, mode: int, keys: KeyFolder, capsys: pytest.CaptureFixture[str]
) -> None:
    good = Path(name).stat().st_mode
    kid = keys.list()[0].kid
    Path(name).chmod(mode)
    for words in (["rotate"], ["list"], ["export"], ["retire", kid]):
        assert main(["keys", *words]) == 2
        done = capsys.readouterr()
        assert "key_permissions" in done.err
        assert done.out == ""
    Path(name).chmod(good)
    assert main(["keys", "rotate"]) == 0


@pytest.mark.parametrize(("name", "mode"), OPENED)
@pytest.mark.parametrize("text", ["keys: {path: keys}\n", "audit: {key: keys}\n"])
def test_nothing_starts_with_it(name: str, mode: int, text: str) -> None:
    good = Path(name).stat().st_mode
    Path(name).chmod(mode)
    with pytest.raises(BadConfig) as refusal:
        load(text)
    assert refusal.value.reason_code == "key_permissions"
    Path(name).chmod(good)
    load(text)


@pytest.mark.parametrize(("name", "mode"), OPENED)
def test_what_runs_stops_within_a_second(
    name: str, mode: int, keys: KeyFolder, lab: TokenLab
) -> None:
    clock = FrozenClock()
    running = load_keys(load_config(Path("permit0.yaml")), clock=clock)
    good = Path(name).stat().st_mode
    lab.present(lab.sign(lab.claims(), key=keys.signing_key()), keys=running.ring)
    token = lab.sign(lab.claims(), key=keys.signing_key())
    Path(name).chmod(mode)
    clock.advance(LOOK_EVERY_S)
    with pytest.raises(StateUnavailable) as refusal:
        lab.present(token, keys=running.ring)
    assert refusal.value.reason_code == "key_permissions"
    Path(name).chmod(good)
    lab.present(token, keys=running.ring)


def test_a_folder_made_beforehand_by_somebody_is_not_taken(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    waiting = tmp_path / "waiting"
    waiting.mkdir()
    waiting.chmod(0o777)
    (tmp_path / "link").symlink_to(tmp_path)
    for name in ("waiting", "link"):
        assert main(["keys", "generate", "--path", name]) == 2
        assert "key_permissions" in capsys.readouterr().err
    assert not list(waiting.iterdir())
    waiting.chmod(0o755)
    assert main(["keys", "generate", "--path", "waiting"]) == 0


def test_a_public_ring_that_others_can_write_adds_no_key_of_theirs(
    keys: KeyFolder, tmp_path: Path, lab: TokenLab
) -> None:
    ring = tmp_path / "ring.json"
    ring.write_text(keys.export())
    ring.chmod(0o664)
    with pytest.raises(BadConfig) as refusal:
        load("keys: {path: ring.json}\n")
    assert refusal.value.reason_code == "key_permissions"
    ring.chmod(0o644)
    running = load_keys(load_config(Path("permit0.yaml")), clock=FrozenClock())
    lab.present(lab.sign(lab.claims(), key=keys.signing_key()), keys=running.ring)
