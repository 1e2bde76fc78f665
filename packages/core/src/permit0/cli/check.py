"""`permit0 check`: decide one call, or a stream of them (`--jsonl`, see check_jsonl)."""

from __future__ import annotations

import json
import sys
from argparse import Namespace
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

from permit0.build import assemble, open_sink
from permit0.cli.check_jsonl import LineClock, answer_of, run_lines
from permit0.cli.inputs import read_arguments
from permit0.config import find_config, load_config
from permit0.errors import InvalidInput
from permit0.model.vocabulary import Outcome

if TYPE_CHECKING:
    from permit0.engine import Engine
    from permit0.model.decision import Decision

__all__ = ["decision_as_data", "run"]


def run(options: Namespace) -> int:
    """0 allow (or every line answered), 1 human or deny.

    Raises:
        Permit0Error: The configuration or the input cannot be read.
    """
    named = None if options.config is None else Path(options.config)
    if options.jsonl is not None:
        if options.tool is not None or options.arg:
            raise InvalidInput("--jsonl takes no TOOL, the lines say it", reason_code="bad_usage")
        clock = LineClock()
        loaded = load_config(find_config(named))
        engine = assemble(loaded, clock=clock, sink=open_sink(loaded)).engine
        with closing(engine):
            return run_lines(engine, clock, options.jsonl)
    if options.tool is None:
        raise InvalidInput("check needs a TOOL, or --jsonl", reason_code="bad_usage")
    arguments = read_arguments(options)
    loaded = load_config(find_config(named))
    engine = assemble(loaded, sink=open_sink(loaded)).engine
    with closing(engine):
        decision = engine.check(
            options.tool,
            arguments,
            session=options.session or "default",
            agent=options.agent or "default",
            principal=options.principal,
            description=options.description,
            schema=options.schema,
        )
    if options.json:
        _print_json(options.tool, decision)
    else:
        _print(engine, decision, arguments, no_color=options.no_color)
    return 0 if decision.outcome is Outcome.ALLOW else 1


def decision_as_data(tool: str, decision: Decision) -> dict[str, object]:
    """A decision as plain values, for `--json`: the line of `--jsonl` and the reasons in full."""
    data = answer_of(decision.id, decision)
    data["tool"] = tool
    data["mode"] = decision.mode.name.lower()
    data["reasons"] = [
        {"code": reason.code, "rule": reason.rule, "message": reason.message}
        for reason in decision.reasons
    ]
    data["findings"] = [
        {"rule": finding.rule, "effect": finding.effect.value, "message": finding.message}
        for item in decision.actions
        for finding in item.findings
    ]
    data["digest"] = decision.digest
    data["error"] = decision.error
    return data


def _print_json(tool: str, decision: Decision) -> None:
    sys.stdout.write(json.dumps(decision_as_data(tool, decision), indent=2) + "\n")


def _print(
    engine: Engine, decision: Decision, arguments: Mapping[str, object], *, no_color: bool
) -> None:
    from permit0.cli.decision_view import print_decision
    from permit0.cli.terminal import make_terminal

    print_decision(make_terminal(no_color=no_color), engine, decision, arguments)
