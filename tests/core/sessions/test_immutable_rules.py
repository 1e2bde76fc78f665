"""The seven immutable rules: one table of what all of them share, then each one's own edges."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import pytest

from permit0.engine import Engine
from permit0.model.decision import Decision
from permit0.model.vocabulary import Effect, Outcome, Tier
from permit0.sessions.rules import IMMUTABLE_RULES
from permit0.testing.clock import FrozenClock

Call = tuple[str, dict[str, object]]
MakeEngine = Callable[..., Engine]


def transfer(i: int, amount: object = 100, **more: object) -> Call:
    return "payments.transfer", {"amount": amount, "recipient": f"Vendor {i}", **more}


def charge(i: int, amount: object = 1, **more: object) -> Call:
    return "payments.charge", {"amount": amount, "customer": f"cus_{i}", **more}


def mail(to: str = "eve@evil.example") -> Call:
    return "email.send", {"to": to, "subject": "s", "body": "b"}


def read(path: str = "/app/src/main.py") -> Call:
    return "files.read", {"path": path}


SECRET = read("/app/.env")
ESCALATE: Call = ("iam.assign_role", {"user": "bob", "role": "admin"})
SHELL: Call = ("process.shell", {"command": "make"})


class Chain(NamedTuple):
    """Calls that bring a session to the edge, and the call that goes over it."""

    rule: str
    before: list[Call]
    last: Call
    window_s: float | None
    """After so many seconds since the first call, the last one is allowed again; None is never."""


CHAINS = [
    Chain("scatter_transfer", [transfer(i) for i in range(5)], transfer(5), 3600),
    Chain("card_testing", [charge(i) for i in range(4)], charge(4), 600),
    Chain("read_then_exfiltrate", [SECRET, *[read()] * 20], mail(), 3600),
    Chain("bulk_external_send", [mail() for _ in range(20)], mail(), 60),
    Chain(
        "cumulative_transfer_cap",
        [transfer(0, 200_000), transfer(0, 200_000)],
        transfer(0, 100_001),
        None,
    ),
    Chain(
        "privilege_escalation_then_large_transfer",
        [ESCALATE, *[read()] * 20],
        transfer(0, 10_001),
        3600,
    ),
    Chain("privilege_escalation_then_exec", [ESCALATE, *[read()] * 4], SHELL, None),
]
every_chain = pytest.mark.parametrize("chain", CHAINS, ids=lambda chain: chain.rule)


def send(engine: Engine, call: Call, **who: str | None) -> Decision:
    return engine.check(call[0], call[1], **{"session": "s", **who})  # type: ignore[arg-type]


def run(engine: Engine, chain: Chain, **who: str | None) -> None:
    for call in chain.before:
        assert not is_blocked(send(engine, call, **who), chain.rule)


def is_blocked(decision: Decision, rule: str) -> bool:
    found = any(
        finding.rule == rule and finding.effect is Effect.BLOCK
        for action in decision.actions
        for finding in action.findings
    )
    if found:
        assert decision.outcome is Outcome.DENY
        assert decision.tier is Tier.CRITICAL
        assert rule in decision.rules
        assert "session_block" in {reason.code for reason in decision.reasons}
    return found


def test_every_immutable_rule_is_in_the_table() -> None:
    assert sorted(chain.rule for chain in CHAINS) == sorted(IMMUTABLE_RULES)


@every_chain
def test_the_call_that_goes_over_the_edge_is_blocked(engine: Engine, chain: Chain) -> None:
    run(engine, chain)
    assert is_blocked(send(engine, chain.last), chain.rule)


@every_chain
def test_the_last_call_alone_is_not_blocked(engine: Engine, chain: Chain) -> None:
    assert not is_blocked(send(engine, chain.last), chain.rule)


@every_chain
def test_one_call_less_is_not_blocked(engine: Engine, chain: Chain) -> None:
    for call in chain.before[1:]:
        send(engine, call)
    assert not is_blocked(send(engine, chain.last), chain.rule)


@every_chain
def test_it_stays_blocked(engine: Engine, chain: Chain) -> None:
    run(engine, chain)
    assert is_blocked(send(engine, chain.last), chain.rule)
    assert is_blocked(send(engine, chain.last), chain.rule)


@every_chain
def test_the_edge_of_the_window_is_exact_to_the_second(
    engine: Engine, chain: Chain, clock: FrozenClock
) -> None:
    if chain.window_s is None:
        run(engine, chain)
        clock.advance(30 * 24 * 3600)
        assert is_blocked(send(engine, chain.last), chain.rule)
        return
    for seconds, blocked in ((chain.window_s, True), (chain.window_s + 1, False)):
        session = f"s{seconds}"
        run(engine, chain, session=session)
        clock.advance(seconds)
        assert is_blocked(send(engine, chain.last, session=session), chain.rule) is blocked


@every_chain
def test_a_chain_split_over_sessions_of_one_principal_is_blocked(
    engine: Engine, chain: Chain
) -> None:
    for i, call in enumerate(chain.before):
        send(engine, call, session=f"s{i}", principal="alice")
    assert is_blocked(send(engine, chain.last, session="last", principal="alice"), chain.rule)


@every_chain
@pytest.mark.parametrize(
    "who",
    [
        {"session": "other", "principal": "bob"},
        {"session": "other", "principal": "alice", "agent": "another"},
        {"session": "other", "principal": None},
        {"session": "other", "principal": ""},
    ],
    ids=["another principal", "another agent", "no principal", "an empty principal"],
)
def test_somebody_else_is_not_blocked(
    engine: Engine, chain: Chain, who: dict[str, str | None]
) -> None:
    run(engine, chain, principal="alice")
    assert not is_blocked(send(engine, chain.last, **who), chain.rule)
    assert is_blocked(send(engine, chain.last, principal="alice"), chain.rule)


@every_chain
def test_without_a_principal_sessions_are_apart(engine: Engine, chain: Chain) -> None:
    run(engine, chain)
    assert not is_blocked(send(engine, chain.last, session="other"), chain.rule)


@every_chain
def test_refused_attempts_count(engine: Engine, chain: Chain, clock: FrozenClock) -> None:
    """A deny entry refuses every call of the chain; the chain is found all the same."""
    from permit0.build import assemble
    from permit0.config import parse_config

    tools = sorted({call[0] for call in (*chain.before, chain.last)})
    entries = "".join(f"\n  - {{action: {tool}, reason: r}}" for tool in tools)
    text = f"org: {{domains: [acme-corp.com]}}\nlists:\n  deny:{entries}\n"
    denying = assemble(parse_config(text, "permit0.yaml"), clock=clock).engine
    for call in chain.before:
        assert send(denying, call).outcome is Outcome.DENY
    assert is_blocked(send(denying, chain.last), chain.rule)


@every_chain
def test_a_clock_that_goes_back_changes_nothing(
    engine: Engine, chain: Chain, clock: FrozenClock
) -> None:
    for call in chain.before:
        send(engine, call)
        clock.advance(-7200)
    assert is_blocked(send(engine, chain.last), chain.rule)


@every_chain
def test_a_block_is_immutable_and_no_list_lifts_it(chain: Chain, clock: FrozenClock) -> None:
    from permit0.build import assemble
    from permit0.config import parse_config

    end = "expires: '2099-01-01T00:00:00Z'"
    text = (
        "org: {domains: [acme-corp.com]}\n"
        f"lists: {{allow: [{{tool: {chain.last[0]}, reason: r, owner: o, {end}}}]}}\n"
    )
    allowing = assemble(parse_config(text, "permit0.yaml"), clock=clock).engine
    run(allowing, chain)
    decision = send(allowing, chain.last)
    assert is_blocked(decision, chain.rule)
    assert all(
        finding.immutable
        for action in decision.actions
        for finding in action.findings
        if finding.effect is Effect.BLOCK
    )


WARNINGS = [
    ("scatter_transfer", [transfer(i) for i in range(4)], transfer(4), "5 of 6 recipients in 60 minutes"),
    ("card_testing",
    [charge(i) for i in range(3)], charge(3), "4 of 5 customers with charges under 2 in 10 minutes"),
    ("bulk_external_send", [mail() for _ in range(14)], mail(), "15 of 20 mails in a minute"),
    ("cumulative_transfer_cap",
    [transfer(0, 200_000)], transfer(0, 100_000), "transfers add up to 300,000.00 of 500,000"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("rule", "before", "last", "message"), WARNINGS, ids=lambda v: v if isinstance(v, str) else ""
)
def test_a_warning_says_how_far_it_is_to_a_block(
    engine: Engine, rule: str, before: list[Call], last: Call, message: str
) -> None:
    for call in before:
        send(engine, call)
    findings = [f for a in send(engine, last).actions for f in a.findings if f.rule == rule]
    assert [(f.effect, f.message) for f in findings] == [(Effect.UPGRADE, message)]


TIGHTENED: list[tuple[str, dict[str, object], list[Call], Call]] = [
    ("scatter_transfer", {"scatter_recipients": 3}, [transfer(0), transfer(1)], transfer(2)),
    ("scatter_transfer", {"scatter_recipients": 1}, [], transfer(0)),
    ("card_testing", {"card_testing_charges": 2}, [charge(0)], charge(1)),
    ("card_testing", {"card_testing_below": 50}, [charge(i, 40) for i in range(4)], charge(4, 49)),
    ("bulk_external_send", {"bulk_mails_per_minute": 1}, [mail()], mail()),
    ("cumulative_transfer_cap", {"transfer_total": 150}, [transfer(0)], transfer(0)),
    ("read_then_exfiltrate", {"exposure_window_actions": 40}, [SECRET, *[read()] * 39], mail()),
    ("privilege_escalation_then_exec", {"escalation_exec_actions": 9}, [ESCALATE, *[read()] * 8], SHELL),
    ("privilege_escalation_then_large_transfer",
    {"escalation_large_amount": 50}, [ESCALATE], transfer(0, 51)),
]  # fmt: skip


@pytest.mark.parametrize(
    ("rule", "limits", "before", "last"), TIGHTENED, ids=lambda v: v if isinstance(v, str) else ""
)
def test_a_tightened_limit_blocks_earlier(
    make_engine: MakeEngine,
    clock: FrozenClock,
    rule: str,
    limits: dict[str, object],
    before: list[Call],
    last: Call,
) -> None:
    published, tightened = make_engine(), make_engine(**limits)
    for call in before:
        send(published, call)
        assert not is_blocked(send(tightened, call), rule)
    if rule == "read_then_exfiltrate":
        clock.advance(3601)  # only the actions count now
    assert is_blocked(send(tightened, last), rule)
    assert not is_blocked(send(published, last), rule)


@pytest.mark.parametrize(
    ("limits", "chain"),
    [
        ({"scatter_window_minutes": 120}, CHAINS[0]),
        ({"card_testing_window_minutes": 20}, CHAINS[1]),
        ({"exposure_window_minutes": 120}, CHAINS[2]),
        ({"escalation_window_minutes": 120}, CHAINS[5]),
    ],
    ids=lambda v: v.rule if isinstance(v, Chain) else "",
)
def test_a_longer_window_remembers_longer(
    make_engine: MakeEngine, clock: FrozenClock, limits: dict[str, object], chain: Chain
) -> None:
    assert chain.window_s is not None
    published, tightened = make_engine(), make_engine(**limits)
    for engine in (published, tightened):
        run(engine, chain)
    clock.advance(chain.window_s + 1)
    assert is_blocked(send(tightened, chain.last), chain.rule)
    assert not is_blocked(send(published, chain.last), chain.rule)


# ---------------------------------------------------------------------------------- own edges


def test_the_same_recipients_again_are_no_scatter(engine: Engine) -> None:
    for i in range(30):
        assert not is_blocked(send(engine, transfer(i % 5)), "scatter_transfer")
    assert is_blocked(send(engine, transfer(5)), "scatter_transfer")


def test_every_way_to_pay_out_counts_for_scatter(engine: Engine) -> None:
    tools = ["payments.transfer", "payments.schedule_transfer", "payments.payout"]
    for i in range(5):
        send(engine, (tools[i % 3], {"amount": 10, "recipient": f"V{i}"}))
    for tool in tools:
        assert is_blocked(
            send(engine, (tool, {"amount": 10, "recipient": "V5"})), "scatter_transfer"
        )


@pytest.mark.parametrize(
    ("amount", "blocked"),
    [("1.99", True), ("2.00", False), (1, True), (2, False), ("0.99 EUR", True), ("1 EUR", False)],
)
def test_a_charge_counts_for_card_testing_if_it_is_under_two(
    engine: Engine, amount: object, blocked: bool
) -> None:
    for i in range(4):
        send(engine, charge(i))
    assert is_blocked(send(engine, charge(4, amount)), "card_testing") is blocked


def test_charges_of_two_and_more_are_no_card_testing(engine: Engine) -> None:
    for i in range(10):
        assert not is_blocked(send(engine, charge(i, 2)), "card_testing")


@pytest.mark.parametrize(
    ("amount", "blocked"),
    [(100_000, False), ("100000.01", True), ("50000 EUR", False), ("50000.01 EUR", True)],
)
def test_the_cap_is_exact_to_the_cent_and_in_the_default_currency(
    engine: Engine, amount: object, blocked: bool
) -> None:
    send(engine, transfer(0, 200_000))
    send(engine, transfer(1, "100000 EUR"))
    assert is_blocked(send(engine, transfer(0, amount)), "cumulative_transfer_cap") is blocked


def test_the_cap_counts_other_sessions_of_the_principal_for_a_day(
    engine: Engine, clock: FrozenClock
) -> None:
    rule = "cumulative_transfer_cap"
    for session in ("a", "b"):
        send(engine, transfer(0, 240_000), session=session, principal="alice")
    clock.advance(24 * 3600)
    last = transfer(0, 20_001)
    assert is_blocked(send(engine, last, session="c", principal="alice"), rule)
    clock.advance(1)
    assert not is_blocked(send(engine, last, session="d", principal="alice"), rule)


@pytest.mark.parametrize(
    ("amount", "blocked"),
    [
        (10_000, False),
        ("10000.01", True),
        ("5000.01 EUR", True),
        ("5000 EUR", False),
        ("1 KWD", True),
    ],
)
def test_after_an_escalation_a_large_transfer_is_blocked_and_an_unknown_rate_is_large(
    engine: Engine, amount: object, blocked: bool
) -> None:
    rule = "privilege_escalation_then_large_transfer"
    assert not is_blocked(send(engine, transfer(0, amount)), rule)
    send(engine, ESCALATE)
    assert is_blocked(send(engine, transfer(0, amount)), rule) is blocked


@pytest.mark.parametrize("calls", [0, 4, 5])
@pytest.mark.parametrize(
    "last",
    [
        SHELL,
        ("process.shell", {"command": "ls"}),
        ("process.run_script", {"script": "print(1)", "language": "python"}),
        ("process.schedule", {"command": "make", "schedule": "@daily"}),
    ],
    ids=lambda call: call[0],
)
def test_code_after_an_escalation_is_blocked_for_five_actions(
    engine: Engine, last: Call, calls: int
) -> None:
    send(engine, ESCALATE)
    for _ in range(calls):
        send(engine, read())
    decision = send(engine, last)
    assert decision.error == ""
    assert is_blocked(decision, "privilege_escalation_then_exec") is (calls < 5)


@pytest.mark.parametrize("calls", [20, 21])
@pytest.mark.parametrize("seconds", [3600, 3601])
def test_an_exposure_is_recent_by_time_or_by_actions(
    engine: Engine, clock: FrozenClock, calls: int, seconds: int
) -> None:
    send(engine, SECRET)
    for _ in range(calls - 1):
        send(engine, read())
    clock.advance(seconds)
    recent = calls <= 20 or seconds <= 3600
    assert is_blocked(send(engine, mail()), "read_then_exfiltrate") is recent


def test_internal_mail_after_an_exposure_is_not_blocked(engine: Engine) -> None:
    send(engine, SECRET)
    assert not is_blocked(send(engine, mail("bob@acme-corp.com")), "read_then_exfiltrate")


def test_internal_mail_is_no_bulk_but_counts(engine: Engine) -> None:
    for _ in range(25):
        assert not is_blocked(send(engine, mail("bob@acme-corp.com")), "bulk_external_send")
    assert is_blocked(send(engine, mail()), "bulk_external_send")


def test_a_busy_agent_with_many_principals_is_not_blocked(engine: Engine) -> None:
    blocks = set(IMMUTABLE_RULES)
    for i in range(300):
        who = {"session": f"s{i}", "principal": f"p{i}"}
        for call in (transfer(i, 900), charge(i), mail(), read()):
            decision = send(engine, call, **who)
            assert not any(is_blocked(decision, rule) for rule in blocks)
