"""What JSON can say: the bytes of RFC 8785, and what is no JSON at all is refused."""

from __future__ import annotations

import enum
import hashlib
import ipaddress
import json
import math
from collections import OrderedDict, UserDict
from collections.abc import Iterator, Mapping
from fractions import Fraction

import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from permit0.canonical import MAX_DEPTH, Json, digest, freeze, number_text, thaw
from permit0.errors import InvalidInput

# No code point of half a pair, and no name that is reserved.
texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
names = texts.filter(lambda name: not name.startswith("$permit0:"))
safe_ints = st.integers(-(2**53) + 1, 2**53 - 1)
floats = st.floats(allow_nan=False, allow_infinity=False)
scalars = st.none() | st.booleans() | safe_ints | floats | texts
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(names, inner, max_size=4),
    max_leaves=20,
)
objects = st.dictionaries(names, values, max_size=6)
# RFC 8785 writes a float beyond 2**53 in digits that read like an integer; see the test of it.
exact_values = st.recursive(
    st.none() | st.booleans() | safe_ints | st.floats(-(2.0**52), 2.0**52) | texts,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(names, inner, max_size=4),
    max_leaves=20,
)
exact_objects = st.dictionaries(names, exact_values, max_size=6)
big_ints = st.integers(2**53, 2**4000) | st.integers(-(2**4000), -(2**53))


@given(objects)
def test_the_bytes_are_those_of_rfc_8785(value: dict[str, Json]) -> None:
    assert freeze(value) == rfc8785.dumps(value)


@given(st.dictionaries(st.text(st.sampled_from("az\ue000\uffff\U00010000\U0010ffff$0"), max_size=3).filter(
    lambda name: not name.startswith("$permit0:")), safe_ints, max_size=8))  # fmt: skip
def test_names_are_sorted_by_utf_16_units(value: dict[str, Json]) -> None:
    assert freeze(value) == rfc8785.dumps(value)


@given(
    floats
    | st.integers(-30, 30).map(lambda power: 10.0**power)
    | st.floats(1e-7, 1e-2)
    | st.floats(1e14, 1e22)
)
def test_numbers_are_written_as_ecmascript_writes_them(number: float) -> None:
    assert freeze({"n": number}) == rfc8785.dumps({"n": number})


@given(exact_objects)
def test_what_was_written_is_read_back(value: dict[str, Json]) -> None:
    assert thaw(freeze(value)) == value
    assert freeze(thaw(freeze(value))) == freeze(value)


def plain(value: Json) -> object:
    """Equal in JSON: 1 and 1.0 are, True and 1 are not."""
    if isinstance(value, bool):
        return ("bool", value)
    if isinstance(value, dict):
        return {name: plain(item) for name, item in value.items()}
    return [plain(item) for item in value] if isinstance(value, list) else value


@given(exact_objects, exact_objects)
def test_equal_bytes_mean_equal_values(one: dict[str, Json], other: dict[str, Json]) -> None:
    assert (freeze(one) == freeze(other)) is (plain(one) == plain(other))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"a": 1}, {"a": "1"}),
        ({"a": 1}, {"a": True}),
        ({"a": None}, {}),
        ({"a": []}, {"a": {}}),
        ({"a": [1, 2]}, {"a": [2, 1]}),
        ({"a": [[1], 2]}, {"a": [1, [2]]}),
        ({"a": "\u00e9"}, {"a": "e\u0301"}),
        ({"a": 2**53}, {"a": 2**53 + 1}),
        ({"a": 2**60}, {"a": str(2**60)}),
        ({"a": 0.1}, {"a": 0.1 + 2**-55}),
        ({"a b": 1}, {"a": {"b": 1}}),
    ],
)
def test_different_values_never_share_bytes(one: dict[str, Json], other: dict[str, Json]) -> None:
    assert freeze(one) != freeze(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"a": 1, "b": 2}, {"b": 2, "a": 1}),
        ({"a": 1}, {"a": 1.0}),
        ({"a": -0.0}, {"a": 0}),
        ({"a": (1, 2)}, {"a": [1, 2]}),
        ({"a": {"b": 1}}, OrderedDict(a=UserDict(b=1))),
    ],
)
def test_equal_values_share_bytes(one: dict[str, object], other: Mapping[str, object]) -> None:
    assert freeze(one) == freeze(other)


