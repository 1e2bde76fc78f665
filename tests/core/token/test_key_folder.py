"""Keys in a folder: made, rotated, retired, exported, and refused when others can touch them."""

from __future__ import annotations

import multiprocessing
import os
import stat
import traceback
from pathlib import Path

import pytest

from permit0.errors import BadKey, RetiredKey, UnknownKey
from permit0.testing.clock import FrozenClock
from permit0.testing.tokens import TokenLab
from permit0.token.key_file import KeyStatus
from permit0.token.key_folder import FILE_NAME, KeyFolder, load_ring

posix = pytest.mark.skipif(os.name != "posix", reason="permissions are POSIX")


@pytest.fixture
def folder(tmp_path: Path) -> KeyFolder:
    keys = KeyFolder(tmp_path / "keys", clock=FrozenClock())
    keys.generate()
    return keys


@pytest.fixture
def file(folder: KeyFolder, tmp_path: Path) -> Path:
    return tmp_path / "keys" / FILE_NAME


def code(refusal: pytest.ExceptionInfo[BadKey]) -> str:
    return refusal.value.reason_code


def test_a_life_of_a_key(folder: KeyFolder, lab: TokenLab) -> None:
    first = folder.signing_key()
    token = lab.sign(lab.claims(), key=first)
    lab.present(token, keys=folder.ring())

    folder.rotate()
    second = folder.signing_key()
    assert second.kid != first.kid
    lab.present(lab.sign(lab.claims(), key=first), keys=folder.ring())
    lab.present(lab.sign(lab.claims(), key=second), keys=folder.ring())
    assert [info.status for info in folder.list()] == [KeyStatus.SIGNING, KeyStatus.ACCEPTED]

    retired = folder.retire(first.kid)
    assert retired.status is KeyStatus.RETIRED
    assert retired.retired is not None
    assert folder.retire(first.kid) == retired
    with pytest.raises(RetiredKey):
        lab.present(lab.sign(lab.claims(), key=first), keys=folder.ring())
    lab.present(lab.sign(lab.claims(), key=second), keys=folder.ring())


def test_rotating_drops_the_old_secret(folder: KeyFolder, file: Path) -> None:
    old = folder.signing_key()
    assert old.reveal() in file.read_text()
    folder.rotate()
    assert old.reveal() not in file.read_text()
    assert old.public.paserk in file.read_text()
    assert [path.name for path in file.parent.iterdir()] == [FILE_NAME]


def test_an_export_verifies_and_holds_no_secret(
    folder: KeyFolder, tmp_path: Path, lab: TokenLab
) -> None:
    first = folder.signing_key()
    folder.rotate()
    folder.retire(first.kid)
    text = folder.export()
    assert "k4.secret" not in text
    path = tmp_path / "public.json"
    path.write_text(text)
    ring = load_ring(path)
    assert ring.accepted == folder.ring().accepted
    assert ring.retired == folder.ring().retired
    lab.present(lab.sign(lab.claims(), key=folder.signing_key()), keys=ring)


def test_a_private_key_is_refused_where_a_gateway_reads(folder: KeyFolder, file: Path) -> None:
    with pytest.raises(BadKey) as refusal:
        load_ring(file)
    assert code(refusal) == "key_private_for_verifying"


def test_an_export_does_not_sign(folder: KeyFolder, file: Path) -> None:
    text = folder.export()
    file.write_text(text)
    with pytest.raises(BadKey) as refusal:
        folder.signing_key()
    assert code(refusal) == "key_public_for_signing"


def test_commands_that_make_no_sense(folder: KeyFolder, tmp_path: Path) -> None:
    with pytest.raises(BadKey) as refusal:
        folder.generate()
    assert code(refusal) == "key_exists"
    with pytest.raises(BadKey) as refusal:
        folder.retire(folder.signing_key().kid)
    assert code(refusal) == "key_in_use"
    with pytest.raises(BadKey) as refusal:
        folder.retire("k4.pid.unknown")
    assert code(refusal) == "key_unknown"
    empty = KeyFolder(tmp_path / "none", clock=FrozenClock())
    for command in (empty.rotate, empty.list, empty.export, empty.signing_key, empty.ring):
        with pytest.raises(BadKey) as refusal:
            command()
        assert code(refusal) == "key_missing"
    assert len(folder.list()) == 1


def test_keys_of_one_folder_mean_nothing_to_another(tmp_path: Path, lab: TokenLab) -> None:
    one, other = (KeyFolder(tmp_path / name, clock=FrozenClock()) for name in "ab")
    one.generate()
    other.generate()
    with pytest.raises(UnknownKey):
        lab.present(lab.sign(lab.claims(), key=one.signing_key()), keys=other.ring())


@posix
def test_files_and_folder_are_private_whatever_the_umask(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        folder = KeyFolder(tmp_path / "keys", clock=FrozenClock())
        folder.generate()
        folder.rotate()
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "keys").stat().st_mode) == 0o700
    assert stat.S_IMODE((tmp_path / "keys" / FILE_NAME).stat().st_mode) == 0o600


