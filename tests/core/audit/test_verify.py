"""Whatever is done to a log without the key, the first bad record is named; untouched, it verifies."""

from __future__ import annotations

import base64
import hashlib
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from permit0.audit.chain import EMPTY, begin, link, read_envelope
from permit0.audit.export import head_line
from permit0.audit.keys import Ed25519Signer, PublicKeys
from permit0.audit.reader import open_log
from permit0.audit.sinks.memory import MemorySink
from permit0.audit.sinks.sqlite import SqliteSink
from permit0.audit.verify import signed_head, verify_log
from permit0.errors import AuditBroken, AuditUnavailable, InvalidInput
from permit0.model.record import LogHead, StoredRecord

LENGTH = 7
PLACES = range(1, LENGTH + 1)
FirstBad = Callable[[], tuple[int, str] | None]
Spoil = Callable[..., None]


@pytest.fixture(autouse=True)
def log(sink: SqliteSink) -> None:
    for number in PLACES:
        sink.append("decision", 1_700_000_000.5 + number, b'{"amount":%d}' % number)


def test_untouched_log_verifies(first_bad: FirstBad, path: Path, keys: PublicKeys) -> None:
    assert first_bad() is None
    with closing(open_log(path)) as log:
        found = verify_log(log, keys)
    assert found.records == LENGTH
    assert found.kids == tuple(keys.texts)


@pytest.mark.parametrize("place", PLACES)
def test_edited_record_is_named(spoil: Spoil, first_bad: FirstBad, place: int) -> None:
    spoil(
        "UPDATE audit_records SET record = CAST(replace(CAST(record AS TEXT), '\"amount\":', "
        "'\"amount\":9') AS BLOB) WHERE seq = ?",
        (place,),
    )
    assert first_bad() == (place, "record_altered")


@pytest.mark.parametrize("place", PLACES)
def test_edited_signature_is_named(spoil: Spoil, first_bad: FirstBad, place: int) -> None:
    spoil("UPDATE audit_records SET signature = zeroblob(64) WHERE seq = ?", (place,))
    assert first_bad() == (place, "record_altered")


@pytest.mark.parametrize("place", PLACES)
def test_deleted_record_is_named(spoil: Spoil, first_bad: FirstBad, place: int) -> None:
    spoil("DELETE FROM audit_records WHERE seq = ?", (place,))
    last = place == LENGTH
    assert first_bad() == (place, "log_truncated" if last else "record_missing")


@pytest.mark.parametrize("place", PLACES)
def test_deleted_record_whose_gap_was_closed_is_named(
    spoil: Spoil, first_bad: FirstBad, place: int
) -> None:
    spoil("DELETE FROM audit_records WHERE seq = ?", (place,))
    for later in range(place + 1, LENGTH + 1):
        spoil("UPDATE audit_records SET seq = ? WHERE seq = ?", (later - 1, later))
    assert first_bad() == (place, "log_truncated" if place == LENGTH else "record_missing")


@pytest.mark.parametrize("place", PLACES)
def test_truncated_log_is_named_where_it_ends(
    spoil: Spoil, first_bad: FirstBad, place: int
) -> None:
    spoil("DELETE FROM audit_records WHERE seq >= ?", (place,))
    assert first_bad() == (place, "log_truncated")


@pytest.mark.parametrize("place", range(2, LENGTH + 1))
def test_truncated_log_with_a_head_made_to_fit_is_named(
    spoil: Spoil, first_bad: FirstBad, path: Path, place: int
) -> None:
    """All that stands in the file goes into the forged head; the opening was erased."""
    with closing(open_log(path)) as log:
        last = list(log.records())[place - 2]
    spoil("DELETE FROM audit_records WHERE seq >= ?", (place,))
    digest = hashlib.sha256(last.data).hexdigest()
    spoil("UPDATE audit_head SET seq = ?, digest = ?", (place - 1, digest))
    assert first_bad() == (place, "log_truncated")


