"""The keys of a deployment in a folder: generate, rotate, retire, list, export.

Guarantees:
  1. The file is replaced in one step and is on the disk before a key in it signs; a crash leaves the
     old file or the new one.
  2. On POSIX: the file is 0600 and ours, no link; the folder is ours and nobody else can write to it.
     Anything else is refused with key_permissions, not repaired.
  3. Rotating drops the old secret; its public key is accepted until it is retired, and is kept for good,
     since old records are verified with it.
  4. Two commands at once follow each other (POSIX).
Does not: check permissions on Windows, or look at the folders above.
"""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from permit0.errors import BadKey
from permit0.ports import Clock
from permit0.token.key_file import KeyInfo, KeyList, KeyStatus, StoredKey
from permit0.token.keys import KeyRing, SigningKey

__all__ = ["FILE_NAME", "KeyFolder", "load_ring"]

FILE_NAME = "keys.json"
MAX_FILE_BYTES = 1 << 20  # some thousand keys; a rotation every week is 52 a year
_POSIX = os.name == "posix"


class KeyFolder:
    """One folder with one deployment's keys.

    Args:
        path: The folder; `generate` makes it.
        clock: Dates the keys.
    """

    def __init__(self, path: Path, *, clock: Clock) -> None:
        self._path = path
        self._file = path / FILE_NAME
        self._clock = clock

    def generate(self) -> KeyInfo:
        """Make the first key.

        Raises:
            BadKey: key_exists, key_permissions.
        """
        try:
            self._path.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise _unusable(self._path, error) from error
        with self._locked():
            if os.path.lexists(self._file):
                raise BadKey(
                    f"{str(self._file)!r} is there already, rotate instead",
                    reason_code="key_exists",
                )
            key = self._new_key()
            self._write((key,))
        return key.info

    def rotate(self) -> KeyInfo:
        """Make a new signing key; the one before is accepted until it is retired.

        Raises:
            BadKey: As of `list`.
        """
        with self._locked():
            key = self._new_key()
            before = (
                old.accepted_only() if old.status is KeyStatus.SIGNING else old
                for old in self._read().keys
            )
            self._write((key, *before))
        return key.info

    def retire(self, kid: str) -> KeyInfo:
        """Refuse every token of a key from now on. Retiring it again changes nothing.

        Raises:
            BadKey: key_unknown; key_in_use: it signs, rotate first. And as of `list`.
        """
        with self._locked():
            keys = {key.public.kid: key for key in self._read().keys}
            key = keys.get(kid)
            if key is None:
                raise BadKey(f"there is no key {kid!r}, list them", reason_code="key_unknown")
            if key.status is KeyStatus.SIGNING:
                raise BadKey(f"{kid!r} is the signing key, rotate first", reason_code="key_in_use")
            if key.status is KeyStatus.ACCEPTED:
                keys[kid] = key = key.retired_at(self._now())
                self._write(tuple(keys.values()))
        return key.info

    def list(self) -> tuple[KeyInfo, ...]:
        """Every key, newest first.

        Raises:
            BadKey: key_missing, key_permissions, key_malformed.
        """
        return tuple(key.info for key in self._read().keys)

    def export(self) -> str:
        """The public half of everything, for a gateway elsewhere: JSON for `load_ring`.

        Raises:
            BadKey: As of `list`.
        """
        return self._read().write(with_secret=False).decode()

    def signing_key(self) -> SigningKey:
        """The key that signs.

        Raises:
            BadKey: As of `list`.
        """
        key = self._read().signing
        if key is None:
            raise BadKey(
                f"{str(self._file)!r} has no signing key, rotate", reason_code="key_missing"
            )
        return key

    def ring(self) -> KeyRing:
        """The keys that a verifier on this machine trusts.

        Raises:
            BadKey: As of `list`.
        """
        return self._read().ring

    def _now(self) -> datetime:
        return datetime.fromtimestamp(int(self._clock.now()), UTC)

    def _new_key(self) -> StoredKey:
        secret = SigningKey.generate()
        return StoredKey(
            public=secret.public, status=KeyStatus.SIGNING, created=self._now(), secret=secret
        )

    def _read(self) -> KeyList:
        _check_folder(self._path)
        return KeyList.read(
            _read_file(self._file, forbidden=0o077), where=repr(str(self._file)), with_secret=True
        )

    def _write(self, keys: tuple[StoredKey, ...]) -> None:
        data = KeyList(keys, where=repr(str(self._file))).write(with_secret=True)
        try:
            _replace(self._file, data)
        except OSError as error:
            del data
            raise _unusable(self._file, error) from error

    @contextmanager
    def _locked(self) -> Iterator[None]:
        """Hold the folder. The lock is the kernel's: a process that dies lets go of it."""
        _check_folder(self._path)
        if sys.platform == "win32":
            yield
            return
        import fcntl

        handle = os.open(self._path, os.O_RDONLY)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX)
            yield
        finally:
            os.close(handle)


