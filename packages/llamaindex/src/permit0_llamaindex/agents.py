"""Guard agents and workflows of LlamaIndex: FunctionAgent, ReActAgent, CodeActAgent, AgentWorkflow, retrievers.

Enforces: `get_tools`, so that every tool an agent can call is guarded, each turn anew (also what a
`tool_retriever` finds, what was added to `agent.tools` later, and the handoff of an AgentWorkflow).
Gives context: the step `call_tool` knows the id of the call and the Context; what is decided inside belongs
to that call, and a request to a person becomes LlamaIndex's own events (permit0_llamaindex.approval).

Guarantees: an object is guarded in place, its class replaced by one of its own kind, since whoever holds the
agent must not hold an unguarded one; a refusal is a ToolCallResult with `is_error` and no `return_direct`, so
that it is no final answer and hides no sibling's result; who calls is clear before anything is decided,
else the call is refused.
The session is, in this order: what the caller gave; an open `permit0.session`; that of the guarded tool whose
body runs this agent; `session_id` of `instrument_tags`; what this Context was first used with (kept in
its store, so that a run resumed elsewhere meets the same requests); the id of the run.
Does not: guard an agent that only a tool's body knows (guard that one as well), or steps written by hand.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from typing import Any, NamedTuple, TypeVar

from llama_index.core.agent.workflow import AgentWorkflow, CodeActAgent
from llama_index.core.agent.workflow.base_agent import BaseWorkflowAgent
from llama_index.core.agent.workflow.workflow_events import ToolCall, ToolCallResult
from llama_index.core.objects import ObjectRetriever
from llama_index.core.tools import AsyncBaseTool, BaseTool, ToolOutput
from llama_index.core.workflow import Context, HumanResponseEvent, step
from llama_index_instrumentation.dispatcher import active_instrument_tags

from permit0 import Guard, Identity, build_guard
from permit0.integration import Gate
from permit0_llamaindex.approval import RUN_ID, Starts, wait_for_answer
from permit0_llamaindex.hook import FRAMEWORK, Frame, current_frame, guarded_by, open_frame, swap
from permit0_llamaindex.tools import guard_tool
from permit0_llamaindex.translate import error_output, identity_of, not_counted, refused

__all__ = ["CODE_ACTION", "EXECUTE", "guard_agent", "guard_retriever"]

EXECUTE = "execute"
"""The tool by which a CodeActAgent runs what the model wrote."""
CODE_ACTION = "process.run_script"
"""What packs know it by; a tool that is called `execute` could be anything."""

MAX_ANSWERS_AT_ONCE = 64  # answers that wait to be sent again
_STORED_SESSION = "permit0_session"
_PROTECTION = "_permit0_protection"
Agent = TypeVar("Agent", bound=BaseWorkflowAgent | AgentWorkflow)
Retriever = TypeVar("Retriever", bound=ObjectRetriever[Any])


class _Protection(NamedTuple):
    """What an agent's steps need. session, approver: see guard_agent."""

    guard: Guard
    session: str | None
    approver: str | None
    starts: Starts


# Who calls the tool whose body this is: an agent that the body runs belongs to the same session.
_around: ContextVar[Identity | None] = ContextVar("permit0_llamaindex_around", default=None)


def guard_agent(
    agent: Agent,
    guard: Guard | None = None,
    *,
    session: str | None = None,
    approver: str | None = None,
) -> Agent:
    """Guard an agent, or a workflow with all its agents, in place.

    Args:
        agent: A FunctionAgent, ReActAgent, CodeActAgent, another BaseWorkflowAgent, or an AgentWorkflow.
        guard: Decides; by default one that is built from permit0.yaml, each time.
        session: What its calls belong to; see above for what it is otherwise.
        approver: The person whose answer a HumanResponseEvent without `by` is.

    Returns:
        The same object.

    Raises:
        InvalidInput: protect_other_guard: it, or one of its tools, is guarded by another one.
    """
    guard = build_guard() if guard is None else guard
    if guarded_by(agent, guard):
        return agent
    protection = _Protection(guard, session, approver, Starts())
    if isinstance(agent, AgentWorkflow):
        for member in agent.agents.values():
            guard_agent(member, guard, session=session, approver=approver)
    else:
        _guard_parts(agent, guard)
    swap(agent, _steps, guard)
    object.__setattr__(agent, _PROTECTION, protection)
    return agent


def guard_retriever(retriever: Retriever, guard: Guard | None = None) -> Retriever:
    """Guard what a retriever finds, in place.

    Raises:
        InvalidInput: As for guard_agent.
    """
    guard = build_guard() if guard is None else guard
    if guarded_by(retriever, guard):
        return retriever
    return swap(retriever, _retrieves, guard)


def _guard_parts(agent: BaseWorkflowAgent, guard: Guard) -> None:
    if agent.tools:
        agent.tools = [_guarded(agent, tool, guard) for tool in agent.tools]
    if agent.tool_retriever is not None:
        guard_retriever(agent.tool_retriever, guard)
    if isinstance(agent, CodeActAgent):
        execute: Any = agent.code_execute_fn
        runs: Any = guard_tool(execute, guard, name=CODE_ACTION)
        agent.code_execute_fn = runs.real_fn


def _guarded(agent: BaseWorkflowAgent, tool: Any, guard: Guard) -> BaseTool:
    # A function that was put among the tools of an agent that exists has no metadata yet.
    name = tool.metadata.name if isinstance(tool, BaseTool) else None
    is_code = isinstance(agent, CodeActAgent) and name == EXECUTE
    return guard_tool(tool, guard, name=CODE_ACTION if is_code else None)