def test_log_without_head_is_refused(spoil: Spoil, first_bad: FirstBad) -> None:
    spoil("DELETE FROM audit_head")
    assert first_bad() == (LENGTH + 1, "log_truncated")


def test_emptied_log_is_refused(spoil: Spoil, first_bad: FirstBad) -> None:
    spoil("DELETE FROM audit_records")
    spoil("DELETE FROM audit_head")
    assert first_bad() == (1, "log_truncated")


@pytest.mark.parametrize("place", PLACES)
def test_inserted_copy_is_named(spoil: Spoil, first_bad: FirstBad, place: int) -> None:
    """A good record once more, with all later ones moved on."""
    for later in range(LENGTH, place - 1, -1):
        spoil("UPDATE audit_records SET seq = ? WHERE seq = ?", (later + 1, later))
    source = 1 if place > 1 else 2
    spoil(
        "INSERT INTO audit_records SELECT ?, record, signature FROM audit_records WHERE seq = ?",
        (place, source if source < place else source + 1),
    )
    found = first_bad()
    assert found is not None
    # A copy of the next one, put before it, is told by the place that it says it has.
    assert found[0] == place
    assert found[1] in {"record_moved", "record_missing"}


@pytest.mark.parametrize("place", PLACES)
def test_inserted_record_of_another_key_is_named(
    spoil: Spoil, first_bad: FirstBad, path: Path, place: int
) -> None:
    stranger = Ed25519Signer.generate()
    with closing(open_log(path)) as log:
        before = list(log.records())[: place - 1]
    digest = hashlib.sha256(before[-1].data).hexdigest() if before else EMPTY.digest
    begun = begin("decision", 1.5, b"{}", kid=stranger.kid)
    forged, _ = link(begun, LogHead(place - 1, digest, b""), writer="w", signer=stranger)
    for later in range(LENGTH, place - 1, -1):
        spoil("UPDATE audit_records SET seq = ? WHERE seq = ?", (later + 1, later))
    values = (place, forged.data, forged.signature)
    spoil("INSERT INTO audit_records VALUES (?, ?, ?)", values)
    spoil("INSERT INTO audit_keys VALUES (?, ?)", (stranger.kid, stranger.public))
    assert first_bad() == (place, "unknown_key")


@pytest.mark.parametrize("place", range(1, LENGTH))
def test_exchanged_records_are_named(spoil: Spoil, first_bad: FirstBad, place: int) -> None:
    spoil("UPDATE audit_records SET seq = 99 WHERE seq = ?", (place,))
    spoil("UPDATE audit_records SET seq = ? WHERE seq = ?", (place, place + 1))
    spoil("UPDATE audit_records SET seq = ? WHERE seq = 99", (place + 1,))
    assert first_bad() == (place, "record_missing")


def test_record_behind_the_head_is_named(
    spoil: Spoil, first_bad: FirstBad, sink: SqliteSink, path: Path
) -> None:
    with closing(open_log(path)) as log:
        old = log.head
    sink.append("decision", 1.5, b"{}")
    assert old is not None
    values = (old.seq, old.digest, old.opening)
    spoil("UPDATE audit_head SET seq = ?, digest = ?, opening = ?", values)
    assert first_bad() == (LENGTH + 1, "head_mismatch")


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("junk", [b"", b"{}", b"no json", b"\xff\xfe", "text", 7, None])
def test_record_that_is_none_is_named(
    spoil: Spoil, first_bad: FirstBad, place: int, junk: object
) -> None:
    if junk is None:
        with pytest.raises(sqlite3.IntegrityError):
            spoil("UPDATE audit_records SET record = ? WHERE seq = ?", (junk, place))
        return
    spoil("UPDATE audit_records SET record = ? WHERE seq = ?", (junk, place))
    assert first_bad() == (place, "record_unreadable")


