"""Context changes everything: one action over all tiers, one call with two answers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
import yaml

from permit0.build import assemble
from permit0.config import parse_config
from permit0.engine import Engine
from permit0.model.vocabulary import Outcome
from permit0.testing.clock import FrozenClock

CONFIG = parse_config(yaml.safe_dump({"org": {"domains": ["acme-corp.com"]}}), "org")
DEPLOYMENT = assemble(CONFIG)
SECRET_BODY = "aws_secret_access_key = wJalrXUtnFEMI/K7MDENG/bPxRfiCYzEXAMPLEKEX"  # made up
Call = tuple[str, Mapping[str, Any]]


def mail(to: object, body: str = "See you at ten.") -> Call:
    return "email.send", {"to": to, "subject": "Hello", "body": body}


def read(path: str) -> Call:
    return "files.read", {"path": path}


def run(command: str) -> Call:
    return "process.shell", {"command": command}


def strangers(count: int) -> list[str]:
    return [f"p{i}@elsewhere.example" for i in range(count)]


TIERS: list[tuple[str, Call, tuple[Call, ...]]] = [
    ("minimal", mail("ann@acme-corp.com"), ()),
    ("low", mail("x@elsewhere.example"), ()),
    ("medium", mail("x@elsewhere.example"), (read("/app/main.py"),)),
    ("high", mail(strangers(50), SECRET_BODY), ()),
    ("critical", mail("x@elsewhere.example"), (read("/app/.env"),)),
    ("minimal", read("/app/README.md"), ()),
    ("low", read("/data/payroll-2025.csv"), ()),
    ("medium", read("/app/.env"), ()),
    ("high", read("/etc/shadow"), (read("/app/.env"),)),
    ("critical", read("/proc/kcore"), ()),
    ("minimal", run("ls -la"), ()),
    ("low", run("npm test"), ()),
    ("medium", run("rm -rf build"), ()),
    ("high", run("sudo rm -rf /srv/app/data"), ()),
    ("critical", run("rm -rf /"), ()),
]


def fresh() -> Engine:
    return DEPLOYMENT.fresh_engine(FrozenClock(1_700_000_000.0))


@pytest.mark.parametrize(("tier", "call", "before"), TIERS)
def test_call_reaches_its_tier(tier: str, call: Call, before: tuple[Call, ...]) -> None:
    engine = fresh()
    for tool, args in before:
        engine.check(tool, args)
    assert engine.check(*call).tier == tier


@pytest.mark.parametrize("action", ["email.send", "files.read", "process.shell"])
def test_action_reaches_every_tier(action: str) -> None:
    reached = [tier for tier, call, _ in TIERS if call[0] == action]
    assert reached == ["minimal", "low", "medium", "high", "critical"]


@pytest.mark.parametrize(
    ("call", "before", "outcome"),
    [
        (mail("x@elsewhere.example"), (read("/app/.env"),), Outcome.DENY),
        (
            run("make"),
            (("iam.assign_role", {"user": "bot", "role": "admin"}),),
            Outcome.DENY,
        ),
        (
            ("payments.charge", {"amount": 1, "currency": "USD", "customer": "e"}),
            tuple(
                ("payments.charge", {"amount": 1, "currency": "USD", "customer": c}) for c in "ab"
            ),
            Outcome.HUMAN,
        ),
    ],
)
def test_same_call_gets_another_answer_in_another_session(
    call: Call, before: tuple[Call, ...], outcome: Outcome
) -> None:
    engine = fresh()
    calm = engine.check(*call, session="calm")
    for tool, args in before:
        engine.check(tool, args, session="tense")
    tense = engine.check(*call, session="tense")
    assert calm.outcome is Outcome.ALLOW
    assert tense.outcome is outcome
    assert tense.score > calm.score
    assert set(tense.rules) > set(calm.rules)


def test_refused_call_is_still_named_by_its_tool() -> None:
    decision = fresh().check("payments.charge", {"amount": "5,000", "customer": "c"})
    assert decision.error == "amount_ambiguous"
    assert decision.action == "payments.charge"
    assert fresh().check("nobody_knows", {"a": float("nan")}).action == "unknown.unclassified"
