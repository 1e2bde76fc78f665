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
from langchain_core.prompts import BasePromptTemplate
from langchain_core.runnables import Runnable
from langgraph.constants import END
from langgraph.prebuilt import ToolNode
from langgraph.pregel import Pregel
from langgraph.types import Command

from permit0 import Guard
from permit0.integration import Coverage, Covered, Gap
from permit0_langchain.callbacks import Permit0CallbackHandler, with_handler
from permit0_langchain.hook import Enforcer, ToolRefused
from permit0_langchain.requests import alone_or_not, prepared, told
from permit0_langchain.tools import enforced, open_about
from permit0_langchain.translate import Who, was_refused

__all__ = ["Kit", "guard_graph", "guard_tool_node", "guarded_graph", "guarded_node"]

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
    else:
        gaps.append(Gap(at + str(node.name), "tools that a wrapper brings along: unknown ToolNode"))
    return Coverage("langchain", tuple(covered), tuple(gaps))


def _wrapper(outer: Callable[..., Any] | None, kit: Kit, back: str | None) -> Callable[..., Any]:
    def wrap(request: Any, execute: Callable[[Any], Any]) -> Any:
        def innermost(inner: Any) -> Any:
            try:
                with alone_or_not(inner):
                    return execute(prepared(inner, kit.enforcer, kit.handler))
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
                    return await execute(prepared(inner, kit.enforcer, kit.handler))
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
        below = {id(item): item for item in [*_parts(node.bound), *(node.subgraphs or ())]}
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


def _parts(bound: object) -> Iterator[object]:
    """A runnable, or those that it consists of."""
    steps = getattr(bound, "steps", None) or getattr(bound, "steps__", None)
    inner = getattr(bound, "bound", None)
    if isinstance(steps, list):
        for step in steps:
            yield from _parts(step)
    elif isinstance(steps, dict):
        for step in steps.values():
            yield from _parts(step)
    else:
        yield bound
        if isinstance(inner, Runnable):
            yield from _parts(inner)


def _open(part: object, name: str, at: str) -> Iterator[Gap]:
    """What cannot be covered of a node that is neither tools nor a graph."""
    yield from (Gap(at + kind, "runs at the provider of the model") for kind in _hosted(part))
    function = getattr(part, "func", None) or getattr(part, "afunc", None)
    if function is None:
        harmless = isinstance(part, BaseLanguageModel | BasePromptTemplate)
        if not harmless and not type(part).__module__.startswith(("langchain_core.", *OWN)):
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
    function = getattr(part, "func", None) or getattr(part, "afunc", None)
    places: list[object] = [getattr(part, "kwargs", None)]
    if inspect.isfunction(function):
        kept = inspect.getclosurevars(function).nonlocals
        places += [kept, *(getattr(item, "kwargs", None) for item in kept.values())]
    for place in places:
        if not isinstance(place, dict):
            continue
        for value in place.values():
            for item in value if isinstance(value, list | tuple) else ():
                if isinstance(item, dict) and _is_hosted(item):
                    yield str(item.get("type") or item.get("name") or "tool")


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
    hook = getattr(getattr(bound, "func", None), "__self__", None)
    return any(kind.__name__ == "Permit0Middleware" for kind in type(hook).__mro__)
