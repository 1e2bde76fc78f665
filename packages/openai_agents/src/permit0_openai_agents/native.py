"""Intercept the SDK's own local tools: shell, local shell, apply_patch, custom tools, the computer.

They have no guardrails, so the executor is wrapped, and `needs_approval` where there is one:

    tool         judged as                                  waits for a person   a refusal is
    shell        shell(commands, timeout_ms, ...)           yes                  its stderr, exit code 1
    local_shell  local_shell(command, env, ...)             approver only        its output
    apply_patch  apply_patch(operation={type, path, ...})   yes                  a failed result
    custom       NAME(input)                                yes                  its output
    computer     computer_click(x, y, button), ...          approver only        an error that ends the run

"approver only": the SDK cannot stop these for a person, so that without an approver such a call is refused.
A computer action has no text to answer with; an action that silently did not happen would be worse.
Each operation of a patch is a call. Editors are not told the id of a call, so it is found by the content.
Guarantees: an executor is called with a request that was built from what was judged.
Does not: guard what runs on the provider's side (graph reports it).
"""

from __future__ import annotations

import copy
import dataclasses
import inspect
import json
from collections.abc import Callable, Mapping
from typing import Any

from agents import (
    ApplyPatchTool,
    AsyncComputer,
    Computer,
    ComputerProvider,
    ComputerTool,
    CustomTool,
    LocalShellCommandRequest,
    LocalShellTool,
    RunContextWrapper,
    ShellActionRequest,
    ShellCallOutcome,
    ShellCommandOutput,
    ShellCommandRequest,
    ShellResult,
    ShellTool,
)
from agents.editor import ApplyPatchOperation, ApplyPatchResult
from agents.tool_context import ToolContext

from permit0.integration import Entry
from permit0_openai_agents.binding import Binding
from permit0_openai_agents.hook import also, refuse, reported
from permit0_openai_agents.translate import Asked, identity_of

__all__ = ["guard_native_tool", "is_guarded_native"]

MARK = "_permit0_native"
COMPUTER_ACTIONS = (
    "click",
    "double_click",
    "drag",
    "keypress",
    "move",
    "screenshot",
    "scroll",
    "type",
    "wait",
)


class _Layers:
    """What is common: who asks, and with what decided."""

    def __init__(self, binding: Binding, original: Any, owner: str) -> None:
        self.binding = binding
        self.original = original
        self.owner = owner

    def asked(
        self,
        context: RunContextWrapper[Any] | None,
        arguments: Mapping[str, object],
        *,
        call_id: str = "",
        tool: str | None = None,
    ) -> Asked:
        return Asked(
            tool=self.original.name if tool is None else tool,
            name=self.original.name,
            call_id=call_id,
            arguments={name: value for name, value in arguments.items() if value is not None},
            identity=identity_of(self.binding.identity, context, self.owner),
            description=str(getattr(self.original, "description", "") or ""),
        )


class _Shell(_Layers):
    def _of(
        self, context: RunContextWrapper[Any], action: ShellActionRequest, call_id: str
    ) -> Asked:
        arguments = dataclasses.asdict(action)
        return self.asked(context, arguments, call_id=call_id)

    async def needs_approval(
        self, context: RunContextWrapper[Any], action: ShellActionRequest, call_id: str
    ) -> bool:
        theirs = also(self.original.needs_approval, context, action, call_id)
        return await self.binding.must_ask(context, self._of(context, action, call_id), theirs)

    async def execute(self, request: ShellCommandRequest) -> Any:
        try:
            data = request.data
            asked = self._of(request.ctx_wrapper, data.action, data.call_id)
            entry = await self.binding.enter(request.ctx_wrapper, asked)
            action = ShellActionRequest(**dict(entry.arguments))  # type: ignore[arg-type]  # as dumped above
            judged = dataclasses.replace(request, data=dataclasses.replace(data, action=action))
        except Exception as error:  # noqa: BLE001  # boundary: whatever fails is a refusal
            return ShellResult(
                [ShellCommandOutput(stderr=refuse(error), outcome=ShellCallOutcome("exit", 1))]
            )
        with entry:
            result = await _settled(self.original.executor(judged))
        return _withheld(entry, asked, result, _text_of_shell(result))


