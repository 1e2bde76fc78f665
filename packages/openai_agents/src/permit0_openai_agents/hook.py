"""Intercept the function tools of the OpenAI Agents SDK: decorated functions, MCP tools, agents as tools.

The layers of one call, in the SDK's order. The first that decides keeps the outcome for the next:
  1. needs_approval     a call that needs a person stops the run in the SDK's own way (an interruption)
  2. input guardrail    ours is the last; a refusal becomes the tool's output (reject_content)
  3. on_invoke_tool     enforces: whatever happened before, the body runs with a permission of this call or
                        not at all; also where it is called directly, or the other two were taken off
Guarantees:
  1. Zero bodies without a permission; an SDK approval, `always_approve` included, is none.
  2. A refusal is text for the model, never an exception: the SDK hides the text of those.
  3. The body gets the arguments that were judged: for a decorated function the very text that was read, for
     every other tool that object, written anew.
  4. A result that could not be recorded is withheld, since later decisions would not know of it.
  5. A tool is guarded once per guard, whoever copies it.
An agent as a tool is a call like any other, and its agent is guarded as well. When it goes on after a pause
inside of it, that is not a second call.
Does not: notice a kill order that comes between a decision and its body, while hooks of the application run;
see `tool.__wrapped__` or the original object, which whoever holds them can call.
"""

from __future__ import annotations

import inspect
import json
import logging
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from agents import (
    FunctionTool,
    RunContextWrapper,
    ToolGuardrailFunctionOutput,
    ToolInputGuardrail,
    ToolInputGuardrailData,
    ToolOutputGuardrail,
    ToolOutputGuardrailData,
)
from agents.agent_tool_state import get_agent_tool_state_scope, peek_agent_tool_run_result
from agents.tool_context import ToolContext

from permit0 import ApprovalRequired, Guard, OutcomeUnrecorded
from permit0.integration import Entry, refusal_text
from permit0_openai_agents.binding import Binding, approval_status
from permit0_openai_agents.translate import (
    Asked,
    IdentityOption,
    Refusal,
    effective,
    identity_of,
    parse_arguments,
    schema_of,
)

__all__ = [
    "GUARDRAIL",
    "GuardedInvoker",
    "also",
    "guard_function_tool",
    "guardrails",
    "refuse",
    "reported",
]

GUARDRAIL = "permit0"
_log = logging.getLogger("permit0.openai_agents")


class GuardedInvoker:
    """`on_invoke_tool` of a guarded tool, and its two outer layers.

    Args:
        binding: What decides.
        original: The tool as it was.
        owner: Name of the agent that has it, "" if it is not known.
    """

    def __init__(self, binding: Binding, original: FunctionTool, owner: str) -> None:
        self.binding = binding
        self.original = original
        self.owner = owner
        self.delegates = getattr(original, "_agent_instance", None) is not None
        self.guardrail: ToolInputGuardrail[Any] = ToolInputGuardrail(self.check, GUARDRAIL)
        self._parameters = schema_of(original.on_invoke_tool)
        self._schema: str | None = None

    async def needs_approval(
        self, context: RunContextWrapper[Any], arguments: dict[str, Any], call_id: str
    ) -> bool:
        """1. Whether the SDK stops for a person."""
        try:
            asked = self._asked(context, arguments, call_id)
        except Exception:  # noqa: BLE001  # boundary: layer 2 meets it again and tells the model
            return False
        if self.binding.delegated.get(asked.key) is not None:
            return False  # layers 2 and 3 decide it if it does not go on after a pause
        theirs = self.original.needs_approval
        return await self.binding.must_ask(
            context, asked, also(theirs, context, arguments, call_id)
        )

    async def check(self, data: ToolInputGuardrailData) -> ToolGuardrailFunctionOutput:
        """2. A refusal in the SDK's own form."""
        context = data.context
        if self._goes_on(context):
            return ToolGuardrailFunctionOutput.allow()
        try:
            asked = self._called(context, context.tool_arguments)
        except Exception as error:  # noqa: BLE001  # boundary: what cannot be read is refused
            return ToolGuardrailFunctionOutput.reject_content(refuse(error))
        try:
            entry = await self.binding.enter(context, asked, wording=context.tool_arguments)
        except Exception as error:  # noqa: BLE001  # boundary: whatever fails is a refusal
            waits = isinstance(error, ApprovalRequired)
            if waits and approval_status(context, asked) is None:
                # Run before the SDK stops for a person, and only then: layer 3 refuses otherwise.
                return ToolGuardrailFunctionOutput.allow()
            return ToolGuardrailFunctionOutput.reject_content(refuse(error))
        self.binding.decided.keep(context.usage, asked, entry)
        return ToolGuardrailFunctionOutput.allow()

    async def __call__(self, context: ToolContext[Any], text: str) -> Any:
        """3. The body, if it may run."""
        if self._goes_on(context):
            return await self._resumed(context, text)
        try:
            asked = self._called(context, text)
            entry = await self.binding.enter(context, asked, wording=text)
            handed = text if self._parameters is not None else _written(entry.arguments)
        except Exception as error:  # noqa: BLE001  # boundary: whatever fails is a refusal
            return refuse(error)
        with entry:
            result = await self.original.on_invoke_tool(context, handed)
        if self._goes_on(context):
            self.binding.delegated.put(asked.key, True)
        return reported(entry, asked.tool, result)

    def fits(self, tool: FunctionTool, owner: str) -> bool:
        """Whether a tool still has all three layers, under the name that they were made for."""
        return (
            self.owner == owner
            and tool.name == self.original.name
            and _is(tool.needs_approval, self.needs_approval)
            and any(item is self.guardrail for item in tool.tool_input_guardrails or ())
        )

    def without(self, tool: FunctionTool) -> FunctionTool:
        """The tool as it is now, less these layers."""
        bare = _copied(tool)
        bare.on_invoke_tool = self.original.on_invoke_tool
        if _is(tool.needs_approval, self.needs_approval):
            bare.needs_approval = self.original.needs_approval
        kept = [item for item in tool.tool_input_guardrails or () if item is not self.guardrail]
        bare.tool_input_guardrails = kept or None
        return bare

    def _goes_on(self, context: ToolContext[Any]) -> bool:
        """Whether this is an agent as a tool that was let in and waits for a person inside."""
        if not self.delegates or context.tool_call is None:
            return False
        paused = peek_agent_tool_run_result(
            context.tool_call, scope_id=get_agent_tool_state_scope(context)
        )
        return bool(getattr(paused, "interruptions", None))

    async def _resumed(self, context: ToolContext[Any], text: str) -> Any:
        result = await self.original.on_invoke_tool(context, text)
        if not self._goes_on(context):
            self.binding.delegated.take(self._called(context, text).key)
        return result

    def _called(self, context: ToolContext[Any], text: str) -> Asked:
        return self._asked(context, parse_arguments(text), context.tool_call_id)

    def _asked(
        self,
        context: RunContextWrapper[Any],
        arguments: Mapping[str, object],
        call_id: str,
    ) -> Asked:
        tool = self.original
        if self._schema is None:
            self._schema = json.dumps(tool.params_json_schema, default=str)
        return Asked(
            tool=tool.qualified_name,
            name=tool.name,
            call_id=call_id,
            arguments=effective(self._parameters, arguments),
            identity=identity_of(self.binding.identity, context, self.owner),
            description=tool.description,
            schema=self._schema,
        )


