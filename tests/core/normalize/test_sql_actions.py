"""A text of SQL as actions: one for each statement, and one for what is more than its verb."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from permit0.canonical import freeze
from permit0.config import parse_org
from permit0.model.action import NormAction
from permit0.model.call import ToolCall
from permit0.normalize.compiler import compile_packs
from permit0.normalize.normalizer import Normalizer
from permit0.normalize.organisation import Organisation
from permit0.normalize.sql_actions import MAX_REMEMBERED, SqlMemory
from permit0.taxonomy import load_taxonomy
from permit0.testing.pack_cases import built_in_packs

Read = Callable[..., tuple[NormAction, ...]]


@pytest.fixture(scope="module")
def read() -> Read:
    """Normalize a call."""
    normalizer = Normalizer(
        compile_packs(built_in_packs(), load_taxonomy()), Organisation(parse_org({}))
    )

    def normalize(tool: str, **arguments: object) -> tuple[NormAction, ...]:
        return normalizer.normalize(
            ToolCall(tool=tool, arguments=freeze(arguments), session="s", agent="a")
        )

    return normalize


def names(actions: tuple[NormAction, ...]) -> list[str]:
    """Which actions, sorted."""
    return sorted(action.action for action in actions)


def test_a_plain_read_is_a_read_and_nothing_else(read: Read) -> None:
    """db.execute is only there for what no other action says."""
    (action,) = read("db.execute", sql="SELECT name FROM orders WHERE id = 3 LIMIT 5")
    assert action.action == "db.select"
    assert action.facts["table.names"] == {"orders"}
    assert action.facts["limit"] == 5
    assert action.facts["filter.length"] == 1


def test_each_statement_is_an_action(read: Read) -> None:
    """The same twice is one."""
    text = "SELECT 1; SELECT 1; DELETE FROM a; DROP TABLE b; GRANT SELECT ON c TO d"
    assert names(read("db.execute", sql=text)) == [
        "db.delete", "db.drop", "db.grant_access", "db.select",
    ]  # fmt: skip


def test_a_merge_that_deletes_is_both(read: Read) -> None:
    """An update of rows that nothing limits, and a deletion."""
    text = "MERGE INTO a USING b ON a.i = b.i WHEN MATCHED THEN DELETE"
    assert {"db.update", "db.delete"} <= set(names(read("db.execute", sql=text)))


def test_a_program_is_a_shell_command_and_a_file_is_a_file(read: Read) -> None:
    """What a statement reaches is judged as what it is."""
    reached = names(read("db.execute", sql="COPY a TO PROGRAM 'rm -rf /srv'"))
    assert {"process.shell", "db.export", "db.execute"} <= set(reached)
    reached = names(read("db.execute", sql="LOAD DATA INFILE '/etc/passwd' INTO TABLE a"))
    assert {"files.read", "db.execute", "db.insert"} <= set(reached)


def test_what_cannot_be_read_is_executed(read: Read) -> None:
    """An unreadable text, an empty one, and one that is no text."""
    for value in ("SELECT FROM WHERE", "-- nothing", "", {"find": "a"}, 5):
        assert "db.execute" in names(read("db.execute", query=value))


def test_a_list_of_statements_is_read_one_by_one_and_together(read: Read) -> None:
    """A comment that is open in one is closed in the next by who joins them."""
    assert "db.drop" in names(read("db.execute", sql=["SELECT 1", "DROP TABLE a"]))
    assert "db.execute" in names(read("db.execute", sql=["SELECT 'a", "' DROP TABLE b"]))
    assert names(read("db.execute", sql=["SELECT 1", "SELECT 1"])) == ["db.select"]


def test_an_export_with_a_question_keeps_its_own_action(read: Read) -> None:
    """db.export with a question in SQL is an export of what it asks for."""
    actions = read("db.export", query="SELECT salary FROM staff", path="out.csv")
    export = next(action for action in actions if action.action == "db.export")
    assert export.facts["statement.columns"] == {"salary"}


def test_an_export_to_several_files_is_read_as_well(read: Read) -> None:
    """A list of paths is one action for each, and the statement is not forgotten."""
    actions = read("db.export", query="DELETE FROM a", path=["a.csv", "b.csv"])
    assert names(actions) == ["db.delete"] * 2 + ["db.export"] * 2


def test_the_memory_is_bounded_and_gives_the_same() -> None:
    """By digest: neither texts nor more than a number of them are kept."""
    memory = SqlMemory()
    first = memory.read("SELECT 1", None)
    assert memory.read("SELECT 1", None) is first
    assert memory.read("SELECT 1", "mysql") is not first
    for i in range(MAX_REMEMBERED):
        memory.read(f"SELECT {i}", "sqlite")
    assert len(memory) <= MAX_REMEMBERED
    assert memory.read("SELECT 1", None) == first
