"""Run the cases of packs: calls with the decision they must get.

Guarantees: every case starts with an empty history, a clock and an `org` of its own; the packs are
compiled once, whatever the number of cases. Used by `permit0 pack test` and by pytest alike:

    bench = CaseBench(packs)
    for case in bench.cases():
        assert not bench.run(case).failures
Does not: read permit0.yaml; a case says all that it depends on.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Sequence
from copy import copy

import msgspec
from pydantic import ValidationError

from permit0 import builtin
from permit0.canonical import Json, freeze
from permit0.config import parse_org
from permit0.engine import Engine
from permit0.errors import BadPack, InvalidInput
from permit0.model.call import ToolCall
from permit0.model.decision import Decision
from permit0.model.limits import SessionLimits
from permit0.model.vocabulary import Amplifier
from permit0.normalize.catalog import Catalog
from permit0.normalize.compiler import compile_packs
from permit0.normalize.loader import LoadedPack, load_packs
from permit0.normalize.normalizer import Normalizer
from permit0.normalize.organisation import Organisation
from permit0.normalize.pack_schema import CaseCall, CaseSpec
from permit0.policy.lists import Lists
from permit0.score.scorer import Scorer
from permit0.sessions.rules import immutable_rules
from permit0.state.ledger import FeatureIndex
from permit0.state.memory import MemoryStore
from permit0.taxonomy import load_taxonomy
from permit0.testing.clock import FrozenClock

__all__ = ["Case", "CaseBench", "CaseResult", "Failure", "built_in_packs", "with_packs"]

SESSION = "case"
SCORE_DIGITS = 2  # published scores have two decimals


class Case(msgspec.Struct, frozen=True):
    """A case and where it stands. where: `file:line`."""

    spec: CaseSpec
    pack: str
    where: str


class Failure(msgspec.Struct, frozen=True):
    """One thing that was not as expected."""

    what: str
    expected: str
    got: str


class CaseResult(msgspec.Struct, frozen=True):
    """What came of a case; no failure means that it passed. actions: of all its calls."""

    case: Case
    decision: Decision
    failures: tuple[Failure, ...]
    actions: frozenset[str] = frozenset()


def built_in_packs() -> list[LoadedPack]:
    """The packs that ship with permit0, whole, from YAML."""
    return load_packs(builtin.permit0_pack_files())


def with_packs(base: Sequence[LoadedPack], packs: Sequence[LoadedPack]) -> list[LoadedPack]:
    """`packs` added to `base`; one of the same name takes the other's place."""
    names = {pack.name for pack in packs}
    return [*(pack for pack in base if pack.name not in names), *packs]


class CaseBench:
    """Compiled packs, ready to run cases.

    Args:
        packs: All packs that calls may need, not only those whose cases are run.
        operators: Names of the packs that an operator will name in permit0.yaml, whose mappings take
            the place of others; by default all that do not ship with permit0.

    Raises:
        BadPack: A pack cannot be compiled.
    """

    def __init__(
        self, packs: Sequence[LoadedPack], *, operators: Collection[str] | None = None
    ) -> None:
        self._packs = tuple(packs)
        if operators is None:
            ours = {pack.name for pack in builtin.load_built_in()[0]}
            operators = {pack.name for pack in packs} - ours
        self._scorer = Scorer()
        self._rules = immutable_rules(SessionLimits())
        self._orgs: dict[str, Organisation] = {}
        self._use(compile_packs(packs, load_taxonomy(), operators=operators))

    def _use(self, catalog: Catalog) -> None:
        self._catalog = catalog
        # Made once: an empty history for every case, but the questions to it are the same.
        self._index = FeatureIndex(
            [*catalog.features, *(feature for rule in self._rules for feature in rule.features)]
        )
        self._normalizers: dict[str, Normalizer] = {}

    @property
    def catalog(self) -> Catalog:
        """The packs, compiled."""
        return self._catalog

    def having(self, catalog: Catalog) -> CaseBench:
        """The same cases, decided with another catalog."""
        other = copy(self)
        other._use(catalog)
        return other

    def cases(self, names: Sequence[str] | None = None) -> Iterator[Case]:
        """The cases of all packs, or of those with these names."""
        for pack in self._packs:
            if names is not None and pack.name not in names:
                continue
            for i, spec in enumerate(pack.spec.cases):
                line = pack.source.line(("cases", i))
                yield Case(spec, pack.name, f"{pack.source.name}:{line}")

    def run(self, case: Case) -> CaseResult:
        """Run one case.

        Raises:
            BadPack: The case's `org` is not valid.
        """
        clock = FrozenClock()
        start = clock.now()
        engine = Engine(
            catalog=self._catalog,
            normalizer=self._normalizer(case),
            scorer=self._scorer,
            rules=self._rules,
            store=MemoryStore(self._index),
            clock=clock,
            lists=Lists(),
        )
        actions: set[str] = set()
        for call in case.spec.before:
            clock.set(start + call.at_s)
            decision = _decide(engine, call)
            actions.update(item.action.action for item in decision.actions)
            if call.output is not None and not decision.error:
                _report(engine, call)
        clock.set(start + case.spec.call.at_s)
        decision = _decide(engine, case.spec.call)
        actions.update(item.action.action for item in decision.actions)
        failures = tuple(_failures(case.spec, decision))
        return CaseResult(case, decision, failures, frozenset(actions))

    def _normalizer(self, case: Case) -> Normalizer:
        key = json.dumps(case.spec.org, sort_keys=True)
        found = self._normalizers.get(key)
        if found is None:
            found = self._normalizers[key] = Normalizer(self._catalog, self._org(case, key))
        return found

    def _org(self, case: Case, key: str) -> Organisation:
        found = self._orgs.get(key)
        if found is None:
            try:
                found = self._orgs[key] = Organisation(parse_org(case.spec.org))
            except (ValidationError, InvalidInput) as error:
                detail = (
                    error.errors(include_url=False)[0]["msg"]
                    if isinstance(error, ValidationError)
                    else str(error)
                )
                raise BadPack(f"{case.where}: 'org' is not valid: {detail.lower()}") from error
        return found


