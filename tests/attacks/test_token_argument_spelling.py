"""The same arguments are written in another way. What is one value has one digest, and nothing else has."""

from __future__ import annotations

from decimal import Decimal
from pathlib import PurePosixPath

import msgspec
import pytest

from permit0.canonical import digest, freeze
from permit0.errors import ArgumentsMismatch, InvalidInput
from permit0.testing.tokens import TokenLab

SAME = [
    ({"a": 1, "b": [True, None]}, {"b": (True, None), "a": 1}),
    ({"n": 1}, {"n": 1.0}),
    ({"n": -0.0}, {"n": 0}),
    ({"n": 1e21}, {"n": 1000000000000000000000.0}),
    ({"n": 0.1}, msgspec.json.decode(b'{"n": 1e-1}')),
    ({"t": "\u00e9"}, msgspec.json.decode(b'{"t": "\\u00e9"}')),
]
DIFFERENT = [
    ({"n": 1}, {"n": True}),
    ({"n": 1}, {"n": "1"}),
    ({"n": 0}, {"n": None}),
    ({"n": 2**53}, {"n": 2**53 + 1}),
    ({"n": 0.1}, {"n": 0.1 + 2**-56}),
    ({"t": "\u00e9"}, {"t": "e\u0301"}),
    ({"a": [1, 2]}, {"a": [2, 1]}),
    ({"a": {"b": 1}}, {"a.b": 1}),
    ({"n": 1}, {"n": Decimal(1)}),
    ({"n": Decimal("1.0")}, {"n": Decimal("1.00")}),
    ({"t": "x"}, {"t": b"x"}),
    ({"t": "/x"}, {"t": PurePosixPath("/x")}),
    ({"a": [1, 2]}, {"a": {1, 2}}),
]


@pytest.mark.parametrize(("one", "other"), SAME)
def test_order_and_spelling_do_not_matter(
    lab: TokenLab, one: dict[str, object], other: dict[str, object]
) -> None:
    lab.present(lab.issue(digest=digest(freeze(one))).text, arguments=other)
    lab.present(lab.issue(digest=digest(freeze(other))).text, arguments=one)


@pytest.mark.parametrize(("one", "other"), DIFFERENT)
def test_another_value_is_refused_however_alike(
    lab: TokenLab, one: dict[str, object], other: dict[str, object]
) -> None:
    token = lab.issue(digest=digest(freeze(one))).text
    with pytest.raises(ArgumentsMismatch):
        lab.present(token, arguments=other)
    lab.present(token, arguments=one)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), Decimal("nan"), 1j, object()])
def test_what_has_no_canonical_form_never_reaches_a_digest(lab: TokenLab, value: object) -> None:
    token = lab.issue().text
    with pytest.raises(InvalidInput):
        lab.present(token, arguments={"n": value})
    lab.present(token)


def test_a_decimal_is_never_the_float_that_looks_like_it(lab: TokenLab) -> None:
    token = lab.issue(digest=digest(freeze({"n": 1.1}))).text
    with pytest.raises(ArgumentsMismatch):
        lab.present(token, arguments={"n": Decimal("1.1")})
    lab.present(token, arguments={"n": 1.1})