class _LocalShell(_Layers):
    async def execute(self, request: LocalShellCommandRequest) -> Any:
        try:
            data = request.data
            asked = self.asked(
                request.ctx_wrapper,
                data.action.model_dump(exclude={"type"}, exclude_none=True),
                call_id=data.call_id,
            )
            entry = await self.binding.enter(request.ctx_wrapper, asked)
            action = data.action.model_copy(update=dict(entry.arguments))
            judged = dataclasses.replace(request, data=data.model_copy(update={"action": action}))
        except Exception as error:  # noqa: BLE001  # boundary: whatever fails is a refusal
            return refuse(error)
        with entry:
            result = await _settled(self.original.executor(judged))
        return _withheld(entry, asked, result, result)


class _Custom(_Layers):
    async def needs_approval(
        self, context: RunContextWrapper[Any], text: str, call_id: str
    ) -> bool:
        theirs = also(_approval_of(self.original), context, text, call_id)
        asked = self.asked(context, {"input": text}, call_id=call_id)
        return await self.binding.must_ask(context, asked, theirs)

    async def execute(self, context: ToolContext[Any], text: str) -> Any:
        try:
            asked = self.asked(context, {"input": text}, call_id=context.tool_call_id)
            entry = await self.binding.enter(context, asked)
        except Exception as error:  # noqa: BLE001  # boundary: whatever fails is a refusal
            return refuse(error)
        with entry:
            result = await _settled(self.original.on_invoke_tool(context, entry.arguments["input"]))
        return _withheld(entry, asked, result, result)


class _Patch(_Layers):
    """An editor whose operations are calls; everything else is the editor's own."""

    def _of(
        self,
        context: RunContextWrapper[Any] | None,
        operation: ApplyPatchOperation,
        call_id: str | None,
    ) -> Asked:
        fields = {
            name: value
            for name in ("type", "path", "diff", "move_to")  # move_to: since 0.19
            if (value := getattr(operation, name, None)) is not None
        }
        key = json.dumps(fields, sort_keys=True, default=str)
        if call_id is None:
            call_id = self.binding.patches.get(key) or ""
        else:
            self.binding.patches.put(key, call_id)
        return self.asked(context, {"operation": fields}, call_id=call_id)

    async def needs_approval(
        self, context: RunContextWrapper[Any], operation: ApplyPatchOperation, call_id: str
    ) -> bool:
        theirs = also(self.original.needs_approval, context, operation, call_id)
        return await self.binding.must_ask(context, self._of(context, operation, call_id), theirs)

    async def create_file(self, operation: ApplyPatchOperation) -> Any:
        return await self._apply("create_file", operation)

    async def update_file(self, operation: ApplyPatchOperation) -> Any:
        return await self._apply("update_file", operation)

    async def delete_file(self, operation: ApplyPatchOperation) -> Any:
        return await self._apply("delete_file", operation)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.original.editor, name)

    async def _apply(self, verb: str, operation: ApplyPatchOperation) -> Any:
        try:
            context = operation.ctx_wrapper
            if context is None:
                context = RunContextWrapper(None)  # called directly: nobody approved anything
            asked = self._of(context, dataclasses.replace(operation, type=verb), None)  # type: ignore[arg-type]  # one of three words
            entry = await self.binding.enter(context, asked)
            judged: Any = entry.arguments["operation"]
            operation = dataclasses.replace(operation, **judged)
        except Exception as error:  # noqa: BLE001  # boundary: whatever fails is a refusal
            return ApplyPatchResult(status="failed", output=refuse(error))
        with entry:
            result = await _settled(getattr(self.original.editor, verb)(operation))
        text = getattr(result, "output", result)
        told = reported(entry, asked.tool, text)
        return result if told is text else ApplyPatchResult(status="failed", output=told)


def guard_native_tool(binding: Binding, tool: Any, owner: str) -> Any:
    """A copy that is guarded; the tool itself if it is already, None if it is of no kind known here."""
    layers = getattr(tool, MARK, None)
    if isinstance(layers, _Layers) and layers.binding.guard is binding.guard:
        if layers.owner == owner:
            return tool
        tool = layers.original
    if isinstance(tool, ShellTool) and tool.executor is not None:
        shell = _Shell(binding, tool, owner)
        return _copy(tool, shell, executor=shell.execute, needs_approval=shell.needs_approval)
    if isinstance(tool, LocalShellTool):
        local = _LocalShell(binding, tool, owner)
        return _copy(tool, local, executor=local.execute)
    if isinstance(tool, ApplyPatchTool):
        patch = _Patch(binding, tool, owner)
        return _copy(tool, patch, editor=patch, needs_approval=patch.needs_approval)
    if isinstance(tool, CustomTool):
        custom = _Custom(binding, tool, owner)
        guarded = _copy(tool, custom, on_invoke_tool=custom.execute)
        guarded.needs_approval = custom.needs_approval
        # Tools of the sandbox answer this with a method of their own.
        guarded.runtime_needs_approval = lambda: custom.needs_approval
        return guarded
    if isinstance(tool, ComputerTool):
        computer = _Layers(binding, tool, owner)
        guarded = dataclasses.replace(tool, computer=_computer(computer, tool.computer))
        setattr(guarded, MARK, computer)
        return guarded
    return None


