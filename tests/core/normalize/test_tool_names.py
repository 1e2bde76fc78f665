"""How names of tools are read."""

from __future__ import annotations

import pytest

from permit0.errors import BadPack
from permit0.normalize.catalog import Catalog
from permit0.normalize.compiler import compile_packs
from permit0.normalize.loader import load_pack
from permit0.normalize.tool_names import (
    MAX_NAME,
    MAX_PARTS,
    fold_name,
    is_one_word,
    readings,
    spellings,
    vendor_names,
)
from permit0.taxonomy import load_taxonomy

PACK = """
pack: demo
version: 1
actions:
  tasks.create: {risk: low, flags: {MUTATION: secondary}}
  tasks.list: {risk: low, flags: {MUTATION: secondary}}
  tasks.delete: {risk: high, flags: {DESTRUCTION: primary}}
mappings:
  - {tools: [add_task], vendor: "Acme Tasks, MCP todo (LangChain)", action: tasks.create}
  - {tools: [todo], vendor: Other, action: tasks.list}
  - {tools: [board/get_task, board/move], vendor: Board, action: tasks.list}
  - {tools: [drop_task], vendor: Acme Tasks, action: tasks.delete}
  - {tools: [pick_task], vendor: A B, action: tasks.list}
  - {tools: [b_pick_task], vendor: A, action: tasks.delete}
"""


def catalog(more: str = "") -> Catalog:
    return compile_packs([load_pack(PACK + more, "demo.yaml")], load_taxonomy())


@pytest.mark.parametrize(
    ("name", "key", "server"),
    [
        ("mcp__github__create_issue", "createissue", "github"),
        ("mcp__plugin_a_b__create_issue", "createissue", "pluginab"),
        ("github.create_issue", "createissue", "github"),
        ("github/createIssue", "createissue", "github"),
        ("github-create_issue", "createissue", "github"),
        ("github-createIssue", "createissue", "github"),
        ("mcp--github--create-issue", "createissue", "github"),
        ("functions.create_issue", "createissue", ""),
        ("functions.create_issue:0", "createissue", ""),
        ("mcp_create_issue", "createissue", ""),
        ("MCP2__create_issue", "createissue", ""),
        ("create_issue_2", "createissue", ""),
        ("Create Issue (2)", "createissue", ""),
    ],
)
def test_a_name_is_read_behind_labels_and_servers(name: str, key: str, server: str) -> None:
    assert (key, server) in {(reading.key, reading.server) for reading in readings(name)}
    assert key in spellings(name)


@pytest.mark.parametrize(
    "name", ["create-issue", "a_create_issue", "delete.create_issue", "un-create_issue"]
)
def test_words_of_a_name_are_no_server(name: str) -> None:
    assert {reading.server for reading in readings(name)} <= {""}


def test_a_name_is_read_whole_only_if_it_is_long_or_deep_or_not_ascii() -> None:
    deep = ".".join(["s"] * MAX_PARTS)
    assert readings(f"s.{deep[2:]}.create_issue") == () != readings(f"{deep[2:]}.create_issue")
    long = "s" * (MAX_NAME - len(".create_issue"))
    assert readings(f"s{long}.create_issue") == () != readings(f"{long}.create_issue")
    assert readings("\u0455.create_issue") == ()
    assert spellings("\u0455.create_issue") == ("\u0455createissue",)


def test_vendors_give_the_names_of_servers() -> None:
    assert vendor_names("MCP fetch, Acme (LangChain), GitHub MCP, ") == ("fetch", "acme", "github")
    assert vendor_names("") == ()


@pytest.mark.parametrize(("name", "one"), [("fetch", True), ("WebFetch", False), ("a_b", False)])
def test_one_word(name: str, one: bool) -> None:
    assert is_one_word(name) is one


@pytest.mark.parametrize(
    ("name", "action"),
    [
        ("add_task", "tasks.create"),
        ("mcp__any__add_task", "tasks.create"),
        ("acme_tasks_add_task", "tasks.create"),
        ("todo_add_task", "tasks.create"),
        ("mcp_todo_add_task", "tasks.create"),
        ("any_add_task", None),
        ("todo", "tasks.list"),
        ("other__todo", "tasks.list"),
        ("todo.todo", "tasks.list"),
        ("any__todo", None),
        ("board__get_task", "tasks.list"),
        ("get_task", None),
        ("any__get_task", None),
        ("any__board_get_task", None),
        ("tasks_delete", "tasks.delete"),
        ("any__tasks.delete", "tasks.delete"),
        ("any.add_task.drop_task", None),  # the server is a tool
        ("a_b_pick_task", None),  # of A B, or of A
        ("any__pick_task", "tasks.list"),
        ("any__b_pick_task", "tasks.delete"),
    ],
)
def test_a_tool_is_found(name: str, action: str | None) -> None:
    found = catalog().find(name)
    assert (None if found is None else found.action) == action


def test_readings_that_differ_in_action_or_units_are_unknown() -> None:
    same = "  - {tools: [x_add_task], action: tasks.create}\n"
    other = "  - {tools: [x_add_task], action: tasks.delete}\n"
    units = "  - {tools: [x_add_task], action: tasks.create, minor_units: true}\n"
    name = "any__x__add_task"  # x_add_task of any, or add_task of any x
    assert catalog().find(name) is not None
    found = catalog(same).find(name)
    assert found is not None
    assert found.action == "tasks.create"
    assert catalog(other).find(name) is None
    assert catalog(units).find(name) is None


def test_the_server_s_own_mapping_goes_before_everybody_s() -> None:
    made = catalog("  - {tools: [get_task], action: tasks.delete}\n")
    own, everybody = made.find("mcp__board__get_task"), made.find("mcp__any__get_task")
    assert own is not None
    assert own.action == "tasks.list"
    assert everybody is not None
    assert everybody.action == "tasks.delete"


def test_two_packs_cannot_name_one_server_s_tool_differently() -> None:
    with pytest.raises(BadPack, match="already mapped"):
        catalog("  - {tools: [board_get_task], action: tasks.delete}\n")


def test_an_answer_is_remembered_only_for_names_of_a_usual_length() -> None:
    made = catalog()
    for name in ("any__add_task", "x" * 10_000):
        assert made.find(name) is made.find(name)
    assert made.names("any__add_task") == (fold_name("any__add_task"), "addtask")
    assert "addtask" in made.names("todo_add_task")
