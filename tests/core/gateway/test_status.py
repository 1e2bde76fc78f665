"""Every error that a gateway can raise has an HTTP status of its own choosing, in one table."""

from __future__ import annotations

import re

import pytest

from permit0 import errors
from permit0.errors import (
    AuditUnavailable,
    GatewayRefused,
    InvalidInput,
    InvalidToken,
    Killed,
    Permit0Error,
    StateUnavailable,
)
from permit0.gateway.status import STATUS, status_of

KINDS = [
    kind
    for name in errors.__all__
    if issubclass(kind := getattr(errors, name), InvalidToken)
    or kind
    in (AuditUnavailable, GatewayRefused, InvalidInput, Killed, Permit0Error, StateUnavailable)
]


@pytest.mark.parametrize("kind", KINDS)
def test_every_error_is_in_the_table(kind: type[Permit0Error]) -> None:
    assert kind.reason_code in STATUS


def test_every_code_of_the_gateway_is_in_the_table() -> None:
    documented = re.findall(r"request_[a-z_]+", GatewayRefused.__doc__ or "")
    assert len(documented) == 9
    assert {code for code in STATUS if code.startswith("request_")} == set(documented)


def test_table_names_no_code_that_nobody_raises() -> None:
    codes = {kind.reason_code for kind in KINDS}
    rest = {code for code in STATUS if code not in codes and not code.startswith("request_")}
    assert rest == {"arguments_too_long"}


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (AuditUnavailable("x", reason_code="audit_locked"), 503),
        (InvalidInput("x", reason_code="lone_surrogate"), 400),
        (InvalidInput("x", reason_code="arguments_too_long"), 413),
        (InvalidToken("x", reason_code="token_of_tomorrow"), 401),
        (GatewayRefused("x", reason_code="request_of_tomorrow"), 500),
        (Permit0Error("x", reason_code="of_tomorrow"), 500),
        (errors.BadConfig("x"), 400),
    ],
)
def test_code_that_is_not_in_the_table_has_the_status_of_its_class(
    error: Permit0Error, status: int
) -> None:
    assert status_of(error) == status


def test_no_refusal_looks_like_a_success() -> None:
    assert min(STATUS.values()) >= 400
