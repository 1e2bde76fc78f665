"""What the tests of this folder share: a guard of its own for each test, tools that leave a trace, ways to run.

Tool       arguments        decision
note       any              ALLOW
pay        amount 50        ALLOW
pay        amount 5000      HUMAN
danger     any              DENY (on the deny list)
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from langchain_core.messages import AIMessage, HumanMessage, ToolMessage
from langchain_core.tools import BaseTool, tool
from langgraph.types import Command

import permit0
from permit0 import ApprovalRequest, Guard
from permit0.audit.reader import open_log
from permit0.token.keys import SigningKey
from permit0_langchain import answer
from permit0_langchain.prove import Scripted, tool_call

__all__ = [
    "CONFIG",
    "RUNS",
    "Ran",
    "Scripted",
    "Sleeper",
    "approve",
    "asked",
    "break_state",
    "decided",
    "make_guard",
    "pending",
    "refusals",
    "reject",
    "reported",
    "say",
    "start",
    "tool_call",
    "tools_of",
]

Ran = list[tuple[Any, ...]]
"""What the bodies of the tools wrote down: the only witness."""

CONFIG: Any = {"configurable": {"thread_id": "thread-1"}}

YAML = """
lists: {deny: [{tool: danger, reason: nobody may}, {tool: permit0_canary_danger, reason: nobody may}]}
packs: [pack.yaml]
state: {path: state.db}
audit: {path: audit.db, key: audit.key}
"""
PACK = """
pack: test.langchain
version: 1
about: Tools of the tests.
mappings:
  - {tools: [pay], action: payments.charge, source: test, arguments: {amount: amount, currency: currency}}
  - {tools: [note, permit0_canary_read, delegate, transfer], action: files.list, source: test,
     inert: [text, n, task]}
"""


def make_guard(folder: Path, extra: str = "", *, timeout_s: int = 60, **options: Any) -> Guard:
    """A guard whose state and log are in a folder."""
    (folder / "permit0.yaml").write_text(YAML + f"approval: {{timeout_s: {timeout_s}}}\n" + extra)
    (folder / "pack.yaml").write_text(PACK)
    key = folder / "audit.key"
    if not key.exists():
        key.touch(mode=0o600)
        key.write_text(SigningKey.generate().reveal())
    return permit0.build_guard(folder / "permit0.yaml", **options)


def decided(folder: Path) -> list[str]:
    """The tools of all decisions on record, in order."""
    return [body["what"]["tool"] for body in _records(folder, "decision")]


def asked(folder: Path) -> list[dict[str, Any]]:
    """The calls of all decisions on record, in order."""
    return [body["what"] for body in _records(folder, "decision")]


def reported(folder: Path) -> list[dict[str, Any]]:
    """What is on record of executions."""
    return _records(folder, "outcome")


def _records(folder: Path, kind: str) -> list[dict[str, Any]]:
    log = open_log(folder / "audit.db")
    try:
        found = [json.loads(record.data) for record in log.records()]
    finally:
        log.close()
    return [item["body"] for item in found if item["kind"] == kind]


def tools_of(ran: Ran) -> list[BaseTool]:
    """note, pay and danger, synchronous, and danger's asynchronous brother."""

    @tool
    def note(text: str = "") -> str:
        """Write a note."""
        ran.append(("note", text))
        return f"noted {text}"

    @tool
    def pay(amount: int, currency: str = "USD") -> str:
        """Charge a card."""
        ran.append(("pay", amount))
        return f"paid {amount}"

    @tool
    def danger(text: str = "") -> str:
        """Something that nobody may."""
        ran.append(("danger", text))
        return "done"

    return [note, pay, danger]


def break_state(folder: Path) -> None:
    """Damage the file that a guard remembers sessions in: from now on it can only fail."""
    for name in ("state.db-wal", "state.db-shm"):
        (folder / name).unlink(missing_ok=True)
    (folder / "state.db").write_bytes(b"not a database" * 1000)


def say(*calls: tuple[str, dict[str, Any]], first: int = 1) -> AIMessage:
    """A turn of the model with calls of tools, whose ids are c1, c2 and so on."""
    wanted = [tool_call(name, args, f"c{n}") for n, (name, args) in enumerate(calls, first)]
    return AIMessage("", tool_calls=wanted)


def start() -> Any:
    """What an agent is asked with."""
    return {"messages": [HumanMessage("go")]}


# ---------------------------------------------------------------- ways to run


def _invoke(graph: Any, given: Any, config: Any) -> Any:
    return graph.invoke(given, config)


def _ainvoke(graph: Any, given: Any, config: Any) -> Any:
    return asyncio.run(graph.ainvoke(given, config))


def _last(values: Sequence[Any]) -> Any:
    """The last state of a stream, with its interrupts where `invoke` has them."""
    state = dict(next(item for item in reversed(values) if "messages" in item))
    waiting = [one for item in values for one in item.get("__interrupt__", ())]
    return {**state, "__interrupt__": waiting} if waiting else state


def _stream(graph: Any, given: Any, config: Any) -> Any:
    return _last(list(graph.stream(given, config, stream_mode="values")))


def _astream(graph: Any, given: Any, config: Any) -> Any:
    async def run() -> list[Any]:
        return [item async for item in graph.astream(given, config, stream_mode="values")]

    return _last(asyncio.run(run()))


RUNS: dict[str, Callable[[Any, Any, Any], Any]] = {
    "invoke": _invoke,
    "ainvoke": _ainvoke,
    "stream": _stream,
    "astream": _astream,
}


# ---------------------------------------------------------------- people


def pending(state: Any) -> list[Any]:
    """The interrupts of a result, in the order of the calls; LangGraph's own is that of their tasks' ends."""
    return sorted(state.get("__interrupt__", ()), key=lambda item: str(item.value["call_id"]))


def approve(interrupts: Sequence[Any], by: str = "alice") -> Command[Any]:
    """Resume with a yes to all of them."""
    return Command(resume={item.id: answer(item, approved=True, by=by) for item in interrupts})


def reject(interrupts: Sequence[Any], by: str = "alice") -> Command[Any]:
    """Resume with a no to all of them."""
    return Command(resume={item.id: answer(item, approved=False, by=by) for item in interrupts})


class Sleeper:
    """An approver that does not come back in time."""

    def ask(self, request: ApprovalRequest) -> None:
        """Sleep longer than the request is open."""
        time.sleep(3)


def refusals(state: Any) -> list[ToolMessage]:
    """What the model was told about calls that did not run."""
    return [m for m in state["messages"] if isinstance(m, ToolMessage) and m.status == "error"]
