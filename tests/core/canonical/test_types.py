"""What JSON cannot say: one form for each value, no form for two, and forms that never change."""

from __future__ import annotations

import enum
import json
import os
import subprocess
import sys
from collections import namedtuple
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal, localcontext
from pathlib import Path, PurePath, PurePosixPath, PureWindowsPath
from typing import Any, NamedTuple
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec
import pydantic
import pytest
import rfc8785
from hypothesis import given, settings
from hypothesis import strategies as st

from permit0.canonical import freeze, snapshot, thaw
from permit0.errors import InvalidInput

VECTORS = Path(__file__).parents[2] / "vectors" / "canonical_types.json"
BERLIN = ZoneInfo("Europe/Berlin")

# The strategies below have a long repr, which matters to nobody.
pytestmark = pytest.mark.filterwarnings("ignore:Generating overly large repr")


class Size(enum.Enum):
    SMALL = "s"
    PAIR = (1, Decimal("2.50"))
    LIST = ["changes"]  # noqa: RUF012  # that is the point


class Reach(enum.Flag):
    READ = 1
    WRITE = 2


class Level(enum.IntEnum):
    HIGH = 7


class Point(NamedTuple):
    x: object
    y: object = 0


Pixel = namedtuple("Pixel", "x y")  # the other way to make one


@dataclass
class Order:
    amount: object
    payee: str = "Vendor"
    lines: list[object] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Parcel:
    amount: object
    payee: str = "Vendor"


class Item(msgspec.Struct):
    sku: object
    count: int = 1


class Mail(pydantic.BaseModel, extra="allow"):
    to: Any
    cc: Any = None
    _seen: Any = pydantic.PrivateAttr(default=None)


class Names(pydantic.RootModel[list[Any]]):
    pass


for _kind in (Size, Reach, Level, Point, Pixel, Order, Parcel, Item, Mail, Names):
    _kind.__module__ = "vectors"

GOLDEN: dict[str, object] = {
    "big integer": 2**64,
    "decimal": Decimal("-12.50"),
    "decimal with exponent": Decimal("1E+3"),
    "negative zero decimal": Decimal("-0.0"),
    "naive datetime": datetime(2026, 1, 2, 3, 4, 5, 6),  # noqa: DTZ001  # naive on purpose
    "utc datetime": datetime(2026, 1, 2, tzinfo=UTC),
    "offset datetime": datetime(2026, 1, 2, tzinfo=timezone(timedelta(hours=-3, minutes=-30))),
    "zone datetime": datetime(2026, 10, 25, 2, 30, tzinfo=BERLIN),
    "folded datetime": datetime(2026, 10, 25, 2, 30, tzinfo=BERLIN, fold=1),
    "date": date(2026, 1, 2),
    "time": time(3, 4),
    "zone time": time(3, 4, tzinfo=BERLIN),
    "timedelta": timedelta(days=-1, microseconds=1),
    "bytes": b"\x00\xffpermit0",
    "bytearray": bytearray(b"permit0"),
    "uuid": UUID("12345678-1234-5678-1234-567812345678"),
    "posix path": PurePosixPath("/a/../b"),
    "windows path": PureWindowsPath("C:/a/b"),
    "set": {"b", 1, Decimal(1) / 2},
    "frozenset": frozenset(),
    "enum": Size.SMALL,
    "enum of a tuple": Size.PAIR,
    "enum of a list": Size.LIST,
    "flags": Reach.READ | Reach.WRITE,
    "int enum": Level.HIGH,
    "named tuple": Point(1, "a"),
    "namedtuple": Pixel(1, "a"),
    "dataclass": Order(Decimal(5), lines=[Parcel(1)]),
    "dataclass with slots": Parcel(b"x"),
    "struct": Item("a"),
    "model": Mail(to="a"),
    "model with extra": Mail(to={date(2026, 1, 2)}, cc=None, bcc="b"),
    "root model": Names(["a", Decimal(1)]),
}


def vectors() -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = json.loads(VECTORS.read_text("utf-8"))
    return found


@pytest.mark.parametrize("name", GOLDEN)
def test_bytes_are_those_on_file(name: str) -> None:
    frozen = freeze({"a": GOLDEN[name]})
    assert frozen.decode() == vectors()[name]["bytes"]
    assert thaw(frozen)["a"] == vectors()[name]["judged"]
    assert freeze({"a": snapshot(GOLDEN[name])}) == frozen
    assert rfc8785.dumps(json.loads(frozen)) == frozen


def test_every_vector_has_its_value() -> None:
    assert list(vectors()) == list(GOLDEN)


# ------------------------------------------------------------------ laws

