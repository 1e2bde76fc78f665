"""The published walk-through, line by line: scores, tiers, decisions, flags, rules and policy tables."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

from permit0.build import Deployment, assemble
from permit0.config import parse_config
from permit0.model.decision import Decision
from permit0.model.rule import Rule, SessionAdjustment
from permit0.model.vocabulary import Amplifier, Effect, Flag, Outcome, Role
from permit0.testing.clock import FrozenClock

WALKTHROUGH: dict[str, Any] = yaml.safe_load(
    (Path(__file__).parent.parent / "walkthrough.yaml").read_text(encoding="utf-8")
)
START = 1_700_000_000.0
SCENARIOS = {scenario["id"]: scenario for scenario in WALKTHROUGH["scenarios"]}
STEPS = [(name, i) for name, scenario in SCENARIOS.items() for i in range(len(scenario["steps"]))]


@cache
def deployment(config: str) -> Deployment:
    """Compiled once for each configuration."""
    return assemble(parse_config(config, "walkthrough"))


@cache
def replayed(scenario: str) -> tuple[Decision, ...]:
    """All decisions of a scenario, each at its time, in one session."""
    clock = FrozenClock(START)
    engine = deployment(yaml.safe_dump({"org": WALKTHROUGH["org"]})).fresh_engine(clock)
    decisions = []
    for step in SCENARIOS[scenario]["steps"]:
        clock.set(START + step["at_s"])
        session = SCENARIOS[scenario]["session"]
        decisions.append(engine.check(step["tool"], step["args"], session=session))
    return tuple(decisions)


def test_walkthrough_has_fifteen_steps_and_twelve_scores() -> None:
    steps = [SCENARIOS[name]["steps"][i] for name, i in STEPS]
    assert len(steps) == 15
    assert sum("score" in step for step in steps) == 12


@pytest.mark.parametrize(("scenario", "index"), STEPS)
def test_step_gets_its_published_decision(scenario: str, index: int) -> None:
    step = SCENARIOS[scenario]["steps"][index]
    decision = replayed(scenario)[index]
    if "score" in step:
        assert round(decision.score, 2) == step["score"]
    assert decision.tier == step["tier"]
    assert decision.outcome == step["decision"]
    assert {Flag(flag) for flag in step.get("flags", ())} <= set(decision.flags)
    if "rule" in step:
        assert step["rule"] in decision.rules
        assert decision.reasons[0].rule == step["rule"]


class Row:
    """A published row with a call that it speaks of and a twin that it does not."""

    def __init__(
        self,
        rule: str,
        call: Mapping[str, Any],
        twin: Mapping[str, Any],
        *,
        before: tuple[tuple[float, str, Mapping[str, Any]], ...] = (),
        org: Mapping[str, Any] | None = None,
        twin_org: Mapping[str, Any] | None = None,
        twin_before: tuple[tuple[float, str, Mapping[str, Any]], ...] | None = None,
    ) -> None:
        self.rule, self.call, self.twin = rule, call, twin
        self.before = before
        self.twin_before = before if twin_before is None else twin_before
        self.org = org or {}
        self.twin_org = self.org if twin_org is None else twin_org


def pay(amount: object, to: str = "Alpha", **more: object) -> dict[str, object]:
    return {"amount": amount, "currency": "USD", "recipient": to, **more}


def charge(amount: object, customer: str = "cus_1", **more: object) -> dict[str, object]:
    return {"amount": amount, "currency": "USD", "customer": customer, **more}


def mail(to: object = "ann@acme-corp.com", body: str = "See you at ten.") -> dict[str, object]:
    return {"to": to, "subject": "Hello", "body": body}


def many(count: int) -> list[str]:
    return [f"person{i}@acme-corp.com" for i in range(count)]


def times(count: int, tool: str, gap_s: float, make: Any) -> tuple[Any, ...]:
    return tuple((i * gap_s, tool, make(i)) for i in range(count))


ROLE = (0.0, "iam.assign_role", {"user": "bot", "role": "admin"})
SECRET = (0.0, "files.read", {"path": "/app/.env"})
PLAIN = (0.0, "files.read", {"path": "/app/main.py"})

ROWS: dict[str, dict[str, Row]] = {
    "payments.transfer": {
        "amount < 1,000 (default currency)": Row("amount_under_1000", pay(999.99), pay(1000)),
        "1,000 <= amount <= 10,000": Row("amount_1000_to_10000", pay(10_000), pay(10_000.01)),
        "amount > 10,000": Row("amount_over_10000", pay(10_000.01), pay(10_000)),
        "amount > 250,000": Row("amount_over_250000", pay(250_000.01), pay(250_000)),
        "currency differs from the org's default": Row(
            "currency_foreign", pay(50, currency="EUR"), pay(50)
        ),
        "recipient not in the approved payees": Row(
            "payee_unapproved",
            pay(50),
            pay(50, "Known Ltd"),
            org={"approved_payees": ["Known Ltd"]},
        ),
        "environment is production": Row(
            "environment_production",
            pay(50),
            pay(50),
            org={"environment": "production"},
            twin_org={},
        ),
        "more than one transfer in the session": Row(
            "repeated_transfer",
            pay(50),
            pay(50),
            before=((0.0, "payments.transfer", pay(50)),),
            twin_before=(),
        ),
        "6 or more distinct recipients within 60 minutes": Row(
            "scatter_transfer",
            pay(50, "Last"),
            pay(50, "Vendor 1"),
            before=times(5, "payments.transfer", 60, lambda i: pay(50, f"Vendor {i}")),
        ),
        "cumulative transfers > 500,000": Row(
            "cumulative_transfer_cap",
            pay(100_000.01),
            pay(100_000),
            before=times(2, "payments.transfer", 60, lambda _: pay(200_000)),
        ),
        "preceded by iam.assign_role, then a large transfer": Row(
            "privilege_escalation_then_large_transfer", pay(10_001), pay(10_000), before=(ROLE,)
        ),
    },
    "payments.charge": {
        "amount < 100": Row("amount_under_100", charge(99.99), charge(100)),
        "100 <= amount <= 1,000": Row("amount_100_to_1000", charge(1000), charge(1000.01)),
        "amount > 1,000": Row("amount_over_1000", charge(1000.01), charge(1000)),
        "customer unknown (a customer list is configured and lacks it)": Row(
            "customer_unknown", charge(50, "cus_2"), charge(50), org={"customers": ["cus_1"]}
        ),
        "currency differs from the org's default": Row(
            "currency_foreign", charge(50, currency="EUR"), charge(50)
        ),
        "more than two charges in the session": Row(
            "repeated_charge",
            charge(50),
            charge(50),
            before=times(2, "payments.charge", 60, lambda _: charge(50)),
            twin_before=times(1, "payments.charge", 60, lambda _: charge(50)),
        ),
        "5 or more charges under 2.00 to distinct customers within 10 minutes": Row(
            "card_testing",
            charge(1.99, "last"),
            charge(2.00, "last"),
            before=times(4, "payments.charge", 60, lambda i: charge(1, f"cus_{i}")),
        ),
    },
    "email.send": {
        "every recipient is in an internal domain": Row(
            "internal", mail(), mail(["ann@acme-corp.com", "x@elsewhere.example"])
        ),
        "any recipient is external": Row("external", mail("x@elsewhere.example"), mail()),
        "the body or an attachment holds credentials or keys": Row(
            "credentials", mail(body="password = hunter2-Q9x!"), mail(body="password reset is done")
        ),
        "50 or more recipients, bcc included": Row(
            "mass_mailing", {**mail(many(25)), "bcc": many(50)[25:]}, mail(many(49))
        ),
        "send rate > 20 a minute": Row(
            "send_rate",
            mail(),
            mail(),
            before=times(20, "email.send", 1, lambda _: mail()),
            twin_before=times(19, "email.send", 1, lambda _: mail()),
        ),
        "external, and an EXPOSURE-flagged action is recent in the session": Row(
            "read_then_exfiltrate",
            mail("x@elsewhere.example"),
            mail("x@elsewhere.example"),
            before=(SECRET,),
            twin_before=(PLAIN,),
        ),
        "external, and the rate is > 20 a minute": Row(
            "bulk_external_send",
            mail("x@elsewhere.example"),
            mail(),
            before=times(20, "email.send", 1, lambda _: mail()),
        ),
        "a file was read in the last 5 actions": Row(
            "file_read_before",
            mail(),
            mail(),
            before=(PLAIN, *times(4, "email.send", 90, lambda _: mail())),
            twin_before=(PLAIN, *times(5, "email.send", 90, lambda _: mail())),
        ),
    },
    "files.read": {
        "documentation, README": Row(
            "documentation", {"path": "/app/README.md"}, {"path": "/app/main.py"}
        ),
        ".env, credentials.json and their kin": Row(
            "credentials",
            {"path": "/app/config/credentials.json"},
            {"path": "/app/config/app.json"},
        ),
        "/etc/shadow, /etc/passwd and other system credentials": Row(
            "system_credentials", {"path": "/etc/passwd"}, {"path": "/etc/hostname"}
        ),
        "the path matches a PII pattern": Row(
            "personal", {"path": "/data/payroll-2025.csv"}, {"path": "/data/weather-2025.csv"}
        ),
    },
    "process.shell": {
        "rm -rf, shred, truncate and their kin": Row(
            "destruction", {"command": "rm -rf build"}, {"command": "ls build"}
        ),
        "curl, wget, scp and their kin": Row(
            "egress",
            {"command": "curl https://elsewhere.example"},
            {"command": "grep curl notes.txt"},
        ),
        "sudo, chmod 777 and their kin": Row(
            "privilege", {"command": "chmod 777 run.sh"}, {"command": "chmod u+x run.sh"}
        ),
        "a password, token or key is handled": Row(
            "secret",
            {"command": "mysql -u root --password=hunter2 -e 'select 1'"},
            {"command": "pytest tests/test_password.py"},
        ),
        "iam.assign_role among the last 5 actions": Row(
            "privilege_escalation_then_exec",
            {"command": "make"},
            {"command": "make"},
            before=(ROLE,),
            twin_before=(PLAIN,),
        ),
    },
}


def decide(action: str, call: Mapping[str, Any], org: Mapping[str, Any], before: Any) -> Decision:
    config = {"org": {**WALKTHROUGH["org"], **org}}
    clock = FrozenClock(START)
    engine = deployment(yaml.safe_dump(config)).fresh_engine(clock)
    last = 0.0
    for at_s, tool, args in before:
        last = at_s
        clock.set(START + at_s)
        engine.check(tool, args)
    clock.set(START + last + 1)
    return engine.check(action, call)


PUBLISHED = [
    (action, row["when"], row)
    for action, table in WALKTHROUGH["policy_tables"].items()
    for row in [*table["rows"], *table.get("session", ())]
]


def test_every_published_row_has_a_test() -> None:
    published = {(action, when) for action, when, _ in PUBLISHED}
    tested = {(action, when) for action, rows in ROWS.items() for when in rows}
    assert published == tested


@pytest.mark.parametrize(("action", "when", "row"), PUBLISHED)
def test_published_row_fires_with_its_effect_and_points(
    action: str, when: str, row: dict[str, Any]
) -> None:
    case = ROWS[action][when]
    decision = decide(action, case.call, case.org, case.before)
    name = row.get("rule") or f"{action}/{case.rule}"
    assert name in decision.rules
    assert not decision.error
    if "rule" in row:
        assert decision.outcome is Outcome.DENY
        assert decision.reasons[0].rule == row["rule"]
        return
    line = next(line for line in lines(decision) if line.id == name)
    effect = row.get("effect")
    if effect is not None:
        assert line.effect == effect
    points = {tuple(Amplifier)[i].value: value for i, value in line.change.add}
    for amplifier, published in row.get("amplifiers", {}).items():
        if published == "down":
            assert points[amplifier] < 0
        elif published == "up":
            assert points[amplifier] > 0
        else:
            assert points[amplifier] == published
    raised = {tuple(Flag)[i]: role for i, role in line.change.raise_to}
    for flag in row.get("add_flags", ()):
        assert raised[Flag(flag)] is (
            Role.SECONDARY if row.get("role") == "secondary" else raised[Flag(flag)]
        )
        assert Flag(flag) in decision.flags
    if "promote" in row:
        assert raised[Flag(row["promote"])] is Role.PRIMARY
    for amplifier, value in row.get("override", {}).items():
        index = tuple(Amplifier).index(Amplifier(amplifier))
        assert decision.actions[0].score.amplifiers[index] == value
    match line.effect:
        case Effect.GATE | Effect.APPROVAL | Effect.HIGH | Effect.MEDIUM:
            assert decision.outcome is not Outcome.ALLOW
        case Effect.BLOCK:
            assert decision.outcome is Outcome.DENY
        case Effect.ALLOW | Effect.ALLOW_LOG:
            assert decision.outcome is Outcome.ALLOW
        case Effect.UPGRADE | Effect.DOWNGRADE:
            pass


@pytest.mark.parametrize(("action", "when", "row"), PUBLISHED)
def test_twin_of_a_published_row_does_not_fire_it(
    action: str, when: str, row: dict[str, Any]
) -> None:
    case = ROWS[action][when]
    decision = decide(action, case.twin, case.twin_org, case.twin_before)
    name = row.get("rule") or f"{action}/{case.rule}"
    if "rule" in row:
        assert name not in {reason.rule for reason in decision.reasons}
    else:
        assert name not in decision.rules
    assert not decision.error


@pytest.mark.parametrize("action", WALKTHROUGH["policy_tables"])
def test_published_starting_points_are_those_of_the_pack(action: str) -> None:
    table = WALKTHROUGH["policy_tables"][action]
    template = deployment("{}").catalog.actions[action].template
    assert template.risk_class == table["class"]
    roles = {flag.value: role for flag, role in zip(Flag, template.roles, strict=True) if role}
    words = {Role.PRIMARY: "primary", Role.SECONDARY: "secondary"}
    assert {flag: words[role] for flag, role in roles.items()} == table["flags"]
    if "base" in table:
        base = {a.value: points for a, points in zip(Amplifier, template.base, strict=True)}
        assert {a: p for a, p in base.items() if p} == table["base"]


def lines(decision: Decision) -> list[Rule | SessionAdjustment]:
    return [line for item in decision.actions for line in (*item.fired, *item.adjusted)]