def guard_function_tool(binding: Binding, tool: FunctionTool, owner: str) -> FunctionTool:
    """A copy with all layers; the tool itself if it has them already."""
    invoker = tool.on_invoke_tool
    if isinstance(invoker, GuardedInvoker) and invoker.binding.guard is binding.guard:
        if invoker.fits(tool, owner):
            return tool
        tool = invoker.without(tool)
    layers = GuardedInvoker(binding, tool, owner)
    guarded = _copied(tool)
    guarded.on_invoke_tool = layers
    guarded.needs_approval = layers.needs_approval
    guarded.tool_input_guardrails = [*(tool.tool_input_guardrails or ()), layers.guardrail]
    return guarded


def guardrails(
    guard: Guard, *, identity: IdentityOption = None
) -> tuple[ToolInputGuardrail[Any], ToolOutputGuardrail[Any]]:
    """Layer 2 alone, for `tool_input_guardrails` and `tool_output_guardrails` of a tool.

    It cannot stop a run for a person: such a call is refused unless the guard has an approver. It is not
    run where a tool is invoked directly. `guard_agent` and `guard_tools` have neither gap.

    Args:
        guard: Decides and enforces.
        identity: Who calls, see translate.
    """
    binding = Binding(guard, identity=identity)

    def asked_of(data: ToolInputGuardrailData) -> Asked:
        context = data.context
        return Asked(
            tool=context.qualified_tool_name,
            name=context.tool_name,
            call_id=context.tool_call_id,
            arguments=parse_arguments(context.tool_arguments),
            identity=identity_of(identity, context, data.agent.name),
        )

    async def before(data: ToolInputGuardrailData) -> ToolGuardrailFunctionOutput:
        try:
            asked = asked_of(data)
            entry = await binding.enter(data.context, asked)
        except Exception as error:  # noqa: BLE001  # boundary: whatever fails is a refusal
            return ToolGuardrailFunctionOutput.reject_content(refuse(error))
        binding.decided.keep(data.context.usage, asked, entry)
        return ToolGuardrailFunctionOutput.allow()

    async def after(data: ToolOutputGuardrailData) -> ToolGuardrailFunctionOutput:
        asked = asked_of(data)
        entry = binding.decided.take(data.context.usage, asked)
        if not isinstance(entry, Entry):
            return ToolGuardrailFunctionOutput.allow()
        told = reported(entry, asked.tool, data.output)
        if told is data.output:
            return ToolGuardrailFunctionOutput.allow()
        return ToolGuardrailFunctionOutput.reject_content(str(told))

    return ToolInputGuardrail(before, GUARDRAIL), ToolOutputGuardrail(after, GUARDRAIL)


def refuse(error: Exception) -> Refusal:
    """What the model is told."""
    _log.info("a call was refused: %s", type(error).__name__)
    return Refusal(refusal_text(error))


def reported(entry: Entry, tool: str, result: Any) -> Any:
    """The result, once it is recorded."""
    try:
        entry.report(result)
    except OutcomeUnrecorded as error:
        _log.error("%s", error)
        return Refusal(
            f"{tool} ran, but permit0 could not record what came of it, so its result is withheld. "
            "Do not run it again; tell the user."
        )
    return result


def also(setting: Any, *args: Any) -> Callable[[], Awaitable[bool]] | None:
    """What a tool's own `needs_approval` says, asked later; None if it always says no."""
    if setting is False:
        return None

    async def ask() -> bool:
        said = setting(*args) if callable(setting) else setting
        return bool(await said if inspect.isawaitable(said) else said)

    return ask


def _copied(tool: FunctionTool) -> FunctionTool:
    """Past the constructor, which subclasses have in other shapes and older releases call."""
    made = object.__new__(type(tool))
    made.__dict__.update(tool.__dict__)
    return made


def _written(arguments: Mapping[str, object]) -> str:
    return json.dumps(arguments, ensure_ascii=False, allow_nan=False)


def _is(setting: object, method: Callable[..., object]) -> bool:
    return setting == method  # bound methods are made anew each time, and equal
