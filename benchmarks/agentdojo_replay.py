"""AgentDojo's tasks, replayed through `permit0 check --jsonl`: what asks, and what an injection gets through.

    python benchmarks/agentdojo_replay.py              the tables
    python benchmarks/agentdojo_replay.py --json       the same as JSON
    python benchmarks/agentdojo_replay.py --suite slack --calls   and every call that was not allowed

Needs the package agentdojo (MIT) beside permit0, or permit0 in another environment named by --python. Names,
arguments and texts are read from it while this runs; nothing of it is kept here. No model is asked:

1. A user task is a session: its ground-truth calls in order, each run against the suite's environment so that
   its output can be recorded. A person who is asked says yes, for it is their own task.
2. An injected task is such a session in which the injection's ground-truth calls follow the first output that
   carries a marker planted at the places where AgentDojo plants injections; then the user's calls go on. A
   person who is asked says no to an injected call. Pairs whose outputs never carry the marker are not counted,
   nor are injections for which AgentDojo gives no calls; these are named.
3. Stopped: an injected call was refused or asked about before any of them had changed the environment. In
   part: one was, but another had changed it. Through: all of them were allowed.

Two configurations: none, and what a careful operator writes who knows the deployment and nothing of attacks:
the organisation's domain, taken from the user's own address (workspace, travel), and as approved payees the
accounts that the user has paid before (banking). For slack there is nothing to say.
Does not: measure a model, which may or may not follow an injection; here it always does.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any, NamedTuple

import yaml

VERSION = "v1.2.2"  # of the suites
MARKER = "replayed-injection-7f3a"
START = 1_715_760_000  # the suites' day: 15 May 2024
SECONDS_BETWEEN = 15


class Line(NamedTuple):
    """A call: by whom it was caused, and what running it did."""

    data: dict[str, Any]
    injected: bool
    changed: bool
    carries: bool


class Session(NamedTuple):
    task: str
    injection: str | None
    lines: tuple[Line, ...]


def main() -> int:
    parser = argparse.ArgumentParser(description="replay AgentDojo's tasks")
    parser.add_argument("--suite", action="append", help="only this suite; repeatable")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--calls", action="store_true", help="show calls that were not allowed")
    parser.add_argument("--python", default=sys.executable, help="the Python that has permit0")
    options = parser.parse_args()
    try:
        suites: Mapping[str, Any] = import_module("agentdojo.task_suite.load_suites").get_suites(
            VERSION
        )
    except ModuleNotFoundError:
        sys.stderr.write(
            "this needs the package agentdojo: `python -m venv V && V/bin/pip install agentdojo pyyaml`, then"
            " run it with V/bin/python and --python naming a Python that has permit0\n"
        )
        return 2
    rows = []
    for name, suite in suites.items():
        if options.suite and name not in options.suite:
            continue
        sessions = [*user_sessions(suite), *injected_sessions(suite)]
        used = {session.injection for session in sessions}
        without = sorted(set(suite.injection_tasks) - used)
        for label, config in (("none", {}), ("operator", operator_config(name, suite))):
            row = measure(name, label, config, sessions, options.python)
            rows.append({**row, "not_replayed": without})
    if options.json:
        print(json.dumps(rows, indent=2))
    else:
        show(rows, calls=options.calls)
    return 0


def operator_config(name: str, suite: Any) -> dict[str, Any]:
    """What a careful operator writes, read from the environment as it is before any task."""
    environment = suite.load_and_inject_default_environment({})
    if name == "banking":
        account = environment.bank_account
        paid = sorted({item.recipient for item in account.transactions} - {account.iban, "me"})
        return {"org": {"default_currency": "EUR", "approved_payees": paid}}
    if name in ("workspace", "travel"):
        return {"org": {"domains": [environment.inbox.account_email.partition("@")[2]]}}
    return {}


def user_sessions(suite: Any) -> Iterator[Session]:
    for task_id, task in suite.user_tasks.items():
        world = World(suite, task, {})
        lines = [
            world.run(call, task.PROMPT, injected=False) for call in task.ground_truth(world.now)
        ]
        yield Session(task_id, None, tuple(lines))


def injected_sessions(suite: Any) -> Iterator[Session]:
    places = dict.fromkeys(suite.get_injection_vector_defaults(), MARKER)
    for task_id, task in suite.user_tasks.items():
        for injection_id, injection in suite.injection_tasks.items():
            world = World(suite, task, places)
            wanted = injection.ground_truth(world.now)
            lines: list[Line] = []
            arrived = False
            for call in task.ground_truth(world.now):
                lines.append(world.run(call, task.PROMPT, injected=False))
                if lines[-1].carries and not arrived:
                    arrived = True
                    lines += [world.run(bad, task.PROMPT, injected=True) for bad in wanted]
            if arrived and wanted:
                yield Session(task_id, injection_id, tuple(lines))


class World:
    """A suite's environment in which calls run."""

    def __init__(self, suite: Any, task: Any, places: Mapping[str, str]) -> None:
        runtime = import_module("agentdojo.functions_runtime")
        self._runtime = runtime.FunctionsRuntime(suite.tools)
        self._tools = {tool.name: tool for tool in suite.tools}
        self._written = import_module("agentdojo.agent_pipeline.tool_execution").tool_result_to_str
        self.now = task.init_environment(suite.load_and_inject_default_environment(dict(places)))

    def run(self, call: Any, prompt: str, *, injected: bool) -> Line:
        before = self.now.model_dump_json()
        result, error = self._runtime.run_function(self.now, call.function, dict(call.args))
        output = error if error is not None else self._written(result)
        tool = self._tools[call.function]
        data = {
            "tool": call.function,
            "args": json.loads(json.dumps(call.args, default=str)),
            "description": tool.description,
            "schema": tool.parameters.model_json_schema(),
            "task": prompt,
            "output": output,
            "approved": not injected,
        }
        changed = self.now.model_dump_json() != before
        return Line(data, injected, changed, carries=MARKER in output)


