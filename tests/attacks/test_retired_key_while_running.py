"""A key is stolen and retired. Gateways that run on must refuse it, whatever happens to the file."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from permit0.config import load_config
from permit0.deployment_keys import DeploymentKeys, load_keys
from permit0.errors import InvalidToken, RetiredKey, StateUnavailable
from permit0.testing.clock import FrozenClock
from permit0.testing.tokens import TokenLab
from permit0.token.key_folder import KeyFolder
from permit0.token.keys import SigningKey
from permit0.token.watched_ring import LOOK_EVERY_S


@pytest.fixture
def clock() -> FrozenClock:
    return FrozenClock()


@pytest.fixture
def folder(tmp_path: Path, clock: FrozenClock) -> KeyFolder:
    keys = KeyFolder(tmp_path / "keys", clock=clock)
    keys.generate()
    (tmp_path / "permit0.yaml").write_text("keys: {path: keys}\n")
    return keys


@pytest.fixture
def running(folder: KeyFolder, tmp_path: Path, clock: FrozenClock) -> DeploymentKeys:
    """What a gateway loaded before anything happened."""
    assert len(folder.list()) == 1
    return load_keys(load_config(tmp_path / "permit0.yaml"), clock=clock, environment={})


@pytest.fixture
def stolen(folder: KeyFolder, running: DeploymentKeys, lab: TokenLab) -> SigningKey:
    """The signing key of before; its tokens were good."""
    key = folder.signing_key()
    lab.present(lab.sign(lab.claims(), key=key), keys=running.ring)
    folder.rotate()
    folder.retire(key.kid)
    return key


def test_tokens_in_flight_and_new_ones_are_refused_within_a_second(
    folder: KeyFolder, lab: TokenLab, clock: FrozenClock, running: DeploymentKeys
) -> None:
    key = folder.signing_key()
    before = lab.sign(lab.claims(), key=key)
    folder.rotate()
    lab.present(lab.sign(lab.claims(), key=key), keys=running.ring)
    folder.retire(key.kid)
    clock.advance(LOOK_EVERY_S)
    for token in (before, lab.sign(lab.claims(), key=key)):
        with pytest.raises(RetiredKey):
            lab.present(token, keys=running.ring)
    lab.present(lab.sign(lab.claims(), key=folder.signing_key()), keys=running.ring)


def away(file: Path) -> None:
    file.unlink()


def folder_away(file: Path) -> None:
    file.parent.rename(file.parent.with_name("elsewhere"))


def exposed(file: Path) -> None:
    file.chmod(0o604)


def cut(file: Path) -> None:
    os.truncate(file, file.stat().st_size // 2)


def link(file: Path) -> None:
    file.rename(file.with_name("old.json"))
    file.symlink_to("old.json")


@pytest.mark.skipif(os.name != "posix", reason="permissions are POSIX")
@pytest.mark.parametrize("hide", [away, folder_away, exposed, cut, link])
def test_hiding_the_file_does_not_bring_the_key_back(
    hide: Callable[[Path], None],
    tmp_path: Path,
    lab: TokenLab,
    clock: FrozenClock,
    running: DeploymentKeys,
    stolen: SigningKey,
) -> None:
    """The last good ring, in which the key was good, is not what is fallen back to."""
    hide(tmp_path / "keys" / "keys.json")
    clock.advance(LOOK_EVERY_S)
    for _ in range(3):
        with pytest.raises(StateUnavailable):
            lab.present(lab.sign(lab.claims(), key=stolen), keys=running.ring)


def test_nor_does_turning_the_clock_back(
    lab: TokenLab, clock: FrozenClock, running: DeploymentKeys, stolen: SigningKey
) -> None:
    clock.advance(-30)
    with pytest.raises(RetiredKey):
        lab.present(lab.sign(lab.claims(), key=stolen), keys=running.ring)


def test_nor_does_putting_an_old_time_on_the_file(
    tmp_path: Path, lab: TokenLab, clock: FrozenClock, running: DeploymentKeys, stolen: SigningKey
) -> None:
    """As a restore or a copy with -p does."""
    os.utime(tmp_path / "keys" / "keys.json", (1, 1))
    clock.advance(LOOK_EVERY_S)
    with pytest.raises(RetiredKey):
        lab.present(lab.sign(lab.claims(), key=stolen), keys=running.ring)


def test_nor_do_strangers_who_keep_the_ring_busy(
    lab: TokenLab, clock: FrozenClock, running: DeploymentKeys, stolen: SigningKey
) -> None:
    token = lab.sign(lab.claims(), key=stolen)
    for _ in range(20):
        clock.advance(LOOK_EVERY_S / 10)
        with pytest.raises(InvalidToken):
            lab.present(lab.sign(lab.claims(), key=SigningKey.generate()), keys=running.ring)
    with pytest.raises(RetiredKey):
        lab.present(token, keys=running.ring)


def test_a_process_that_signs_on_with_it_gets_nothing_through(
    lab: TokenLab, clock: FrozenClock, running: DeploymentKeys, stolen: SigningKey
) -> None:
    assert running.signing is not None
    assert running.signing.kid == stolen.kid
    clock.advance(LOOK_EVERY_S)
    with pytest.raises(RetiredKey):
        lab.present(lab.sign(lab.claims(), key=running.signing), keys=running.ring)