def test_record_of_another_log_with_the_same_key_is_named(
    spoil: Spoil, first_bad: FirstBad, signer: Ed25519Signer
) -> None:
    other = MemorySink(signer)
    for number in PLACES:
        other.append("decision", 1.5, b'{"other":%d}' % number)
    record = list(other.records())[3]
    values = (record.data, record.signature)
    spoil("UPDATE audit_records SET record = ?, signature = ? WHERE seq = 4", values)
    assert first_bad() == (4, "chain_broken")


def test_signature_with_another_key_counts_for_nothing(path: Path) -> None:
    strangers = PublicKeys([Ed25519Signer.generate().public])
    with closing(open_log(path)) as log, pytest.raises(AuditBroken) as caught:
        verify_log(log, strangers)
    assert (caught.value.seq, caught.value.reason_code) == (1, "unknown_key")


# -------------------------------------------------------------------- a head that was kept


def test_log_put_back_to_an_older_copy_is_found_by_a_kept_head_only(
    sink: SqliteSink, path: Path, first_bad: FirstBad, keys: PublicKeys, tmp_path: Path
) -> None:
    """The one thing that a file cannot show by itself, and what helps."""
    sink.close()
    older = tmp_path / "older.db"
    shutil.copy(path, older)
    with closing(SqliteSink(path, Ed25519Signer.from_seed(bytes(range(32))))) as again:
        again.append("decision", 1.5, b"{}")
    with closing(open_log(path)) as log:
        kept = signed_head(log)
        assert verify_log(log, keys, known=kept).records == LENGTH + 1
    shutil.copy(older, path)
    assert first_bad() is None
    with closing(open_log(path)) as log, pytest.raises(AuditBroken) as caught:
        verify_log(log, keys, known=kept)
    assert (caught.value.seq, caught.value.reason_code) == (LENGTH + 1, "log_truncated")


def test_log_written_anew_is_found_by_a_kept_head(
    path: Path, keys: PublicKeys, signer: Ed25519Signer
) -> None:
    with closing(open_log(path)) as log:
        kept = signed_head(log)
    other = MemorySink(signer)
    for number in PLACES:
        other.append("decision", 1.5, b'{"other":%d}' % number)
    with pytest.raises(AuditBroken) as caught:
        verify_log(other, keys, known=kept)
    assert (caught.value.seq, caught.value.reason_code) == (LENGTH, "head_mismatch")


def test_kept_head_is_signed_and_gives_no_opening_away(path: Path, keys: PublicKeys) -> None:
    with closing(open_log(path)) as log:
        kept, head = signed_head(log), log.head
    assert kept is not None
    assert head is not None
    assert kept.is_signed(keys)
    assert not kept.is_signed(PublicKeys([Ed25519Signer.generate().public]))
    line = head_line(kept)
    assert head.opening.hex() not in line.decode()
    assert base64.b64encode(head.opening) not in line


# -------------------------------------------------------------------- a log that was cut is not continued


def test_cut_log_is_not_continued(sink: SqliteSink, spoil: Spoil, first_bad: FirstBad) -> None:
    spoil("DELETE FROM audit_records WHERE seq = ?", (LENGTH,))
    other = SqliteSink(sink.path, Ed25519Signer.from_seed(bytes(range(32))))
    with closing(other), pytest.raises(AuditUnavailable) as caught:
        other.append("decision", 1.5, b"{}")
    assert caught.value.reason_code == "audit_tampered"
    assert first_bad() == (LENGTH, "log_truncated")


def test_log_that_went_back_is_not_continued_by_who_saw_more(
    sink: SqliteSink, spoil: Spoil, path: Path
) -> None:
    with closing(open_log(path)) as log:
        old = log.head
    assert old is not None
    sink.append("decision", 1.5, b"{}")
    spoil("DELETE FROM audit_records WHERE seq = ?", (LENGTH + 1,))
    values = (old.seq, old.digest, old.opening)
    spoil("UPDATE audit_head SET seq = ?, digest = ?, opening = ?", values)
    with pytest.raises(AuditUnavailable) as caught:
        sink.append("decision", 1.5, b"{}")
    assert caught.value.reason_code == "audit_tampered"


