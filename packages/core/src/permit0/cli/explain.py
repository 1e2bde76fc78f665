"""`permit0 explain`: one call decided, and every step of how it came to that."""

from __future__ import annotations

import json
import sys
from argparse import Namespace
from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec

from permit0.build import Deployment, assemble
from permit0.canonical import freeze
from permit0.cli.check import decision_as_data
from permit0.cli.check_jsonl import LineDecider
from permit0.cli.condition_words import condition_words
from permit0.cli.explain_view import Outlook, print_explanation
from permit0.cli.inputs import JsonReader, read_arguments, read_bounded
from permit0.cli.terminal import make_terminal
from permit0.cli.waiting import find_wait
from permit0.clock import SystemClock
from permit0.config import find_config, load_config
from permit0.engine import Engine
from permit0.errors import InvalidInput
from permit0.explain import Conditions, explain
from permit0.model.call import ToolCall
from permit0.model.decision import Decision
from permit0.model.exposure import ExposedOutput, Wanted
from permit0.model.history import Feature, HistoryEntry, Scope
from permit0.model.vocabulary import Outcome
from permit0.normalize.pack_schema import ConditionSpec, RuleSpec, SessionSpec
from permit0.ports import HistoryTransaction
from permit0.state.memory import MemoryStore

__all__ = ["conditions_of", "run"]

HORIZONS_S = (60.0, 600.0, 3600.0, 3661.0, 86_400.0, 90_000.0)
"""Just past each window that rules use: a minute, ten minutes, an hour, a day."""
MAX_REPLAYED = 2_000  # earlier calls up to which a wait is searched for; each try replays them all


def run(options: Namespace) -> int:
    """0 allow, 1 human or deny.

    Raises:
        Permit0Error: The configuration or the input cannot be read.
    """
    if options.tool is None:
        raise InvalidInput("explain needs a TOOL", reason_code="bad_usage")
    arguments = read_arguments(options)
    before = [] if options.before is None else read_bounded(options.before).splitlines()
    replay = _Replay(options, arguments, [line.encode() for line in before if line.strip()])
    decision = replay.decide()
    deployment = replay.deployment
    conditions = conditions_of(deployment)
    explanation = explain(
        decision,
        catalog=deployment.catalog,
        scorer=deployment.engine.scorer,
        conditions=conditions,
    )
    outlook = replay.outlook(decision)
    words = {
        rule: condition_words(conditions[rule]) for rule in decision.rules if rule in conditions
    }
    if options.json:
        document = {
            "decision": decision_as_data(options.tool, decision),
            "bounds": explanation.bounds,
            "actions": explanation.actions,
            "found": replay.found(),
            "conditions": words,
            "outlook": outlook,
        }
        text = json.dumps(msgspec.to_builtins(document), indent=2)
        sys.stdout.write(text + "\n")
    else:
        print_explanation(
            make_terminal(no_color=options.no_color),
            deployment.engine,
            explanation,
            outlook,
            found=replay.found(),
            arguments=arguments,
            conditions=words,
        )
    return 0 if decision.outcome is Outcome.ALLOW else 1


def conditions_of(deployment: Deployment) -> Conditions:
    """The condition of every rule of packs and of permit0.yaml, by the rule's id."""
    found: dict[str, ConditionSpec] = {}
    for pack in deployment.packs:
        for action, spec in pack.spec.actions.items():
            lines: list[RuleSpec | SessionSpec] = [*spec.rules, *spec.session]
            for line in lines:
                if line.when is not None:
                    found[f"{action}/{line.id}"] = line.when
        for action, added in pack.spec.rules.items():
            found.update(
                (f"{action}/{line.id}", line.when) for line in added if line.when is not None
            )
    for action, extra in deployment.loaded.config.rules.items():
        for raw in extra:
            rule = RuleSpec.model_validate(raw)  # assemble has accepted it
            if rule.when is not None:
                found[f"{action}/{rule.id}"] = rule.when
    return found


def _fields(line: bytes) -> Mapping[str, object]:
    """The members of a line; none if it is not readable, which its replay will report."""
    try:
        value = JsonReader().read(line.decode())
    except InvalidInput:
        return {}
    return value if isinstance(value, dict) else {}


