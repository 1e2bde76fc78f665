"""Conditions of packs and of permit0.yaml, compiled once into predicates over facts.

Guarantees: a condition names only facts that exist for the action; a fact that is absent makes every
test of it false, except `present: false`, `lacks` and `misses`. Nothing is evaluated as text.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal

from permit0.errors import InvalidInput
from permit0.model.action import Fact
from permit0.model.rule import FactPredicate
from permit0.normalize.pack_schema import ConditionSpec, TestSpec
from permit0.words import nearest

__all__ = ["ConditionCompiler", "compile_patterns"]

Facts = Mapping[str, Fact]
Patterns = Mapping[str, re.Pattern[str]]
Compiled = tuple[FactPredicate, ...]


def compile_patterns(sets: Mapping[str, Iterable[str]]) -> dict[str, re.Pattern[str]]:
    """One regular expression per pattern set. `*` stays within a path segment, `**` does not."""
    return {
        name: re.compile("|".join(f"(?:{_glob(glob)})" for glob in globs), re.DOTALL)
        for name, globs in sets.items()
    }


def _glob(glob: str) -> str:
    """A glob as a regular expression that must match the whole text.

    A glob without a slash is about the last segment, wherever it is.
    """
    text = glob.casefold()
    prefix = "" if "/" in text else "(?:.*/)?"
    out: list[str] = []
    i = 0
    while i < len(text):
        if text.startswith("**/", i):
            out.append("(?:.*/)?")
            i += 3
        elif text.startswith("**", i):
            out.append(".*")
            i += 2
        elif text[i] == "*":
            out.append("[^/]*")
            i += 1
        elif text[i] == "?":
            out.append("[^/]")
            i += 1
        else:
            out.append(re.escape(text[i]))
            i += 1
    return prefix + "".join(out)


class ConditionCompiler:
    """Compiles conditions against the facts and pattern sets that exist.

    Args:
        facts: Names of the facts that the action can have.
        patterns: Compiled pattern sets by name.
    """

    def __init__(self, facts: Iterable[str], patterns: Patterns) -> None:
        self._facts = tuple(sorted(set(facts)))
        self._patterns = patterns

    def compile(self, spec: ConditionSpec | None) -> FactPredicate | None:
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

    def _all(self, spec: ConditionSpec) -> Compiled:
        tests: list[FactPredicate] = []
        for name, test in (spec.__pydantic_extra__ or {}).items():
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

    def _tests(self, name: str, test: object) -> Iterable[FactPredicate]:
        if isinstance(test, TestSpec):
            yield from self._operators(name, test)
        elif isinstance(test, list):
            yield _in(name, frozenset(str(item) for item in test))
        elif isinstance(test, bool):
            yield _is(name, test)
        elif isinstance(test, int | float):
            yield _compare(name, Decimal(str(test)), lambda value, bound: value == bound)
        else:
            yield _is(name, str(test))

    def _operators(self, name: str, test: TestSpec) -> Iterable[FactPredicate]:
        count = 0
        for bound, relation in (
            (test.above, _above),
            (test.at_least, _at_least),
            (test.below, _below),
            (test.at_most, _at_most),
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
        chosen: list[re.Pattern[str]] = []
        for pattern_set in sets:
            pattern = self._patterns.get(pattern_set)
            if pattern is None:
                raise InvalidInput(
                    f"no pattern set {pattern_set!r}{nearest(pattern_set, sorted(self._patterns))}"
                )
            chosen.append(pattern)
        return _match(name, tuple(chosen))


def _above(value: Decimal | int, bound: Decimal | int) -> bool:
    return value > bound


def _at_least(value: Decimal | int, bound: Decimal | int) -> bool:
    return value >= bound


def _below(value: Decimal | int, bound: Decimal | int) -> bool:
    return value < bound


def _at_most(value: Decimal | int, bound: Decimal | int) -> bool:
    return value <= bound


def _compare(
    name: str, bound: Decimal, relation: Callable[[Decimal | int, Decimal | int], bool]
) -> FactPredicate:
    limit: Decimal | int = int(bound) if bound == bound.to_integral_value() else bound

    def test(facts: Facts) -> bool:
        value = facts.get(name)
        if not isinstance(value, int | Decimal) or isinstance(value, bool):
            return False
        return relation(value, limit)

    return test


def _is(name: str, wanted: bool | str) -> FactPredicate:  # noqa: FBT001  # a value, not a switch
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


def _match(name: str, patterns: tuple[re.Pattern[str], ...]) -> FactPredicate:
    def test(facts: Facts) -> bool:
        value = facts.get(name)
        return isinstance(value, str) and any(p.fullmatch(value) for p in patterns)

    return test


def _present(name: str, wanted: bool) -> FactPredicate:  # noqa: FBT001  # a value, not a switch
    return lambda facts: (name in facts) is wanted


def _negation(test: FactPredicate) -> FactPredicate:
    return lambda facts: not test(facts)


def _conjunction(tests: Compiled) -> FactPredicate:
    if len(tests) == 1:
        return tests[0]
    return lambda facts: all(test(facts) for test in tests)


def _disjunction(tests: Compiled) -> FactPredicate:
    return lambda facts: any(test(facts) for test in tests)
