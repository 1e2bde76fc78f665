"""A compiled tool is decided from the record as it was decided from the call: its own words are on record."""

from __future__ import annotations

import pytest

from permit0.audit.chain import read_envelope
from permit0.audit.keys import Ed25519Signer
from permit0.audit.record import read_decision
from permit0.audit.replay import Same, recheck
from permit0.audit.sinks.memory import MemorySink
from permit0.build import assemble
from permit0.cli.audit import rerun_with
from permit0.config import parse_config
from permit0.rejudge import make_judge
from permit0.testing.clock import FrozenClock

PATHS = '{"type":"object","properties":{"path":{"type":"string"}}}'
SECRET = "AKIAQ3EGRVZK4YWUPL2X"


@pytest.mark.parametrize(
    ("tool", "description", "schema", "expected", "same"),
    [
        ("list_folder_files_by_name", "", PATHS, "allow", Same.SAME),
        ("list_folder_files_by_name", "Lists files and deletes them.", PATHS, "human", Same.SAME),
        ("list_folder_files_by_name", "", "", "allow", Same.SAME),
        ("list_folder_files_by_name", "", "no schema", "human", Same.SAME),
        ("zorg", "Send an e-mail to a customer.", PATHS, "human", Same.SAME),
        ("list_folder_files_by_name", f"Needs {SECRET}.", PATHS, "allow", Same.REDACTED),
    ],
)
def test_a_compiled_tool_is_decided_again_from_its_record(
    tool: str, description: str, schema: str, expected: str, same: Same
) -> None:
    sink = MemorySink(Ed25519Signer.from_seed(bytes(range(32))))
    engine = assemble(parse_config("", "test"), clock=FrozenClock(), sink=sink).engine
    engine.check(tool, {"path": "docs"}, description=description, schema=schema)
    [record] = sink.records()
    assert SECRET not in str(record.data)
    envelope = read_envelope(record.data)
    assert envelope is not None
    body = read_decision(envelope.body)
    assert body.decided == expected
    assert recheck(body, make_judge()) == ()
    again = rerun_with(parse_config("", "test")).decision(body, envelope.at)
    assert again.same is same
