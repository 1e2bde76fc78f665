"""Base64url in one spelling, held against the standard library's decoder."""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from permit0.token import base64url

LETTERS = "ABYZabyz0189-_"


def spelled(data: bytes) -> bytes:
    return urlsafe_b64encode(data).rstrip(b"=")


@given(st.binary(max_size=80))
def test_bytes_come_back_from_their_text(data: bytes) -> None:
    assert base64url.encode(data) == spelled(data)
    assert base64url.decode(base64url.encode(data)) == data


@given(st.text(LETTERS, max_size=9) | st.text(LETTERS + "+/=. \n~\x00\xff", max_size=9))
def test_a_text_is_read_if_and_only_if_it_is_the_one_spelling(text: str) -> None:
    given_text = text.encode("latin-1")
    try:
        data = urlsafe_b64decode(given_text + b"=" * (-len(given_text) % 4))
    except ValueError:
        data = None
    one = data if data is not None and spelled(data) == given_text else None
    assert base64url.decode(given_text) == one


@pytest.mark.parametrize(
    "text", [b"MA=", b"MA==", b"MB", b"M", b"M+", b"M/", b"M.", b"MA\n", b" MA", b"=", b"M=A="]
)
def test_a_second_spelling_is_none(text: bytes) -> None:
    assert base64url.decode(text) is None
    assert base64url.decode(b"MA") == b"0"
