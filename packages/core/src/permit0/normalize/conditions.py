"""Conditions of packs and of permit0.yaml, compiled once into predicates over facts.

Guarantees: a condition names only facts that exist for the action; a fact that is absent makes every
test of it false, except `present: false`, `lacks` and `misses`. Nothing is evaluated as text.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from decimal import Decimal

from permit0.errors import InvalidInput
from permit0.model.action import Fact
from permit0.model.rule import FactPredicate
from permit0.normalize.pack_policy import Condition, FactTest, Test
from permit0.normalize.patterns import PatternIndex
from permit0.words import nearest

__all__ = ["ConditionCompiler"]

Facts = Mapping[str, Fact]
Compiled = tuple[FactPredicate, ...]


class ConditionCompiler:
    """Compiles conditions against the facts and pattern sets that exist.

    Args:
        facts: Names of the facts that the action can have.
        patterns: Globs by the name of their set.
        indexes: Where indexes of patterns are kept, so that equal ones are made once.
        precomputed: Facts whose matching sets are in the fact "<name>.kinds", found once per call
            by the index that `index` gives.
    """

    def __init__(
        self,
        facts: Iterable[str],
        patterns: Mapping[str, Sequence[str]],
        *,
        indexes: dict[frozenset[str], PatternIndex] | None = None,
        precomputed: Collection[str] = (),
    ) -> None:
        self._facts = tuple(sorted(set(facts)))
        self._patterns = patterns
        self._indexes: dict[frozenset[str], PatternIndex] = {} if indexes is None else indexes
        self._precomputed = frozenset(precomputed)
        self._used: dict[str, set[str]] = {}

    def index(self, name: str) -> PatternIndex | None:
        """The pattern sets that the conditions compiled so far ask of a precomputed fact."""
        used = self._used.get(name)
        return None if used is None else self._index(frozenset(used))

    def compile(self, spec: Condition | None) -> FactPredicate | None:
        """The predicate of a condition; None for no condition.

        Raises:
            InvalidInput: An unknown fact or pattern set, or a condition without tests.
        """
        if spec is None:
            return None
        tests = self._all(spec)
        if not tests:
            raise InvalidInput("the condition has no test")
        return _conjunction(tests)

    def _all(self, spec: Condition) -> Compiled:
        tests: list[FactPredicate] = []
        for name, test in spec.tests.items():
            if name not in self._facts:
                raise InvalidInput(f"no fact {name!r} here{nearest(name, self._facts)}")
            tests.extend(self._tests(name, test))
        if spec.any_of is not None:
            choices = [self.compile(choice) for choice in spec.any_of]
            if not choices:
                raise InvalidInput("'any' needs at least one condition")
            tests.append(_disjunction(tuple(c for c in choices if c is not None)))
        if spec.none_of is not None:
            tests.append(_negation(_conjunction(self._all(spec.none_of))))
        return tuple(tests)

    def _tests(self, name: str, test: Test) -> Iterable[FactPredicate]:
        if isinstance(test, FactTest):
            yield from self._operators(name, test)
        elif isinstance(test, tuple):
            yield _in(name, frozenset(str(item) for item in test))
        elif isinstance(test, bool):
            yield _is(name, test)
        elif isinstance(test, int | float):
            yield _compare(name, Decimal(str(test)), operator.eq)
        else:
            yield _is(name, str(test))

    def _operators(self, name: str, test: FactTest) -> Iterable[FactPredicate]:
        count = 0
        for bound, relation in (
            (test.above, operator.gt),
            (test.at_least, operator.ge),
            (test.below, operator.lt),
            (test.at_most, operator.le),
        ):
            if bound is not None:
                count += 1
                yield _compare(name, Decimal(str(bound)), relation)
        if test.has is not None:
            count += 1
            yield _has(name, frozenset(test.has))
        if test.lacks is not None:
            count += 1
            yield _negation(_has(name, frozenset(test.lacks)))
        if test.matches is not None:
            count += 1
            yield self._matches(name, test.matches)
        if test.misses is not None:
            count += 1
            yield _negation(self._matches(name, test.misses))
        if test.present is not None:
            count += 1
            yield _present(name, test.present)
        if not count:
            raise InvalidInput(f"the test of {name!r} is empty")

    def _matches(self, name: str, sets: Iterable[str]) -> FactPredicate:
        wanted = frozenset(sets)
        for key in wanted:
            if key not in self._patterns:
                known = sorted(self._patterns)
                raise InvalidInput(f"no pattern set {key!r}{nearest(key, known)}")
        if name in self._precomputed:
            self._used.setdefault(name, set()).update(wanted)
            return _has(f"{name}.kinds", wanted)
        return _match(name, self._index(wanted))

    def _index(self, sets: frozenset[str]) -> PatternIndex:
        found = self._indexes.get(sets)
        if found is None:
            found = PatternIndex({key: self._patterns[key] for key in sorted(sets)})
            found = self._indexes.setdefault(sets, found)
        return found


def _compare(
    name: str, bound: Decimal, relation: Callable[[Decimal | int, Decimal | int], bool]
) -> FactPredicate:
    limit: Decimal | int = int(bound) if bound == bound.to_integral_value() else bound

    def test(facts: Facts) -> bool:
        value = facts.get(name)
        # By exact type: True is no number here, and isinstance() with a union is slow.
        kind = type(value)
        return (kind is Decimal or kind is int) and relation(value, limit)  # type: ignore[arg-type]  # kind says so

    return test


def _is(name: str, wanted: bool | str) -> FactPredicate:  # a value, not a switch
    if isinstance(wanted, bool):
        return lambda facts: facts.get(name) is wanted
    return lambda facts: facts.get(name) == wanted


def _in(name: str, wanted: frozenset[str]) -> FactPredicate:
    return lambda facts: facts.get(name) in wanted


def _has(name: str, wanted: frozenset[str]) -> FactPredicate:
    def test(facts: Facts) -> bool:
        value = facts.get(name)
        return isinstance(value, frozenset) and not wanted.isdisjoint(value)

    return test


def _match(name: str, patterns: PatternIndex) -> FactPredicate:
    def test(facts: Facts) -> bool:
        value = facts.get(name)
        if isinstance(value, frozenset):
            return any(patterns.kinds(item) for item in value)
        return isinstance(value, str) and bool(patterns.kinds(value))

    return test


def _present(name: str, wanted: bool) -> FactPredicate:  # a value, not a switch
    return lambda facts: (name in facts) is wanted


def _negation(test: FactPredicate) -> FactPredicate:
    return lambda facts: not test(facts)


def _conjunction(tests: Compiled) -> FactPredicate:
    if len(tests) == 1:
        return tests[0]
    if len(tests) == 2:  # the usual case, spelled out for speed
        first, second = tests
        return lambda facts: first(facts) and second(facts)

    def every(facts: Facts) -> bool:
        for test in tests:  # noqa: SIM110  # a generator costs more than the tests
            if not test(facts):
                return False
        return True

    return every


def _disjunction(tests: Compiled) -> FactPredicate:
    if len(tests) == 2:  # as above
        first, second = tests
        return lambda facts: first(facts) or second(facts)

    def some(facts: Facts) -> bool:
        for test in tests:  # noqa: SIM110  # as above
            if test(facts):
                return True
        return False

    return some
