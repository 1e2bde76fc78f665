"""A pack's `when` in words, with its own thresholds."""

from __future__ import annotations

from permit0.normalize.pack_schema import ConditionSpec, TestSpec

__all__ = ["condition_words"]


def condition_words(spec: ConditionSpec) -> str:
    """`amount above 10,000 and currency not EUR`."""
    parts = [_fact(name, test) for name, test in (spec.__pydantic_extra__ or {}).items()]
    if spec.any_of is not None:
        choices = " or ".join(condition_words(choice) for choice in spec.any_of)
        parts.append(f"({choices})" if parts or spec.none_of is not None else choices)
    if spec.none_of is not None:
        parts.append(f"not ({condition_words(spec.none_of)})")
    return " and ".join(parts)


def _fact(name: str, test: object) -> str:
    if isinstance(test, TestSpec):
        return f"{name} " + " and ".join(_tests(test))
    if isinstance(test, list):
        return f"{name} is " + " or ".join(map(str, test))
    if isinstance(test, bool):
        return f"{name} is {str(test).lower()}"
    return f"{name} is {test}"


def _tests(test: TestSpec) -> list[str]:
    numbers = (
        ("above", test.above),
        ("at least", test.at_least),
        ("below", test.below),
        ("at most", test.at_most),
    )
    words = [f"{relation} {bound:,}" for relation, bound in numbers if bound is not None]
    sets = (
        ("holds", test.has, " or "),
        ("holds no", test.lacks, " or "),
        ("matches", test.matches, " or "),
        ("matches no", test.misses, " or "),
    )
    words += [f"{verb} {joint.join(items)}" for verb, items, joint in sets if items is not None]
    if test.present is not None:
        words.append("is given" if test.present else "is not given")
    return words
