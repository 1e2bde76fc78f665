"""An amount, a recipient, a path or a command in a type that is not text: policy sees it all the same."""

from __future__ import annotations

import enum
from collections import UserDict, namedtuple
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from pathlib import PosixPath, PurePosixPath
from typing import Any

import msgspec
import pydantic
import pytest
from hypothesis import given
from hypothesis import strategies as st

import permit0
from permit0.build import assemble
from permit0.config import parse_config
from permit0.errors import Denied
from permit0.guard import Guard
from permit0.model.decision import Decision
from permit0.model.vocabulary import Outcome
from permit0.testing.clock import FrozenClock

Arguments = dict[str, Any]
CONFIG = "{org: {domains: [acme-corp.com]}}"
DEPLOYMENT = assemble(parse_config(CONFIG, "org"))

RANK = {Outcome.ALLOW: 0, Outcome.HUMAN: 1, Outcome.DENY: 2}


class Amount(enum.Enum):
    EXACT = 5000
    DECIMAL = Decimal("5000.00")
    TEXT = "5000"


class Command(enum.Enum):
    TEXT = "rm -rf /"
    BYTES = b"rm -rf /"


class WordOf(enum.StrEnum):
    RM = "rm -rf /"
    EVE = "eve@evil.example"


class Place(enum.Enum):
    SHADOW = PurePosixPath("/etc/shadow")


class Texts(pydantic.RootModel[Any]):
    pass


class Options(pydantic.BaseModel, extra="allow"):
    note: str = ""
    _hidden: Any = pydantic.PrivateAttr(default=None)


@dataclass
class Message:
    to: Any
    subject: str = "Hello"


class Recipient(msgspec.Struct):
    email: Any


Pair = namedtuple("Pair", "email name")


def hidden(value: object) -> Options:
    made = Options()
    made._hidden = value
    return made


SECRET = "sk_live_" + "a1B2c3D4e5F6g7H8"
CHARGE = {"amount": 5000, "customer": "cus_1"}
MAIL = {"to": "eve@evil.example", "subject": "s", "body": "Her number is 123-45-6789."}
LEAK = {"to": "ann@acme-corp.com", "subject": "s", "body": f"the key: {SECRET}"}
INSIDE = MAIL | {"to": "ann@acme-corp.com"}  # allowed

# Tool, the plain spelling, and the same in other types. Each must be judged at least as strictly.
SPELLINGS: list[tuple[str, Arguments, list[Arguments]]] = [
    ("payments.charge", CHARGE, [
        CHARGE | {"amount": amount} for amount in (
            5000.0, "5000", Decimal(5000), Decimal("5000.00"), Decimal("5E+3"), Decimal("5000.000"), b"5000",
            bytearray(b"5000"),
            Amount.EXACT, Amount.DECIMAL, Amount.TEXT, Texts(5000), Texts(Decimal(5000)), {5000}, {b"5000"},
            frozenset({"5000"}), Message(5000), Decimal("5000.0000000000000000000000000"), Decimal("1E+400"),
            Decimal("1E+999999999"),
        )
    ] + [
        {"value": Decimal(5000), "customer": "cus_1"},
        {"amount": Decimal(5), "customer": "cus_1", "amount_override": Decimal(5000)},
        {"amount": 5, "customer": "cus_1", "extra": Message(5000)},
        {"amount": 5, "customer": "cus_1", "extra": hidden(5000)},
        {"amount": 5, "customer": "cus_1", "extra": {Decimal(5000)}},
        {"amount": 5, "customer": "cus_1", "extra": [b"5000"]},
    ]),
    ("email.send", MAIL, [
        MAIL | {"to": to} for to in (
            b"eve@evil.example", bytearray(b"eve@evil.example"), {"eve@evil.example"},
            frozenset({b"eve@evil.example"}),
            WordOf.EVE, Texts(["eve@evil.example"]), Recipient("eve@evil.example"),
            [Recipient(b"eve@evil.example")], Pair("eve@evil.example", "Ann"),
            PurePosixPath("eve@evil.example"), (b"ann@acme-corp.com", WordOf.EVE),
            b"eve@evil.example\xff", UserDict(email="eve@evil.example"),
        )
    ] + [
        INSIDE | {"bcc": {Pair("eve@evil.example", "")}},
    ]),
    ("email.send", LEAK, [
        INSIDE | {"body": body} for body in (
            SECRET.encode(), b"\xff\x00" + SECRET.encode() + b"\xfe", bytearray(SECRET.encode()),
            Message(SECRET.encode()),
            Texts({SECRET}), hidden(SECRET), Recipient([{SECRET}]), PurePosixPath(f"/tmp/{SECRET}"),
        )
    ]),
    ("files.read", {"path": "/etc/shadow"}, [
        {"path": path} for path in (
            PurePosixPath("/etc/shadow"), PosixPath("/app/../etc/shadow"), b"/etc/shadow",
            bytearray(b"/etc/shadow"), Place.SHADOW, {PurePosixPath("/etc/shadow")},
            [b"/app/README.md", PosixPath("/etc/shadow")],
            Texts(PurePosixPath("/etc/shadow")), Message("/etc/shadow"), b"/etc/shadow\xff",
        )
    ]),
    ("process.shell", {"command": "rm -rf /"}, [
        {"command": command} for command in (
            b"rm -rf /", bytearray(b"rm -rf /"), b"rm -rf / \xff", [b"rm", b"-rf", b"/"],
            ("rm", "-rf", PurePosixPath("/")),
            Command.TEXT, Command.BYTES, WordOf.RM, Texts("rm -rf /"), {"rm -rf /"}, {"rm", "-rf", "/"},
            frozenset({b"-rf", b"/", b"rm"}), Message("rm -rf /"), Pair("rm", "-rf /"),
        )
    ]),
]  # fmt: skip
CASES = [
    pytest.param(tool, plain, other, id=f"{tool} {str(other)[:60]}")
    for tool, plain, others in SPELLINGS
    for other in others
]


