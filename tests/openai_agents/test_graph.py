"""Whole agents: whatever they can reach is guarded, however it got there, and the report is honest."""

from __future__ import annotations

import asyncio
import copy
from typing import Any, cast

import pytest
from agents import (
    Agent,
    AgentHooks,
    ApplyPatchTool,
    FileSearchTool,
    FunctionTool,
    Handoff,
    HostedMCPTool,
    LocalShellTool,
    ModelBehaviorError,
    RunContextWrapper,
    Runner,
    ShellTool,
    Tool,
    WebSearchTool,
    function_tool,
    handoff,
)
from agents.mcp import MCPServer
from mcp.types import CallToolResult, TextContent
from mcp.types import Tool as MCPTool
from tests.openai_agents.scripted import DONE, LARGE, Scripted, build, call, delegation, says

import permit0
from permit0 import Guard, InvalidInput
from permit0.integration import Coverage, CoverageWarning
from permit0_openai_agents import (
    agent_coverage,
    approve,
    guard_agent,
    guard_tools,
)

Ran = list[object]
go = asyncio.run


@pytest.fixture
def danger(ran: Ran) -> FunctionTool:
    @function_tool
    def danger(x: str = "") -> str:
        """Break."""
        ran.append("danger")
        return "broken"

    return danger


@pytest.fixture
def look(ran: Ran) -> FunctionTool:
    @function_tool
    def look() -> str:
        """Look."""
        ran.append("look")
        return "seen"

    return look


TURN = [call("danger", {"x": "1"}, "c1"), call("look", "{}", "c2")]


def both(danger: FunctionTool, look: FunctionTool) -> list[Tool]:
    return [danger, look]


def names(report: Coverage) -> set[str]:
    return {item.name for item in report.covered}


class Server(MCPServer):
    """An MCP server in this process."""

    def __init__(self, ran: Ran) -> None:
        super().__init__()
        self.ran = ran

    @property
    def name(self) -> str:
        return "files"

    async def connect(self) -> None: ...
    async def cleanup(self) -> None: ...

    async def list_tools(self, run_context: Any = None, agent: Any = None) -> list[Any]:
        schema = {
            "type": "object",
            "properties": {"x": {"type": "string"}, "amount": {"type": "integer"}},
        }
        made = []
        for name in ("danger", "look", "charge"):
            fields = {"name": name, "inputSchema": schema, "description": "safe, read only"}
            made.append(MCPTool.model_validate(fields))
        return made

    async def call_tool(self, tool_name: str, arguments: Any, meta: Any = None) -> CallToolResult:
        self.ran.append(tool_name if tool_name != "charge" else (tool_name, arguments))
        return CallToolResult(content=[TextContent(type="text", text="ok")])

    async def list_prompts(self) -> Any: ...
    async def get_prompt(self, name: str, arguments: Any = None) -> Any: ...


def test_a_clone_is_guarded(
    guard: Guard, danger: FunctionTool, look: FunctionTool, ran: Ran
) -> None:
    agent = guard_agent(Agent(name="a", tools=both(danger, look)), guard)
    clone = agent.clone(model=Scripted(TURN))
    assert go(Runner.run(clone, "go")).final_output == DONE
    assert ran == ["look"]


@pytest.mark.parametrize("copied", [copy.copy, copy.deepcopy])
def test_a_copy_of_an_agent_is_guarded(
    copied: Any, guard: Guard, danger: FunctionTool, look: FunctionTool, ran: Ran
) -> None:
    agent = guard_agent(Agent(name="a", model=Scripted(TURN), tools=both(danger, look)), guard)
    assert go(Runner.run(copied(agent), "go")).final_output == DONE
    assert ran == ["look"]


def test_tools_that_come_later_are_guarded(
    guard: Guard, danger: FunctionTool, look: FunctionTool, ran: Ran
) -> None:
    agent = guard_agent(Agent(name="a", model=Scripted(TURN)), guard)
    agent.tools.append(danger)
    agent.tools = [*agent.tools, look]
    assert go(Runner.run(agent, "go")).final_output == DONE
    assert ran == ["look"]


def test_tools_that_a_hook_adds_are_guarded(
    guard: Guard, danger: FunctionTool, look: FunctionTool, ran: Ran
) -> None:
    class Adding(AgentHooks[Any]):
        async def on_start(self, context: Any, agent: Any) -> None:
            agent.tools = [*agent.tools, danger, look]

    agent = guard_agent(Agent(name="a", model=Scripted(TURN), hooks=Adding()), guard)
    try:
        assert go(Runner.run(agent, "go")).final_output == DONE
        assert ran == ["look"]
    except ModelBehaviorError:  # older releases list the tools before the hook adds any
        assert ran == []


