"""A body that two JSON parsers read in two ways: the gateway one, the tool behind it the other."""

from __future__ import annotations

import pytest

from permit0.canonical import freeze
from permit0.testing.gateway import GatewayLab

BODIES: list[tuple[bytes, str]] = [
    (b'{"amount":1,"amount":9999}', "argument_conflict"),
    (b'{"amount":1,"\\u0061mount":9999}', "argument_conflict"),
    (b'{"amount":1,"more":{"a":1,"b":2,"a":3}}', "argument_conflict"),
    (b'{"amount":1,"more":[{"a":1,"a":1}]}', "argument_conflict"),
    (b'{"amount":NaN}', "number_not_finite"),
    (b'{"amount":-Infinity}', "number_not_finite"),
    (b'{"amount":1e999}', "number_not_finite"),
    (b'{"amount":9007199254740993}', "number_out_of_range"),
    (b'{"amount":-9007199254740992}', "number_out_of_range"),
    (b'{"amount":67113999827700490.0}', "number_out_of_range"),
    (b'{"amount":-1e20}', "number_out_of_range"),
    (b'{"amount":1' + b"0" * 5000 + b"}", "number_out_of_range"),
    (b'{"amount":{"$permit0:int":"9"}}', "argument_name_reserved"),
    (b'{"to":"\\ud800"}', "lone_surrogate"),
    (b'{"\\udc00":1}', "lone_surrogate"),
    (b'{"to":"\xed\xa0\x80"}', "request_body"),
    (b'{"to":"\xff"}', "request_body"),
    (b'{"to":"\xc0\xaf"}', "request_body"),
    (b'{"amount":1,}', "request_body"),
    (b'{"amount":01}', "request_body"),
    (b'{"amount":+1}', "request_body"),
    (b'{"amount":0x1}', "request_body"),
    (b"{'amount':1}", "request_body"),
    (b'{"amount":1}//', "request_body"),
    (b'/**/{"amount":1}', "request_body"),
    (b'{"to":"a\nb"}', "request_body"),
    (b'{"to":"\x00"}', "request_body"),
    (b"", "request_body"),
    (b"null", "request_body"),
    (b'[{"amount":1}]', "request_body"),
    (b'"text"', "request_body"),
    (b"[" * 100_000, "request_body"),
    (b'{"a":' * 100_000, "request_body"),
    (b'{"a":' * 70 + b"1" + b"}" * 70, "arguments_too_deep"),
]


@pytest.fixture
def lab() -> GatewayLab:
    return GatewayLab()


@pytest.mark.parametrize(("body", "code"), BODIES)
def test_body_with_two_readings_is_refused(lab: GatewayLab, body: bytes, code: str) -> None:
    for arguments in ({"amount": 1}, {"amount": 9999}):
        assert lab.post(lab.app(), lab.token(arguments), body).code == code
    assert lab.ran == []
    assert lab.words() == [code, code]


@pytest.mark.parametrize(
    ("body", "arguments"),
    [
        (b'{"amount":1,"Amount":9999}', {"amount": 1, "Amount": 9999}),
        (b'{"a":{"x":1},"b":{"x":2}}', {"a": {"x": 1}, "b": {"x": 2}}),
        (b'{"amount":9007199254740991}', {"amount": 9007199254740991}),
        (b'{"amount":-0.0}', {"amount": 0}),
        (b'{"amount":1e21}', {"amount": 1e21}),
        (b'{"amount":9.007199254740991e15}', {"amount": 9007199254740991}),
        (b'{"to":"\\ud83d\\ude00"}', {"to": "\U0001f600"}),
        (b'{"to":"$permit0:int"}', {"to": "$permit0:int"}),
        (b"{}", {}),
    ],
)
def test_body_with_one_reading_reaches_the_tool_in_it(
    lab: GatewayLab, body: bytes, arguments: dict[str, object]
) -> None:
    assert lab.post(lab.app(), lab.token(arguments), body).status == 200
    assert lab.bodies() == [freeze(arguments)]


def test_refusal_of_a_strange_name_is_readable_json(lab: GatewayLab) -> None:
    answer = lab.post(lab.app(), lab.token(), b'{"$permit0:\\"\\u2028\xf0\x9f\x98\x80":1}')
    assert answer.code == "argument_name_reserved"