ZONES = (None, UTC, timezone(timedelta(hours=1)), ZoneInfo("UTC"), BERLIN, ZoneInfo("Europe/Rome"))
MOMENTS = [
    datetime(2026, 10, 25, 2, 30, fold=fold, tzinfo=zone) for fold in (0, 1) for zone in ZONES
]
# Values that are easily taken for one another.
ALIKE = [
    None, True, False, 0, 1, 2**53, 2**60, -1, 0.5, "", "1", "a", "2026-01-02", "SMALL", "s", b"", b"1", b"a",
    Decimal(0), Decimal("-0"), Decimal("0.0"), Decimal(1), Decimal("1.0"), Decimal("0.5"), Decimal("1E+1"),
    Decimal(10), date(2026, 1, 2), time(1), time(1, fold=1), time(1, tzinfo=UTC), timedelta(1), timedelta(0),
    UUID(int=1), PurePosixPath("a"), PureWindowsPath("a"), PurePath("a"), Path("a"), Size.SMALL, Size.PAIR,
    Size.LIST, Reach.READ, Reach.READ | Reach.WRITE, *MOMENTS,
]  # fmt: skip
hashable = st.recursive(
    st.sampled_from(ALIKE)
    | st.integers()
    | st.text("ab\u00e9", max_size=3)
    | st.binary(max_size=3)
    | st.decimals(allow_nan=False, allow_infinity=False)
    | st.datetimes()
    | st.timedeltas()
    | st.times()
    | st.uuids(),
    lambda inner: (
        st.builds(Point, inner, inner)
        | st.builds(Pixel, inner, inner)
        | st.builds(Parcel, inner)
        | st.frozensets(inner, max_size=3)
        | st.tuples(inner, inner)
    ),
    max_leaves=6,
)
names = st.sampled_from(
    ["a", "amount", "type", "fields", "to", "root", "\u00e9", "$permit", "name"]
)
values = st.recursive(
    hashable | st.builds(bytearray, st.binary(max_size=2)) | st.sets(hashable, max_size=3),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(names, inner, max_size=3)
        | st.builds(Order, inner)
        | st.builds(Parcel, inner)
        | st.builds(Item, inner)
        | st.dictionaries(st.sampled_from(["cc", "more"]), inner).flatmap(
            lambda more: st.builds(lambda to: Mail(to=to, **more), inner)
        )
        | st.builds(Names, st.lists(inner, max_size=2))
    ),
    max_leaves=10,
)


def identity(value: Any) -> object:
    """What a value is, said in another way than by its bytes: nested tuples of type and parts."""
    kind = type(value).__name__
    match value:
        case enum.Enum() if not isinstance(value, int | str):
            return ("enum", kind, value.name)
        case bool() | None:
            return (kind, value)
        case int() | float():
            return ("number", str(value) if isinstance(value, int) else str(Decimal(value)))
        case str() | bytes():
            return (kind, bytes(value) if isinstance(value, bytes) else str(value))
        case bytearray():
            return (kind, bytes(value))
        case Decimal():
            return (kind, value.as_tuple())
        case datetime() | time():
            zone = value.tzinfo
            key = zone.key if isinstance(zone, ZoneInfo) else ""
            return (
                kind,
                value.replace(tzinfo=None).isoformat(),
                value.fold,
                zone is None,
                key,
                str(value.utcoffset()),
            )
        case date() | timedelta() | UUID() | PurePath():
            return (kind, str(value))
        case set() | frozenset():
            return (kind, tuple(sorted(repr(identity(item)) for item in value)))
        case Point() | Pixel():
            return (kind, tuple(identity(item) for item in value))
        case list() | tuple():
            return ("array", tuple(identity(item) for item in value))
        case dict():
            return (
                "object",
                tuple(sorted((name, repr(identity(item))) for name, item in value.items())),
            )
        case Mail() | Names():
            extra = value.__pydantic_extra__
            return (
                kind,
                identity(vars(value)),
                identity(extra or {}),
                tuple(sorted(value.model_fields_set)),
            )
        case _:
            members = (
                getattr(value, "__slots__", ())
                or getattr(value, "__struct_fields__", ())
                or vars(value)
            )
            return (kind, tuple((name, identity(getattr(value, name))) for name in members))  # fmt: skip


@settings(max_examples=400)
@given(values, values)
def test_two_values_share_bytes_only_if_they_are_one(one: object, other: object) -> None:
    first, second = freeze({"a": one}), freeze({"a": other})
    assert (first == second) is (identity(one) == identity(other))


@settings(max_examples=300)
@given(values)
def test_a_snapshot_is_the_same_value_and_another_object(value: object) -> None:
    frozen = freeze({"a": value})
    copy = snapshot({"a": value})
    assert freeze(copy) == frozen
    assert identity(copy["a"]) == identity(value)
    assert not mutable_parts(copy).keys() & mutable_parts({"a": value}).keys()


