"""A verifier follows the keys of its machine while it runs, in both directions."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from permit0.errors import BadFooter, BadKey, RetiredKey, StateUnavailable, UnknownKey
from permit0.testing.clock import FrozenClock
from permit0.testing.tokens import TokenLab
from permit0.token.key_folder import FILE_NAME, KeyFolder
from permit0.token.keys import KeyRing, SigningKey
from permit0.token.watched_ring import LOOK_EVERY_S, WatchedRing

posix = pytest.mark.skipif(os.name != "posix", reason="permissions are POSIX")


@pytest.fixture
def clock() -> FrozenClock:
    return FrozenClock()


@pytest.fixture
def folder(tmp_path: Path, clock: FrozenClock) -> KeyFolder:
    keys = KeyFolder(tmp_path / "keys", clock=clock)
    keys.generate()
    return keys


@pytest.fixture
def file(folder: KeyFolder, tmp_path: Path) -> Path:
    return tmp_path / "keys" / FILE_NAME


@pytest.fixture
def ring(folder: KeyFolder, file: Path, clock: FrozenClock) -> WatchedRing:
    return WatchedRing.of_folder(file.parent, clock=clock)


@pytest.fixture
def present(lab: TokenLab, ring: WatchedRing) -> Callable[[SigningKey], None]:
    """Present a new token of a key, as a gateway would that has run all the time."""
    return lambda key: void(lab.present(lab.sign(lab.claims(), key=key), keys=ring))


def void(_: object) -> None: ...


Present = Callable[[SigningKey], None]


def test_a_new_key_is_known_at_once(folder: KeyFolder, present: Present) -> None:
    old = folder.signing_key()
    present(old)
    folder.rotate()
    present(folder.signing_key())
    present(old)


def test_a_retired_key_is_refused_within_a_second(
    folder: KeyFolder, clock: FrozenClock, present: Present
) -> None:
    old = folder.signing_key()
    folder.rotate()
    present(old)
    folder.retire(old.kid)
    clock.advance(LOOK_EVERY_S)
    with pytest.raises(RetiredKey):
        present(old)
    present(folder.signing_key())


def test_an_export_is_followed_as_well(
    folder: KeyFolder, tmp_path: Path, clock: FrozenClock, lab: TokenLab
) -> None:
    path = tmp_path / "ring.json"

    def send() -> None:
        """As `permit0 keys export --force` does."""
        fresh = tmp_path / "fresh"
        fresh.write_text(folder.export())
        fresh.chmod(0o644)
        fresh.replace(path)

    send()
    ring = WatchedRing.of_file(path, clock=clock)
    old = folder.signing_key()
    folder.rotate()
    new = folder.signing_key()
    with pytest.raises(UnknownKey):
        lab.present(lab.sign(lab.claims(), key=new), keys=ring)
    send()
    lab.present(lab.sign(lab.claims(), key=new), keys=ring)
    folder.retire(old.kid)
    send()
    clock.advance(LOOK_EVERY_S)
    with pytest.raises(RetiredKey):
        lab.present(lab.sign(lab.claims(), key=old), keys=ring)


@posix
@pytest.mark.parametrize(
    ("spoil", "mend", "code"),
    [
        (lambda f: f.rename(f.with_name("x")), lambda f: f.with_name("x").rename(f), "key_missing"),
        (lambda f: f.chmod(0o640), lambda f: f.chmod(0o600), "key_permissions"),
        (lambda f: f.parent.chmod(0o770), lambda f: f.parent.chmod(0o700), "key_permissions"),
        (
            lambda f: f.parent.rename(f.parent.with_name("x")),
            lambda f: f.parent.with_name("x").rename(f.parent),
            "key_missing",
        ),
        (
            lambda f: f.write_bytes(b"#" + f.read_bytes()),
            lambda f: f.write_bytes(f.read_bytes()[1:]),
            "key_malformed",
        ),
    ],
)
def test_keys_that_cannot_be_read_or_trusted_refuse_everything(
    spoil: Callable[[Path], None],
    mend: Callable[[Path], None],
    code: str,
    folder: KeyFolder,
    file: Path,
    clock: FrozenClock,
    present: Present,
) -> None:
    key = folder.signing_key()
    present(key)
    spoil(file)
    clock.advance(LOOK_EVERY_S)
    for _ in range(2):
        with pytest.raises(StateUnavailable) as refusal:
            present(key)
        assert refusal.value.reason_code == code
    mend(file)
    present(key)


def test_a_reading_that_failed_leaves_nothing_though_the_second_is_not_over(
    folder: KeyFolder, file: Path, present: Present
) -> None:
    """Asked early because of a stranger's key, the ring has learned that its file is gone."""
    key = folder.signing_key()
    present(key)
    data = file.read_bytes()
    file.unlink()
    for unknown in (SigningKey.generate(), key):
        with pytest.raises(StateUnavailable):
            present(unknown)
    file.touch(0o600)
    file.write_bytes(data)
    present(key)