def test_tools_of_mcp_servers_are_guarded(guard: Guard, ran: Ran) -> None:
    turn = [*TURN, call("charge", {"amount": LARGE}, "c3")]
    agent = guard_agent(Agent(name="a", model=Scripted(turn), mcp_servers=[Server(ran)]), guard)
    result = go(Runner.run(agent, "go"))
    assert ran == ["look"]
    state = result.to_state()
    approve(state, state.get_interruptions()[0], by="alice")
    assert go(Runner.run(agent, state)).final_output == DONE
    assert ran == ["look", ("charge", {"amount": LARGE})]
    assert "a: MCP server files" in names(agent_coverage(agent))


def test_what_get_mcp_tools_gives_is_guarded_too(guard: Guard, ran: Ran) -> None:
    from agents import Usage
    from agents.tool_context import ToolContext

    agent = guard_agent(Agent(name="a", mcp_servers=[Server(ran)]), guard)

    async def directly() -> list[Any]:
        tools = await agent.get_mcp_tools(RunContextWrapper(None))
        made = [
            ToolContext(None, Usage(), tool_name=tool.name, tool_call_id="z", tool_arguments="{}")
            for tool in tools
        ]
        functions = cast("list[FunctionTool]", tools)
        return [await f.on_invoke_tool(c, "{}") for f, c in zip(functions, made, strict=True)]

    go(directly())
    assert ran == ["look"]


def made_later(target: Agent[Any]) -> Handoff[Any, Any]:
    async def invoke(context: RunContextWrapper[Any], text: str) -> Agent[Any]:
        return target.clone()

    return Handoff(
        tool_name="transfer_to_b",
        tool_description="b",
        input_json_schema={},
        on_invoke_handoff=invoke,
        agent_name="b",
    )


@pytest.mark.parametrize("how", ["agent", "handoff", "made later", "added later", "two steps"])
def test_agents_that_take_over_are_guarded(
    how: str, guard: Guard, danger: FunctionTool, look: FunctionTool, ran: Ran
) -> None:
    target = Agent(name="b", model=Scripted(TURN), tools=both(danger, look))
    step = call("transfer_to_b", "{}", "h1")
    agent: Agent[Any] = Agent(name="a", model=Scripted(step))
    if how == "agent":
        agent.handoffs = [target]
    elif how == "handoff":
        agent.handoffs = [handoff(target)]
    elif how == "made later":
        agent.handoffs = [made_later(target)]
    elif how == "two steps":
        middle: Agent[Any] = Agent(name="m", model=Scripted(step), handoffs=[target])
        first = Scripted(call("transfer_to_m", "{}", "h0"))
        agent = Agent(name="a", model=first, handoffs=[middle])
    guard_agent(agent, guard)
    if how == "added later":
        agent.handoffs.append(target)
    assert go(Runner.run(agent, "go")).final_output == DONE
    assert ran == ["look"]


def test_agents_as_tools_are_guarded_also_when_added_later(
    guard: Guard, danger: FunctionTool, look: FunctionTool, ran: Ran
) -> None:
    target = Agent(name="sub", model=Scripted(TURN), tools=both(danger, look))
    agent = guard_agent(Agent(name="a", model=Scripted(delegation())), guard)
    agent.tools.append(target.as_tool("delegate", "d"))
    assert go(Runner.run(agent, "go")).final_output == DONE
    assert ran == ["look"]


def test_an_agent_behind_a_guarded_tool_is_guarded(
    guard: Guard, danger: FunctionTool, look: FunctionTool, ran: Ran
) -> None:
    target = Agent(name="sub", model=Scripted(TURN), tools=both(danger, look))
    (tool,) = permit0.protect([target.as_tool("delegate", "d")], guard=guard, strict=True)
    agent: Agent[Any] = Agent(name="a", model=Scripted(delegation()), tools=[tool])
    assert go(Runner.run(agent, "go")).final_output == DONE
    assert ran == ["look"]


def test_delegating_is_a_call_as_well(tmp_path: Any, look: FunctionTool, ran: Ran) -> None:
    guard = build(tmp_path)
    target = Agent(name="sub", model=Scripted(call("look", "{}", "c1")), tools=[look])
    step = delegation("danger")
    model = Scripted(step)
    agent = Agent(name="a", model=model, tools=[target.as_tool("danger", "d")])
    assert go(Runner.run(guard_agent(agent, guard), "go")).final_output == DONE
    assert ran == []
    assert "permit0 did not run danger" in model.told[step.call_id]