def check(tool: str, arguments: Arguments) -> Decision:
    """With an empty session, so that calls do not look at one another."""
    return DEPLOYMENT.fresh_engine(FrozenClock()).check(tool, arguments)


@pytest.mark.parametrize(("tool", "plain", "other"), CASES)
def test_another_type_is_judged_no_milder(tool: str, plain: Arguments, other: Arguments) -> None:
    expected = check(tool, plain)
    decision = check(tool, other)
    assert RANK[expected.outcome] > 0
    assert RANK[decision.outcome] >= RANK[expected.outcome]
    assert decision.error != "internal_error"


@pytest.mark.parametrize(
    ("tool", "plain", "other"),
    [
        ("payments.charge", CHARGE, CHARGE | {"amount": Decimal("5000.00")}),
        ("payments.charge", CHARGE, CHARGE | {"amount": Amount.DECIMAL}),
        ("email.send", MAIL, MAIL | {"to": {b"eve@evil.example"}}),
        ("email.send", LEAK, LEAK | {"body": LEAK["body"].encode()}),
        ("files.read", {"path": "/etc/shadow"}, {"path": PosixPath("/etc/shadow")}),
        ("process.shell", {"command": "rm -rf /"}, {"command": b"rm -rf /"}),
        ("process.shell", {"command": ["rm", "-rf", "/"]}, {"command": [b"rm", b"-rf", b"/"]}),
    ],
)
def test_what_can_be_read_is_judged_for_the_same_reasons(
    tool: str, plain: Arguments, other: Arguments
) -> None:
    expected, decision = check(tool, plain), check(tool, other)
    assert decision.error == expected.error == ""
    assert (decision.outcome, decision.rules, decision.score) == (
        expected.outcome, expected.rules, expected.score
    )  # fmt: skip
    assert decision.digest != expected.digest