@given(big_ints)
def test_an_integer_beyond_doubles_keeps_every_digit(number: int) -> None:
    frozen = freeze({"n": number, "deep": [{"n": number}]})
    assert thaw(frozen) == {"n": number, "deep": [{"n": number}]}
    assert rfc8785.dumps(json.loads(frozen)) == frozen


@pytest.mark.parametrize("number", [6.853486658282223e16, 2.0**53, 1e20, -1e18])
def test_a_float_beyond_exact_integers_reads_back_as_a_float(number: float) -> None:
    frozen = freeze({"n": number, "deep": [{"n": number}], "text": "12345678901234567890"})
    assert freeze(thaw(frozen)) == frozen
    assert frozen != freeze({"n": int(number), "deep": [{"n": int(number)}], "text": ""})


@pytest.mark.parametrize("number", [2**53 - 1, -(2**53) + 1])
def test_an_integer_within_doubles_is_plain(number: int) -> None:
    assert freeze({"n": number}) == f'{{"n":{number}}}'.encode()


@pytest.mark.parametrize("place", ["top", "deep"])
@pytest.mark.parametrize("name", ["$permit0:int", "$permit0:", "$permit0:anything"])
def test_reserved_names_are_refused(name: str, place: str) -> None:
    value = {name: "5"} if place == "top" else {"a": [{name: "5"}]}
    with pytest.raises(InvalidInput) as caught:
        freeze(value)
    assert caught.value.reason_code == "argument_name_reserved"


@pytest.mark.parametrize("name", ["$permit0", "$", "$ref", "x$permit0:int", "permit0:int"])
def test_similar_names_are_not_reserved(name: str) -> None:
    assert thaw(freeze({name: "5"})) == {name: "5"}


def test_a_text_that_says_the_reserved_name_is_only_a_text() -> None:
    value: dict[str, Json] = {"a": "$permit0:int", "b": ['{"$permit0:int":"5"}'], "c": 2**60}
    assert thaw(freeze(value)) == value


class LyingText(str):
    """Says something else than it holds."""

    __slots__ = ()

    def __str__(self) -> str:
        return "harmless"

    def startswith(self, *_: object) -> bool:
        return False

    def isascii(self) -> bool:
        return True


class LyingInt(int):
    def __int__(self) -> int:
        return 1

    def __str__(self) -> str:
        return "1"


class LyingFloat(float):
    def __float__(self) -> float:
        return 1.0

    def __repr__(self) -> str:
        return "1.0"


class Colour(str, enum.Enum):  # noqa: UP042  # str() of a member differs from StrEnum
    RED = "red"


class Level(enum.IntEnum):
    HIGH = 7


class Twice(dict[str, object]):
    """Says every member twice, with another value the second time."""

    def items(self) -> Iterator[tuple[str, object]]:  # type: ignore[override]  # that is the lie
        yield from (("amount", 5), ("amount", 5000))


class Failing(dict[str, object]):
    def items(self) -> Iterator[tuple[str, object]]:  # type: ignore[override]  # that is the lie
        raise LookupError("no")


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (LyingText("rm -rf /"), b'"rm -rf /"'),
        (LyingInt(5000), b"5000"),
        (LyingFloat(0.5), b"0.5"),
        (Colour.RED, b'"red"'),
        (Level.HIGH, b"7"),
    ],
)
def test_a_subclass_is_its_plain_value(value: object, expected: bytes) -> None:
    assert freeze({"a": value}) == b'{"a":' + expected + b"}"


def test_a_name_cannot_lie_about_being_reserved() -> None:
    with pytest.raises(InvalidInput) as caught:
        freeze({"a": {LyingText("$permit0:int"): "5"}})
    assert caught.value.reason_code == "argument_name_reserved"


def test_two_members_of_one_name_are_refused() -> None:
    for value in (Twice(), {"a": Twice()}):
        with pytest.raises(InvalidInput) as caught:
            freeze(value)
        assert caught.value.reason_code == "argument_conflict"


def deep(levels: int) -> dict[str, object]:
    value: object = 1
    for _ in range(levels):
        value = {"a": value}
    return {"a": value}


def test_depth_is_limited() -> None:
    thaw(freeze(deep(MAX_DEPTH - 1)))
    for levels in (MAX_DEPTH, MAX_DEPTH * 100, 100_000):
        with pytest.raises(InvalidInput) as caught:
            freeze(deep(levels))
        assert caught.value.reason_code == "arguments_too_deep"


