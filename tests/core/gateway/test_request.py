"""How a request is read: what has two readings is refused before its token is looked at."""

from __future__ import annotations

import json

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from permit0.canonical import MAX_SAFE_INT, freeze
from permit0.testing.gateway import GatewayLab
from permit0.testing.tokens import ARGUMENTS

TYPES: list[tuple[list[str], bool]] = [
    (["application/json"], True),
    (["Application/JSON; charset=UTF-8"], True),
    (['application/json;charset="utf-8"'], True),
    ([], False),
    ([""], False),
    (["text/plain"], False),
    (["application/json; charset=utf-16"], False),
    (["application/json; charset=utf-8; charset=utf-16"], False),
    (["application/json, text/plain"], False),
    (["application/json+x"], False),
    (["application/x-www-form-urlencoded"], False),
    (["multipart/form-data; boundary=x"], False),
    (["application/json", "application/json"], False),
    (["application/json", "text/plain"], False),
]


@pytest.mark.parametrize(("types", "good"), TYPES)
def test_content_type_is_json_and_once(lab: GatewayLab, types: list[str], good: bool) -> None:
    more = [("content-type", value) for value in types]
    answer = lab.post(lab.app(), lab.token(), content_type=None, more=more)
    assert (answer.status, answer.code) == ((200, "") if good else (415, "request_content_type"))


@pytest.mark.parametrize("coding", ["gzip", "identity", "br", ""])
def test_content_coding_is_refused(lab: GatewayLab, coding: str) -> None:
    answer = lab.post(lab.app(), lab.token(), more=[("content-encoding", coding)])
    assert (answer.status, answer.code) == (415, "request_encoding")


def test_query_is_refused(lab: GatewayLab) -> None:
    answer = lab.post(lab.app(), lab.token(), query_string=b"amount=9")
    assert (answer.status, answer.code) == (400, "request_query")
    assert lab.ran == []


LENGTH = len(json.dumps(dict(ARGUMENTS)).encode())
LENGTHS: list[tuple[list[tuple[str, str]], str]] = [
    ([("content-length", str(LENGTH))], ""),
    ([("content-length", str(LENGTH - 1))], "request_length"),
    ([("content-length", str(LENGTH + 1))], "request_length"),
    ([("content-length", "0")], "request_length"),
    ([("content-length", f"+{LENGTH}")], "request_length"),
    ([("content-length", "-1")], "request_length"),
    ([("content-length", "1e2")], "request_length"),
    ([("content-length", "\u00b2")], "request_length"),
    ([("content-length", "9" * 4000)], "request_length"),
    ([("content-length", str(LENGTH))] * 2, "request_length"),
    ([("content-length", str(LENGTH)), ("transfer-encoding", "chunked")], "request_length"),
    ([("transfer-encoding", "chunked")], ""),
    ([("transfer-encoding", "gzip, chunked")], "request_length"),
    ([("transfer-encoding", "chunked"), ("transfer-encoding", "chunked")], "request_length"),
    ([("content-length", str(1 << 30))], "request_too_large"),
]


@pytest.mark.parametrize(("headers", "code"), LENGTHS)
def test_length_is_what_was_said(
    lab: GatewayLab, headers: list[tuple[str, str]], code: str
) -> None:
    assert lab.post(lab.app(), lab.token(), more=headers).code == code
    assert len(lab.ran) == (not code)


def test_body_is_limited_and_not_read_beyond(lab: GatewayLab) -> None:
    app = lab.app(max_body_bytes=1000)
    answer = lab.post(app, lab.token(), [b" " * 400] * 10)
    assert (answer.status, answer.code, answer.unread) == (413, "request_too_large", 7)
    declared = lab.post(app, lab.token(), b" " * 2000, more=[("content-length", "2000")])
    assert (declared.status, declared.unread) == (413, 1)
    assert lab.post(app, lab.token()).status == 200


def test_token_is_asked_for_before_the_body_is_read(lab: GatewayLab) -> None:
    assert lab.post(lab.app(), None, [b"x"] * 5).unread == 5


def test_client_that_goes_away_gets_nothing_run(lab: GatewayLab) -> None:
    token = lab.token()
    answer = lab.post(lab.app(), token, cut_off=True)
    assert (answer.messages, lab.ran, lab.words()) == ((), [], ["request_incomplete"])
    assert lab.post(lab.app(), token).status == 200


def test_two_tokens_are_refused(lab: GatewayLab) -> None:
    token = lab.token()
    for other in (token, lab.token(), ""):
        more = [("Permit0-Token", other)]
        assert lab.post(lab.app(), token, more=more).code == "token_malformed"
    assert lab.post(lab.app(), token).status == 200


GOOD = json.dumps(dict(ARGUMENTS)).encode()
edits = st.lists(
    st.tuples(st.integers(0, LENGTH - 1), st.sampled_from(b'"\\{}[],:0123456789.eE+- \n\x00\xc3\xa9au')),
    min_size=1, max_size=4,
)  # fmt: skip


@given(edits, st.booleans())
@settings(max_examples=300)
def test_changed_byte_is_refused_or_changes_nothing(
    edits: list[tuple[int, int]], insert: bool
) -> None:
    body = bytearray(GOOD)
    for place, byte in edits:
        body[place : place if insert else place + 1] = bytes([byte])
    lab = GatewayLab()
    if lab.post(lab.app(), lab.token(), bytes(body)).status == 200:
        assert lab.bodies() == [freeze(ARGUMENTS)]
    else:
        assert lab.ran == []


values = st.recursive(
    st.none() | st.booleans() | st.integers(-MAX_SAFE_INT, MAX_SAFE_INT)
    | st.floats(allow_nan=False, allow_infinity=False).filter(
        lambda value: not MAX_SAFE_INT < abs(value) < 1e21
    )
    | st.text(st.characters(exclude_categories=["Cs"]), max_size=20),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(st.text("ab\u00e9\U0001f600\uffee", max_size=4), inner, max_size=3),
    max_leaves=8,
)  # fmt: skip


@given(
    st.dictionaries(st.text("ab\u00e9\U0001f600\uffee", max_size=4), values, max_size=4),
    st.booleans(), st.sampled_from([None, 1]),
)  # fmt: skip
def test_what_another_json_library_wrote_and_read_is_the_same(
    arguments: dict[str, object], escaped: bool, indent: int | None
) -> None:
    lab = GatewayLab()
    body = json.dumps(arguments, ensure_ascii=escaped, indent=indent).encode()
    assert lab.post(lab.app(), lab.token(arguments), body).status == 200
    (seen,) = lab.bodies()
    # Two readers behind us agree with what was sent.
    assert json.loads(seen) == msgspec.json.decode(seen) == json.loads(body)
