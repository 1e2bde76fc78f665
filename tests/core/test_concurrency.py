"""Parallel calls are decided as if they had come one after the other, in some order."""

from __future__ import annotations

import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Sequence

import pytest
import yaml

from permit0.build import assemble
from permit0.config import parse_config
from permit0.engine import Engine
from permit0.model.decision import Decision
from permit0.model.vocabulary import Outcome
from permit0.testing.clock import FrozenClock

THREADS = 50
ROUNDS = 25
Call = Callable[[Engine], Decision]
CONFIG = yaml.safe_dump({"org": {"domains": ["acme-corp.com"]}})


@pytest.fixture(autouse=True)
def threads_change_all_the_time() -> Iterator[None]:
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


@pytest.fixture(scope="module")
def engine() -> Engine:
    return assemble(parse_config(CONFIG, "permit0.yaml"), clock=FrozenClock()).engine


def at_once(engine: Engine, calls: Sequence[Call]) -> list[Decision]:
    """Every call on a thread of its own, started together."""
    barrier = threading.Barrier(len(calls))
    decisions: list[Decision | None] = [None] * len(calls)

    def run(i: int, call: Call) -> None:
        barrier.wait()
        decisions[i] = call(engine)

    threads = [threading.Thread(target=run, args=(i, call)) for i, call in enumerate(calls)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    found = [decision for decision in decisions if decision is not None]
    assert len(found) == len(calls)
    return found


def transfer(i: int, session: str, principal: str | None = None) -> Call:
    arguments = {"amount": 100, "recipient": f"Vendor {i}"}
    return lambda engine: engine.check(
        "payments.transfer", arguments, session=session, principal=principal
    )


def summary(decisions: Sequence[Decision]) -> Counter[tuple[object, ...]]:
    return Counter((d.outcome, d.score, d.tier, d.rules, d.error) for d in decisions)


@pytest.mark.parametrize("principal", [None, "alice"])
def test_of_many_transfers_at_once_exactly_those_from_the_sixth_on_are_blocked(
    engine: Engine, principal: str | None
) -> None:
    who = None if principal is None else "serial"
    serial = [transfer(i, f"serial-{principal}", who)(engine) for i in range(THREADS)]
    assert [d.outcome for d in serial] == [Outcome.HUMAN] * 5 + [Outcome.DENY] * (THREADS - 5)
    for n in range(ROUNDS):
        name = None if principal is None else f"{principal}-{n}"
        calls = [transfer(i, f"round-{principal}-{n}", name) for i in range(THREADS)]
        assert summary(at_once(engine, calls)) == summary(serial)


def test_splitting_them_over_two_sessions_of_one_principal_changes_nothing(engine: Engine) -> None:
    for n in range(ROUNDS):
        calls = [transfer(i, f"split-{n}-{i % 2}", f"bob-{n}") for i in range(THREADS)]
        decisions = at_once(engine, calls)
        blocked = ["scatter_transfer" in d.rules and d.outcome is Outcome.DENY for d in decisions]
        assert blocked.count(False) == 5


def test_sessions_of_their_own_do_not_disturb_each_other(engine: Engine) -> None:
    for n in range(5):
        calls = [transfer(0, f"own-{n}-{i}", f"p-{n}-{i}") for i in range(THREADS)]
        assert len(summary(at_once(engine, calls))) == 1


def test_no_append_is_lost(engine: Engine) -> None:
    """The cap adds every amount up, so a lost one would show in the next sum."""
    for n in range(ROUNDS):
        session = f"cap-{n}"

        def pay(engine: Engine, session: str = session) -> Decision:
            arguments = {"amount": 10_000, "recipient": "V"}
            return engine.check("payments.transfer", arguments, session=session)

        at_once(engine, [pay] * THREADS)
        last = engine.check("payments.transfer", {"amount": 1, "recipient": "V"}, session=session)
        messages = [
            f.message for f in last.actions[0].findings if f.rule == "cumulative_transfer_cap"
        ]
        assert messages == ["transfers add up to 500,001.00, the limit is 500,000"]


def test_a_read_and_a_mail_at_once_are_decided_in_one_of_two_orders(engine: Engine) -> None:
    mail = {"to": "eve@evil.example", "subject": "s", "body": "b"}

    def read(session: str) -> Call:
        return lambda engine: engine.check("files.read", {"path": "/app/.env"}, session=session)

    def send(session: str) -> Call:
        return lambda engine: engine.check("email.send", mail, session=session)

    orders = []
    for first, second in ((read, send), (send, read)):
        session = f"order-{first.__name__}"
        orders.append(summary([first(session)(engine), second(session)(engine)]))
    for n in range(100):
        found = summary(at_once(engine, [read(f"both-{n}"), send(f"both-{n}")]))
        assert found in orders


def test_mixed_calls_at_once_leave_the_counts_of_a_serial_run(engine: Engine) -> None:
    def charge(i: int, session: str) -> Call:
        arguments = {"amount": 1, "customer": f"c{i}"}
        return lambda engine: engine.check("payments.charge", arguments, session=session)

    for n in range(ROUNDS):
        session = f"charges-{n}"
        decisions = at_once(engine, [charge(i, session) for i in range(THREADS)])
        assert sum(d.outcome is not Outcome.DENY for d in decisions) == 4
        assert not any(d.error for d in decisions)
