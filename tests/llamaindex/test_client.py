"""LlamaIndex's real client of an OpenAI-compatible server, with a guarded agent behind it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from llama_index.core.agent.workflow import AgentWorkflow, FunctionAgent, ReActAgent
from llama_index.llms.openai_like import OpenAILike
from tests.llamaindex.kit import Ran, decided, make_guard, no, react, run, tools_of, yes
from tests.llamaindex.stub import Stub

from permit0_llamaindex import guard_agent, guard_tools

CALLS: list[Any] = [
    ("danger", {"text": "x"}, "c1"),
    ("note", {"text": "x"}, "c2"),
    ("pay", {"amount": 5000}, "c3"),
]


def client(stub: Stub, *, calls: bool = True) -> Any:
    return OpenAILike(
        model="stub",
        api_base=stub.address,
        api_key="none",
        is_chat_model=True,
        is_function_calling_model=calls,
        max_retries=0,
    )


@pytest.mark.parametrize("streaming", [False, True])
@pytest.mark.parametrize("answer", [yes, no])
def test_a_real_client_drives_a_guarded_agent(tmp_path: Path, streaming: bool, answer: Any) -> None:
    ran: Ran = []
    guard = make_guard(tmp_path)
    with Stub([CALLS]) as stub:
        agent = FunctionAgent(tools=list(tools_of(ran)), llm=client(stub), streaming=streaming)
        came = run(guard_agent(agent, guard), answer)
        assert [bool(request.get("stream")) for request in stub.requests] == [streaming] * 2
        assert [text.split(":")[0] for text in stub.told][:2] == [
            "permit0 did not run danger",
            "noted x",
        ]
        assert ("paid 5000" in stub.told) == (answer is yes)
    assert came.final == "done"
    assert sorted(ran) == [("note", "x"), *([("pay", 5000)] if answer is yes else [])]
    assert sorted(decided(tmp_path)) == ["danger", "note", "pay"]


@pytest.mark.parametrize("streaming", [False, True])
def test_a_real_client_drives_react_and_a_handoff(tmp_path: Path, streaming: bool) -> None:
    ran: Ran = []
    guard = make_guard(tmp_path)
    said = [
        react("danger", {"text": "x"}),
        react("note", {"text": "x"}),
        "Thought: x\nAnswer: done",
    ]
    with Stub(said) as stub:
        agent = ReActAgent(
            tools=list(tools_of(ran)), llm=client(stub, calls=False), streaming=streaming
        )
        assert run(guard_agent(agent, guard)).final == "done"
    with Stub([[("handoff", {"to_agent": "b", "reason": "x"}, "h1")], CALLS[:2]]) as stub:
        options: Any = {"llm": client(stub), "streaming": streaming}
        a = FunctionAgent(name="a", description="a", **options)
        b = FunctionAgent(name="b", description="b", tools=list(tools_of(ran)), **options)
        workflow = AgentWorkflow(agents=[a, b], root_agent="a")
        assert run(guard_agent(workflow, guard)).refused == {"c1"}
    assert ran == [("note", "x")] * 2


def test_a_real_client_calls_without_an_agent(tmp_path: Path) -> None:
    ran: Ran = []
    tools = guard_tools(tools_of(ran), make_guard(tmp_path))
    with Stub([CALLS]) as stub:
        client(stub).predict_and_call(tools, user_msg="go", allow_parallel_tool_calls=True)
    assert ran == [("note", "x")]