@posix
@pytest.mark.parametrize("mode", [0o604, 0o640, 0o660, 0o606, 0o644, 0o666, 0o601])
def test_a_file_that_others_can_use_is_refused(folder: KeyFolder, file: Path, mode: int) -> None:
    file.chmod(mode)
    for command in (folder.signing_key, folder.ring, folder.rotate, folder.list):
        with pytest.raises(BadKey, match=f"{mode:04o}") as refusal:
            command()
        assert code(refusal) == "key_permissions"
    file.chmod(0o600)
    folder.signing_key()


@posix
@pytest.mark.parametrize("mode", [0o720, 0o702, 0o777, 0o1777])
def test_a_folder_that_others_can_write_to_is_refused(
    folder: KeyFolder, file: Path, mode: int
) -> None:
    file.parent.chmod(mode)
    for command in (folder.signing_key, folder.ring, folder.rotate):
        with pytest.raises(BadKey) as refusal:
            command()
        assert code(refusal) == "key_permissions"
    file.parent.chmod(0o755)
    folder.signing_key()


@posix
def test_a_public_file_may_be_read_by_all_and_written_by_none(
    folder: KeyFolder, tmp_path: Path
) -> None:
    path = tmp_path / "public.json"
    path.write_text(folder.export())
    path.chmod(0o664)
    with pytest.raises(BadKey) as refusal:
        load_ring(path)
    assert code(refusal) == "key_permissions"
    path.chmod(0o644)
    load_ring(path)


@posix
def test_links_and_other_things_are_refused(folder: KeyFolder, file: Path, tmp_path: Path) -> None:
    real = tmp_path / "elsewhere.json"
    file.rename(real)
    file.symlink_to(real)
    with pytest.raises(BadKey) as refusal:
        folder.signing_key()
    assert code(refusal) == "key_permissions"
    file.unlink()
    os.mkfifo(file, 0o600)
    with pytest.raises(BadKey) as refusal:
        folder.signing_key()
    assert code(refusal) == "key_permissions"
    file.unlink()
    file.mkdir(0o700)
    with pytest.raises(BadKey) as refusal:
        folder.signing_key()
    assert code(refusal) == "key_permissions"
    file.rmdir()
    real.rename(file)
    folder.signing_key()
    link = tmp_path / "link"
    link.symlink_to(file.parent)
    with pytest.raises(BadKey):
        KeyFolder(link, clock=FrozenClock()).signing_key()


def test_a_damaged_file_is_refused_and_its_secret_not_shown(folder: KeyFolder, file: Path) -> None:
    """Not even with the variables of our functions in the traceback."""
    good = file.read_bytes()
    secret = folder.signing_key().reveal()
    damages = [
        b"", b"{}", good[:-20], good + b"x", good.replace(b'"version": 1', b'"version": 2'),
        good.replace(b'"signing"', b'"signs"'), good.replace(b'"status"', b'"state"'),
        good.replace(b'"keys": [', b'"extra": 1, "keys": ['), good.replace(b"Z", b""),
        good.replace(secret[-8:].encode(), b"AAAAAAAA"), b"\xff" + good,
        good.replace(b'"signing"', b'"retired"'), good.replace(b'"signing"', b'"accepted"'),
    ]  # fmt: skip
    for data in damages:
        file.write_bytes(data)
        with pytest.raises(BadKey) as refusal:
            folder.signing_key()
        assert code(refusal) in ("key_malformed", "key_private_for_verifying")
        frames = traceback.TracebackException.from_exception(refusal.value, capture_locals=True)
        ours = [
            frame for frame in frames.stack if "permit0/token" in Path(frame.filename).as_posix()
        ]
        assert ours
        for frame in ours:
            assert secret[10:40] not in repr(frame.locals)
        assert refusal.value.__context__ is None
    file.write_bytes(good)
    folder.signing_key()


def test_one_key_twice_and_two_signing_keys_are_refused(folder: KeyFolder, file: Path) -> None:
    good = file.read_text()
    start, end = good.index("{", 2), good.rindex("}", 0, good.rindex("]")) + 1
    row = good[start:end]
    other = KeyFolder(file.parent.parent / "other", clock=FrozenClock())
    other.generate()
    second = row.replace(folder.signing_key().reveal(), other.signing_key().reveal())
    for rows in (f"{row}, {row}", f"{row}, {second}"):
        file.write_text(good[:start] + rows + good[end:])
        with pytest.raises(BadKey) as refusal:
            folder.signing_key()
        assert code(refusal) == "key_malformed"
    file.write_text(good)
    folder.signing_key()


def rotate_often(path: Path) -> None:
    folder = KeyFolder(path, clock=FrozenClock())
    for _ in range(5):
        folder.rotate()


@posix
def test_rotations_at_the_same_time_lose_no_key(folder: KeyFolder, tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    workers = [context.Process(target=rotate_often, args=(tmp_path / "keys",)) for _ in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert [worker.exitcode for worker in workers] == [0] * 4
    assert len(folder.list()) == 21
    assert len(folder.ring().accepted) == 21


@posix
def test_a_full_disk_leaves_the_old_keys(
    folder: KeyFolder, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = file.read_bytes()

    def full(handle: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(BadKey, match="No space left"):
        folder.rotate()
    assert file.read_bytes() == before
    assert [path.name for path in file.parent.iterdir()] == [FILE_NAME]
    monkeypatch.undo()
    folder.rotate()