class _ReplayClock:
    """The time of the replayed line; a line without `ts` happens at that of the one before."""

    def __init__(self, at: float) -> None:
        self._at = at

    def now(self) -> float:
        """Unix seconds, UTC."""
        return self._at

    def set(self, at: float | None) -> None:
        """Take the time of a line."""
        if at is not None:
            self._at = at

    def advance(self, seconds: float) -> None:
        """Wait."""
        self._at += seconds


class _ForgettingStore:
    """A MemoryStore that can be emptied, so that one engine replays again and again."""

    def __init__(self, features: Sequence[Feature]) -> None:
        self._features = features
        self._store = MemoryStore(features)

    def forget(self) -> None:
        self._store = MemoryStore(self._features)

    def transaction(self, scope: Scope, at: float) -> HistoryTransaction:
        """See StateStore."""
        return self._store.transaction(scope, at)

    def settle(
        self, scope: Scope, at: float, entry: HistoryEntry, output: ExposedOutput | None = None
    ) -> None:
        """See StateStore."""
        self._store.settle(scope, at, entry, output)

    @property
    def piece_key(self) -> bytes:
        """See StateStore."""
        return self._store.piece_key

    def wanted(self, scope: Scope, at: float) -> Wanted | None:
        """See StateStore."""
        return self._store.wanted(scope, at)


class _Replay:
    """The earlier calls and the call itself, decided as often as needed."""

    def __init__(
        self, options: Namespace, arguments: Mapping[str, object], before: Sequence[bytes]
    ) -> None:
        named = None if options.config is None else Path(options.config)
        self._options = options
        self._arguments = arguments
        self._before = before
        self._stores: list[_ForgettingStore] = []
        self._start = SystemClock().now()
        self._clock = _ReplayClock(self._start)
        self.deployment = assemble(
            load_config(find_config(named)), clock=self._clock, make_store=self._make_store
        )

        self._last = _fields(before[-1]) if before else {}

    def _make_store(self, features: Sequence[Feature]) -> _ForgettingStore:
        store = _ForgettingStore(features)
        self._stores.append(store)
        return store

    @property
    def _engine(self) -> Engine:
        return self.deployment.engine

    def decide(self, *, wait_s: float = 0.0, history: bool = True) -> Decision:
        """The call, so many seconds after the last of the earlier ones, or without them."""
        for store in self._stores:
            store.forget()
        self._clock.set(self._start)
        decider = LineDecider(self._engine, self._clock)
        for number, line in enumerate(self._before if history else (), start=1):
            try:
                decider.replay(line)
            except InvalidInput as error:
                raise InvalidInput(
                    f"line {number} of --before: {error}", reason_code=error.reason_code
                ) from error
        self._clock.advance(wait_s)
        return self._engine.check(
            self._options.tool,
            self._arguments,
            session=self._who("session") or "default",
            agent=self._who("agent") or "default",
            principal=self._who("principal"),
            description=self._options.description,
            schema=self._options.schema,
        )

    def found(self) -> tuple[str, ...]:
        """How the tool was found."""
        try:
            arguments = freeze(self._arguments)
        except InvalidInput:  # the decision says so
            return ()
        call = ToolCall(
            tool=self._options.tool,
            arguments=arguments,
            description=self._options.description,
            schema=self._options.schema,
        )
        return self.deployment.normalizer.found(call)

    def _who(self, name: str) -> str | None:
        """What the caller says, else what the last of the earlier calls says."""
        said: str | None = getattr(self._options, name)
        last = self._last.get(name)
        return last if said is None and isinstance(last, str) else said

    def outlook(self, decision: Decision) -> Outlook:
        """What waiting and what an empty history would give."""
        if not self._before or decision.outcome is Outcome.ALLOW or decision.error:
            return Outlook(replayed=len(self._before))
        alone = self.decide(history=False).outcome
        wait = None
        if len(self._before) <= MAX_REPLAYED:
            wait = find_wait(
                lambda seconds: self.decide(wait_s=seconds).outcome,
                decision.outcome,
                horizons_s=HORIZONS_S,
            )
        return Outlook(
            replayed=len(self._before),
            alone=alone,
            wait_s=None if wait is None else wait[0],
            after_wait=None if wait is None else wait[1],
            horizon_s=HORIZONS_S[-1] if len(self._before) <= MAX_REPLAYED else None,
        )
