"""A log in another form says the same, and what can be verified still can."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import zipfile
from contextlib import closing
from pathlib import Path

import pytest

from permit0.audit.export import CSV_COLUMNS, write_bundle, write_csv, write_jsonl
from permit0.audit.keys import Ed25519Signer, PublicKeys
from permit0.audit.reader import open_log
from permit0.audit.sinks.memory import MemorySink
from permit0.audit.verify import verify_log
from permit0.build import assemble
from permit0.canonical import freeze
from permit0.config import load_config
from permit0.errors import AuditBroken
from permit0.model.call import ToolCall
from permit0.testing.clock import FrozenClock


@pytest.fixture(scope="module")
def log() -> MemorySink:
    sink = MemorySink(Ed25519Signer.from_seed(bytes(range(32))))
    engine = assemble(load_config(None), clock=FrozenClock(), sink=sink).engine
    engine.check("files.read", {"path": "/é.txt"}, session="=cmd()")
    engine.check("payments.transfer", {"amount": 12000, "recipient": "A"}, principal="ann")
    call = ToolCall(tool="files.read", arguments=freeze({"path": "/é.txt"}))
    engine.report(call, "text", decision=engine.decide(call))
    sink.append("other", 1.5, b'{"x":1}')
    return sink


def lines(log: MemorySink) -> list[bytes]:
    out = io.BytesIO()
    assert write_jsonl(log, out) == 5
    return out.getvalue().splitlines(keepends=True)


def broken(path: Path, keys: PublicKeys) -> tuple[int, str]:
    with pytest.raises(AuditBroken) as caught, closing(open_log(path)) as log:
        verify_log(log, keys)
    return caught.value.seq, caught.value.reason_code


def test_lines_hold_the_very_bytes_and_verify(
    log: MemorySink, tmp_path: Path, keys: PublicKeys
) -> None:
    path = tmp_path / "log.jsonl"
    path.write_bytes(b"".join(lines(log)))
    with closing(open_log(path)) as again:
        assert list(again.records()) == list(log.records())
        assert again.head == log.head
        assert verify_log(again, keys).records == 5
        assert again.public_keys == log.public_keys


def test_spoilt_lines_are_named(log: MemorySink, tmp_path: Path, keys: PublicKeys) -> None:
    path = tmp_path / "log.jsonl"
    good = lines(log)
    for spoilt, expected in [
        (good[:2] + good[3:], (3, "record_missing")),
        (good[:-1], (6, "log_truncated")),
        (good[:4] + good[5:], (5, "log_truncated")),
        ([good[1], good[0], *good[2:]], (1, "record_missing")),
        ([good[0], good[0], *good[1:]], (2, "record_moved")),
        ([good[0], good[-1], *good[1:]], (2, "record_missing")),
        ([good[0], b"junk\n", *good[2:]], (2, "record_unreadable")),
        ([good[0].replace(b"allow", b"alloW"), *good[1:]], (1, "record_altered")),
    ]:
        path.write_bytes(b"".join(spoilt))
        assert broken(path, keys) == expected


def test_bundle_verifies_on_its_own_and_says_what_is_in_it(
    log: MemorySink, tmp_path: Path, keys: PublicKeys
) -> None:
    path = tmp_path / "log.zip"
    with path.open("wb") as out:
        assert write_bundle(log, out, version="1.2.3") == 5
    with closing(open_log(path)) as again:
        assert verify_log(again, keys).records == 5
    with zipfile.ZipFile(path) as bundle:
        manifest = json.loads(bundle.read("manifest.json"))
        assert manifest["records"] == 5
        names = {name for name in bundle.namelist() if name != "manifest.json"}
        assert manifest["sha256"] == {
            name: hashlib.sha256(bundle.read(name)).hexdigest() for name in names
        }
        (kid, key) = next(iter(log.public_keys.items()))
        assert bundle.read(f"keys/{kid}.pub").decode().strip() == key
        assert json.loads(bundle.read("head.json"))["seq"] == 5
    second = io.BytesIO()
    write_bundle(log, second, version="1.2.3")
    assert second.getvalue() == path.read_bytes()


def test_spoilt_bundle_is_named(log: MemorySink, tmp_path: Path, keys: PublicKeys) -> None:
    path = tmp_path / "log.zip"
    with zipfile.ZipFile(path, "w") as bundle:
        bundle.writestr("records.jsonl", b"".join(lines(log)).replace(b"12000", b"12"))
    assert broken(path, keys) == (2, "record_altered")


def test_table_has_a_row_for_each_record_and_no_formula(log: MemorySink) -> None:
    out = io.BytesIO()
    assert write_csv(log, out) == 5
    rows = list(csv.DictReader(io.StringIO(out.getvalue().decode(), newline="")))
    assert tuple(rows[0]) == CSV_COLUMNS
    assert [row["kind"] for row in rows] == ["decision", "decision", "decision", "outcome", "other"]
    assert rows[0]["session"] == "'=cmd()"
    assert rows[1]["rules"].split()[0] == "payments.transfer/amount_over_10000"
    assert (rows[1]["principal"], rows[1]["outcome"], rows[1]["reason"]) == ("ann", "human", "gate")
    assert rows[3]["id"] == rows[2]["id"]
    assert rows[0]["time"].startswith("2026-01-05T08:00:00")
