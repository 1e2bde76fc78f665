"""Arguments that are too big, too deep, or no text: refused with a clear code, and soon."""

from __future__ import annotations

from decimal import Decimal

import pytest

from permit0.engine import Engine
from permit0.model.vocabulary import Outcome


def nested(levels: int) -> object:
    value: object = "leaf"
    for _ in range(levels):
        value = [value]
    return value


def shared(width: int, levels: int) -> object:
    """A small object that is huge when written out."""
    value: object = "x"
    for _ in range(levels):
        value = [value] * width
    return value


def itself() -> object:
    value: list[object] = []
    value.append(value)
    return value


@pytest.mark.parametrize(
    ("value", "code"),
    [
        ("x" * (2 << 20), "arguments_too_long"),
        (["x" * 1000] * 2000, "arguments_too_long"),
        (["x" * (1 << 19)] * 100_000, "arguments_too_long"),
        ({f"k{i}": i for i in range(200_000)}, "arguments_too_long"),
        (nested(100), "arguments_too_deep"),
        (nested(100_000), "arguments_too_deep"),
        (itself(), "arguments_too_deep"),
        (shared(100, 7), "arguments_too_long"),
        (shared(2, 60), "arguments_too_long"),
        ("\ud800", "lone_surrogate"),
        ({"\udfff": 1}, "lone_surrogate"),
        ({"$permit0:int": "5"}, "argument_name_reserved"),
        (float("nan"), "number_not_finite"),
        (10**5000, "number_out_of_range"),
        (bytes(2 << 20), "arguments_too_long"),
        (bytearray(1 << 20), "arguments_too_long"),
        (Decimal("9" * (2 << 20)), "arguments_too_long"),
        (memoryview(b"bytes"), "argument_type_unsupported"),
        ({1: 2}, "argument_type_unsupported"),
        (object(), "argument_type_unsupported"),
        ({"a", 1j}, "argument_type_unsupported"),
    ],
    ids=lambda value: value if isinstance(value, str) and len(value) < 40 else type(value).__name__,
)
@pytest.mark.parametrize("tool", ["files.read", "frobnicate", "payments.charge"])
def test_arguments_that_cannot_be_written_down_are_refused(
    engine: Engine, tool: str, value: object, code: str
) -> None:
    decision = engine.check(tool, {"path": "/app/x", "amount": 1, "extra": value})
    assert (decision.outcome, decision.error) == (Outcome.DENY, code)


def test_arguments_within_the_limits_are_read(engine: Engine) -> None:
    arguments = {
        "path": "/app/x",
        "note": "x" * 1000,
        "deep": nested(50),
        "many": list(range(1000)),
    }
    assert engine.check("files.read", arguments).outcome is Outcome.ALLOW


def test_many_names_are_judged_one_by_one(engine: Engine) -> None:
    many: dict[str, object] = {f"note_{i}x": "n" for i in range(20_000)}
    twin = engine.check("payments.charge", {"amount": 50, "customer": "c", **many})
    assert twin.outcome is Outcome.ALLOW
    hidden = {**many, "amount_override": 5000}
    decision = engine.check("payments.charge", {"amount": 50, "customer": "c", **hidden})
    assert decision.outcome is Outcome.HUMAN


@pytest.mark.parametrize("arguments", [None, [], "text", 7, [("path", "/app/x")]])
def test_arguments_that_are_no_object_are_refused(engine: Engine, arguments: object) -> None:
    decision = engine.check("files.read", arguments)  # type: ignore[arg-type]  # the attack
    assert (decision.outcome, decision.error) == (Outcome.DENY, "arguments_not_object")


def test_a_refused_call_does_not_disturb_the_next(engine: Engine) -> None:
    engine.check("files.read", {"path": nested(100)})
    assert engine.check("files.read", {"path": "/app/x"}).outcome is Outcome.ALLOW