def mutable_parts(value: object) -> dict[int, object]:
    """Every object inside that can change, by its id."""
    found: dict[int, object] = {}
    stack: list[Any] = [value]
    while stack:
        item = stack.pop()
        if isinstance(item, list | dict | set | bytearray | Order | Item | Mail | Names):
            found[id(item)] = item
        if isinstance(item, dict):
            stack.extend(item.values())
        elif isinstance(item, list | tuple | set | frozenset):
            stack.extend(item)
        elif isinstance(item, Mail | Names | Order):
            stack.append(vars(item))
        elif isinstance(item, Item):
            stack.append(item.sku)
        elif isinstance(item, Parcel):
            stack.append(item.amount)
    return found


@settings(max_examples=300)
@given(values)
def test_bytes_are_rfc_8785_and_the_plain_view_is_plain(value: object) -> None:
    frozen = freeze({"a": value})
    assert rfc8785.dumps(json.loads(frozen)) == frozen
    view = thaw(frozen)
    assert b'"$permit0:' not in freeze(view).replace(b'"$permit0:int"', b"")
    json.dumps(view)


def test_bytes_do_not_depend_on_the_process() -> None:
    code = (
        "from decimal import Decimal; from permit0.canonical import freeze, snapshot;"
        "value = {'a': {'x', 'y', b'x', 1, None, Decimal(1) / 3, frozenset('abc')}, 'b': [{1, 2, 'q'}]};"
        "print(freeze(value) == freeze(snapshot(value)), freeze(value).decode())"
    )
    answers = {
        subprocess.run(
            [sys.executable, "-c", code],
            capture_output=True,
            check=True,
            text=True,
            env=os.environ | {"PYTHONHASHSEED": seed},
        ).stdout
        for seed in ("0", "1", "2", "3")
    }
    assert len(answers) == 1
    assert answers.pop().startswith("True {")


def test_bytes_do_not_depend_on_the_decimal_context() -> None:
    value = {"a": Decimal("1E+30"), "b": Decimal("1.23456789")}
    frozen, view = freeze(value), thaw(freeze(value))
    with localcontext() as context:
        context.prec, context.capitals, context.Emax = 2, 0, 5
        assert (freeze(value), thaw(frozen)) == (frozen, view)


# ------------------------------------------------------------------ what policy judges


@pytest.mark.parametrize(
    ("decimal", "judged"),
    [
        ("5000", 5000), ("5000.00", 5000), ("5E+3", 5000), ("5.000", 5), ("-5", -5), ("0", 0), ("-0.00", 0),
        ("0.1", 0.1), ("1.005", 1.005), ("12345678901234567890", 12345678901234567890),
        ("1234567890123456789.01", "1234567890123456789.01"),
        ("0.12345678901234567890", "0.1234567890123456789"),
        ("1E-7", 1e-07), ("1E+999999", "1E999999"), ("1E-999999", "1E-999999"), ("-12E-999999", "-12E-999999"),
    ],
)  # fmt: skip
def test_a_decimal_is_judged_as_the_number_that_says_exactly_it(
    decimal: str, judged: object
) -> None:
    seen = thaw(freeze({"a": Decimal(decimal)}))["a"]
    assert (type(seen), seen) == (type(judged), judged)


@given(st.decimals(allow_nan=False, allow_infinity=False))
def test_what_is_judged_of_a_decimal_is_equal_to_it(decimal: Decimal) -> None:
    seen = thaw(freeze({"a": decimal}))["a"]
    exact = Decimal(repr(seen)) if isinstance(seen, float) else Decimal(seen)  # type: ignore[arg-type]  # str or int
    assert exact == decimal


@pytest.mark.parametrize(
    "data",
    [
        b'{"a":{"$permit0:decimal":"5"}}', b'{"a":{"$permit0:decimal":5}}', b'{"a":{"$permit0:nothing":"5"}}',
        b'{"a":{"$permit0:int":"x"}}', b'{"a":{"$permit0:int":5}}', b'{"a":{"$permit0:int":"5","b":1}}',
        b'{"$permit0:int":"5"}', b'{"a":{"$permit0:bytes":"*"}}', b'{"a":{"$permit0:datetime":"soon"}}',
        b'{"a":{"$permit0:path":"/etc"}}', b'{"a":{"$permit0:enum":{"name":"A"}}}',
        b'{"a":{"$permit0:set":{}}}',
        b'{"a":{"$permit0:model":{"type":"a:B"}}}',
        b'{"a":{"$permit0:model":{"fields":{"a":1},"extra":{"a":2},"type":"a:B"}}}',
        b'{"a":{"$permit0:dataclass":{"fields":{"$permit0:int":"5"},"type":"a:B"}}}',
    ],
)  # fmt: skip
def test_a_form_that_freeze_never_writes_is_refused(data: bytes) -> None:
    with pytest.raises(InvalidInput) as caught:
        thaw(data)
    assert caught.value.reason_code == "argument_name_reserved"
    assert thaw(b'{"a":{"$permit0:int":"5"}}') == {"a": 5}
