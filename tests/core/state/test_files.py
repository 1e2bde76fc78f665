"""Files behind an open connection are removed or replaced: whoever has them open refuses, and says so."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from permit0.audit.keys import Ed25519Signer
from permit0.audit.sinks.sqlite import SqliteSink
from permit0.errors import Permit0Error
from permit0.model.claims import Jti
from permit0.state.approvals import SqliteApprovals
from permit0.state.kills import SqliteKills
from permit0.state.sqlite import SqliteStore
from permit0.state.used_tokens import SqliteReplayStore
from permit0.testing.clock import FrozenClock
from permit0.testing.state_contract import ANN, AT, FEATURES, append

pytestmark = pytest.mark.skipif(os.name != "posix", reason="open files cannot be removed")
Use = Callable[[], object]


def history(path: Path) -> Use:
    store = SqliteStore(FEATURES, path)
    return lambda: append(store, ANN, AT)


def replay(path: Path) -> Use:
    clock = FrozenClock(AT)
    store = SqliteReplayStore(path, clock=clock)
    ids = iter(range(1000))
    return lambda: store.claim(Jti(f"jti-{next(ids)}"), AT + 100)


def kills(path: Path) -> Use:
    return SqliteKills(path, name="test", clock=FrozenClock(AT)).state


def approvals(path: Path) -> Use:
    store = SqliteApprovals(path)
    return lambda: store.pending(AT)


def log(path: Path) -> Use:
    sink = SqliteSink(path, Ed25519Signer.generate())
    return lambda: sink.append("test", AT, b"{}")


USERS = [history, replay, kills, approvals, log]


@pytest.mark.parametrize("user", USERS)
@pytest.mark.parametrize("suffix", ["", "-shm"])
@pytest.mark.parametrize("put_back", [False, True])
def test_whoever_has_it_open_refuses_and_another_file_is_no_cure(
    tmp_path: Path, user: Callable[[Path], Use], suffix: str, *, put_back: bool
) -> None:
    path = tmp_path / "permit0.db"
    use = user(path)
    use()
    part = path.with_name(path.name + suffix)
    kept = part.with_name("kept")
    part.rename(kept)
    if put_back:  # the same bytes, but not what is open
        part.write_bytes(kept.read_bytes())
    for _ in range(2):
        with pytest.raises(Permit0Error) as caught:
            use()
        assert caught.value.reason_code in ("state_replaced", "audit_replaced")
    kept.replace(part)
    use()  # it was this file all the time


@pytest.mark.parametrize("user", USERS)
def test_what_another_process_wrote_to_another_log_is_not_missed(
    tmp_path: Path, user: Callable[[Path], Use]
) -> None:
    """Only -wal is gone: the two still share an index, which says that somebody has written."""
    path = tmp_path / "permit0.db"
    use = user(path)
    use()
    path.with_name(path.name + "-wal").unlink()

    def another_writes_and_use() -> None:
        append(SqliteStore(FEATURES, path), ANN, AT)
        use()

    with pytest.raises(Permit0Error) as caught:
        another_writes_and_use()
    assert caught.value.reason_code in ("state_replaced", "state_io", "audit_replaced", "audit_io")


@pytest.mark.parametrize("user", USERS)
def test_a_program_may_change_its_directory(
    tmp_path: Path, user: Callable[[Path], Use], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    use = user(Path("permit0.db"))
    use()
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    use()
    assert not list(Path().iterdir())