@pytest.mark.parametrize("letter", ["x", "\u00e9", "\U0001f600", "\n"])
def test_size_is_limited_in_bytes_as_written(letter: str) -> None:
    written = len(json.dumps(letter, ensure_ascii=False).encode()) - 2
    room = 1000 - len('{"a":""}')
    fits = {"a": letter * (room // written)}
    assert len(freeze(fits, max_bytes=1000)) <= 1000
    with pytest.raises(InvalidInput) as caught:
        freeze({"a": letter * (room // written + 1)}, max_bytes=1000)
    assert caught.value.reason_code == "arguments_too_long"


@pytest.mark.parametrize("width", [2, 100])
def test_small_objects_that_are_huge_when_written_are_refused_soon(width: int) -> None:
    for levels in (8, 60):
        value: object = "x"
        for _ in range(levels):
            value = [value] * width if levels == 8 else {"a": value, "b": value}
        if width == 2 and levels == 8:
            assert freeze({"a": value})
            continue
        with pytest.raises(InvalidInput) as caught:
            freeze({"a": value})
        assert caught.value.reason_code == "arguments_too_long"


@pytest.mark.parametrize("text", ["\ud800", "a\udfffb", "\ud83d x \ude00"])
def test_half_a_surrogate_pair_is_refused(text: str) -> None:
    for value in ({"a": text}, {text: 1}, {"a": {"b": [text]}}, {"\u00e9": text}):
        with pytest.raises(InvalidInput) as caught:
            freeze(value)
        assert caught.value.reason_code == "lone_surrogate"
    assert freeze({"a": "\U0001f600"}) == '{"a":"\U0001f600"}'.encode()


@pytest.mark.parametrize("number", [math.nan, math.inf, -math.inf, LyingFloat("nan")])
def test_numbers_that_are_not_finite_are_refused(number: float) -> None:
    with pytest.raises(InvalidInput) as caught:
        freeze({"a": [number]})
    assert caught.value.reason_code == "number_not_finite"


def test_a_number_of_thousands_of_bits_is_refused() -> None:
    assert thaw(freeze({"a": 10**400})) == {"a": 10**400}
    with pytest.raises(InvalidInput) as caught:
        freeze({"a": 10**1300})
    assert caught.value.reason_code == "number_out_of_range"


@pytest.mark.parametrize(
    "value",
    [
        object(), object, range(3), iter([1]), memoryview(b"x"), Fraction(1, 2), ipaddress.ip_address("::1"),
        1j, ..., {1: 2}, {None: 1}, {("a",): 1}, {b"a": 1}, Failing(), len, (n for n in [1]),
    ],
    ids=lambda value: type(value).__name__,
)  # fmt: skip
def test_anything_else_is_refused(value: object) -> None:
    for wrapped in ({"a": value}, {"a": [{"b": value}]}):
        with pytest.raises(InvalidInput) as caught:
            freeze(wrapped)
        assert caught.value.reason_code == "argument_type_unsupported"
        assert caught.value.where is not None
        assert caught.value.where.startswith("arguments")


@pytest.mark.parametrize("arguments", [None, [], "x", 1, b"{}"])
def test_arguments_are_an_object(arguments: object) -> None:
    with pytest.raises(InvalidInput) as caught:
        freeze(arguments)  # type: ignore[arg-type]  # that is the mistake
    assert caught.value.reason_code == "arguments_not_object"


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(-1e15, 1e15) | st.text() | st.binary(max_size=4)
    | st.just(math.nan) | st.decimals() | st.datetimes()
    | st.sampled_from([object(), Colour.RED, LyingInt(3), ...]),
    lambda inner: st.lists(inner, max_size=4)
    | st.tuples(inner, inner)
    | st.dictionaries(st.text(max_size=4) | st.integers() | st.none(), inner, max_size=4),
    max_leaves=15,
)  # fmt: skip


@given(st.dictionaries(st.text(max_size=4), anything, max_size=4))
def test_only_invalid_input_is_ever_raised(value: dict[str, object]) -> None:
    try:
        frozen = freeze(value)
    except InvalidInput:
        return
    assert rfc8785.dumps(json.loads(frozen)) == frozen
    freeze(thaw(frozen))  # the plain view is plain


def test_the_digest_is_sha_256_in_hex() -> None:
    assert digest(b"{}") == hashlib.sha256(b"{}").hexdigest()


@given(st.floats(min_value=1e-6, max_value=1e17) | st.integers(-(2**53), 2**53).map(float))
def test_the_text_of_one_number_is_that_inside_of_arguments(value: float) -> None:
    assert freeze({"n": value}) == f'{{"n":{number_text(value)}}}'.encode()
