"""Arguments may vary inside an envelope, and not outside."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from permit0.errors import OutsideEnvelope
from permit0.model.claims import Constraints, Observed, is_normal_path
from permit0.testing.tokens import TokenLab

LIMITS: dict[str, Any] = {
    "max_amount": Decimal("100.00"),
    "currency": "EUR",
    "recipients": ("a@x.example", "b@x.example"),
    "path_prefix": "/data/in",
    "environment": "staging",
}
INSIDE: dict[str, Any] = {
    "amount": Decimal(100),
    "currency": "EUR",
    "recipients": frozenset({"a@x.example"}),
    "paths": frozenset({"/data/in", "/data/in/x/y"}),
    "environment": "staging",
}


@pytest.mark.parametrize(
    "change",
    [
        {},
        {"amount": Decimal(0)},
        {"amount": Decimal("99.999999")},
        {"recipients": frozenset({"a@x.example", "b@x.example"})},
        {"paths": frozenset({"/data/in/..."})},
    ],
)
def test_inside_is_accepted_whatever_the_digest(lab: TokenLab, change: dict[str, Any]) -> None:
    token = lab.approve(constraints=Constraints(**LIMITS)).text
    lab.present(token, arguments={"other": 1}, observed=Observed(**(INSIDE | change)))


@pytest.mark.parametrize(
    ("change", "limit"),
    [
        ({"amount": Decimal("100.000000000000000000000000000000001")}, "max_amount"),
        ({"amount": Decimal(-1)}, "max_amount"),
        ({"amount": Decimal("NaN")}, "max_amount"),
        ({"amount": Decimal("sNaN")}, "max_amount"),
        ({"amount": Decimal("Infinity")}, "max_amount"),
        ({"amount": None}, "max_amount"),
        ({"currency": "USD"}, "currency"),
        ({"currency": "eur"}, "currency"),
        ({"currency": None}, "currency"),
        ({"recipients": frozenset({"a@x.example", "c@x.example"})}, "recipients"),
        ({"recipients": frozenset({"A@x.example"})}, "recipients"),
        ({"recipients": frozenset()}, "recipients"),
        ({"recipients": None}, "recipients"),
        ({"paths": frozenset({"/data/in2"})}, "path_prefix"),
        ({"paths": frozenset({"/data"})}, "path_prefix"),
        ({"paths": frozenset({"/data/in/../out"})}, "path_prefix"),
        ({"paths": frozenset({"/data/in/x", "/etc/passwd"})}, "path_prefix"),
        ({"paths": frozenset({"data/in/x"})}, "path_prefix"),
        ({"paths": frozenset({"/data/in//x"})}, "path_prefix"),
        ({"paths": frozenset({"/data/in/x\0"})}, "path_prefix"),
        ({"paths": frozenset({"/data/in/..\\..\\x"})}, "path_prefix"),
        ({"paths": frozenset()}, "path_prefix"),
        ({"paths": None}, "path_prefix"),
        ({"environment": "production"}, "environment"),
        ({"environment": None}, "environment"),
    ],
)
def test_outside_is_refused_and_names_the_limit(
    lab: TokenLab, change: dict[str, Any], limit: str
) -> None:
    token = lab.approve(constraints=Constraints(**LIMITS)).text
    with pytest.raises(OutsideEnvelope, match=repr(limit)) as refusal:
        lab.present(token, observed=Observed(**(INSIDE | change)))
    assert refusal.value.reason_code == "token_outside_envelope"


def test_a_gateway_that_knows_nothing_of_the_arguments_refuses_even_the_ones_approved(
    lab: TokenLab,
) -> None:
    with pytest.raises(OutsideEnvelope):
        lab.present(lab.approve(constraints=Constraints(**LIMITS)).text)


@pytest.mark.parametrize(
    "limits",
    [
        {},
        {"uses": 3},
        {"environment": "test"},
        {"max_amount": Decimal(1)},
        {"currency": "EUR", "path_prefix": "/a"},
        {"max_amount": Decimal("NaN"), "currency": "EUR"},
        {"max_amount": Decimal("-0.01"), "currency": "EUR"},
        {"max_amount": Decimal("1e3"), "currency": "EUR"},
        {"max_amount": Decimal(10**30), "currency": "EUR"},
        {"path_prefix": "/"},
        {"path_prefix": "data"},
        {"path_prefix": "/data/"},
        {"path_prefix": "/data/../etc"},
    ],
)
def test_an_envelope_that_limits_nothing_cannot_be_built(limits: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"max_amount|envelope|path_prefix"):
        Constraints(**limits)
    Constraints(path_prefix="/data")


@pytest.mark.parametrize("path", ["", "/", "a", "//a", "/a/", "/./a", "/a/..", "/a\0", "/a\\b"])
def test_paths_that_can_be_read_in_two_ways_are_not_normal(path: str) -> None:
    assert not is_normal_path(path)
    assert is_normal_path("/a/.b/..c/d.")