def _decide(engine: Engine, call: CaseCall) -> Decision:
    return engine.check(
        call.tool,
        call.args,
        session=call.session or SESSION,
        agent=call.agent or "default",
        principal=call.principal,
    )


def _report(engine: Engine, call: CaseCall) -> None:
    engine.report(
        ToolCall(
            tool=call.tool,
            arguments=freeze(call.args),
            session=call.session or SESSION,
            agent=call.agent or "default",
            principal=call.principal,
        ),
        call.output or "",
    )


def _failures(spec: CaseSpec, decision: Decision) -> Iterator[Failure]:
    """Everything that is not as the case says."""
    pairs: list[tuple[str, Json, Json]] = [
        ("decision", spec.decision, decision.outcome.value),
        ("tier", spec.tier, decision.tier.value),
        ("action", spec.action, decision.action),
    ]
    if spec.score is not None:
        pairs.append(
            ("score", f"{spec.score:.{SCORE_DIGITS}f}", f"{decision.score:.{SCORE_DIGITS}f}")
        )
    for what, expected, got in pairs:
        if expected is not None and expected != got:
            yield Failure(what, str(expected), _with_reason(what, str(got), decision))
    flags = [flag.value for flag in decision.flags]
    missing = [flag.value for flag in spec.flags if flag.value not in flags]
    if missing:
        yield Failure("flags", " ".join(missing), " ".join(flags) or "none")
    rules = decision.rules
    missing = [rule for rule in spec.rules if not _named(rule, rules)]
    if missing:
        yield Failure("rules", " ".join(missing), " ".join(rules) or "none")
    unwanted = [rule for rule in spec.not_rules if _named(rule, rules)]
    if unwanted:
        yield Failure("not_rules", "without " + " ".join(unwanted), " ".join(rules))
    given = {reason.code for reason in decision.reasons}
    given |= {
        f"{item.code}/{item.rule.rpartition('/')[2]}" for item in decision.reasons if item.rule
    }
    missing = [reason for reason in spec.reasons if reason not in given]
    if missing:
        yield Failure("reasons", " ".join(missing), " ".join(sorted(given)))
    points = decision.actions[0].score.amplifiers if decision.actions else (0,) * len(Amplifier)
    raw = dict(zip(Amplifier, points, strict=True))
    for amplifier, expected_points in spec.amplifiers.items():
        if raw[amplifier] != expected_points:
            yield Failure(f"amplifiers.{amplifier}", str(expected_points), str(raw[amplifier]))


def _named(rule: str, fired: Sequence[str]) -> bool:
    """Whether a rule fired; a case may leave out the action before the slash."""
    return any(name == rule or name.rpartition("/")[2] == rule for name in fired)


def _with_reason(what: str, got: str, decision: Decision) -> str:
    """Why, where that helps to find the mistake in a pack."""
    return f"{got} ({decision.reason})" if what == "decision" else got
