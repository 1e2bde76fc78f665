"""A person sees everything, secrets excepted, and is told what was left out."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from permit0.approval.view import (
    COLUMNS,
    CONTINUED,
    MAX_ARGUMENTS,
    MAX_VALUE_CHARS,
    render_view,
    rewrap,
)
from permit0.audit.redact import Redactor
from permit0.canonical import Json
from permit0.errors import InvalidInput
from permit0.model.review import Review, ReviewVerdict
from permit0.normalize.sensitive import find_confidential
from permit0.testing.approval_lab import make_call, make_decision
from permit0.visible import cells

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: st.lists(inner, max_size=4)
    | st.dictionaries(st.text(st.characters(exclude_categories=["Cs"]), max_size=6)
                      .filter(lambda name: not name.startswith("$")), inner, max_size=4),
    max_leaves=12,
)  # fmt: skip
ARGUMENTS = st.dictionaries(
    st.text(st.characters(exclude_categories=["Cs"]), max_size=12).filter(
        lambda name: not name.startswith("$")
    ),
    VALUES,
    max_size=6,
)


def redacted(value: Any) -> dict[str, Json]:
    return Redactor(find_confidential).begin().arguments(value)


def view_of(arguments: dict[str, Any], *, clean: Any = redacted, **changes: Any) -> str:
    call = make_call(arguments, **changes)
    return render_view(call, make_decision(call), clean=clean)


def test_view_says_who_what_and_why() -> None:
    lines = view_of({"amount": 1250, "to": "Vendor Alpha", "urgent": True}).splitlines()
    assert lines[:9] == [
        "ALLOW THIS TOOL CALL?",
        "",
        "tool       bank_transfer",
        "action     payments.transfer",
        "agent      billing-bot",
        "principal  maria",
        "session    session-1",
        "score      0.62 high",
        "why        the score is in the tier high",
    ]
    assert lines[10:14] == [
        "arguments, 3 in all:",
        "  amount = 1250",
        '  to = "Vendor Alpha"',
        "  urgent = true",
    ]
    assert lines[-3] == "A yes lets this call run once, with exactly these arguments."


def test_text_and_number_look_different() -> None:
    view = view_of({"a": "5", "b": 5, "c": None, "d": "null", "e": {}, "f": "{}", "g": 2**70})
    for line in ('  a = "5"', "  b = 5", "  c = null", '  d = "null"', "  e = {}", '  f = "{}"'):
        assert line in view.splitlines()
    assert f"  g = {2**70}" in view.splitlines()


def test_parts_are_shown_with_their_path() -> None:
    lines = view_of({"order": {"items": [{"n": 2}, []]}, "order.items": 1}).splitlines()
    assert "  order.items[0].n = 2" in lines
    assert "  order.items[1] = []" in lines
    assert '  "order.items" = 1' in lines


def test_secrets_are_marks_that_differ() -> None:
    view = view_of({"password": "correct-horse", "api_key": "battery", "again": "correct-horse"})
    assert "correct-horse" not in view
    assert "battery" not in view
    marks = [line.rpartition("#")[2] for line in view.splitlines() if " = [redacted: " in line]
    assert len(marks) == 3
    assert len(set(marks)) == 2
    assert "NOT SHOWN, holds a secret: again, api_key, password" in view


def test_mark_of_the_callers_own_is_quoted() -> None:
    assert '  note = "[redacted: named a secret] (#00000000)"' in view_of(
        {"note": "[redacted: named a secret] (#00000000)"}
    )


def test_digest_of_a_secret_is_worth_nothing_in_another_call() -> None:
    one, two = (view_of({"pin": "4711", "n": n}) for n in (1, 2))
    marks = [next(li for li in v.splitlines() if li.startswith("  pin")) for v in (one, two)]
    assert marks[0] != marks[1]


def test_long_text_is_cut_in_the_middle_and_named_at_the_end() -> None:
    text = "a" * MAX_VALUE_CHARS + "b" * 1000 + "c"
    view = "".join(view_of({"body": text, "n": 1}).split("\n" + CONTINUED))
    assert f"... {len(text) - MAX_VALUE_CHARS} characters left out, SHA-256 of all " in view
    assert 'c"\n  n = 1\n' in view
    assert "NOT SHOWN IN FULL: body" in view
    whole = view_of({"body": text[:MAX_VALUE_CHARS]})
    assert "NOT SHOWN IN FULL" not in whole


def test_views_of_long_texts_that_differ_in_the_middle_differ() -> None:
    one, two = (view_of({"body": "a" * 1000 + x + "a" * 1000}) for x in "xy")
    assert [a for a, b in zip(one.splitlines(), two.splitlines(), strict=True) if a != b]


def test_junk_does_not_crowd_an_argument_out() -> None:
    junk = {f"a{i}": {"x" * 70: list(range(300))} for i in range(50)}
    view = view_of({**junk, "amount": 1250, "z": "last"})
    lines = view.splitlines()
    assert "  amount = 1250" in lines
    assert '  z = "last"' in lines
    for name in junk:
        assert any(line.startswith((f"  {name}:", f"  {name}.")) for line in lines), name
    assert len(view) < 100_000
    assert "NOT SHOWN IN FULL: a0, a1, a10" in view


def test_too_many_arguments_cannot_be_approved() -> None:
    assert "n199 = 1" in view_of({f"n{i}": 1 for i in range(MAX_ARGUMENTS)})
    with pytest.raises(InvalidInput) as caught:
        view_of({f"n{i}": 1 for i in range(MAX_ARGUMENTS + 1)})
    assert caught.value.reason_code == "approval_view_too_large"


@pytest.mark.parametrize(
    "data", [b"", b"[]", b"[12345678901234567]", b"{", b'{"a":1,"a":2}', b'{ "a":1}', b'{"a":1.0}']
)
def test_arguments_that_are_not_canonical_cannot_be_approved(data: bytes) -> None:
    call = make_call(arguments={})
    bad = make_call(arguments={"a": 1})
    assert render_view(bad, make_decision(bad), clean=dict)
    with pytest.raises(InvalidInput) as caught:
        render_view(_with(data), make_decision(call), clean=dict)
    assert caught.value.reason_code == "approval_view_unreadable"


def _with(data: bytes) -> Any:
    import msgspec

    return msgspec.structs.replace(make_call({}), arguments=data)


@pytest.mark.parametrize(
    "clean",
    [
        lambda value: {},
        lambda value: {**value, "arguments": {}},
        lambda value: {**value, "arguments": {"amount": 5}},
        lambda value: {**value, "words": {}},
        lambda value: {**value, "arguments": None},
    ],
)
def test_redactor_that_changes_the_form_shows_nothing(clean: Any) -> None:
    with pytest.raises(InvalidInput) as caught:
        view_of({"amount": 1250}, clean=clean)
    assert caught.value.reason_code == "approval_view_unreadable"


def test_words_of_the_call_are_redacted_too() -> None:
    view = view_of({"password": "correct-horse"}, task="use correct-horse please", agent="a b")
    assert "correct-horse" not in view
    assert "task       [redacted: repeats a secret]" in view
    assert 'agent      "a b"' in view


def test_reviewer_is_quoted() -> None:
    call = make_call()
    said = Review(verdict=ReviewVerdict.HUMAN, confidence=0.5, reason="fine\n  amount = 5")
    view = render_view(call, make_decision(call, review=said), clean=dict)
    assert r'"fine\n  amount = 5"' in view


@given(ARGUMENTS)
def test_view_is_deterministic_complete_and_narrow(arguments: dict[str, Any]) -> None:
    view = view_of(arguments, clean=dict)
    assert view == view_of(arguments, clean=dict)
    lines = view.split("\n")
    assert all(line.isprintable() and cells(line) <= COLUMNS for line in lines)
    whole = [li for li in "".join(rewrap(view, 10_000)).split("\n") if li.startswith("  ")]
    assert len(whole) >= len(arguments)


@given(ARGUMENTS, st.integers(20, 200))
def test_another_width_loses_nothing(arguments: dict[str, Any], columns: int) -> None:
    view = view_of(arguments, clean=dict)
    narrow = rewrap(view, columns)
    assert all(cells(line) <= columns for line in narrow.split("\n"))
    assert rewrap(narrow, COLUMNS) == view


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=300))
def test_text_can_be_read_back_from_its_line(text: str) -> None:
    view = rewrap(view_of({"memo": text}, clean=dict), 100_000)
    line = next(line for line in view.split("\n") if line.startswith("  memo = "))
    assert json.JSONDecoder().raw_decode(line.removeprefix("  memo = "))[0] == text