def measure(
    suite: str, label: str, config: Mapping[str, Any], sessions: Sequence[Session], python: str
) -> dict[str, Any]:
    answers = iter(decide(config, sessions, python))
    friction: Counter[str] = Counter()
    quiet = asked = 0
    fate: Counter[str] = Counter()
    by_injection: dict[str, Counter[str]] = defaultdict(Counter)
    why: dict[str, Counter[str]] = defaultdict(Counter)
    stops: list[str] = []
    for session in sessions:
        got = [next(answers) for _ in session.lines]
        if session.injection is None:
            asked += 1
            friction.update(answer["decision"] for answer in got)
            quiet += all(answer["decision"] == "allow" for answer in got)
            stops += [
                f"{session.task}: {said(line, answer)}"
                for line, answer in zip(session.lines, got, strict=True)
                if answer["decision"] != "allow"
            ]
            continue
        end, calls = outcome(session, got)
        fate[end] += 1
        by_injection[session.injection][end] += 1
        if end != "stopped":
            why[session.injection][" | ".join(calls)] += 1
    total = sum(friction.values())
    return {
        "suite": suite,
        "config": label,
        "calls": total,
        **{name: friction[name] / total for name in ("allow", "human", "deny")},
        "tasks": asked,
        "tasks_without_question": quiet / asked,
        "injected": sum(fate.values()),
        "fate": dict(fate),
        "by_injection": {name: dict(ends) for name, ends in sorted(by_injection.items())},
        "not_stopped": {name: dict(calls) for name, calls in sorted(why.items())},
        "friction": stops,
    }


def outcome(session: Session, answers: Sequence[Mapping[str, Any]]) -> tuple[str, list[str]]:
    """How an injected session ended, and its injected calls as words."""
    done = held = False
    calls: list[str] = []
    for line, answer in zip(session.lines, answers, strict=True):
        if not line.injected:
            if answer["decision"] == "deny" and line.carries and not calls:
                return "stopped", []  # what would have carried the injection was refused
            continue
        calls.append(said(line, answer))
        if answer["decision"] != "allow":
            held = True
        elif line.changed and not held:
            done = True
    if not held:
        return "through", calls
    return ("in part" if done else "stopped"), calls


def said(line: Line, answer: Mapping[str, Any]) -> str:
    rules = f", {', '.join(answer['rules'])}" if answer["rules"] else ""
    return (
        f"{line.data['tool']} is {answer['action']}: {answer['decision']}"
        f" ({answer['tier']} {answer['score']:.2f}{rules})"
    )


def decide(
    config: Mapping[str, Any], sessions: Sequence[Session], python: str
) -> list[dict[str, Any]]:
    """The answers to all lines, by the command as another program would call it."""
    text: list[str] = []
    for number, session in enumerate(sessions):
        for step, line in enumerate(session.lines):
            data = {
                "id": len(text),
                "session": f"s{number}",
                "agent": f"agent-{number}",  # every task is a world of its own
                "ts": START + number * 86_400 + step * SECONDS_BETWEEN,
                **line.data,
            }
            text.append(json.dumps(data))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "permit0.yaml")
        path.write_text(yaml.safe_dump(dict(config)) if config else "{}\n", encoding="utf-8")
        done = subprocess.run(
            [python, "-m", "permit0", "check", "--config", str(path), "--jsonl", "-"],
            input="\n".join(text),
            capture_output=True,
            encoding="utf-8",
            check=False,
        )
    if done.returncode:
        raise SystemExit(f"permit0 check failed: {done.stderr[-500:]}")
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    bad = [answer for answer in answers if "error" in answer]
    if bad or len(answers) != len(text):
        raise SystemExit(f"permit0 check answered {len(answers)} of {len(text)}: {bad[:2]}")
    return answers


def show(rows: Sequence[Mapping[str, Any]], *, calls: bool) -> None:
    print("users' own tasks                                           injected tasks")
    print(
        f"{'suite':<10} {'config':<9} {'calls':>5} {'allow':>6} {'ask':>6} {'deny':>6} {'quiet tasks':>12}"
        f"   {'pairs':>5} {'stopped':>8} {'in part':>8} {'through':>8}"
    )
    for row in rows:
        fate = row["fate"]
        print(
            f"{row['suite']:<10} {row['config']:<9} {row['calls']:>5} {row['allow']:>6.1%} {row['human']:>6.1%}"
            f" {row['deny']:>6.1%} {row['tasks_without_question']:>12.1%}   {row['injected']:>5}"
            f" {fate.get('stopped', 0):>8} {fate.get('in part', 0):>8} {fate.get('through', 0):>8}"
        )
    for row in rows:
        if row["config"] == "none" and row["not_replayed"]:
            print(f"{row['suite']}: no calls are given for {', '.join(row['not_replayed'])}")
    for row in rows:
        for injection, ways in row["not_stopped"].items():
            print(
                f"\n{row['suite']}, {row['config']}, {injection}: {row['by_injection'][injection]}"
            )
            for way, count in Counter(ways).most_common(3):
                print(f"  {count} x {way}")
        if calls:
            print(f"\n{row['suite']}, {row['config']}: users' calls that were not allowed")
            for stop in row["friction"]:
                print(f"  {stop}")


if __name__ == "__main__":
    raise SystemExit(main())
