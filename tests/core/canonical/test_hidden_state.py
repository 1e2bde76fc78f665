"""An object that could hold more than is written of it has no form; its honest twin has one."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from decimal import Decimal
from enum import Enum, IntEnum
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
import pydantic
import pytest

from permit0.canonical import MAX_DEPTH, freeze, snapshot
from permit0.errors import InvalidInput


def reason(value: object) -> str:
    """Why a value is refused, the same for itself and for its snapshot."""
    codes = []
    for spelling in (value, snapshot(value)):
        with pytest.raises(InvalidInput) as caught:
            freeze({"a": [{"b": spelling}]})
        assert caught.value.where is not None
        codes.append(caught.value.reason_code)
    assert len(set(codes)) == 1
    return codes[0]


@dataclass
class Plain:
    amount: int


class Stamp(datetime):
    def isoformat(self, sep: str = "T", timespec: str = "auto") -> str:
        return "2026-01-01"


class Price(Decimal):
    pass


class Blob(bytes):
    pass


class Zone(tzinfo):
    asked = 0

    def utcoffset(self, _: object) -> timedelta:
        type(self).asked += 1
        return timedelta(0)

    def dst(self, _: object) -> None: ...
    def tzname(self, _: object) -> str:
        return "UTC"


@dataclass
class Answering:
    amount: int

    def __getattribute__(self, name: str) -> Any:
        return 5000 if name == "amount" else object.__getattribute__(self, name)


@dataclass
class Inner:
    amount: int


class Shadowed(Inner):
    amount = property(lambda self: 5000, lambda self, value: vars(self).update(amount=value))


@dataclass
class Failure(Exception):
    amount: int


@dataclass
class Whole(set[str]):
    amount: int = 1


class Slotted:
    __slots__ = ("hidden",)


@dataclass
class Below(Slotted):
    amount: int


class Loose(msgspec.Struct, dict=True):
    amount: int


class Half(str, Enum):  # noqa: UP042  # StrEnum would not let it
    A = "harmless"

    def __new__(cls, text: str) -> Half:
        made = str.__new__(cls, text)
        made._value_ = "rm -rf /"
        return made


class Code(IntEnum):
    A = 1


class Kind(Enum):
    A = 1


class Boxed(pydantic.BaseModel):
    amount: int


def with_attribute(value: Any, **attributes: object) -> Any:
    vars(value).update(attributes)
    return value


def lying_dict() -> Any:
    value = Plain(5)
    value.__dict__ = Twofaced(amount=5)
    return value


class Twofaced(dict[str, object]):
    def __getitem__(self, name: str) -> object:
        return 5000


def below() -> Below:
    value = Below(5)
    value.hidden = 5000  # type: ignore[attr-defined]  # a slot
    return value


def no_member() -> Any:
    made = object.__new__(Kind)
    made._name_, made._value_ = "A", 5000
    return made


def half_a_model() -> Any:
    made = Boxed(amount=5)
    object.__setattr__(made, "__pydantic_fields_set__", {"amount", "hidden"})
    return made


def from_file() -> datetime:
    """A zone that calls itself by the name of another one."""
    import importlib.resources
    import zoneinfo

    for folder in zoneinfo.TZPATH:
        try:
            with open(f"{folder}/Asia/Tokyo", "rb") as file:  # noqa: PTH123  # as a caller would
                return datetime(2026, 1, 1, tzinfo=ZoneInfo.from_file(file, key="Europe/Berlin"))
        except FileNotFoundError:
            continue
    tokyo = importlib.resources.files("tzdata.zoneinfo.Asia").joinpath("Tokyo")
    with tokyo.open("rb") as file:
        return datetime(2026, 1, 1, tzinfo=ZoneInfo.from_file(file, key="Europe/Berlin"))


HIDING: dict[str, Callable[[], object]] = {
    "datetime subclass": lambda: Stamp(2026, 1, 1, tzinfo=UTC),
    "decimal subclass": lambda: Price(5),
    "bytes subclass": lambda: Blob(b"x"),
    "foreign zone": lambda: datetime(2026, 1, 1, tzinfo=Zone()),
    "zone under a wrong name": from_file,
    "view of a buffer": lambda: memoryview(bytearray(b"x")),
    "attribute beside the fields": lambda: with_attribute(Plain(5), hidden=5000),
    "attribute access of its own": lambda: Answering(5),
    "property in place of a field": lambda: Shadowed(5),
    "dict of its own": lying_dict,
    "exception": lambda: Failure(5),
    "set with fields": Whole,
    "slot of a base": below,
    "struct with attributes": lambda: with_attribute(Loose(5), hidden=5000),
    "model with attributes": lambda: with_attribute(Boxed(amount=5), hidden=5000),
    "model that set what it has not": half_a_model,
    "member with two contents": lambda: Half.A,
    "no member": no_member,
    "secret": lambda: pydantic.SecretStr("x"),
    "member of a set that is refused": lambda: {1, Stamp(2026, 1, 1, tzinfo=UTC)},
    "member of a record that is refused": lambda: Plain(Price(5)),  # type: ignore[arg-type]  # a Decimal
}  # fmt: skip


@pytest.mark.parametrize("name", HIDING)
def test_what_can_hide_something_is_refused(name: str) -> None:
    assert reason(HIDING[name]()) == "argument_type_unsupported"
    assert Zone.asked == 0


def test_the_plain_twins_are_not_refused() -> None:
    below = Below(5)  # the slot is there, and empty
    for value in (Plain(5), Inner(5), below, Loose(5), Boxed(amount=5), Code.A, Kind.A, {1, "a"}):
        assert freeze({"a": value}) == freeze({"a": snapshot(value)})


@pytest.mark.parametrize("number", ["nan", "snan", "inf", "-inf"])
def test_a_decimal_that_is_not_finite_is_refused(number: str) -> None:
    assert reason(Decimal(number)) == "number_not_finite"
    assert reason(Plain(Decimal(number))) == "number_not_finite"  # type: ignore[arg-type]  # a Decimal


def test_a_refusal_names_the_path_inside_of_objects() -> None:
    for value in (Plain(1j), snapshot(Plain(1j))):  # type: ignore[arg-type]  # that is the mistake
        with pytest.raises(InvalidInput) as caught:
            freeze({"order": {"lines": [value]}})
        assert caught.value.where == "arguments.order.lines[0].amount"
        assert "'complex'" in str(caught.value)


def test_what_contains_itself_is_refused_by_its_depth() -> None:
    loop: list[object] = []
    loop.append(loop)
    record = Plain(1)
    record.amount = record  # type: ignore[assignment]  # that is the mistake
    table: dict[str, object] = {}
    table["a"] = (table,)
    for value in (loop, record, table):
        assert reason(value) == "arguments_too_deep"
    level: object = 1
    for _ in range(MAX_DEPTH - 3):
        level = [level]
    assert freeze({"a": snapshot(level)})


def test_arguments_that_cannot_be_copied_at_all_are_refused_with_the_reason() -> None:
    for arguments, code in (
        (Endless(), "arguments_too_long"),
        ({1: 2}, "argument_type_unsupported"),
    ):
        with pytest.raises(InvalidInput) as caught:
            freeze(snapshot(arguments))
        assert (caught.value.reason_code, caught.value.where) == (code, "arguments")


def test_small_objects_that_are_huge_when_copied_are_refused_soon() -> None:
    value: object = "x"
    for _ in range(8):
        value = [value] * 100
    assert reason(value) == "arguments_too_long"
    assert reason(Endless()) == "arguments_too_long"
    assert reason(bytes(1 << 21)) == reason(bytearray(1 << 21)) == "arguments_too_long"


class Endless(Mapping[str, object]):
    def __iter__(self) -> Iterator[str]:
        number = 0
        while True:
            number += 1
            yield str(number)

    def __len__(self) -> int:
        return 1

    def __getitem__(self, name: str) -> object:
        return 1
