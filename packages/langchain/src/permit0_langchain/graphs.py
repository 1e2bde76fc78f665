"""Guard what exists: tool nodes, and the tool nodes in a compiled graph, its sub-graphs included.

    graph = guard_graph(graph, guard)        # or permit0.protect(graph), which also says what stays open
    builder.add_node("tools", guard_tool_node(ToolNode(tools), guard))

Enforces: the tools of each ToolNode are replaced by guarded ones; inside of whatever wraps its calls already, a
wrapper guards the tool that is about to run, also one that was brought along; the handler of `callbacks` is put
into the configuration of the graph.
Guarantees: changed in place, so that nobody is left with an unguarded original; done twice counts once.
Does not see: tools of the provider, nodes that run elsewhere, and what a hand-written node does without
invoking a tool (the report names them). A tool that such a node invokes is asked about; a refusal raises there.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from typing import Any, TypeVar

from langchain_core.language_models import BaseLanguageModel
from langchain_core.output_parsers import BaseOutputParser
from langchain_core.prompts import BasePromptTemplate
from langchain_core.runnables import Runnable, RunnablePassthrough
from langchain_core.tools import BaseTool
from langgraph.constants import END
from langgraph.prebuilt import ToolNode
from langgraph.pregel import Pregel
from langgraph.types import Command

from permit0 import Guard
from permit0.integration import Coverage, Covered, Gap
from permit0_langchain.callbacks import Permit0CallbackHandler, with_handler
from permit0_langchain.hook import Enforcer, ToolRefused
from permit0_langchain.requests import Copies, alone_or_not, given, prepared, told
from permit0_langchain.tools import enforced, open_about
from permit0_langchain.translate import Who, was_refused

__all__ = ["Kit", "guard_graph", "guard_tool_node", "guarded_graph", "guarded_node", "parts_of"]

N = TypeVar("N", bound=ToolNode)
G = TypeVar("G", bound=Pregel[Any, Any, Any, Any])

OWN = (
    "langchain.agents.",
    "langgraph.prebuilt.",
    "langgraph.graph.",
    "langgraph._internal.",
    "langgraph.pregel.",
)
HOOKS = (".before_agent", ".before_model", ".after_model", ".after_agent")
HARMLESS = (BaseLanguageModel, BasePromptTemplate, BaseOutputParser, RunnablePassthrough)
MARK = "_permit0_guards"
WRAPPERS = ("_wrap_tool_call", "_awrap_tool_call")  # arguments of ToolNode, kept under these names


def guard_tool_node(node: N, guard: Guard, *, identity: Who = None, approver: str = "") -> N:
    """The same node, guarded.

    Args:
        node: Changed in place.
        guard: With what. identity, approver: as for `guard_tools`.
    """
    guarded_node(node, Kit(guard, identity, approver), back=None)
    return node


def guard_graph(graph: G, guard: Guard, *, identity: Who = None, approver: str = "") -> G:
    """The same compiled graph, guarded; see `permit0.coverage` and `permit0.protect` for what stays open."""
    guarded_graph(graph, guard, identity=identity, approver=approver)
    return graph


def guarded_graph(
    graph: Pregel[Any, Any, Any, Any], guard: Guard, *, identity: Who = None, approver: str = ""
) -> Coverage:
    """Guard a compiled graph and say what that covers."""
    kit = Kit(guard, identity, approver)
    report = _graph(graph, kit, "", set())
    config = dict(graph.config or {})
    with_handler(config, kit.handler)  # type: ignore[arg-type]  # a RunnableConfig is a dict
    graph.config = config  # type: ignore[assignment]  # likewise
    return report


class Kit:
    """One guard and its two ways to ask."""

    def __init__(self, guard: Guard, identity: Who = None, approver: str = "") -> None:
        self.guard = guard
        self.enforcer = Enforcer(guard, identity=identity, approver=approver)
        self.copies = Copies(self.enforcer)
        self.handler = Permit0CallbackHandler(guard, identity=identity, approver=approver)


def guarded_node(node: ToolNode, kit: Kit, *, back: str | None = None, at: str = "") -> Coverage:
    """Guard a ToolNode. back: the node to go to after a refusal of a tool with return_direct."""
    tools = node.tools_by_name
    covered, gaps = [], []
    for name, tool in list(tools.items()):
        tools[name] = enforced(tool, kit.enforcer)
        covered.append(Covered(at + name, ("node", "tool")))
        gaps += [Gap(at + name, why) for why in open_about(tool)]
        if tool.return_direct and back is None:
            gaps.append(
                Gap(at + name, "return_direct: a refusal ends the run here, use Permit0Middleware")
            )
    marks = getattr(node, MARK, ())
    if all(hasattr(node, name) for name in WRAPPERS):
        if not any(item is kit.guard for item in marks):
            sync, other = (getattr(node, name) for name in WRAPPERS)
            setattr(node, WRAPPERS[0], _wrapper(sync, kit, back))
            # With a synchronous wrapper alone, ToolNode uses that for asynchronous runs, too.
            if sync is None or other is not None:
                setattr(node, WRAPPERS[1], _wrapper_async(other, kit, back))
            setattr(node, MARK, (*marks, kit.guard))
            if not marks:
                _count(node)
    else:
        gaps.append(Gap(at + str(node.name), "tools that a wrapper brings along: unknown ToolNode"))
    return Coverage("langchain", tuple(covered), tuple(gaps))


def _count(node: Any) -> None:
    if node.func is not None:
        node.func = _Counting(node.func)
    if node.afunc is not None:
        node.afunc = _CountingAsync(node.afunc)


class _Counting:
    """The function of a node, with a note of how many calls it was given.

    An object and not a closure: LangGraph looks for sub-graphs in what a node's function closes over, and would
    come from the node to the function to the node, without end.
    """

    def __init__(self, run: Callable[..., Any]) -> None:
        self._run = run

    def __call__(self, calls: Any, *args: Any, **kwargs: Any) -> Any:
        with given(calls):
            return self._run(calls, *args, **kwargs)


class _CountingAsync(_Counting):
    async def __call__(self, calls: Any, *args: Any, **kwargs: Any) -> Any:
        with given(calls):
            return await self._run(calls, *args, **kwargs)


def _wrapper(outer: Callable[..., Any] | None, kit: Kit, back: str | None) -> Callable[..., Any]:
    def wrap(request: Any, execute: Callable[[Any], Any]) -> Any:
        def innermost(inner: Any) -> Any:
            try:
                with alone_or_not(inner):
                    return execute(prepared(inner, kit.copies, kit.handler))
            except ToolRefused as refusal:
                return told(inner, refusal)

        result = innermost(request) if outer is None else outer(request, innermost)
        return _on(request, result, back)

    return wrap


def _wrapper_async(
    outer: Callable[..., Any] | None, kit: Kit, back: str | None
) -> Callable[..., Any]:
    async def wrap(request: Any, execute: Callable[[Any], Any]) -> Any:
        async def innermost(inner: Any) -> Any:
            try:
                with alone_or_not(inner):
                    return await execute(prepared(inner, kit.copies, kit.handler))
            except ToolRefused as refusal:
                return told(inner, refusal)

        result = await (innermost(request) if outer is None else outer(request, innermost))
        return _on(request, result, back)

    return wrap


def _on(request: Any, result: Any, back: str | None) -> Any:
    """A refusal is no answer: where it would end the run, go on to the model."""
    direct = getattr(request.tool, "return_direct", False)
    if not back or not direct or not was_refused(result):
        return result
    return Command(update={"messages": [result]}, goto=back)


# ---------------------------------------------------------------- graphs


def _graph(graph: Pregel[Any, Any, Any, Any], kit: Kit, at: str, seen: set[int]) -> Coverage:
    report = Coverage("langchain")
    if id(graph) in seen:
        return report
    seen.add(id(graph))
    for name, node in graph.nodes.items():
        below = {id(item): item for item in [*parts_of(node.bound), *(node.subgraphs or ())]}
        for part in below.values():
            if isinstance(part, ToolNode):
                report = report.plus(
                    guarded_node(part, kit, back=_way_back(graph, name, part), at=at)
                )
                if getattr(node, "cache_policy", None) is not None:
                    why = "its results are cached, and given without asking"
                    report = report.plus(Coverage("langchain", gaps=(Gap(at + name, why),)))
            elif isinstance(part, Pregel):
                report = report.plus(_graph(part, kit, f"{at}{name}/", seen))
            else:
                report = report.plus(Coverage("langchain", gaps=tuple(_open(part, name, at))))
    return report


def parts_of(bound: object) -> Iterator[object]:
    """A runnable and everything that it consists of."""
    yield bound
    if not isinstance(bound, ToolNode | Pregel | BaseTool | BaseLanguageModel):
        for inner in _inner(bound):
            yield from parts_of(inner)


def _inner(bound: object) -> list[Runnable[Any, Any]]:
    """The runnables that a runnable holds: bindings, sequences, branches, fallbacks and so on."""
    if not isinstance(bound, Runnable):
        return []
    held: list[object] = list(vars(bound).values())
    for value in list(held):
        if isinstance(value, dict):
            held += value.values()
        elif isinstance(value, list | tuple):
            held += [one for item in value for one in (item if isinstance(item, tuple) else [item])]
    return [item for item in held if isinstance(item, Runnable)]


def _open(part: object, name: str, at: str) -> Iterator[Gap]:
    """What cannot be covered of something in a node that is neither tools nor a graph."""
    yield from (Gap(at + kind, "runs at the provider of the model") for kind in _hosted(part))
    function = _function_of(part)
    if function is None:
        if not _inner(part) and not isinstance(part, HARMLESS):
            yield Gap(at + name, f"a {type(part).__name__!r}, which runs out of reach")
        return
    home = str(getattr(function, "__module__", ""))
    if not (home + ".").startswith(OWN) and not name.endswith(HOOKS):
        yield Gap(
            at + name,
            "a node of your own: only the tools that it invokes are asked about, guard those that it uses "
            "with guard_tools",
        )


def _hosted(part: object) -> Iterator[str]:
    """Kinds of the tools that a model is given to run by itself, as far as they can be found."""
    places = [_kept(part, "kwargs")]
    function = _function_of(part)
    if inspect.isfunction(function):
        nonlocals = inspect.getclosurevars(function).nonlocals
        inner = [one for item in nonlocals.values() for one in parts_of(item)]
        places += [nonlocals, *(_kept(item, "kwargs") for item in inner)]
    for place in places:
        for value in place.values() if isinstance(place, dict) else ():
            for item in value if isinstance(value, list | tuple) else ():
                if isinstance(item, dict) and _is_hosted(item):
                    yield str(item.get("type") or item.get("name") or "tool")


def _function_of(part: object) -> Any:
    return _kept(part, "func") or _kept(part, "afunc")


def _kept(part: object, name: str) -> Any:
    """An attribute of the object itself; some runnables make up the attributes that they lack."""
    return getattr(part, "__dict__", {}).get(name)


def _is_hosted(tool: dict[Any, Any]) -> bool:
    kind = tool.get("type")
    return isinstance(kind, str) and kind not in {"function", "tool_call", "custom"}


def _way_back(graph: Pregel[Any, Any, Any, Any], name: str, node: ToolNode) -> str | None:
    """Where to go after a refusal of a tool whose result would end the run; "" if that needs nothing."""
    if not any(tool.return_direct for tool in node.tools_by_name.values()):
        return ""
    branches = getattr(getattr(graph, "builder", None), "branches", {}).get(name, {})
    ends: set[str] = {end for branch in branches.values() for end in (branch.ends or {}).values()}
    loop = [end for end in ends if end != END and not end.endswith(".after_agent")]
    if any(_is_ours(graph.nodes[end].bound) for end in ends if end in graph.nodes):
        return ""  # the middleware sends the refusal to the model
    return loop[0] if len(loop) == 1 else None


def _is_ours(bound: object) -> bool:
    hook = getattr(_function_of(bound), "__self__", None)
    return any(kind.__name__ == "Permit0Middleware" for kind in type(hook).__mro__)
