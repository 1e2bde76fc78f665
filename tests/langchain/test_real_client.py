"""ChatOpenAI, the real client, drives guarded agents against a server of our tests, streaming and not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from langchain.agents import create_agent
from langchain_openai import ChatOpenAI
from langgraph.checkpoint.memory import InMemorySaver
from tests.langchain.kit import CONFIG, RUNS, Ran, approve, make_guard, pending, start, tools_of
from tests.openai_stub import Stub, calls

from permit0_langchain import Permit0Middleware, guard_graph


@pytest.mark.parametrize("streaming", [False, True])
@pytest.mark.parametrize("layer", ["middleware", "protect"])
@pytest.mark.parametrize("way", RUNS)
def test_the_real_client_drives_a_guarded_agent(
    way: str, layer: str, streaming: bool, tmp_path: Path
) -> None:
    ran: Ran = []
    guard = make_guard(tmp_path)
    turn = calls(("note", {"text": "a"}), ("danger", {}), ("pay", {"amount": 5000}))
    with Stub(turn, "all done") as stub:
        model = ChatOpenAI(
            model="stub",
            base_url=stub.url,
            api_key="unused",
            streaming=streaming,
            max_retries=0,
        )
        ours = [Permit0Middleware(guard)] if layer == "middleware" else []
        agent: Any = create_agent(
            model, tools_of(ran), middleware=ours, checkpointer=InMemorySaver()
        )
        if layer == "protect":
            guard_graph(agent, guard)
        state = RUNS[way](agent, start(), CONFIG)
        assert ran == [("note", "a")]
        state = RUNS[way](agent, approve(pending(state)), CONFIG)
    assert ran == [("note", "a"), ("pay", 5000)]
    assert state["messages"][-1].content == "all done"
    assert [bool(body.get("stream")) for body in stub.requests] == [streaming] * 2
    told = {
        m["tool_call_id"]: m["content"]
        for m in stub.requests[-1]["messages"]
        if m["role"] == "tool"
    }
    assert told["call-1"] == "noted a"
    assert told["call-2"].startswith("permit0 did not run danger")
    assert told["call-3"] == "paid 5000"
    # The artifact of a refusal is for programs.
    assert "artifact" not in str(stub.requests[-1])
    assert "denied_by_list" not in str(stub.requests[-1])
