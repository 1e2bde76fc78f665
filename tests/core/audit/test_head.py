"""A sink goes on only behind the head that it wrote itself, or behind one that is the end of the log."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from permit0.audit.keys import Ed25519Signer, PublicKeys
from permit0.audit.reader import open_log
from permit0.audit.sinks.sqlite import SqliteSink
from permit0.audit.verify import verify_log
from permit0.errors import AuditUnavailable

Spoil = Callable[[str, tuple[object, ...]], None]


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE audit_head SET digest = CAST(digest AS BLOB)",
        "UPDATE audit_head SET digest = upper(digest)",
        "UPDATE audit_head SET opening = x'00'",
        "UPDATE audit_head SET seq = seq - 1",
        "DELETE FROM audit_head",
    ],
)
def test_a_head_that_was_changed_is_not_continued(
    sink: SqliteSink, spoil: Spoil, statement: str
) -> None:
    for _ in range(3):
        sink.append("decision", 1.5, b"{}")
    spoil(statement, ())
    for _ in range(2):
        with pytest.raises(AuditUnavailable) as refused:
            sink.append("decision", 1.5, b"{}")
        assert refused.value.reason_code == "audit_tampered"


def test_a_head_that_cannot_be_replaced_is_noticed_at_the_next_record(
    sink: SqliteSink, spoil: Spoil
) -> None:
    sink.append("decision", 1.5, b"{}")
    spoil("CREATE TRIGGER kept BEFORE UPDATE ON audit_head BEGIN SELECT RAISE(IGNORE); END", ())
    sink.append("decision", 1.5, b"{}")
    with pytest.raises(AuditUnavailable) as refused:
        sink.append("decision", 1.5, b"{}")
    assert refused.value.reason_code == "audit_tampered"


def test_sinks_that_take_turns_write_one_chain(
    path: Path, signer: Ed25519Signer, keys: PublicKeys
) -> None:
    with closing(SqliteSink(path, signer)) as one, closing(SqliteSink(path, signer)) as other:
        places = [
            each.append("decision", 1.5, b"{}").seq for each in (one, one, other, one, other, other)
        ]
    assert places == [1, 2, 3, 4, 5, 6]
    with closing(open_log(path)) as log:
        assert verify_log(log, keys).records == 6
