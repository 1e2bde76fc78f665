"""Arguments that are no plain JSON: recorded as they were digested, and no secret in any of their types."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import PurePosixPath
from typing import Any

import msgspec
import pydantic
import pytest

from permit0.audit.chain import read_envelope
from permit0.audit.keys import Ed25519Signer
from permit0.audit.record import DecisionBody, read_decision
from permit0.audit.replay import Same, recheck
from permit0.audit.sinks.memory import MemorySink
from permit0.build import Deployment, assemble
from permit0.canonical import digest, freeze
from permit0.cli.audit import rerun_with
from permit0.config import parse_config
from permit0.rejudge import make_judge
from permit0.testing.clock import FrozenClock

SECRET = "sk_live_" + "a1B2c3D4e5F6g7H8"
PASSWORD = "hunter2-correct-horse"
CONFIG = parse_config("", "test")


@dataclass
class Login:
    user: Any
    password: Any = ""


class Note(pydantic.BaseModel, extra="allow"):
    text: Any = ""
    _hidden: Any = pydantic.PrivateAttr(default=None)


class Header(msgspec.Struct):
    name: Any
    value: Any


def hidden(value: object) -> Note:
    made = Note()
    made._hidden = value
    return made


@pytest.fixture
def log(signer: Ed25519Signer) -> MemorySink:
    return MemorySink(signer)


def deploy(sink: MemorySink) -> Deployment:
    return assemble(CONFIG, clock=FrozenClock(), sink=sink)


def recorded(log: MemorySink) -> tuple[bytes, DecisionBody]:
    (record,) = log.records()
    envelope = read_envelope(record.data)
    assert envelope is not None
    return record.data, read_decision(envelope.body)


TYPED: dict[str, Callable[[], dict[str, Any]]] = {
    "decimal": lambda: {"amount": Decimal("120.50"), "recipient": "Vendor Alpha Ltd"},
    "moments": lambda: {"at": datetime(2026, 1, 1, tzinfo=UTC), "key": {1, b"2", frozenset({None})}},
    "objects": lambda: {"a": Login("ann"), "b": Note(text=b"password policy", more=1), "c": Header("x", 2**70)},
    "binary": lambda: {"path": PurePosixPath("/app/x"), "content": bytes(range(256)) * 40, "code": "token"},
    "zeros": lambda: {"content": bytes(500_000)},
}  # fmt: skip


@pytest.mark.parametrize("name", TYPED)
def test_record_holds_the_bytes_and_replay_agrees(log: MemorySink, name: str) -> None:
    arguments = TYPED[name]()
    decision = deploy(log).engine.check("a_tool", arguments)
    assert decision.error == ""
    _, body = recorded(log)
    assert body.what.readable() == freeze(arguments)
    assert (body.what.digest, body.what.redacted) == (digest(freeze(arguments)), ())
    assert recheck(body, make_judge()) == ()
    assert rerun_with(CONFIG).decision(body, decision.at).same is Same.SAME


@pytest.mark.parametrize(
    "tool", ["payments.transfer", "files.write", "process.shell", "email.send"]
)
def test_replay_agrees_for_every_action(log: MemorySink, tool: str) -> None:
    arguments = {
        "amount": Decimal("12000.00"), "recipient": b"Vendor Alpha Ltd", "path": PurePosixPath("/app/x"),
        "content": b"x", "command": b"ls -l", "to": {"ann@acme.com"}, "subject": "s",
        "body": bytearray(b"At ten."),
    }  # fmt: skip
    decision = deploy(log).engine.check(tool, arguments)
    _, body = recorded(log)
    assert recheck(body, make_judge()) == ()
    again = rerun_with(CONFIG).decision(body, decision.at)
    assert (again.same, again.before) == (Same.SAME, decision.decided.value)


HOLDING: dict[str, Callable[[], dict[str, Any]]] = {
    "bytes": lambda: {"content": f"key {SECRET}".encode()},
    "other bytes": lambda: {"content": b"\xff\xfe\x00" + SECRET.encode() + b"\x00"},
    "bytearray": lambda: {"content": bytearray(SECRET.encode())},
    "path": lambda: {"path": PurePosixPath("/tmp") / SECRET},
    "set": lambda: {"keys": {SECRET.encode(), "x"}},
    "dataclass": lambda: {"login": Login(SECRET.encode())},
    "field by name": lambda: {"login": Login("ann", PASSWORD.encode())},
    "field by name, as Decimal": lambda: {"login": Login("ann", Decimal("98765432109876.5"))},
    "struct of name and value": lambda: {"header": Header("X-Api-Key", PASSWORD.encode())},
    "model": lambda: {"note": Note(text={SECRET})},
    "extra": lambda: {"note": Note(password=PASSWORD.encode())},
    "private": lambda: {"note": hidden([SECRET.encode()])},
    "again in bytes": lambda: {"password": PASSWORD, "content": f"say {PASSWORD}".encode()},
    "again in text": lambda: {"content": {"password": PASSWORD.encode()}, "note": f"say {PASSWORD}"},
    "among zeros": lambda: {"content": bytes(500_000), "key": SECRET.encode()},
}  # fmt: skip


@pytest.mark.parametrize("name", HOLDING)
def test_secret_in_another_type_is_nowhere_in_the_record(log: MemorySink, name: str) -> None:
    arguments = HOLDING[name]()
    decision = deploy(log).engine.check("a_tool", arguments)
    assert decision.error == ""
    data, body = recorded(log)
    for secret in (SECRET, PASSWORD, "98765432109876"):
        assert secret.encode() not in data
        # Base64 of a text inside another one looks in three ways, by its place.
        for place in range(3):
            for encode in (base64.b64encode, base64.urlsafe_b64encode):
                inner = encode(b"\0" * place + secret.encode())[4:-4]
                assert inner not in data
    assert body.what.redacted
    assert body.what.digest == digest(freeze(arguments))
    assert recheck(body, make_judge()) == ()
    assert rerun_with(CONFIG).decision(body, decision.at).same is Same.REDACTED


def test_what_stands_beside_a_secret_is_recorded_plainly(log: MemorySink) -> None:
    deploy(log).engine.check(
        "a_tool", {"login": Login("ann", b"hunter2!"), "amount": Decimal("5.50"), "data": b"text"}
    )
    data, _ = recorded(log)
    assert json.loads(data)["body"]["what"]["arguments"] == {
        "login": {"user": "ann", "password": "[redacted: named a secret]"},
        "amount": 5.5,
        "data": "text",
    }
