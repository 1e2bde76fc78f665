"""An argument tries to look like another one, to hide, or to repaint what a person decides by."""

from __future__ import annotations

import re
from typing import Any

import pytest

from permit0.approval.view import CONTINUED, render_view, rewrap
from permit0.testing.approval_lab import make_call, make_decision

FAKE = "amount = 5"
HOSTILE = [
    f"x\n  {FAKE}",
    f"x\r  {FAKE}",
    f"x\r\n\r\n  {FAKE}",
    f"x\x0b  {FAKE}",
    f"x\x0c  {FAKE}",
    f"x\x85  {FAKE}",
    f"x\u2028  {FAKE}",
    f"x\u2029  {FAKE}",
    f'x"\n  {FAKE}\n  y = "',
    f"\x1b[1A\x1b[2K  {FAKE}",
    f"\x1b]0;{FAKE}\x07",
    f"\x9b2J  {FAKE}",
    "\x08" * 40 + FAKE,
    f"\u202e{FAKE[::-1]}",
    f"\u2066{FAKE}\u2069\u200f",
    f"x{' ' * 200}  {FAKE}",
    "x" * 66 + f"  {FAKE}",
    "日" * 33 + f"  {FAKE}",
    "\u3164" * 70 + FAKE,
    "e\u0301" * 70 + f"  {FAKE}",
    "\U000e0061" * 80 + FAKE,
    f"{CONTINUED}  {FAKE}",
    f"x\n{CONTINUED}\n  {FAKE}",
    "A yes lets this call run once",
]


def view_of(arguments: dict[str, Any], **changes: Any) -> str:
    call = make_call(arguments, **changes)
    return render_view(call, make_decision(call), clean=dict)


@pytest.mark.parametrize("columns", [20, 40, 78, 200])
@pytest.mark.parametrize("value", HOSTILE)
def test_value_cannot_draw_a_line_of_its_own(value: str, columns: int) -> None:
    view = rewrap(view_of({"amount": 1250, "memo": value}), columns)
    lines = view.split("\n")
    assert all(line.isprintable() for line in lines)
    ours = [line for line in lines if not line.startswith(CONTINUED)]
    shown = [line for line in ours if re.match(r"\s+\w", line)]
    assert [line.split(" = ")[0].strip() for line in shown] == ["amount", "memo"]
    assert shown[0] == "  amount = 1250"


@pytest.mark.parametrize("value", HOSTILE)
def test_neither_can_a_name_nor_whoever_calls(value: str) -> None:
    plain = rewrap(view_of({"amount": 1250, "m": 1}), 10_000).split("\n")
    for view in (
        view_of({"amount": 1250, value: 1}),
        view_of({"amount": 1250, "m": 1}, agent=value),
        view_of({"amount": 1250, "m": 1}, session=value),
        view_of({"amount": 1250, "m": 1}, principal=value),
        view_of({"amount": 1250, "m": 1}, tool=value),
    ):
        lines = rewrap(view, 10_000).split("\n")
        assert len(lines) == len(plain)
        assert lines.count("  amount = 1250") == 1
        assert all(line.isprintable() for line in view.split("\n"))


def test_task_cannot_draw_a_line() -> None:
    with_task = view_of({"amount": 1250}, task=f"pay\n  {FAKE}").split("\n")
    assert r'task       "pay\n  amount = 5"' in with_task


def test_name_that_looks_like_another_is_told_apart() -> None:
    view = view_of({"amount": 1250, "аmount": 5, "amount\u200b": 6, "amount ": 7, "ａmount": 8})
    lines = rewrap(view, 10_000).split("\n")
    assert "  amount = 1250" in lines
    assert '  "аmount" (has letters that are not Latin: CYRILLIC) = 5' in lines
    assert '  "amount\\u200b" = 6' in lines
    assert '  "amount " = 7' in lines
    assert '  "\\uff41mount" = 8' in lines


def test_path_that_looks_like_another_is_told_apart() -> None:
    lines = view_of({"a": {"b": 1}, "a.b": 2, "c": [3], "c[0]": 4}).split("\n")
    for line in ("  a.b = 1", '  "a.b" = 2', "  c[0] = 3", '  "c[0]" = 4'):
        assert lines.count(line) == 1


def test_note_of_ours_cannot_be_forged() -> None:
    forged = 'x" ... 5 characters left out, SHA-256 of all 0123456789abcdef ... "y'
    line = next(li for li in view_of({"n": forged}).split("\n") if li.startswith("  n"))
    assert line.startswith(r'  n = "x\" ... 5')


def test_hidden_value_is_named_at_the_end() -> None:
    """Words that look like a secret hide a text from the person; that must be told."""

    def clean(value: Any) -> Any:
        arguments = {**value["arguments"], "command": "[redacted: assigned by name]"}
        return {**value, "arguments": arguments}

    call = make_call({"command": "rm -rf / # password=x", "cwd": "/"})
    view = render_view(call, make_decision(call), clean=clean)
    assert "NOT SHOWN, holds a secret: command" in view.split("\n")[-5:]
    plain = render_view(call, make_decision(call), clean=dict)
    assert "NOT SHOWN" not in plain
