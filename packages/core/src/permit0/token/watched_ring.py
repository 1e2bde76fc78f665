"""A key ring that follows its file while the process runs.

Guarantees:
  1. A key that was retired is refused within LOOK_EVERY_S, and one that was made since is accepted
     at once: a token of an unknown key is looked up again before it is refused.
  2. What cannot be read, or may be changed by others, is not trusted: every token is refused until the
     file is good again. The last good ring is not kept, or taking the file away would bring a retired
     key back to life for as long as the process runs.
  3. A stranger can cause no reading: a token of an unknown key costs two lstat calls, and the
     file is read again only if it is not the one that was read.
  4. Any number of threads may use it, and a process that was forked: there is no lock.
Does not: follow a signing key. A process signs with the one that it loaded, until it is restarted.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple, Self

from permit0.errors import BadKey, StateUnavailable, UnknownKey
from permit0.ports import Clock
from permit0.token.key_folder import FILE_NAME, KeyFolder, load_ring
from permit0.token.keys import KeyRing

__all__ = ["LOOK_EVERY_S", "WatchedRing"]

LOOK_EVERY_S = 1.0  # a kill is effective within a second as well (DESIGN 7); a look takes 5 us

_Mark = tuple[tuple[int, ...], ...]


class _Seen(NamedTuple):
    """What was read, when, and how the files looked before that."""

    at: float
    mark: _Mark
    ring: KeyRing


class WatchedRing:
    """A ring for a verifier, read again whenever its file is another one. See `of_folder`, `of_file`.

    Args:
        read: Reads the ring; raises BadKey.
        paths: What it reads.
        clock: Says when to look again.

    Raises:
        BadKey: As of `read`.
    """

    __slots__ = ("_clock", "_paths", "_read", "_seen")

    def __init__(
        self, read: Callable[[], KeyRing], paths: tuple[Path, ...], *, clock: Clock
    ) -> None:
        self._read = read
        self._paths = paths
        self._clock = clock
        self._seen: _Seen | None = None  # replaced as a whole, so that no thread sees half of it
        self._look()

    @classmethod
    def of_folder(cls, path: Path, *, clock: Clock) -> Self:
        """The ring of a KeyFolder on this machine.

        Raises:
            BadKey: As of `KeyFolder.ring`.
        """
        return cls(KeyFolder(path, clock=clock).ring, (path, path / FILE_NAME), clock=clock)

    @classmethod
    def of_file(cls, path: Path, *, clock: Clock) -> Self:
        """The ring of a file that `KeyFolder.export` wrote.

        Raises:
            BadKey: As of `load_ring`.
        """
        return cls(lambda: load_ring(path), (path,), clock=clock)

    @property
    def ring(self) -> KeyRing:
        """The keys as they are now.

        Raises:
            StateUnavailable: As of `check`.
        """
        seen = self._seen
        # Also looks again if the clock went back, or gives no number.
        if seen is not None and 0 <= self._clock.now() - seen.at < LOOK_EVERY_S:
            return seen.ring
        return self._look_or_refuse()

    def check(self, footer: bytes, signature: bytes, message: bytes) -> bool:
        """As `KeyRing.check`, with the keys as they are now.

        Raises:
            BadFooter, UnknownKey, RetiredKey: As there.
            StateUnavailable: The keys cannot be read; it has the code of the BadKey that says why.
        """
        ring = self.ring
        try:
            return ring.check(footer, signature, message)
        except UnknownKey:
            fresh = self._look_or_refuse()
            if fresh is ring:
                raise
        return fresh.check(footer, signature, message)

    def _look_or_refuse(self) -> KeyRing:
        try:
            return self._look()
        except BadKey as error:
            raise StateUnavailable(
                f"the keys that tokens are verified with cannot be read, nothing may run: {error}",
                reason_code=error.reason_code,
            ) from error

    def _look(self) -> KeyRing:
        # The time and the marks come before the reading. Whatever changes in between is found by the
        # next look, which is not later because this one was slow.
        at = self._clock.now()
        seen, mark = self._seen, _mark(self._paths)
        if seen is not None and mark is not None and mark == seen.mark:
            ring = seen.ring
        else:
            self._seen = None  # INVARIANT: after a reading that fails, nothing is left to trust
            ring = self._read()
        if mark is not None:
            self._seen = _Seen(at, mark, ring)
        return ring

    def __repr__(self) -> str:
        seen = self._seen
        return f"<WatchedRing {None if seen is None else seen.ring!r}>"


def _mark(paths: tuple[Path, ...]) -> _Mark | None:
    """What is different about files that were changed or replaced; None if one is not there.

    `permit0 keys` only ever makes the file longer, so two of its changes in one tick of the file
    system's clock differ as well.
    """
    try:
        found = [os.lstat(path) for path in paths]
    except OSError:
        return None  # reading it will say why
    return tuple(
        (s.st_dev, s.st_ino, s.st_mode, s.st_uid, s.st_size, s.st_mtime_ns, s.st_ctime_ns)
        for s in found
    )
