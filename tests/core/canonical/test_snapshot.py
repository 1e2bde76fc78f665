"""The copy that is digested is the copy that is used, and nobody else can reach into it."""

from __future__ import annotations

import copy
import threading
from collections import OrderedDict, UserDict, defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import InitVar, dataclass, field
from datetime import datetime, timedelta, timezone
from pathlib import PurePosixPath
from types import MappingProxyType
from typing import Any, ClassVar, NamedTuple
from uuid import UUID, SafeUUID

import msgspec
import pydantic
from hypothesis import given
from hypothesis import strategies as st

from permit0.canonical import freeze, snapshot


class Shared:
    DEFAULT: ClassVar[list[str]] = ["ann@acme.com"]


@dataclass
class Mail:
    to: list[str]
    cc: list[str] = field(default_factory=lambda: Shared.DEFAULT)
    tags: set[str] = field(default_factory=set)
    size: int = field(init=False, default=7)
    limit: ClassVar[int] = 3
    draft: InitVar[bool] = False

    def __deepcopy__(self, memo: object) -> Mail:
        return self


class Frozen(msgspec.Struct, frozen=True):
    to: list[str]


class Model(pydantic.BaseModel, extra="allow"):
    to: list[str]
    cc: list[str] = []
    _cache: Any = pydantic.PrivateAttr(default=None)


class Pair(NamedTuple):
    to: list[str]
    more: object = None


@dataclass
class Plain:
    amount: int


def test_every_object_that_can_change_is_copied() -> None:
    to = ["ann@acme.com"]
    data = bytearray(b"abc")
    model = Model(to=to, extra=to)
    model.to = to
    model._cache = to
    original: dict[str, Any] = {
        "dataclass": Mail(to), "struct": Frozen(to), "model": model, "pair": Pair(to, {"x": to}),
        "bytes": data, "dict": {"a": [to, to]}, "tuple": (to,), "set": {"x"},
    }  # fmt: skip
    taken = snapshot(original)
    frozen = freeze(taken)
    assert freeze(original) == frozen
    to.append("eve@evil.example")
    data += b"def"
    Shared.DEFAULT.append("eve@evil.example")
    original["set"].add("y")
    original["dataclass"].tags.add("y")
    original["model"].more = "y"
    original["model"].model_fields_set.add("cc")
    assert freeze(original) != frozen
    assert freeze(taken) == frozen
    Shared.DEFAULT.pop()
    assert taken["dataclass"] == Mail(["ann@acme.com"], ["ann@acme.com"])
    assert type(taken["struct"]) is Frozen
    assert taken["struct"].to == ["ann@acme.com"]
    assert taken["pair"] == Pair(["ann@acme.com"], {"x": ["ann@acme.com"]})
    assert taken["model"]._cache == taken["model"].to == taken["model"].extra == ["ann@acme.com"]
    assert taken["model"].model_fields_set == {"to", "extra"}
    assert taken["model"].model_dump() == {
        "to": ["ann@acme.com"],
        "cc": [],
        "extra": taken["model"].to,
    }


def test_an_object_that_occurs_twice_is_two_in_the_copy() -> None:
    one = ["x"]
    taken = snapshot({"a": one, "b": one})
    taken["a"].append("y")
    assert taken == {"a": ["x", "y"], "b": ["x"]}


def test_a_default_that_lives_in_the_class_belongs_to_the_copy() -> None:
    class Late:
        pass

    @dataclass
    class Batch:
        items: Any = field(init=False, default=None)

    shared = ["x"]
    Batch.items = shared
    taken = snapshot(Batch())
    frozen = freeze({"a": taken})
    shared.append("y")
    Batch.items = Late()
    assert taken.items == ["x"]
    assert freeze({"a": taken}) == frozen


