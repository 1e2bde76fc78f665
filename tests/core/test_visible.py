"""Text from a call can hide nothing from a reader, and can be taken back."""

from __future__ import annotations

import json
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from permit0.visible import alphabets, cells, escape, quote

TEXT = st.text(st.characters(exclude_categories=["Cs"]))


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a\nb\tc", r'"a\nb\tc"'),
        ("\x1b[2J", r'"\u001b[2J"'),
        ("\x7f\x9b", r'"\u007f\u009b"'),
        ("a\u202eb", r'"a\u202eb"'),
        ("a\u200bb\ufeff", r'"a\u200bb\ufeff"'),
        ("a\ufe0fb\u034f", r'"a\ufe0fb\u034f"'),
        ("\u3164\u115f\u2800", r'"\u3164\u115f\u2800"'),
        ("a\u00a0b\u2003c", r'"a\u00a0b\u2003c"'),
        ("\U000e0041", r'"\udb40\udc41"'),
        ("５00", r'"\uff1500"'),
        ("𝐚mount", r'"\ud835\udc1amount"'),
        ("৪", r'"\u09ea"'),
        ("ɑ＝＂", r'"\u0251\uff1d\uff02"'),
        ("a\u0336", r'"a\u0336"'),
        ("1\u0301", r'"1\u0301"'),
        ("\u0301", r'"\u0301"'),
        ("a\u0301\u0301\u0301", '"a\u0301\u0301\\u0301"'),
        ("5\u20e3", r'"5\u20e3"'),
        ("\u05d01", r'"\u05d01"'),
        ("\ue000", r'"\ue000"'),
        ("\ud800", r'"\ud800"'),
    ],
)
def test_what_is_not_plainly_visible_is_written_out(text: str, shown: str) -> None:
    assert quote(text) == shown


@pytest.mark.parametrize(
    "text",
    [
        "José Müller",
        "Łódź, straße",
        "日本語のコーヒー",
        "हिन्दी",
        "Việt",
        "Ελληνικά",
        "100 € – ok",
        "👍",
    ],
)
def test_languages_stay_readable(text: str) -> None:
    assert quote(text) == f'"{text}"'


def test_right_to_left_letters_are_kept_only_alone() -> None:
    word = "שלום"
    assert quote(word, alone=True) == f'"{word}"'
    for mixed in (quote(word), quote(word + " 5", alone=True), quote("a " + word, alone=True)):
        assert mixed.isascii()


@given(TEXT)
def test_quoted_text_can_be_taken_back(text: str) -> None:
    shown = quote(text)
    assert json.loads(shown) == text
    assert shown.isprintable()
    assert not {"Cf", "Cc", "Me"} & {unicodedata.category(char) for char in shown}


@given(
    st.recursive(TEXT | st.integers(), lambda inner: st.lists(inner) | st.dictionaries(TEXT, inner))
)
def test_escaped_json_is_the_same_json(value: object) -> None:
    assert json.loads(escape(json.dumps(value, ensure_ascii=False))) == value


@given(TEXT)
def test_escaping_twice_changes_nothing_more(text: str) -> None:
    assert escape(escape(text)) == escape(text)


def test_letters_of_other_alphabets_are_named() -> None:
    assert alphabets("pаypal") == ("CYRILLIC",)
    assert alphabets("paypal é 日本") == ()


def test_width_counts_wide_and_combining_characters() -> None:
    assert (cells("abc"), cells("日本"), cells("e\u0301")) == (3, 4, 1)