def load_ring(path: Path) -> KeyRing:
    """The ring of a file that `KeyFolder.export` wrote, for a verifier that has no secret.

    Raises:
        BadKey: key_private_for_verifying; key_missing; key_permissions: others can write the file;
            key_malformed.
    """
    # In no variable: it may hold a secret after all, and tools print the variables of a traceback.
    return KeyList.read(
        _read_file(path, forbidden=0o022), where=repr(str(path)), with_secret=False
    ).ring


def _check_folder(path: Path) -> None:
    try:
        found = path.lstat()
    except FileNotFoundError as error:
        raise _missing(path) from error
    except OSError as error:
        raise _unusable(path, error) from error
    if not stat.S_ISDIR(found.st_mode):
        raise BadKey(f"{str(path)!r} is no folder", reason_code="key_permissions")
    _check_owner(path, found, 0o022)


def _read_file(path: Path, *, forbidden: int) -> bytes:
    """Read a file that nobody else can change (or read, as `forbidden` says)."""
    try:
        # The checks are on the opened file, so nobody can put another one in its place in between.
        handle = os.open(
            path, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
        )
    except FileNotFoundError as error:
        raise _missing(path) from error
    except OSError as error:
        raise _unusable(path, error) from error
    try:
        found = os.fstat(handle)
        if not stat.S_ISREG(found.st_mode):
            raise BadKey(f"{str(path)!r} is no file", reason_code="key_permissions")
        _check_owner(path, found, forbidden)
        with os.fdopen(handle, "rb", closefd=False) as file:
            data = file.read(MAX_FILE_BYTES + 1)
    except OSError as error:
        raise _unusable(path, error) from error
    finally:
        os.close(handle)
    if len(data) > MAX_FILE_BYTES:
        del data
        raise BadKey(f"{str(path)!r} is longer than {MAX_FILE_BYTES} bytes, that is no key file")
    return data


def _check_owner(path: Path, found: os.stat_result, forbidden: int) -> None:
    if not _POSIX:
        return
    if found.st_uid not in (os.geteuid(), 0):
        raise BadKey(
            f"{str(path)!r} belongs to user {found.st_uid}, who could change it, chown it",
            reason_code="key_permissions",
        )
    mode = stat.S_IMODE(found.st_mode)
    if mode & forbidden:
        raise BadKey(
            f"{str(path)!r} has mode {mode:04o}, others can use it, chmod it to "
            f"{mode & ~forbidden:04o}",
            reason_code="key_permissions",
        )


def _replace(path: Path, data: bytes) -> None:
    """Put a new file in the place of an old one; both are whole at any time."""
    fresh = path.with_name(f".{path.name}.{os.getpid()}.new")
    fresh.unlink(missing_ok=True)  # what a killed process with this id has left
    handle = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(handle)
        fresh.replace(path)
    except BaseException:
        fresh.unlink(missing_ok=True)
        raise
    if _POSIX:
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


def _missing(path: Path) -> BadKey:
    return BadKey(f"there is no {str(path)!r}, generate keys", reason_code="key_missing")


def _unusable(path: Path, error: OSError) -> BadKey:
    return BadKey(
        f"{str(path)!r} cannot be used: {error.strerror or type(error).__name__}",
        reason_code="key_permissions",
    )
