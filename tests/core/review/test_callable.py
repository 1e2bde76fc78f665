"""The answer of a function is read as it is or not at all."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from permit0.errors import InvalidInput
from permit0.model.review import Review, ReviewVerdict
from permit0.review.callable import parse_review

GOOD = {"verdict": "deny", "confidence": 0.95, "reason": "no"}
TEXT = json.dumps(GOOD)
READ = Review(verdict=ReviewVerdict.DENY, confidence=0.95, reason="no")


@pytest.mark.parametrize(
    "answer",
    [READ, GOOD, TEXT, f"  {TEXT}\n", f"```json\n{TEXT}\n```", f"```\n{TEXT}\n```",
     f"```json\r\n{TEXT}\r\n```\n", {**GOOD, "verdict": "DENY"}],
)  # fmt: skip
def test_good_answers_are_read(answer: object) -> None:
    assert parse_review(answer) == READ


def test_whole_number_is_a_confidence() -> None:
    assert parse_review({"verdict": "human", "confidence": 1, "reason": ""}).confidence == 1.0


@pytest.mark.parametrize(
    "answer",
    [None, True, [], 5, b"{}", "", "deny", "{}", "[]", "null", "NaN", "[" * 10_000,
     f"Sure! {TEXT}", f"{TEXT} ok", f"{TEXT}{TEXT}", f"```json\n{TEXT}\n``` done", f"```yaml\n{TEXT}\n```",
     f"```json\n{TEXT}\n```\n```json\n{TEXT}\n```", TEXT.replace("0.95", "NaN"),
     TEXT.replace("0.95", "Infinity"), TEXT.replace("0.95", "1e999"), TEXT.replace("0.95", '"0.95"'),
     TEXT.replace("0.95", "true"), TEXT.replace("0.95", "-0.1"), TEXT.replace("0.95", "95"),
     '{"verdict": "human", "verdict": "deny", "confidence": 0.95, "reason": "no"}',
     TEXT[:-1] + ', "allow": true}', TEXT.replace('"no"', "null"), TEXT + " " * 30_000,
     {"verdict": "deny"}, {**GOOD, "more": 1}, {**GOOD, "confidence": None}, {**GOOD, "reason": 5}],
)  # fmt: skip
def test_other_answers_are_refused(answer: object) -> None:
    with pytest.raises(InvalidInput) as caught:
        parse_review(answer)
    assert caught.value.reason_code == "review_unparsable"


@given(st.recursive(st.none() | st.booleans() | st.floats() | st.text(),
                    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)))  # fmt: skip
def test_nothing_else_is_raised(answer: Any) -> None:
    for form in (answer, json.dumps(answer)):
        with pytest.raises(InvalidInput):
            parse_review(form)