def is_guarded_native(tool: object, binding_guard: object) -> bool:
    """Whether a tool came from `guard_native_tool`, with this guard."""
    layers = getattr(tool, MARK, None)
    return isinstance(layers, _Layers) and layers.binding.guard is binding_guard


def _copy(tool: Any, layers: _Layers, **changed: Any) -> Any:
    guarded = copy.copy(tool)
    for name, value in changed.items():
        setattr(guarded, name, value)
    setattr(guarded, MARK, layers)
    return guarded


def _approval_of(tool: CustomTool) -> Any:
    runtime = getattr(tool, "runtime_needs_approval", None)
    return tool.needs_approval if runtime is None else runtime()


def _withheld(entry: Entry, asked: Asked, result: Any, text: Any) -> Any:
    """The result, or why it is withheld."""
    told = reported(entry, asked.tool, text)
    return result if told is text else str(told)


def _text_of_shell(result: Any) -> Any:
    if not isinstance(result, ShellResult):
        return result
    return "\n".join(f"{part.stdout}\n{part.stderr}" for part in result.output)


async def _settled(value: Any) -> Any:
    return await value if inspect.isawaitable(value) else value


# ---------------------------------------------------------------- the computer


def _computer(layers: _Layers, computer: Any) -> Any:
    """A guarded computer, or a factory of guarded ones."""
    if isinstance(computer, Computer | AsyncComputer):
        return _guarded_computer(layers, computer)
    if isinstance(computer, ComputerProvider) or callable(getattr(computer, "create", None)):
        return ComputerProvider(
            create=_factory(layers, computer.create), dispose=getattr(computer, "dispose", None)
        )
    return _factory(layers, computer)


def _factory(layers: _Layers, create: Callable[..., Any]) -> Callable[..., Any]:
    async def created(*, run_context: RunContextWrapper[Any]) -> Any:
        return _guarded_computer(layers, await _settled(create(run_context=run_context)))

    return created


def _guarded_computer(layers: _Layers, computer: Any) -> Any:
    """The same computer under a class of its own: it shares every attribute, and guards each action."""
    if isinstance(getattr(type(computer), MARK, None), _Layers):
        return computer
    kind = type(computer)
    methods = {
        name: _action(layers, name, getattr(kind, name))
        for name in COMPUTER_ACTIONS
        if callable(getattr(kind, name, None))
    }
    guarded_kind = type(
        kind.__name__, (kind,), {**methods, MARK: layers, "__module__": kind.__module__}
    )
    guarded: Any = object.__new__(guarded_kind)
    guarded.__dict__ = computer.__dict__
    return guarded


def _action(layers: _Layers, name: str, method: Callable[..., Any]) -> Any:
    signature = inspect.signature(method)
    binding = layers.binding

    def call(self: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Asked:
        bound = signature.bind(self, *args, **kwargs)
        arguments = dict(list(bound.arguments.items())[1:])
        arguments.update(arguments.pop("kwargs", {}))
        # Points are tuples; what is judged is what JSON can say.
        return layers.asked(None, json.loads(json.dumps(arguments)), tool=f"computer_{name}")

    if inspect.iscoroutinefunction(method):

        async def acted_async(self: Any, *args: Any, **kwargs: Any) -> Any:
            asked = call(self, args, kwargs)
            entry = await binding.gate.enter_async(
                asked.tool, asked.arguments, identity=asked.identity
            )
            with entry:
                result = await method(self, *args, **kwargs)
            entry.report(_of_screen(result))
            return result

        return _signed(acted_async, signature)

    def acted(self: Any, *args: Any, **kwargs: Any) -> Any:
        asked = call(self, args, kwargs)
        entry = binding.gate.enter(asked.tool, asked.arguments, identity=asked.identity)
        with entry:
            result = method(self, *args, **kwargs)
        entry.report(_of_screen(result))
        return result

    return _signed(acted, signature)


def _signed(method: Any, signature: inspect.Signature) -> Any:
    method.__signature__ = signature  # the SDK looks there for what a driver understands
    return method


def _of_screen(result: Any) -> Any:
    return None if isinstance(result, str) else result  # a picture as base64 says nothing
