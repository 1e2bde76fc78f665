"""Tables of which a row is made when it is first asked for."""

from __future__ import annotations

from types import MappingProxyType

import pytest

from permit0.normalize.catalog import Once, Rows


class Maker:
    """Makes a value and counts how often."""

    def __init__(self, value: str) -> None:
        self.value = value
        self.made = 0

    def __call__(self) -> str:
        self.made += 1
        return self.value


def table() -> tuple[Rows[str], dict[str, Maker]]:
    makers = {"a": Maker("one"), "b": Maker("two")}
    return Rows(makers), makers


def test_row_is_made_once_and_only_when_asked_for() -> None:
    rows, makers = table()
    assert rows["a"] is rows["a"] is rows.get("a")
    assert (makers["a"].made, makers["b"].made) == (1, 0)


@pytest.mark.parametrize("asked", [[], ["a"], ["b", "a"]])
def test_table_speaks_of_all_rows_whatever_was_made(asked: list[str]) -> None:
    rows, _ = table()
    for name in asked:
        assert rows[name]
    for view in (rows, MappingProxyType(rows)):
        assert (len(view), list(view), "a" in view, "x" in view, bool(view)) == (
            2,
            ["a", "b"],
            True,
            False,
            True,
        )
        assert (list(view.keys()), list(view.values())) == (["a", "b"], ["one", "two"])
        assert dict(view.items()) == dict(view) == {**view} == {"a": "one", "b": "two"}
        assert (view.get("x"), view.get("x", "y"), view.get("b")) == (None, "y", "two")


def test_row_that_is_not_there_is_a_key_error() -> None:
    rows, _ = table()
    for view in (rows, MappingProxyType(rows)):
        with pytest.raises(KeyError):
            view["x"]


def test_what_fails_while_a_row_is_made_is_not_taken_for_a_missing_row() -> None:
    def broken() -> str:
        raise KeyError("inside")

    rows = Rows({"a": broken})
    with pytest.raises(KeyError, match="inside"):
        rows.get("a")
    assert len(rows) == 1


def test_value_that_may_be_anything_is_made_once() -> None:
    made: list[None] = []
    once = Once(lambda: made.append(None))
    assert once() is once() is None
    assert made == [None]