def test_no_code_of_the_class_runs() -> None:
    ran: list[str] = []

    @dataclass
    class Loud:
        amount: int

        def __post_init__(self) -> None:
            ran.append("post_init")

        def __new__(cls, *_: object) -> Any:
            ran.append("new")
            return object.__new__(cls)

        def __setattr__(self, name: str, value: object) -> None:
            ran.append(name)
            object.__setattr__(self, name, value)

        def __getstate__(self) -> object:
            ran.append("getstate")
            return {"amount": 1}

        def __eq__(self, other: object) -> bool:
            ran.append("eq")
            return True

        __hash__ = None  # type: ignore[assignment]  # as dataclasses have it

    value = Loud(5)
    ran.clear()
    taken = snapshot({"a": value})
    assert freeze(taken) == freeze({"a": value})
    assert not ran
    assert (type(taken["a"]), vars(taken["a"])) == (Loud, {"amount": 5})


def test_what_is_not_written_is_not_in_the_copy() -> None:
    moment = snapshot(datetime(2026, 1, 1, tzinfo=timezone(timedelta(0), "hidden")))
    assert moment.tzname() == "UTC"
    assert snapshot(UUID(int=5, is_safe=SafeUUID.safe)).is_safe is SafeUUID.unknown
    path = PurePosixPath("/etc/passwd")
    path._str = "/tmp/notes"  # type: ignore[attr-defined]  # a cache that anybody can write
    taken = snapshot({"a": path})
    assert taken["a"].parts == PurePosixPath("/tmp/notes").parts
    assert freeze(taken) == freeze({"a": path})
    named = Named("x")
    named.more = "hidden"
    assert type(snapshot(named)) is str
    assert snapshot(OrderedDict(a=[1])) == OrderedDict(a=[1])
    for mapping in (defaultdict(list, a=[1]), UserDict(a=[1]), MappingProxyType({"a": [1]})):
        assert (type(snapshot(mapping)), snapshot(mapping)) == (dict, {"a": [1]})
    assert (type(snapshot(Sequel([1]))), snapshot(Sequel([1]))) == (list, [1])


class Named(str):
    more: str


class Sequel(list[int]):
    def __iter__(self) -> Iterator[int]:
        return iter([2])


class Sly(Mapping[str, object]):
    """Says something else each time that it is asked."""

    def __init__(self) -> None:
        self.amount = 0

    def __iter__(self) -> Iterator[str]:
        return iter(["a"])

    def __len__(self) -> int:
        return 1

    def __getitem__(self, name: str) -> object:
        self.amount += 1
        return [self.amount]


def test_a_moment_that_a_model_read_from_text_has_a_form() -> None:
    class Meeting(pydantic.BaseModel):
        at: datetime

    for text, offset in (("2026-01-02T03:04:05Z", 0), ("2026-01-02T03:04:05-03:30", -210)):
        read = Meeting.model_validate_json(f'{{"at": "{text}"}}')
        moment = read.at.replace(tzinfo=timezone(timedelta(minutes=offset)))
        assert freeze({"a": read.at}) == freeze({"a": moment}) == freeze({"a": snapshot(read).at})
        assert type(snapshot(read).at.tzinfo) is timezone


def test_a_mapping_that_changes_its_answer_is_asked_once() -> None:
    taken = snapshot({"a": Sly()})
    assert freeze(taken) == b'{"a":{"a":[1]}}'
    assert taken == {"a": {"a": [1]}}


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner) | st.tuples(inner),
        max_leaves=20,
    )
)
def test_of_json_the_copy_is_what_deepcopy_gives(value: object) -> None:
    assert snapshot(value) == copy.deepcopy(value)


def test_a_value_that_changes_while_it_is_copied_is_what_was_digested() -> None:
    value: dict[str, Any] = {"to": ["ann@acme.com"], "order": Plain(5)}
    done = threading.Event()

    def change() -> None:
        number = 0
        while not done.is_set():
            number += 1
            value["to"].append(str(number))
            value["order"].amount = number
            value[f"k{number % 50}"] = number
            if len(value["to"]) > 500:
                del value["to"][:]

    thread = threading.Thread(target=change)
    thread.start()
    try:
        for _ in range(300):
            taken = snapshot(value)
            frozen = freeze(taken)
            assert freeze(taken) == frozen
    finally:
        done.set()
        thread.join()
