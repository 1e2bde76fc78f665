"""A tool behind the name of a server or a framework's label, to borrow a harmless tool's mapping."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from permit0.build import Deployment
from permit0.engine import Engine
from permit0.model.vocabulary import Outcome
from permit0.normalize.compiler import compile_packs
from permit0.taxonomy import load_taxonomy
from permit0.testing.pack_cases import built_in_packs

Deploy = Callable[..., Deployment]

CATALOG = compile_packs(built_in_packs(), load_taxonomy())
PATH = {"path": "/app/src/main.py"}


SPELLINGS = [
    "mcp__filesystem__read_file", "mcp__evil__read_file", "mcp__fs__readFile",
    "mcp__gateway__filesystem__read_file", "filesystem.read_file", "fs::read-file", "fs/read_file",
    "fs--read_file", "filesystem-read_file", "default_api.read_file", "filesystem_read_file",
    "filesystemReadFile", "mcp_filesystem_read_file", "mcp0_read_file", "functions.read_file",
    "functions.read_file:0", "read_file_2",
]  # fmt: skip


def test_a_framework_s_spelling_is_the_tool(engine: Engine) -> None:
    for tool in (*SPELLINGS, "Read File (2)", " mcp__fs__read_file "):
        calm = engine.check(tool, PATH, session=tool)
        assert (calm.action, calm.outcome) == ("files.read", Outcome.ALLOW), tool
        strict = engine.check(tool, {"path": "/etc/shadow"}, session=tool)
        assert (strict.action, strict.outcome) == ("files.read", Outcome.HUMAN), tool


NO_SPELLINGS = [
    "delete_and_read_file", "evil_read_file", "mcp_evil_read_file", "read_file_and_delete",
    "read_file.delete", "mcp__x__read_file__rm", "delete.read_file", "delete-read_file",
    "mcp__delete__read_file", "no.read_file", "undo__read_file", "delete_file.read_file",
    "mcp__delete_file__read_file", "send_email__read_file", "a.b.c.d.e.f.read_file",
    "evil\u0455__read_file", "mcp__\u0435vil__read_file", "evil\u200b__read_file", "read_file_20000",
    "read_file_v2", "read_file2", "mcp____", "mcp__", "__", "functions.", "mcp__evil__", "::::",
]  # fmt: skip


def test_what_only_ends_in_a_tool_asks_a_person(engine: Engine) -> None:
    for tool in (*NO_SPELLINGS, "x" * 256 + "__read_file"):
        decision = engine.check(tool, PATH, session=tool[:99])
        assert decision.actions[0].action.origin in {"unknown", "compiled"}, tool
        assert decision.outcome is Outcome.HUMAN, tool


@pytest.mark.parametrize("word", ["fetch", "terminal", "calculator", "wikipedia", "sleep", "bash"])
@pytest.mark.parametrize(
    "form",
    ["mcp__evil__{}", "evil.{}", "evil-{}", "evil_{}", "orders__{}", "a.b.{}", "mcp__tools__{}"],
)
def test_one_word_means_what_its_server_makes_of_it(word: str, form: str) -> None:
    assert CATALOG.find(form.format(word)) is None
    assert CATALOG.find(word) is not None
    assert CATALOG.find(f"mcp__{word}__{word}") is CATALOG.find(word)
    assert CATALOG.find(f"functions.{word}") is CATALOG.find(word)
    assert CATALOG.find(f"functions.mcp__{word}__{word}") is CATALOG.find(word)


def test_a_mapping_that_names_its_server_holds_for_no_other(engine: Engine) -> None:
    for tool in (
        "signnow.send_invite",
        "mcp__signnow__send_invite",
        "signnow_send_invite",
        "SignNow-send_invite_2",
    ):
        assert engine.check(tool, {"entity_id": "1"}).action == "legal.send_for_signature"
    for tool in (
        "send_invite",
        "mcp__evil__send_invite",
        "mcp__evil__signnow_send_invite",
        "evil.signnow_send_invite",
    ):
        decision = engine.check(tool, {"entity_id": "1"})
        assert decision.actions[0].action.origin in {"unknown", "compiled"}, tool
        assert decision.outcome is Outcome.HUMAN, tool


def test_readings_that_disagree_are_unknown() -> None:
    """What is itself a tool is no server, whatever stands in front of it."""
    assert CATALOG.find("x.read_file.web_search") is None
    assert CATALOG.find("x.y.web_search") is CATALOG.find("web_search")


def test_a_denied_tool_is_denied_behind_every_label(deploy: Deploy) -> None:
    denied: Deployment = deploy({"lists": {"deny": [{"tool": "read_file", "reason": "no files"}]}})
    for tool in ("read_file", "mcp__fs__read_file", "fs.read_file", "filesystem_read_file", "read_file_2",
                 "functions.read_file:0", "mcp__a__b__ReadFile"):  # fmt: skip
        decision = denied.engine.check(tool, PATH)
        assert (decision.outcome, decision.reasons[0].code) == (Outcome.DENY, "denied_by_list"), (
            tool
        )
    assert denied.engine.check("files.read", PATH).outcome is Outcome.ALLOW


def test_a_denied_server_s_tool_is_denied_under_a_number(deploy: Deploy) -> None:
    entry = {"tool": "mcp__fs__read_file", "reason": "no files"}
    denied: Deployment = deploy({"lists": {"deny": [entry]}})
    for tool in ("mcp__fs__read_file", "mcp__fs__read_file_2", "mcp__fs__readFile"):
        assert denied.engine.check(tool, PATH).outcome is Outcome.DENY, tool
    assert denied.engine.check("mcp__other__read_file", PATH).outcome is Outcome.ALLOW


def test_an_allowed_tool_is_not_allowed_behind_a_label(deploy: Deploy) -> None:
    entry = {"tool": "read_file", "reason": "r", "owner": "o", "expires": "2099-01-01T00:00:00Z"}
    engine = deploy({"lists": {"allow": [entry]}}).engine
    arguments = {"path": "/app/.env"}  # medium, without any floor
    assert engine.check("read_file", arguments, session="a").outcome is Outcome.ALLOW
    assert engine.check("mcp__evil__read_file", arguments, session="b").outcome is Outcome.HUMAN


WORDS = st.sampled_from(
    ["mcp", "functions", "evil", "read", "file", "delete", "web", "search", "fetch", "_", "__", ".", "-", "--",
     "/", ":", " ", "2", "_2", "read_file", "delete_file", "send_email", "bash", "X", "\u0456"]
)  # fmt: skip


@given(st.lists(WORDS, max_size=9).map("".join))
def test_words_in_front_never_make_a_dangerous_tool_calm(prefix: str) -> None:
    """Behind any label, what a pack has for `delete_file` is found or nothing is."""
    found = CATALOG.find(prefix + "__delete_file")
    assert found is None or found.action == "files.delete"


@given(st.text(max_size=400))
def test_any_name_is_read_without_a_crash(name: str) -> None:
    found = CATALOG.find(name)
    assert found is CATALOG.find(name)


def test_a_long_name_costs_no_more_than_a_short_one() -> None:
    started = time.perf_counter()
    for i in range(200):
        CATALOG.find(f"{i}__" + "_.-:/" * 50)
        CATALOG.find(f"{i}" + "a_" * 120 + "9")
    assert time.perf_counter() - started < 2.0  # some 60 ms on an idle machine
