"""One chain, whoever writes and whatever happens to the writers; every failure is a clear refusal."""

from __future__ import annotations

import multiprocessing
import os
import signal
import sqlite3
import stat
import subprocess
import sys
import threading
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from permit0.audit.chain import read_envelope
from permit0.audit.keys import Ed25519Signer, PublicKeys
from permit0.audit.reader import open_log
from permit0.audit.sinks.memory import MemorySink
from permit0.audit.sinks.sqlite import Durability, SqliteSink
from permit0.audit.verify import verify_log
from permit0.errors import AuditUnavailable, InvalidInput

FirstBad = Callable[[], tuple[int, str] | None]
Spoil = Callable[..., None]


def records(path: Path) -> int:
    """Length of a log that verifies."""
    with closing(open_log(path)) as log:
        return verify_log(
            log, PublicKeys([Ed25519Signer.from_seed(bytes(range(32))).public])
        ).records


def write(path: Path, count: int, durability: Durability = "process") -> None:
    """What each of several writers does."""
    with closing(
        SqliteSink(path, Ed25519Signer.from_seed(bytes(range(32))), durability=durability)
    ) as sink:
        for number in range(count):
            sink.append("decision", 1.5, b'{"pid":%d,"n":%d}' % (os.getpid(), number))


def test_restart_continues_the_chain(path: Path) -> None:
    for _ in range(3):
        write(path, 2)
    assert records(path) == 6


def test_another_key_continues_the_chain(path: Path) -> None:
    """Rotation: records name their key, and the log brings all of them along."""
    new = Ed25519Signer.generate()
    write(path, 2)
    with closing(SqliteSink(path, new)) as sink:
        sink.append("decision", 1.5, b"{}")
    write(path, 1)
    with closing(open_log(path)) as log:
        found = verify_log(log, PublicKeys(log.public_keys.values()))
    assert found.records == 4
    assert found.kids == (Ed25519Signer.from_seed(bytes(range(32))).kid, new.kid)


