"""Answers that are remembered."""

from __future__ import annotations

from itertools import count

import pytest

from permit0.remembered import Remembered


def test_answer_is_computed_once() -> None:
    numbers = count()
    memory: Remembered[int] = Remembered(10)
    assert [memory.answer(b"a", lambda: next(numbers)) for _ in range(3)] == [0, 0, 0]
    assert memory.answer(b"b", lambda: next(numbers)) == 1


def test_memory_is_bounded() -> None:
    memory: Remembered[int] = Remembered(10)
    for i in range(1000):
        assert memory.answer(str(i).encode(), lambda i=i: i) == i  # type: ignore[misc]  # a default
        assert len(memory) <= 10


def test_failure_is_not_remembered() -> None:
    memory: Remembered[int] = Remembered(10)
    with pytest.raises(ZeroDivisionError):
        memory.answer(b"a", lambda: 1 // 0)
    assert memory.answer(b"a", lambda: 5) == 5