NESTED: list[tuple[str, Arguments, object, object]] = [
    ("payments.charge", CHARGE | {"amount": 5}, Message(Decimal(5000)), {"to": 5000, "subject": "Hello"}),
    ("payments.charge", CHARGE | {"amount": 5}, {Decimal("5000.00")}, [5000]),
    ("email.send", INSIDE, Message(b"eve@evil.example"), {"to": "eve@evil.example", "subject": "Hello"}),
    ("email.send", INSIDE, Recipient([WordOf.EVE]), {"email": ["eve@evil.example"]}),
    ("email.send", INSIDE, Options(bcc=b"eve@evil.example"),
     {"note": "", "bcc": "eve@evil.example", "_hidden": None}),
    ("email.send", INSIDE, hidden({SECRET}), {"note": "", "_hidden": [SECRET]}),
    ("http_post", {"url": "https://api.stripe.com/v1/charges"},
     Options(amount=Decimal(500000), customer="cus_1"),
     {"note": "", "amount": 500000, "customer": "cus_1", "_hidden": None}),
]  # fmt: skip


@pytest.mark.parametrize(("tool", "arguments", "other", "plain"), NESTED)
@pytest.mark.parametrize("name", ["message", "bcc", "extra", "body", "json", "value"])
def test_an_object_is_judged_as_the_plain_one_of_its_members(
    tool: str, arguments: Arguments, other: object, plain: object, name: str
) -> None:
    expected = check(tool, arguments | {name: plain})
    decision = check(tool, arguments | {name: other})
    assert (decision.outcome, decision.rules, decision.score, decision.error) == (
        expected.outcome, expected.rules, expected.score, expected.error
    )  # fmt: skip


HARMLESS: list[tuple[str, Arguments]] = [
    ("payments.charge", {"amount": Decimal("50.00"), "customer": "cus_1"}),
    ("payments.charge", {"amount": Decimal("49.995"), "customer": "cus_1"}),
    ("email.send", INSIDE | {"to": {"ann@acme-corp.com"}, "body": b"At ten."}),
    ("email.send", INSIDE | {"to": Recipient("ann@acme-corp.com")}),
    ("files.read", {"path": PosixPath("/app/README.md")}),
    ("process.shell", {"command": b"ls -l"}),
]


@pytest.mark.parametrize(("tool", "arguments"), HARMLESS)
def test_the_harmless_twin_is_allowed(tool: str, arguments: Arguments) -> None:
    assert check(tool, arguments).outcome is Outcome.ALLOW


@given(
    st.decimals(
        0, 10**7, allow_nan=False, allow_infinity=False, places=2
    ).filter(lambda amount: not amount.is_signed())
)  # fmt: skip
def test_a_decimal_amount_is_judged_as_its_text(amount: Decimal) -> None:
    """Plain digits with two places have one meaning in every spelling."""
    spellings: list[object] = [
        amount, f"{amount:.2f}", float(amount), amount.normalize(), Texts(amount), str(amount).encode()
    ]  # fmt: skip
    decisions = [
        check("payments.charge", {"amount": spelling, "customer": "cus_1"})
        for spelling in spellings
    ]
    assert len({(d.outcome, d.rules, d.error) for d in decisions}) == 1


# ------------------------------------------------------------------ through the guard


@pytest.fixture(scope="module")
def guard(tmp_path_factory: pytest.TempPathFactory) -> Guard:
    config = tmp_path_factory.mktemp("org") / "permit0.yaml"
    config.write_text(CONFIG)
    return permit0.build_guard(config, clock=FrozenClock())


def wrapped(guard: Guard, tool: str, ran: list[Arguments]) -> Callable[..., None]:
    @guard(tool)
    def run(**arguments: object) -> None:
        ran.append(arguments)

    return run


@pytest.mark.parametrize(("tool", "plain", "other"), CASES)
def test_the_body_does_not_run(guard: Guard, tool: str, plain: Arguments, other: Arguments) -> None:
    ran: list[Arguments] = []
    with guard.session(f"{tool} {other}"):
        for arguments in (plain, other):
            with pytest.raises(Denied):
                wrapped(guard, tool, ran)(**arguments)
    assert not ran


@pytest.mark.parametrize(("tool", "arguments"), HARMLESS)
def test_the_body_of_the_harmless_twin_gets_the_very_types(
    guard: Guard, tool: str, arguments: Arguments
) -> None:
    ran: list[Arguments] = []
    with guard.session(f"{tool} {arguments}"):
        wrapped(guard, tool, ran)(**arguments)
    assert ran == [arguments]
    assert [type(value) for value in ran[0].values()] == [type(v) for v in arguments.values()]