@pytest.mark.parametrize("durability", ["process", "power"])
def test_four_processes_write_one_chain(path: Path, durability: Durability) -> None:
    context = multiprocessing.get_context("spawn")
    writers = [context.Process(target=write, args=(path, 100, durability)) for _ in range(4)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join(60)
    assert [writer.exitcode for writer in writers] == [0] * 4
    assert records(path) == 400
    with closing(open_log(path)) as log:
        envelopes = [read_envelope(record.data) for record in log.records()]
    assert len({envelope.writer for envelope in envelopes if envelope is not None}) == 4


@pytest.mark.parametrize("durability", ["process", "power"])
def test_threads_share_commits_and_each_gets_its_own_receipt(
    path: Path, signer: Ed25519Signer, durability: Durability
) -> None:
    receipts: dict[int, bytes] = {}

    def run(sink: SqliteSink, name: int) -> None:
        for number in range(25):
            body = b'{"n":%d,"thread":%d}' % (number, name)
            receipts[sink.append("decision", 1.5, body).seq] = body

    with closing(SqliteSink(path, signer, durability=durability)) as sink:
        threads = [threading.Thread(target=run, args=(sink, name)) for name in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert records(path) == 200
    with closing(open_log(path)) as log:
        for record in log.records():
            envelope = read_envelope(record.data)
            assert envelope is not None
            assert bytes(envelope.body) == receipts[envelope.seq]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="the system has no fork")
@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
def test_child_of_a_fork_writes_the_same_chain(sink: SqliteSink, path: Path) -> None:
    sink.append("decision", 1.5, b'{"by":"parent"}')
    child = os.fork()
    if child == 0:
        try:
            sink.append("decision", 1.5, b'{"by":"child"}')
        finally:
            os._exit(0)
    os.waitpid(child, 0)
    sink.append("decision", 1.5, b'{"by":"parent"}')
    assert records(path) == 3


KILLED = """
import sys
from pathlib import Path
from permit0.audit.keys import Ed25519Signer
from permit0.audit.sinks.sqlite import SqliteSink
sink = SqliteSink(Path(sys.argv[1]), Ed25519Signer.from_seed(bytes(range(32))), durability=sys.argv[2])
while True:
    print(sink.append("decision", 1.5, b'{"text":"' + b"x" * 900 + b'"}').seq, flush=True)
"""


@pytest.mark.skipif(os.name != "posix", reason="kill -9 is POSIX")
@pytest.mark.parametrize("durability", ["process", "power"])
def test_killed_writers_leave_a_chain_with_all_that_was_acknowledged(
    path: Path, durability: str
) -> None:
    acknowledged = length = 0
    for after in (1, 3, 40, 150):
        command = [sys.executable, "-c", KILLED, str(path), durability]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as writer:
            assert writer.stdout is not None
            for _ in range(after):
                acknowledged = int(writer.stdout.readline())
            writer.send_signal(signal.SIGKILL)
            for line in writer.stdout:  # what it had said before it died
                if line.endswith("\n"):
                    acknowledged = int(line)
        length = records(path)
        assert acknowledged <= length <= acknowledged + 1
    write(path, 1)
    assert records(path) == length + 1


# -------------------------------------------------------------------- failures


def code_of(action: Callable[[], object]) -> str:
    with pytest.raises(AuditUnavailable) as caught:
        action()
    message = str(caught.value)
    assert "\n" not in message
    assert message[0].islower()
    return caught.value.reason_code


def append(sink: SqliteSink | MemorySink) -> object:
    return sink.append("decision", 1.5, b"{}")


def test_locked_log_is_refused_and_works_afterwards(path: Path, signer: Ed25519Signer) -> None:
    with closing(SqliteSink(path, signer, timeout_s=0.05)) as sink:
        append(sink)
        with closing(sqlite3.connect(path, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            assert code_of(lambda: append(sink)) == "audit_locked"
            other.execute("ROLLBACK")
        append(sink)
    assert records(path) == 2


def test_full_disk_is_refused_and_works_afterwards(sink: SqliteSink, path: Path) -> None:
    append(sink)
    database = sink._database
    assert database is not None
    database.execute("PRAGMA max_page_count = 1")  # SQLite's own way to be full
    big = b'{"x":"%b"}' % (b"x" * 100_000)
    assert code_of(lambda: sink.append("decision", 1.5, big)) == "audit_full"
    database.execute("PRAGMA max_page_count = 100000")
    append(sink)
    assert records(path) == 2


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="root may write everything")
def test_read_only_log_is_refused(path: Path, signer: Ed25519Signer) -> None:
    write(path, 1)
    path.chmod(0o400)
    assert code_of(lambda: SqliteSink(path, signer)) == "audit_read_only"


def test_log_that_became_read_only_is_refused(sink: SqliteSink) -> None:
    append(sink)
    database = sink._database
    assert database is not None
    database.execute("PRAGMA query_only = ON")
    assert code_of(lambda: append(sink)) == "audit_read_only"


@pytest.mark.parametrize(
    "junk", [b"no database at all" * 100, b"SQLite format 3\x00" + b"x" * 4096]
)
def test_file_that_is_no_database_is_refused(
    path: Path, signer: Ed25519Signer, junk: bytes
) -> None:
    path.write_bytes(junk)
    assert code_of(lambda: SqliteSink(path, signer)) == "audit_corrupt"
    assert path.read_bytes() == junk


def test_newer_schema_is_refused(path: Path, spoil: Spoil, signer: Ed25519Signer) -> None:
    write(path, 1)
    spoil("UPDATE audit_meta SET value = '2' WHERE name = 'schema'")
    assert code_of(lambda: SqliteSink(path, signer)) == "audit_newer_schema"


def test_missing_folder_is_refused(tmp_path: Path, signer: Ed25519Signer) -> None:
    assert code_of(lambda: SqliteSink(tmp_path / "none" / "a.db", signer)) == "audit_io"


def test_closed_log_is_refused(sink: SqliteSink, signer: Ed25519Signer) -> None:
    sink.close()
    assert code_of(lambda: append(sink)) == "audit_closed"
    memory = MemorySink(signer)
    memory.close()
    assert code_of(lambda: append(memory)) == "audit_closed"


def test_what_can_be_no_record_is_refused(sink: SqliteSink, path: Path) -> None:
    assert code_of(lambda: sink.append("No Kind", 1.5, b"{}")) == "audit_bad_record"
    assert code_of(lambda: sink.append("decision", 1.5, b"x" * (9 << 20))) == "audit_too_large"
    with pytest.raises(InvalidInput):
        sink.append("decision", float("nan"), b"{}")
    append(sink)
    assert records(path) == 1


def test_interrupted_write_is_no_receipt_and_blocks_nobody(
    sink: SqliteSink, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(message: bytes) -> bytes:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(sink._signer, "sign", interrupt)
        with pytest.raises(KeyboardInterrupt):
            append(sink)
    append(sink)
    assert records(path) == 1


@pytest.mark.skipif(os.name != "posix", reason="modes are POSIX")
def test_log_is_for_its_owner_only(sink: SqliteSink, path: Path) -> None:
    append(sink)
    for file in path.parent.iterdir():
        assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_opening_of_the_record_before_is_erased(sink: SqliteSink, path: Path) -> None:
    append(sink)
    with closing(open_log(path)) as log:
        head = log.head
    assert head is not None
    append(sink)
    sink.close()  # which empties the journal
    assert head.opening not in path.read_bytes()


def test_what_is_no_log_cannot_be_opened(tmp_path: Path) -> None:
    for name, data in (("a", b"text"), ("b", b""), ("c", b"PK\x03\x04junk")):
        (tmp_path / name).write_bytes(data)
        with pytest.raises(InvalidInput) as caught:
            open_log(tmp_path / name)
        assert caught.value.reason_code == "bad_audit_file"
    with pytest.raises(InvalidInput):
        open_log(tmp_path / "none")
    with closing(sqlite3.connect(tmp_path / "other.db")) as other:
        other.execute("CREATE TABLE x (y)")
    with pytest.raises(InvalidInput):
        open_log(tmp_path / "other.db")


def test_log_in_a_read_only_folder_can_be_read(path: Path) -> None:
    write(path, 2)
    path.chmod(0o400)
    path.parent.chmod(0o500)
    try:
        assert records(path) == 2
    finally:
        path.parent.chmod(0o700)