# -------------------------------------------------------------------- any change at all


class _Held:
    """A log in memory that a test may spoil."""

    def __init__(self, sink: MemorySink) -> None:
        self.stored = list(sink.records())
        self.head: LogHead | None = sink.head
        self.public_keys = sink.public_keys

    def records(self) -> list[StoredRecord]:
        return self.stored

    def close(self) -> None:
        """Nothing is open."""


@given(data=st.data())
def test_any_changed_byte_is_found(data: st.DataObject) -> None:
    signer = Ed25519Signer.from_seed(bytes(range(32)))
    sink = MemorySink(signer)
    for number in range(3):
        sink.append("decision", 1.5, b'{"n":%d}' % number)
    held = _Held(sink)
    at = data.draw(st.integers(0, 2))
    record = held.stored[at]
    whole = bytearray(record.data + record.signature)
    position = data.draw(st.integers(0, len(whole) - 1))
    whole[position] ^= data.draw(st.integers(1, 255))
    size = len(record.data)
    held.stored[at] = StoredRecord(at + 1, bytes(whole[:size]), bytes(whole[size:]))
    with pytest.raises(AuditBroken) as caught:
        verify_log(held, PublicKeys([signer.public]))  # type: ignore[arg-type]
    assert caught.value.seq == at + 1


@given(st.permutations(range(4)))
def test_any_other_order_is_found(order: list[int]) -> None:
    signer = Ed25519Signer.from_seed(bytes(range(32)))
    sink = MemorySink(signer)
    for number in range(4):
        sink.append("decision", 1.5, b'{"n":%d}' % number)
    held = _Held(sink)
    good = held.stored
    held.stored = [
        StoredRecord(place, good[i].data, good[i].signature) for place, i in enumerate(order, 1)
    ]
    keys = PublicKeys([signer.public])
    if order == sorted(order):
        verify_log(held, keys)  # type: ignore[arg-type]
        return
    with pytest.raises(AuditBroken) as caught:
        verify_log(held, keys)  # type: ignore[arg-type]
    assert caught.value.seq == next(i for i, n in enumerate(order) if i != n) + 1


# -------------------------------------------------------------------- keys


def test_keys_are_read_as_they_are_written() -> None:
    signer = Ed25519Signer.generate()
    again = Ed25519Signer.from_text(signer.secret_text())
    assert (again.kid, again.public) == (signer.kid, signer.public)
    assert PublicKeys([signer.public]).is_signed(signer.kid, b"m", again.sign(b"m"))


@pytest.mark.parametrize(
    "text", ["", "k4.secret.", "k4.public.AAAA", "k2.secret.AAAA", "k4.secret.*"]
)
def test_what_is_no_secret_key_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        Ed25519Signer.from_text(text)
    assert caught.value.reason_code == "bad_key"


def test_secret_key_is_refused_for_verifying() -> None:
    with pytest.raises(InvalidInput) as caught:
        PublicKeys([Ed25519Signer.generate().secret_text()])
    assert caught.value.reason_code == "bad_key"


def test_record_is_canonical_and_reads_back(signer: Ed25519Signer) -> None:
    import json

    import rfc8785

    begun = begin("decision", 1e-7, b'{"b":1,"z":"\xc3\xa9"}', kid=signer.kid)
    record, head = link(begun, EMPTY, writer="w", signer=signer)
    assert rfc8785.dumps(json.loads(record.data)) == record.data
    envelope = read_envelope(record.data)
    assert envelope is not None
    assert (envelope.at, envelope.seq, envelope.prev) == (1e-7, 1, EMPTY.digest)
    assert hashlib.sha256(head.opening).hexdigest() == envelope.seal
