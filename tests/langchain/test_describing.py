"""`permit0 scan` sees the tools of LangChain's objects, without running any."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated, Any

import pytest
from langchain_core.language_models import FakeListChatModel
from langchain_core.tools import BaseTool, InjectedToolArg, tool
from langgraph.graph import MessagesState, StateGraph
from langgraph.prebuilt import ToolNode

from permit0.cli import main
from permit0.integration import describe_tools


@tool
def send_email(to: str, body: str, key: Annotated[str, InjectedToolArg] = "") -> str:
    """Send a mail."""
    raise AssertionError("it ran")


@tool
def lookup(code: int) -> str:
    """Look something up."""
    raise AssertionError("it ran")


TOOLS: list[BaseTool] = [send_email, lookup]


def names(obj: object) -> list[str]:
    return [item.name for item in describe_tools(obj)]


def graph_of(node: Any) -> Any:
    builder = StateGraph(MessagesState)
    builder.add_node("tools", node)
    builder.set_entry_point("tools")
    return builder.compile()


def test_tool_is_described_as_the_model_sees_it() -> None:
    """Name, text and arguments, without what the framework injects."""
    [item] = describe_tools(send_email)
    assert (item.name, item.description) == ("send_email", "Send a mail.")
    properties = item.schema["properties"]
    assert isinstance(properties, dict)
    assert sorted(properties) == ["body", "to"]


def test_lists_nodes_graphs_and_graphs_in_graphs_give_their_tools() -> None:
    """Wherever the tools are."""
    node = ToolNode(TOOLS)
    assert names(TOOLS) == names(tuple(TOOLS)) == names(node) == ["send_email", "lookup"]
    assert names(graph_of(node)) == ["send_email", "lookup"]
    assert names(graph_of(graph_of(ToolNode([lookup])))) == ["lookup"]


def test_model_with_tools_gives_those_that_it_was_given() -> None:
    """Also what runs at its provider, by its kind."""
    given = [
        {"type": "web_search"},
        {"type": "function", "function": {"name": "f", "parameters": {}}},
    ]
    bound = FakeListChatModel(responses=[]).bind(tools=given)
    assert names(bound) == ["web_search", "f"]


def test_scan_of_a_module_finds_tools_and_a_graph(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """As a user runs it."""
    (tmp_path / "lab_langchain_app.py").write_text(
        "from langchain_core.tools import tool\n"
        "@tool\ndef delete_file(path: str) -> str:\n    '''Delete.'''\n    raise AssertionError\n"
        "def helper(): ...\n"
        "tools = [delete_file]\n",
        encoding="utf-8",
    )
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    for target in ("lab_langchain_app", "lab_langchain_app:tools", "lab_langchain_app:delete_file"):
        assert main(["scan", target, "--json"]) == 0
        [found] = json.loads(capsys.readouterr().out)["tools"]
        assert (found["name"], found["action"]) == ("delete_file", "files.delete")