@contextmanager
def _within(identity: Identity) -> Iterator[None]:
    token = _around.set(identity)
    try:
        yield
    finally:
        with suppress(ValueError):  # left in another context than entered: it ends with that one
            _around.reset(token)


def _steps(own: Any) -> dict[str, object]:
    """What goes in front of an agent's own methods."""

    async def get_tools(self: Any, *args: Any, **kwargs: Any) -> Sequence[BaseTool]:
        agent = self
        if isinstance(self, AgentWorkflow):
            agent = self.agents[args[0] if args else kwargs["agent_name"]]
        guard = _protection(self).guard
        return [_guarded(agent, tool, guard) for tool in await own.get_tools(self, *args, **kwargs)]

    async def call_tool(self: Any, ctx: Context, ev: ToolCall) -> ToolCallResult | None:
        protection = _protection(self)
        if protection.starts.is_closed(ev.tool_id):
            return None
        frame = Frame(ev.tool_id, on_approved=protection.starts.close)
        try:
            identity = await _identity(self, ctx, protection)
        except Exception as error:  # noqa: BLE001  # boundary: whoever calls is not known, so it may not
            return _not_called(ctx, ev, error)
        gate = Gate(protection.guard, framework=FRAMEWORK)
        with (
            gate.calling(call_id=ev.tool_id, identity=identity),
            open_frame(frame),
            _within(identity),
        ):
            result: ToolCallResult = await own.call_tool(self, ctx, ev)
        if frame.refusal is not None and result.tool_output.is_error:
            # With return_direct, agents take the text for their own and drop the results of siblings.
            result.return_direct = False
        return result

    async def _call_tool(
        self: Any, ctx: Context, tool: AsyncBaseTool, tool_input: Any
    ) -> ToolOutput:
        frame = current_frame()
        if frame is None:  # some other step of the agent's own
            output: ToolOutput = await own._call_tool(self, ctx, tool, tool_input)
            return output
        protection = _protection(self)
        waited = False
        while True:
            try:
                output = await own._call_tool(self, ctx, tool, tool_input)
            except BaseException:
                # The body itself waits for an event: LlamaIndex starts the call again from the beginning.
                protection.starts.open(frame.call_id)
                raise
            request = None if frame.refusal is None else frame.refusal.request
            # Without an id, the call would not be known again, and people would be asked for ever.
            if frame.refusal is None or request is None or not frame.call_id:
                break
            problem = await wait_for_answer(
                ctx,
                protection.guard,
                request,
                call_id=frame.call_id,
                approver=protection.approver,
                starts=protection.starts,
            )
            waited = True
            if problem is not None:
                output = error_output(request.tool, not_counted(frame.refusal, problem), tool_input)
                break
            frame.refusal = None
        if waited:
            protection.starts.close(frame.call_id)
        return output

    async def permit0_answer(self: Any, ctx: Context, ev: HumanResponseEvent) -> None:
        await _protection(self).starts.deliver(ctx, ev)

    config = own.call_tool._step_config
    for method in (call_tool, permit0_answer):
        method.__qualname__ = (
            f"{own.__qualname__}.{method.__name__}"  # else `step` takes it for no method
        )
    as_step = step(num_workers=config.num_workers, retry_policy=config.retry_policy)
    return {
        "get_tools": get_tools,
        "call_tool": as_step(call_tool),
        "_call_tool": _call_tool,
        "permit0_answer": step(num_workers=MAX_ANSWERS_AT_ONCE)(permit0_answer),
    }


def _protection(agent: object) -> _Protection:
    protection: _Protection = vars(agent)[_PROTECTION]
    return protection


def _retrieves(own: Any) -> dict[str, object]:
    """What goes in front of a retriever's own methods."""

    def retrieve(self: Any, *args: Any, **kwargs: Any) -> list[Any]:
        return [_if_tool(item, self) for item in own.retrieve(self, *args, **kwargs)]

    async def aretrieve(self: Any, *args: Any, **kwargs: Any) -> list[Any]:
        return [_if_tool(item, self) for item in await own.aretrieve(self, *args, **kwargs)]

    return {"retrieve": retrieve, "aretrieve": aretrieve}


def _if_tool(item: Any, retriever: Any) -> Any:
    return guard_tool(item, retriever._permit0_guard) if isinstance(item, BaseTool) else item


async def _identity(agent: Any, ctx: Context, protection: _Protection) -> Identity:
    if isinstance(agent, BaseWorkflowAgent):
        name = agent.name
    else:
        name = await ctx.store.get("current_agent_name")
    stored = await ctx.store.get(_STORED_SESSION, default=None)
    tags = active_instrument_tags.get()
    around = _around.get()
    known = tags.get("session_id") or stored or tags.get(RUN_ID)
    identity = identity_of(
        name,
        session=protection.session,
        around=around,
        framework_session=None if known is None else str(known),
    )
    if stored is None:
        # Steps that run in parallel write the same.
        await ctx.store.set(_STORED_SESSION, identity.session)
    return identity


def _not_called(ctx: Context, ev: ToolCall, error: Exception) -> ToolCallResult:
    result = ToolCallResult(
        tool_name=ev.tool_name,
        tool_kwargs=ev.tool_kwargs,
        tool_id=ev.tool_id,
        tool_output=error_output(ev.tool_name, refused(error), ev.tool_kwargs),
        return_direct=False,
    )
    ctx.write_event_to_stream(result)
    return result