@pytest.mark.parametrize("jump", [-3600.0, float("nan")])
def test_a_clock_that_jumps_looks_again(
    folder: KeyFolder, lab: TokenLab, clock: FrozenClock, ring: WatchedRing, jump: float
) -> None:
    old = folder.signing_key()
    token = lab.sign(lab.claims(), key=old)
    folder.rotate()
    folder.retire(old.kid)
    clock.advance(jump)
    with pytest.raises(RetiredKey):
        lab.present(token, keys=ring)


def test_between_two_looks_the_disk_is_left_alone(tmp_path: Path, clock: FrozenClock) -> None:
    key = SigningKey.generate()
    path = tmp_path / "ring"
    path.touch()
    read: list[None] = []

    def reading() -> KeyRing:
        read.append(None)
        return KeyRing([key.public])

    ring = WatchedRing(reading, (path,), clock=clock)
    for _ in range(3):
        clock.advance(LOOK_EVERY_S)
        assert ring.ring.accepted == (key.public,)
    assert len(read) == 1
    path.write_text("changed")
    assert len(read) == 1
    clock.advance(LOOK_EVERY_S)
    assert ring.ring.accepted == (key.public,)
    assert len(read) == 2


def test_strangers_cause_no_reading(tmp_path: Path, clock: FrozenClock, lab: TokenLab) -> None:
    path = tmp_path / "ring"
    path.touch()
    read: list[None] = []

    def reading() -> KeyRing:
        read.append(None)
        return lab.ring

    ring = WatchedRing(reading, (path,), clock=clock)
    for _ in range(5):
        with pytest.raises(UnknownKey):
            lab.present(lab.sign(lab.claims(), key=SigningKey.generate()), keys=ring)
    with pytest.raises(BadFooter):
        lab.present(lab.sign(lab.claims(), footer=b"x"), keys=ring)
    assert len(read) == 1
    lab.present(lab.issue().text, keys=ring)


def test_no_ring_without_a_first_reading(tmp_path: Path, clock: FrozenClock) -> None:
    for make in (WatchedRing.of_folder, WatchedRing.of_file):
        with pytest.raises(BadKey) as refusal:
            make(tmp_path / "nowhere", clock=clock)
        assert refusal.value.reason_code == "key_missing"


def test_many_threads_and_many_rotations(
    folder: KeyFolder, clock: FrozenClock, lab: TokenLab, ring: WatchedRing
) -> None:
    """No thread ever sees a ring without the key that signs, or trusts one after it was retired."""
    tokens = [lab.sign(lab.claims(), key=folder.signing_key())]
    wrong: list[BaseException] = []
    done = threading.Event()

    def verify() -> None:
        while not done.is_set():
            try:
                lab.present(tokens[-1], keys=ring, replay=Forgetful())
            except (UnknownKey, StateUnavailable) as error:
                wrong.append(error)

    threads = [threading.Thread(target=verify) for _ in range(4)]
    for thread in threads:
        thread.start()
    for _ in range(20):
        folder.rotate()
        tokens.append(lab.sign(lab.claims(), key=folder.signing_key()))
        clock.advance(LOOK_EVERY_S)
    done.set()
    for thread in threads:
        thread.join()
    assert wrong == []
    assert len(ring.ring.accepted) == 21


class Forgetful:
    """A store that lets every token through."""

    def claim(self, jti: str, expires_at: float, *, uses: int = 1) -> bool:
        return True


@posix
def test_a_forked_process_follows_too(
    folder: KeyFolder, clock: FrozenClock, lab: TokenLab, ring: WatchedRing
) -> None:
    old = folder.signing_key()
    token = lab.sign(lab.claims(), key=old)
    lab.present(lab.sign(lab.claims(), key=old), keys=ring)
    folder.rotate()
    folder.retire(old.kid)
    clock.advance(LOOK_EVERY_S)
    child = os.fork()
    if child == 0:
        try:
            lab.present(token, keys=ring)
        except RetiredKey:
            os._exit(0)
        os._exit(1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def test_it_shows_no_more_than_numbers(ring: WatchedRing) -> None:
    assert repr(ring) == "<WatchedRing <KeyRing 1 accepted, 0 retired>>"