def test_guarding_twice_guards_once(
    guard: Guard, danger: FunctionTool, look: FunctionTool, ran: Ran
) -> None:
    agent: Agent[Any] = Agent(name="a", model=Scripted(TURN), tools=both(danger, look))
    kind = type(guard_agent(agent, guard))
    tools = list(agent.tools)
    assert guard_agent(agent, guard) is agent
    assert type(agent) is kind
    assert all(before is after for before, after in zip(tools, agent.tools, strict=True))
    again = guard_tools(agent.tools, guard)
    assert [len(tool.tool_input_guardrails) for tool in again] == [1, 1]
    assert isinstance(agent, Agent)
    go(Runner.run(agent, "go"))
    assert ran == ["look"]


def test_two_guards_both_have_to_agree(tmp_path: Any, look: FunctionTool, ran: Ran) -> None:
    (tmp_path / "one").mkdir()
    (tmp_path / "two").mkdir()
    easy, strict = build(tmp_path / "one"), build(tmp_path / "two")
    text = (tmp_path / "two" / "permit0.yaml").read_text().replace("tool: danger", "tool: look")
    (tmp_path / "two" / "permit0.yaml").write_text(text)
    strict = permit0.build_guard(tmp_path / "two" / "permit0.yaml")
    for order in ((easy, strict), (strict, easy)):
        agent: Agent[Any] = Agent(name="a", model=Scripted(call("look", "{}", "c1")), tools=[look])
        for one in order:
            guard_agent(agent, one)
        assert go(Runner.run(agent, "go")).final_output == DONE
    assert ran == []


# ---------------------------------------------------------------- reports


def hosted() -> list[Tool]:
    config: Any = {"type": "mcp", "server_label": "crm", "server_url": "https://example.invalid"}
    return [WebSearchTool(), FileSearchTool(["v"]), HostedMCPTool(tool_config=config)]


def test_protect_reports_what_is_guarded_and_what_is_open(
    guard: Guard, danger: FunctionTool, ran: Ran
) -> None:
    sub: Agent[Any] = Agent(name="sub", tools=[danger])
    shell = ShellTool(executor=lambda request: "out")
    agent: Agent[Any] = Agent(name="a", tools=[sub.as_tool("delegate", "d"), shell, *hosted()])
    with pytest.warns(CoverageWarning):
        assert permit0.protect(agent, guard=guard) is agent
    report = permit0.coverage(agent)
    assert names(report) == {"a", "a: delegate", "a: shell", "sub", "sub: danger"}
    assert [gap.name for gap in report.gaps] == [
        "a: web_search",
        "a: file_search",
        "a: hosted_mcp (crm)",
    ]
    assert not report.complete


def test_strict_refuses_what_stays_open(guard: Guard, look: FunctionTool) -> None:
    for guarding in (permit0.protect, guard_agent):
        made: Agent[Any] = Agent(name="a", tools=[look, *hosted()])
        with pytest.raises(InvalidInput) as refused:
            guarding(made, guard=guard, strict=True)
        assert refused.value.reason_code == "protect_open"
    agent: Agent[Any] = Agent(name="a", tools=[look])
    assert permit0.protect(agent, guard=guard, strict=True) is agent
    assert permit0.coverage(agent).complete


def test_strict_refuses_a_hosted_tool_that_comes_later(guard: Guard, look: FunctionTool) -> None:
    agent = guard_agent(
        Agent(name="a", model=Scripted(says("hi")), tools=[look]), guard, strict=True
    )
    agent.tools.extend(hosted())
    with pytest.raises(InvalidInput) as refused:
        go(Runner.run(agent, "go"))
    assert refused.value.reason_code == "protect_open"


def test_a_stored_prompt_and_a_hosted_shell_are_gaps(guard: Guard) -> None:
    shell = ShellTool(environment={"type": "container_auto"})
    agent: Agent[Any] = Agent(name="a", prompt={"id": "p"}, tools=[shell])
    guard_agent(agent, guard)
    assert [gap.name for gap in agent_coverage(agent).gaps] == ["a: prompt", "a: shell"]


def test_protect_takes_tools_and_lists_of_them(
    guard: Guard, danger: FunctionTool, look: FunctionTool, ran: Ran
) -> None:
    tools = permit0.protect([danger, look], guard=guard, strict=True)
    agent: Agent[Any] = Agent(name="a", model=Scripted(TURN), tools=cast("list[Tool]", tools))
    assert go(Runner.run(agent, "go")).final_output == DONE
    assert ran == ["look"]
    one = permit0.protect(danger, guard=guard)
    assert names(permit0.coverage(one)) == {"danger"}
    native = (LocalShellTool(executor=lambda r: ""), ApplyPatchTool(editor=cast("Any", object())))
    assert len(permit0.protect(native, guard=guard)) == 2
    with pytest.raises(InvalidInput) as refused:
        permit0.protect(object(), guard=guard)
    assert refused.value.reason_code == "protect_unknown"
